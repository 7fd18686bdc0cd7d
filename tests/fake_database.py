"""A database of another part of the program, next to the catalog in an index's folder.

KEPT.name                   "other.sqlite"
with kept_in(folder, "a text") as db: ...
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from vectorstore.database import Database


def _make(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE kept (text)")
    db.execute("CREATE TABLE filling (content)")


KEPT = Database("other.sqlite", 0x54455354, (_make,))


@contextmanager
def kept_in(folder: Path, text: str) -> Iterator[sqlite3.Connection]:
    """Such a database in an index's folder, open and holding one text."""
    with closing(sqlite3.connect(folder / KEPT.name, isolation_level=None)) as db:
        KEPT.make(db)
        db.execute("INSERT INTO kept VALUES (?)", (text,))
        db.executemany("INSERT INTO filling VALUES (?)", [(text * 100,) for _ in range(100)])
        yield db
