"""The routes of a visitor's saved quotes, for the page's script and for programs with its cookie.

    GET    /api/v1/quotes               the visitor's, most recent first; .md and .docx: all, for a file
    POST   /api/v1/quotes               {"article_id", "start", "end", "quote", "note"}, or {"answer",
                                        "number", "note"}: a citation of one of his answers
    PATCH  /api/v1/quotes/{id}          {"note"}
    DELETE /api/v1/quotes/{id}          {"undo": the name to restore it under}
    POST   /api/v1/quotes/undo          {"name"}

The visitor's cookie says who is asking; what belongs to another is not found, and no key opens it.
"""

# No `from __future__ import annotations` here: FastAPI evaluates the annotations of its endpoints.
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.answers import Citation
from assistant.errors import QuestionError, QuoteNotFoundError
from assistant.render.quoted import Quoted, article_address
from assistant.web.conversations import Conversations
from assistant.web.files import DOCX, MARKDOWN, attached, quotes_docx, quotes_markdown
from assistant.web.quotes import LONGEST_NOTE, LONGEST_QUOTE, SavedQuote
from assistant.web.reading import authors_of
from assistant.web.shapes import ERRORS
from assistant.web.visitors import NOT_KEPT, known_visitor, visitor_of
from vectorstore.errors import ArticleNotFoundError
from vectorstore.index import Index

if TYPE_CHECKING:
    from fastapi import APIRouter

_CHANGED = "these words do not stand at this place of the article (any more): open it again."


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=LONGEST_NOTE)


class QuoteIn(_In):
    """The words of an article from character `start` up to `end`, as they are read there."""

    article_id: str = Field(max_length=2_000)
    start: int = Field(ge=0, le=2**31)
    end: int = Field(ge=0, le=2**31)
    quote: str = Field(min_length=1, max_length=LONGEST_QUOTE)


class CitedIn(_In):
    """The citation of this number in one of the visitor's answers."""

    answer: str = Field(max_length=100)
    number: int


class NoteIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = Field(max_length=LONGEST_NOTE)


class BackIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100)


class QuoteOut(BaseModel):
    """A quote as it was saved. `state` says whether it stands in its article as it did then; `read` is
    the address, below the page's, at which the article is opened at it."""

    id: str
    article_id: str
    title: str
    source: str
    url: str
    published: date | None
    authors: list[str]
    page: int | None
    start: int
    end: int
    quote: str
    note: str
    saved: datetime
    state: Literal["there", "changed", "removed"]
    read: str


class QuotesOut(BaseModel):
    """The visitor's quotes, the last saved first."""

    quotes: list[QuoteOut]


class BackOut(BaseModel):
    """The name under which what was removed can be brought back, for some minutes."""

    undo: str


def quote_routes(conversations: Conversations, index: Index) -> "APIRouter":
    """The asker's saved quotes, from articles of this index."""
    from fastapi import APIRouter, Request
    from fastapi.responses import Response

    quotes = conversations.quotes
    router = APIRouter(prefix="/api/v1", tags=["Saved quotes"], responses=ERRORS)

    def told(quote: SavedQuote) -> QuoteOut:
        citation = quote.citation
        return QuoteOut(
            id=quote.id,
            article_id=citation.article_id,
            title=citation.title,
            source=citation.source,
            url=citation.url,
            published=citation.published,
            authors=list(quote.authors),
            page=citation.page,
            start=citation.start,
            end=citation.end,
            quote=citation.quote,
            note=quote.note,
            saved=datetime.fromtimestamp(quote.saved, UTC),
            state=_state(index, citation),
            read=f"{article_address(citation.article_id)}?c=1&q={Quoted.of(citation)}&k={quote.id}",
        )

    def own(request: Request) -> list[SavedQuote]:
        visitor = visitor_of(request.cookies)
        return [] if visitor is None else quotes.all(visitor)

    @router.get(
        "/quotes",
        summary="List your saved quotes",
        description="Yours are those of the page in the browser whose cookie is sent.",
    )
    def listed(request: Request, response: Response) -> QuotesOut:
        response.headers.update(NOT_KEPT)
        return QuotesOut(quotes=[told(quote) for quote in reversed(own(request))])

    @router.post("/quotes", status_code=201, summary="Save a quote")
    def save(given: QuoteIn | CitedIn, request: Request) -> QuoteOut:
        visitor = visitor_of(request.cookies)
        if visitor is None:
            raise QuestionError(
                "quotes are kept for a visitor of the page: open it first, and send its cookie."
            )
        if isinstance(given, CitedIn):
            citation = _cited(conversations, visitor, given)
        else:
            citation = _selected(index, given)
        authors = authors_of(index)(citation.article_id)
        return told(quotes.save(visitor, citation, authors=authors, note=given.note))

    @router.post("/quotes/undo", status_code=204, summary="Bring a removed quote back")
    def undo(named: BackIn, request: Request) -> Response:
        quotes.undo(known_visitor(request.cookies), named.name)
        return Response(status_code=204)

    @router.patch("/quotes/{quote_id}", summary="Change the note of a saved quote")
    def annotate(quote_id: str, given: NoteIn, request: Request) -> QuoteOut:
        return told(quotes.annotate(known_visitor(request.cookies), quote_id, given.note))

    @router.delete("/quotes/{quote_id}", summary="Remove a saved quote")
    def remove(quote_id: str, request: Request) -> BackOut:
        return BackOut(undo=quotes.remove(known_visitor(request.cookies), quote_id))

    @router.get(
        "/quotes.md",
        summary="Your saved quotes as Markdown",
        response_class=Response,
        responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
    )
    def markdown(request: Request) -> Response:
        return attached(quotes_markdown(own(request)), MARKDOWN, "quotes.md")

    @router.get(
        "/quotes.docx",
        summary="Your saved quotes as a document for Word",
        response_class=Response,
        responses={200: {"content": {DOCX: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def docx(request: Request) -> Response:
        return attached(quotes_docx(own(request)), DOCX, "quotes.docx")

    return router


def _selected(index: Index, given: QuoteIn) -> Citation:
    """Raises ArticleNotFoundError, and QuestionError if the words do not stand there."""
    article = index.get(given.article_id)
    if article.text[given.start : given.end] != given.quote:
        raise QuestionError(_CHANGED)
    return Citation(
        1,
        article.id,
        article.title,
        article.source,
        article.url,
        article.published,
        given.start,
        given.end,
        given.quote,
        page=sum(begin <= given.start for begin in article.pages) or None,
    )


def _cited(conversations: Conversations, visitor: str, given: CitedIn) -> Citation:
    """Raises ConversationNotFoundError, and QuoteNotFoundError if the answer has no such number."""
    answer = conversations.exchange(visitor, given.answer).answer
    for citation in answer.citations if answer else ():
        if citation.number == given.number:
            return replace(citation, number=1)
    raise QuoteNotFoundError(f"the answer has no citation [{given.number}].")


def _state(index: Index, citation: Citation) -> Literal["there", "changed", "removed"]:
    try:
        text = index.get(citation.article_id).text
    except ArticleNotFoundError:
        return "removed"
    return "there" if text[citation.start : citation.end] == citation.quote else "changed"
