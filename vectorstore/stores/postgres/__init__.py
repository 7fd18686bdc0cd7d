"""The store in a schema of a PostgreSQL server: for any number of programs and machines at once.

    PostgresStore("postgresql://dateline@db.example.org/news")              the schema "dateline"
    PostgresStore("postgresql://dateline@db.example.org/news?index=desk")   the schema "desk"
    PostgresRows("postgresql://…", formats)     the data beside the articles, in the same schema

Writers hold an advisory lock of the schema for the length of a transaction or of a `turn`: so only
one program at a time writes, whatever machine it is on, and what it has seen still holds when it
writes. Readers wait for nobody. A lost connection is re-established by the next call.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from vectorstore.articles import Finding
from vectorstore.errors import StoreDamagedError
from vectorstore.stores import Row, Words
from vectorstore.stores.postgres.connections import Schema, Turn
from vectorstore.stores.postgres.formats import FORMATS
from vectorstore.stores.postgres.words import WordSearch
from vectorstore.stores.ranking import POSTINGS

_READERS = 10  # reading connections a process has at once
_PATIENCE = 120_000  # milliseconds to wait for another program that is writing
# Beside the articles every transaction is short: a program that stalls in one loses its turn.
_READERS_BESIDE, _PATIENCE_BESIDE = 4, 10_000


class PostgresStore(Schema):
    """An index in a PostgreSQL database. May be used from several threads and processes."""

    def __init__(
        self, url: str, *, formats: Sequence[str] = FORMATS, postings: int = POSTINGS
    ) -> None:
        """Raises what Schema raises. `postings` is as in SQLiteStore."""
        super().__init__(
            url, {"format": formats}, lock="dateline", patience=_PATIENCE, readers=_READERS
        )
        self.turn = Turn(self)
        self._words = WordSearch(self, postings)

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        columns, places = ", ".join(f'"{name}"' for name in values), ", ".join(["%s"] * len(values))
        (row,) = self.run(
            f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING key",  # noqa: S608
            tuple(values.values()),
        )
        return int(row["key"])

    # -- words ---------------------------------------------------------------------------------

    def put_words(self, passages: Sequence[Words]) -> None:
        self._words.put(passages)

    def drop_words(self, passages: Sequence[int]) -> None:
        self._words.drop(passages)

    def clear_words(self) -> None:
        self._words.clear()

    def search_words(
        self, terms: Sequence[str], k: int, articles: Sequence[int] | None
    ) -> list[int]:
        return self._words.search(terms, k, articles)

    def vocabulary(self, shortest: int, longest: int) -> dict[str, int]:
        return self._words.vocabulary(shortest, longest)

    def as_written(self, stem: str) -> Counter[str]:
        return self._words.as_written(stem)

    def words_agree(self, passages: Sequence[Words]) -> bool:
        return self._words.agree(passages)

    def words_are_sound(self) -> bool:
        return self._words.are_sound()

    # -- the schema itself ---------------------------------------------------------------------

    def identity(self) -> str:
        (row,) = self.select(
            """SELECT system_identifier || '/' || (SELECT oid FROM pg_database
                      WHERE datname = current_database()) || '/' || %s::regnamespace::oid AS place
               FROM pg_control_system()""",
            (self.server.address.index,),
        )
        return str(row["place"])

    def faults(self) -> list[Finding]:
        return []  # PostgreSQL has its own check, for its administrators: pg_amcheck

    def forget(self) -> None:
        """PostgreSQL does this by itself: its autovacuum overwrites what was removed."""

    def damaged(self, reason: str) -> StoreDamagedError:
        return self.server.damaged(reason)

    def remedy(self) -> str:
        return self.server.remedy()


class PostgresRows(Schema):
    """Separate tables in the schema of an index, for the data beside the articles. Adding articles
    does not hold up writing here."""

    def __init__(self, url: str, formats: Sequence[str]) -> None:
        """Raises what Schema raises. `formats` are like FORMATS; the first makes
        `beside_format`."""
        self._inside = threading.local()  # whether a thread is within a transaction
        super().__init__(
            url,
            {"format": FORMATS, "beside_format": formats},
            lock="dateline beside",
            patience=_PATIENCE_BESIDE,
            readers=_READERS_BESIDE,
            settings=(f"SET idle_in_transaction_session_timeout = {_PATIENCE_BESIDE}",),
        )

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        if getattr(self._inside, "writing", False):
            return self.execute(statement, *values)
        return super().rows(statement, *values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            outer, self._inside.writing = getattr(self._inside, "writing", False), True
            try:
                yield
            finally:
                self._inside.writing = outer

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        key = self.server.lock(f"dateline {name}")
        with self.server.said_plainly():
            db = self.server.connect()
            try:
                (row,) = db.execute("SELECT pg_try_advisory_lock(%s) AS it", (key,)).fetchall()
            except BaseException:
                db.close()
                raise
        try:
            yield row["it"]
        finally:
            db.close()  # which releases the lock

    def forget(self, name: str) -> None:
        """A lock leaves nothing behind."""
