"""An iterator of answers, run in a thread of its own, for use in an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import cast

from assistant.answers import Answer


async def in_a_thread(made: Callable[[], Iterator[Answer]]) -> AsyncGenerator[Answer]:
    """What an iterator yields, as it yields it, from a thread of its own: many answers that wait
    for a model would otherwise fill the event loop's pool of threads, and hold up all others.

    Left early, the iterator is closed at its next step.
    """
    loop = asyncio.get_running_loop()
    arriving: asyncio.Queue[tuple[Answer | None, BaseException | None]] = asyncio.Queue()
    left = threading.Event()

    def send(item: Answer | None, error: BaseException | None = None) -> None:
        # If the loop has been closed, nobody is waiting any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(arriving.put_nowait, (item, error))

    def run() -> None:
        try:
            with contextlib.closing(cast("Generator[Answer]", made())) as iterator:
                for item in iterator:
                    if left.is_set():
                        return
                    send(item)
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            send(None, error)
        else:
            send(None)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="dateline-write", daemon=True).start()
    try:
        while True:
            item, error = await arriving.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        left.set()
