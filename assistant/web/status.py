"""The progress of what is being added, and what of it failed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from assistant.web.given import Source, Unsent
from assistant.web.waiting import Kept
from vectorstore.articles import Notice
from vectorstore.errors import StoreError

TOLD = 200  # failures listed, and notices
_GIVEN_UP = 60.0  # seconds without a file, after which the rest of an upload is given up
_UNSENT = "{} of {} files never came. Choose them again: what is here already is not added twice."


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be added, and why. `again` is False if retrying cannot help."""

    name: str
    what: str
    reason: str
    again: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """The progress: `done` of `total` files, links being fetched, what failed.

    `within` is the progress within a file that has many articles, in words. `added`, `updated` and
    `unchanged` count the articles since it was last idle; `notices` are remarks about them.
    """

    done: int = 0
    total: int = 0
    fetching: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    more_failures: int = 0
    notices: tuple[Notice, ...] = ()
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    within: str = ""

    @property
    def running(self) -> bool:
        return self.done < self.total or bool(self.fetching)

    @property
    def line(self) -> str:
        """What it is doing or did, in words; "" if nothing has been given yet."""
        if self.done < self.total:
            at = min(self.done + 1, self.total)
            within = f" ({self.within})" if self.within else ""
            return (
                f"Reading {at:,} of {self.total:,}{within}. You can ask now; unfinished articles are "
                "not searched yet."
            )
        if self.fetching:
            return "Fetching…"
        counts = [(self.added, "added"), (self.updated, "updated"), (self.unchanged, "unchanged")]
        parts = [f"{number:,} {word}" for number, word in counts if number]
        if not parts:
            return ""
        articles = "article" if parts[0].startswith("1 ") and len(parts) == 1 else "articles"
        return f"{', '.join(parts).replace(' ', f' {articles} ', 1)}."


@dataclass(slots=True)
class Upload:
    """Files chosen together: how many are `left` to come, and when the last one came.

    `path` is where that is kept, None if none can be missing.
    """

    what: str
    of: int
    left: int
    path: Kept | None
    last: float = 0.0


class EndedError(Exception):
    """It was closed while a folder was being read."""


class Ledger:
    """Counts what was given and what came of it. Every method but `within` is called with
    `changed` held, which is notified of every change; after `closing`, nothing more is added.

    `put` keeps the record of an upload, so that the next program expects the rest of it; `clock`
    gives monotonic seconds.
    """

    def __init__(
        self, put: Callable[[dict[str, str | int], bytes], Kept], clock: Callable[[], float]
    ) -> None:
        self.changed = threading.Condition()
        self.status = Status()
        self.closing = False
        self.waiting = 0  # bytes
        self._put = put
        self._clock = clock
        self.failed: dict[str, Source | None] = {}  # by the failure's name
        self._uploads: dict[str, Upload] = {}
        self._names = itertools.count(1)

    def count(self, **more: int) -> None:
        """Add these to the numbers of the status."""
        now = {name: getattr(self.status, name) + number for name, number in more.items()}
        self.status = replace(self.status, **now)
        self.changed.notify_all()

    def fetching(self, what: str) -> None:
        self.status = replace(self.status, fetching=(*self.status.fetching, what))

    def fetched(self, what: str) -> None:
        fetching = list(self.status.fetching)
        if what in fetching:
            fetching.remove(what)
        self.status = replace(self.status, fetching=tuple(fetching))
        self.changed.notify_all()

    def begin(self) -> None:
        """Start counting from zero if it was idle."""
        if not self.status.running:
            kept = self.status
            self.status = Status(
                failures=kept.failures, more_failures=kept.more_failures, notices=kept.notices
            )
            self._uploads.clear()

    def expect(self, upload: str, of: int, name: str) -> Upload | None:
        """Count the files of an upload as soon as the first one arrives."""
        if not upload:
            self.count(total=1)
            return None
        if upload not in self._uploads:
            what = name.partition("/")[0] if "/" in name else "Files chosen together"
            path = None
            if of > 1:
                with suppress(StoreError):  # then only this program knows that they are expected
                    path = self._put({"upload": upload, "of": of, "what": what}, b"")
            self.count(total=of)
            self._uploads[upload] = Upload(what, of, of, path)
        coming = self._uploads[upload]
        coming.left -= 1
        coming.last = self._clock()
        if coming.left < 0:  # more arrived than were announced
            coming.left = 0
            self.count(total=1)
        return coming

    def has_come(self, coming: Upload | None) -> None:
        """Record how many files of an upload have arrived: one byte each, after its description."""
        if coming is None or coming.path is None:
            return
        if not coming.left:
            coming.path.remove()
            coming.path = None
            return
        with suppress(OSError):
            coming.path.append(b".")

    def never_came(self, upload: str, of: int, name: str) -> None:
        """A file was given and could not be kept: the uploader is told, and nobody waits for it."""
        if upload:
            self.begin()
            coming = self.expect(upload, of, name)
            self.has_come(coming)
            self.count(total=-1)

    def give_up_on_lost_uploads(self) -> None:
        """Stop waiting for the rest of an upload whose page was closed, and report it missing."""
        for upload in self._uploads.values():
            if upload.left and self._clock() - upload.last > _GIVEN_UP:
                self.count(total=-upload.left)
                unsent = None if upload.path is None else Unsent(upload.what, upload.path)
                self.fail(upload.what, _UNSENT.format(upload.left, upload.of), unsent)
                upload.left, upload.path = 0, None

    def fail(
        self, what: str, reason: str, source: Source | None, *, again: bool | None = None
    ) -> None:
        failures = self.status.failures
        if len(failures) == TOLD:
            self.count(more_failures=1)
            if again is None:
                self.drop(source)
            return
        name = f"f{next(self._names)}"
        self.failed[name] = source
        if again is None:
            again = source is not None and not isinstance(source, Unsent)
        self.status = replace(self.status, failures=(*failures, Failure(name, what, reason, again)))

    def forget(self, name: str) -> None:
        del self.failed[name]
        kept = tuple(failure for failure in self.status.failures if failure.name != name)
        self.status = replace(self.status, failures=kept)

    def drop(self, source: Source | None) -> None:
        """Delete what is kept of a source, unless a failure can still ask for it."""
        if source is not None and source not in self.failed.values():
            source.path.remove()
            self.waiting -= source.size

    def resume(self, upload: str, what: str, of: int, left: int, path: Kept) -> None:
        """Expect the rest of an upload that an earlier program began to receive."""
        self.count(total=left)
        self._uploads[upload] = Upload(what, of, left, path, self._clock())

    def tell(self, notices: Sequence[Notice]) -> None:
        """Something was stored, about which there is this to tell."""
        told = (*self.status.notices, *notices)[:TOLD]
        self.status = replace(self.status, notices=told, within="")
        self.changed.notify_all()

    def within(self, within: str) -> None:
        """Show the progress within a file. Raises EndedError if nothing is added any more."""
        with self.changed:
            if self.closing:
                raise EndedError
            self.status = replace(self.status, within=within)

    def dismiss(self) -> None:
        """Forget failures and counts if nothing is running."""
        for name, source in list(self.failed.items()):
            self.forget(name)
            self.drop(source)
        self.status = replace(self.status, more_failures=0, notices=())
        if not self.status.running:
            self.status = Status()
