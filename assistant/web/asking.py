"""The desk that answers visitors' questions: a few at once, the others in order of arrival.

    desk = Desk(assistant, conversations)
    asked = desk.ask(visitor, "who co-chairs the meeting?")
    async for progress in desk.follow(asked.id):        its place in the queue, then growing answers
        ...
    desk.stop(visitor, asked.conversation_id)

A question is saved before it waits, and answered whether or not anybody is still watching: a
visitor who closes the page finds the answer there later. This module knows nothing of pages;
storage is in `conversations`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from assistant.answers import Answer, Turn
from assistant.errors import (
    ConversationNotFoundError,
    EmptyIndexError,
    QuestionError,
    TooManyQuestionsError,
)
from assistant.settings import Settings
from assistant.web.conversations import (
    EVERYTHING,
    Conversations,
    Exchange,
    Filters,
    named_id,
)
from assistant.web.visitors import UNKNOWN, Caller
from assistant.writing.choosing import Models
from vectorstore.errors import DatelineError
from vectorstore.index import Index

AT_ONCE = 4  # questions answered at the same time
WAITING = 32  # questions that may wait for their turn
PER_MINUTE = 60  # questions of one visitor, and of one session
TOGETHER = 4  # times as many from one address, which several people may share
LONGEST = 2_000  # characters of a question

_VISITORS = 10_000  # visitors whose rate is remembered, the most recently seen

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Answering(Protocol):
    """The part of an assistant that the page and the API need."""

    @property
    def index(self) -> Index: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def models(self) -> Models: ...

    def answer(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
    ) -> Answer: ...

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
        stopping: threading.Event | None = None,
    ) -> Iterator[Answer]: ...

    def follow_ups(
        self,
        answer: Answer,
        *,
        history: Sequence[Turn] = (),
        going: Callable[[], bool] = lambda: True,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a question: `ahead` counts the unfinished ones before it while it waits for
    its turn, and is None once it is being answered; `answer` is the part so far."""

    ahead: int | None
    answer: Answer | None = None


class _Work:
    """One question on its way."""

    def __init__(self, exchange: Exchange, visitor: str, history: Sequence[Turn]) -> None:
        self.exchange = exchange
        self.visitor = visitor
        self.history = history
        self.answer: Answer | None = None
        self.begun = False
        self.done = False
        self.stopping = threading.Event()
        self.watchers: list[Callable[[], None]] = []


class Desk:
    """Takes questions, answers them, and reports their progress. May be used from several threads.

    `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        assistant: Answering,
        conversations: Conversations,
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        per_minute: int = PER_MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._assistant = assistant
        self._conversations = conversations
        self._at_once = at_once
        self._waiting = waiting
        self._rate = Rate(per_minute, clock)
        self._taking = threading.Lock()  # held while a question is being saved
        self._turn = threading.RLock()  # held only for moments: the page's event loop waits for it
        self._unfinished: OrderedDict[str, _Work] = OrderedDict()
        self._workers = ThreadPoolExecutor(at_once, "answering")

    def ask(
        self,
        visitor: str,
        question: str,
        filters: Filters = EVERYTHING,
        conversation_id: str | None = None,
        *,
        again: str | None = None,
        name: str = "",
        caller: Caller = UNKNOWN,
        model: str = "",
    ) -> Exchange:
        """Take a question, in a new conversation if none is named. `model`, one of the assistant's,
        is to answer it; "" is the first.

        With a `name` given by its page, it is taken once: if it is sent again under the same name
        after a connection was lost, it is the same exchange, answered if it was not. The rate of
        questions is limited for the visitor, and for the `caller`, who may pose as several. With
        `again`, the id of an exchange in that conversation, the history is what came before that
        one. Raises QuestionError, TooManyQuestionsError, ConversationNotFoundError.
        """
        if len(question) > LONGEST:
            raise QuestionError(
                f"the question has {len(question):,} characters; ask with {LONGEST:,} at most."
            )
        exchange_id = named_id(visitor, name) if name else None
        with self._taking:
            if exchange_id is not None and (known := self._known(visitor, exchange_id)):
                interrupted = known.state == "asked"
                return self._retry(visitor, known, caller, model) if interrupted else known
            self._admit(visitor, caller)
            history = self._history(visitor, conversation_id, again)
            exchange = self._conversations.begin(
                visitor, question, filters, conversation_id, exchange_id=exchange_id, model=model
            )
            self._take(_Work(exchange, visitor, history))
        return exchange

    def retry(
        self,
        visitor: str,
        exchange_id: str,
        *,
        caller: Caller = UNKNOWN,
        model: str | None = None,
    ) -> Exchange:
        """Answer a question again in place, by the model chosen for it unless another is given.
        Raises what `ask` raises."""
        with self._taking:
            exchange = self._conversations.exchange(visitor, exchange_id)
            return self._retry(visitor, exchange, caller, model)

    def stop(self, visitor: str, conversation_id: str) -> None:
        """Stop answering in this conversation; the part so far is saved at once."""
        with self._turn:
            works = [
                work
                for work in self._unfinished.values()
                if (work.visitor, work.exchange.conversation_id) == (visitor, conversation_id)
            ]
        for work in works:
            self._stop(work)

    def progress(self, exchange_id: str) -> Progress | None:
        """The progress of a question; None if it is finished, or unknown to this program."""
        with self._turn:
            work = self._unfinished.get(exchange_id)
            if work is None:
                return None
            if work.begun:
                return Progress(None, work.answer)
            return Progress(list(self._unfinished).index(exchange_id))

    @property
    def waiting(self) -> int:
        """How many questions wait for their turn."""
        with self._turn:
            return sum(not work.begun for work in self._unfinished.values())

    @property
    def busy(self) -> bool:
        """Whether a question is being answered, or is waiting."""
        with self._turn:
            return bool(self._unfinished)

    async def follow(self, exchange_id: str) -> AsyncIterator[Progress]:
        """Each new value of `progress`, until the question is finished."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop of a page that is gone may be closed
                loop.call_soon_threadsafe(changed.set)

        with self._turn:
            work = self._unfinished.get(exchange_id)
            if work is None:
                return
            work.watchers.append(wake)
        try:
            while True:
                changed.clear()
                progress = self.progress(exchange_id)
                if progress is None:
                    return
                yield progress
                await changed.wait()
        finally:
            with self._turn:
                work.watchers.remove(wake)

    def close(self) -> None:
        """Take no more questions, and stop answering."""
        with self._turn:
            works = list(self._unfinished.values())
        for work in works:
            self._stop(work)
        self._workers.shutdown(wait=False, cancel_futures=True)

    # -------------------------------------------------------------------------------- one question

    def _known(self, visitor: str, exchange_id: str) -> Exchange | None:
        try:
            return self._conversations.exchange(visitor, exchange_id)
        except ConversationNotFoundError:
            return None

    def _retry(
        self, visitor: str, exchange: Exchange, caller: Caller, model: str | None
    ) -> Exchange:
        """Called with `_taking` held."""
        if self.progress(exchange.id) is not None:
            return exchange
        self._admit(visitor, caller)
        begun = self._conversations.begin_again(visitor, exchange.id, model)
        history = self._history(visitor, begun.conversation_id, begun.id)
        self._take(_Work(begun, visitor, history))
        return begun

    def _admit(self, visitor: str, caller: Caller) -> None:
        with self._turn:
            unfinished = len(self._unfinished)
        if unfinished >= self._at_once + self._waiting:
            raise TooManyQuestionsError(
                f"{unfinished} questions wait for their answers. Try again in a minute.", 60
            )
        self._rate.take(visitor, caller)

    def _history(
        self, visitor: str, conversation_id: str | None, before: str | None
    ) -> Sequence[Turn]:
        if conversation_id is None:
            return ()
        return self._conversations.get(visitor, conversation_id).turns(before)

    def _take(self, work: _Work) -> None:
        with self._turn:
            self._unfinished[work.exchange.id] = work
        self._workers.submit(self._answer, work)

    def _answer(self, work: _Work) -> None:
        with self._turn:
            if work.done:  # stopped while it waited
                return
            work.begun = True
            self._tell_all()
        asked = work.exchange
        try:
            growing = self._assistant.stream(
                asked.question,
                history=work.history,
                sources=asked.filters.sources or None,
                articles=asked.filters.articles or None,
                after=asked.filters.after,
                before=asked.filters.before,
                authors=asked.filters.authors or None,
                tags=asked.filters.tags or None,
                model=asked.model or None,
                stopping=work.stopping,
            )
            with closing(growing):
                for answer in growing:
                    with self._turn:
                        if work.done:
                            return
                        work.answer = answer
                        _tell(work)
            if work.answer is None:
                if work.stopping.is_set():  # `_stop` ends it
                    return
                raise RuntimeError("the assistant said nothing")  # noqa: TRY301  # a bug
            whole = work.answer
            self._end(work, lambda: self._conversations.finish(asked.id, whole))
        except DatelineError as error:
            told = _told(error)
            self._end(work, lambda: self._conversations.fail(asked.id, told))
        except Exception:  # noqa: BLE001  # last resort: the visitor keeps page and question
            if work.done:  # stopped meanwhile; what it worked with may be closed by now
                return
            code = secrets.token_hex(3)
            _log.exception("question failed, code %s", code)
            told = f"Something went wrong. Your question is saved. Code {code}"
            self._end(work, lambda: self._conversations.fail(asked.id, told))

    def _stop(self, work: _Work) -> None:
        work.stopping.set()
        part = work.answer
        self._end(work, lambda: self._conversations.finish(work.exchange.id, part, stopped=True))

    def _end(self, work: _Work, keep: Callable[[], None]) -> None:
        """Save the outcome, then let go of the question; the first to end it wins."""
        with self._turn:
            if work.done:
                return
            work.done = True
        try:
            keep()
        except DatelineError:
            _log.exception("an answer could not be kept")
        with self._turn:
            del self._unfinished[work.exchange.id]
            _tell(work)
            self._tell_all()

    def _tell_all(self) -> None:
        """A question has moved on, and so have all that wait."""
        for work in self._unfinished.values():
            _tell(work)


class Rate:
    """Refuses a visitor who asks more than `per_minute` questions within 60 seconds, even posing as
    several: the session has the same limit, the address `TOGETHER` times that."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()
        self._turn = threading.Lock()

    def take(self, visitor: str, caller: Caller = UNKNOWN) -> None:
        """Count a question. Raises TooManyQuestionsError, without counting it."""
        bounds = {f"visitor {visitor}": self._per_minute}
        if caller.session:
            bounds[f"session {caller.session}"] = self._per_minute
        if caller.address:
            bounds[f"address {caller.address}"] = self._per_minute * TOGETHER
        with self._turn:
            now = self._clock()
            asked = [(self._within_a_minute(name, now), most) for name, most in bounds.items()]
            for name in bounds:
                self._taken.move_to_end(name)
            while len(self._taken) > _VISITORS:
                self._taken.popitem(last=False)
            for taken, most in asked:
                if len(taken) >= most:
                    wait = max(1, round(taken[-most] + 60 - now))
                    raise TooManyQuestionsError(
                        f"At most {most} questions a minute. Try again in {wait} s.", wait
                    )
            for taken, _ in asked:
                taken.append(now)

    def _within_a_minute(self, name: str, now: float) -> deque[float]:
        taken = self._taken.setdefault(name, deque())
        while taken and taken[0] <= now - 60:
            taken.popleft()
        return taken


@contextmanager
def closing(growing: Iterator[_T]) -> Iterator[Iterator[_T]]:
    """Close the generator behind an iterator at the end, so that its work stops at once."""
    try:
        yield growing
    finally:
        if isinstance(growing, Generator):
            growing.close()


def _tell(work: _Work) -> None:
    for watcher in work.watchers:
        watcher()


def _told(error: DatelineError) -> str:
    if isinstance(error, EmptyIndexError):
        return f"No articles yet. {error}"
    if isinstance(error, QuestionError):
        return str(error)
    return f"{error} Your question is saved."
