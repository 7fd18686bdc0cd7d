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
    """Yield what an iterator yields, as it comes, from a thread of its own: many answers waiting
    for a model would otherwise fill the event loop's thread pool and hold up everything else.

    If the consumer stops early, the iterator is closed at its next step.
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
        except BaseException as error:  # noqa: BLE001  re-raised in the consumer
            send(None, error)
        else:
            send(None)

    context = contextvars.copy_context()
    # Not a daemon thread: onnxruntime aborts if the program is torn down under it.
    threading.Thread(target=context.run, args=(run,), name="dateline-write").start()
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
