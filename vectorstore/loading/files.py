"""Files on disk: which ones a folder holds, and their bytes, without ever blocking on one."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError

INDEX = "catalog.sqlite"  # marks a folder as an index, which holds no articles of its own
# Non-blocking: must not wait for a pipe that took a file's place.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def files_of(source: Path) -> list[Path | Skipped]:
    """The file itself, or every file in a folder and its subfolders, ordered by path.

    Hidden files and folders are left out, and so is an index. A link to a place within the folder
    is left out, since its target is found anyway; any other link is Skipped. Raises LoadingError if
    there is no such file.
    """
    try:
        mode = source.stat().st_mode
    except (OSError, ValueError) as error:
        reason = _reason(error) if isinstance(error, OSError) else str(error)
        raise LoadingError(
            f"{shown(source)} cannot be found: {reason}; check the path, or write a page's "
            "address with https:// in front"
        ) from error
    if stat.S_ISREG(mode):
        return [source]
    if not stat.S_ISDIR(mode):
        raise LoadingError(f"{shown(source)} is neither a file nor a folder")
    found: list[Path | Skipped] = []
    top = source.resolve()

    def unreadable(error: OSError) -> None:
        found.append(Skipped(shown(Path(error.filename)), f"cannot be opened: {_reason(error)}"))

    for folder, folders, names in os.walk(source, onerror=unreadable):
        if INDEX in names:
            folders.clear()
            continue
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in linked
        )
        for name in sorted(names + linked):
            if name.startswith("."):
                continue
            path = Path(folder, name)
            if not path.is_symlink():
                found.append(path)
            elif not _inside(path, top):
                found.append(
                    Skipped(shown(path), "is a link out of the folder; add its target by itself")
                )
    return found


def read(path: Path, largest: int, below: Path | None = None) -> bytes:
    """The file's bytes. Raises LoadingError, with only the reason, if it is not a readable file of
    at most `largest` bytes, or if it, or a folder on the way to it from `below`, has become a link
    since it was found there."""
    try:
        descriptor = _opened(path, _READING) if below is None else _opened_below(below, path)
    except OSError as error:
        raise LoadingError(f"cannot be opened: {_reason(error)}") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise LoadingError("is not a regular file")
        if status.st_size > largest:
            raise _too_large(largest)
        try:
            content = file.read(largest + 1)
        except OSError as error:
            raise LoadingError(f"cannot be read: {_reason(error)}") from error
    if len(content) > largest:
        raise _too_large(largest)
    return content


def _opened(path: str | Path, flags: int, within: int | None = None) -> int:
    return os.open(path, flags, dir_fd=within)


def _opened_below(top: Path, path: Path) -> int:
    """A descriptor of a file in a folder, reached step by step, so that no step can have become a
    link by the time it is taken. Raises OSError."""
    *folders, name = path.relative_to(top).parts
    if os.open not in os.supports_dir_fd:
        for upper in (path, *path.parents[: len(folders)]):
            if upper.is_symlink():
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return _opened(path, _READING)
    within = _opened(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = _opened(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, within)
            os.close(within)
            within = inner
        return _opened(name, _READING | os.O_NOFOLLOW, within)
    finally:
        os.close(within)


def shown(path: Path) -> str:
    """The path as text that can be stored and printed, whatever bytes its name consists of."""
    return re.sub("[\ud800-\udfff]", "\ufffd", str(path))


def _too_large(largest: int) -> LoadingError:
    return LoadingError(f"is larger than {largest // 1_000_000} MB; split it")


def _inside(link: Path, top: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(top)
    except (OSError, RuntimeError):  # RuntimeError: circular links
        return False


def _reason(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "it has become a link, or no longer lies in a folder"
    return (error.strerror or type(error).__name__).lower()
