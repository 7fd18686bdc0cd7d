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

import hashlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.web.given import File, Folder, Given, Link, Unsent, counted
from assistant.web.sealing import Seal
from assistant.web.spool import Spool
from assistant.web.status import Ledger, Status
from assistant.web.storing import AT_ONCE, Read, Storing
from assistant.web.waiting import Kept
from vectorstore.errors import LoadingError, StoreError
from vectorstore.fetching import Page, fetch
from vectorstore.index import Index
from vectorstore.loading import load
from vectorstore.syncing import Run

WAITING = "waiting"  # the folder's name in an index's folder
_A_STEP = 1.0  # seconds of reading, after which what has been read is stored
_BYTES_A_STEP = 200_000  # of files, likewise
_READERS = 2  # users whose files may be read and stored at the same time, one file each
_FETCHES = 2  # links fetched at the same time
_LAST_STEPS = 3.0  # seconds granted to what is being read, fetched or stored when this closes
_STRANGE = "was waiting in this index when it was opened here, and was not given on this computer. Retry {} it."
_STRANGE_FOLDER = (
    "is a folder that this index asks for, and not somebody on this computer: it is not read. If it is "
    "yours, run `dateline add` on it."
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is accepted: bytes per file, files at once, and bytes waiting to be read."""

    size: int = 20_000_000
    files: int = 1_000
    waiting: int = 1_000_000_000


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
        self._index = index
        self._fetch = fetch
        self._ledger = Ledger(self._put, clock)
        self._changed = self._ledger.changed
        self._storing = Storing(index, keep, self._ledger)
        self._spool = Spool(folder, seal or Seal())
        self._lots: OrderedDict[str, deque[Given]] = OrderedDict()  # by user
        self._busy: set[str] = set()  # users whose files are being read or stored
        self._in_work: set[str] = set()  # digests of the files being read or stored
        self._links: deque[Link] = deque()
        self._readers: list[threading.Thread] = []
        self._fetchers: list[threading.Thread] = []
        with self._changed:
            for kept in self._spool.left():
                self._go_on_with(kept)

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
            if self._ledger.waiting + len(content) > self.limits.waiting:
                raise LoadingError("comes too early: wait until the files before it are read")
            self._ledger.waiting += len(content)  # reserve its room
        digest = hashlib.sha256(content).hexdigest()
        try:
            path = self._put({"file": name, "sha256": digest}, content)
        except StoreError:
            with self._changed:
                self._ledger.waiting -= len(content)
                self._ledger.never_came(upload, of, name)
            raise
        with self._changed:
            self._refuse_if_closing()
            self._ledger.begin()
            coming = self._ledger.expect(upload, of, name)
            self._give(File(name, path, len(content), digest, whose))
            self._ledger.has_come(coming)

    def refused(self, what: str, reason: str, *, upload: str = "", of: int = 1) -> None:
        """List a file that was not accepted among the failures."""
        with self._changed:
            self._ledger.begin()
            coming = self._ledger.expect(upload, of, what)
            self._ledger.count(done=1)
            self._ledger.fail(what, reason, None)
            self._ledger.has_come(coming)

    def folder(self, path: Path, *, whose: str = "") -> None:
        """Read every file of a folder on this computer later. Raises LoadingError, StoreError."""
        files = len(load(path))
        kept = self._put({"folder": str(path.absolute())})
        with self._changed:
            self._refuse_if_closing()
            self._ledger.begin()
            self._ledger.count(total=files)
            self._give(Folder(path, files, kept, whose))

    def link(self, address: str) -> None:
        """Fetch a page or feed later and add its articles. Raises StoreError."""
        kept = self._put({"link": address})
        with self._changed:
            self._refuse_if_closing()
            self._ledger.begin()
            # An earlier failure of it is retried.
            for name, source in list(self._ledger.failed.items()):
                if isinstance(source, Link) and source.what == address:
                    self._ledger.forget(name)
                    self._ledger.drop(source)
            self._fetch_later(Link(address, self._fetch, kept))

    def status(self) -> Status:
        with self._changed:
            self._ledger.give_up_on_lost_uploads()
            return self._ledger.status

    def again(self, name: str) -> bool:
        """Retry what failed under this name; False if there is no such failure."""
        with self._changed:
            source = self._ledger.failed.get(name)
            if source is None or isinstance(source, Unsent):
                return False
            self._ledger.forget(name)
            self._ledger.begin()
            if isinstance(source, Link):
                self._fetch_later(source)
            else:
                if isinstance(source, Folder):
                    source.files = counted(source.folder)
                self._ledger.count(total=source.files)
                self._give(source)
            return True

    def dismiss(self) -> None:
        """Forget failures and counts if nothing is running."""
        with self._changed:
            self._ledger.dismiss()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is running, at most this long; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._ledger.status.running, seconds)

    def close(self) -> None:
        """Stop after the current step, here and in the index; anything not stored yet waits in the
        folder, if there is one, for the next start. Work that takes more than a few seconds is left
        behind: it ends when the index is closed."""
        with self._changed:
            self._ledger.closing = True
            self._lots.clear()
            self._links.clear()
            self._changed.notify_all()
        self._index.interrupt()
        deadline = time.monotonic() + _LAST_STEPS
        for thread in (*self._readers, *self._fetchers):
            thread.join(max(0.0, deadline - time.monotonic()))
        self._spool.close()

    # -- the queue; each of these but `_put` is called with the lock held --------------------------

    def _put(self, about: dict[str, str | int], content: bytes = b"") -> Kept:
        """Keep what was given until it is stored. Raises StoreError, leaving nothing behind, if
        that is impossible."""
        with self._changed:
            self._refuse_if_closing()
            kept = self._spool.new()
        self._spool.write(kept, about, content)
        return kept

    def _refuse_if_closing(self) -> None:
        if self._ledger.closing:
            raise StoreError("Dateline is ending; add it after the next start.")

    def _give(self, source: Given) -> None:
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

    def _fetch_later(self, link: Link) -> None:
        self._ledger.fetching(link.what)
        self._links.append(link)
        if len(self._fetchers) < _FETCHES:
            self._fetchers.append(_started(self._follow, "fetching"))
        self._changed.notify_all()

    def _go_on_with(self, kept: Kept) -> None:
        waits = self._spool.read(kept)
        if waits is None or (waits.kind == "upload" and not waits.ours):
            self._set_aside(kept)
        elif waits.kind == "link":
            link = Link(waits.name, self._fetch, kept)
            if waits.ours:
                self._fetch_later(link)
            else:
                self._ledger.fail(waits.name, _STRANGE.format("fetches"), link, again=True)
        elif waits.kind == "upload":
            of, what = waits.about["of"], waits.about["what"]
            left = max(0, of - waits.size)  # its page may still be open, and go on
            self._ledger.resume(waits.name, what, of, left, kept)
        elif waits.kind == "folder" and not waits.ours:
            self._set_aside(kept, waits.name, _STRANGE_FOLDER)
        elif waits.kind == "folder":
            path = Path(waits.name)
            folder = Folder(path, counted(path), kept)
            self._ledger.count(total=folder.files)
            self._give(folder)
        else:
            digest = str(waits.about.get("sha256", "")) if waits.ours else ""
            file = File(waits.name, kept, waits.size, digest)
            self._ledger.waiting += waits.size
            if waits.ours:
                self._ledger.count(total=1)
                self._give(file)
            else:
                self._ledger.fail(waits.name, _STRANGE.format("reads"), file, again=True)

    def _set_aside(self, kept: Kept, what: str = "", why: str = "") -> None:
        """List a waiting file that cannot or must not be read among the failures, and do not resume
        it again."""
        kept = self._spool.set_aside(kept)
        reason = why or (
            f"waited to be added and can no longer be read. It is kept as {kept}; add it again."
        )
        self._ledger.fail(what or "One of the files or links given before", reason, None)

    # -- the threads -----------------------------------------------------------------------------

    def _read(self) -> None:
        """Read and store until closed: users take turns, with several files of one user per step,
        so that storing is quick."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ledger.closing or self._next() is not None)
                whose = self._next()
                if self._ledger.closing or whose is None:
                    return
                self._busy.add(whose)
            own: set[str] = set()
            try:
                self._storing.store(self._read_some(whose, own))
            finally:
                with self._changed:
                    self._busy.discard(whose)
                    self._in_work -= own
                    if whose in self._lots:
                        self._lots.move_to_end(whose)
                    self._changed.notify_all()

    def _read_some(self, whose: str, own: set[str]) -> list[Read]:
        """Read as much as fits in one step; the digests of its files are added to `own`."""
        began, size = time.monotonic(), 0
        step: list[Read] = []
        run = Run()
        while len(step) < AT_ONCE and size < _BYTES_A_STEP and time.monotonic() - began < _A_STEP:
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
            step.append(self._storing.read(source, run))
            size += source.size
        return step

    def _follow(self) -> None:
        """Fetch links and store their articles until closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ledger.closing or self._links)
                if self._ledger.closing:
                    return
                link = self._links.popleft()
            self._storing.store([self._storing.read(link, Run())])
            with self._changed:
                self._ledger.fetched(link.what)


def _started(work: Callable[[], None], name: str) -> threading.Thread:
    # A daemon: a fetch that hangs must not keep the program from ending.
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
