"""Fetches the pages of one run with consideration for their servers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from vectorstore.errors import LoadingError, UnreachableError
from vectorstore.fetching import Page, fetch_if_changed, in_words

Fetch = Callable[[str, str, str], Page | None]  # address, etag, last_modified

PAGES_A_RUN = 500  # pages that a sitemap or a feed leads to, fetched in one run
_PAUSE = 0.5  # seconds between pages of one run
_IN_VAIN = 3  # unanswered requests in a row after which a server is not asked again in this run
_WAIT = 10.0  # seconds that are waited if a server asks for it; for longer, it is left alone
_WAITS = 60.0  # the same for all waits of a run


class Polite:
    """Fetches pages one after another, pausing in between, and reads each site's robots.txt only
    once. A server that fails to answer several times in a row is not asked again, and neither is
    one that asks for a longer rest; `wait` is the longest that was asked for, in seconds."""

    def __init__(self, fetch: Fetch) -> None:
        self._robots: dict[str, RobotFileParser] = {}
        ours = getattr(fetch, "func", fetch) is fetch_if_changed
        self._fetch: Fetch = partial(cast("Any", fetch), robots=self._robots) if ours else fetch
        self._in_vain: Counter[str] = Counter()
        self._resting: dict[str, float] = {}
        self._waited = 0.0
        self.fetched = 0
        self.wait = 0.0

    def __call__(self, address: str, etag: str = "", last_modified: str = "") -> Page | None:
        server = urlsplit(address).netloc.lower()
        if self._in_vain[server] >= _IN_VAIN:
            raise UnreachableError(
                f"{address} was not fetched: its server did not answer {_IN_VAIN} times in a row"
            )
        if rest := self._resting.get(server):
            raise UnreachableError(
                f"{address} was not fetched: its server asks to be left alone for {in_words(rest)}",
                rest,
            )
        if self.fetched:
            time.sleep(_PAUSE)
        self.fetched += 1
        try:
            page = self._patiently(address, etag, last_modified)
        except UnreachableError as error:
            self._in_vain[server] += 1
            self._resting[server] = error.wait
            self.wait = max(self.wait, error.wait)
            raise
        except LoadingError:
            self._in_vain[server] = 0
            raise
        self._in_vain[server] = 0
        return page

    def sitemaps(self, address: str) -> list[str]:
        """The addresses of sitemaps that the robots.txt of this page's site names, as far as it has
        been read."""
        parts = urlsplit(address)
        rules = self._robots.get(f"{parts.scheme}://{parts.netloc}")
        return (rules and rules.site_maps()) or []

    def _patiently(self, address: str, etag: str, last_modified: str) -> Page | None:
        """The page, at a second attempt if the server asks for a short wait before it."""
        try:
            return self._fetch(address, etag, last_modified)
        except UnreachableError as error:
            if not 0 < error.wait <= min(_WAIT, _WAITS - self._waited):
                raise
            self._waited += error.wait
            time.sleep(error.wait)
        return self._fetch(address, etag, last_modified)
