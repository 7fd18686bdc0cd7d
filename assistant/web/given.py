"""What can be given to be added: a file, a folder, a link; and where it is kept until it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.web.spool import content_of
from assistant.web.waiting import Kept
from vectorstore.errors import LoadingError
from vectorstore.fetching import Page
from vectorstore.loading import load


@dataclass(frozen=True, slots=True)
class File:
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
            content = content_of(self.path)
        except OSError as error:
            raise LoadingError(f"cannot be read again: {error.strerror or error}") from error
        if self.digest and hashlib.sha256(content).hexdigest() != self.digest:
            raise LoadingError("was changed while it waited to be read; add it again")
        return content


@dataclass(slots=True, eq=False)
class Folder:
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
class Link:
    """A page or a feed to fetch. It does not count as a file."""

    what: str
    fetch: Callable[[str], Page]
    path: Kept
    size: int = 0

    files = 0
    done = 0


@dataclass(frozen=True, slots=True)
class Unsent:
    """The part of an upload that never arrived. None of it can be retried here."""

    what: str
    path: Kept
    size: int = 0

    files = 0
    done = 0


Given = File | Folder
Source = Given | Link | Unsent


def counted(folder: Path) -> int:
    """How many files the folder has to read; 1, the folder itself, if it cannot be read."""
    try:
        return len(load(folder))
    except LoadingError:
        return 1
