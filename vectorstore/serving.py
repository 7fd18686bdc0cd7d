"""Serves an index that this process holds to the other programs on this machine.

Until somebody connects there is only a thread sleeping on the socket: the web server is imported at
the first connection, so a program that nobody contacts pays nothing for it.

It knows the socket and when to stop; what is served is in `service.py`.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vectorstore.holding import Holder
from vectorstore.index import Index

if TYPE_CHECKING:
    import uvicorn

    from vectorstore.service import Running

_KEEP_ALIVE = 30  # seconds; longer than callers keep idle connections, so no call is cut off
_SLOW_READER = 1  # seconds that a caller may take to read its answer while this closes
_LAST_STEPS = 3.0  # seconds for the server to close its connections; it takes a few tenths


class Serving:
    """Answers on `listener`, which it closes, until `close` is called."""

    def __init__(self, listener: socket.socket, holder: Holder, index: Index) -> None:
        self._listener = listener
        self._holder = holder
        self._index = index
        self._wake, self._woken = socket.socketpair()
        self._turn = threading.Lock()
        self._closing = False
        self._server: uvicorn.Server | None = None
        self._running: Running | None = None
        # A daemon, so that a program that forgets to close its index can still exit.
        self._thread = threading.Thread(target=self._run, name="dateline-serving", daemon=True)
        self._thread.start()

    def close(self, *, grace: float = 10.0) -> None:
        """Stop. Calls in progress get `grace` seconds to finish, then are cut off.

        Takes about 0.3 s if nobody is calling, no time if nobody ever did. May be called more than
        once.
        """
        with self._turn:
            self._closing = True
            running, server = self._running, self._server
        if running is not None:
            running.close(grace)
        if server is not None:
            server.should_exit = True
        self._wake.close()  # which the thread sees as end of file
        self._thread.join(_LAST_STEPS)

    def _run(self) -> None:
        try:
            if self._somebody_connects():
                self._serve()
        finally:
            self._listener.close()
            self._woken.close()

    def _somebody_connects(self) -> bool:
        ready, _, _ = select.select([self._listener, self._woken], [], [])
        return self._woken not in ready

    def _serve(self) -> None:
        import uvicorn

        from vectorstore.service import Running, build

        running = Running()
        config = uvicorn.Config(
            build(self._index, self._holder, running),
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_SLOW_READER,
        )
        server = uvicorn.Server(config)
        with self._turn:
            if self._closing:
                return
            self._server, self._running = server, running
        with _silence():
            server.run(sockets=[self._listener])


@contextmanager
def _silence() -> Iterator[None]:
    """Drop what uvicorn logs in this thread; the program's own use of uvicorn is unaffected."""
    thread = threading.get_ident()

    def from_elsewhere(_: logging.LogRecord) -> bool:
        return threading.get_ident() != thread

    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "uvicorn.access")]
    for logger in loggers:
        logger.addFilter(from_elsewhere)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(from_elsewhere)
