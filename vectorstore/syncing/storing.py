"""Hands what was read over to the index, in batches that take about a second to store.

So progress is visible, and Ctrl-C loses little. Where embedding is quick, small files are stored by
the hundred, since storing them together costs a tenth of storing each on its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vectorstore.articles import Article, SourceFile
from vectorstore.syncing.reporting import Tally

if TYPE_CHECKING:
    from vectorstore.primitives import Primitives

_A_PART = 32  # articles of one file that are handed over at once
_SECONDS_A_BATCH = 1.0
_ARTICLES_A_BATCH = 32  # in the first batch
_MOST_A_BATCH = 256
_FILES_A_BATCH = 500


class Collected:
    """Files and articles that were read; whoever had them read stores them."""

    stores = False

    def __init__(self) -> None:
        self.files: list[SourceFile] = []
        self.articles: list[Article] = []

    def put(self, file: SourceFile, articles: Sequence[Article]) -> None:
        self.files.append(file)
        self.articles += articles

    def forget(self, place: str) -> None:
        """The file at this place is gone."""

    def hand_over(self) -> None:
        """Store what was put so far, unless somebody else does."""


class Batches(Collected):
    """What was read is stored with the next batch."""

    stores = True

    def __init__(self, index: Primitives, tally: Tally) -> None:
        super().__init__()
        self._index = index
        self._tally = tally
        self._forget: list[str] = []
        self._handed_over = time.monotonic()
        self._a_batch = _ARTICLES_A_BATCH

    def put(self, file: SourceFile, articles: Sequence[Article]) -> None:
        """A file with many articles is stored in parts, and does not count as read until the last
        one is stored."""
        while len(articles) > _A_PART:
            part, articles = articles[:_A_PART], articles[_A_PART:]
            unfinished = replace(file, digest="", skipped=())
            self._tally.stored(self._index.store_files([unfinished], part))
        super().put(file, articles)
        waited = time.monotonic() - self._handed_over >= _SECONDS_A_BATCH
        if (
            (waited and self.articles)
            or len(self.articles) >= self._a_batch
            or len(self.files) >= _FILES_A_BATCH
        ):
            self.hand_over()

    def forget(self, place: str) -> None:
        self._forget.append(place)

    def hand_over(self) -> None:
        begun = time.monotonic()
        if self.files or self._forget:
            report = self._index.store_files(self.files, self.articles, forget=self._forget)
            self._tally.stored(report)
        self._handed_over = time.monotonic()
        if len(self.articles) >= self._a_batch:
            if self._handed_over - begun < _SECONDS_A_BATCH / 2:
                self._a_batch = min(2 * self._a_batch, _MOST_A_BATCH)
            else:
                self._a_batch = _ARTICLES_A_BATCH
        self.files, self.articles, self._forget = [], [], []
