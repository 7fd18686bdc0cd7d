"""Keeps what was given until it is stored: in an index's folder, so that it survives a restart.

    spool = Spool(index / "waiting", seal)
    spool.left()                    what an earlier program left there, to be resumed
    kept = spool.new()
    spool.write(kept, {"link": "https://…"})

Each is a file: a line that describes it, under the seal, then its bytes. Without a folder, or while
another program uses it, what is kept is lost when the program ends.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.web.sealing import Seal
from assistant.web.waiting import Kept, Waiting
from vectorstore.errors import StoreError, StoreFormatError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_WAITS = ".waits"  # the extension of waiting files
_UNREADABLE = ".unreadable"  # and of those that cannot be read
_LONGEST_LINE = 100_000  # bytes of the line that describes what waits

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waits:
    """What a waiting file is: "file", "folder", "link" or "upload", and its name; how many bytes
    follow its description, and whether that is `ours` by its seal."""

    kind: str
    name: str
    about: dict[str, Any]
    size: int
    ours: bool


class Spool:
    """Readable only by its owner. `new` is called by one thread at a time.

    Raises StoreFormatError if `folder` is a link to elsewhere, StoreError if it cannot be locked.
    """

    def __init__(self, folder: Path | None, seal: Seal) -> None:
        self._seal = seal
        self._folder: Waiting | None = None
        self._lock: BaseFileLock | None = None  # held while waiting files are kept in the folder
        self._numbers = itertools.count(1)
        if folder is not None:
            self._take_up(folder)

    def left(self) -> list[Kept]:
        """What an earlier program left, in the order it was given; nothing if the folder is in use
        by another."""
        if self._folder is None:
            return []
        names = [name.rpartition(".") for name in self._folder.names()]
        for number, _, ending in names:
            if ending == "part":
                self._folder.remove(f"{number}.part")
        numbers = [
            (int(n), f".{ending}") for n, _, ending in names if n.isdecimal() and n.isascii()
        ]
        self._numbers = itertools.count(max((number for number, _ in numbers), default=0) + 1)
        waiting = sorted(number for number, ending in numbers if ending == _WAITS)
        return [self._folder.kept(f"{number}{_WAITS}") for number in waiting]

    def new(self) -> Kept:
        if self._folder is None:
            self._folder = Waiting(Path(tempfile.mkdtemp(prefix="dateline-")))
        return self._folder.kept(f"{next(self._numbers)}{_WAITS}")

    def write(self, kept: Kept, about: dict[str, str | int], content: bytes = b"") -> None:
        """Keep what was given. Raises StoreError, leaving nothing behind, if that is impossible."""
        try:
            kept.write(json.dumps(self._seal.on(about)).encode() + b"\n" + content)
        except OSError as error:
            raise StoreError(
                f"it could not be kept until it is read: {error.strerror or error}. Free some space on "
                f"the disk of {kept.folder.path}, and add it again."
            ) from error

    def read(self, kept: Kept) -> Waits | None:
        """What waits there; None if it is not one of what waits."""
        try:
            with kept.opened() as opened:
                about = json.loads(opened.readline(_LONGEST_LINE))
                rest = os.fstat(opened.fileno()).st_size - opened.tell()
            kind, name = _waits_for(about)
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("%s is not one of what waits: %s", kept, error)
            return None
        return Waits(kind, name, about, rest, self._seal.holds(about))

    def set_aside(self, kept: Kept) -> Kept:
        """Do not resume it again; returns where it is."""
        try:
            return kept.rename(kept.name.replace(_WAITS, _UNREADABLE))
        except OSError as error:
            _log.warning("%s cannot be set aside: %s", kept, error)
            return kept

    def close(self) -> None:
        if self._lock is not None:
            self._lock.release()
        elif self._folder is not None:
            shutil.rmtree(self._folder.path, ignore_errors=True)

    def _take_up(self, folder: Path) -> None:
        """Use the folder, unless another program is still working on it."""
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
        self._folder, self._lock = waiting, lock


def content_of(kept: Kept) -> bytes:
    """The bytes after its description. Raises OSError."""
    with kept.opened() as opened:
        opened.readline(_LONGEST_LINE)
        return opened.read()


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
