"""An article for reading, at the address that a citation links to.

    GET  /read/{article}?q=…     split where quotes begin and end: JSON, or a separate page

`c` is the quote to open at. `a` names a saved answer and `k` a saved quote: what they quoted is
shown even if it is gone.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from assistant.answers import Citation
from assistant.render.quoted import Quoted
from assistant.web.asking import Desk
from assistant.web.conversations import Conversations
from assistant.web.keyed import known_asker
from assistant.web.originals import Originals
from assistant.web.prefix import relative
from assistant.web.reading import ANSWER, SAVED, read_article
from assistant.web.shapes import ERRORS
from assistant.web.visitors import known_visitor
from vectorstore.index import Index

if TYPE_CHECKING:
    from fastapi import APIRouter

_MOST_QUOTES = 100  # quotes that one address may name


def reading_routes(
    index: Index, kept: Conversations, desk: Desk, originals: Originals
) -> "APIRouter":
    from fastapi import APIRouter, Header, Query, Request
    from fastapi.responses import HTMLResponse, JSONResponse, Response

    router = APIRouter()

    @router.get("/read/{article_id:id}", responses=ERRORS)
    def read(
        request: Request,
        article_id: str,
        q: Annotated[list[str], Query(max_length=_MOST_QUOTES)] = [],  # noqa: B006
        c: int | None = None,
        a: str | None = None,
        k: str | None = None,
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        quotes = list(_quotes(q))
        saved: Sequence[Citation] = ()
        if k is not None:
            saved = (kept.quotes.get(known_visitor(request.cookies), k).citation,)
        elif a is not None:
            saved = _cited(desk, kept, known_asker(request), a)
        since = ANSWER if k is None else SAVED
        reading = read_article(index, article_id, quotes, saved, since)
        varies = {"Vary": "Accept, Cookie", "Cache-Control": "no-store"}
        if "text/html" in accept:
            page = reading.page(c, relative(request.scope, "/"))
            return HTMLResponse(page, headers=varies)
        pages = 0 if reading.removed else len(reading.article.pages)
        shown = pages if pages and originals.there(article_id) else 0
        return JSONResponse({**reading.to_dict(), "pictures": shown}, headers=varies)

    return router


def _quotes(values: Sequence[str]) -> Iterator[Quoted]:
    """The quotes an address names; anything else in it is ignored, as a browser does."""
    for value in values:
        with contextlib.suppress(ValueError):
            yield Quoted.parse(value)


def _cited(
    desk: Desk, conversations: Conversations, asker: str, exchange_id: str
) -> Sequence[Citation]:
    """The citations of one of the asker's answers, even while it is being written."""
    exchange = conversations.exchange(asker, exchange_id)
    progress = desk.progress(exchange_id)
    answer = exchange.answer if progress is None else progress.answer
    return () if answer is None else answer.citations
