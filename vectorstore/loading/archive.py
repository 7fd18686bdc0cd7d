"""Zip archives: which of their members may be read, and their bytes. Nothing is ever unpacked to
disk, so a member's name is only a name; one that leads out of the archive is rejected all the same.
"""

from __future__ import annotations

import re
import stat
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError

EXPANDED = 500_000_000  # bytes that all members of one file may have together, nested ones included
_MEMBERS = 20_000
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1


def checked(content: bytes, expanded: int = EXPANDED) -> ZipFile:
    """The archive, opened; its members have at most `expanded` bytes together.

    A member cannot hold more than it declares: zipfile reads no further. Raises LoadingError if it
    is not an archive, or too large.
    """
    # Each member has such an entry, and a list of millions takes long to read. A nested archive may
    # add entries of its own.
    if content.count(_DIRECTORY_ENTRY) > 5 * _MEMBERS:
        raise LoadingError(f"has more than {_MEMBERS:,} files in it; split it")
    try:
        archive = ZipFile(BytesIO(content))
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise LoadingError(f"is damaged, or no archive: {error}") from error
    members = archive.infolist()
    if len(members) > _MEMBERS:
        raise LoadingError(f"has more than {_MEMBERS:,} files in it; split it")
    size = sum(member.file_size for member in members)
    if size > expanded:
        raise LoadingError(f"unpacks to {size:,} bytes, more than the {expanded:,} that are read")
    return archive


def members(archive: ZipFile) -> Iterator[ZipInfo | Skipped]:
    """The files to read, in order of their names, and those that may not be read.

    Folders, hidden files and files added by macOS are left out.
    """
    for member in sorted(archive.infolist(), key=lambda member: member.filename):
        path = PurePosixPath(member.filename)
        if member.is_dir() or any(part.startswith(".") and part != ".." for part in path.parts):
            continue
        if path.parts[:1] == ("__MACOSX",):
            continue
        reason = _refusal(member, path)
        yield Skipped(member.filename, reason) if reason else member


def content_of(archive: ZipFile, member: ZipInfo, largest: int = EXPANDED) -> bytes:
    """The member's bytes. Raises LoadingError, with only the reason, if it is damaged or has more
    than `largest`."""
    if member.file_size > largest:
        raise LoadingError(f"is larger than {largest // 1_000_000} MB; split it")
    try:
        return archive.read(member)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise LoadingError(f"is damaged in its archive: {error}") from error


def _refusal(member: ZipInfo, path: PurePosixPath) -> str:
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:|\\", member.filename):
        return "has a name that leads out of its archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link, which is not followed in an archive"
    if member.flag_bits & _ENCRYPTED:
        return "is protected by a password; unpack it first"
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "is compressed in an unusual way; unpack it first"
    return ""
