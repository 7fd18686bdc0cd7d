"""The connections of one program to a schema in PostgreSQL, and the transactions on them.

    with schema.snapshot(): …           what this thread selects comes from one moment
        schema.select("SELECT text FROM articles WHERE id = %s", ("harbour-1",))
    with schema.transaction():
        schema.execute("DELETE FROM articles WHERE id = ?", "harbour-1")

Up to so many connections read, and see what is committed; a single one writes. One that was lost
while nothing depended on it is replaced silently. It knows no table.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vectorstore.stores import Row
from vectorstore.stores.postgres.formats import Formats
from vectorstore.stores.postgres.server import Server, driver

if TYPE_CHECKING:
    from vectorstore.stores.postgres.server import Session


class Schema:
    """The tables of a schema. May be used from several threads and processes."""

    def __init__(
        self,
        url: str,
        formats: Mapping[str, Sequence[str]],
        *,
        lock: str,
        patience: int,
        readers: int,
        settings: Sequence[str] = (),
    ) -> None:
        """Connect, create the index if absent, and upgrade it to the newest formats, each of which
        is recorded in a table of that name; every transaction checks the last one's again.
        Transactions run one after the other under the `lock`, for which they wait `patience`
        milliseconds. `settings` are for the connection that writes.

        Raises StoreError if no server answers or lets this user in, StoreFormatError if the schema
        is another program's or has a newer format.
        """
        self.server = Server(url)
        self.name = self.server.name
        self._formats = Formats(self.server, formats)
        self._lock = self.server.lock(lock)
        self._settings = (f"SET lock_timeout = {patience}", *settings)
        self._writing = threading.RLock()
        self._in_transaction = False
        self._db: Session | None = None
        self._held: Session | None = None  # holds the lock of a turn
        self._idle: list[Session] = []
        self._readers = threading.BoundedSemaphore(readers)
        self._mine = threading.local()  # a thread's connection within its snapshot
        try:
            with self._writing, self.server.said_plainly():
                self._formats.recognise(self.writer(), self._lock)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if getattr(self._mine, "reader", None) is not None:
            yield
            return
        with self.server.said_plainly(), self._readers:
            reader, _ = self._read("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._mine.reader = reader
            try:
                yield
            finally:
                self._mine.reader = None
                if not reader.closed:
                    with suppress(driver().Error):
                        reader.execute("ROLLBACK")
                self._give_back(reader)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._writing, self.server.said_plainly():
            if self._in_transaction:
                yield
                return
            db = self._begun()
            self._in_transaction = True
            try:
                yield
                db.execute("COMMIT")
            except BaseException:
                if not db.closed:
                    with suppress(driver().Error):
                        db.execute("ROLLBACK")
                raise
            finally:
                self._in_transaction = False

    def select(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The result of a query on what is committed, or as of this thread's `snapshot`."""
        mine = getattr(self._mine, "reader", None)
        with self.server.said_plainly():
            if mine is not None:
                return list(mine.execute(statement, values, binary=True).fetchall())
            with self._readers:
                reader, found = self._read(statement, values)
                self._give_back(reader)
                return found

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        return self.select(own(statement), values)

    def execute(self, statement: str, *values: Any) -> Sequence[Row]:
        return self.run(own(statement), values)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.writer().cursor() as cursor:
            cursor.executemany(own(statement), list(rows))

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a statement within a transaction, and see what that has written."""
        cursor = self.writer().execute(statement, values, binary=True)
        return [] if cursor.description is None else cursor.fetchall()

    def writer(self) -> Session:
        """The one connection that writes."""
        if self._db is None or self._db.closed:
            if self._held is not None or self._in_transaction:
                raise self.server.lost("it was closed")
            self._db = self.server.connect()
            for setting in self._settings:
                self._db.execute(setting.encode())
        self.server.refuse_what_was_forked()
        return self._db

    def keep_others_out(self) -> None:
        """From now on only this program's transactions run."""
        with self._writing, self.server.said_plainly():
            self._held = self._again("SELECT pg_advisory_lock(%s)", self._lock)

    def let_others_in(self) -> None:
        with self._writing:
            held, self._held = self._held, None
            if held is not None and not held.closed:  # else the server has already let them in
                with suppress(driver().Error):
                    held.execute("SELECT pg_advisory_unlock(%s)", (self._lock,))

    def close(self) -> None:
        self.server.closed = True
        with self._writing:
            idle, self._idle = self._idle, []
            for connection in filter(None, (self._db, *idle)):
                if not self.server.forked:
                    connection.close()
            self._db = None

    def _read(
        self, statement: str, values: Sequence[Any] = ()
    ) -> tuple[Session, list[dict[str, Any]]]:
        """A reading connection, and what the statement found there. A connection that was lost
        while idle is silently replaced."""
        while True:
            was_idle = bool(self._idle)
            self.server.refuse_what_was_forked()
            reader = self._idle.pop() if was_idle else self.server.connect()
            try:
                cursor = reader.execute(statement, values, binary=True)
                return reader, [] if cursor.description is None else cursor.fetchall()
            except driver().OperationalError:
                if not (was_idle and reader.closed):
                    self._give_back(reader)
                    raise
            except BaseException:
                self._give_back(reader)
                raise

    def _give_back(self, reader: Session) -> None:
        if self.server.closed:
            reader.close()
        elif not reader.closed:
            self._idle.append(reader)

    def _begun(self) -> Session:
        """The connection that writes, in a transaction that excludes those of other programs."""
        db = self._again("BEGIN")
        try:
            db.execute("SELECT pg_advisory_xact_lock(%s)", (self._lock,))
            self._formats.check(db)
        except BaseException:
            if not db.closed:
                db.execute("ROLLBACK")
            raise
        return db

    def _again(self, statement: str, *values: Any) -> Session:
        """Run a statement that begins something; once more if the connection was lost since its
        last use."""
        db = self.writer()
        try:
            db.execute(statement, values)
        except driver().OperationalError:
            if not db.closed or self._held is not None:
                raise
            db = self.writer()
            db.execute(statement, values)
        return db


class Turn:
    """Held by only one of all programs, and within it by one thread, which may take it again."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._thread = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            if not self._depth:
                self._schema.keep_others_out()
            self._depth += 1
        except BaseException:
            self._thread.release()
            raise

    def __exit__(self, *error: object) -> None:
        try:
            self._depth -= 1
            if not self._depth:
                self._schema.let_others_in()
        finally:
            self._thread.release()


@lru_cache(512)
def own(statement: str) -> str:
    """A statement in the form psycopg understands."""
    for listed, type_ in (("(each ?)", "bigint"), ("(each text ?)", "text")):
        statement = statement.replace(listed, f"(SELECT unnest(%s::{type_}[]))")
    return statement.replace("?", "%s")
