"""One index shared by several programs: hold the folder, or work through the process that does.

    index = open_shared(folder, lambda: LocalIndex(folder, ...))
    index.here          True if this process holds the folder and serves the others
    index.holder        who holds it

The first process to arrive holds the folder. When it ends, even by kill -9, the next one to make a
call takes the folder over and the others find it there; nobody has to reopen the index. It knows
neither what an index does nor what is in the folder.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TypeVar

from vectorstore.articles import (
    AddReport,
    Article,
    Finding,
    Hit,
    SourceFile,
    Statistics,
    Summary,
)
from vectorstore.errors import StoreBusyError, StoreError
from vectorstore.holding import Hold, Holder, hold, holder_of, lock_file, published_at
from vectorstore.index import Index, Mode, OnProgress
from vectorstore.remote import HolderGoneError, RemoteIndex
from vectorstore.serving import Serving

Result = TypeVar("Result")

_POLL = 0.05  # seconds between attempts to find the holder
_PUBLISHING = 0.5  # seconds that a holder may take to publish itself; it takes a millisecond
_PROBE = 2.0  # seconds that a holder may take to answer before its address is read again


def open_shared(
    folder: Path,
    open_local: Callable[[], Index],
    *,
    program: str | None = None,
    wait: float = 10.0,
    grace: float = 10.0,
) -> SharedIndex:
    """The index in `folder`, held by this process or by another of this user's on this machine.

    `open_local` opens it on this process's files; it is called while the folder is held, now or
    when the present holder ends. `program` is what other processes' messages call this one. `wait`
    is how many seconds to keep trying to reach a holder; `grace` how many seconds the others'
    running calls get when this process closes the index.

    Raises StoreBusyError, naming the holder, if it cannot be reached; StoreFormatError if `folder`
    is a file; StoreError if it is read-only; and whatever `open_local` raises.
    """
    return SharedIndex(folder, open_local, program=program, wait=wait, grace=grace)


class SharedIndex(Index):
    """What `open_shared` returns. Its methods raise what the index raises, and StoreBusyError.

    A call cut off by the end of a holder is made once more, by the next holder. What the first
    attempt stored is then reported as unchanged, and what it removed counts as removed.

    A forked child does not inherit the index: the lock and the connections stay with the parent,
    and every method but `close` raises StoreError in the child. Open the index after the fork.
    """

    def __init__(
        self,
        folder: Path,
        open_local: Callable[[], Index],
        *,
        program: str | None,
        wait: float,
        grace: float,
    ) -> None:
        self._folder = folder
        self._open_local = open_local
        self._program = program
        self._wait = wait
        self._grace = grace
        self._pid = os.getpid()
        self._turn = threading.RLock()
        self._closed = False
        self._place: _Here | _There | None = self._reach(make=True)

    @property
    def here(self) -> bool:
        """Whether this process holds the folder, to its knowledge."""
        return isinstance(self._place, _Here)

    @property
    def holder(self) -> Holder:
        """Who holds the folder."""
        return self._current().holder

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        given = tuple(articles)  # an iterator would be exhausted at the second attempt
        return self._make(lambda index: index.add_articles(given, progress=progress))

    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode = "hybrid",
        *,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> list[Hit]:
        return self._make(
            lambda index: index.search(
                query,
                k,
                mode,
                sources=sources,
                articles=articles,
                after=after,
                before=before,
                authors=authors,
                tags=tags,
            )
        )

    def get(self, article_id: str) -> Article:
        return self._make(lambda index: index.get(article_id))

    def articles(self) -> list[Summary]:
        return self._make(lambda index: index.articles())

    def summary(self, article_id: str) -> Summary:
        return self._make(lambda index: index.summary(article_id))

    def near_copies(self, article_id: str) -> list[Summary]:
        return self._make(lambda index: index.near_copies(article_id))

    def events(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        return self._make(lambda index: index.events(article_ids))

    def near_words(self, word: str, k: int = 3) -> list[str]:
        return self._make(lambda index: index.near_words(word, k))

    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        return self._make(
            lambda index: index.source_files(
                under=under, digests=digests, articles=articles, addresses=addresses
            )
        )

    def store_files(
        self,
        files: Sequence[SourceFile],
        articles: Sequence[Article] = (),
        *,
        forget: Sequence[str] = (),
    ) -> AddReport:
        return self._make(lambda index: index.store_files(files, articles, forget=forget))

    def edit(
        self,
        article_id: str,
        *,
        title: str | None = None,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Summary:
        return self._make(
            lambda index: index.edit(
                article_id,
                title=title,
                published=published,
                source=source,
                authors=authors,
                tags=tags,
            )
        )

    def remove(self, article_ids: Sequence[str]) -> int:
        def remove_what_is_left(index: Index) -> int:
            there = {summary.id for summary in index.articles()}
            left = [article_id for article_id in article_ids if article_id in there]
            if left:
                index.remove(left)
            return len(set(article_ids))

        return self._make(lambda index: index.remove(article_ids), again=remove_what_is_left)

    def statistics(self) -> Statistics:
        return self._make(lambda index: index.statistics())

    def check(self) -> list[Finding]:
        return self._make(lambda index: index.check())

    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        self._make(lambda index: index.rebuild(progress=progress))

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        self._make(lambda index: index.backup(file, without=without))

    def interrupt(self) -> None:
        """If another process holds the index, that process carries on with what it was given."""
        place = self._place
        if isinstance(place, _Here):
            place.index.interrupt()

    def close(self) -> None:
        """Let go of the index. If this process holds it, the others' running calls get the grace
        period given at opening, then one of the others takes over. May be called more than once; an
        index still held when the interpreter exits is closed then."""
        self._closed = True
        atexit.unregister(self.close)
        if os.getpid() != self._pid:
            if isinstance(self._place, _Here):
                self._place.hold.release()
            return
        with self._turn:
            place, self._place = self._place, None
            if isinstance(place, _There):
                place.index.close()
            elif place is not None:
                try:
                    place.serving.close(grace=self._grace)
                    place.index.close()
                finally:
                    # Last: the next holder must find the files closed.
                    place.hold.release()

    def _make(
        self, call: Callable[[Index], Result], *, again: Callable[[Index], Result] | None = None
    ) -> Result:
        """Make the call wherever the index is; if the end of a holder cut it off, once more, as
        `again`. If it was not even sent, it is simply made at the next place."""
        cut_off = False
        while True:
            place = self._current()
            try:
                return (again or call)(place.index) if cut_off else call(place.index)
            except HolderGoneError as gone:
                self._leave(place)
                if gone.sent and cut_off:
                    raise
                cut_off = cut_off or gone.sent

    def _current(self) -> _Here | _There:
        """Where the index is now. Raises StoreError if it is closed or was opened before a fork."""
        if os.getpid() != self._pid:
            raise StoreError(
                f"the index {self._folder} was opened before this process was forked, and stays "
                "with its parent. Open the index after the fork."
            )
        place = self._place
        if isinstance(place, _Here):
            return place
        with self._turn:
            if self._closed:
                raise StoreError(f"the index {self._folder} has been closed; open it again.")
            self._place = self._still(self._place) or self._reach(make=False)
            return self._place

    def _still(self, place: _Here | _There | None) -> _Here | _There | None:
        """`place` if the index is still there.

        The lock is checked before every call (0.1 ms), and not only when one fails: nothing must be
        sent to a port that somebody else may have got after the holder ended.
        """
        if not isinstance(place, _There):
            return place
        held = hold(self._folder, program=self._program, make=False)
        if held is None and published_at(self._folder) == place.published:
            return place
        place.index.close()
        return None if held is None else self._open_here(held)

    def _reach(self, *, make: bool) -> _Here | _There:
        """Hold the folder, or find who holds it; waits while a holder is starting or ending."""
        begun = time.monotonic()
        deadline = begun + self._wait
        while True:
            held = hold(self._folder, program=self._program, make=make)
            if held is not None:
                return self._open_here(held)
            published = published_at(self._folder)
            try:
                holder = holder_of(self._folder)
            except StoreBusyError:
                # Perhaps left by a dead holder, and the living one is about to replace it.
                if time.monotonic() >= min(deadline, begun + _PUBLISHING):
                    raise
                holder = None
            if holder is not None:
                left = max(deadline - time.monotonic(), _POLL)
                there = _There(RemoteIndex(holder), published)
                if _answers(there.index, min(left, _PROBE)):
                    return there
            if self._closed or time.monotonic() >= deadline:
                raise self._busy(holder)
            time.sleep(_POLL)

    def _open_here(self, held: Hold) -> _Here:
        try:
            index = self._open_local()
        except BaseException:
            held.abandon()
            raise
        # A script may end without closing, and files that were not closed have to be rebuilt. Not
        # on garbage collection, which can happen in the middle of another thread's call.
        atexit.register(self.close)
        return _Here(held, index, Serving(held.listener, held.holder, index))

    def _leave(self, place: _Here | _There) -> None:
        with self._turn:
            if self._place is place and isinstance(place, _There):
                place.index.close()
                self._place = None

    def _busy(self, holder: Holder | None) -> StoreBusyError:
        if holder is None:
            return StoreBusyError(
                f"the index {self._folder} is held by another process, which does not say where it "
                f"can be reached. Find it with `lsof {lock_file(self._folder)}`, stop it or let it "
                "finish, and try again."
            )
        return StoreBusyError(
            f"the index {self._folder} is held by {holder}, which does not answer at "
            f"{holder.host}:{holder.port}. Let it finish, or stop it, and try again; an index is "
            "shared by the programs of one machine only."
        )


@dataclass(frozen=True, slots=True)
class _Here:
    hold: Hold
    index: Index
    serving: Serving

    @property
    def holder(self) -> Holder:
        return self.hold.holder


@dataclass(frozen=True, slots=True)
class _There:
    index: RemoteIndex
    published: tuple[int, int] | None

    @property
    def holder(self) -> Holder:
        return self.index.holder


def _answers(index: RemoteIndex, seconds: float) -> bool:
    """Whether it answers; if not, it is closed."""
    answered = False
    try:
        answered = index.answers(seconds)
    finally:
        if not answered:
            index.close()
    return answered
