"""An asynchronous stream, read from a thread that is not: within a time, and until somebody stops it.

    background = Background()
    for item in background.items(stream, deadline, 20.0, stopping):
        …                           raises Failed if the stream fails or is late
    background.stop([client])

It knows nothing of models.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

_LOOK = 0.2  # seconds between checks whether anybody is still waiting


class Failed(Exception):  # noqa: N818  how an error crosses from one thread to another
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class Stopped(Exception):  # noqa: N818  nothing is wrong
    """Nobody is waiting for the answer any more."""


class Background:
    """An event loop in a thread of its own, from first use until it is stopped."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, threading.Thread] | None = None

    def items(
        self,
        stream: Callable[[], AsyncIterator[Any]],
        deadline: float,
        patience: float,
        stopping: threading.Event,
    ) -> Iterator[Any]:
        """The items of a stream that runs on the loop. Raises Failed with the stream's own error;
        with TimeoutError if nothing comes by the deadline, or for `patience` seconds after an item;
        and with Stopped soon after `stopping` is set."""
        arriving: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

        async def receive() -> None:
            try:
                async with contextlib.aclosing(stream()) as items:  # type: ignore[type-var]
                    async for item in items:
                        arriving.put((item, None))
            except asyncio.CancelledError:
                arriving.put((None, Failed(TimeoutError())))
                raise
            except Exception as error:  # noqa: BLE001  every provider raises its own
                arriving.put((None, Failed(error)))
            else:
                arriving.put((None, StopIteration()))

        if stopping.is_set():
            raise Failed(Stopped())
        receiving = asyncio.run_coroutine_threadsafe(receive(), self._loop())
        try:
            while True:
                wait = max(0.0, deadline - time.monotonic())
                try:
                    item, ended = arriving.get(timeout=min(wait, _LOOK))
                except queue.Empty:
                    if stopping.is_set():
                        raise Failed(Stopped()) from None
                    if wait <= _LOOK:
                        raise Failed(TimeoutError()) from None
                    continue
                if isinstance(ended, Failed):
                    raise ended
                if ended is not None:
                    return
                yield item
                deadline = time.monotonic() + patience
        finally:
            receiving.cancel()

    def stop(self, clients: Sequence[Any]) -> None:
        """Cancel what runs on it, close these HTTP clients, which live on it, and then the loop."""
        if self._running is None:
            return
        loop, thread = self._running

        async def end() -> None:
            running = asyncio.all_tasks() - {asyncio.current_task()}
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for client in clients:
                await client.aclose()
            await loop.shutdown_asyncgens()

        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _loop(self) -> asyncio.AbstractEventLoop:
        with self._turn:
            if self._running is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=loop.run_forever, name="dateline-model", daemon=True
                )
                thread.start()
                self._running = loop, thread
            return self._running[0]
