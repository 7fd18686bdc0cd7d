"""Several collections on one server: each is a complete site below /collections/NAME/.

    several = Several(installation, open_site, has_work)
    several.first = create_app(…, sites=several)      handles everything else
    async with several.running(): …                   within the first one's lifespan

A site is opened when it is first requested, or when it has unattended work to do, and closed when
nobody has used it for a while and nothing is going on in it. Each site decides for itself whether
to admit a request. This module knows no articles and no pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from assistant.errors import UnknownCollectionError
from assistant.installation import Installation
from assistant.web.choosing import Desk
from vectorstore.errors import DatelineError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

BELOW = "/collections/"

_IDLE = 1_800.0  # seconds without a request after which a site is closed
_LOOK = 60.0  # seconds between two checks for sites that are idle, or have something to do

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Site:
    """An open collection. `busy` says whether something is going on that nobody waits for; `close`
    is called once the application has ended."""

    app: FastAPI
    desk: Desk
    busy: Callable[[], bool]
    close: Callable[[], None]


@dataclass(slots=True)
class _Running:
    site: Site
    last: float
    using: int = 0
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Several:
    """Passes each request on to its collection's site. `open_site` and `has_work` (whether a closed
    site has something to do) are called in threads; `clock` gives monotonic seconds."""

    def __init__(
        self,
        installation: Installation,
        open_site: Callable[[str], Site],
        has_work: Callable[[str], bool] = lambda _: False,
        *,
        count: Callable[[str], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.first: ASGIApp | None = None
        self._installation = installation
        self._open_site = open_site
        self._has_work = has_work
        self._count = count
        self._clock = clock
        self._sites: dict[str, asyncio.Task[_Running]] = {}
        self._leaving: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.first is None:
            raise RuntimeError("the site of the index without a name is missing")
        if scope["type"] != "http" or not scope["path"].startswith(BELOW):
            await self.first(scope, receive, send)
            return
        name, slash, _ = scope["path"][len(BELOW) :].partition("/")
        running = None
        if slash and name in self.names():
            # Errors here are reported by the first site, to whoever may know of them.
            with contextlib.suppress(DatelineError):
                running = await self._site(name)
        if running is None:
            await self.first(scope, receive, send)
            return
        running.using += 1
        try:
            await running.site.app(_below(scope, BELOW + name), receive, send)
        finally:
            running.using -= 1
            running.last = self._clock()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within, sites are opened and closed; at the end all are closed."""
        looking = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await asyncio.gather(*(self._end(name) for name in list(self._sites)))

    @property
    def open(self) -> Sequence[str]:
        """The collections that are open, or being opened."""
        return list(self._sites)

    def names(self) -> Sequence[str]:
        return [name for name in self._installation.names() if name not in self._leaving]

    async def desk(self, name: str) -> Desk:
        running = await self._site(self._there(name))
        running.last = self._clock()
        return running.site.desk

    async def count(self, name: str) -> int:
        if self._there(name) in self._sites:
            index = (await self.desk(name)).assistant.index
            return (await asyncio.to_thread(index.statistics)).articles
        return await asyncio.to_thread(self._count, name)

    async def create(self, name: str) -> None:
        await asyncio.to_thread(self._installation.create, name)

    async def rename(self, name: str, new: str) -> None:
        """Close it for everybody who uses it here, and rename it."""
        async with self._left(name):
            await asyncio.to_thread(self._installation.rename, name, new)

    async def remove(self, name: str) -> None:
        """Close it for everybody who uses it here, and delete it."""
        async with self._left(name):
            await asyncio.to_thread(self._installation.remove, name)

    @contextlib.asynccontextmanager
    async def _left(self, name: str) -> AsyncIterator[None]:
        """Within, it stays closed."""
        self._leaving.add(self._there(name))
        try:
            await self._end(name)
            yield
        finally:
            self._leaving.discard(name)

    async def look(self) -> None:
        """Close idle sites, and open those that have something to do."""
        for name, opening in list(self._sites.items()):
            if opening.done() and opening.exception() is None:
                running = opening.result()
                idle = not running.using and self._clock() - running.last >= _IDLE
                if idle and not await asyncio.to_thread(running.site.busy) and not running.using:
                    await self._end(name)
        for name in self.names():
            if name not in self._sites and await asyncio.to_thread(self._has_work, name):
                await self._site(name)

    def _there(self, name: str) -> str:
        """The name itself. Raises UnknownCollectionError."""
        names = self.names()
        if name not in names:
            raise UnknownCollectionError(name, names)
        return name

    async def _look_on(self) -> None:
        while True:
            try:
                await self.look()
            except DatelineError as error:
                _log.warning("%s", error)
            await asyncio.sleep(_LOOK)

    async def _site(self, name: str) -> _Running:
        opening = self._sites.get(name)
        if opening is None:
            opening = self._sites[name] = asyncio.create_task(self._begin(name))
        try:
            return await asyncio.shield(opening)
        except DatelineError:
            if self._sites.get(name) is opening:
                del self._sites[name]  # the next one tries again
            raise

    async def _begin(self, name: str) -> _Running:
        site = await asyncio.to_thread(asyncio.run, self._opened(name))
        running = _Running(site, self._clock())
        begun = asyncio.get_running_loop().create_future()

        async def live() -> None:
            # Begin and end the application in the same task: its context managers require that.
            app = running.site.app
            try:
                async with app.router.lifespan_context(app):
                    begun.set_result(None)
                    await running.ending.wait()
            except Exception as error:
                if begun.done():
                    raise
                begun.set_exception(error)
            finally:
                await asyncio.to_thread(running.site.close)

        running.task = asyncio.create_task(live())
        await begun
        return running

    async def _opened(self, name: str) -> Site:
        """Run in a thread: without a running event loop, Gradio creates one that nobody closes."""
        return self._open_site(name)

    async def _end(self, name: str) -> None:
        opening = self._sites.pop(name, None)
        if opening is None:
            return
        with contextlib.suppress(DatelineError):
            running = await opening
            running.ending.set()
            if running.task is not None:
                await running.task


def _below(scope: Scope, prefix: str) -> Scope:
    """A request as seen by the site below this prefix; its own address keeps the prefix."""
    path = scope["path"][len(prefix) :]
    raw = scope.get("raw_path") or b""
    there = raw.startswith(prefix.encode())
    raw = raw[len(prefix) :] if there else quote(path).encode()
    return {**scope, "path": path, "raw_path": raw, "app_root_path": prefix}
