"""The SQLite file of what the page's visitors keep: its statements, and removals that can be undone.

    keeping = Keeping.open(folder / FILE)
    with keeping.transaction(): …
    name = keeping.remember(visitor, quotes=rows)       of what was removed
    keeping.bring_back(visitor, name)

What the rows say is for `conversations` and `quotes`, which share the file.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assistant.databases import CONVERSATIONS
from vectorstore.database import connect, open_own, transaction
from vectorstore.errors import StoreBusyError, StoreDamagedError, StoreError

_UNDONE = 100  # removals that can be brought back, of all visitors
_REMEMBERED = 600.0  # seconds for which they can
_PATIENCE = 10.0  # seconds to wait while another process writes


@dataclass(frozen=True, slots=True)
class _Removed:
    """Rows that were removed, by their tables in the order in which they go back, and when by the
    clock."""

    visitor: str
    tables: Mapping[str, Sequence[sqlite3.Row]]
    at: float


class Keeping:
    """The open file. May be used from several threads and processes; what a transaction has written is
    durable when it ends. Whoever holds `turn` is alone in this process."""

    def __init__(
        self, db: sqlite3.Connection, file: Path | None, clock: Callable[[], float]
    ) -> None:
        self.db = db
        self.turn = threading.RLock()
        self._file = file
        self._clock = clock
        self._removed: dict[str, _Removed] = {}

    @classmethod
    def open(cls, file: Path | None, clock: Callable[[], float]) -> Keeping:
        """As `Conversations.open`."""
        with _told(file):
            db = connect(":memory:") if file is None else open_own(file, patience=_PATIENCE)
            try:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("PRAGMA secure_delete = ON")  # what is deleted is gone from the file
                CONVERSATIONS.begin(db, file, "conversations")
            except BaseException:
                db.close()
                raise
        return cls(db, file, clock)

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with self.turn, _told(self._file):
            return self.db.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything within, or nothing; may be nested in itself."""
        with self.turn, _told(self._file):
            if self.db.in_transaction:
                yield
                return
            with transaction(self.db):
                yield

    def remember(self, visitor: str, **tables: Sequence[sqlite3.Row]) -> str:
        """Keep rows that are being removed in this process, and return the name under which this visitor
        can have them back, for some minutes."""
        with self.turn:
            name = new_id()
            self._removed[name] = _Removed(visitor, tables, self._clock())
            self._forget()
        return name

    def bring_back(self, visitor: str, name: str) -> bool:
        """Put back what was removed under this name; False where it is too late, or another's."""
        with self.transaction():
            self._forget()
            removed = self._removed.get(name)
            if removed is None or removed.visitor != visitor:
                return False
            for table, rows in removed.tables.items():
                for row in rows:
                    places = ", ".join("?" * len(row))
                    self.db.execute(f"INSERT INTO {table} VALUES ({places})", tuple(row))  # noqa: S608
            del self._removed[name]
        return True

    def _forget(self) -> None:
        """The oldest removals come first."""
        for name, removed in list(self._removed.items()):
            late = self._clock() - removed.at > _REMEMBERED
            if late or len(self._removed) > _UNDONE:
                del self._removed[name]

    def close(self) -> None:
        with self.turn:
            self.db.close()


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_urlsafe(16)


def storable(text: str) -> str:
    """Half a surrogate pair cannot be stored."""
    return text.encode(errors="replace").decode()


@contextmanager
def _told(file: Path | None) -> Iterator[None]:
    """Errors of SQLite as ours, with what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusyError(
                f"{file} has been locked by another program for {_PATIENCE:.0f} s. End that "
                "program, then try again."
            ) from error
        raise StoreError(
            f"the conversations in {file} cannot be used: {error}. See that its disk has room and "
            "that you may write there."
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreDamagedError(
            f"{file}, which keeps the conversations, is damaged ({error}). Move it away to begin "
            "anew; the articles are kept elsewhere and not touched."
        ) from error
    except OSError as error:
        raise StoreError(f"{file} cannot be made: {error.strerror or error}.") from error
