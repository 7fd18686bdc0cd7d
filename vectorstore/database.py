"""What may be in one of Dateline's SQLite files: the tables Dateline makes, and nothing else.

    CONVERSATIONS = Database("conversations.sqlite", 0x44544C43, (make_tables,))
    db = connect(file)
    CONVERSATIONS.make(db)              in an empty file
    CONVERSATIONS.foreign(db)           ["the trigger 'spy'"]
    CONVERSATIONS.copy_rows(given, db)  into tables of our own making

A file may come from somebody else: a backup, or a whole index that was passed on. SQLite runs what
such a file contains (triggers, views, expressions) along with the statements of whoever opens it,
so the schema is compared before anything is read. This module knows neither what the rows say nor
where files are.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vectorstore.errors import StoreFormatError

Step = Callable[[sqlite3.Connection], None]
"""Brings a file from one format to the next."""

_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
_HEADER = 100  # bytes
_MAGIC = b"SQLite format 3\x00"
_APPLICATION_ID_AT = 68


@dataclass(frozen=True, slots=True)
class Database:
    """One kind of file in an index's folder: its name there, the application id that marks it, and
    the steps that make its tables. The first of `formats` makes those of format 1 in an empty file;
    each further one upgrades to the next format. `holds` says, for messages, what it keeps:
    "conversations"; `anew`, what to do if it is damaged."""

    name: str
    application_id: int
    formats: tuple[Step, ...]
    holds: str = ""
    anew: str = ""

    @property
    def newest(self) -> int:
        return len(self.formats)

    def make(self, db: sqlite3.Connection, version: int | None = None) -> None:
        """Make the tables of a format, the newest by default; the caller has begun a transaction."""
        version = self.newest if version is None else version
        if not 1 <= version <= self.newest:
            raise sqlite3.DatabaseError(f"there is no format {version}")
        db.execute(f"PRAGMA application_id = {self.application_id}")
        db.execute(f"PRAGMA user_version = {version}")
        for step in self.formats[:version]:
            step(db)

    def begin(self, db: sqlite3.Connection, file: Path | None) -> None:
        """Make the tables in an empty file; any other file must be of this kind, and is upgraded to
        the newest format.

        Raises StoreFormatError if it is of another kind or a newer format, sqlite3.DatabaseError if
        it contains anything Dateline did not make.
        """
        db.execute("BEGIN IMMEDIATE")  # if two programs begin at once, only one makes them
        try:
            if db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                self._recognise(db, file)
            else:
                self.make(db)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _recognise(self, db: sqlite3.Connection, file: Path | None) -> None:
        version = _number(db, "user_version", "main")
        if _number(db, "application_id", "main") != self.application_id:
            raise StoreFormatError(
                f"{file} does not hold Dateline's {self.holds}. Move it out of the index's folder."
            )
        if version > self.newest:
            raise StoreFormatError(
                f"{file} is of format {version}, written by a newer Dateline; this one reads up to "
                f"{self.newest}. Upgrade Dateline, or move the file away to start afresh."
            )
        # A trigger would run with our own statements, and could record what other visitors ask.
        if foreign := self.foreign(db):
            raise sqlite3.DatabaseError(f"Dateline did not make {', '.join(foreign)} in it")
        for step in self.formats[version:]:
            step(db)
        db.execute(f"PRAGMA user_version = {self.newest}")

    def marks(self, file: Path) -> bool:
        """Whether the file's header says it is of this kind."""
        with file.open("rb") as opened:
            header = opened.read(_HEADER)
        named = header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4]
        return header.startswith(_MAGIC) and int.from_bytes(named) == self.application_id

    def foreign(
        self, db: sqlite3.Connection, *, also: Sequence[str] = (), within: str = "main"
    ) -> list[str]:
        """What the file contains that this Dateline would not make, in words: "the trigger 'spy'".

        `also` are further statements whose tables may be there. What is missing is not reported.
        """
        made = _made(self, _number(db, "user_version", within), tuple(also))
        return [
            f"the {kind} {name!r}"
            for kind, name, table, sql in _entries(db, within)
            if (kind, name, table, sql) not in made
        ]

    def copy_rows(self, db: sqlite3.Connection, within: str) -> None:
        """Copy every row of the attached database `within` into tables of the same format, made here.

        The contents of virtual tables are left for others to rebuild. Raises sqlite3.DatabaseError
        if a row violates the tables' constraints.
        """
        self.make(db, _number(db, "user_version", within))
        there = {name for kind, name, _, _ in _entries(db, within) if kind == "table"}
        for table in _tables_of_rows(db):
            if table not in there:
                raise sqlite3.DatabaseError(f"the table {table!r} is missing")
            columns = ", ".join(
                f'"{row[1]}"' for row in db.execute(f'PRAGMA table_info("{table}")')
            )
            db.execute(
                f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM "{within}"."{table}"'  # noqa: S608
            )


def connect(file: Path | str, *, uri: bool = False, patience: float = 5.0) -> sqlite3.Connection:
    """A connection, usable from any thread, that trusts nothing named in the file's schema: its
    expressions cannot call functions that could do harm, and damaged pages are found before use.

    `patience` is how many seconds to wait while another process writes.
    """
    db = sqlite3.connect(
        file, timeout=patience, check_same_thread=False, isolation_level=None, uri=uri
    )
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA mmap_size = 0")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Everything written within it takes effect, or nothing does."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def open_own(file: Path, *, patience: float = 5.0) -> sqlite3.Connection:
    """A connection to a database in an index's folder, created if absent. Only its owner can read
    it from then on.

    Through a link, a folder that was passed on could have rows read from, or written to, a database
    elsewhere: raises StoreFormatError if the file, or one that SQLite keeps beside it, is a link,
    or if it became another file while being opened; OSError if it cannot be created.
    """
    for each in (file, *side_files(file)):
        if each.is_symlink():
            raise _is_a_link(each)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))  # follows no link
    before = file.lstat()
    if not stat.S_ISREG(before.st_mode):
        raise _is_a_link(file)
    if stat.S_IMODE(before.st_mode) != _OWNER_ONLY:  # SQLite gives its log the same
        _make_owner_only(file)
    db = connect(file, patience=patience)
    try:
        db.execute("PRAGMA schema_version")  # only now does SQLite open it
        after = file.lstat()
        if not stat.S_ISREG(after.st_mode) or not os.path.samestat(before, after):
            raise _is_a_link(file)  # noqa: TRY301 - the connection is closed here, too
    except BaseException:
        db.close()
        raise
    return db


def side_files(file: Path) -> list[Path]:
    """What SQLite keeps beside a database."""
    return [file.with_name(file.name + suffix) for suffix in ("-wal", "-shm", "-journal")]


def _make_owner_only(file: Path) -> None:
    if not hasattr(os, "fchmod"):
        file.chmod(_OWNER_ONLY)
        return
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fchmod(descriptor, _OWNER_ONLY)
    finally:
        os.close(descriptor)


def _is_a_link(file: Path) -> StoreFormatError:
    to = f"is a link to {file.readlink()}" if file.is_symlink() else "became another file"
    return StoreFormatError(
        f"{file} {to}; an index's databases lie in its own folder. Remove the link."
    )


def _number(db: sqlite3.Connection, pragma: str, within: str) -> int:
    return int(db.execute(f"PRAGMA {within}.{pragma}").fetchone()[0])


_Entry = tuple[str, str, str, str]
"""Type, name, table and statement of something in a schema; the statement without its line ends."""


def _entries(db: sqlite3.Connection, within: str) -> Iterator[_Entry]:
    for kind, name, table, sql in db.execute(
        f"SELECT type, name, tbl_name, sql FROM {within}.sqlite_schema"  # noqa: S608
    ).fetchall():
        yield kind, name, table, " ".join((sql or "").split())


def _tables_of_rows(db: sqlite3.Connection) -> list[str]:
    """The tables with rows of their own: not virtual ones, nor those that they or SQLite keep."""
    virtual = [name for _, name, _, sql in _entries(db, "main") if sql.startswith("CREATE VIRTUAL")]
    kept = (*(f"{name}_" for name in virtual), "sqlite_")
    return [
        name
        for kind, name, _, _ in _entries(db, "main")
        if kind == "table" and name not in virtual and not name.startswith(kept)
    ]


@cache
def _made(database: Database, version: int, also: tuple[str, ...]) -> frozenset[_Entry]:
    """The schema of this format as this build of SQLite makes it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        database.make(db, version)
        for statement in also:
            db.execute(statement)
        return frozenset(_entries(db, "main"))
