"""The rows of one SQLite file beside the catalog in an index's folder.

    rows = SQLiteRows(folder / CONVERSATIONS.name, CONVERSATIONS)
    with rows.transaction():
        rows.execute("INSERT INTO quotes (id, …) VALUES (?, …)", …)

Deleted data is erased from the file. It knows nothing of what the rows say.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vectorstore.database import Database, connect, open_own, transaction
from vectorstore.errors import StoreBusyError, StoreDamagedError, StoreError
from vectorstore.stores.sqlite import bound, own

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class SQLiteRows:
    """The open file. May be used from several threads and processes."""

    def __init__(self, file: Path | None, kind: Database, *, patience: float = 5.0) -> None:
        """Open the file, created if absent; without a file, everything is lost on closing.
        `patience` is how many seconds to wait while another process writes.

        Raises StoreFormatError for another program's file, a newer format or a link,
        StoreDamagedError for one that cannot be read, or contains what Dateline does not make.
        """
        self._file = file
        self._kind = kind
        self._patience = patience
        self._turn = threading.RLock()
        with self._said_plainly():
            self._db = connect(":memory:") if file is None else open_own(file, patience=patience)
            try:
                self._db.row_factory = sqlite3.Row
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.execute("PRAGMA foreign_keys = ON")
                self._db.execute("PRAGMA secure_delete = ON")
                kind.begin(self._db, file)
            except BaseException:
                self._db.close()
                raise

    def rows(self, statement: str, *values: Any) -> Sequence[sqlite3.Row]:
        with self._turn, self._said_plainly():
            return self._db.execute(own(statement), bound(values)).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._turn:
            yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._turn, self._said_plainly():
            if self._db.in_transaction:
                yield
                return
            with transaction(self._db):
                yield

    def execute(self, statement: str, *values: Any) -> Sequence[sqlite3.Row]:
        return self.rows(statement, *values)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._turn, self._said_plainly():
            self._db.executemany(statement, rows)

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        if self._file is None:
            yield True
            return
        from filelock import FileLock, Timeout

        file = self._file.with_name(f"{name}.lock")
        lock = FileLock(file, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        except OSError as error:  # it is a link, or the file system knows no locks
            raise StoreError(
                f"{file} cannot be locked ({error.strerror or error}). Remove it, or move the "
                "index to a local disk."
            ) from error
        try:
            yield True
        finally:
            lock.release()

    def forget(self, name: str) -> None:
        if self._file is not None:
            with suppress(OSError):  # somebody is inside
                self._file.with_name(f"{name}.lock").unlink(missing_ok=True)

    def close(self) -> None:
        with self._turn:
            self._db.close()

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        """Turn SQLite's errors into ours, saying what to do."""
        file, holds = self._file, self._kind.holds
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in _LOCKED:
                raise StoreBusyError(
                    f"{file} has been locked by another program for {self._patience:.0f} s. End that "
                    "program, then try again."
                ) from error
            raise StoreError(
                f"the {holds} in {file} cannot be used: {error}. See that its disk has room and "
                "that you may write there."
            ) from error
        except sqlite3.ProgrammingError as error:  # it was closed in the meantime
            raise StoreError(f"the {holds} in {file} have been closed; open them again.") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamagedError(
                f"{file}, which keeps the {holds}, is damaged ({error}). {self._kind.anew}"
            ) from error
        except OSError as error:
            raise StoreError(f"{file} cannot be made: {error.strerror or error}.") from error
