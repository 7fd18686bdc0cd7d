"""The routes for pictures of an article's pages, if the PDF it came from is available.

    GET /picture/{article}?page=3               the page as WebP, with an ETag; `large=1` a larger one
    GET /marks/{article}?page=3&q=1.10.50.hash  {"rectangles": [[x, y, width, height], …]} of a quote, in
                                                fractions of the picture; none where it is not found there

Both are served to whoever may read the article. Nothing in a request names a file.
"""

# No `from __future__ import annotations` here: FastAPI evaluates the annotations of its endpoints.
import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

from assistant.render.quoted import Quoted
from assistant.web.originals import Originals
from assistant.web.pictures import MEDIA_TYPE, Pictures, tag_of
from vectorstore.errors import ArticleError, DatelineError
from vectorstore.index import Index

if TYPE_CHECKING:
    from fastapi import APIRouter

_log = logging.getLogger(__name__)

_SWEPT = 600.0  # seconds between two sweeps for files that no article comes from any more
_MOST = 100_000  # the highest page number


@asynccontextmanager
async def tidied(originals: Originals, pictures: Pictures) -> AsyncIterator[None]:
    """Removes what is no longer needed, when the server starts and while it runs."""

    async def tidying() -> None:
        while True:
            try:
                await asyncio.to_thread(originals.sweep)
                await asyncio.to_thread(pictures.rest)
            except DatelineError as error:
                _log.warning("PDFs that no article is from may have been left: %s", error)
            await asyncio.sleep(_SWEPT)

    task = asyncio.create_task(tidying())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def picture_routes(index: Index, originals: Originals, pictures: Pictures) -> "APIRouter":
    from fastapi import APIRouter, Header, Query, Response

    router = APIRouter()
    # No shared cache keeps it, and the browser asks each time whether it may still show it.
    private = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}

    @router.get("/picture/{article_id:id}", include_in_schema=False)
    def picture(
        article_id: str,
        page: Annotated[int, Query(ge=1, le=_MOST)],
        large: bool = False,
        if_none_match: Annotated[str, Header()] = "",
    ) -> Response:
        index.get(article_id)
        with pictures.room():
            original = originals.of(article_id)
            headers = {**private, "ETag": f'"{tag_of(original, page, large=large)}"'}
            if headers["ETag"] in if_none_match:
                return Response(status_code=304, headers=headers)
            content = pictures.drawn(original, page, large=large)
        return Response(content, media_type=MEDIA_TYPE, headers=headers)

    @router.get("/marks/{article_id:id}", include_in_schema=False)
    def marks(
        article_id: str,
        page: Annotated[int, Query(ge=1, le=_MOST)],
        q: Annotated[str, Query(max_length=200)],
    ) -> dict[str, Any]:
        article = index.get(article_id)
        try:
            quote = Quoted.parse(q)
        except ValueError as error:
            raise ArticleError(f"{error}.") from error
        if not quote.found_in(article.text):
            return {"rectangles": []}
        with pictures.room():
            original = originals.of(article_id)
            found = pictures.marked(original, article, page, quote.start, quote.end)
        return {"rectangles": found}

    return router
