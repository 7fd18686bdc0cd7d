"""Pictures of the pages of PDFs, drawn in a separate process, and where quotes stand on them.

    pictures = Pictures()
    with pictures.room():                               for a few at a time, with their files in memory
        pictures.drawn(original, 3)                     the page as WebP
        pictures.marked(original, article, 3, 10, 50)   [(x, y, width, height), …] in fractions of it
    pictures.close()

One page is drawn at a time: nobody's pages keep the machine from answering. Recent pictures are
cached in memory. The process's replies are checked, since a malformed file may have taken it over.
"""

from __future__ import annotations

import base64
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assistant.errors import NoPictureError
from assistant.web.originals import Original
from vectorstore.articles import Article
from vectorstore.errors import LoadingError, StoreBusyError
from vectorstore.loading.pictures import Rectangle, drawn, marked, occurrences, wanted
from vectorstore.loading.worker import Limits, Teller, Worker

MEDIA_TYPE = "image/webp"

_LIMITS = Limits(seconds=20.0, memory=1_000_000_000, found=20_000_000)
_CACHED = 32_000_000  # bytes of pictures
_AT_ONCE = 8  # pages being drawn or waiting
_RECTANGLES = 1_000  # per quote
_SIDES = 4


def tag_of(original: Original, page: int, *, large: bool) -> str:
    """A text that differs for different pictures."""
    return f"{original.digest[:32]}-{page}{'-large' if large else ''}"


class Pictures:
    """May be used from several threads. `drawn` and `marked` raise NoPictureError if the PDF has no
    such page, or it cannot be drawn."""

    def __init__(self, limits: Limits = _LIMITS, *, worker: Worker | None = None) -> None:
        self._worker = worker or Worker(limits)
        self._used = self._closed = False
        self._turn = threading.Lock()  # for the worker
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._caching = threading.Lock()
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    @contextmanager
    def room(self) -> Iterator[None]:
        """Held while a page is requested, from before its file is read. Raises StoreBusyError for
        too many at once."""
        if not self._room.acquire(blocking=False):
            raise StoreBusyError("other pages are being drawn. Try again shortly.")
        try:
            yield
        finally:
            self._room.release()

    def drawn(self, original: Original, page: int, *, large: bool = False) -> bytes:
        """The page, counted from 1, as a picture."""
        tag = tag_of(original, page, large=large)
        if (there := self._cached(tag)) is not None:
            return there
        with self._turn:
            if (there := self._cached(tag)) is not None:  # somebody else waited for it
                return there
            told = self._told(drawn, original, page, wanted(page, large=large))
            content = _picture(told.get("picture"))
            with self._caching:
                self._cache[tag] = content
                while sum(map(len, self._cache.values())) > _CACHED:
                    self._cache.popitem(last=False)
        return content

    def marked(
        self, original: Original, article: Article, page: int, start: int, end: int
    ) -> list[Rectangle]:
        """Where the article's text from `start` to `end` stands on the page, counted from 1, as far
        as it is on that page; [] if it is not found there."""
        bounds = (0, *article.pages[1:], len(article.text))
        begin, until = bounds[page - 1 : page + 1] if 1 <= page < len(bounds) else (0, 0)
        words = article.text[max(start, begin) : min(end, until)]
        nth = occurrences(words, article.text[begin : max(start, begin)])
        with self._turn:
            told = self._told(marked, original, page, wanted(page, words=words, nth=nth))
        found = told.get("rectangles")
        return [
            (box[0], box[1], box[2], box[3])
            for box in (found if isinstance(found, list) else [])[:_RECTANGLES]
            if _is_rectangle(box)
        ]

    def rest(self) -> None:
        """End the process if nothing was drawn since this was last called."""
        with self._turn:
            if not self._used:
                self._worker.close()
            self._used = False

    def close(self) -> None:
        """End the process, whatever it is drawing; no more pages are drawn."""
        self._closed = True
        self._worker.kill()
        with self._turn:
            self._worker.close()

    def _told(self, teller: Teller, original: Original, page: int, asked: str) -> dict[str, Any]:
        if self._closed:
            raise NoPictureError("Dateline is ending.")
        self._used = True
        try:
            found = self._worker.told(teller, original.content, asked)
        except LoadingError as error:
            raise NoPictureError(f"the PDF {error}.") from error
        told = found[0] if isinstance(found, list) and found else None
        if not isinstance(told, dict):
            raise NoPictureError("the PDF cannot be drawn.")
        pages = told.get("pages")
        if not isinstance(pages, int) or not 1 <= page <= pages:
            raise NoPictureError(f"the PDF has no page {page}.")
        return told

    def _cached(self, tag: str) -> bytes | None:
        with self._caching:
            if tag in self._cache:
                self._cache.move_to_end(tag)
            return self._cache.get(tag)


def _picture(said: object) -> bytes:
    """Raises NoPictureError if it is not a picture."""
    try:
        content = base64.b64decode(said if isinstance(said, str) else "", validate=True)
    except ValueError:
        content = b""
    if content[:4] + content[8:12] != b"RIFFWEBP":
        raise NoPictureError("the PDF cannot be drawn.")
    return content


def _is_rectangle(box: object) -> bool:
    return (
        isinstance(box, list)
        and len(box) == _SIDES
        and all(
            isinstance(side, int | float) and math.isfinite(side) and 0 <= side <= 1 for side in box
        )
    )
