"""Which process holds an index's folder, and where the others find it.

    <folder>/lock           locked by the holder for as long as it lives; the kernel frees it, even
                            after kill -9
    <folder>/holder.json    where the holder listens, its secret, and who it is

The lock alone decides; a holder.json left behind by a dead process means nothing. The holder
listens from the moment it holds the lock, so whoever reads its address can connect and wait.

It knows neither what is in the folder nor what is said over the socket.
"""

from __future__ import annotations

import errno
import hmac
import json
import os
import secrets
import socket
import stat
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vectorstore.errors import StoreBusyError, StoreError, StoreFormatError

if TYPE_CHECKING:
    from filelock import BaseFileLock

PROTOCOL = 1  # incremented whenever what is said over the socket changes

_LOCK = "lock"
_ADDRESS = "holder.json"
_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
_OWNER_ONLY_FOLDER = stat.S_IRWXU
_HOST = "127.0.0.1"
_WAITING_CONNECTIONS = 128


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a folder, as published in it. `started` is an ISO time with its offset."""

    host: str
    port: int
    secret: str = field(repr=False)
    pid: int
    program: str
    started: str
    machine: str
    protocol: int = PROTOCOL

    def proof(self, nonce: str) -> str:
        """The answer to `nonce` that proves knowledge of the secret without revealing it."""
        return hmac.new(self.secret.encode(), nonce.encode(), "sha256").hexdigest()

    def __str__(self) -> str:
        """For messages: "dateline (process 4711 on desk, since 2025-07-26 14:03)"."""
        since = datetime.fromisoformat(self.started).astimezone()
        return (
            f"{self.program} (process {self.pid} on {self.machine}, since {since:%Y-%m-%d %H:%M})"
        )


class Hold:
    """An index's folder, held by this process; `listener` is bound, listening and published."""

    def __init__(self, folder: Path, lock: BaseFileLock, *, new: bool, program: str) -> None:
        self.folder = folder
        self._lock = lock
        self._new = new
        self._pid = os.getpid()
        # TCP given explicitly: only then does asyncio turn off Nagle's delay of 40 ms per answer.
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self.listener.bind((_HOST, 0))
            self.listener.listen(_WAITING_CONNECTIONS)
            self.holder = Holder(
                host=_HOST,
                port=self.listener.getsockname()[1],
                secret=secrets.token_urlsafe(32),
                pid=self._pid,
                program=program,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                machine=socket.gethostname(),
            )
            _publish(folder / _ADDRESS, self.holder)
        except BaseException:
            self.listener.close()
            raise

    def release(self) -> None:
        """Close the socket, remove the address and free the folder. May be called more than once.

        In a forked child it closes the child's copy of the socket and leaves the rest alone.
        """
        self.listener.close()
        if os.getpid() == self._pid and self._lock.is_locked:
            with suppress(OSError):  # a folder that was removed, or became read-only: harmless
                (self.folder / _ADDRESS).unlink()
            self._lock.release()

    def abandon(self) -> None:
        """Release a folder that turned out to be unusable, leaving no new file in it."""
        if self._new and os.getpid() == self._pid and self._lock.is_locked:
            # Whoever waits for this file finds it unlinked on getting the lock, and starts over.
            with suppress(OSError):
                (self.folder / _LOCK).unlink()
        self.release()


def hold(folder: Path, *, program: str | None = None, make: bool = True) -> Hold | None:
    """Hold `folder`; None if a process, this one included, already holds it.

    The folder is created if absent; with `make=False`, StoreError is raised instead. `program` is
    what messages call this process; by default the name it was started under.
    Raises StoreFormatError if `folder` is a file, StoreBusyError if its lock belongs to another
    user, StoreError if it cannot be written or its file system does not support locks.
    """
    from filelock import FileLock, Timeout

    if make:
        _make(folder)
    elif not folder.is_dir():
        raise StoreError(f"the index {folder} has been removed. Open it again to make a new one.")
    file = folder / _LOCK
    new = not file.exists()
    lock = FileLock(
        file,
        timeout=0,
        mode=_OWNER_ONLY,
        # Released by whichever thread closes the index.
        thread_local=False,
        # A lock that merely exists as a file would survive kill -9.
        fallback_to_soft=False,
    )
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        raise _unusable(folder, file, error) from error
    try:
        return Hold(folder, lock, new=new, program=program or _program())
    except OSError as error:
        lock.release()
        raise _unusable(folder, folder / _ADDRESS, error) from error
    except BaseException:
        lock.release()
        raise


def holder_of(folder: Path) -> Holder | None:
    """Who last published itself as the holder; None if nobody did, or not completely.

    Says nothing about whether that process is alive: only the lock does. Raises StoreBusyError if
    another user's process holds the folder, or a Dateline that speaks another protocol.
    """
    file = folder / _ADDRESS
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreBusyError(
            f"the index {folder} is held by another process, and {file} cannot be read: "
            f"{error.strerror or error}{_belongs_to(file)}. Run this program as the user who "
            "started that one, or ask that user to stop it."
        ) from error
    with os.fdopen(descriptor, "rb") as opened:
        owner = os.fstat(descriptor).st_uid
        # Readers send articles to the address in it, so it must not come from another user.
        if hasattr(os, "geteuid") and os.geteuid() not in (owner, 0):
            raise StoreBusyError(
                f"the index {folder} is held by a process of another user (id {owner}). "
                "Run this program as that user, or ask that user to stop theirs."
            )
        content = opened.read()
    return _parse(content, folder)


def published_at(folder: Path) -> tuple[int, int] | None:
    """Changes with every holder: comparing it shows whether one still talks to the latest."""
    try:
        found = (folder / _ADDRESS).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def lock_file(folder: Path) -> Path:
    return folder / _LOCK


def _make(folder: Path) -> None:
    """Create the folder for its owner only; an existing empty one is closed to others too."""
    try:
        folder.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            with suppress(PermissionError):  # a mounted folder may belong to somebody else
                folder.chmod(_OWNER_ONLY_FOLDER)
    except (FileExistsError, NotADirectoryError) as error:
        file = next((path for path in [folder, *folder.parents] if path.exists()), folder)
        raise StoreFormatError(f"{file} is a file. Give a folder as the index.") from error
    except OSError as error:
        raise StoreError(
            f"the index's folder {folder} cannot be made or read: {error.strerror or error}. "
            "Choose another folder, or make this one accessible to you."
        ) from error


def _publish(file: Path, holder: Holder) -> None:
    """Write the address atomically; at no moment can anybody but the owner read it."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)  # left by a process that was killed right here
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(asdict(holder), opened)
    draft.replace(file)


def _parse(content: bytes, folder: Path) -> Holder | None:
    try:
        values = json.loads(content)
        protocol = values["protocol"]
    except (ValueError, TypeError, KeyError):
        return None
    if protocol != PROTOCOL:
        raise StoreBusyError(
            f"the index {folder} is held by process {values.get('pid')} of another version of "
            "Dateline. Stop that program, or use the same version for both."
        )
    try:
        datetime.fromisoformat(values["started"])
        return Holder(**values)
    except (ValueError, TypeError, KeyError):
        return None


def _unusable(folder: Path, file: Path, error: OSError) -> StoreError:
    """Why `file` cannot be locked or written, and what to do."""
    denied = error.errno in (errno.EACCES, errno.EPERM)
    if denied and _belongs_to(file):
        return StoreBusyError(
            f"{file} cannot be opened: {error.strerror}{_belongs_to(file)}. "
            "Run this program as that user, or choose another folder for the index."
        )
    if denied or error.errno == errno.EROFS:
        return StoreError(
            f"the index {folder} is read-only, and an index is written even to be searched. "
            "Make the folder writable, or copy the index to a folder that is."
        )
    return StoreError(
        f"{file} cannot be locked or written: {error.strerror or error}. "
        "Put the index on a local disk, and see that it has room."
    )


def _belongs_to(file: Path) -> str:
    try:
        owner = file.stat().st_uid
    except OSError:
        return ""
    ours = hasattr(os, "geteuid") and os.geteuid() == owner
    return "" if ours else f" (it belongs to the user with the id {owner})"


def _program() -> str:
    """The name this process was started under; never its arguments, which may be a question."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    return name if name not in ("", "-", "-c", "-m") else Path(sys.executable).stem or "python"
