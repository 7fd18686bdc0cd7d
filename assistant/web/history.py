"""The routes of a visitor's conversations: what the page's script reads and changes, and their export.

    GET    /conversations                 {"conversations": [{"id", "title", "changed"}, …], "locked"}
    PATCH  /conversations/{id}            {"title": …}
    DELETE /conversations/{id}            {"undo": the name to bring it back under}
    POST   /conversations/undo            {"name": …}
    PUT    /answer/{id}/verdict           {"verdict": "helpful", "not helpful", "wrong source" or null}; one
                                          that is not helpful may have a "reason" and a "remark"
    GET    /answer/{id}.md                the answer, for a file;  .txt: as plain words, to be pasted
    GET    /api/v1/conversations          the visitor's conversations, and their ids
    GET    /api/v1/conversations/{id}     one of them as JSON;  {id}.md, {id}.docx: for a file

Who asks is told by the visitor's cookie; what is another's is not found. No script of another origin
gets here: the application refuses its requests.
"""

# No `from __future__ import annotations` here: FastAPI evaluates the annotations of its endpoints,
# and those imported inside a function could not be found by name.
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from assistant.answers import Answer
from assistant.errors import ConversationNotFoundError
from assistant.render import Authors, to_markdown, to_text, visible
from assistant.web.conversations import (
    LONGEST_REMARK,
    Conversation,
    Conversations,
    Exchange,
    Reason,
    State,
    Verdict,
)
from assistant.web.files import DOCX, MARKDOWN, attached, conversation_docx, conversation_markdown
from assistant.web.rest import ERRORS, AnswerOut
from assistant.web.visitors import NOT_KEPT, known_visitor, visitor_of

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI


class HeadingOut(BaseModel):
    """`changed` is when its last question was asked."""

    id: str
    title: str
    changed: datetime


class ConversationsOut(BaseModel):
    """The visitor's conversations, the last used first."""

    conversations: list[HeadingOut]


class FiltersOut(BaseModel):
    sources: list[str]
    after: date | None
    before: date | None
    authors: list[str]
    tags: list[str]


class ExchangeOut(BaseModel):
    """A question, what it was limited to, and its answer; None where none was written. One that was
    "stopped" has the part that there was."""

    id: str
    question: str
    asked: datetime
    filters: FiltersOut
    state: State
    answer: AnswerOut | None
    failure: str
    verdict: Verdict | None
    reason: Reason | None
    remark: str


class ConversationOut(BaseModel):
    """A conversation, its exchanges oldest first."""

    id: str
    title: str
    exchanges: list[ExchangeOut]


class TitleIn(BaseModel):
    """The body of PATCH /conversations/{id}."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=1_000)


class UndoIn(BaseModel):
    """The body of POST /conversations/undo."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100)


class VerdictIn(BaseModel):
    """The body of PUT /answer/{id}/verdict."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict | None
    reason: Reason | None = None
    remark: str = Field("", max_length=LONGEST_REMARK)


def add_history(app: "FastAPI", conversations: Conversations, *, locked: bool = False) -> None:
    """Serve the conversations of whoever asks. `locked`: the page has a password, so that its script
    offers to log out."""
    from fastapi import Request
    from fastapi.responses import JSONResponse, Response

    @app.get("/conversations", include_in_schema=False)
    def listed(request: Request) -> JSONResponse:
        visitor = visitor_of(request.cookies)
        headings = [] if visitor is None else conversations.headings(visitor)
        rows = [{"id": h.id, "title": h.title, "changed": h.changed} for h in headings]
        return JSONResponse({"conversations": rows, "locked": locked}, headers=NOT_KEPT)

    @app.patch("/conversations/{conversation_id}", include_in_schema=False)
    def rename(conversation_id: str, named: TitleIn, request: Request) -> Response:
        conversations.rename(known_visitor(request.cookies), conversation_id, named.title)
        return Response(status_code=204)

    @app.delete("/conversations/{conversation_id}", include_in_schema=False)
    def remove(conversation_id: str, request: Request) -> JSONResponse:
        name = conversations.remove(known_visitor(request.cookies), conversation_id)
        return JSONResponse({"undo": name}, headers=NOT_KEPT)

    @app.post("/conversations/undo", include_in_schema=False)
    def undo(named: UndoIn, request: Request) -> Response:
        conversations.undo(known_visitor(request.cookies), named.name)
        return Response(status_code=204)

    @app.put("/answer/{exchange_id}/verdict", include_in_schema=False)
    def rate(exchange_id: str, rated: VerdictIn, request: Request) -> Response:
        visitor = known_visitor(request.cookies)
        conversations.rate(visitor, exchange_id, rated.verdict, rated.reason, rated.remark)
        return Response(status_code=204)

    @app.get("/answer/{exchange_id}.md", include_in_schema=False)
    def export(exchange_id: str, request: Request, save: bool = False) -> Response:
        answer = answered(exchange_id, request)
        headers = dict(NOT_KEPT)
        if save:
            headers["Content-Disposition"] = 'attachment; filename="answer.md"'
        text = to_markdown(answer)
        return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)

    @app.get("/answer/{exchange_id}.txt", include_in_schema=False)
    def plain(exchange_id: str, request: Request) -> Response:
        answer = answered(exchange_id, request)
        text = f"{visible(answer.question)}\n\n{to_text(answer)}\n"
        return Response(text, media_type="text/plain; charset=utf-8", headers=NOT_KEPT)

    def answered(exchange_id: str, request: Request) -> Answer:
        exchange = conversations.exchange(known_visitor(request.cookies), exchange_id)
        if exchange.state != "answered" or exchange.answer is None:
            raise ConversationNotFoundError("this question has no answer to be saved.")
        return exchange.answer


def conversation_routes(conversations: Conversations, authors: Authors) -> "APIRouter":
    """The export of the conversations of whoever asks; `authors` says who wrote an article."""
    from fastapi import APIRouter, Request
    from fastapi.responses import JSONResponse, Response

    router = APIRouter(prefix="/api/v1/conversations", tags=["Conversations"], responses=ERRORS)

    @router.get(
        "",
        response_model=ConversationsOut,
        summary="List your conversations",
        description="Yours are those of the page in the browser whose cookie is sent.",
    )
    def listed(request: Request) -> JSONResponse:
        visitor = visitor_of(request.cookies)
        headings = [] if visitor is None else conversations.headings(visitor)
        rows = [HeadingOut(id=h.id, title=h.title, changed=_moment(h.changed)) for h in headings]
        told = ConversationsOut(conversations=rows)
        return JSONResponse(told.model_dump(mode="json"), headers=NOT_KEPT)

    @router.get(
        "/{conversation_id}.md",
        summary="One of your conversations as Markdown",
        response_class=Response,
        responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
    )
    def markdown(conversation_id: str, request: Request) -> Response:
        found = conversations.get(known_visitor(request.cookies), conversation_id)
        return attached(conversation_markdown(found, authors), MARKDOWN, "conversation.md")

    @router.get(
        "/{conversation_id}.docx",
        summary="One of your conversations as a document for Word",
        response_class=Response,
        responses={200: {"content": {DOCX: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def docx(conversation_id: str, request: Request) -> Response:
        found = conversations.get(known_visitor(request.cookies), conversation_id)
        return attached(conversation_docx(found, authors), DOCX, "conversation.docx")

    @router.get(
        "/{conversation_id}",
        response_model=ConversationOut,
        summary="One of your conversations, with the answers as they were given",
    )
    def one(conversation_id: str, request: Request) -> JSONResponse:
        found = conversations.get(known_visitor(request.cookies), conversation_id)
        return JSONResponse(_exported(found), headers=NOT_KEPT)

    return router


def _exported(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "exchanges": [_exchange(each) for each in conversation.exchanges],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    filters = FiltersOut(
        sources=list(exchange.filters.sources),
        after=exchange.filters.after,
        before=exchange.filters.before,
        authors=list(exchange.filters.authors),
        tags=list(exchange.filters.tags),
    )
    return {
        "id": exchange.id,
        "question": exchange.question,
        "asked": _moment(exchange.asked).isoformat(),
        "filters": filters.model_dump(mode="json"),
        "state": exchange.state,
        "answer": None if exchange.answer is None else exchange.answer.to_dict(),
        "failure": exchange.failure,
        "verdict": exchange.verdict,
        "reason": exchange.reason,
        "remark": exchange.remark,
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
