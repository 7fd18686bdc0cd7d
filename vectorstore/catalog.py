"""The truth, in one SQLite file: articles verbatim, passages, embeddings, and word search (FTS5).

What is committed here is kept: the file is in WAL mode with full synchronisation, and an article
with its passages, embeddings and search words is one transaction. `pending` lists the vectors that
the vector store has yet to take or drop; it is written by the same transaction, so the vectors can
always be brought up to date from here, without embedding again.

Passages that embed the same text (copies of an article, a notice under every article) share one
vector: many equal vectors would cut an approximate index into parts that cannot be reached.

Which files the articles came from, and how those were when they were read, is kept here too.

It knows neither embedding models nor Chroma: vectors are bytes to it, a model is a name.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from vectorstore.articles import (
    Article,
    Filter,
    Finding,
    Origin,
    Passage,
    Progress,
    Skipped,
    SourceFile,
    Statistics,
    Summary,
    comparable,
)
from vectorstore.copies import SIGNING, Signature
from vectorstore.database import Database, Step, open_own
from vectorstore.errors import (
    ArticleError,
    ArticleNotFoundError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFormatError,
)
from vectorstore.folding import folded

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
_WORDS = """
CREATE VIRTUAL TABLE words USING fts5 (
    title, text, tokenize = "porter unicode61 remove_diacritics 2"
)
"""

# Which files the articles came from, and what was edited since. An origin may name an article that is
# not there yet: it is noted before the article is stored, so that a file whose reading was cut off is
# known by it.
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


# By what articles that are copies of each other are found: articles that share a bucket may be.
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
    # Articles that are there already get theirs when copies are first asked for.
    for statement in _SIGNATURES.split(";\n"):
        db.execute(statement)


def _add_inodes(db: sqlite3.Connection) -> None:
    # A file put in the place of another may have its size and time; -1 agrees with none.
    for column in ("inode", "changed"):
        db.execute(f"ALTER TABLE files ADD COLUMN {column} INTEGER NOT NULL DEFAULT -1")


def _fold_words(db: sqlite3.Connection) -> None:
    # Words with unseen signs in them were not found by how they are read.
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
        except sqlite3.DatabaseError:  # damaged: `rebuild` makes all of it again
            return


# By what articles are found by author and tag: names as they are compared.
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
        with suppress(ValueError, TypeError, AttributeError):  # damaged: `faults` tells of it
            _insert_labels(db, key, {"author": json.loads(written)})


def _insert_labels(db: sqlite3.Connection, key: int, labels: Mapping[str, Sequence[str]]) -> None:
    rows = [(kind, comparable(name), key) for kind, names in labels.items() for name in names]
    db.executemany("INSERT OR IGNORE INTO labels VALUES (?, ?, ?)", rows)


# What brings a file from one format to the next; the first leads from format 1 to 2.
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

# A word of the title counts half as much as one of the passage: every passage repeats the title.
_SEARCH = """
WITH found AS MATERIALIZED (
    SELECT passages.vector AS vector, bm25(words, 0.5, 1.0) AS score
    FROM words CROSS JOIN passages ON passages.key = words.rowid
    WHERE words MATCH ?1
      AND (?2 IS NULL OR passages.article IN (SELECT value FROM json_each(?2)))
)
SELECT vector FROM found GROUP BY vector ORDER BY min(score), vector LIMIT ?3
"""
_VOCABULARY = "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, words, row)"
_WRITTEN = """
SELECT highlight(words, 0, char(2), char(3)) AS title, highlight(words, 1, char(2), char(3)) AS text
FROM words WHERE words MATCH ? LIMIT 5
"""
_MARKED = re.compile("\x02([^\x03]+)\x03")
_SHORTEST = 3  # characters of a stem that another may be taken for
_LONG = 8  # characters from which two may differ
_NEAREST = 24  # stems whose forms are looked at
# Every further term costs time over the whole index, and a pasted page has hundreds.
_TERMS = 32

_WORD = re.compile(r"\w+")
# Errors that say nothing about the file: the disk is full, the folder read-only, or another program
# writes.
_SURROUNDINGS = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
)
_CHUNK = 500  # values a statement: every build of SQLite takes that many


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage to be stored: offsets into its article, the digest of what is embedded for it, and
    the vector as float32 bytes, None where a vector of that digest is stored already."""

    start: int
    end: int
    digest: bytes
    embedding: bytes | None


@dataclass(frozen=True, slots=True)
class StoredVector:
    """What the vector store is given: a key and float32 bytes."""

    key: int
    embedding: bytes


class Catalog:
    """The SQLite file. May be used from several threads: reading does not wait for writing."""

    def __init__(
        self,
        file: Path,
        *,
        newest_backup: Callable[[], Path | None] = lambda: None,
        migrations: Sequence[Step] = MIGRATIONS,
    ) -> None:
        """Open or make the file, and bring it to the newest format.

        `newest_backup` is named where the file is damaged. Raises StoreFormatError where it is
        another program's, of a newer format or a link, StoreDamagedError where SQLite finds it broken or it
        holds tables, triggers or views that Dateline does not make, StoreError where it cannot be
        written.
        """
        self.file = file
        self._newest_backup = newest_backup
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
            except BaseException:
                self._db.close()
                raise

    # -- articles ------------------------------------------------------------------------------

    def digests(self, ids: Iterable[str]) -> dict[str, str]:
        """The content digest of each of these articles that is stored."""
        rows = self._rows_in("SELECT id, digest FROM articles WHERE id IN", ids)
        return {row["id"]: row["digest"] for row in rows}

    def put(
        self,
        entries: Iterable[tuple[Article, Sequence[NewPassage]]],
        model: str,
        signatures: Mapping[str, Signature] | None = None,
    ) -> None:
        """Store these articles, replacing those of the same id, in one transaction; `signatures`
        are by id, and an article may get its own later."""
        left: list[int] = []  # dropped last: one article may take over the text of another
        with self.transaction():
            for article, passages in entries:
                key = self._key_of(article.id)
                if key is None:
                    key = self._insert_article(article)
                else:
                    left += self._drop_passages(key)
                    self._update_article(key, article)
                for ordinal, passage in enumerate(passages):
                    self._insert_passage(key, ordinal, article, passage, model)
                self._drop_signature(key)
                if signatures is not None and article.id in signatures:
                    self._insert_signature(key, signatures[article.id])
            self._drop_vectors_without_passage(left)

    def put_details(self, article: Article) -> None:
        """Store what is known about an article whose id, title and text are stored as they are."""
        with self.transaction():
            key = self._key_of(article.id)
            if key is None:
                raise _not_found(article.id)
            self._update_article(key, article)

    def get(self, article_id: str) -> Article:
        """Raises ArticleNotFoundError; StoreDamagedError where it is not what was stored."""
        # Half a surrogate pair is in no id, and SQLite would not take it.
        wanted = article_id.encode(errors="replace").decode()
        row = self._row("SELECT * FROM articles WHERE id = ?", wanted)
        if row is None or wanted != article_id:
            raise _not_found(article_id)
        article = _article(row)
        if article is None:
            raise self._damaged(_not_as_stored(article_id))
        return article

    def summaries(self) -> list[Summary]:
        """Newest first, undated last."""
        with self._snapshot():
            rows = self._rows(f"{_SUMMARY} ORDER BY published IS NULL, published DESC, title, id")
            origins: dict[str, list[Origin]] = {}
            for row in self._rows(f"{_ORIGINS} ORDER BY place, entry"):
                origins.setdefault(row["article"], []).append(_origin(row))
        return [_summary(row, origins.get(row["id"], ())) for row in rows]

    def summary(self, article_id: str) -> Summary:
        # Half a surrogate pair is in no id, and SQLite would not take it.
        wanted = article_id.encode(errors="replace").decode()
        with self._snapshot():
            row = self._row(f"{_SUMMARY} WHERE id = ?", wanted)
            origins = self._rows(f"{_ORIGINS} WHERE article = ? ORDER BY place, entry", wanted)
        if row is None or wanted != article_id:
            raise _not_found(article_id)
        return _summary(row, [_origin(origin) for origin in origins])

    def remove(self, article_ids: Sequence[str], **meta: str) -> int:
        """Remove these articles and set `meta`, in one transaction; `forget` removes their traces.

        Returns how many there were. Raises ArticleNotFoundError, before anything is removed.
        """
        known = self.digests(article_ids)
        for article_id in article_ids:
            if article_id not in known:
                raise _not_found(article_id)
        with self.transaction():
            for article_id in known:
                key = self._key_of(article_id)
                if key is not None:
                    left = self._drop_passages(key)
                    self._drop_signature(key)
                    self._db.execute("DELETE FROM labels WHERE article = ?", (key,))
                    self._db.execute("DELETE FROM articles WHERE key = ?", (key,))
                    self._note_change()
                    self._drop_vectors_without_passage(left)
                self._forget_origins(article_id)
            self.set_meta(**meta)
        return len(known)

    def forget(self) -> None:
        """Remove the last traces of what was removed or replaced: FTS5 keeps words until its
        segments are merged, and the write-ahead log keeps pages until it is folded in."""
        if self.meta("forgetting"):
            with self.transaction():
                self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
                self._db.execute("DELETE FROM meta WHERE key = 'forgetting'")
        self.checkpoint()

    def statistics(self) -> Statistics:
        with self._snapshot():
            row = self._row(
                """SELECT count(*) AS articles, min(published) AS oldest, max(published) AS newest,
                          total(published IS NULL) AS undated,
                          (SELECT count(*) FROM passages) AS passages,
                          (SELECT model FROM vectors LIMIT 1) AS model
                   FROM articles"""
            )
            sources = self._rows(
                "SELECT source, count(*) AS n FROM articles GROUP BY source ORDER BY n DESC, source"
            )
            content = self.meta("content")
        assert row is not None  # noqa: S101 -- an aggregate always has a row
        model = row["model"] or ""
        return Statistics(
            articles=row["articles"],
            passages=row["passages"],
            oldest=_date(row["oldest"]),
            newest=_date(row["newest"]),
            undated=int(row["undated"]),
            sources=tuple((source["source"], source["n"]) for source in sources),
            embedding_model=model.rpartition("@")[0] or model,
            content=content,
        )

    # -- files ---------------------------------------------------------------------------------

    def source_files(
        self,
        under: str | None = None,
        digests: Iterable[str] = (),
        articles: Iterable[str] = (),
        addresses: Iterable[str] = (),
    ) -> list[SourceFile]:
        """The files that are `under` a folder or are it, or have one of these digests, articles or
        addresses; in the order in which they came."""
        with self._snapshot():
            keys: set[int] = set()
            if under is not None:
                stem = under.rstrip("/") + "/"
                rows = self._rows(
                    "SELECT key FROM files WHERE place = ? OR (place >= ? AND place < ?)",
                    *(under, stem, stem[:-1] + "0"),  # "0" is what comes after "/"
                )
                keys.update(row["key"] for row in rows)
            for column, values in (("digest", digests), ("address", addresses)):
                given = [value for value in values if value]
                rows = self._rows_in(f"SELECT key FROM files WHERE {column} IN", given)  # noqa: S608
                keys.update(row["key"] for row in rows)
            rows = self._rows_in("SELECT file AS key FROM origins WHERE article IN", articles)
            keys.update(row["key"] for row in rows)
            wanted = json.dumps(sorted(keys))
            files = self._rows(
                "SELECT * FROM files WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key",
                wanted,
            )
            origins: dict[int, list[Origin]] = {}
            for row in self._rows(
                f"{_ORIGINS} WHERE file IN (SELECT value FROM json_each(?)) ORDER BY file, entry",  # noqa: S608
                wanted,
            ):
                origins.setdefault(row["file"], []).append(_origin(row))
        return [_source_file(row, origins.get(row["key"], ())) for row in files]

    def begin_files(self, files: Sequence[SourceFile]) -> None:
        """Note what these files are about to give: a file whose reading is cut off has no digest,
        and the articles that may have been stored are known to be its."""
        with self.transaction():
            for file in files:
                key = self._file_key(file.place)
                if key is None:
                    key = self._put_file(SourceFile(file.place))
                self._db.execute("UPDATE files SET digest = '' WHERE key = ?", (key,))
                self._note_origins(key, file.origins)

    def settle_files(self, files: Sequence[SourceFile], forget: Sequence[str]) -> None:
        """These files have given what they say, and those at the places `forget` are no more, in
        one transaction.

        A file without a digest is one that will give more. An article whose source was the name of
        a file that is no longer its origin takes that of one that is.
        """
        with self.transaction():
            dropped: dict[str, set[str]] = {}
            for place in forget:
                key = self._file_key(place)
                if key is not None:
                    self._drop_origins(key, dropped)
                    self._db.execute("DELETE FROM files WHERE key = ?", (key,))
            for file in files:
                key = self._put_file(file)
                if file.digest:
                    self._drop_origins(key, dropped)
                self._note_origins(key, file.origins)
            for article_id, sources in dropped.items():
                self._name_source_anew(article_id, sources)

    def note_edits(self, article_id: str, **values: str) -> None:
        """What a person has set outlives the next reading of the article's file; lists as JSON."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO edits VALUES (?, ?, ?)",
                [(article_id, field, value) for field, value in values.items()],
            )

    def as_edited(self, articles: Sequence[Article]) -> list[Article]:
        """These articles, with what a person has set in them."""
        edits: dict[str, dict[str, Any]] = {}
        for row in self._rows_in(
            "SELECT article, field, value FROM edits WHERE article IN", (a.id for a in articles)
        ):
            value: Any = row["value"]
            if row["field"] == "published":
                value = _date(value or None)
            elif row["field"] in ("authors", "tags"):
                value = tuple(json.loads(value))
            edits.setdefault(row["article"], {})[row["field"]] = value
        return [replace(article, **edits.get(article.id, {})) for article in articles]

    # -- finding -------------------------------------------------------------------------------

    def article_keys(self, where: Filter) -> list[int] | None:
        """The keys of the articles that `where` admits; None where it admits all."""
        if where.empty:
            return None
        admitted: list[set[int]] = []
        if where.sources is not None:
            rows = [
                *self._rows_in("SELECT key FROM articles WHERE source IN", where.sources),
                *self._rows_in(f"{_KEYS_OF_ORIGINS} AND origins.source IN", where.sources),
                *self._rows_in(f"{_KEYS_OF_ORIGINS} AND files.place IN", where.sources),
            ]
            admitted.append({row["key"] for row in rows})
        if where.articles is not None:
            rows = self._rows_in("SELECT key FROM articles WHERE id IN", where.articles)
            admitted.append({row["key"] for row in rows})
        for kind, names in (("author", where.authors), ("tag", where.tags)):
            if names is not None:
                wanted = f"SELECT article AS key FROM labels WHERE kind = '{kind}' AND name IN"  # noqa: S608
                rows = self._rows_in(wanted, map(comparable, names))
                admitted.append({row["key"] for row in rows})
        if where.dated:
            rows = self._rows(
                "SELECT key FROM articles WHERE published BETWEEN ? AND ?",
                (where.after or date.min).isoformat(),
                (where.before or date.max).isoformat(),
            )
            admitted.append({row["key"] for row in rows})
        return sorted(set.intersection(*admitted))

    def near_words(self, word: str, k: int) -> list[str]:
        """At most `k` words of the articles, as written there, that are spelt nearly as `word`: the
        nearest first, of those the most frequent."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA
        from Stemmer import Stemmer

        plain = folded(word).lower()
        stem = str(Stemmer("porter").stemWord(plain))
        if len(stem) < _SHORTEST:
            return []
        cutoff = 2 if len(stem) >= _LONG else 1
        found: dict[str, tuple[int, int]] = {}
        with self._snapshot():
            terms = {
                row["term"]: row["doc"]
                for row in self._rows("SELECT term, doc FROM temp.vocabulary")
                if not row["term"].isdigit()
            }
            # The vocabulary has stems; an error in what was cut off makes them differ by more.
            near = process.extract(
                stem, list(terms), scorer=OSA.distance, score_cutoff=cutoff + 2, limit=None
            )
            near.sort(key=lambda pair: (pair[1], -terms[pair[0]]))
            for term, away, _ in near[:_NEAREST]:
                for form, count in self._as_written(term).items():
                    distance = min(away, OSA.distance(plain, folded(form).lower()))
                    # Hardly anyone errs in the first letter (Yannakoudakis and Fawthrop 1983).
                    if distance <= cutoff and _begin_alike(plain, folded(form).lower()):
                        found[form] = (distance, -count)
        return sorted(found, key=lambda form: (found[form], form))[:k]

    def _as_written(self, term: str) -> Counter[str]:
        """The forms in which a stem of the vocabulary stands in articles, and how often."""
        rows = self._rows(_WRITTEN, f'"{term}"')
        return Counter(form for row in rows for text in row for form in _MARKED.findall(text))

    def search(self, query: str, k: int, articles: Sequence[int] | None) -> list[int]:
        """The vectors of the `k` texts that match best by BM25, best first; `articles` are keys."""
        terms = _terms(query)
        if not terms:
            return []
        phrases = " OR ".join(f'"{term}"' for term in terms)
        rows = self._rows(_SEARCH, phrases, None if articles is None else json.dumps(articles), k)
        return [row["vector"] for row in rows]

    def passages_of(
        self, vectors: Sequence[int], articles: Sequence[int] | None
    ) -> dict[int, list[Passage]]:
        """The passages that share each of these vectors, the earliest published first, so that the
        order of adding does not matter; vectors without any are left out."""
        with self._snapshot():
            rows = self._rows(
                """SELECT * FROM passages WHERE vector IN (SELECT value FROM json_each(?1))
                   AND (?2 IS NULL OR article IN (SELECT value FROM json_each(?2)))
                   ORDER BY key""",
                json.dumps(vectors),
                None if articles is None else json.dumps(articles),
            )
            texts = self._articles_by_key({row["article"] for row in rows})
        found: dict[int, list[Passage]] = {}
        for row in rows:
            passage = _passage(row, texts[row["article"]])
            found.setdefault(row["vector"], []).append(passage)
        for passages in found.values():
            passages.sort(key=_told_first)
        return found

    # -- copies --------------------------------------------------------------------------------

    def without_signature(self, limit: int) -> list[tuple[int, str]]:
        """Keys and texts of articles that have no signature as they are made now."""
        rows = self._rows(
            """SELECT key, text FROM articles WHERE key NOT IN
               (SELECT article FROM signatures WHERE signing = ?) ORDER BY key LIMIT ?""",
            SIGNING,
            limit,
        )
        return [(row["key"], row["text"]) for row in rows]

    def sign(self, signatures: Iterable[tuple[int, Signature]]) -> None:
        """Note the signatures of these articles, by key."""
        with self.transaction():
            for key, signature in signatures:
                self._drop_signature(key)
                if self._db.execute("SELECT 1 FROM articles WHERE key = ?", (key,)).fetchone():
                    self._insert_signature(key, signature)

    def sharing_a_bucket(self, article_id: str) -> list[tuple[str, str]]:
        """Ids and texts of the articles that may be copies of this one."""
        rows = self._rows(
            """SELECT id, text FROM articles WHERE id <> ?1 AND key IN (
                 SELECT theirs.article FROM articles
                 JOIN buckets AS mine ON mine.article = articles.key
                 JOIN buckets AS theirs ON theirs.bucket = mine.bucket
                 WHERE articles.id = ?1) ORDER BY key""",
            article_id,
        )
        return [(row["id"], row["text"]) for row in rows]

    # -- vectors -------------------------------------------------------------------------------

    def embedded(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those of these digests that have a vector."""
        rows = self._rows_in("SELECT digest FROM vectors WHERE digest IN", digests)
        return {row["digest"] for row in rows}

    def vector_keys(self, articles: Sequence[int] | None = None) -> list[int]:
        """The keys of all vectors, or of those of these articles."""
        if articles is None:
            rows = self._rows("SELECT key FROM vectors ORDER BY key")
        else:
            rows = self._rows(
                """SELECT DISTINCT vector AS key FROM passages
                   WHERE article IN (SELECT value FROM json_each(?)) ORDER BY vector""",
                json.dumps(articles),
            )
        return [row["key"] for row in rows]

    def vectors(self, keys: Sequence[int]) -> list[StoredVector]:
        """These vectors; those that are gone are left out."""
        rows = self._rows(
            """SELECT key, embedding FROM vectors
               WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key""",
            json.dumps(keys),
        )
        return [StoredVector(row["key"], row["embedding"]) for row in rows]

    def vectors_mark(self) -> tuple[int, int]:
        """The largest key of a vector and their number. Keys are never used again, so where both
        are as they were, so are the keys."""
        row = self._row("SELECT max(key) AS largest, count(*) AS number FROM vectors")
        assert row is not None  # noqa: S101 -- an aggregate always has a row
        return int(row["largest"] or 0), int(row["number"])

    def pending(self, limit: int) -> list[int]:
        """Keys of vectors that are not known to be right in the vector store."""
        rows = self._rows("SELECT vector FROM pending ORDER BY vector LIMIT ?", limit)
        return [row["vector"] for row in rows]

    def settle(self, keys: Iterable[int]) -> None:
        """The vector store has taken or dropped these."""
        with self.transaction():
            self._db.executemany("DELETE FROM pending WHERE vector = ?", [(key,) for key in keys])

    def add_pending(self, keys: Iterable[int]) -> None:
        """These vectors have to be handed over again."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO pending VALUES (?)", [(key,) for key in keys]
            )

    def all_pending(self, **meta: str) -> None:
        """Every vector has to be handed over again; sets `meta` in the same transaction."""
        with self.transaction():
            self._db.execute("INSERT OR IGNORE INTO pending SELECT key FROM vectors")
            self.set_meta(**meta)

    def none_pending(self, **meta: str) -> None:
        """Another vector store has everything; sets `meta` in the same transaction."""
        with self.transaction():
            self._db.execute("DELETE FROM pending")
            self.set_meta(**meta)

    def count_other_models(self, model: str) -> int:
        """How many vectors another model has made."""
        row = self._row("SELECT count(*) AS n FROM vectors WHERE model <> ?", model)
        return 0 if row is None else int(row["n"])

    def of_other_models(
        self, model: str, limit: int
    ) -> list[tuple[int, bytes, str, date | None, str]]:
        """(key of the vector, digest of what was embedded, title, date, text) of passages that
        another model embedded."""
        with self._snapshot():
            rows = self._rows(
                """SELECT vectors.key, digest, min(passages.key), article, start, "end"
                   FROM vectors JOIN passages ON vector = vectors.key
                   WHERE model <> ? GROUP BY vectors.key ORDER BY vectors.key LIMIT ?""",
                model,
                limit,
            )
            texts = self._articles_by_key({row["article"] for row in rows})
        return [
            (
                row["key"],
                row["digest"],
                texts[row["article"]]["title"],
                _date(texts[row["article"]]["published"]),
                texts[row["article"]]["text"][row["start"] : row["end"]],
            )
            for row in rows
        ]

    def spans(self, article_id: str) -> list[tuple[int, int]]:
        """Start and end of the passages of this article, in their order."""
        rows = self._rows(
            """SELECT start, "end" FROM passages JOIN articles ON articles.key = article
               WHERE id = ? ORDER BY ordinal""",
            article_id,
        )
        return [(row["start"], row["end"]) for row in rows]

    def embedded_texts(self) -> Iterator[tuple[Article, list[tuple[int, int, bytes]]]]:
        """Every sound article, with (start, end, digest of what was embedded) of its passages."""
        for key in [row["key"] for row in self._rows("SELECT key FROM articles ORDER BY key")]:
            with self._snapshot():
                row = self._row("SELECT * FROM articles WHERE key = ?", key)
                passages = self._rows(
                    """SELECT start, "end", digest FROM passages
                       JOIN vectors ON vectors.key = vector WHERE article = ? ORDER BY ordinal""",
                    key,
                )
            article = None if row is None else _article(row)
            if article is not None:
                yield article, [(each["start"], each["end"], each["digest"]) for each in passages]

    def embed_again(self, vectors: Iterable[tuple[int, bytes]], model: str) -> None:
        """Replace these vectors by those of `model`."""
        with self.transaction():
            for key, embedding in vectors:
                self._db.execute(
                    "UPDATE vectors SET embedding = ?, model = ? WHERE key = ?",
                    (embedding, model, key),
                )
                self._db.execute("INSERT OR IGNORE INTO pending VALUES (?)", (key,))

    # -- the file itself -----------------------------------------------------------------------

    def meta(self, key: str) -> str:
        """A note about the file or its surroundings; "" where there is none."""
        row = self._row("SELECT value FROM meta WHERE key = ?", key)
        return "" if row is None else str(row["value"])

    def set_meta(self, **values: str) -> None:
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def rebuild_words(self, progress: Callable[[Progress], None] | None = None) -> None:
        """Build word search again from the articles: a new one is seen when it is complete."""
        keys = [row["key"] for row in self._rows("SELECT key FROM articles ORDER BY key")]
        with self.transaction():
            self._drop_words()
            self._db.execute(_WORDS)
            for done, key in enumerate(keys, start=1):
                article = self._db.execute(
                    "SELECT title, text FROM articles WHERE key = ?", (key,)
                ).fetchone()
                spans = self._db.execute(
                    'SELECT key, start, "end" FROM passages WHERE article = ?', (key,)
                ).fetchall()
                self._db.executemany(
                    "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
                    [
                        (
                            span["key"],
                            folded(article["title"]),
                            folded(article["text"][span["start"] : span["end"]]),
                        )
                        for span in spans
                    ],
                )
                if progress is not None:
                    progress(Progress(done, len(keys), "words"))
            self._db.execute("DELETE FROM meta WHERE key = 'forgetting'")
        self.checkpoint()

    def faults(self) -> list[Finding]:
        """What is wrong with the file, each with its remedy; empty when all is well.

        Reads everything: SQLite's own check, every article against its digest, every passage
        against its article and against the word search.
        """
        remedy = self._restore()
        found = [
            Finding("error", f"{self.file.name}: {row[0]}", remedy)
            for row in self._rows("PRAGMA integrity_check(10)")
            if row[0] != "ok" and "FTS5" not in row[0]  # newer releases look at words too
        ]
        try:
            with self._writing:
                self._db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            with self._reading:
                words_agree = self._counts_agree()
        except sqlite3.DatabaseError as error:
            if _code(error) in _SURROUNDINGS:
                raise self._plain(error) from error
            words_agree = False
        for key in [row["key"] for row in self._rows("SELECT key FROM articles ORDER BY key")]:
            row = self._row("SELECT * FROM articles WHERE key = ?", key)
            if row is not None and _article(row) is None:
                found.append(Finding("error", _not_as_stored(row["id"]), remedy))
            words_agree = words_agree and self._has_its_words(key)
        if not words_agree:
            message = "the word search does not agree with the articles"
            found.append(Finding("error", message, "run `dateline rebuild`"))
        return found

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file, so that nothing removed is left in it."""
        with self._writing, self._said_plainly():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        # The writer last: it folds the log in and removes it.
        with self._writing, self._reading:
            self._reader.close()
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction within one joins it."""
        with self._writing, self._said_plainly():
            if self._db.in_transaction:
                yield
                return
            if _place(self.file) != self._place:  # what is written would be nowhere
                raise self._damaged("it was removed or replaced while it was open")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite ends it by itself where the disk is full
                    self._db.execute("ROLLBACK")
                raise

    # -- below ---------------------------------------------------------------------------------

    def _recognise(self, database: Database) -> None:
        """Make an empty file ours, or find that it is; nothing is written before that is known."""
        if self._number("page_count") == 0:
            with self.transaction():
                database.make(self._db)
                self.set_meta(index=uuid.uuid4().hex)
            return
        if self._number("application_id") != APPLICATION_ID:
            raise StoreFormatError(
                f"{self.file} belongs to another program. Give another folder as the index."
            )
        version = self._number("user_version")
        if version > database.newest:
            raise StoreFormatError(
                f"{self.file} has format {version}, and this release reads up to "
                f"{database.newest}. Upgrade dateline, or give another folder as the index."
            )
        # Triggers and views would run with our own statements: whoever made the file could have
        # every question and article copied.
        if foreign := database.foreign(self._db):
            raise self._damaged(f"Dateline did not make {', '.join(foreign)} in it")
        for step, migrate in enumerate(database.formats[version:], start=version + 1):
            with self.transaction():
                migrate(self._db)
                self._db.execute(f"PRAGMA user_version = {step}")

    def _number(self, pragma: str) -> int:
        return int(self._db.execute(f"PRAGMA {pragma}").fetchone()[0])

    def _key_of(self, article_id: str) -> int | None:
        row = self._db.execute("SELECT key FROM articles WHERE id = ?", (article_id,)).fetchone()
        return None if row is None else int(row["key"])

    def _insert_article(self, article: Article) -> int:
        values = _values(article)
        cursor = self._db.execute(
            f"INSERT INTO articles ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
            list(values.values()),
        )
        key = int(cursor.lastrowid or 0)
        _insert_labels(self._db, key, {"author": article.authors, "tag": article.tags})
        self._note_change()
        return key

    def _update_article(self, key: int, article: Article) -> None:
        values = _values(article)
        self._db.execute(
            f"UPDATE articles SET {', '.join(f'{name} = ?' for name in values)} WHERE key = ?",  # noqa: S608
            [*values.values(), key],
        )
        self._db.execute("DELETE FROM labels WHERE article = ?", (key,))
        _insert_labels(self._db, key, {"author": article.authors, "tag": article.tags})
        self._note_change()

    def _note_change(self) -> None:
        """Give the articles as they are now a name of their own. It is drawn and not counted: a
        restored catalog must not come to a name that others had before it."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('content', ?)", (uuid.uuid4().hex,))

    def _file_key(self, place: str) -> int | None:
        row = self._db.execute("SELECT key FROM files WHERE place = ?", (place,)).fetchone()
        return None if row is None else int(row["key"])

    def _put_file(self, file: SourceFile) -> int:
        values = {
            "place": file.place,
            "size": file.size,
            "modified": file.modified,
            "digest": file.digest,
            "reading": file.reading,
            "skipped": json.dumps([[each.source, each.reason] for each in file.skipped]),
            "address": file.address,
            "etag": file.etag,
            "last_modified": file.last_modified,
            "inode": file.inode,
            "changed": file.changed,
        }
        changes = ", ".join(f"{name} = excluded.{name}" for name in values)
        self._db.execute(
            f"INSERT INTO files ({', '.join(values)}) VALUES ({', '.join('?' * len(values))}) "  # noqa: S608
            f"ON CONFLICT (place) DO UPDATE SET {changes}",
            list(values.values()),
        )
        key = self._file_key(file.place)
        assert key is not None  # noqa: S101 -- it was written a line above
        return key

    def _note_origins(self, file_key: int, origins: Sequence[Origin]) -> None:
        """Add these to the file's; what it had before at the same entry stays until it is dropped."""
        known = {
            (row["entry"], row["article"])
            for row in self._db.execute(
                "SELECT entry, article FROM origins WHERE file = ?", (file_key,)
            )
        }
        entries = {entry for entry, _ in known}
        self._db.executemany(
            "INSERT OR REPLACE INTO origins VALUES (?, ?, ?, ?, ?)",
            [
                (
                    file_key,
                    o.entry
                    if o.entry not in entries or (o.entry, o.article_id) in known
                    else f"{o.entry}\n{o.article_id}",
                    o.article_id,
                    o.source,
                    o.gone,
                )
                for o in origins
            ],
        )

    def _drop_origins(self, file_key: int, dropped: dict[str, set[str]]) -> None:
        """Drop a file's origins and add their sources to `dropped`, by article."""
        for row in self._db.execute(
            "SELECT article, source FROM origins WHERE file = ?", (file_key,)
        ):
            dropped.setdefault(row["article"], set()).add(row["source"])
        self._db.execute("DELETE FROM origins WHERE file = ?", (file_key,))

    def _forget_origins(self, article_id: str) -> None:
        """The article was removed: its files, where they are seen again, are read again."""
        self._db.execute("DELETE FROM edits WHERE article = ?", (article_id,))
        files = self._db.execute(
            "SELECT DISTINCT file FROM origins WHERE article = ?", (article_id,)
        ).fetchall()
        self._db.execute("DELETE FROM origins WHERE article = ?", (article_id,))
        for row in files:
            self._db.execute("UPDATE files SET digest = '' WHERE key = ?", (row["file"],))
            self._db.execute(
                """DELETE FROM files WHERE key = ?1
                   AND NOT EXISTS (SELECT 1 FROM origins WHERE file = ?1)""",
                (row["file"],),
            )

    def _name_source_anew(self, article_id: str, dropped: set[str]) -> None:
        rows = self._db.execute(
            "SELECT source FROM origins WHERE article = ? AND gone = 0 ORDER BY file, entry",
            (article_id,),
        ).fetchall()
        sources = [row["source"] for row in rows]
        row = self._db.execute("SELECT * FROM articles WHERE id = ?", (article_id,)).fetchone()
        if not sources or row is None or row["source"] in sources or row["source"] not in dropped:
            return
        article = _article(row)
        if article is not None:
            self._update_article(row["key"], replace(article, source=sources[0]))

    def _insert_passage(
        self, article_key: int, ordinal: int, article: Article, passage: NewPassage, model: str
    ) -> None:
        row = self._db.execute(
            "SELECT key FROM vectors WHERE digest = ?", (passage.digest,)
        ).fetchone()
        vector = self._insert_vector(passage, model) if row is None else row["key"]
        cursor = self._db.execute(
            "INSERT INTO passages VALUES (NULL, ?, ?, ?, ?, ?)",
            (article_key, ordinal, passage.start, passage.end, vector),
        )
        self._db.execute(
            "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
            (
                cursor.lastrowid,
                folded(article.title),
                folded(article.text[passage.start : passage.end]),
            ),
        )

    def _insert_vector(self, passage: NewPassage, model: str) -> int:
        cursor = self._db.execute(
            "INSERT INTO vectors VALUES (NULL, ?, ?, ?)", (passage.digest, passage.embedding, model)
        )
        key = int(cursor.lastrowid or 0)
        self._db.execute("INSERT OR IGNORE INTO pending VALUES (?)", (key,))
        return key

    def _insert_signature(self, article_key: int, signature: Signature) -> None:
        self._db.execute(
            "INSERT INTO signatures VALUES (?, ?, ?)", (article_key, signature.minhash, SIGNING)
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO buckets VALUES (?, ?)",
            [(bucket, article_key) for bucket in signature.buckets],
        )

    def _drop_signature(self, article_key: int) -> None:
        self._db.execute("DELETE FROM signatures WHERE article = ?", (article_key,))
        self._db.execute("DELETE FROM buckets WHERE article = ?", (article_key,))

    def _drop_words(self) -> None:
        try:
            self._db.execute("DROP TABLE IF EXISTS words")
        except sqlite3.DatabaseError:
            # FTS5 does not even load it: take it out of the schema by hand, then its parts.
            self._db.execute("PRAGMA writable_schema = ON")
            self._db.execute("DELETE FROM sqlite_master WHERE name = 'words'")
            self._db.execute("PRAGMA writable_schema = RESET")
            for part in ("data", "idx", "content", "docsize", "config"):
                self._db.execute(f"DROP TABLE IF EXISTS words_{part}")

    def _drop_passages(self, article_key: int) -> list[int]:
        """Drop an article's passages and their words; returns the vectors they had."""
        rows = self._db.execute(
            "SELECT key, vector FROM passages WHERE article = ?", (article_key,)
        ).fetchall()
        self._db.executemany("DELETE FROM words WHERE rowid = ?", [(row["key"],) for row in rows])
        self._db.execute("DELETE FROM passages WHERE article = ?", (article_key,))
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('forgetting', 'words')")
        return [row["vector"] for row in rows]

    def _drop_vectors_without_passage(self, keys: Sequence[int]) -> None:
        unused = """(SELECT key FROM vectors WHERE key IN (SELECT value FROM json_each(?))
                     AND NOT EXISTS (SELECT 1 FROM passages WHERE vector = vectors.key))"""
        wanted = (json.dumps(keys),)
        self._db.execute(f"INSERT OR IGNORE INTO pending SELECT key FROM {unused}", wanted)  # noqa: S608
        self._db.execute(f"DELETE FROM vectors WHERE key IN {unused}", wanted)  # noqa: S608

    def _articles_by_key(self, keys: Iterable[int]) -> dict[int, sqlite3.Row]:
        rows = self._rows(
            "SELECT * FROM articles WHERE key IN (SELECT value FROM json_each(?))",
            json.dumps(sorted(keys)),
        )
        return {row["key"]: row for row in rows}

    def _counts_agree(self) -> bool:
        counts = self._reader.execute(
            "SELECT (SELECT count(*) FROM passages) = (SELECT count(*) FROM words)"
        )
        return bool(counts.fetchone()[0])

    def _has_its_words(self, key: int) -> bool:
        """True where the word search has the passages of this article, and exactly those."""
        with self._snapshot():
            article = self._row("SELECT title, text FROM articles WHERE key = ?", key)
            rows = self._rows(
                """SELECT start, "end", words.title, words.text FROM passages
                   LEFT JOIN words ON words.rowid = passages.key WHERE article = ?""",
                key,
            )
        return (
            article is None
            or all(  # removed in the meantime
                (row["title"], row["text"])
                == (folded(article["title"]), folded(article["text"][row["start"] : row["end"]]))
                for row in rows
            )
        )

    def _rows_in(self, statement: str, values: Iterable[Any]) -> list[sqlite3.Row]:
        """The rows of `statement`, which ends in IN, for any number of values.

        Not by json_each: it ends a string at its first NUL, and another article may have that id.
        """
        distinct = list(dict.fromkeys(values))
        rows: list[sqlite3.Row] = []
        with self._snapshot():
            for first in range(0, len(distinct), _CHUNK):
                chunk = distinct[first : first + _CHUNK]
                rows += self._rows(f"{statement} ({', '.join('?' * len(chunk))})", *chunk)
        return rows

    def _rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._reading, self._said_plainly():
            return self._reader.execute(statement, values).fetchall()

    def _row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        rows = self._rows(statement, *values)
        return rows[0] if rows else None

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment."""
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
    def _said_plainly(self) -> Iterator[None]:
        """SQLite's errors as ours, with what to do."""
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
                f"the word search in {self.file} is damaged. Run `dateline rebuild`: it is made "
                "again from the articles."
            )
        # Text that is no UTF-8 has no code.
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode" in str(error):
            return self._damaged(str(error))
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return StoreError(
                f"{self.file} cannot be written ({error}). Make its folder writable, or give "
                "another."
            )
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return StoreError(
                f"{self.file} could not be written ({error}). Free some space and run the command "
                "again; what was added before is kept."
            )
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreBusyError(
                f"another program is writing to {self.file}. Let it finish, and try again."
            )
        return StoreError(f"{self.file}: {error}. Run `dateline doctor`.")

    def _damaged(self, reason: str) -> StoreDamagedError:
        return StoreDamagedError(f"{self.file} is damaged ({reason}). {self._restore()}")

    def _restore(self) -> str:
        return how_to_restore(self._newest_backup())


def how_to_restore(backup: Path | None) -> str:
    """What to do where the articles' file is damaged."""
    if backup is None:
        return "There is no backup: move the folder away and add the articles again."
    return f"The newest backup is {backup}: `dateline restore {backup}` brings it back."


def digest(article: Article) -> str:
    """SHA-256 of everything that is stored of an article; without tags, as before there were any."""
    parts: tuple[object, ...] = (
        article.title,
        article.text,
        article.source,
        article.url,
        "" if article.published is None else article.published.isoformat(),
        list(article.authors),
        article.language,
        list(article.pages),
        *([list(article.tags)] if article.tags else []),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _connect(file: Path) -> sqlite3.Connection:
    connection = open_own(file)
    connection.row_factory = sqlite3.Row
    return connection


def _place(file: Path) -> tuple[int, int] | None:
    """Which file lies there, whatever is in it."""
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


def _not_as_stored(article_id: str) -> str:
    return f"the article {article_id!r} is not as it was stored"


def _not_found(article_id: str) -> ArticleNotFoundError:
    return ArticleNotFoundError(
        f"no article has the id {article_id!r}. `dateline list` shows the ids there are."
    )


def _terms(query: str) -> list[str]:
    """The words to search for: all but the commonest, or all where nothing else is left."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(folded(query))))
    return ([word for word in words if word not in _COMMON] or words)[:_TERMS]


def _begin_alike(one: str, other: str) -> bool:
    """Whether two words have the same first letter, but for one left out, added or changed round."""
    return bool(one and other) and (one[0] in other[:2] or other[0] in one[:2])


def _date(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _values(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        # Not length() in SQL: that ends at the first NUL.
        "characters": len(article.text),
        "source": article.source,
        "url": article.url,
        "published": None if article.published is None else article.published.isoformat(),
        "authors": json.dumps(article.authors),
        "language": article.language,
        "pages": json.dumps(article.pages),
        "tags": json.dumps(article.tags),
        "digest": digest(article),
    }


def _article(row: sqlite3.Row) -> Article | None:
    """The article of the row; None where it is not what was stored."""
    try:
        article = Article(
            id=row["id"],
            title=row["title"],
            text=row["text"],
            source=row["source"],
            url=row["url"],
            published=_date(row["published"]),
            authors=tuple(json.loads(row["authors"])),
            language=row["language"],
            pages=tuple(json.loads(row["pages"])),
            tags=tuple(json.loads(row["tags"])),
        )
        return article if digest(article) == row["digest"] else None
    except (ValueError, TypeError):
        return None


_SUMMARY = """
SELECT key, id, title, source, url, published, authors, tags, language, characters,
       (SELECT count(*) FROM passages WHERE article = articles.key) AS passages
FROM articles"""


_ORIGINS = """
SELECT file, place, entry, article, source, gone FROM origins JOIN files ON files.key = file"""
_KEYS_OF_ORIGINS = """
SELECT articles.key AS key FROM origins JOIN files ON files.key = origins.file
JOIN articles ON articles.id = origins.article WHERE gone = 0"""


def _origin(row: sqlite3.Row) -> Origin:
    return Origin(row["place"], row["article"], row["source"], row["entry"], bool(row["gone"]))


def _source_file(row: sqlite3.Row, origins: Sequence[Origin]) -> SourceFile:
    return SourceFile(
        place=row["place"],
        size=row["size"],
        modified=row["modified"],
        digest=row["digest"],
        reading=row["reading"],
        origins=tuple(origins),
        skipped=tuple(Skipped(*each) for each in json.loads(row["skipped"])),
        address=row["address"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        inode=row["inode"],
        changed=row["changed"],
    )


def _summary(row: sqlite3.Row, origins: Sequence[Origin]) -> Summary:
    return Summary(
        id=row["id"],
        title=row["title"],
        source=row["source"],
        url=row["url"],
        published=_date(row["published"]),
        authors=tuple(json.loads(row["authors"])),
        language=row["language"],
        characters=row["characters"],
        passages=row["passages"],
        origins=tuple(origins),
        added=row["key"],
        tags=tuple(json.loads(row["tags"])),
    )


def _told_first(passage: Passage) -> tuple[bool, str, str, int]:
    """Sorts passages by date, undated ones last, then by article."""
    day = passage.published
    return (day is None, "" if day is None else day.isoformat(), passage.article_id, passage.start)


def _passage(row: sqlite3.Row, article: sqlite3.Row) -> Passage:
    pages: list[int] = json.loads(article["pages"])
    return Passage(
        id=f"{article['id']}#{row['ordinal']}",
        article_id=article["id"],
        start=row["start"],
        end=row["end"],
        text=article["text"][row["start"] : row["end"]],
        title=article["title"],
        source=article["source"],
        url=article["url"],
        published=_date(article["published"]),
        page=sum(begin <= row["start"] for begin in pages) or None,
    )


# Words that say nothing about what is looked for. Question words are among them.
_COMMON = frozenset(
    _WORD.findall("""
    a about above after again all also am an and any are as at be because been before being
    between both but by can could did do does doing during each for from further had has have
    having he her here hers him his how i if in into is it its itself just me more most my no
    nor not now of on once only or other our out over own s same she should so some such t
    than that the their them then there these they this those through to too under until up us
    very was we were what when where which while who whom whose why will with would you your
    """)
)
