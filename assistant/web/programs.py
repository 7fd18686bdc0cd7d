"""Answers programs' questions over HTTP and MCP: a few at once, for callers who stay connected.

    programs = Programs(assistant, rate=Rate(60))
    async for answer in programs.growing(Question("who?"), whose): …      growing answers
    answer = await while_there(programs.growing(…), request.receive)       the last; None: it has gone

Nothing is stored. Where many ask at once, they are answered in the order they came; whoever would have
to wait for too many is refused. When a caller stops listening, its place is free, the work ends and the
chat model is let go. This module knows no protocol.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from assistant.answering.streaming import in_a_thread
from assistant.answers import Answer, Turn
from assistant.errors import TooManyQuestionsError
from assistant.web.asking import Answering, Rate

if TYPE_CHECKING:
    from starlette.types import Receive

AT_ONCE = 16  # questions answered at the same time
WAITING = 64  # questions that may wait for their turn


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; the fields are the arguments of `Assistant.answer`."""

    text: str
    history: Sequence[Turn] = ()
    as_of: date | None = None
    sources: Sequence[str] | None = None
    after: date | None = None
    before: date | None = None
    authors: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    model: str | None = None


class Programs:
    """Answers programs' questions. A `rate` limits each caller's questions per minute."""

    def __init__(
        self,
        assistant: Answering,
        *,
        rate: Rate | None = None,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
    ) -> None:
        self._assistant = assistant
        self._rate = rate
        self._line = _Line(at_once, waiting)
        self._under_way: set[object] = set()

    @property
    def busy(self) -> bool:
        """Whether a question is being answered."""
        return bool(self._under_way)

    async def growing(self, asked: Question, whose: str = "") -> AsyncGenerator[Answer, None]:
        """Growing answers, the last one complete. If closed early, the work ends within a moment.
        `whose` names the caller, whose rate is limited.

        Raises TooManyQuestionsError, and what `Assistant.stream` raises.
        """
        if self._rate is not None:
            self._rate.take(whose)
        await self._line.enter()
        self._under_way.add(this := object())
        stopping = threading.Event()

        def made() -> Iterator[Answer]:
            try:
                yield from self._assistant.stream(
                    asked.text,
                    history=asked.history,
                    as_of=asked.as_of,
                    sources=asked.sources,
                    after=asked.after,
                    before=asked.before,
                    authors=asked.authors,
                    tags=asked.tags,
                    model=asked.model,
                    stopping=stopping,
                )
            finally:
                self._line.leave()

        try:
            async with aclosing(in_a_thread(made)) as growing:
                async for answer in growing:
                    yield answer
        finally:
            stopping.set()
            self._under_way.discard(this)


class _Line:
    """A place for a few at a time, given in the order of arrival. For any thread and event loop:
    whoever works leaves from a thread, and `asyncio.Semaphore` belongs to one loop."""

    def __init__(self, places: int, waiting: int) -> None:
        self._free = places
        self._most = waiting
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turn = threading.Lock()

    async def enter(self) -> None:
        """Wait for a place. Raises TooManyQuestionsError if too many wait already."""
        with self._turn:
            if self._free:
                self._free -= 1
                return
            if len(self._waiting) >= self._most:
                raise TooManyQuestionsError(f"{self._most} questions wait for their answers.")
            called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(called)
        try:
            await called
        except asyncio.CancelledError:
            with self._turn:
                waiting = called in self._waiting
                if waiting:
                    self._waiting.remove(called)
            if not waiting:  # called in the same moment
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next in line."""
        with self._turn:
            while self._waiting:
                called = self._waiting.popleft()
                with suppress(RuntimeError):  # its loop has been closed: nobody waits any more
                    called.get_loop().call_soon_threadsafe(_call, called)
                    return
            self._free += 1


def _call(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


async def last(growing: AsyncIterator[Answer]) -> Answer:
    """The complete answer."""
    whole = None
    async for answer in growing:
        whole = answer
    if whole is None:
        raise RuntimeError("the assistant said nothing")
    return whole


async def first_of(growing: AsyncGenerator[Answer, None]) -> AsyncGenerator[Answer, None]:
    """Only the first of the growing answers: the others are left for later."""
    yield await anext(growing)


async def while_there(growing: AsyncGenerator[Answer, None], receive: Receive) -> Answer | None:
    """The complete answer; None if the client, whose body was read, has disconnected."""

    async def heard() -> Answer:
        async with aclosing(growing):
            return await last(growing)

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    hearing, leaving = asyncio.create_task(heard()), asyncio.create_task(gone())
    try:
        await asyncio.wait((hearing, leaving), return_when=asyncio.FIRST_COMPLETED)
        return hearing.result() if hearing.done() else None
    finally:
        for task in (hearing, leaving):
            task.cancel()
        await asyncio.gather(hearing, leaving, return_exceptions=True)
