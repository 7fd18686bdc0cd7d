"""The routes of a visitor's conversations: what the page's script reads and changes, and exports.

    GET    /conversations                 {"conversations": [{"id", "title", "changed"}, …], "locked"}
    PATCH  /conversations/{id}            {"title": …}
    DELETE /conversations/{id}            {"undo": the name to restore it under}
    POST   /conversations/undo            {"name": …}
    PUT    /answer/{id}/verdict           {"verdict": "helpful", "not helpful", "wrong source" or null}; one
                                          that is not helpful may have a "reason" and a "remark"
    GET    /answer/{id}.md                the answer, for a file;  .txt: as plain text, for pasting
    GET    /api/v1/conversations          the asker's conversations, with their ids
    POST   /api/v1/conversations          {"question": …, filters}: begins a conversation, answered and saved
    POST   /api/v1/conversations/{id}     the next question in one: what was said before is taken into account
    GET    /api/v1/conversations/{id}     one as JSON;  {id}.md, {id}.docx: for a file
    DELETE /api/v1/conversations/{id}     removes one

The visitor's cookie, or below /api/v1 the key if there is one, says who is asking; what belongs to
another is not found. Scripts of other origins do not get here: the application refuses their
requests.
"""

# No `from __future__ import annotations` here: FastAPI evaluates the annotations of its endpoints,
# and those imported inside a function could not be found by name.
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from assistant.answers import Answer
from assistant.errors import ConversationNotFoundError, QuestionError
from assistant.render.markdown import to_markdown
from assistant.render.parts import Authors
from assistant.render.plain import to_text
from assistant.render.text import visible
from assistant.web.asking import LONGEST, Desk
from assistant.web.conversations import (
    LONGEST_REMARK,
    Conversation,
    Conversations,
    Exchange,
    Filters,
    Reason,
    State,
    Verdict,
)
from assistant.web.files import DOCX, MARKDOWN, attached, conversation_docx, conversation_markdown
from assistant.web.keyed import asker_of, known_asker
from assistant.web.shapes import ERRORS, AnswerOut, RemovedOut
from assistant.web.visitors import NOT_KEPT, caller_of, known_visitor, visitor_of

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

_YOURS = "Yours are those of the key that is sent; without one, those of the page in the browser whose cookie is."


class AskIn(BaseModel):
    """A question and filters; both days are inclusive, and an empty list is no limit."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1, max_length=LONGEST, pattern=r"\S")
    sources: list[str] = []
    after: date | None = None
    before: date | None = None
    authors: list[str] = []
    tags: list[str] = []

    def filters(self) -> Filters:
        names = tuple(self.authors), tuple(self.tags)
        return Filters(tuple(self.sources), self.after, self.before, (), *names)


class HeadingOut(BaseModel):
    """`changed` is when its last question was asked."""

    id: str
    title: str
    changed: datetime


class ConversationsOut(BaseModel):
    """Your conversations, the last used first."""

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


class AskedOut(ExchangeOut):
    """A question that was just asked, with the id of its conversation."""

    conversation: str


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
    """Serve the asker's conversations. `locked`: the page has a password, so its script offers to
    log out."""
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


def conversation_routes(conversations: Conversations, authors: Authors, desk: Desk) -> "APIRouter":
    """The asker's conversations; `authors` says who wrote an article, and `desk` answers."""
    from fastapi import APIRouter, Request
    from fastapi.responses import JSONResponse, Response
    from starlette.concurrency import run_in_threadpool

    router = APIRouter(prefix="/api/v1/conversations", tags=["Conversations"], responses=ERRORS)

    @router.get(
        "",
        response_model=ConversationsOut,
        summary="List your conversations",
        description=_YOURS,
    )
    def listed(request: Request) -> JSONResponse:
        asker = asker_of(request)
        headings = [] if asker is None else conversations.headings(asker)
        rows = [HeadingOut(id=h.id, title=h.title, changed=_moment(h.changed)) for h in headings]
        told = ConversationsOut(conversations=rows)
        return JSONResponse(told.model_dump(mode="json"), headers=NOT_KEPT)

    async def ask(given: AskIn, request: Request, conversation_id: str | None) -> JSONResponse:
        asker = asker_of(request)
        if asker is None:
            raise QuestionError(
                "conversations are kept for a key, or for a visitor of the page: send a key of "
                "`dateline key create`, or the page's cookie. /api/v1/answer answers without either."
            )
        caller = caller_of(request.scope)
        taken = partial(desk.ask, asker, given.question, given.filters(), conversation_id)
        exchange = await run_in_threadpool(taken, caller=caller)
        async for _ in desk.follow(exchange.id):
            pass
        ended = await run_in_threadpool(conversations.exchange, asker, exchange.id)
        told = {"conversation": exchange.conversation_id, **_exchange(ended)}
        return JSONResponse(told, 201, headers=NOT_KEPT)

    @router.post(
        "",
        status_code=201,
        response_model=AskedOut,
        summary="Begin a conversation with a question",
        description=f"It is answered, and kept. {_YOURS} A question that failed is kept, too, and tells "
        "why: look at `state`. Who closes the connection finds the answer in the conversation later.",
    )
    async def begin(given: AskIn, request: Request) -> JSONResponse:
        return await ask(given, request, None)

    @router.post(
        "/{conversation_id}",
        status_code=201,
        response_model=AskedOut,
        summary="Ask the next question of one of your conversations",
    )
    async def go_on(conversation_id: str, given: AskIn, request: Request) -> JSONResponse:
        return await ask(given, request, conversation_id)

    @router.delete("/{conversation_id}", summary="Remove one of your conversations")
    def remove(conversation_id: str, request: Request) -> RemovedOut:
        conversations.remove(known_asker(request), conversation_id)
        return RemovedOut(removed=conversation_id)

    @router.get(
        "/{conversation_id}.md",
        summary="One of your conversations as Markdown",
        response_class=Response,
        responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
    )
    def markdown(conversation_id: str, request: Request) -> Response:
        found = conversations.get(known_asker(request), conversation_id)
        return attached(conversation_markdown(found, authors), MARKDOWN, "conversation.md")

    @router.get(
        "/{conversation_id}.docx",
        summary="One of your conversations as a document for Word",
        response_class=Response,
        responses={200: {"content": {DOCX: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def docx(conversation_id: str, request: Request) -> Response:
        found = conversations.get(known_asker(request), conversation_id)
        return attached(conversation_docx(found, authors), DOCX, "conversation.docx")

    @router.get(
        "/{conversation_id}",
        response_model=ConversationOut,
        summary="One of your conversations, with the answers as they were given",
    )
    def one(conversation_id: str, request: Request) -> JSONResponse:
        found = conversations.get(known_asker(request), conversation_id)
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
