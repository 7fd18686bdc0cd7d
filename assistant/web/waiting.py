"""The folder in which given files wait to be read, held by its descriptor.

    waiting = Waiting(index / "waiting")
    kept = waiting.kept("7.waits")
    with kept.opened() as opened: …

Whatever the folder's path leads to later, and whatever replaces a file in it, nothing outside the
folder that was opened is read, written or removed. On systems that cannot reach files from a
descriptor (Windows), they are reached by path.
"""

from __future__ import annotations

import errno
import os
import stat
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
_BINARY = getattr(os, "O_BINARY", 0)
_CAREFUL = _BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
_BY_DESCRIPTOR = {
    os.open,
    os.unlink,
    os.rename,
} <= os.supports_dir_fd and os.listdir in os.supports_fd


class Waiting:
    """An existing folder. Raises OSError if it is not one, or is a link to one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        if _BY_DESCRIPTOR:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            # Not before: a thread that was left behind may still be busy with its last file.
            weakref.finalize(self, os.close, self._descriptor)

    def names(self) -> list[str]:
        # A Path cannot list a descriptor.
        return os.listdir(self.path if self._descriptor is None else self._descriptor)  # noqa: PTH208

    def kept(self, name: str) -> Kept:
        return Kept(self, name)

    @property
    def is_at_its_path(self) -> bool:
        """Whether the path leads to the folder that was opened."""
        if self._descriptor is None:
            return not self.path.is_symlink()
        with suppress(OSError):
            there = self.path.lstat()
            return os.path.samestat(there, os.fstat(self._descriptor))
        return False

    def open(self, name: str, flags: int) -> int:
        return os.open(self._at(name), flags, _OWNER_ONLY, dir_fd=self._descriptor)

    def rename(self, name: str, new: str) -> None:
        os.replace(
            *(self._at(name), self._at(new)),
            src_dir_fd=self._descriptor,
            dst_dir_fd=self._descriptor,
        )

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._descriptor)

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else str(self.path / name)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the folder. Every method raises OSError."""

    folder: Waiting
    name: str

    def __str__(self) -> str:
        return str(self.folder.path / self.name)

    def opened(self) -> BinaryIO:
        """Open for reading, refusing links to elsewhere, and anything but a regular file, which
        could block."""
        opened = os.fdopen(self.folder.open(self.name, os.O_RDONLY | _CAREFUL), "rb")
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            opened.close()
            raise OSError(errno.EINVAL, "is not a file", str(self))
        return opened

    def write(self, content: bytes) -> None:
        """Write these bytes, completely or not at all."""
        draft = Kept(self.folder, f"{self.name.partition('.')[0]}.part")
        try:
            with os.fdopen(self.folder.open(draft.name, _NEW), "wb") as opened:
                opened.write(content)
            draft.rename(self.name)
        except OSError:
            with suppress(OSError):
                draft.remove()
            raise

    def append(self, content: bytes) -> None:
        with os.fdopen(
            self.folder.open(self.name, os.O_WRONLY | os.O_APPEND | _CAREFUL), "ab"
        ) as opened:
            opened.write(content)

    def rename(self, new: str) -> Kept:
        self.folder.rename(self.name, new)
        return Kept(self.folder, new)

    def remove(self) -> None:
        self.folder.remove(self.name)
