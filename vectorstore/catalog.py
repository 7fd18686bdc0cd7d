"""The truth, in one SQLite file: articles verbatim, passages, embeddings, and word search (FTS5).

What is committed here is kept: the file is in WAL mode with full synchronisation, and an article
with its passages, embeddings and search words is one transaction. `pending` lists the passages
whose vectors the vector store has yet to take or drop; it is written by the same transaction, so
the vectors can always be brought up to date from here, without embedding again.

It knows neither embedding models nor Chroma: vectors are bytes to it, a model is a name.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import stat
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from vectorstore.articles import Article, Filter, Passage, Statistics, Summary
from vectorstore.errors import ArticleNotFoundError, StoreDamagedError, StoreError, StoreFormatError

FORMAT = 1
_APPLICATION_ID = 0x44544C4E  # "DTLN", so that another program's file is not taken for ours

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
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
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    article INTEGER NOT NULL REFERENCES articles (key),
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    model TEXT NOT NULL,
    UNIQUE (article, ordinal)
);
CREATE INDEX passages_by_model ON passages (model);
CREATE VIRTUAL TABLE words USING fts5 (
    title, text, tokenize = "porter unicode61 remove_diacritics 2"
);
CREATE TABLE pending (passage INTEGER PRIMARY KEY);
"""

# bm25() weights: a word of the title counts half as much as one of the passage, which it repeats
# for every passage of the article.
_RANK = "bm25(words, 0.5, 1.0)"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage to be stored: offsets into its article, and its vector as float32 bytes."""

    start: int
    end: int
    embedding: bytes


@dataclass(frozen=True, slots=True)
class StoredVector:
    """What the vector store needs to know of a passage."""

    key: int
    article: int
    embedding: bytes
    source: str
    published: date | None


class Catalog:
    """The SQLite file. One connection, used by one thread at a time: every call takes its turn."""

    def __init__(self, file: Path) -> None:
        """Open or make the file. Raises StoreFormatError where it is not ours or too new,
        StoreDamagedError where SQLite finds it broken, StoreError where it cannot be written."""
        self.file = file
        self._turn = threading.RLock()
        new = not file.exists() or file.stat().st_size == 0
        if new:
            file.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        try:
            self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"{file} cannot be opened: {error}") from error
        try:
            with self._said_plainly():
                if new:
                    self._make()
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.execute("PRAGMA secure_delete = ON")
                self._db.execute("PRAGMA foreign_keys = ON")
                self._recognise()
        except BaseException:
            self._db.close()
            raise

    # -- articles ------------------------------------------------------------------------------

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """The content digest of each of these articles that is stored."""
        rows = self._rows(
            "SELECT id, digest FROM articles WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(ids)),
        )
        return {row["id"]: row["digest"] for row in rows}

    def put(self, entries: Sequence[tuple[Article, Sequence[NewPassage]]], model: str) -> None:
        """Store these articles, replacing those of the same id, in one transaction."""
        with self.transaction():
            for article, passages in entries:
                self._drop([article.id])
                key = self._insert_article(article)
                for ordinal, passage in enumerate(passages):
                    self._insert_passage(key, ordinal, article, passage, model)

    def get(self, article_id: str) -> Article:
        row = self._row("SELECT * FROM articles WHERE id = ?", article_id)
        if row is None:
            raise _not_found(article_id)
        return _article(row)

    def summaries(self) -> list[Summary]:
        rows = self._rows(
            """SELECT articles.*, length(text) AS characters,
                      (SELECT count(*) FROM passages WHERE article = articles.key) AS passages
               FROM articles ORDER BY published IS NULL, published DESC, title, id"""
        )
        return [_summary(row) for row in rows]

    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove these articles and every trace of their words. Raises ArticleNotFoundError."""
        known = self.digests(article_ids)
        for article_id in article_ids:
            if article_id not in known:
                raise _not_found(article_id)
        with self.transaction():
            self._drop(list(known))
            # FTS5 only marks words as deleted until segments are merged: merge them now.
            self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
        self.checkpoint()
        return len(known)

    def statistics(self) -> Statistics:
        row = self._row(
            """SELECT count(*) AS articles, min(published) AS oldest, max(published) AS newest,
                      sum(published IS NULL) AS undated,
                      (SELECT count(*) FROM passages) AS passages FROM articles"""
        )
        sources = self._rows(
            "SELECT source, count(*) AS n FROM articles GROUP BY source ORDER BY n DESC, source"
        )
        assert row is not None  # noqa: S101 -- an aggregate always has a row
        return Statistics(
            articles=row["articles"],
            passages=row["passages"],
            oldest=_date(row["oldest"]),
            newest=_date(row["newest"]),
            undated=row["undated"] or 0,
            sources=tuple((source["source"], source["n"]) for source in sources),
            embedding_model=self.meta("model_name") or "",
        )

    # -- passages ------------------------------------------------------------------------------

    def passages(self, keys: Sequence[int]) -> dict[int, Passage]:
        """These passages by key; those that are gone are left out."""
        rows = self._rows(
            """SELECT passages.key, ordinal, start, "end", words.text, articles.id,
                      articles.title, source, url, published, pages
               FROM passages JOIN articles ON articles.key = article
                             JOIN words ON words.rowid = passages.key
               WHERE passages.key IN (SELECT value FROM json_each(?))""",
            json.dumps(list(keys)),
        )
        return {row["key"]: _passage(row) for row in rows}

    def search(self, query: str, k: int, where: Filter) -> list[int]:
        """The keys of the `k` passages that match best by BM25, best first."""
        terms = _terms(query)
        if not terms:
            return []
        condition, values = _condition(where)
        rows = self._rows(
            f"""SELECT words.rowid AS key FROM words
                JOIN passages ON passages.key = words.rowid
                JOIN articles ON articles.key = article
                WHERE words MATCH ?{condition} ORDER BY {_RANK}, words.rowid LIMIT ?""",  # noqa: S608
            " OR ".join(f'"{term}"' for term in terms),
            *values,
            k,
        )
        return [row["key"] for row in rows]

    def holds_word(self, word: str) -> bool:
        """True where some passage or title holds `word` (or another form of it)."""
        terms = _WORD.findall(word)
        if not terms:
            return True
        phrase = '"' + " ".join(terms) + '"'
        return self._row("SELECT 1 FROM words WHERE words MATCH ? LIMIT 1", phrase) is not None

    # -- vectors -------------------------------------------------------------------------------

    def pending(self, limit: int) -> list[int]:
        """Keys of passages whose vectors are not known to be right in the vector store."""
        rows = self._rows("SELECT passage FROM pending ORDER BY passage LIMIT ?", limit)
        return [row["passage"] for row in rows]

    def settle(self, keys: Sequence[int]) -> None:
        """The vector store has taken or dropped these."""
        with self.transaction():
            self._db.executemany("DELETE FROM pending WHERE passage = ?", [(key,) for key in keys])

    def add_pending(self, keys: Sequence[int]) -> None:
        """These vectors have to be handed over again."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO pending VALUES (?)", [(key,) for key in keys]
            )

    def all_pending(self) -> None:
        """Every vector has to be handed over again."""
        with self.transaction():
            self._db.execute("INSERT OR IGNORE INTO pending SELECT key FROM passages")

    def vectors(self, keys: Sequence[int]) -> list[StoredVector]:
        """The vectors of these passages; those that are gone are left out."""
        rows = self._rows(
            """SELECT passages.key, article, embedding, source, published
               FROM passages JOIN articles ON articles.key = article
               WHERE passages.key IN (SELECT value FROM json_each(?))""",
            json.dumps(list(keys)),
        )
        return [
            StoredVector(
                row["key"],
                row["article"],
                row["embedding"],
                row["source"],
                _date(row["published"]),
            )
            for row in rows
        ]

    def passage_keys(self) -> list[int]:
        return [row["key"] for row in self._rows("SELECT key FROM passages ORDER BY key")]

    def article_keys(self, ids: Sequence[str]) -> list[int]:
        rows = self._rows(
            "SELECT key FROM articles WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(ids)),
        )
        return [row["key"] for row in rows]

    def of_other_models(self, model: str, limit: int) -> list[tuple[int, str, str]]:
        """(key, title, text) of passages that another model embedded."""
        rows = self._rows(
            """SELECT passages.key, words.title, words.text FROM passages
               JOIN words ON words.rowid = passages.key
               WHERE model <> ? ORDER BY passages.key LIMIT ?""",
            model,
            limit,
        )
        return [(row["key"], row["title"], row["text"]) for row in rows]

    def count_other_models(self, model: str) -> int:
        row = self._row("SELECT count(*) AS n FROM passages WHERE model <> ?", model)
        return 0 if row is None else int(row["n"])

    def embed_again(self, vectors: Iterable[tuple[int, bytes]], model: str) -> None:
        """Replace the vectors of these passages by those of `model`."""
        with self.transaction():
            for key, embedding in vectors:
                self._db.execute(
                    "UPDATE passages SET embedding = ?, model = ? WHERE key = ?",
                    (embedding, model, key),
                )
                self._db.execute("INSERT OR IGNORE INTO pending VALUES (?)", (key,))

    # -- the file itself -----------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self._row("SELECT value FROM meta WHERE key = ?", key)
        return None if row is None else str(row["value"])

    def set_meta(self, **values: str) -> None:
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def rebuild_words(self) -> None:
        """Build word search again from the articles."""
        with self.transaction():
            self._db.execute("DELETE FROM words")
            rows = self._db.execute(
                """SELECT passages.key, title, text, start, "end" FROM passages
                   JOIN articles ON articles.key = article ORDER BY article"""
            )
            for key, title, text, start, end in rows.fetchall():
                self._db.execute(
                    "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
                    (key, title, text[start:end]),
                )

    def faults(self) -> list[str]:
        """What SQLite and a comparison of passages with words find wrong; empty when all is well."""
        found = [row[0] for row in self._rows("PRAGMA quick_check") if row[0] != "ok"]
        with self._turn:
            try:
                self._db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            except sqlite3.DatabaseError:
                found.append("the word index does not agree with itself")
        missing = self._row(
            """SELECT (SELECT count(*) FROM passages) AS a, (SELECT count(*) FROM words) AS b,
                      (SELECT count(*) FROM passages JOIN words ON words.rowid = passages.key) AS c"""
        )
        if missing is not None and not missing["a"] == missing["b"] == missing["c"]:
            found.append(f"{missing['a']} passages, but {missing['b']} in the word index")
        return found

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file, so that nothing removed is left in it."""
        with self._turn, self._said_plainly():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def backup(self, target: Path) -> None:
        """A consistent copy, also while the index is in use."""
        target.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        copy = sqlite3.connect(target)
        try:
            with self._turn:
                self._db.backup(copy)
        finally:
            copy.close()

    def close(self) -> None:
        with self._turn:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction within one joins it."""
        with self._turn, self._said_plainly():
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # -- below ---------------------------------------------------------------------------------

    def _make(self) -> None:
        self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self._db.execute(f"PRAGMA user_version = {FORMAT}")
        with self.transaction():
            for statement in _SCHEMA.split(";\n"):
                self._db.execute(statement)
            self.set_meta(index=uuid.uuid4().hex)

    def _recognise(self) -> None:
        self._db.row_factory = sqlite3.Row
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if application != _APPLICATION_ID:
            raise StoreFormatError(
                f"{self.file} belongs to another program. Give another folder as the index."
            )
        if version > FORMAT:
            raise StoreFormatError(
                f"{self.file} has format {version}, and this release reads up to {FORMAT}. "
                "Upgrade dateline, or give another folder as the index."
            )

    def _drop(self, ids: Sequence[str]) -> None:
        wanted = json.dumps(list(ids))
        of_them = """(SELECT key FROM passages WHERE article IN (SELECT key FROM articles
                      WHERE id IN (SELECT value FROM json_each(?))))"""
        self._db.execute(f"INSERT OR IGNORE INTO pending SELECT * FROM {of_them}", (wanted,))  # noqa: S608
        self._db.execute(f"DELETE FROM words WHERE rowid IN {of_them}", (wanted,))  # noqa: S608
        self._db.execute(f"DELETE FROM passages WHERE key IN {of_them}", (wanted,))  # noqa: S608
        self._db.execute(
            "DELETE FROM articles WHERE id IN (SELECT value FROM json_each(?))", (wanted,)
        )

    def _insert_article(self, article: Article) -> int:
        cursor = self._db.execute(
            "INSERT INTO articles VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                article.id,
                article.title,
                article.text,
                article.source,
                article.url,
                None if article.published is None else article.published.isoformat(),
                json.dumps(article.authors),
                article.language,
                json.dumps(article.pages),
                digest(article),
            ),
        )
        return int(cursor.lastrowid or 0)

    def _insert_passage(
        self, article_key: int, ordinal: int, article: Article, passage: NewPassage, model: str
    ) -> None:
        cursor = self._db.execute(
            "INSERT INTO passages VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (article_key, ordinal, passage.start, passage.end, passage.embedding, model),
        )
        self._db.execute(
            "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
            (cursor.lastrowid, article.title, article.text[passage.start : passage.end]),
        )
        self._db.execute("INSERT OR IGNORE INTO pending VALUES (?)", (cursor.lastrowid,))

    def _rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._turn, self._said_plainly():
            return self._db.execute(statement, values).fetchall()

    def _row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        rows = self._rows(statement, *values)
        return rows[0] if rows else None

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        """SQLite's errors as ours, with what to do."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            if "closed" in str(error):
                raise StoreError("the index has been closed; open it again.") from error
            raise
        except sqlite3.OperationalError as error:
            raise StoreError(_advice(self.file, error)) from error
        except sqlite3.DatabaseError as error:
            raise StoreDamagedError(
                f"{self.file} is damaged ({error}). Restore it from a backup, or move the folder "
                "away and add the articles again."
            ) from error


def digest(article: Article) -> str:
    """SHA-256 of everything that is stored of an article."""
    parts = (
        article.title,
        article.text,
        article.source,
        article.url,
        "" if article.published is None else article.published.isoformat(),
        list(article.authors),
        article.language,
        list(article.pages),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _advice(file: Path, error: sqlite3.OperationalError) -> str:
    reason = str(error)
    if "readonly" in reason or "unable to open" in reason:
        return f"{file} cannot be written ({reason}). Make its folder writable, or give another."
    if "full" in reason or "disk I/O" in reason:
        return (
            f"{file} could not be written ({reason}). Free some space and run the command again; "
            "what was added before is kept."
        )
    return f"{file}: {reason}."


def _not_found(article_id: str) -> ArticleNotFoundError:
    return ArticleNotFoundError(
        f"no article has the id {article_id!r}. `dateline list` shows the ids there are."
    )


def _terms(query: str) -> list[str]:
    """The words to search for: all but the commonest, or all where nothing else is left."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(query)))
    return [word for word in words if word not in _COMMON] or words


def _condition(where: Filter) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    if where.sources is not None:
        parts.append("source IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(where.sources))
    if where.articles is not None:
        parts.append("articles.id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(where.articles))
    if where.after is not None:
        parts.append("published >= ?")
        values.append(where.after.isoformat())
    if where.before is not None:
        parts.append("published <= ?")
        values.append(where.before.isoformat())
    return "".join(f" AND {part}" for part in parts), values


def _date(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _article(row: sqlite3.Row) -> Article:
    return Article(
        id=row["id"],
        title=row["title"],
        text=row["text"],
        source=row["source"],
        url=row["url"],
        published=_date(row["published"]),
        authors=tuple(json.loads(row["authors"])),
        language=row["language"],
        pages=tuple(json.loads(row["pages"])),
    )


def _summary(row: sqlite3.Row) -> Summary:
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
    )


def _passage(row: sqlite3.Row) -> Passage:
    pages: list[int] = json.loads(row["pages"])
    return Passage(
        id=f"{row['id']}#{row['ordinal']}",
        article_id=row["id"],
        start=row["start"],
        end=row["end"],
        text=row["text"],
        title=row["title"],
        source=row["source"],
        url=row["url"],
        published=_date(row["published"]),
        page=sum(begin <= row["start"] for begin in pages) or None,
    )


# Words that say nothing about what is looked for. Question words are among them.
_COMMON = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "between",
        "both",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "during",
        "each",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "me",
        "more",
        "most",
        "my",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "out",
        "over",
        "own",
        "s",
        "same",
        "she",
        "should",
        "so",
        "some",
        "such",
        "t",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
