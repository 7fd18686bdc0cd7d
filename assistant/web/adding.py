"""Adds articles in the background, one file or link after another, and reports its progress.

    adding = Adding(index)
    adding.file("reports/harbour.pdf", bytes)       returns at once
    adding.link("https://…")
    adding.status().line                            "Reading 14 of 60. You can ask now; …"
    adding.close()                                  stops after what is being stored

Adding goes on when the page that uploaded the files is closed and, with a folder for waiting files,
after the program ends: the next one resumes what bears the seal, and asks about anything somebody
else put there. Several users take turns: one user's thousand files do not hold up another user's
single file. Failures are kept with their reasons, so that they can be retried, and files that were
announced but never arrived are reported. A file that the index already has from elsewhere becomes a
further source of the same article, as with `dateline add`. This module knows the index, and nothing
of pages, requests or models.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import logging
import os
import shutil
import socket
import stat
import tempfile
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.web.sealing import Seal
from assistant.web.waiting import Kept, Waiting
from vectorstore.articles import AddReport, Notice, Progress, Skipped
from vectorstore.errors import (
    DatelineError,
    FetchError,
    LoadingError,
    StoreError,
    StoreFormatError,
)
from vectorstore.fetching import Page, fetch
from vectorstore.index import Index
from vectorstore.loading import Content, load
from vectorstore.syncing import FileRead, Run, add, read_content

if TYPE_CHECKING:
    from filelock import BaseFileLock

WAITING = "waiting"  # the folder's name in an index's folder
OFFLINE = "Offline: paste the text instead."

_AT_ONCE = 16  # files stored in one step, at most
_A_STEP = 1.0  # seconds of reading, after which what has been read is stored
_BYTES_A_STEP = 200_000  # of files, likewise
_READERS = 2  # users whose files may be read and stored at the same time, one file each
_FETCHES = 2  # links fetched at the same time
_LAST_STEPS = 3.0  # seconds granted to what is being read, fetched or stored when this closes
_GIVEN_UP = 60.0  # seconds without a file, after which the rest of an upload is given up
_UNSENT = "{} of {} files never came. Choose them again: what is here already is not added twice."
_TOLD = 200  # failures listed
_STRANGE = "was waiting in this index when it was opened here, and was not given on this computer. Retry {} it."
_STRANGE_FOLDER = (
    "is a folder that this index asks for, and not somebody on this computer: it is not read. If it is "
    "yours, run `dateline add` on it."
)
_WAITS = ".waits"  # the extension of waiting files
_UNREADABLE = ".unreadable"  # and of those that cannot be read
_LONGEST_LINE = 100_000  # bytes of the line that describes what waits

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is accepted: bytes per file, files at once, and bytes waiting to be read."""

    size: int = 20_000_000
    files: int = 1_000
    waiting: int = 1_000_000_000


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


class Adding:
    """A queue of files and links, and the threads that read them into the index.

    All methods may be called from any thread; none waits for the work it queues. Queued files wait
    in `folder`, readable only by its owner, and are removed from there once stored: however the
    program ends, the next `Adding` there with the same `seal` resumes them. Without a folder, or
    while another program uses it, what waits is lost when the program ends. `whose` names the user
    who gives something: users take turns. `keep` is called with the bytes of each file that was
    read, before it is stored, and returns a remark about it, or "". `clock` gives monotonic
    seconds.

    Raises StoreFormatError if `folder` is a link to elsewhere.
    """

    def __init__(
        self,
        index: Index,
        *,
        fetch: Callable[[str], Page] = fetch,
        limits: Limits = Limits(),  # it is frozen
        folder: Path | None = None,
        seal: Seal | None = None,
        keep: Callable[[bytes], str] = lambda _: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._index = index
        self._fetch = fetch
        self._seal = seal or Seal()
        self._keep = keep
        self._changed = threading.Condition()
        self._lots: OrderedDict[str, deque[_Given]] = OrderedDict()  # by user
        self._busy: set[str] = set()  # users whose files are being read or stored
        self._in_work: set[str] = set()  # digests of the files being read or stored
        self._links: deque[_Link] = deque()
        self._bytes = 0
        self._uploads: dict[str, _Upload] = {}
        self._status = Status()
        self._failed: dict[str, _Source | None] = {}
        self._names = itertools.count(1)
        self._closing = False
        self._folder: Waiting | None = None
        self._is_temporary = False
        self._kept: BaseFileLock | None = None  # held while waiting files are kept in the folder
        self._readers: list[threading.Thread] = []
        self._fetchers: list[threading.Thread] = []
        if folder is not None:
            self._take_up(folder)

    def file(
        self, name: str, content: bytes, *, upload: str = "", of: int = 1, whose: str = ""
    ) -> None:
        """Read a file later. `upload` names the files chosen together, `of` is how many they are.

        Raises LoadingError, with only the reason, for a file that is too large or one of too many;
        StoreError if it cannot be kept until then, in which case it still counts as arrived.
        """
        if len(content) > self.limits.size:
            raise LoadingError(f"is larger than {self.limits.size // 1_000_000} MB; split it")
        if of > self.limits.files:
            raise LoadingError(f"is one of {of:,} files; add at most {self.limits.files:,} at once")
        with self._changed:
            self._refuse_if_closing()
            if self._bytes + len(content) > self.limits.waiting:
                raise LoadingError("comes too early: wait until the files before it are read")
            self._bytes += len(content)  # reserve its room
        digest = hashlib.sha256(content).hexdigest()
        try:
            path = self._put({"file": name, "sha256": digest}, content)
        except StoreError:
            with self._changed:
                self._bytes -= len(content)
                self._never_came(upload, of, name)
            raise
        with self._changed:
            self._refuse_if_closing()
            self._begin()
            coming = self._expect(upload, of, name)
            self._give(_File(name, path, len(content), digest, whose))
            self._has_come(coming)

    def refused(self, what: str, reason: str, *, upload: str = "", of: int = 1) -> None:
        """List a file that was not accepted among the failures."""
        with self._changed:
            self._begin()
            coming = self._expect(upload, of, what)
            self._status = replace(self._status, done=self._status.done + 1)
            self._fail(what, reason, None)
            self._has_come(coming)
            self._changed.notify_all()

    def folder(self, path: Path, *, whose: str = "") -> None:
        """Read every file of a folder on this computer later. Raises LoadingError, StoreError."""
        files = len(load(path))
        kept = self._put({"folder": str(path.absolute())}, b"")
        with self._changed:
            self._refuse_if_closing()
            self._begin()
            self._status = replace(self._status, total=self._status.total + files)
            self._give(_Folder(path, files, kept, whose))

    def link(self, address: str) -> None:
        """Fetch a page or feed later and add its articles. Raises StoreError."""
        kept = self._put({"link": address}, b"")
        with self._changed:
            self._refuse_if_closing()
            self._begin()
            for name, source in list(self._failed.items()):  # an earlier failure of it is retried
                if isinstance(source, _Link) and source.what == address:
                    self._forget(name)
                    self._drop(source)
            self._fetch_later(_Link(address, self._fetch, kept))

    def status(self) -> Status:
        with self._changed:
            self._give_up_on_lost_uploads()
            return self._status

    def again(self, name: str) -> bool:
        """Retry what failed under this name; False if there is no such failure."""
        with self._changed:
            source = self._failed.get(name)
            if source is None or isinstance(source, _Unsent):
                return False
            self._forget(name)
            self._begin()
            if isinstance(source, _Link):
                self._fetch_later(source)
            else:
                if isinstance(source, _Folder):
                    source.files = _counted(source.folder)
                self._status = replace(self._status, total=self._status.total + source.files)
                self._give(source)
            return True

    def dismiss(self) -> None:
        """Forget failures and counts if nothing is running."""
        with self._changed:
            for name in list(self._failed):
                source = self._failed[name]
                self._forget(name)
                self._drop(source)
            self._status = replace(self._status, more_failures=0, notices=())
            if not self._status.running:
                self._status = Status()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is running, at most this long; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._status.running, seconds)

    def close(self) -> None:
        """Stop after the current step, here and in the index; anything not stored yet waits in the
        folder, if there is one, for the next start. Work that takes more than a few seconds is left
        behind: it ends when the index is closed."""
        with self._changed:
            self._closing = True
            self._lots.clear()
            self._links.clear()
            self._changed.notify_all()
        self._index.interrupt()
        deadline = time.monotonic() + _LAST_STEPS
        for thread in (*self._readers, *self._fetchers):
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._kept is not None:
            self._kept.release()
        elif self._is_temporary and self._folder is not None:
            shutil.rmtree(self._folder.path, ignore_errors=True)

    # -- the queue; each of these is called with the lock held -----------------------------------

    def _refuse_if_closing(self) -> None:
        if self._closing:
            raise StoreError("Dateline is ending; add it after the next start.")

    def _begin(self) -> None:
        """Start counting from zero if it was idle."""
        if not self._status.running:
            kept = self._status
            self._status = Status(
                failures=kept.failures, more_failures=kept.more_failures, notices=kept.notices
            )
            self._uploads.clear()

    def _expect(self, upload: str, of: int, name: str) -> _Upload | None:
        """Count the files of an upload as soon as the first one arrives."""
        if not upload:
            self._status = replace(self._status, total=self._status.total + 1)
            return None
        if upload not in self._uploads:
            what = name.partition("/")[0] if "/" in name else "Files chosen together"
            path = None
            if of > 1:
                with suppress(StoreError):  # then only this program knows that they are expected
                    path = self._put({"upload": upload, "of": of, "what": what}, b"")
            self._status = replace(self._status, total=self._status.total + of)
            self._uploads[upload] = _Upload(what, of, of, path)
        coming = self._uploads[upload]
        coming.left -= 1
        coming.last = self._clock()
        if coming.left < 0:  # more arrived than were announced
            coming.left = 0
            self._status = replace(self._status, total=self._status.total + 1)
        return coming

    def _has_come(self, coming: _Upload | None) -> None:
        """Record how many files of an upload have arrived: one byte each, after its description."""
        if coming is None or coming.path is None:
            return
        if not coming.left:
            coming.path.remove()
            coming.path = None
            return
        with suppress(OSError):
            coming.path.append(b".")

    def _never_came(self, upload: str, of: int, name: str) -> None:
        """A file was given and could not be kept: the uploader is told, and nobody waits for it."""
        if upload:
            self._begin()
            coming = self._expect(upload, of, name)
            self._status = replace(self._status, total=self._status.total - 1)
            self._has_come(coming)
            self._changed.notify_all()

    def _give_up_on_lost_uploads(self) -> None:
        """Stop waiting for the rest of an upload whose page was closed, and report it missing."""
        for upload in self._uploads.values():
            if upload.left and self._clock() - upload.last > _GIVEN_UP:
                self._status = replace(self._status, total=self._status.total - upload.left)
                unsent = None if upload.path is None else _Unsent(upload.what, upload.path)
                self._fail(upload.what, _UNSENT.format(upload.left, upload.of), unsent)
                upload.left, upload.path = 0, None
                self._changed.notify_all()

    def _give(self, source: _Given) -> None:
        self._lots.setdefault(source.whose, deque()).append(source)
        if len(self._readers) < min(_READERS, len(self._lots.keys() | self._busy)):
            self._readers.append(_started(self._read, "adding"))
        self._changed.notify_all()

    def _next(self) -> str | None:
        """Whose turn it is; None if nothing can be read now."""
        for whose, lot in self._lots.items():
            if whose not in self._busy and lot[0].digest not in self._in_work:
                return whose
        return None

    def _fail(
        self, what: str, reason: str, source: _Source | None, *, again: bool | None = None
    ) -> None:
        failures = self._status.failures
        if len(failures) == _TOLD:
            more = self._status.more_failures + 1
            self._status = replace(self._status, more_failures=more)
            if again is None:
                self._drop(source)
            return
        name = f"f{next(self._names)}"
        self._failed[name] = source
        if again is None:
            again = source is not None and not isinstance(source, _Unsent)
        self._status = replace(
            self._status, failures=(*failures, Failure(name, what, reason, again))
        )

    def _forget(self, name: str) -> None:
        del self._failed[name]
        kept = tuple(failure for failure in self._status.failures if failure.name != name)
        self._status = replace(self._status, failures=kept)

    def _drop(self, source: _Source | None) -> None:
        """Delete what is kept of a source, unless a failure can still ask for it."""
        if source is not None and source not in self._failed.values():
            source.path.remove()
            self._bytes -= source.size

    def _fetch_later(self, link: _Link) -> None:
        self._status = replace(self._status, fetching=(*self._status.fetching, link.what))
        self._links.append(link)
        if len(self._fetchers) < _FETCHES:
            self._fetchers.append(_started(self._follow, "fetching"))
        self._changed.notify_all()

    # -- what waits ------------------------------------------------------------------------------

    def _put(self, about: dict[str, str | int], content: bytes) -> Kept:
        """Keep what was given until it is stored: a line that describes it, then its bytes.

        Raises StoreError, leaving nothing behind, if that is impossible.
        """
        with self._changed:
            self._refuse_if_closing()
            number = next(self._names)
            if self._folder is None:
                self._folder = Waiting(Path(tempfile.mkdtemp(prefix="dateline-")))
                self._is_temporary = True
            kept = self._folder.kept(f"{number}{_WAITS}")
        try:
            kept.write(json.dumps(self._seal.on(about)).encode() + b"\n" + content)
        except OSError as error:
            raise StoreError(
                f"it could not be kept until it is read: {error.strerror or error}. Free some space on "
                f"the disk of {kept.folder.path}, and add it again."
            ) from error
        return kept

    def _take_up(self, folder: Path) -> None:
        """Resume what an earlier program left there, unless another one is still working on it."""
        from filelock import FileLock, Timeout

        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        try:
            waiting = Waiting(folder)
        except OSError as error:
            raise _is_a_link(folder) from error
        lock = FileLock(folder / "lock", timeout=0, thread_local=False)  # another thread closes it
        try:
            lock.acquire()
        except Timeout:
            _log.info("%s is in use: what is added here is not kept beyond the end", folder)
            return
        except OSError as error:  # it is a link, or the file system has no locks
            raise StoreError(
                f"{folder / 'lock'} cannot be locked ({error.strerror or error}). Remove it, or move "
                "the index to a local disk."
            ) from error
        if not waiting.is_at_its_path:
            lock.release()
            raise _is_a_link(folder)
        self._folder, self._kept = waiting, lock
        names = [name.rpartition(".") for name in waiting.names()]
        for number, _, ending in names:
            if ending == "part":
                waiting.remove(f"{number}.part")
        numbers = [
            (int(n), f".{ending}") for n, _, ending in names if n.isdecimal() and n.isascii()
        ]
        self._names = itertools.count(max((number for number, _ in numbers), default=0) + 1)
        kept = [waiting.kept(f"{n}{_WAITS}") for n, ending in sorted(numbers) if ending == _WAITS]
        with self._changed:
            for each in kept:
                self._go_on_with(each)

    def _go_on_with(self, path: Kept) -> None:
        try:
            with path.opened() as opened:
                about = json.loads(opened.readline(_LONGEST_LINE))
                rest = os.fstat(opened.fileno()).st_size - opened.tell()
            kind, name = _waits_for(about)
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("%s is not one of what waits: %s", path, error)
            self._set_aside(path)
            return
        ours = self._seal.holds(about)
        if kind == "link":
            link = _Link(name, self._fetch, path)
            if ours:
                self._fetch_later(link)
            else:
                self._fail(name, _STRANGE.format("fetches"), link, again=True)
        elif kind == "upload":
            if not ours:
                self._set_aside(path)
                return
            left = max(0, about["of"] - rest)  # its page may still be open, and go on
            self._status = replace(self._status, total=self._status.total + left)
            coming = _Upload(about["what"], about["of"], left, path, self._clock())
            self._uploads[name] = coming
        elif kind == "folder":
            if not ours:
                self._set_aside(path, name, _STRANGE_FOLDER)
                return
            folder = _Folder(Path(name), _counted(Path(name)), path)
            self._status = replace(self._status, total=self._status.total + folder.files)
            self._give(folder)
        else:
            file = _File(name, path, rest, str(about.get("sha256", "")) if ours else "")
            self._bytes += rest
            if ours:
                self._status = replace(self._status, total=self._status.total + 1)
                self._give(file)
            else:
                self._fail(name, _STRANGE.format("reads"), file, again=True)

    def _set_aside(self, path: Kept, what: str = "", why: str = "") -> None:
        """List a waiting file that cannot or must not be read among the failures, and do not resume
        it again."""
        kept = path
        try:
            kept = path.rename(path.name.replace(_WAITS, _UNREADABLE))
        except OSError as error:
            _log.warning("%s cannot be set aside: %s", path, error)
        reason = why or (
            f"waited to be added and can no longer be read. It is kept as {kept}; add it again."
        )
        self._fail(what or "One of the files or links given before", reason, None)

    # -- the threads -----------------------------------------------------------------------------

    def _read(self) -> None:
        """Read and store until closed: users take turns, with several files of one user per step,
        so that storing is quick."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._next() is not None)
                whose = self._next()
                if self._closing or whose is None:
                    return
                self._busy.add(whose)
            own: set[str] = set()
            try:
                self._store(self._read_some(whose, own))
            finally:
                with self._changed:
                    self._busy.discard(whose)
                    self._in_work -= own
                    if whose in self._lots:
                        self._lots.move_to_end(whose)
                    self._changed.notify_all()

    def _read_some(self, whose: str, own: set[str]) -> list[_Read]:
        """Read as much as fits in one step; the digests of its files are added to `own`."""
        began, size = time.monotonic(), 0
        step: list[_Read] = []
        run = Run()
        while len(step) < _AT_ONCE and size < _BYTES_A_STEP and time.monotonic() - began < _A_STEP:
            with self._changed:
                lot = self._lots.get(whose)
                if not lot or lot[0].digest in self._in_work - own:
                    break
                source = lot.popleft()
                if not lot:
                    del self._lots[whose]
                if source.digest:
                    own.add(source.digest)
                    self._in_work.add(source.digest)
            step.append(self._read_one(source, run))
            size += source.size
        return step

    def _read_one(self, source: _Given | _Link, run: Run) -> _Read:
        """The contents of a source; one that cannot be read as a whole has failed."""
        try:
            if isinstance(source, _File):
                content = Content(source.what, source.content())
                read = read_content(self._index, content, run, partial(self._opening, source))
                gave_articles = read.file is not None and bool(read.file.origins)
                if gave_articles and (told := self._keep(content.content)):
                    read = replace(read, notices=(*read.notices, Notice(source.what, told)))
                return _Read(source, read)
            if isinstance(source, _Folder):
                return _Read(source, self._bring_folder(source))
            return _Read(
                source, add(self._index, source.what, fetch=lambda url, _, __: source.fetch(url))
            )
        except _EndedError:
            return _Read(source, AddReport())
        except LoadingError as error:
            reason = _reason(source, error)
        except DatelineError as error:
            reason = str(error)
        except Exception:  # noqa: BLE001  # one file must not end the thread for the others
            _log.exception("adding %s failed", source.what)
            reason = "could not be read: an error of Dateline's own, see its log"
        return _Read(source, AddReport(skipped=(Skipped(source.what, reason),)))

    def _opening(self, source: _File, number: int, files: int) -> None:
        name = source.what.rpartition("/")[2]
        self._is_within(f"{name}: file {number:,} of {files:,}")

    def _is_within(self, within: str) -> None:
        with self._changed:
            if self._closing:
                raise _EndedError
            self._status = replace(self._status, within=within)

    def _bring_folder(self, folder: _Folder) -> AddReport:
        """Add the files of a folder, counting them one by one."""

        def one_more(progress: Progress) -> None:
            with self._changed:
                if self._closing:
                    raise _EndedError
                # The last one is counted once all are stored and nothing of the folder waits.
                if progress.done < folder.files:
                    folder.done = progress.done
                    self._status = replace(self._status, done=self._status.done + 1)
                    self._changed.notify_all()

        folder.done = 0
        return add(self._index, folder.folder, progress=one_more)

    def _store(self, step: Sequence[_Read], lost: frozenset[str] = frozenset()) -> frozenset[str]:
        """Store what was read, all together; if that fails, one file at a time. Returns the ids of
        the articles that could not be stored; a file whose articles are among the `lost` cannot be
        stored either."""
        if self._closing or not step:
            return lost
        skipped = [(read.source, skip) for read in step for skip in read.skipped]
        reports = [read.found for read in step if isinstance(read.found, AddReport)]
        files = [read.found for read in step if isinstance(read.found, FileRead)]
        articles = {article.id: article for file in files for article in file.articles}
        known = [name for file in files for name in file.known if name not in articles]
        failed = ""
        try:
            if any(name in lost for name in known):
                raise StoreError("could not be stored, as the file with the same bytes before it")  # noqa: TRY301
            if files:
                given = list(articles.values())
                # Many are stored a few at a time, so that progress can be reported.
                last = max(0, len(given) - 1) // _AT_ONCE * _AT_ONCE
                for start in range(0, last, _AT_ONCE):
                    self._is_within(f"{start:,} of {len(given):,} articles stored")
                    reports.append(self._index.add_articles(given[start : start + _AT_ONCE]))
                if last:
                    self._is_within(f"{last:,} of {len(given):,} articles stored")
                report = self._index.store_files(
                    [file.file for file in files if file.file is not None and file.file.origins],
                    given[last:],
                )
                reports += [report, AddReport(unchanged=tuple(dict.fromkeys(known)))]
        except _EndedError:
            return lost  # it waits for the next start
        except DatelineError as error:
            failed = str(error)
        except Exception:  # noqa: BLE001  # nor must the index end it
            _log.exception("storing %s failed", step[0].source.what)
            failed = "could not be stored: an error of Dateline's own, see its log"
        if failed and self._closing:
            return lost  # it waits for the next start
        if failed and len(step) > 1:
            for read in step:
                lost = self._store([read], lost)
            return lost
        if failed:
            skipped.append((step[0].source, Skipped(step[0].source.what, failed)))
        with self._changed:
            for source, skip in skipped:
                self._fail(skip.source, skip.reason, source)
            notices = [notice for read in step for notice in read.found.notices]
            for read in step:
                self._drop(read.source)
            now = self._status
            self._status = replace(
                now,
                done=now.done + sum(read.source.files - read.source.done for read in step),
                added=now.added + sum(len(report.added) for report in reports),
                updated=now.updated + sum(len(report.updated) for report in reports),
                unchanged=now.unchanged + sum(len(report.unchanged) for report in reports),
                notices=(*now.notices, *notices)[:_TOLD],
                within="",
            )
            self._changed.notify_all()
        return lost | articles.keys() if failed else lost

    def _follow(self) -> None:
        """Fetch links and store their articles until closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._links)
                if self._closing:
                    return
                link = self._links.popleft()
            self._store([self._read_one(link, Run())])
            with self._changed:
                fetching = list(self._status.fetching)
                if link.what in fetching:
                    fetching.remove(link.what)
                self._status = replace(self._status, fetching=tuple(fetching))
                self._changed.notify_all()


class _EndedError(Exception):
    """It was closed while a folder was being read."""


@dataclass(slots=True)
class _Upload:
    """Files chosen together: how many are `left` to come, and when the last one came.

    `path` is where that is kept, None if none can be missing.
    """

    what: str
    of: int
    left: int
    path: Kept | None
    last: float = 0.0


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was given, kept until it is read. `digest` is what its bytes must hash to; "" if
    nobody vouches for them."""

    what: str
    path: Kept
    size: int
    digest: str = ""
    whose: str = ""

    files = 1
    done = 0

    def content(self) -> bytes:
        """Raises LoadingError if it is no longer what was given."""
        try:
            with self.path.opened() as opened:
                opened.readline(_LONGEST_LINE)  # skip its description
                content = opened.read()
        except OSError as error:
            raise LoadingError(f"cannot be read again: {error.strerror or error}") from error
        if self.digest and hashlib.sha256(content).hexdigest() != self.digest:
            raise LoadingError("was changed while it waited to be read; add it again")
        return content


@dataclass(slots=True, eq=False)
class _Folder:
    """A folder on this computer, and where the order to read it is kept; `done` of its files are
    already counted."""

    folder: Path
    files: int
    path: Kept
    whose: str = ""
    size: int = 0
    done: int = 0

    digest = ""

    @property
    def what(self) -> str:
        return str(self.folder)


@dataclass(frozen=True, slots=True)
class _Link:
    """A page or a feed to fetch. It does not count as a file."""

    what: str
    fetch: Callable[[str], Page]
    path: Kept
    size: int = 0

    files = 0
    done = 0


@dataclass(frozen=True, slots=True)
class _Unsent:
    """The part of an upload that never arrived. None of it can be retried here."""

    what: str
    path: Kept
    size: int = 0

    files = 0
    done = 0


_Given = _File | _Folder
_Source = _Given | _Link | _Unsent


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read from a file, or the result for a folder or link, stored as they are read."""

    source: _Given | _Link
    found: FileRead | AddReport

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return self.found.skipped


def _started(work: Callable[[], None], name: str) -> threading.Thread:
    # A daemon: a fetch that hangs must not keep the program from ending.
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def _is_a_link(folder: Path) -> StoreFormatError:
    """The work of somebody who wants files elsewhere read or removed."""
    to = f"is a link to {folder.readlink()}" if folder.is_symlink() else "is not a folder"
    return StoreFormatError(f"{folder} {to}; what waits lies in the index itself. Remove the link.")


def _waits_for(about: object) -> tuple[str, str]:
    """What the first line of a waiting file says: "file", "folder", "link" or "upload", and its
    name.

    Raises ValueError if it is none of these.
    """
    for kind in ("link", "folder", "upload", "file"):
        if isinstance(about, dict) and isinstance(name := about.get(kind), str):
            if kind == "upload" and not (
                isinstance(about.get("of"), int) and isinstance(about.get("what"), str)
            ):
                break
            return kind, name
    raise ValueError("it names no file, folder, link or upload")


def _counted(folder: Path) -> int:
    """How many files the folder has to read; 1, the folder itself, if it cannot be read."""
    try:
        return len(load(folder))
    except LoadingError:
        return 1


def _reason(source: _Given | _Link, error: LoadingError) -> str:
    """Why it failed, without repeating the name that stands before it in the list."""
    if not isinstance(source, _Link):
        return str(error)
    cause: BaseException | None = error if isinstance(error, FetchError) else None
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return OFFLINE
            # Without a network no name resolves; a name that does not exist looks the same.
            return f"{OFFLINE} If you are online: no such address was found; check it."
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return OFFLINE
        cause = cause.__cause__ or cause.__context__
    return str(error).removeprefix(f"{source.what} ")


_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
