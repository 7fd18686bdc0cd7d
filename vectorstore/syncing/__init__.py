"""Brings an index up to date with a folder, a file, a page or a feed, or adds what is in it.

    add(index, "articles/")         -> AddReport: adds what is new or changed
    sync(index, "articles/")        -> SyncReport: also tracks what was moved or has vanished
    read_content(index, Content(…)) -> FileRead: an upload, to be stored by `index.store_files`

The index records the state of every file when it was read (`SourceFile`), and which articles came
from it. A sync does not read a file that the file system reports unchanged: in size and time, inode
and the inode's change time. A file with unchanged bytes is not parsed; and a file with the same
bytes as another gives no new articles, but becomes a further origin of the other's. If the other is
no longer there, it was moved.

It works only through the `Index` interface, so that files are read by the caller and stored by
whoever holds the index.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vectorstore.articles import AddReport, Article, Notice, Skipped, SourceFile, SyncReport
from vectorstore.fetching import fetch_if_changed
from vectorstore.loading import Content, OnMember, Reader
from vectorstore.loading.files import shown
from vectorstore.syncing.intake import Intake
from vectorstore.syncing.known import Known
from vectorstore.syncing.naming import Run
from vectorstore.syncing.places import UPLOADED, page_place
from vectorstore.syncing.polite import Fetch
from vectorstore.syncing.reporting import Tally, sync_report
from vectorstore.syncing.source import Source, find
from vectorstore.syncing.storing import Batches, Collected

if TYPE_CHECKING:
    from vectorstore.primitives import OnProgress, Primitives

__all__ = [
    "Fetch",
    "FileRead",
    "Run",
    "add",
    "page_place",
    "read_content",
    "sync",
    "uploaded_place",
]


def add(
    index: Primitives,
    source: str | Path,
    *,
    progress: OnProgress | None = None,
    fetch: Fetch = fetch_if_changed,
) -> AddReport:
    """Add what is in `source`; see `Index.add`."""
    found = find(index, source, fetch, ask_anew=True)
    known, tally = Known(index, found, sees_all=False), Tally(notices=[*found.notices])
    storing = Batches(index, tally)
    Intake(index, found, known, tally, storing, progress, trying_again=True).everything()
    return tally.add_report()


def sync(
    index: Primitives,
    source: str | Path,
    *,
    prune: bool = False,
    yes: bool = False,
    progress: OnProgress | None = None,
    fetch: Fetch = fetch_if_changed,
) -> SyncReport:
    """Bring the index up to date with `source`; see `Index.sync`."""
    found = find(index, source, fetch, ask_anew=False)
    known, tally = Known(index, found, sees_all=True), Tally(notices=[*found.notices])
    storing = Batches(index, tally)
    Intake(index, found, known, tally, storing, progress, trying_again=False).everything()
    return sync_report(index, found, known, tally, prune=prune, yes=yes)


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that was read and is yet to be stored: `index.store_files([file], articles)`.

    `known` are the articles in it that the index already has, from this file or another with the
    same bytes; the file becomes a further origin of them.
    """

    file: SourceFile | None
    articles: tuple[Article, ...]
    skipped: tuple[Skipped, ...]
    known: tuple[str, ...]
    notices: tuple[Notice, ...] = ()


def read_content(
    index: Primitives, content: Content, run: Run | None = None, opening: OnMember | None = None
) -> FileRead:
    """Read a file that lies elsewhere, unless the index knows its bytes; nothing is stored yet.

    `opening` is called with the progress within an archive, see `Reader`.

    `run` holds what was read before this file and may not be stored yet; the file is added to it.
    What is there of another name is no other file: it comes and goes with its bytes.
    """
    place = uploaded_place(content.name, content.content)
    source = Source([content], place, place, partial(Reader, opening=opening))
    known, tally, storing = Known(index, source, sees_all=False), Tally(), Collected()
    Intake(index, source, known, tally, storing, trying_again=True, run=run).everything()
    return FileRead(
        storing.files[0] if storing.files else None,
        tuple(storing.articles),
        tuple(tally.skipped),
        tuple(tally.unchanged),
        tuple(tally.notices),
    )


def uploaded_place(name: str, content: bytes) -> str:
    """The place of a file that lies elsewhere: its name there and a digest of its bytes."""
    return f"{UPLOADED}{shown(Path(name))}#{hashlib.sha256(content).hexdigest()[:16]}"
