"""The store in a schema of a PostgreSQL server: for any number of programs and machines at once.

    PostgresStore("postgresql://dateline@db.example.org/news")              the schema "dateline"
    PostgresStore("postgresql://dateline@db.example.org/news?index=desk")   the schema "desk"
    PostgresRows("postgresql://…", formats)     the data beside the articles, in the same schema

Writers hold an advisory lock of the schema for the length of a transaction or of a `turn`: so only
one program at a time writes, whatever machine it is on, and what it has seen still holds when it
writes. Readers wait for nobody. Words are found by the tokens that SQLite's word search makes, and
ranked by the same numbers: `postings` has a row for each token of each passage, and one index finds
those of a token.

    EXPLAIN ANALYZE of a search for four words among a million passages, shortened:
      Nested Loop (rows=32660)
        ->  HashAggregate (rows=32660)  Group Key: passage
              ->  Nested Loop (rows=33025)
                    ->  Function Scan on q (rows=4)
                    ->  Index Only Scan using postings_pkey on postings (rows=8256 loops=4)
                          Index Cond: (term = q.term)  Heap Fetches: 0
        ->  Index Scan using passages_pkey on passages (rows=1 loops=32660)

A NUL, which PostgreSQL cannot store in text, is stored as two other characters. A lost connection
is re-established by the next call. Only this file knows psycopg.
"""

from __future__ import annotations

import math
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from vectorstore.articles import Finding
from vectorstore.errors import (
    ArticleError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFormatError,
)
from vectorstore.folding import folded
from vectorstore.stores import Row, Words
from vectorstore.stores.ranking import FEWEST, POSTINGS, RANKED_AGAIN, divided
from vectorstore.stores.tokens import Tokens, forms

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.adapt import AdaptersMap

INDEX = "dateline"  # the schema, if the address names none

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

# BM25 as FTS5 computes it (k1 = 1.2, b = 0.75), term by term in the order of the question: not even
# the last bit of a sum may differ, or passages of equal rank would change places.
_SEARCH = """
WITH q AS (
    SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::float8[]) AS q (term, number, idf)
), found AS (
    SELECT passage, number, idf, frequency::float8 AS frequency, length FROM q JOIN postings USING (term)
    UNION ALL
    SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::float8[], %s::float8[], %s::integer[])
), scored AS (
    SELECT passage, {total} AS score FROM (
        SELECT passage, number, idf * ((frequency * 2.2::float8) / (frequency + 1.2::float8
            * (0.25::float8 + 0.75::float8 * length / %s::float8))) AS part
        FROM found) AS parts
    GROUP BY passage
)
SELECT vector, max(score) AS score FROM scored JOIN passages ON passages.key = scored.passage
{among} GROUP BY vector ORDER BY max(score) DESC, vector LIMIT %s
"""
# What further terms add to texts that were found: looked up passage by passage.
_ADDED = """
SELECT vector, max(part) AS part FROM (
    SELECT vector, passages.key, sum(idf * ((frequency * 2.2::float8) / (frequency + 1.2::float8
        * (0.25::float8 + 0.75::float8 * length / %s::float8)))) AS part
    FROM passages CROSS JOIN unnest(%s::bigint[], %s::float8[]) AS q (term, idf)
    JOIN postings ON postings.term = q.term AND postings.passage = passages.key
    WHERE vector = ANY(%s::bigint[]) GROUP BY vector, passages.key
) AS parts GROUP BY vector
"""
_PART = "coalesce(max(part) FILTER (WHERE number = {}), 0::float8)"
_EXAMINED = 2_000  # passages at most that are read for words of several tokens, newest first

_READERS = 10  # reading connections a process has at once
_PATIENCE = 120_000  # milliseconds to wait for another program that is writing
# Beside the articles every transaction is short: a program that stalls in one loses its turn.
_READERS_BESIDE, _PATIENCE_BESIDE = 4, 10_000
# A server that is gone is noticed within a minute, even without any sign of it.
_CONNECTING: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "dateline",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_NOT_OURS = ("public", "information_schema")


class Address:
    """A PostgreSQL server, a database there, and the name of an index in it. Raises StoreError for
    anything that is not an address; none of its messages contains the password."""

    def __init__(self, url: str) -> None:
        from_libpq = _psycopg().conninfo.conninfo_to_dict
        try:
            parts = urlsplit(url)
            given = parse_qsl(parts.query, keep_blank_values=True)
            if parts.scheme not in ("postgresql", "postgres"):
                raise ValueError  # noqa: TRY301 -- reported below, like every other reason
            others = urlencode([(name, value) for name, value in given if name != "index"])
            self.connecting: dict[str, Any] = from_libpq(parts._replace(query=others).geturl())
        except Exception:  # noqa: BLE001 -- its message may contain the password
            raise StoreError(
                "the database is not the address of a PostgreSQL server. Give one like "
                "postgresql://user@host/database?index=name; signs such as @ or / in a password are "
                "written %40 and %2F."
            ) from None
        self.index = dict(given).get("index", INDEX)
        if (
            not _NAME.fullmatch(self.index)
            or self.index in _NOT_OURS
            or self.index.startswith("pg_")
        ):
            raise StoreError(
                f"{self.index!r} is not a valid name for an index. Use lower-case letters, digits and _, as in "
                "postgresql://user@host/database?index=newsroom."
            )
        host = self.connecting.get("host") or "this machine"
        port = f":{self.connecting['port']}" if "port" in self.connecting else ""
        base = self.connecting.get("dbname") or self.connecting.get("user") or "default"
        self.server = f"{host}{port}"
        self.name = f"the index {self.index!r} in the PostgreSQL database {base!r} at {self.server}"
        password = str(self.connecting.get("password") or "")
        self._secrets = {password, parts.password or "", unquote(parts.password or "")} - {""}

    def reason(self, error: BaseException) -> str:
        """The first line of its message, without the password."""
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return said[:300]


class _Schema:
    """A schema of a PostgreSQL server: its connections and formats. May be used from several threads."""

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
        self._address = Address(url)
        self.name = self._address.name
        self._formats = formats
        self._adapters = _adapters()
        self._making = _lock(f"dateline {self._address.index}")
        self._lock = _lock(f"{lock} {self._address.index}")
        self._settings = (f"SET lock_timeout = {patience}", *settings)
        self._pid = os.getpid()
        self._closed = False
        self._writing = threading.RLock()
        self._in_transaction = False
        self._db: Connection[dict[str, Any]] | None = None
        self._held: Connection[dict[str, Any]] | None = None  # holds the lock of a turn
        self._idle: list[Connection[dict[str, Any]]] = []
        self._readers = threading.BoundedSemaphore(readers)
        self._mine = threading.local()  # a thread's connection within its snapshot
        try:
            with self._writing, self._said_plainly():
                self._recognise()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if getattr(self._mine, "reader", None) is not None:
            yield
            return
        with self._said_plainly(), self._readers:
            reader, _ = self._read("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._mine.reader = reader
            try:
                yield
            finally:
                self._mine.reader = None
                if not reader.closed:
                    with suppress(_psycopg().Error):
                        reader.execute("ROLLBACK")
                self._give_back(reader)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._writing, self._said_plainly():
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
                    with suppress(_psycopg().Error):
                        db.execute("ROLLBACK")
                raise
            finally:
                self._in_transaction = False

    def execute(self, statement: str, *values: Any) -> Sequence[Row]:
        return self._run(_own(statement), values)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._writer().cursor() as cursor:
            cursor.executemany(_own(statement), list(rows))

    def damaged(self, reason: str) -> StoreDamagedError:
        return StoreDamagedError(f"{self.name} is damaged ({reason}). {self.remedy()}")

    def remedy(self) -> str:
        return "Bring the database back from a backup: docs/running.md says how."

    def close(self) -> None:
        self._closed = True
        with self._writing:
            idle, self._idle = self._idle, []
            for connection in filter(None, (self._db, *idle)):
                if os.getpid() == self._pid:
                    connection.close()
            self._db = None

    def _select(self, statement: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        mine = getattr(self._mine, "reader", None)
        with self._said_plainly():
            if mine is not None:
                return list(mine.execute(statement, values, binary=True).fetchall())
            with self._readers:
                reader, found = self._read(statement, values)
                self._give_back(reader)
                return found

    def _run(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        cursor = self._writer().execute(statement, values, binary=True)
        return [] if cursor.description is None else cursor.fetchall()

    def _read(
        self, statement: str, values: Sequence[Any] = ()
    ) -> tuple[Connection[dict[str, Any]], list[dict[str, Any]]]:
        """A reading connection, and what the statement found there. A connection that was lost
        while idle is silently replaced."""
        while True:
            was_idle = bool(self._idle)
            self._refuse_what_was_forked()
            reader = self._idle.pop() if was_idle else self._connect()
            try:
                cursor = reader.execute(statement, values, binary=True)
                return reader, [] if cursor.description is None else cursor.fetchall()
            except _psycopg().OperationalError:
                if not (was_idle and reader.closed):
                    self._give_back(reader)
                    raise
            except BaseException:
                self._give_back(reader)
                raise

    def _give_back(self, reader: Connection[dict[str, Any]]) -> None:
        if self._closed:
            reader.close()
        elif not reader.closed:
            self._idle.append(reader)

    def _writer(self) -> Connection[dict[str, Any]]:
        """The one connection that writes."""
        if self._db is None or self._db.closed:
            if self._held is not None or self._in_transaction:
                raise self._lost("it was closed")
            self._db = self._connect()
            for setting in self._settings:
                self._db.execute(setting.encode())
        self._refuse_what_was_forked()
        return self._db

    def _begun(self) -> Connection[dict[str, Any]]:
        """The connection that writes, in a transaction that excludes those of other programs."""
        db = self._again("BEGIN")
        try:
            db.execute("SELECT pg_advisory_xact_lock(%s)", (self._lock,))
            table, steps = [*self._formats.items()][-1]
            if (version := self._version(db, table)) != len(steps):
                raise self._newer(table, version)  # noqa: TRY301 -- the transaction ends here too
        except BaseException:
            if not db.closed:
                db.execute("ROLLBACK")
            raise
        return db

    def _again(self, statement: str, *values: Any) -> Connection[dict[str, Any]]:
        """Run a statement that begins something; once more if the connection was lost since its
        last use."""
        db = self._writer()
        try:
            db.execute(statement, values)
        except _psycopg().OperationalError:
            if not db.closed or self._held is not None:
                raise
            db = self._writer()
            db.execute(statement, values)
        return db

    def _connect(self) -> Connection[dict[str, Any]]:
        psycopg = _psycopg()
        if self._closed:
            raise StoreError("the index has been closed; open it again.")
        self._refuse_what_was_forked()
        try:
            db = psycopg.connect(
                **{**_CONNECTING, **self._address.connecting, "client_encoding": "utf8"},
                autocommit=True,
                row_factory=psycopg.rows.dict_row,
                context=_Context(self._adapters),
            )
        except psycopg.Error as error:
            raise self._unreachable(error) from None
        db.execute(f'SET search_path TO "{self._address.index}"')
        return db  # type: ignore[no-any-return]

    def _refuse_what_was_forked(self) -> None:
        if os.getpid() != self._pid:
            raise StoreError(
                f"{self.name} was opened before this process was forked, and stays with its parent. "
                "Open the index after the fork."
            )

    def _recognise(self) -> None:
        """Make an empty schema ours, or check that it is; of programs that begin at once, one
        does."""
        name = self._address.index
        db = self._writer()
        (row,) = db.execute("SHOW server_encoding").fetchall()
        if row["server_encoding"] != "UTF8":
            raise StoreFormatError(
                f"the database at {self._address.server} keeps text as {row['server_encoding']}. Make "
                "one for Dateline: `createdb --encoding=UTF8 --template=template0 dateline`."
            )
        if all(self._noted(db, table) == len(steps) for table, steps in self._formats.items()):
            return  # without waiting for whoever is writing
        with db.transaction():
            for lock in dict.fromkeys((self._making, self._lock)):
                db.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
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
                    f"{self.name}: the schema {name!r} holds another program's tables. Give the index "
                    "another name, as in postgresql://user@host/database?index=newsroom."
                )
            for table, steps in self._formats.items():
                version = self._noted(db, table)
                if version > len(steps):
                    raise self._newer(table, version)
                for step in steps[version:]:
                    db.execute(step.encode())
                if version < len(steps):
                    db.execute(f"DELETE FROM {table}")  # noqa: S608 -- a name of ours
                    db.execute(f"INSERT INTO {table} VALUES (%s)", (len(steps),))  # noqa: S608

    def _version(self, db: Connection[dict[str, Any]], table: str) -> int:
        found = db.execute(f"SELECT version FROM {table}").fetchall()  # noqa: S608 -- a name of ours
        return int(found[0]["version"])

    def _noted(self, db: Connection[dict[str, Any]], table: str) -> int:
        """The format recorded in a table; 0 if there is none."""
        place = f"{self._address.index}.{table}"
        there = db.execute("SELECT to_regclass(%s) AS it", (place,)).fetchall()[0]["it"]
        return self._version(db, table) if there else 0

    def _newer(self, table: str, version: int) -> StoreFormatError:
        return StoreFormatError(
            f"{self.name} has format {version}, and this release reads up to "
            f"{len(self._formats[table])}. Upgrade dateline here as well, and start this program again."
        )

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        """Turn PostgreSQL's errors into ours, saying what to do."""
        psycopg = _psycopg()
        try:
            yield
        except psycopg.Error as error:
            # Not the error itself: its message may contain more than is anybody's business.
            raise self._plain(error) from None

    def _plain(self, error: Any) -> StoreError | ArticleError:
        errors = _psycopg().errors
        reason = self._address.reason(error)
        if self._closed:
            return StoreError("the index has been closed; open it again.")
        if isinstance(error, errors.LockNotAvailable):
            return StoreBusyError(
                f"another program is writing to {self.name}. Let it finish, and try again."
            )
        if isinstance(error, errors.ProgramLimitExceeded):
            return ArticleError(
                f"an article is too large for the index, or its id or file's name is ({reason}). "
                "Divide it, or shorten the name."
            )
        if isinstance(error, errors.InsufficientPrivilege):
            return StoreError(
                f"{self.name} cannot be used: {reason}. Let the user make it: `GRANT CREATE ON DATABASE "
                "… TO …`, or make the user the owner of the schema."
            )
        if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
            return self.damaged(f"it was removed while it was open: {reason}")
        if isinstance(error, errors.DiskFull | errors.ReadOnlySqlTransaction):
            return StoreError(
                f"{self.name} could not be written ({reason}). See to the server, and run the command "
                "again; what was added before is kept."
            )
        lost = (
            _psycopg().OperationalError,
            _psycopg().InterfaceError,
            errors.IdleInTransactionSessionTimeout,
        )
        if isinstance(error, lost):
            return self._lost(reason)
        return StoreError(f"{self.name}: {reason}. Run `dateline doctor`.")

    def _lost(self, reason: str) -> StoreError:
        return StoreError(
            f"the connection to the PostgreSQL server at {self._address.server} was lost ({reason}). What "
            "was reported as added is kept: run the command again, which connects anew."
        )

    def _unreachable(self, error: Exception) -> StoreError:
        reason = self._address.reason(error)
        if "authentication failed" in reason or "no password supplied" in reason:
            return StoreError(
                f"the PostgreSQL server at {self._address.server} does not let this user in ({reason}). "
                "Correct the user or password in DATELINE_DATABASE, or in ~/.pgpass."
            )
        if "does not exist" in reason:
            return StoreError(
                f"the PostgreSQL server at {self._address.server} does not have it ({reason}). Make it "
                "with `createdb` or `createuser`, or correct DATELINE_DATABASE."
            )
        return StoreError(
            f"no PostgreSQL server answers at {self._address.server} ({reason}). Start it, or correct "
            "DATELINE_DATABASE; what was reported as added is kept."
        )


class PostgresStore(_Schema):
    """An index in a PostgreSQL database. May be used from several threads and processes."""

    def __init__(
        self, url: str, *, formats: Sequence[str] = FORMATS, postings: int = POSTINGS
    ) -> None:
        """Connect, create the index if absent, and upgrade it to the newest format. `postings` is
        as in SQLiteStore.

        Raises StoreError if no server answers or lets this user in, StoreFormatError if the schema
        is another program's or has a newer format.
        """
        self.turn = _Turn(self)
        self._postings = postings
        self._tokens = Tokens()
        super().__init__(
            url, {"format": formats}, lock="dateline", patience=_PATIENCE, readers=_READERS
        )

    # -- rows ----------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        return self._select(_own(statement), values)

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        (row,) = self._run(
            f"INSERT INTO {table} ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in values)}) "  # noqa: S608
            f"VALUES ({', '.join(['%s'] * len(values))}) RETURNING key",
            tuple(values.values()),
        )
        return int(row["key"])

    # -- words ---------------------------------------------------------------------------------

    def put_words(self, passages: Sequence[Words]) -> None:
        if not passages:
            return
        counted, lengths = self._tokens.counted(passages), self._tokens.lengths(passages)
        having = Counter(token for tokens in counted.values() for token in tokens)
        with self._writer().cursor() as cursor:
            with cursor.copy("COPY words (passage, length) FROM STDIN") as copy:
                for row in lengths.items():
                    copy.write_row(row)
            with cursor.copy("COPY postings (term, passage, frequency, length) FROM STDIN") as copy:
                for passage, tokens in counted.items():
                    for token, frequency in tokens.items():
                        copy.write_row((_term(token), passage, frequency, lengths[passage]))
        self._run(
            "INSERT INTO terms SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) "
            "ON CONFLICT (term) DO UPDATE SET passages = terms.passages + excluded.passages",
            ([_term(token) for token in having], [*having], [*having.values()]),
        )
        self._run(
            "UPDATE totals SET passages = passages + %s, tokens = tokens + %s",
            (len(lengths), sum(lengths.values())),
        )

    def drop_words(self, passages: Sequence[int]) -> None:
        gone = [*passages]
        self._run(
            "WITH gone AS (DELETE FROM words WHERE passage = ANY(%s::bigint[]) RETURNING length) "
            "UPDATE totals SET passages = passages - (SELECT count(*) FROM gone), "
            "tokens = tokens - (SELECT coalesce(sum(length), 0) FROM gone)",
            (gone,),
        )
        left = self._run(
            "WITH gone AS (DELETE FROM postings WHERE passage = ANY(%s::bigint[]) RETURNING term), "
            "less AS (SELECT term, count(*) AS number FROM gone GROUP BY term) "
            "UPDATE terms SET passages = passages - number FROM less WHERE less.term = terms.term "
            "RETURNING terms.term AS term, passages",
            (gone,),
        )
        self._run(
            "DELETE FROM terms WHERE term = ANY(%s::bigint[])",
            ([row["term"] for row in left if row["passages"] <= 0],),
        )

    def clear_words(self) -> None:
        for table in ("words", "postings", "terms"):
            self._run(f"DELETE FROM {table}")  # noqa: S608 -- not TRUNCATE: others keep searching
        self._run("UPDATE totals SET passages = 0, tokens = 0")

    def search_words(
        self, terms: Sequence[str], k: int, articles: Sequence[int] | None
    ) -> list[int]:
        phrases = [phrase for phrase in self._tokens.phrases(terms) if phrase]
        with self.snapshot():
            (totals,) = self._select("SELECT passages, tokens FROM totals", ())
            if not phrases or not totals["tokens"]:
                return []
            single = {
                number: _term(phrase[0])
                for number, phrase in enumerate(phrases)
                if len(phrase) == 1
            }
            rows = self._select(
                "SELECT term, passages FROM terms WHERE term = ANY(%s::bigint[])",
                ([*single.values()],),
            )
            numbers = {row["term"]: row["passages"] for row in rows}
            having = {n: numbers[term] for n, term in single.items() if term in numbers}
            weights = {n: _idf(totals["passages"], number) for n, number in having.items()}
            looked_up, common = [*having], list[int]()
            if sum(having.values()) > self._postings and len(phrases) > FEWEST:
                looked_up, common = divided(having, self._postings)
            usual = totals["tokens"] / totals["passages"]
            statement, values = self._search(
                phrases,
                [(single[n], n, weights[n]) for n in sorted(looked_up)],
                totals["passages"],
                usual,
                articles,
            )
            wanted = max(k, RANKED_AGAIN) if common else k
            found = [
                (row["score"], row["vector"]) for row in self._select(statement, (*values, wanted))
            ]
            if not common:
                return [vector for _, vector in found]
            again = found[:RANKED_AGAIN]
            rows = self._select(
                _ADDED,
                (
                    usual,
                    [single[n] for n in common],
                    [weights[n] for n in common],
                    [vector for _, vector in again],
                ),
            )
            added = {row["vector"]: row["part"] for row in rows}
            ranked = sorted((-score - added.get(vector, 0.0), vector) for score, vector in again)
            return [vector for _, vector in (*ranked, *found[RANKED_AGAIN:])][:k]

    def vocabulary(self, shortest: int, longest: int) -> dict[str, int]:
        rows = self._select(
            "SELECT word, passages FROM terms WHERE length(word) BETWEEN %s AND %s",
            (shortest, longest),
        )
        return {row["word"]: row["passages"] for row in rows}

    def as_written(self, stem: str) -> Counter[str]:
        (phrase,) = self._tokens.phrases([stem])
        if len(phrase) != 1:
            return Counter()
        found = self._select(
            "SELECT passage FROM postings WHERE term = %s ORDER BY passage LIMIT 5",
            (_term(phrase[0]),),
        )
        passages = self._words_of([row["passage"] for row in found])
        return forms([(each.title, each.text) for each in passages], stem)

    def words_agree(self, passages: Sequence[Words]) -> bool:
        counted, lengths = self._tokens.counted(passages), self._tokens.lengths(passages)
        wanted = {
            (_term(token), passage, frequency, lengths[passage])
            for passage, tokens in counted.items()
            for token, frequency in tokens.items()
        }
        keys = [passage.passage for passage in passages]
        found = self._select(
            "SELECT term, passage, frequency, length FROM postings WHERE passage = ANY(%s::bigint[])",
            (keys,),
        )
        held = {(row["term"], row["passage"], row["frequency"], row["length"]) for row in found}
        kept = self._select(
            "SELECT passage, length FROM words WHERE passage = ANY(%s::bigint[])", (keys,)
        )
        return held == wanted and {row["passage"]: row["length"] for row in kept} == lengths

    def words_are_sound(self) -> bool:
        (row,) = self._select(
            """SELECT passages = (SELECT count(*) FROM passages)
                  AND passages = (SELECT count(*) FROM words)
                  AND tokens = (SELECT coalesce(sum(length), 0) FROM words)
                  AND (SELECT coalesce(sum(passages), 0) FROM terms) = (SELECT count(*) FROM postings)
                  AS sound FROM totals""",
            (),
        )
        return bool(row["sound"])

    # -- the schema itself ---------------------------------------------------------------------

    def identity(self) -> str:
        (row,) = self._select(
            """SELECT system_identifier || '/' || (SELECT oid FROM pg_database
                      WHERE datname = current_database()) || '/' || %s::regnamespace::oid AS place
               FROM pg_control_system()""",
            (self._address.index,),
        )
        return str(row["place"])

    def faults(self) -> list[Finding]:
        return []  # PostgreSQL has its own check, for its administrators: pg_amcheck

    def forget(self) -> None:
        """PostgreSQL does this by itself: its autovacuum overwrites what was removed."""

    # -- below ---------------------------------------------------------------------------------

    def _search(
        self,
        phrases: Sequence[tuple[str, ...]],
        terms: Sequence[tuple[int, int, float]],
        passages: int,
        usual: float,
        articles: Sequence[int] | None,
    ) -> tuple[str, list[Any]]:
        """The statement that ranks passages by these terms (each with its number among the phrases
        and its weight) and by all phrases of several tokens, and its values except the last;
        `passages` is how many there are, `usual` the mean number of tokens in one."""
        several: list[tuple[int, int, float, float, int]] = []
        for number, phrase in enumerate(phrases):
            if len(phrase) > 1:
                times = self._tokens.occurrences(self._having_all(phrase), phrase)
                idf = _idf(passages, len(times))
                lengths = self._select(
                    "SELECT passage, length FROM words WHERE passage = ANY(%s::bigint[])",
                    ([*times],),
                )
                several += [
                    (row["passage"], number, idf, times[row["passage"]], row["length"])
                    for row in lengths
                ]
        numbers = sorted({number for _, number, *_ in (*terms, *several)}) or [0]
        statement = _SEARCH.format(
            total=" + ".join(_PART.format(number) for number in numbers),
            among="" if articles is None else "WHERE article = ANY(%s::bigint[])",
        )
        columns = [[row[at] for row in terms] for at in range(3)]
        columns += [[row[at] for row in several] for at in range(5)]
        values: list[Any] = [*columns, usual]
        return statement, values if articles is None else [*values, [*articles]]

    def _having_all(self, phrase: tuple[str, ...]) -> list[Words]:
        """The passages that have all of these tokens anywhere."""
        wanted = [*{_term(token) for token in phrase}]
        found = self._select(
            "SELECT passage FROM postings WHERE term = ANY(%s::bigint[]) GROUP BY passage "
            "HAVING count(*) = %s ORDER BY passage DESC LIMIT %s",
            (wanted, len(wanted), _EXAMINED),
        )
        return self._words_of([row["passage"] for row in found])

    def _words_of(self, passages: Sequence[int]) -> list[Words]:
        rows = self._select(
            """SELECT passages.key AS key, title, text, start, "end" FROM passages
               JOIN articles ON articles.key = article
               WHERE passages.key = ANY(%s::bigint[]) ORDER BY passages.key""",
            ([*passages],),
        )
        return [
            Words(row["key"], folded(row["title"]), folded(row["text"][row["start"] : row["end"]]))
            for row in rows
        ]

    def _keep_others_out(self) -> None:
        with self._writing, self._said_plainly():
            self._held = self._again("SELECT pg_advisory_lock(%s)", self._lock)

    def _let_others_in(self) -> None:
        with self._writing:
            held, self._held = self._held, None
            if held is not None and not held.closed:  # else the server has already let them in
                with suppress(_psycopg().Error):
                    held.execute("SELECT pg_advisory_unlock(%s)", (self._lock,))


class PostgresRows(_Schema):
    """Separate tables in the schema of an index, for the data beside the articles. Adding articles
    does not hold up writing here."""

    def __init__(self, url: str, formats: Sequence[str]) -> None:
        """Raises what PostgresStore raises. `formats` are like FORMATS; the first makes
        `beside_format`."""
        super().__init__(
            url,
            {"format": FORMATS, "beside_format": formats},
            lock="dateline beside",
            patience=_PATIENCE_BESIDE,
            readers=_READERS_BESIDE,
            settings=(f"SET idle_in_transaction_session_timeout = {_PATIENCE_BESIDE}",),
        )

    def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        if getattr(self._mine, "writing", False):
            return self.execute(statement, *values)
        return self._select(_own(statement), values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            outer, self._mine.writing = getattr(self._mine, "writing", False), True
            try:
                yield
            finally:
                self._mine.writing = outer

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        key = _lock(f"dateline {name} {self._address.index}")
        with self._said_plainly():
            db = self._connect()
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


class _Turn:
    """Held by only one of all programs, and within it by one thread, which may take it again."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._thread = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            if not self._depth:
                self._store._keep_others_out()
            self._depth += 1
        except BaseException:
            self._thread.release()
            raise

    def __exit__(self, *error: object) -> None:
        try:
            self._depth -= 1
            if not self._depth:
                self._store._let_others_in()
        finally:
            self._thread.release()


class _Context:
    """What psycopg consults on how to write and read values."""

    def __init__(self, adapters: AdaptersMap) -> None:
        self.adapters = adapters
        self.connection = None


def _psycopg() -> Any:
    try:
        import psycopg
        import psycopg.rows
    except ImportError as error:
        raise StoreError(
            "psycopg, which speaks to PostgreSQL, is not installed. Run `pip install 'dateline[postgres]'`."
        ) from error
    return psycopg


def _adapters() -> AdaptersMap:
    """Adapters that write and read text with NULs in it."""
    psycopg = _psycopg()
    from psycopg.adapt import AdaptersMap
    from psycopg.types.string import StrDumperUnknown, TextBinaryLoader, TextLoader

    class Written(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(_kept(obj))

    class Read(TextLoader):
        def load(self, data: Any) -> Any:
            return _given_back(super().load(data))

    class ReadBinary(TextBinaryLoader):
        def load(self, data: Any) -> Any:
            return _given_back(super().load(data))

    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(str, Written)
    adapters.register_loader("text", Read)
    adapters.register_loader("text", ReadBinary)
    return adapters


_ESCAPE = "\x1a"  # "substitute", by its name in ASCII: found in hardly any text


def _kept(text: str) -> str:
    if _ESCAPE not in text and "\0" not in text:
        return text
    return text.replace(_ESCAPE, f"{_ESCAPE}1").replace("\0", f"{_ESCAPE}0")


def _given_back(text: Any) -> Any:
    if not isinstance(text, str) or _ESCAPE not in text:
        return text
    return text.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE)


@lru_cache(512)
def _own(statement: str) -> str:
    for listed, type_ in (("(each ?)", "bigint"), ("(each text ?)", "text")):
        statement = statement.replace(listed, f"(SELECT unnest(%s::{type_}[]))")
    return statement.replace("?", "%s")


def _lock(name: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


@lru_cache(100_000)
def _term(token: str) -> int:
    return int.from_bytes(blake2b(token.encode(), digest_size=8).digest(), signed=True)


def _idf(passages: int, having: int) -> float:
    idf = math.log((passages - having + 0.5) / (having + 0.5))
    return idf if idf > 0.0 else 1e-6
