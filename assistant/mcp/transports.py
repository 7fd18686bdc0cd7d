"""How the protocol is carried: over HTTP, or on this process's stdin and stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Collection
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from assistant.web.asking import Answering
from assistant.web.choosing import Choice, Desk, Sites
from assistant.web.guarding import refuse
from assistant.web.keyed import key_of
from assistant.web.keys import CANS, Can
from assistant.web.library import Library
from assistant.web.programs import Programs

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.types import Receive, Scope, Send

_LINE = 20_000_000  # bytes of a message over stdio


class OverHttp:
    """The protocol over HTTP, as an ASGI application: one request at a time, without sessions, so
    there is nothing to take over, and a revoked key stops working at once. It answers only within
    `running`. Which hosts and origins are served is decided elsewhere."""

    def __init__(self, choice: Choice, whose: Callable[[Any], str]) -> None:
        self._choice = choice
        self._whose = whose
        self._manager: StreamableHTTPSessionManager | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from assistant.mcp.server import server_of

        server = server_of(self._choice, _may, lambda request: self._whose(request.scope))
        manager = StreamableHTTPSessionManager(server, stateless=True)
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._manager is None:
            await refuse(scope, receive, send, 503, "the server is not running (any more)")
        else:
            await self._manager.handle_request(scope, receive, send)


def _may(request: Any) -> Collection[Can]:
    """Read-only, unless a key grants more: it was given for that."""
    key = key_of(request.scope)
    return CANS[:1] if key is None else [can for can in CANS if key.may(can)]


def serve_stdio(assistant: Answering, *, write: bool = False, sites: Sites | None = None) -> None:
    """Serve on this process's stdin and stdout until stdin ends, or Ctrl-C; `sites` are the
    collections beside the assistant's index."""
    from assistant.mcp.server import server_of

    library = Library(assistant.index)
    choice = Choice(Desk(assistant, library, Programs(assistant)), sites)
    allowed = CANS if write else CANS[:1]
    server = server_of(choice, lambda _: allowed, lambda _: "")
    try:
        with _wire() as (read, written):
            asyncio.run(_serve(server, read, written))
    finally:
        library.close()


async def _serve(server: Server, read: int, written: int) -> None:
    from mcp.server.stdio import stdio_server

    lines: Any = _lines(read)
    writing: Any = _Writing(written)
    async with stdio_server(lines, writing) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


@contextlib.contextmanager
def _wire() -> Any:
    """The descriptors of stdin and stdout, reserved for the protocol: meanwhile stdin reads as
    empty, and anything else written to stdout goes to stderr."""
    sys.stdout.flush()
    read, written = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        yield read, written
    finally:
        sys.stdout.flush()
        os.dup2(written, 1)
        os.dup2(read, 0)
        os.close(written)  # `read` stays open: a thread may still be waiting for it


async def _lines(descriptor: int) -> AsyncIterator[str]:
    """The incoming lines. They are read in a thread that nobody joins, so a signal ends the program
    even while its client is silent."""
    loop = asyncio.get_running_loop()
    arriving: asyncio.Queue[bytes | None] = asyncio.Queue()

    def read() -> None:
        left = b""
        try:
            while block := os.read(descriptor, 65_536):
                *whole, left = (left + block).split(b"\n")
                for line in whole:
                    loop.call_soon_threadsafe(arriving.put_nowait, line)
                if len(left) > _LINE:
                    break
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(arriving.put_nowait, None)

    threading.Thread(target=read, name="dateline-mcp", daemon=True).start()
    while (line := await arriving.get()) is not None:
        if line.strip():
            yield line.decode("utf-8", "replace")


class _Writing:
    """Writes lines to a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def write(self, text: str) -> None:
        await anyio.to_thread.run_sync(self._write, text.encode("utf-8", "replace"))

    async def flush(self) -> None:
        """Nothing to do: everything is written at once."""

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            view = view[os.write(self._descriptor, view) :]
