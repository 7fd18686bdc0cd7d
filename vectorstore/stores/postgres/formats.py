"""The tables of an index in PostgreSQL, and the steps that bring older ones to the newest format.

    formats = Formats(server, {"format": FORMATS})
    formats.recognise(db, lock)         makes the tables in an empty schema
    formats.check(db)                   nobody has upgraded them since

Each format is recorded in a table of its name. It knows nothing of what the rows say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vectorstore.errors import StoreFormatError
from vectorstore.stores.postgres.server import Server

if TYPE_CHECKING:
    from vectorstore.stores.postgres.server import Session

_TABLES = """
CREATE TABLE format (version INTEGER NOT NULL);
CREATE TABLE meta (key TEXT COLLATE "C" PRIMARY KEY, value TEXT COLLATE "C" NOT NULL);
CREATE TABLE articles (
    key BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    characters INTEGER NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    published TEXT COLLATE "C",
    authors TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    pages TEXT COLLATE "C" NOT NULL,
    tags TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL
);
CREATE INDEX articles_by_date ON articles (published);
CREATE INDEX articles_by_source ON articles USING hash (source);
CREATE TABLE labels (
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    article BIGINT NOT NULL REFERENCES articles (key)
);
CREATE INDEX labels_by_name ON labels USING hash (name);
CREATE INDEX labels_by_article ON labels (article);
CREATE TABLE vectors (
    key BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest BYTEA NOT NULL UNIQUE,
    embedding BYTEA NOT NULL,
    model TEXT COLLATE "C" NOT NULL
);
ALTER TABLE vectors ALTER COLUMN embedding SET STORAGE EXTERNAL;
CREATE INDEX vectors_by_model ON vectors (model);
CREATE TABLE passages (
    key BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    article BIGINT NOT NULL REFERENCES articles (key),
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    vector BIGINT NOT NULL REFERENCES vectors (key),
    UNIQUE (article, ordinal)
);
CREATE INDEX passages_by_vector ON passages (vector, key);
CREATE TABLE pending (vector BIGINT PRIMARY KEY);
CREATE TABLE files (
    key BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place TEXT COLLATE "C" NOT NULL UNIQUE,
    size BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    reading INTEGER NOT NULL,
    skipped TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    etag TEXT COLLATE "C" NOT NULL,
    last_modified TEXT COLLATE "C" NOT NULL,
    inode BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX files_by_digest ON files USING hash (digest);
CREATE INDEX files_by_address ON files USING hash (address);
CREATE TABLE origins (
    file BIGINT NOT NULL REFERENCES files (key),
    entry TEXT COLLATE "C" NOT NULL,
    article TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (file, entry)
);
CREATE INDEX origins_by_article ON origins USING hash (article);
CREATE INDEX origins_by_source ON origins USING hash (source);
CREATE TABLE edits (
    article TEXT COLLATE "C" NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (article, field)
);
CREATE TABLE signatures (
    article BIGINT PRIMARY KEY REFERENCES articles (key),
    minhash BYTEA NOT NULL,
    signing INTEGER NOT NULL
);
CREATE TABLE buckets (
    bucket BIGINT NOT NULL,
    article BIGINT NOT NULL REFERENCES articles (key),
    PRIMARY KEY (bucket, article)
);
CREATE INDEX buckets_by_article ON buckets (article);
CREATE TABLE words (passage BIGINT PRIMARY KEY, length INTEGER NOT NULL);
CREATE TABLE terms (term BIGINT PRIMARY KEY, word TEXT COLLATE "C" NOT NULL, passages BIGINT NOT NULL);
CREATE TABLE postings (
    term BIGINT NOT NULL,
    passage BIGINT NOT NULL,
    frequency REAL NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (term, passage) INCLUDE (frequency, length)
);
CREATE INDEX postings_by_passage ON postings (passage);
CREATE TABLE totals (passages BIGINT NOT NULL, tokens BIGINT NOT NULL);
INSERT INTO totals VALUES (0, 0);
INSERT INTO meta VALUES ('index', replace(gen_random_uuid()::text, '-', ''))
"""
# The steps that bring a schema from one format to the next; the first makes its tables.
FORMATS: tuple[str, ...] = (_TABLES,)


class Formats:
    """The newest formats that this release knows, by the table that records each, with the steps to
    them."""

    def __init__(self, server: Server, steps: Mapping[str, Sequence[str]]) -> None:
        self._server = server
        self._steps = steps

    def recognise(self, db: Session, lock: int) -> None:
        """Make an empty schema ours, or check that it is, and upgrade it, under the `lock` of those
        who write; of programs that begin at once, one does. Raises StoreFormatError if it is
        another program's or has a newer format."""
        name = self._server.address.index
        (row,) = db.execute("SHOW server_encoding").fetchall()
        if row["server_encoding"] != "UTF8":
            raise StoreFormatError(
                f"the database at {self._server.address.server} keeps text as {row['server_encoding']}. Make "
                "one for Dateline: `createdb --encoding=UTF8 --template=template0 dateline`."
            )
        if all(self._noted(db, table) == len(steps) for table, steps in self._steps.items()):
            return  # without waiting for whoever is writing
        with db.transaction():
            for each in dict.fromkeys((self._server.lock("dateline"), lock)):
                db.execute("SELECT pg_advisory_xact_lock(%s)", (each,))
            if not db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (name,)).fetchall():
                db.execute(f'CREATE SCHEMA "{name}"')
            if (
                not self._noted(db, "format")
                and db.execute(
                    "SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
                    "WHERE nspname = %s LIMIT 1",
                    (name,),
                ).fetchall()
            ):
                raise StoreFormatError(
                    f"{self._server.name}: the schema {name!r} holds another program's tables. Give the index "
                    "another name, as in postgresql://user@host/database?index=newsroom."
                )
            for table, steps in self._steps.items():
                version = self._noted(db, table)
                if version > len(steps):
                    raise self._newer(table, version)
                for step in steps[version:]:
                    db.execute(step.encode())
                if version < len(steps):
                    db.execute(f"DELETE FROM {table}")  # noqa: S608 -- a name of ours
                    db.execute(f"INSERT INTO {table} VALUES (%s)", (len(steps),))  # noqa: S608

    def check(self, db: Session) -> None:
        """Raises StoreFormatError if the last of them is no longer the one that it was."""
        table, steps = [*self._steps.items()][-1]
        if (version := self._version(db, table)) != len(steps):
            raise self._newer(table, version)

    def _version(self, db: Session, table: str) -> int:
        found = db.execute(f"SELECT version FROM {table}").fetchall()  # noqa: S608 -- a name of ours
        return int(found[0]["version"])

    def _noted(self, db: Session, table: str) -> int:
        """The format recorded in a table; 0 if there is none."""
        place = f"{self._server.address.index}.{table}"
        there = db.execute("SELECT to_regclass(%s) AS it", (place,)).fetchall()[0]["it"]
        return self._version(db, table) if there else 0

    def _newer(self, table: str, version: int) -> StoreFormatError:
        return StoreFormatError(
            f"{self._server.name} has format {version}, and this release reads up to "
            f"{len(self._steps[table])}. Upgrade dateline here as well, and start this program again."
        )
