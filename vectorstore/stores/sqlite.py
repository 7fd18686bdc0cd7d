"""The store in one SQLite file: an index on one machine, for one process at a time.

What is committed here is kept: the file is in WAL mode with full synchronisation. Words are found
by FTS5. The file may come from somebody else, so its schema is compared before anything in it is
used. It knows nothing of what the rows say, except to migrate older formats.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from vectorstore.articles import Finding, comparable
from vectorstore.database import Database, Step, open_own
from vectorstore.errors import (
    ArticleError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFormatError,
)
from vectorstore.folding import folded
from vectorstore.stores import TEXT_WEIGHT, TITLE_WEIGHT, TOKENIZE, Turn, Words
from vectorstore.stores.ranking import (
    FEWEST,
    POSTINGS,
    RANKED_AGAIN,
    added_scores,
    divided,
    idf,
)
from vectorstore.stores.tokens import WRITTEN, marked

CATALOG = "catalog.sqlite"  # the file's name in an index's folder

APPLICATION_ID = 0x44544C4E  # "DTLN", so that another program's file is not taken for ours

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    characters INTEGER NOT NULL,
    source TEXT NOT NULL,
    url TEXT NOT NULL,
    published TEXT,
    authors TEXT NOT NULL,
    language TEXT NOT NULL,
    pages TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE INDEX articles_by_date ON articles (published);
CREATE INDEX articles_by_source ON articles (source);
CREATE TABLE vectors (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    embedding BLOB NOT NULL,
    model TEXT NOT NULL
);
CREATE INDEX vectors_by_model ON vectors (model);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    article INTEGER NOT NULL REFERENCES articles (key),
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    vector INTEGER NOT NULL REFERENCES vectors (key),
    UNIQUE (article, ordinal)
);
CREATE INDEX passages_by_vector ON passages (vector);
CREATE TABLE pending (vector INTEGER PRIMARY KEY)
"""
_WORDS = f"""
CREATE VIRTUAL TABLE words USING fts5 (
    title, text, tokenize = "{TOKENIZE}"
)
"""

# Which files the articles came from, and what was edited since. An origin may name an article that
# does not exist yet: it is recorded before the article is stored, so that a file whose reading was
# cut off can be recognised by it.
_SOURCES = """
CREATE TABLE files (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    digest TEXT NOT NULL,
    reading INTEGER NOT NULL,
    skipped TEXT NOT NULL,
    address TEXT NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL
);
CREATE INDEX files_by_digest ON files (digest);
CREATE INDEX files_by_address ON files (address);
CREATE TABLE origins (
    file INTEGER NOT NULL REFERENCES files (key),
    entry TEXT NOT NULL,
    article TEXT NOT NULL,
    source TEXT NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (file, entry)
) WITHOUT ROWID;
CREATE INDEX origins_by_article ON origins (article);
CREATE INDEX origins_by_source ON origins (source);
CREATE TABLE edits (
    article TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (article, field)
) WITHOUT ROWID
"""


def _make_tables(db: sqlite3.Connection) -> None:
    for statement in (*_SCHEMA.split(";\n"), _WORDS):
        db.execute(statement)


def _add_sources(db: sqlite3.Connection) -> None:
    for statement in _SOURCES.split(";\n"):
        db.execute(statement)


# How copies of an article are found: articles that share a bucket may be copies.
_SIGNATURES = """
CREATE TABLE signatures (
    article INTEGER PRIMARY KEY REFERENCES articles (key),
    minhash BLOB NOT NULL,
    signing INTEGER NOT NULL
);
CREATE TABLE buckets (
    bucket INTEGER NOT NULL,
    article INTEGER NOT NULL REFERENCES articles (key),
    PRIMARY KEY (bucket, article)
) WITHOUT ROWID;
CREATE INDEX buckets_by_article ON buckets (article)
"""


def _add_signatures(db: sqlite3.Connection) -> None:
    # Existing articles get theirs when copies are first asked for.
    for statement in _SIGNATURES.split(";\n"):
        db.execute(statement)


def _add_inodes(db: sqlite3.Connection) -> None:
    # A file put in the place of another may have its size and time; -1 matches none.
    for column in ("inode", "changed"):
        db.execute(f"ALTER TABLE files ADD COLUMN {column} INTEGER NOT NULL DEFAULT -1")


def _fold_words(db: sqlite3.Connection) -> None:
    # Words containing invisible characters were not found by the way they read.
    rows = db.execute(
        """SELECT passages.key AS key, title, text, start, "end" FROM passages
           JOIN articles ON articles.key = article"""
    )
    for row in rows.fetchall():
        words = row["title"], row["text"][row["start"] : row["end"]]
        searched = folded(words[0]), folded(words[1])
        if searched == words:
            continue
        try:
            db.execute("DELETE FROM words WHERE rowid = ?", (row["key"],))
            db.execute(
                "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", (row["key"], *searched)
            )
        except sqlite3.DatabaseError:  # damaged: `rebuild` remakes all of it
            return


# How articles are found by author and tag: names in the form used for comparison.
_LABELS = """
CREATE TABLE labels (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    article INTEGER NOT NULL REFERENCES articles (key),
    PRIMARY KEY (kind, name, article)
) WITHOUT ROWID;
CREATE INDEX labels_by_article ON labels (article)
"""


def _add_labels(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE articles ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'")
    for statement in _LABELS.split(";\n"):
        db.execute(statement)
    for key, written in db.execute("SELECT key, authors FROM articles").fetchall():
        with suppress(ValueError, TypeError, AttributeError):  # damaged: `faults` reports it
            _insert_labels(db, key, {"author": json.loads(written)})


def _insert_labels(db: sqlite3.Connection, key: int, labels: Mapping[str, Sequence[str]]) -> None:
    rows = [(kind, comparable(name), key) for kind, names in labels.items() for name in names]
    db.executemany("INSERT OR IGNORE INTO labels VALUES (?, ?, ?)", rows)


# The steps that bring a file from one format to the next; the first leads from format 1 to 2.
MIGRATIONS: tuple[Step, ...] = (
    _add_sources,
    _add_signatures,
    _add_inodes,
    _fold_words,
    _add_labels,
)


def _database(migrations: Sequence[Step]) -> Database:
    return Database(CATALOG, APPLICATION_ID, (_make_tables, *migrations))


DATABASE = _database(MIGRATIONS)
# No join unless something is filtered out: looking up each passage that has a word costs as much
# again as ranking it.
_SCORE = f"bm25(words, {TITLE_WEIGHT}, {TEXT_WEIGHT}) AS score"
_SEARCH = f"""
SELECT rowid AS passage, {_SCORE} FROM words WHERE words MATCH ? ORDER BY score LIMIT ?
"""  # noqa: S608
_SEARCH_AMONG = f"""
SELECT passages.key AS passage, {_SCORE}
FROM words CROSS JOIN passages ON passages.key = words.rowid
WHERE words MATCH ? AND admitted(passages.article) ORDER BY score LIMIT ?
"""  # noqa: S608
_FREQUENCY = """
SELECT count(*) AS n, max(passage) AS last
FROM (SELECT rowid AS passage FROM words WHERE words MATCH ? LIMIT ?)
"""
_VOCABULARY = "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, words, row)"
_PUT_WORDS = "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)"

# Errors that say nothing about the file: the disk is full, the folder read-only, or another program
# is writing.
_SURROUNDINGS = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
)


class SQLiteStore:
    """The SQLite file. May be used from several threads: reads do not wait for writes."""

    def __init__(
        self,
        file: Path,
        *,
        newest_backup: Callable[[], Path | None] = lambda: None,
        migrations: Sequence[Step] = MIGRATIONS,
        postings: int = POSTINGS,
    ) -> None:
        """Open or create the file, and upgrade it to the newest format.

        A word search looks up terms that occur in up to `postings` passages in total; the commoner
        terms only affect the ranking of what those find.

        `newest_backup` is named if the file is damaged. Raises StoreFormatError if it is another
        program's, has a newer format or is a link, StoreDamagedError if SQLite finds it broken or
        it contains tables, triggers or views that Dateline does not make, StoreError if it cannot
        be written.
        """
        self.name = str(file)
        self.turn: Turn = threading.RLock()
        self._file = file
        self._newest_backup = newest_backup
        self._postings = postings
        self._writing = threading.RLock()
        self._reading = threading.RLock()
        with self._said_plainly():
            try:
                self._db = _connect(file)
            except OSError as error:
                raise StoreError(
                    f"{file} cannot be written ({error.strerror or error}). Make its folder writable, "
                    "or give another."
                ) from error
            try:
                self._place = _place(file)
                self._recognise(_database(migrations))
                self._db.execute("PRAGMA journal_mode = WAL")
                # Sorting must not put articles into temporary files.
                self._db.execute("PRAGMA temp_store = MEMORY")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.execute("PRAGMA secure_delete = ON")
                self._db.execute("PRAGMA foreign_keys = ON")
                self._reader = _connect(file)
                self._reader.execute("PRAGMA temp_store = MEMORY")
                self._reader.execute(_VOCABULARY)
                self._reader.execute("PRAGMA query_only = ON")
                self._vocabulary: tuple[int, dict[str, int]] = (-1, {})  # as of that `data_version`
            except BaseException:
                self._db.close()
                raise

    # -- rows ----------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._reading, self._said_plainly():
            return self._reader.execute(own(statement), bound(values)).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._reading, self._said_plainly():
            if self._reader.in_transaction:
                yield
                return
            self._reader.execute("BEGIN")
            try:
                yield
            finally:
                self._reader.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._writing, self._said_plainly():
            if self._db.in_transaction:
                yield
                return
            if _place(self._file) != self._place:  # what is written would be lost
                raise self.damaged("it was removed or replaced while it was open")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite ends it by itself if the disk is full
                    self._db.execute("ROLLBACK")
                raise

    def execute(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        return self._db.execute(own(statement), bound(values)).fetchall()

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(own(statement), rows)

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        cursor = self._db.execute(
            f"INSERT INTO {table} ({', '.join(map(_quoted, values))}) "  # noqa: S608
            f"VALUES ({', '.join('?' * len(values))})",
            list(values.values()),
        )
        return int(cursor.lastrowid or 0)

    # -- words ---------------------------------------------------------------------------------

    def put_words(self, passages: Sequence[Words]) -> None:
        self._db.executemany(_PUT_WORDS, passages)

    def drop_words(self, passages: Sequence[int]) -> None:
        self._db.executemany("DELETE FROM words WHERE rowid = ?", [(key,) for key in passages])
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('forgetting', 'words')")

    def clear_words(self) -> None:
        try:
            self._db.execute("DROP TABLE IF EXISTS words")
        except sqlite3.DatabaseError:
            # FTS5 cannot even load it: remove it from the schema by hand, then its parts.
            self._db.execute("PRAGMA writable_schema = ON")
            self._db.execute("DELETE FROM sqlite_master WHERE name = 'words'")
            self._db.execute("PRAGMA writable_schema = RESET")
            for part in ("data", "idx", "content", "docsize", "config"):
                self._db.execute(f"DROP TABLE IF EXISTS words_{part}")
        self._db.execute(_WORDS)
        self._db.execute("DELETE FROM meta WHERE key = 'forgetting'")

    def search_words(
        self, terms: Sequence[str], k: int, articles: Sequence[int] | None
    ) -> list[int]:
        with self.snapshot():
            if articles is not None:
                self._admit(articles)
            telling, common = self._divided(terms)
            if not common:
                return [vector for _, vector in self._ranked(telling, k, articles)[:k]]
            found = self._ranked(telling, max(k, RANKED_AGAIN), articles)
            again = self._ranked_again(found[:RANKED_AGAIN], common)
            return [*again, *(vector for _, vector in found[RANKED_AGAIN:])][:k]

    def _divided(self, terms: Sequence[str]) -> tuple[Sequence[str], dict[str, float]]:
        """The terms to look up, and the weights of the others."""
        if len(terms) <= FEWEST:
            return terms, {}
        looked_up = {t: self.rows(_FREQUENCY, f'"{t}"', self._postings)[0] for t in terms}
        having = {term: row["n"] for term, row in looked_up.items()}
        if sum(having.values()) <= self._postings:
            return terms, {}
        telling, others = divided(having, self._postings)
        (passages,) = self.rows("SELECT coalesce(max(key), 0) AS n FROM passages")
        common = {}
        for term in others:
            # Where counting was cut short, extrapolated as if the rest were like the beginning.
            beyond = max(1.0, passages["n"] / max(1, looked_up[term]["last"]))
            common[term] = idf(passages["n"], having[term] * beyond)
        return telling, common

    def _ranked(
        self, terms: Sequence[str], k: int, articles: Sequence[int] | None
    ) -> list[tuple[float, int]]:
        """(score, vector), best first, at least `k` if there are that many."""
        phrases = " OR ".join(f'"{term}"' for term in terms)
        limit = 2 * k
        while True:
            rows = self.rows(_SEARCH if articles is None else _SEARCH_AMONG, phrases, limit)
            best = self._best_of_vectors(rows)
            # Rows that tie with the last may have been cut off.
            if len(rows) < limit or (len(best) >= k and best[k - 1][0] < rows[-1]["score"]):
                return best
            limit *= 4

    def _ranked_again(
        self, found: Sequence[tuple[float, int]], common: Mapping[str, float]
    ) -> list[int]:
        """These vectors, best first, with the common terms of their passages counted as well."""
        rows = self.rows(
            """SELECT passages.vector AS vector, title, text FROM passages
               JOIN words ON words.rowid = passages.key WHERE passages.vector IN (each ?)""",
            [vector for _, vector in found],
        )
        added = added_scores([(row["vector"], row["title"], row["text"]) for row in rows], common)
        again = sorted((score - added.get(vector, 0.0), vector) for score, vector in found)
        return [vector for _, vector in again]

    def _admit(self, articles: Sequence[int]) -> None:
        """Make SQL's admitted() tell whether an article's key is among these."""
        (row,) = self.rows("SELECT coalesce(max(key), 0) AS largest FROM articles")
        admitted = bytearray(row["largest"] + 1)
        for key in articles:
            if key < len(admitted):
                admitted[key] = 1
        self._reader.create_function("admitted", 1, bytes(admitted).__getitem__)

    def _best_of_vectors(self, rows: Sequence[sqlite3.Row]) -> list[tuple[float, int]]:
        """(score, vector), best first, ties by key, from rows with the scores of passages."""
        vectors = {
            row["key"]: row["vector"]
            for row in self.rows(
                "SELECT key, vector FROM passages WHERE key IN (each ?)",
                [row["passage"] for row in rows],
            )
        }
        best: dict[int, float] = {}
        for row in rows:
            if row["passage"] in vectors:  # else damaged: `words_are_sound` reports it
                best.setdefault(vectors[row["passage"]], row["score"])
        return sorted((score, vector) for vector, score in best.items())

    def vocabulary(self, shortest: int, longest: int) -> dict[str, int]:
        with self.snapshot():
            # The word index counts the passages of every term afresh: seconds in a large archive.
            (version,) = self.rows("PRAGMA data_version")[0]
            if self._vocabulary[0] != version:
                rows = self.rows("SELECT term, doc FROM temp.vocabulary")
                self._vocabulary = (version, {row["term"]: row["doc"] for row in rows})
            known = self._vocabulary[1]
        return {term: n for term, n in known.items() if shortest <= len(term) <= longest}

    def as_written(self, stem: str) -> Counter[str]:
        return marked(self.rows(WRITTEN, f'"{stem}"'))

    def words_agree(self, passages: Sequence[Words]) -> bool:
        found = self.rows(
            "SELECT rowid AS key, title, text FROM words WHERE rowid IN (each ?)",
            [passage.passage for passage in passages],
        )
        return {Words(*row) for row in found} == set(passages)

    def words_are_sound(self) -> bool:
        try:
            with self._writing:
                self._db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            with self._reading:
                counts = self._reader.execute(
                    "SELECT (SELECT count(*) FROM passages) = (SELECT count(*) FROM words)"
                )
                return bool(counts.fetchone()[0])
        except sqlite3.DatabaseError as error:
            if _code(error) in _SURROUNDINGS:
                raise self._plain(error) from error
            return False

    # -- the file itself -----------------------------------------------------------------------

    def identity(self) -> str:
        return str(self._file.stat().st_ino)

    def faults(self) -> list[Finding]:
        return [
            Finding("error", f"{self._file.name}: {row[0]}", self.remedy())
            for row in self.rows("PRAGMA integrity_check(10)")
            if row[0] != "ok" and "FTS5" not in row[0]  # newer releases check words too
        ]

    def forget(self) -> None:
        """FTS5 keeps words until its segments are merged, and the write-ahead log keeps pages until
        it is checkpointed."""
        if self.rows("SELECT 1 FROM meta WHERE key = 'forgetting'"):
            with self.transaction():
                self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
                self._db.execute("DELETE FROM meta WHERE key = 'forgetting'")
        with self._writing, self._said_plainly():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def damaged(self, reason: str) -> StoreDamagedError:
        return StoreDamagedError(f"{self._file} is damaged ({reason}). {self.remedy()}")

    def remedy(self) -> str:
        return how_to_restore(self._newest_backup())

    def close(self) -> None:
        # The writer last: it merges the log and removes it.
        with self._writing, self._reading:
            self._reader.close()
            self._db.close()

    # -- below ---------------------------------------------------------------------------------

    def _recognise(self, database: Database) -> None:
        """Make an empty file ours, or check that it is; nothing is written before that is known."""
        if self._number("page_count") == 0:
            with self.transaction():
                database.make(self._db)
                self._db.execute("INSERT INTO meta VALUES ('index', ?)", (uuid.uuid4().hex,))
            return
        if self._number("application_id") != APPLICATION_ID:
            raise StoreFormatError(
                f"{self._file} belongs to another program. Give another folder as the index."
            )
        version = self._number("user_version")
        if version > database.newest:
            raise StoreFormatError(
                f"{self._file} has format {version}, and this release reads up to "
                f"{database.newest}. Upgrade dateline, or give another folder as the index."
            )
        # Triggers and views would run along with our own statements: whoever made the file could
        # have every question and article copied.
        if foreign := database.foreign(self._db):
            raise self.damaged(f"Dateline did not make {', '.join(foreign)} in it")
        for step, migrate in enumerate(database.formats[version:], start=version + 1):
            with self.transaction():
                migrate(self._db)
                self._db.execute(f"PRAGMA user_version = {step}")

    def _number(self, pragma: str) -> int:
        return int(self._db.execute(f"PRAGMA {pragma}").fetchone()[0])

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        """Turn SQLite's errors into ours, saying what to do."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            if "closed" in str(error):
                raise StoreError("the index has been closed; open it again.") from error
            raise
        except sqlite3.DataError as error:
            raise ArticleError(
                f"an article is too large for the index ({error}). Divide it."
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._plain(error) from error

    def _plain(self, error: sqlite3.DatabaseError) -> StoreError:
        code = _code(error)
        if _extended_code(error) == sqlite3.SQLITE_CORRUPT_VTAB:
            return StoreDamagedError(
                f"the word search in {self._file} is damaged. Run `dateline rebuild`: it is made "
                "again from the articles."
            )
        # Text that is not UTF-8 has no error code.
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode" in str(error):
            return self.damaged(str(error))
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return StoreError(
                f"{self._file} cannot be written ({error}). Make its folder writable, or give "
                "another."
            )
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return StoreError(
                f"{self._file} could not be written ({error}). Free some space and run the command "
                "again; what was added before is kept."
            )
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreBusyError(
                f"another program is writing to {self._file}. Let it finish, and try again."
            )
        return StoreError(f"{self._file}: {error}. Run `dateline doctor`.")


def how_to_restore(backup: Path | None) -> str:
    """What to do if the articles' file is damaged."""
    if backup is None:
        return "There is no backup: move the folder away and add the articles again."
    return f"The newest backup is {backup}: `dateline restore {backup}` brings it back."


@lru_cache(256)
def own(statement: str) -> str:
    """A statement in the form SQLite understands."""
    for listed in ("(each ?)", "(each text ?)"):
        statement = statement.replace(listed, "(SELECT value FROM json_each(?))")
    return statement


def bound(values: Sequence[Any]) -> list[Any]:
    """Its values, with lists in the form `own` expects."""
    return [json.dumps(value) if isinstance(value, list) else value for value in values]


def _quoted(name: str) -> str:
    return f'"{name}"'


def _connect(file: Path) -> sqlite3.Connection:
    connection = open_own(file)
    connection.row_factory = sqlite3.Row
    return connection


def _place(file: Path) -> tuple[int, int] | None:
    """Which file is there, whatever it contains."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _code(error: sqlite3.Error) -> int:
    return _extended_code(error) & 0xFF


def _extended_code(error: sqlite3.Error) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return 0 if code is None else int(code)
