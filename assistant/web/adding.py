"""Adds articles in the background, one file or link after another, and says how far it is.

    adding = Adding(index)
    adding.file("reports/harbour.pdf", bytes)       returns at once
    adding.link("https://…")
    adding.status().line                            "Reading 14 of 60. You can ask now; …"
    adding.close()                                  stops after what is being stored

What was given goes on when the page that gave it is closed, and with a folder to wait in when the
program is: the next one takes it up there. What fails is kept with its reason, so that it can be
tried again, and files that were announced and never came are told of. A file that the index has from elsewhere is a further source of the same article, as
`dateline add` would make it. It knows the index and nothing of pages, requests or models.
"""

from __future__ import annotations

import errno
import itertools
import json
import logging
import shutil
import socket
import stat
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vectorstore.articles import AddReport, Notice, Progress, Skipped
from vectorstore.errors import DatelineError, FetchError, LoadingError, StoreError
from vectorstore.fetching import Page, fetch
from vectorstore.index import Index
from vectorstore.loading import Content, load
from vectorstore.syncing import FileRead, Run, add, read_content

if TYPE_CHECKING:
    from filelock import BaseFileLock

WAITING = "waiting"  # the folder's name in an index's folder
OFFLINE = "Offline: paste the text instead."

_AT_ONCE = 16  # files that are stored in one step, at most
_A_STEP = 1.0  # seconds of reading, after which what was read is stored
_FETCHES = 2  # links fetched at the same time
_GIVEN_UP = 60.0  # seconds without a file, after which the rest of an upload is not waited for
_UNSENT = "{} of {} files never came. Choose them again: what is here already is not added twice."
_TOLD = 200  # failures that are listed
_WAITS = ".waits"  # the ending of what waits
_UNREADABLE = ".unreadable"  # and of what did, and cannot be read
_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be given: bytes of one file, files at once, and bytes that wait to be read."""

    size: int = 20_000_000
    files: int = 1_000
    waiting: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be added, and why. `again` is False where trying again cannot help."""

    name: str
    what: str
    reason: str
    again: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """How far it is: `done` of `total` files, links being fetched, what failed.

    `added`, `updated` and `unchanged` count the articles since it was last idle; `notices` are what
    there is to know of them.
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

    @property
    def running(self) -> bool:
        return self.done < self.total or bool(self.fetching)

    @property
    def line(self) -> str:
        """What it is doing or did, in words; "" where nothing was given yet."""
        if self.done < self.total:
            at = min(self.done + 1, self.total)
            return (
                f"Reading {at:,} of {self.total:,}. You can ask now; unfinished articles are not "
                "searched yet."
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

    All methods may be called from any thread; none waits for what it is given. What was given waits
    in `folder`, readable by its owner only, and is gone from there when it is stored: whatever ends
    the program, the next `Adding` there goes on with it. Without a folder, or while another program
    uses it, what waits is lost where the program ends. `clock` gives seconds that only ever grow.
    """

    def __init__(
        self,
        index: Index,
        *,
        fetch: Callable[[str], Page] = fetch,
        limits: Limits = Limits(),  # it is frozen
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._index = index
        self._fetch = fetch
        self._changed = threading.Condition()
        self._waiting: deque[_Given] = deque()
        self._bytes = 0
        self._uploads: dict[str, _Upload] = {}
        self._status = Status()
        self._failed: dict[str, _Source | None] = {}
        self._names = itertools.count(1)
        self._closing = False
        self._folder = folder
        self._kept: BaseFileLock | None = None  # held while what waits is kept in the folder
        self._reader: threading.Thread | None = None
        self._fetchers = ThreadPoolExecutor(_FETCHES, thread_name_prefix="fetching")
        if folder is not None:
            self._take_up(folder)

    def file(self, name: str, content: bytes, *, upload: str = "", of: int = 1) -> None:
        """Read a file later. `upload` names what was chosen together, `of` how many files that is.

        Raises LoadingError, with the reason alone, for one that is too large or too many.
        """
        if len(content) > self.limits.size:
            raise LoadingError(f"is larger than {self.limits.size // 1_000_000} MB; split it")
        if of > self.limits.files:
            raise LoadingError(f"is one of {of:,} files; add at most {self.limits.files:,} at once")
        with self._changed:
            self._refuse_if_closing()
            if self._bytes + len(content) > self.limits.waiting:
                raise LoadingError("comes too early: wait until the files before it are read")
            self._begin()
            coming = self._expect(upload, of, name)
            path = self._put({"file": name}, content)
            self._bytes += len(content)
            self._give(_File(name, path, len(content)))
            self._has_come(coming)

    def refused(self, what: str, reason: str, *, upload: str = "", of: int = 1) -> None:
        """List a file that was not accepted among what failed."""
        with self._changed:
            self._begin()
            coming = self._expect(upload, of, what)
            self._status = replace(self._status, done=self._status.done + 1)
            self._fail(what, reason, None)
            self._has_come(coming)
            self._changed.notify_all()

    def folder(self, path: Path) -> None:
        """Read every file of a folder of this computer later. Raises LoadingError."""
        files = len(load(path))
        with self._changed:
            self._refuse_if_closing()
            self._begin()
            self._status = replace(self._status, total=self._status.total + files)
            kept = self._put({"folder": str(path.absolute())}, b"")
            self._give(_Folder(path, files, kept))

    def link(self, address: str) -> None:
        """Fetch a page or feed later and add its articles."""
        with self._changed:
            self._refuse_if_closing()
            self._begin()
            for name, source in list(self._failed.items()):  # what failed before is tried again
                if isinstance(source, _Link) and source.what == address:
                    self._forget(name)
                    self._drop(source)
            self._fetch_later(_Link(address, self._fetch, self._put({"link": address}, b"")))

    def status(self) -> Status:
        with self._changed:
            self._give_up_on_lost_uploads()
            return self._status

    def again(self, name: str) -> bool:
        """Try what failed under this name again; False where there is no such failure."""
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
        """Forget what failed and what was counted, where nothing is running."""
        with self._changed:
            for name in list(self._failed):
                source = self._failed[name]
                self._forget(name)
                self._drop(source)
            self._status = replace(self._status, more_failures=0, notices=())
            if not self._status.running:
                self._status = Status()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is running, at most so long; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._status.running, seconds)

    def close(self) -> None:
        """Stop after what is being stored; what was not read yet waits in the folder, if there is
        one, for the next start."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            self._changed.notify_all()
        self._fetchers.shutdown(wait=True, cancel_futures=True)
        if self._reader is not None:
            self._reader.join()
        if self._kept is not None:
            self._kept.release()
        elif self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- the queue; each of these is called with the lock held -----------------------------------

    def _refuse_if_closing(self) -> None:
        if self._closing:
            raise StoreError("Dateline is ending; add it after the next start.")

    def _begin(self) -> None:
        """Count from nothing again where it was idle."""
        if not self._status.running:
            kept = self._status
            self._status = Status(
                failures=kept.failures, more_failures=kept.more_failures, notices=kept.notices
            )
            self._uploads.clear()

    def _expect(self, upload: str, of: int, name: str) -> _Upload | None:
        """Count the files of an upload as soon as its first one comes."""
        if not upload:
            self._status = replace(self._status, total=self._status.total + 1)
            return None
        if upload not in self._uploads:
            what = name.partition("/")[0] if "/" in name else "Files chosen together"
            about: dict[str, str | int] = {"upload": upload, "of": of, "what": what}
            path = self._put(about, b"") if of > 1 else None  # may fail: counted behind it
            self._status = replace(self._status, total=self._status.total + of)
            self._uploads[upload] = _Upload(what, of, of, path)
        coming = self._uploads[upload]
        coming.left -= 1
        coming.last = self._clock()
        if coming.left < 0:  # more came than were announced
            coming.left = 0
            self._status = replace(self._status, total=self._status.total + 1)
        return coming

    def _has_come(self, coming: _Upload | None) -> None:
        """Keep how many files of an upload have come: one byte each, after what is known of it."""
        if coming is None or coming.path is None:
            return
        if not coming.left:
            coming.path.unlink(missing_ok=True)
            coming.path = None
            return
        with coming.path.open("ab") as opened:
            opened.write(b".")

    def _give_up_on_lost_uploads(self) -> None:
        """Do not wait for the rest of an upload whose page was closed, and say that it is missing."""
        for upload in self._uploads.values():
            if upload.left and self._clock() - upload.last > _GIVEN_UP:
                self._status = replace(self._status, total=self._status.total - upload.left)
                unsent = None if upload.path is None else _Unsent(upload.what, upload.path)
                self._fail(upload.what, _UNSENT.format(upload.left, upload.of), unsent)
                upload.left, upload.path = 0, None
                self._changed.notify_all()

    def _give(self, source: _Given) -> None:
        self._waiting.append(source)
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, name="adding", daemon=True)
            self._reader.start()
        self._changed.notify_all()

    def _fail(self, what: str, reason: str, source: _Source | None) -> None:
        failures = self._status.failures
        if len(failures) == _TOLD:
            more = self._status.more_failures + 1
            self._status = replace(self._status, more_failures=more)
            self._drop(source)
            return
        name = f"f{next(self._names)}"
        self._failed[name] = source
        again = source is not None and not isinstance(source, _Unsent)
        failure = Failure(name, what, reason, again)
        self._status = replace(self._status, failures=(*failures, failure))

    def _forget(self, name: str) -> None:
        del self._failed[name]
        kept = tuple(failure for failure in self._status.failures if failure.name != name)
        self._status = replace(self._status, failures=kept)

    def _drop(self, source: _Source | None) -> None:
        """Delete what is kept of a source, where no failure can ask for it again."""
        if source is not None and source not in self._failed.values():
            source.path.unlink(missing_ok=True)
            self._bytes -= source.size

    def _fetch_later(self, link: _Link) -> None:
        self._status = replace(self._status, fetching=(*self._status.fetching, link.what))
        self._fetchers.submit(self._follow, link)

    # -- what waits ------------------------------------------------------------------------------

    def _put(self, about: dict[str, str | int], content: bytes) -> Path:
        """Keep what was given until it is stored: a line that says what it is, then its bytes."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="dateline-"))
        number = next(self._names)
        draft, path = self._folder / f"{number}.part", self._folder / f"{number}{_WAITS}"
        draft.touch(_OWNER_ONLY)
        draft.write_bytes(json.dumps(about).encode() + b"\n" + content)
        draft.replace(path)  # whole, or not at all
        return path

    def _take_up(self, folder: Path) -> None:
        """Go on with what an earlier program left there; not where another one still works on it."""
        from filelock import FileLock, Timeout

        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        lock = FileLock(folder / "lock", timeout=0, thread_local=False)  # closed by another
        try:
            lock.acquire()
        except Timeout:
            _log.info("%s is in use: what is added here is not kept beyond the end", folder)
            self._folder = None
            return
        self._kept = lock
        for draft in folder.glob("*.part"):
            draft.unlink(missing_ok=True)
        waiting = sorted(
            (int(path.stem), path) for path in folder.glob(f"*{_WAITS}") if path.stem.isdigit()
        )
        taken = (int(path.stem) for path in folder.iterdir() if path.stem.isdigit())
        self._names = itertools.count(max(taken, default=0) + 1)
        with self._changed:
            for _, path in waiting:
                self._go_on_with(path)

    def _go_on_with(self, path: Path) -> None:
        try:
            with path.open("rb") as opened:
                about = json.loads(opened.readline())
                rest = path.stat().st_size - opened.tell()
            kind, name = _waits_for(about)
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("%s is not one of what waits: %s", path, error)
            self._set_aside(path)
            return
        if kind == "link":
            self._fetch_later(_Link(name, self._fetch, path))
        elif kind == "upload":
            left = max(0, about["of"] - rest)  # its page may still be there, and go on
            self._status = replace(self._status, total=self._status.total + left)
            coming = _Upload(about["what"], about["of"], left, path, self._clock())
            self._uploads[name] = coming
        elif kind == "folder":
            folder = _Folder(Path(name), _counted(Path(name)), path)
            self._status = replace(self._status, total=self._status.total + folder.files)
            self._give(folder)
        else:
            self._status = replace(self._status, total=self._status.total + 1)
            self._bytes += rest
            self._give(_File(name, path, rest))

    def _set_aside(self, path: Path) -> None:
        """List what waits and cannot be read among what failed, and do not take it up again."""
        kept = path.with_suffix(_UNREADABLE)
        try:
            path.replace(kept)
        except OSError as error:
            _log.warning("%s cannot be set aside: %s", path, error)
            kept = path
        reason = (
            f"waited to be added and can no longer be read. It is kept as {kept}; add it again."
        )
        self._fail("One of the files or links given before", reason, None)

    # -- the threads -----------------------------------------------------------------------------

    def _read(self) -> None:
        """Read and store until it is closed; several files in a step, so that storing is quick."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
            began = time.monotonic()
            step: list[_Read] = []
            run = Run()
            while len(step) < _AT_ONCE and time.monotonic() - began < _A_STEP:
                with self._changed:
                    if not self._waiting or self._closing:
                        break
                    source = self._waiting.popleft()
                step.append(self._read_one(source, run))
            self._store(step)

    def _read_one(self, source: _Given, run: Run) -> _Read:
        """What a source holds; what cannot be read as a whole has failed."""
        try:
            if isinstance(source, _File):
                read = read_content(self._index, Content(source.what, source.content()), run)
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
        except Exception:  # noqa: BLE001  # one file's fault must not end the thread for the others
            _log.exception("adding %s failed", source.what)
            reason = "could not be read: an error of Dateline's own, see its log"
        return _Read(source, AddReport(skipped=(Skipped(source.what, reason),)))

    def _bring_folder(self, folder: _Folder) -> AddReport:
        """Add the files of a folder, counting them one by one."""

        def one_more(progress: Progress) -> None:
            with self._changed:
                if self._closing:
                    raise _EndedError
                # The last one is counted when all are stored and nothing of the folder waits.
                if progress.done < folder.files:
                    folder.done = progress.done
                    self._status = replace(self._status, done=self._status.done + 1)
                    self._changed.notify_all()

        folder.done = 0
        return add(self._index, folder.folder, progress=one_more)

    def _store(self, step: Sequence[_Read], lost: frozenset[str] = frozenset()) -> frozenset[str]:
        """Store what was read, all together; where that fails, one file at a time. Returns the ids
        of the articles that could not be; a file whose articles are among the `lost` cannot be
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
                report = self._index.store_files(
                    [file.file for file in files if file.file is not None and file.file.origins],
                    list(articles.values()),
                )
                reports += [report, AddReport(unchanged=tuple(dict.fromkeys(known)))]
        except DatelineError as error:
            failed = str(error)
        except Exception:  # noqa: BLE001  # nor must the index's
            _log.exception("storing %s failed", step[0].source.what)
            failed = "could not be stored: an error of Dateline's own, see its log"
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
            )
            self._changed.notify_all()
        return lost | articles.keys() if failed else lost

    def _follow(self, link: _Link) -> None:
        """Fetch a link and store its articles."""
        if self._closing:
            return
        self._store([self._read_one(link, Run())])
        with self._changed:
            fetching = list(self._status.fetching)
            if link.what in fetching:
                fetching.remove(link.what)
            self._status = replace(self._status, fetching=tuple(fetching))
            self._changed.notify_all()


class _EndedError(Exception):
    """It was closed while a folder was read."""


@dataclass(slots=True)
class _Upload:
    """Files chosen together: how many are `left` to come, and when the last one came.

    `path` is where that is kept, None where none is to be missed.
    """

    what: str
    of: int
    left: int
    path: Path | None
    last: float = 0.0


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was given, kept until it is read."""

    what: str
    path: Path
    size: int

    files = 1
    done = 0

    def content(self) -> bytes:
        with self.path.open("rb") as opened:
            opened.readline()  # says what it is
            return opened.read()


@dataclass(slots=True, eq=False)
class _Folder:
    """A folder of this computer, and where it is kept that it is to be read; `done` of its files are
    counted already."""

    folder: Path
    files: int
    path: Path
    size: int = 0
    done: int = 0

    @property
    def what(self) -> str:
        return str(self.folder)


@dataclass(frozen=True, slots=True)
class _Link:
    """A page or a feed to fetch. Nothing of it counts as a file."""

    what: str
    fetch: Callable[[str], Page]
    path: Path
    size: int = 0

    files = 0
    done = 0


@dataclass(frozen=True, slots=True)
class _Unsent:
    """What never came of an upload. Nothing of it can be tried again here."""

    what: str
    path: Path
    size: int = 0

    files = 0
    done = 0


_Given = _File | _Folder | _Link
_Source = _Given | _Unsent


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a file, or what became of a folder or link, which store what they read."""

    source: _Given
    found: FileRead | AddReport

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return self.found.skipped


def _waits_for(about: object) -> tuple[str, str]:
    """What the first line of what waits says: "file", "folder", "link" or "upload", and its name.

    Raises ValueError where it says none of them.
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
    """How many files there are in it to read; 1, the folder itself, where it cannot be read."""
    try:
        return len(load(folder))
    except LoadingError:
        return 1


def _reason(source: _Given, error: LoadingError) -> str:
    """Why it failed, without the name again that stands before it in the list."""
    if not isinstance(source, _Link):
        return str(error)
    cause: BaseException | None = error if isinstance(error, FetchError) else None
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return OFFLINE
            # Without a network no name is found; a name that does not exist looks the same.
            return f"{OFFLINE} If you are online: no such address was found; check it."
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return OFFLINE
        cause = cause.__cause__ or cause.__context__
    return str(error).removeprefix(f"{source.what} ")


_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
