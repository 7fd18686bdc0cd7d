"""The rows of what lies beside the articles, wherever they are stored, and undoable removals.

    with opened(settings) as rows_of:                   a file each, or the index's database
        conversations = Conversations(rows_of(CONVERSATIONS))

    keeping = Keeping(rows)
    name = keeping.remember(visitor, quotes=removed)    of what was removed
    keeping.bring_back(visitor, name)

What the rows mean is up to the modules that store them.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.databases import CONVERSATIONS, POSTGRES, SUBSCRIPTIONS
from vectorstore.database import Database
from vectorstore.stores import Row, Rows
from vectorstore.stores.beside import SQLiteRows

if TYPE_CHECKING:
    from assistant.settings import Settings

_UNDONE = 100  # removals that can be undone, of all visitors
_REMEMBERED = 600.0  # seconds for which they can be
_LONGER = (CONVERSATIONS, SUBSCRIPTIONS)  # databases waited for longer while others write


@dataclass(frozen=True, slots=True)
class _Removed:
    """Removed rows, by table in the order in which they are restored, and when removed."""

    visitor: str
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    at: float


class Keeping:
    """Remembers removed rows. May be used from several threads; each process remembers its own."""

    def __init__(self, db: Rows, clock: Callable[[], float]) -> None:
        self.db = db
        self._clock = clock
        self._turn = threading.Lock()
        self._removed: dict[str, _Removed] = {}

    def remember(self, visitor: str, **tables: Sequence[Row]) -> str:
        """Keep rows that are being removed in this process, and return the name under which this
        visitor can restore them, for a few minutes."""
        kept = {table: [dict(row) for row in rows] for table, rows in tables.items()}
        with self._turn:
            name = new_id()
            self._removed[name] = _Removed(visitor, kept, self._clock())
            self._forget()
        return name

    def bring_back(self, visitor: str, name: str) -> bool:
        """Restore what was removed under this name; False if too late, or another visitor's."""
        with self.db.transaction(), self._turn:
            self._forget()
            removed = self._removed.get(name)
            if removed is None or removed.visitor != visitor:
                return False
            for table, rows in removed.tables.items():
                for row in rows:
                    insert(self.db, table, row)
            del self._removed[name]
        return True

    def _forget(self) -> None:
        """The oldest removals come first."""
        for name, removed in list(self._removed.items()):
            late = self._clock() - removed.at > _REMEMBERED
            if late or len(self._removed) > _UNDONE:
                del self._removed[name]


@contextmanager
def opened(settings: Settings) -> Iterator[Callable[[Database], Rows]]:
    """Open what lies beside the articles of an index, each in its file, or all in the database that
    holds the articles; close it at the end. Raises StoreError."""
    with beside(settings.database_url or str(settings.index)) as rows_of:
        yield rows_of


@contextmanager
def beside(place: str) -> Iterator[Callable[[Database], Rows]]:
    """The same for the index in this folder, or in the PostgreSQL database at this address."""
    with ExitStack() as stack:
        if is_database(place):
            from vectorstore.stores.postgres import PostgresRows

            shared = stack.enter_context(closing(PostgresRows(place, POSTGRES)))
            yield lambda kind: shared  # noqa: ARG005
            return
        yield lambda kind: stack.enter_context(closing(file_rows(Path(place) / kind.name, kind)))


def is_database(place: str) -> bool:
    """Whether an index is in a database rather than a folder."""
    return place.startswith(("postgresql://", "postgres://"))


def file_rows(file: Path | None, kind: Database) -> SQLiteRows:
    """A file of this kind, created if absent; without a file, all is lost on closing."""
    return SQLiteRows(file, kind, patience=10.0 if kind in _LONGER else 5.0)


def insert(db: Rows, table: str, row: Mapping[str, Any]) -> None:
    """Put a row into a table, within a transaction."""
    columns, places = ", ".join(row), ", ".join("?" * len(row))
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", *row.values())  # noqa: S608


def new_id() -> str:
    """An unguessable id."""
    return secrets.token_urlsafe(16)


def storable(text: str) -> str:
    """The text without lone surrogates, which cannot be stored."""
    return text.encode(errors="replace").decode()
