"""The source of truth: articles verbatim, passages, embeddings, labels, and the words searched.

What is committed here is kept: an article with its passages, embeddings and search words is stored
in one transaction. `pending` lists the vectors that the vector store has yet to add or drop; it is
written in the same transaction, so the vectors can always be brought up to date from here without
embedding again.

Passages that embed the same text (copies of an article, a notice under every article) share one
vector: many equal vectors would split an approximate index into unreachable parts.

Which files the articles came from, and their state when they were read, is kept here too.

It knows nothing of databases (`stores`), embedding models or Chroma: to it vectors are bytes, and a
model is a name.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from vectorstore.database import Step
from vectorstore.errors import ArticleNotFoundError
from vectorstore.folding import folded
from vectorstore.stores import Row, Store, Words
from vectorstore.stores.sqlite import MIGRATIONS, SQLiteStore

_SHORTEST = 3  # characters of the shortest stem for which others are suggested
_LONG = 8  # characters from which two may differ
_NEAREST = 24  # stems whose forms are examined
# Every further term costs time over the whole index, and a pasted page has hundreds.
_TERMS = 32
_FILTERS = 8  # filters whose articles are remembered until something changes

_WORD = re.compile(r"\w+")
_CHUNK = 500  # values per statement: every build of SQLite accepts that many
_PENDING = "INSERT INTO pending VALUES (?) ON CONFLICT DO NOTHING"
_OTHER = "(model < ? OR model > ?)"  # unlike <>, an index answers that at once


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage to be stored: offsets into its article, the digest of what is embedded for it, and
    the vector as float32 bytes, None if a vector with that digest is already stored."""

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
    """The rows of a store. May be used from several threads: reads do not wait for writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._remembering = threading.Lock()
        self._admitted: OrderedDict[Filter, tuple[str, list[int]]] = OrderedDict()
        self.name = store.name
        self.turn = store.turn
        self.transaction = store.transaction
        self.snapshot = store.snapshot
        self.identity = store.identity
        self.remedy = store.remedy

    # -- articles ------------------------------------------------------------------------------

    def digests(self, ids: Iterable[str]) -> dict[str, str]:
        """The content digests of those of these articles that are stored, by id."""
        rows = self._rows_in("SELECT id, digest FROM articles WHERE id IN", ids)
        return {row["id"]: row["digest"] for row in rows}

    def put(
        self,
        entries: Iterable[tuple[Article, Sequence[NewPassage]]],
        model: str,
        signatures: Mapping[str, Signature] | None = None,
    ) -> None:
        """Store these articles, replacing those with the same id, in one transaction; `signatures`
        are keyed by id, and an article may get its signature later."""
        left: list[int] = []  # dropped last: one article may take over the text of another
        found_by: list[Words] = []
        with self.transaction():
            for article, passages in entries:
                key = self._key_of(article.id)
                if key is None:
                    key = self._insert_article(article)
                else:
                    left += self._drop_passages(key)
                    self._update_article(key, article)
                for ordinal, passage in enumerate(passages):
                    found_by.append(self._insert_passage(key, ordinal, article, passage, model))
                self._drop_signature(key)
                if signatures is not None and article.id in signatures:
                    self._insert_signature(key, signatures[article.id])
            self._store.put_words(found_by)
            self._drop_vectors_without_passage(left)

    def put_details(self, article: Article) -> None:
        """Store the details of an article whose id, title and text are unchanged."""
        with self.transaction():
            key = self._key_of(article.id)
            if key is None:
                raise _not_found(article.id)
            self._update_article(key, article)

    def get(self, article_id: str) -> Article:
        """Raises ArticleNotFoundError; StoreDamagedError if it is not what was stored."""
        # No id contains half a surrogate pair, and SQLite would not accept it.
        wanted = article_id.encode(errors="replace").decode()
        row = self._row("SELECT * FROM articles WHERE id = ?", wanted)
        if row is None or wanted != article_id:
            raise _not_found(article_id)
        article = _article(row)
        if article is None:
            raise self._store.damaged(_not_as_stored(article_id))
        return article

    def summaries(self) -> list[Summary]:
        """Newest first, undated last."""
        with self.snapshot():
            rows = self._rows(f"{_SUMMARY} ORDER BY published IS NULL, published DESC, title, id")
            origins: dict[str, list[Origin]] = {}
            for row in self._rows(f"{_ORIGINS} ORDER BY place, entry"):
                origins.setdefault(row["article"], []).append(_origin(row))
        return [_summary(row, origins.get(row["id"], ())) for row in rows]

    def summary(self, article_id: str) -> Summary:
        # No id contains half a surrogate pair, and SQLite would not accept it.
        wanted = article_id.encode(errors="replace").decode()
        with self.snapshot():
            row = self._row(f"{_SUMMARY} WHERE id = ?", wanted)
            origins = self._rows(f"{_ORIGINS} WHERE article = ? ORDER BY place, entry", wanted)
        if row is None or wanted != article_id:
            raise _not_found(article_id)
        return _summary(row, [_origin(origin) for origin in origins])

    def remove(self, article_ids: Sequence[str], **meta: str) -> int:
        """Remove these articles and set `meta`, in one transaction; `forget` removes their traces.

        Returns how many there were. Raises ArticleNotFoundError before anything is removed.
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
                    self._store.execute("DELETE FROM labels WHERE article = ?", key)
                    self._store.execute("DELETE FROM articles WHERE key = ?", key)
                    self._note_change()
                    self._drop_vectors_without_passage(left)
                self._forget_origins(article_id)
            self.set_meta(**meta)
        return len(known)

    def forget(self) -> None:
        """Remove the last traces of what was removed or replaced."""
        self._store.forget()

    def statistics(self) -> Statistics:
        with self.snapshot():
            row = self._row(
                """SELECT count(*) AS articles, min(published) AS oldest, max(published) AS newest,
                          count(*) - count(published) AS undated,
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
            undated=row["undated"],
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
        """The files at or `under` a place, or with one of these digests, articles or addresses; in
        the order they were added."""
        with self.snapshot():
            keys: set[int] = set()
            if under is not None:
                stem = under.rstrip("/") + "/"
                rows = self._rows(
                    "SELECT key FROM files WHERE place = ? OR (place >= ? AND place < ?)",
                    *(under, stem, stem[:-1] + "0"),  # "0" is the character after "/"
                )
                keys.update(row["key"] for row in rows)
            for column, values in (("digest", digests), ("address", addresses)):
                given = [value for value in values if value]
                rows = self._rows_in(f"SELECT key FROM files WHERE {column} IN", given)  # noqa: S608
                keys.update(row["key"] for row in rows)
            of_articles = self._rows_in(
                "SELECT file AS key FROM origins WHERE article IN", articles
            )
            keys.update(row["key"] for row in of_articles)
            return self._files(sorted(keys))

    def all_files(self, at_once: int = _CHUNK) -> Iterator[list[SourceFile]]:
        """Every file, in batches, in the order they were added."""
        keys = [row["key"] for row in self._rows("SELECT key FROM files ORDER BY key")]
        for first in range(0, len(keys), at_once):
            yield self._files(keys[first : first + at_once])

    def _files(self, wanted: list[int]) -> list[SourceFile]:
        with self.snapshot():
            files = self._rows("SELECT * FROM files WHERE key IN (each ?) ORDER BY key", wanted)
            origins: dict[int, list[Origin]] = {}
            for row in self._rows(
                f"{_ORIGINS} WHERE file IN (each ?) ORDER BY file, entry", wanted
            ):
                origins.setdefault(row["file"], []).append(_origin(row))
        return [_source_file(row, origins.get(row["key"], ())) for row in files]

    def begin_files(self, files: Sequence[SourceFile]) -> None:
        """Record what these files are about to yield: a file whose reading is cut off has no
        digest, and the articles that may have been stored are known to be its own."""
        with self.transaction():
            for file in files:
                key = self._file_key(file.place)
                if key is None:
                    key = self._put_file(SourceFile(file.place))
                self._store.execute("UPDATE files SET digest = '' WHERE key = ?", key)
                self._note_origins(key, file.origins)

    def settle_files(self, files: Sequence[SourceFile], forget: Sequence[str]) -> None:
        """Record that these files have yielded their articles, and that those at the places
        `forget` are gone, in one transaction.

        A file without a digest has more to come. An article whose source was named after a file
        that is no longer its origin takes the name of one that is.
        """
        with self.transaction():
            dropped: dict[str, set[str]] = {}
            for place in forget:
                key = self._file_key(place)
                if key is not None:
                    self._drop_origins(key, dropped)
                    self._store.execute("DELETE FROM files WHERE key = ?", key)
            for file in files:
                key = self._put_file(file)
                if file.digest:
                    self._drop_origins(key, dropped)
                self._note_origins(key, file.origins)
            for article_id, sources in dropped.items():
                self._name_source_anew(article_id, sources)

    def note_edits(self, article_id: str, **values: str) -> None:
        """Record what a person has set, so that it survives the next reading of the article's file;
        lists as JSON."""
        with self.transaction():
            self._store.execute_many(
                "INSERT INTO edits VALUES (?, ?, ?) "
                "ON CONFLICT (article, field) DO UPDATE SET value = excluded.value",
                [(article_id, field, value) for field, value in values.items()],
            )

    def edits(self) -> list[tuple[str, str, str]]:
        """What people have set: (article, field, value), lists as JSON."""
        rows = self._rows("SELECT article, field, value FROM edits ORDER BY article, field")
        return [(row["article"], row["field"], row["value"]) for row in rows]

    def as_edited(self, articles: Sequence[Article]) -> list[Article]:
        """These articles, with the values that a person has set."""
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
        """The keys of the articles that `where` admits, sorted; None if it admits all. The caller
        must not modify the list."""
        if where.empty:
            return None
        if where.sources is not None:  # origins may change without any article changing
            return self._keys_of_admitted(where)
        content = self.meta("content")
        with self._remembering:
            known = self._admitted.get(where)
        if known is None or known[0] != content:
            known = (content, self._keys_of_admitted(where))
        with self._remembering:
            self._admitted[where] = known
            self._admitted.move_to_end(where)
            while len(self._admitted) > _FILTERS:
                self._admitted.popitem(last=False)
        return known[1]

    def _keys_of_admitted(self, where: Filter) -> list[int]:
        admitted: list[list[int]] = []

        def add(*found: Sequence[Row]) -> None:
            admitted.append([row["key"] for rows in found for row in rows])

        if where.sources is not None:
            add(
                self._rows_in("SELECT key FROM articles WHERE source IN", where.sources),
                self._rows_in(f"{_KEYS_OF_ORIGINS} AND origins.source IN", where.sources),
                self._rows_in(f"{_KEYS_OF_ORIGINS} AND files.place IN", where.sources),
            )
        if where.articles is not None:
            add(self._rows_in("SELECT key FROM articles WHERE id IN", where.articles))
        for kind, names in (("author", where.authors), ("tag", where.tags)):
            if names is not None:
                wanted = f"SELECT article AS key FROM labels WHERE kind = '{kind}' AND name IN"  # noqa: S608
                add(self._rows_in(wanted, map(comparable, names)))
        if where.dated:
            add(
                self._rows(
                    "SELECT key FROM articles WHERE published BETWEEN ? AND ?",
                    (where.after or date.min).isoformat(),
                    (where.before or date.max).isoformat(),
                )
            )
        return sorted(set.intersection(*map(set, admitted)))

    def near_words(self, word: str, k: int) -> list[str]:
        """At most `k` words from the articles, as written there, that are spelt almost like `word`:
        closest first, then most frequent."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA
        from Stemmer import Stemmer

        plain = folded(word).lower()
        stem = str(Stemmer("porter").stemWord(plain))
        if len(stem) < _SHORTEST:
            return []
        cutoff = 2 if len(stem) >= _LONG else 1
        found: dict[str, tuple[int, int]] = {}
        # The vocabulary has stems; an error in the part cut off makes them differ by more.
        away = cutoff + 2
        with self.snapshot():
            terms = {
                term: passages
                for term, passages in self._store.vocabulary(
                    len(stem) - away, len(stem) + away
                ).items()
                if not term.isdigit()
            }
            near = process.extract(
                stem, list(terms), scorer=OSA.distance, score_cutoff=away, limit=None
            )
            near.sort(key=lambda pair: (pair[1], -terms[pair[0]]))
            for term, apart, _ in near[:_NEAREST]:
                for form, count in self._store.as_written(term).items():
                    distance = min(apart, OSA.distance(plain, folded(form).lower()))
                    # Hardly anyone gets the first letter wrong (Yannakoudakis and Fawthrop 1983).
                    if distance <= cutoff and _begin_alike(plain, folded(form).lower()):
                        found[form] = (distance, -count)
        return sorted(found, key=lambda form: (found[form], form))[:k]

    def search(self, query: str, k: int, articles: Sequence[int] | None) -> list[int]:
        """The vectors of the `k` texts that match best by BM25, best first; `articles` are keys."""
        terms = _terms(query)
        if not terms or articles == []:
            return []
        return self._store.search_words(terms, k, articles)

    def passages_of(
        self, vectors: Sequence[int], articles: Sequence[int] | None
    ) -> dict[int, list[Passage]]:
        """The passages that share each of these vectors, earliest published first, so that the
        order of adding does not matter; vectors without any are left out. `articles` must be
        sorted."""
        with self.snapshot():
            rows = self._rows(
                "SELECT * FROM passages WHERE vector IN (each ?) ORDER BY key", list(vectors)
            )
            if articles is not None:
                rows = [row for row in rows if _is_in(articles, row["article"])]
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
        """Keys and texts of articles that lack a signature of the current kind."""
        rows = self._rows(
            """SELECT key, text FROM articles WHERE key NOT IN
               (SELECT article FROM signatures WHERE signing = ?) ORDER BY key LIMIT ?""",
            SIGNING,
            limit,
        )
        return [(row["key"], row["text"]) for row in rows]

    def sign(self, signatures: Iterable[tuple[int, Signature]]) -> None:
        """Store the signatures of these articles, by key."""
        with self.transaction():
            for key, signature in signatures:
                self._drop_signature(key)
                if self._store.execute("SELECT 1 FROM articles WHERE key = ?", key):
                    self._insert_signature(key, signature)

    def sharing_a_bucket(self, article_id: str) -> list[tuple[str, str]]:
        """Ids and texts of the articles that may be copies of this one."""
        rows = self._rows(
            """SELECT id, text FROM articles WHERE id <> ? AND key IN (
                 SELECT theirs.article FROM articles
                 JOIN buckets AS mine ON mine.article = articles.key
                 JOIN buckets AS theirs ON theirs.bucket = mine.bucket
                 WHERE articles.id = ?) ORDER BY key""",
            article_id,
            article_id,
        )
        return [(row["id"], row["text"]) for row in rows]

    # -- vectors -------------------------------------------------------------------------------

    def embedded(self, digests: Iterable[bytes]) -> set[bytes]:
        """Which of these digests have a vector."""
        rows = self._rows_in("SELECT digest FROM vectors WHERE digest IN", digests)
        return {row["digest"] for row in rows}

    def vector_keys(self, articles: Sequence[int] | None = None) -> list[int]:
        """The keys of all vectors, or of these articles' vectors."""
        if articles is None:
            rows = self._rows("SELECT key FROM vectors ORDER BY key")
        else:
            rows = self._rows(
                """SELECT DISTINCT vector AS key FROM passages
                   WHERE article IN (each ?) ORDER BY vector""",
                list(articles),
            )
        return [row["key"] for row in rows]

    def vectors(self, keys: Sequence[int]) -> list[StoredVector]:
        """These vectors; those that are gone are left out."""
        rows = self._rows(
            "SELECT key, embedding FROM vectors WHERE key IN (each ?) ORDER BY key", list(keys)
        )
        return [StoredVector(row["key"], row["embedding"]) for row in rows]

    def embeddings(self, article_id: str) -> list[bytes]:
        """The vectors of an article's passages, in the order of the passages."""
        rows = self._rows(
            """SELECT embedding FROM passages JOIN vectors ON vectors.key = vector
               JOIN articles ON articles.key = article WHERE id = ? ORDER BY ordinal""",
            article_id,
        )
        if not rows:
            raise _not_found(article_id)
        return [row["embedding"] for row in rows]

    def vector_keys_after(self, key: int) -> list[int]:
        """The keys of the vectors added after this one, in order."""
        return [
            row["key"]
            for row in self._rows("SELECT key FROM vectors WHERE key > ? ORDER BY key", key)
        ]

    def vectors_of_passages(self, after: int) -> list[tuple[int, int, int]]:
        """(key, article, vector) of the passages whose keys come after `after`, in order."""
        rows = self._rows(
            "SELECT key, article, vector FROM passages WHERE key > ? ORDER BY key", after
        )
        return [(row["key"], row["article"], row["vector"]) for row in rows]

    def count_passages(self) -> int:
        (row,) = self._rows("SELECT count(*) AS n FROM passages")
        return int(row["n"])

    def pending(self, limit: int) -> list[int]:
        """Keys of vectors not known to be up to date in the vector store."""
        rows = self._rows("SELECT vector FROM pending ORDER BY vector LIMIT ?", limit)
        return [row["vector"] for row in rows]

    def settle(self, keys: Iterable[int]) -> None:
        """The vector store has added or dropped these."""
        with self.transaction():
            self._store.execute("DELETE FROM pending WHERE vector IN (each ?)", list(keys))

    def add_pending(self, keys: Iterable[int]) -> None:
        """These vectors must be handed over again."""
        with self.transaction():
            self._store.execute_many(_PENDING, [(key,) for key in keys])

    def all_pending(self, **meta: str) -> None:
        """Every vector must be handed over again; sets `meta` in the same transaction."""
        with self.transaction():
            self._store.execute(
                "INSERT INTO pending SELECT key FROM vectors WHERE true ON CONFLICT DO NOTHING"
            )
            self.set_meta(**meta)

    def none_pending(self, **meta: str) -> None:
        """Another vector store has everything; sets `meta` in the same transaction."""
        with self.transaction():
            self._store.execute("DELETE FROM pending")
            self.set_meta(**meta)

    def count_other_models(self, model: str) -> int:
        """How many vectors another model made."""
        row = self._row(f"SELECT count(*) AS n FROM vectors WHERE {_OTHER}", model, model)  # noqa: S608
        return 0 if row is None else int(row["n"])

    def of_other_models(
        self, model: str, limit: int
    ) -> list[tuple[int, bytes, str, date | None, str]]:
        """(vector key, digest of what was embedded, title, date, text) of passages that another
        model embedded."""
        with self.snapshot():
            rows = self._rows(
                f"""SELECT vectors.key AS key, digest, article, start, "end"
                    FROM vectors JOIN passages ON passages.key = (
                        SELECT min(key) FROM passages WHERE vector = vectors.key)
                    WHERE {_OTHER} ORDER BY vectors.key LIMIT ?""",  # noqa: S608
                *(model, model, limit),
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
        """Start and end of this article's passages, in order."""
        rows = self._rows(
            """SELECT start, "end" FROM passages JOIN articles ON articles.key = article
               WHERE id = ? ORDER BY ordinal""",
            article_id,
        )
        return [(row["start"], row["end"]) for row in rows]

    def models(self) -> list[str]:
        """The models that made the vectors: none yet, one, or two while they are being remade."""
        rows = self._rows("SELECT DISTINCT model FROM vectors ORDER BY model")
        return [row["model"] for row in rows]

    def whole_articles(self, after: int, limit: int) -> list[tuple[int, Article, list[NewPassage]]]:
        """The articles whose keys come after `after`, with what was embedded, as `put` takes them.

        Raises StoreDamagedError if one is not what was stored.
        """
        with self.snapshot():
            rows = self._rows(
                "SELECT * FROM articles WHERE key > ? ORDER BY key LIMIT ?", after, limit
            )
            found = self._rows(
                """SELECT article, start, "end", digest, embedding FROM passages
                   JOIN vectors ON vectors.key = vector
                   WHERE article IN (each ?) ORDER BY article, ordinal""",
                [row["key"] for row in rows],
            )
        passages: dict[int, list[NewPassage]] = {}
        for row in found:
            new = NewPassage(row["start"], row["end"], row["digest"], row["embedding"])
            passages.setdefault(row["article"], []).append(new)
        whole = []
        for row in rows:
            article = _article(row)
            if article is None:
                raise self._store.damaged(_not_as_stored(row["id"]))
            whole.append((row["key"], article, passages.get(row["key"], [])))
        return whole

    def embedded_texts(self) -> Iterator[tuple[Article, list[tuple[int, int, bytes]]]]:
        """Every intact article, with (start, end, digest of what was embedded) for its passages."""
        for key in [row["key"] for row in self._rows("SELECT key FROM articles ORDER BY key")]:
            with self.snapshot():
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
        """Replace these vectors with those of `model`."""
        with self.transaction():
            for key, embedding in vectors:
                self._store.execute(
                    "UPDATE vectors SET embedding = ?, model = ? WHERE key = ?",
                    *(embedding, model, key),
                )
                self._store.execute(_PENDING, key)

    # -- the rows themselves -------------------------------------------------------------------

    def meta(self, key: str) -> str:
        """A note about the file or its surroundings; "" if there is none."""
        row = self._row("SELECT value FROM meta WHERE key = ?", key)
        return "" if row is None else str(row["value"])

    def set_meta(self, **values: str) -> None:
        with self.transaction():
            self._store.execute_many(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                list(values.items()),
            )

    def rebuild_words(self, progress: Callable[[Progress], None] | None = None) -> None:
        """Rebuild word search from the articles: the new one becomes visible once complete."""
        keys = [row["key"] for row in self._rows("SELECT key FROM articles ORDER BY key")]
        with self.transaction():
            self._store.clear_words()
            for done, key in enumerate(keys, start=1):
                self._store.put_words(self._words_of(key, self._store.execute))
                if progress is not None:
                    progress(Progress(done, len(keys), "words"))
        self.forget()

    def faults(self) -> list[Finding]:
        """What is wrong with the rows, each with its remedy; empty when all is well.

        Reads everything: the database's own check, every article against its digest, every passage
        against its article and against the word search.
        """
        found = self._store.faults()
        words_agree = self._store.words_are_sound()
        for key in [row["key"] for row in self._rows("SELECT key FROM articles ORDER BY key")]:
            with self.snapshot():
                row = self._row("SELECT * FROM articles WHERE key = ?", key)
                words_agree = words_agree and self._store.words_agree(
                    self._words_of(key, self._rows)
                )
            if row is not None and _article(row) is None:
                found.append(Finding("error", _not_as_stored(row["id"]), self._store.remedy()))
        if not words_agree:
            message = "the word search does not agree with the articles"
            found.append(Finding("error", message, "run `dateline rebuild`"))
        return found

    def close(self) -> None:
        self._store.close()

    # -- below ---------------------------------------------------------------------------------

    def _words_of(self, key: int, rows: Callable[..., Sequence[Row]]) -> list[Words]:
        """What an article's passages are found by; empty if it is gone."""
        spans = rows(
            """SELECT passages.key AS key, start, "end", title, text FROM passages
               JOIN articles ON articles.key = article WHERE article = ?""",
            key,
        )
        return [
            Words(
                span["key"],
                folded(span["title"]),
                folded(span["text"][span["start"] : span["end"]]),
            )
            for span in spans
        ]

    def _key_of(self, article_id: str) -> int | None:
        rows = self._store.execute("SELECT key FROM articles WHERE id = ?", article_id)
        return rows[0]["key"] if rows else None

    def _insert_article(self, article: Article) -> int:
        key = self._store.insert("articles", _values(article))
        self._insert_labels(key, article)
        self._note_change()
        return key

    def _update_article(self, key: int, article: Article) -> None:
        values = _values(article)
        self._store.execute(
            f"UPDATE articles SET {', '.join(f'{name} = ?' for name in values)} WHERE key = ?",  # noqa: S608
            *values.values(),
            key,
        )
        self._store.execute("DELETE FROM labels WHERE article = ?", key)
        self._insert_labels(key, article)
        self._note_change()

    def _insert_labels(self, key: int, article: Article) -> None:
        named = {"author": article.authors, "tag": article.tags}
        rows = {(kind, comparable(name), key) for kind, names in named.items() for name in names}
        self._store.execute_many("INSERT INTO labels VALUES (?, ?, ?)", sorted(rows))

    def _note_change(self) -> None:
        """Give the current state of the articles its own name. It is random rather than counted: a
        restored catalog must not arrive at a name that another state had before it."""
        self.set_meta(content=uuid.uuid4().hex)

    def _file_key(self, place: str) -> int | None:
        rows = self._store.execute("SELECT key FROM files WHERE place = ?", place)
        return rows[0]["key"] if rows else None

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
        key = self._file_key(file.place)
        if key is None:
            return self._store.insert("files", values)
        self._store.execute(
            f"UPDATE files SET {', '.join(f'{name} = ?' for name in values)} WHERE key = ?",  # noqa: S608
            *values.values(),
            key,
        )
        return key

    def _note_origins(self, file_key: int, origins: Sequence[Origin]) -> None:
        """Add these to the file's origins; an earlier one at the same entry stays until dropped."""
        known = {
            (row["entry"], row["article"])
            for row in self._store.execute(
                "SELECT entry, article FROM origins WHERE file = ?", file_key
            )
        }
        entries = {entry for entry, _ in known}
        self._store.execute_many(
            "INSERT INTO origins VALUES (?, ?, ?, ?, ?) ON CONFLICT (file, entry) DO UPDATE SET "
            "article = excluded.article, source = excluded.source, gone = excluded.gone",
            [
                (
                    file_key,
                    o.entry
                    if o.entry not in entries or (o.entry, o.article_id) in known
                    else f"{o.entry}\n{o.article_id}",
                    o.article_id,
                    o.source,
                    int(o.gone),
                )
                for o in origins
            ],
        )

    def _drop_origins(self, file_key: int, dropped: dict[str, set[str]]) -> None:
        """Drop a file's origins and add their sources to `dropped`, by article."""
        for row in self._store.execute(
            "SELECT article, source FROM origins WHERE file = ?", file_key
        ):
            dropped.setdefault(row["article"], set()).add(row["source"])
        self._store.execute("DELETE FROM origins WHERE file = ?", file_key)

    def _forget_origins(self, article_id: str) -> None:
        """The article was removed: its files will be read again when next seen."""
        self._store.execute("DELETE FROM edits WHERE article = ?", article_id)
        files = self._store.execute(
            "SELECT DISTINCT file FROM origins WHERE article = ?", article_id
        )
        self._store.execute("DELETE FROM origins WHERE article = ?", article_id)
        for row in files:
            self._store.execute("UPDATE files SET digest = '' WHERE key = ?", row["file"])
            self._store.execute(
                """DELETE FROM files WHERE key = ?
                   AND NOT EXISTS (SELECT 1 FROM origins WHERE file = files.key)""",
                row["file"],
            )

    def _name_source_anew(self, article_id: str, dropped: set[str]) -> None:
        rows = self._store.execute(
            "SELECT source FROM origins WHERE article = ? AND gone = 0 ORDER BY file, entry",
            article_id,
        )
        sources = [row["source"] for row in rows]
        found = self._store.execute("SELECT * FROM articles WHERE id = ?", article_id)
        if not sources or not found:
            return
        (row,) = found
        if row["source"] in sources or row["source"] not in dropped:
            return
        article = _article(row)
        if article is not None:
            self._update_article(row["key"], replace(article, source=sources[0]))

    def _insert_passage(
        self, article_key: int, ordinal: int, article: Article, passage: NewPassage, model: str
    ) -> Words:
        """Store a passage; returns the words it is found by."""
        rows = self._store.execute("SELECT key FROM vectors WHERE digest = ?", passage.digest)
        key = self._store.insert(
            "passages",
            {
                "article": article_key,
                "ordinal": ordinal,
                "start": passage.start,
                "end": passage.end,
                "vector": rows[0]["key"] if rows else self._insert_vector(passage, model),
            },
        )
        text = article.text[passage.start : passage.end]
        return Words(key, folded(article.title), folded(text))

    def _insert_vector(self, passage: NewPassage, model: str) -> int:
        values = {"digest": passage.digest, "embedding": passage.embedding, "model": model}
        key = self._store.insert("vectors", values)
        self._store.execute(_PENDING, key)
        return key

    def _insert_signature(self, article_key: int, signature: Signature) -> None:
        self._store.execute(
            "INSERT INTO signatures VALUES (?, ?, ?)", article_key, signature.minhash, SIGNING
        )
        self._store.execute_many(
            "INSERT INTO buckets VALUES (?, ?)",
            [(bucket, article_key) for bucket in sorted(set(signature.buckets))],
        )

    def _drop_signature(self, article_key: int) -> None:
        self._store.execute("DELETE FROM signatures WHERE article = ?", article_key)
        self._store.execute("DELETE FROM buckets WHERE article = ?", article_key)

    def _drop_passages(self, article_key: int) -> list[int]:
        """Drop an article's passages and their words; returns the vectors they had."""
        rows = self._store.execute(
            "SELECT key, vector FROM passages WHERE article = ?", article_key
        )
        self._store.drop_words([row["key"] for row in rows])
        self._store.execute("DELETE FROM passages WHERE article = ?", article_key)
        return [row["vector"] for row in rows]

    def _drop_vectors_without_passage(self, keys: Sequence[int]) -> None:
        unused = """key IN (each ?)
                    AND NOT EXISTS (SELECT 1 FROM passages WHERE vector = vectors.key)"""
        self._store.execute(
            f"INSERT INTO pending SELECT key FROM vectors WHERE {unused} ON CONFLICT DO NOTHING",  # noqa: S608
            list(keys),
        )
        self._store.execute(f"DELETE FROM vectors WHERE {unused}", list(keys))  # noqa: S608

    def _articles_by_key(self, keys: Iterable[int]) -> dict[int, Row]:
        rows = self._rows("SELECT * FROM articles WHERE key IN (each ?)", sorted(keys))
        return {row["key"]: row for row in rows}

    def _rows_in(self, statement: str, values: Iterable[Any]) -> list[Row]:
        """The rows of `statement`, which ends in IN, for any number of values.

        Not with json_each: it ends a string at its first NUL, and another article may have that id.
        """
        distinct = list(dict.fromkeys(values))
        rows: list[Row] = []
        with self.snapshot():
            for first in range(0, len(distinct), _CHUNK):
                chunk = distinct[first : first + _CHUNK]
                rows += self._rows(f"{statement} ({', '.join('?' * len(chunk))})", *chunk)
        return rows

    def _rows(self, statement: str, *values: Any) -> Sequence[Row]:
        return self._store.rows(statement, *values)

    def _row(self, statement: str, *values: Any) -> Row | None:
        rows = self._rows(statement, *values)
        return rows[0] if rows else None


def open_catalog(
    file: Path,
    *,
    newest_backup: Callable[[], Path | None] = lambda: None,
    migrations: Sequence[Step] = MIGRATIONS,
) -> Catalog:
    """The catalog in an SQLite file, created if absent; see `SQLiteStore`."""
    return Catalog(SQLiteStore(file, newest_backup=newest_backup, migrations=migrations))


def digest(article: Article) -> str:
    """SHA-256 of everything stored of an article; without tags, the same as before tags existed."""
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


def _not_as_stored(article_id: str) -> str:
    return f"the article {article_id!r} is not as it was stored"


def _not_found(article_id: str) -> ArticleNotFoundError:
    return ArticleNotFoundError(
        f"no article has the id {article_id!r}. `dateline list` shows the ids there are."
    )


def _terms(query: str) -> list[str]:
    """The words to search for: all but the commonest, or all if nothing else is left."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(folded(query))))
    return ([word for word in words if word not in _COMMON] or words)[:_TERMS]


def _is_in(keys: Sequence[int], key: int) -> bool:
    """Whether these sorted keys contain `key`."""
    place = bisect_left(keys, key)
    return place < len(keys) and keys[place] == key


def _begin_alike(one: str, other: str) -> bool:
    """Whether two words start with the same letter, allowing for one omitted, added or swapped."""
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


def _article(row: Row) -> Article | None:
    """The article in the row; None if it is not what was stored."""
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


def _origin(row: Row) -> Origin:
    return Origin(row["place"], row["article"], row["source"], row["entry"], bool(row["gone"]))


def _source_file(row: Row, origins: Sequence[Origin]) -> SourceFile:
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


def _summary(row: Row, origins: Sequence[Origin]) -> Summary:
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


def _passage(row: Row, article: Row) -> Passage:
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


# Words that say nothing about what is being searched for, question words included.
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
