"""What the index knows of the files of a source, and which of them are no longer there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from vectorstore.articles import Origin, SourceFile
from vectorstore.errors import LoadingError
from vectorstore.fetching import Page
from vectorstore.loading import Content

if TYPE_CHECKING:
    from vectorstore.primitives import Primitives
    from vectorstore.syncing.source import Source

Each = TypeVar("Each")

_FILES_AT_ONCE = 500
_LARGEST_INTEGER = (1 << 63) - 1  # that SQLite can store


class Known:
    """The files at or under a source by place, as read last; `missing` are those of them that this
    run has not found, which is only known of a run that `sees_all`. `there` counts the others."""

    def __init__(self, index: Primitives, source: Source, *, sees_all: bool) -> None:
        self.files = {
            file.place: file
            for file in index.source_files(under=source.top)
            # What is below an address does not belong to it: those are pages of their own.
            if "://" not in source.top or file.place == source.top
        }
        self.files |= source.known
        self.missing: dict[str, SourceFile] = {}
        self.there = 0
        self._index = index
        self._sees_all = sees_all

    def compare(self, found: Collection[str], unseen: Sequence[str]) -> None:
        """These places were `found`; nothing at or under an `unseen` one counts as missing."""
        if not self._sees_all:
            return
        self.missing |= {
            place: file
            for place, file in self.files.items()
            if place not in found
            and not any(place == each or place.startswith(f"{each}/") for each in unseen)
        }

    def is_missing(self, place: str) -> bool:
        if place in self.missing:
            return True
        # It is elsewhere; or its place has a name like "\\xe9" for bytes that are not text.
        unknown = "://" in place or "\\x" in place
        seen = self._sees_all and place in self.files
        return not unknown and not seen and not os.path.lexists(place)

    def has_moved(self, place: str) -> None:
        self.missing.pop(place, None)
        self.files.pop(place, None)

    def having(self, article_ids: Sequence[str]) -> Iterator[SourceFile]:
        """The files in the index, of this source or another, that these articles came from and
        that are not missing."""
        for chunk in chunks(article_ids):
            for file in self._index.source_files(articles=chunk):
                if file.place not in self.missing:
                    yield file

    def vanished(self) -> tuple[str, ...]:
        """The articles that came from here and no longer have a file, here or elsewhere."""
        lost: dict[str, None] = {}
        for place, file in self.files.items():
            for origin in file.origins:
                if origin.gone or place in self.missing:
                    lost[origin.article_id] = None
        if lost:  # a file that was cut off may name articles that were never stored
            there = {summary.id for summary in self._index.articles()}
            lost = {article_id: None for article_id in lost if article_id in there}
        for file in self.having(list(lost)):
            for origin in origins_there(file):
                lost.pop(origin.article_id, None)
        return tuple(lost)


class Stamp(NamedTuple):
    """What the file system says about a file: bytes, nanoseconds, its number; -1 if unknown."""

    size: int
    modified: int = -1
    inode: int = -1
    changed: int = -1


def stamp_of(one: Path | Page | Content) -> Stamp:
    """Raises LoadingError if it cannot be opened."""
    if isinstance(one, Page | Content):
        return Stamp(len(one.content))
    try:
        status = one.stat()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise LoadingError(f"cannot be opened: {reason}") from error
    inode = status.st_ino & _LARGEST_INTEGER
    return Stamp(status.st_size, status.st_mtime_ns, inode, status.st_ctime_ns)


def origins_there(file: SourceFile | None) -> tuple[Origin, ...]:
    """Its articles, without those it no longer has."""
    return () if file is None else tuple(o for o in file.origins if not o.gone)


def with_origins(
    seen: SourceFile, origins: Sequence[Origin], known: SourceFile | None
) -> SourceFile:
    """The file with these articles, and with those it had before marked as gone."""
    ids = {origin.article_id for origin in origins}
    entries = {origin.entry for origin in origins}
    gone = [
        replace(
            origin,
            gone=True,
            entry=f"{origin.entry}\n{origin.article_id}"
            if origin.entry in entries
            else origin.entry,
        )
        for origin in (known.origins if known is not None else ())
        if origin.article_id not in ids
    ]
    return replace(seen, origins=(*origins, *gone))


def chunks(values: Sequence[Each]) -> Iterator[Sequence[Each]]:
    for first in range(0, len(values), _FILES_AT_ONCE):
        yield values[first : first + _FILES_AT_ONCE]
