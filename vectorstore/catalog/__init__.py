"""The source of truth: articles verbatim, passages, embeddings, labels, and the words searched.

    catalog = open_catalog(file)
    catalog.put([(article, passages)], model)       an article with everything made of it
    catalog.articles    .passages   .vectors        what is stored of them
    catalog.words       .filters    .signatures     what searching and comparing start from
    catalog.files       .edits      .notes          where it came from, and what was set since

What is committed here is kept: an article with its passages, embeddings and search words is stored
in one transaction. `vectors.pending` lists the vectors that the vector store has yet to add or
drop; it is written in the same transaction, so the vectors can always be brought up to date from
here without embedding again.

It knows nothing of databases (`stores`), embedding models or Chroma: to it vectors are bytes, and a
model is a name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from vectorstore.articles import Article, Finding, Origin, Progress, Statistics, Summary
from vectorstore.catalog.articles import (
    Articles,
    as_stored,
    digest,
    not_as_stored,
    not_found,
    storable,
)
from vectorstore.catalog.edits import Edits
from vectorstore.catalog.files import Files
from vectorstore.catalog.filters import Filters
from vectorstore.catalog.notes import Notes
from vectorstore.catalog.passages import Passages, words_of
from vectorstore.catalog.rows import day, first
from vectorstore.catalog.signatures import Signatures
from vectorstore.catalog.vectors import NewPassage, StoredVector, StoredVectors
from vectorstore.catalog.words import WordSearch
from vectorstore.copies import Signature
from vectorstore.database import Step
from vectorstore.stores import Row, Store, Words
from vectorstore.stores.sqlite import MIGRATIONS, SQLiteStore

__all__ = ["Catalog", "NewPassage", "StoredVector", "digest", "open_catalog"]

_SUMMARY = """
SELECT key, id, title, source, url, published, authors, tags, language, characters,
       (SELECT count(*) FROM passages WHERE article = articles.key) AS passages
FROM articles"""


class Catalog:
    """The rows of a store. May be used from several threads: reads do not wait for writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.name = store.name
        self.turn = store.turn
        self.transaction = store.transaction
        self.snapshot = store.snapshot
        self.identity = store.identity
        self.remedy = store.remedy
        self.forget = store.forget
        self.close = store.close
        self.notes = Notes(store)
        self.articles = Articles(store, self.notes)
        self.vectors = StoredVectors(store, self.notes)
        self.passages = Passages(store, self.vectors)
        self.signatures = Signatures(store)
        self.files = Files(store, self.articles)
        self.edits = Edits(store)
        self.filters = Filters(store, self.notes)
        self.words = WordSearch(store)

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
                key = self.articles.key_of(article.id)
                if key is None:
                    key = self.articles.insert(article)
                else:
                    left += self.passages.drop(key)
                    self.articles.update(key, article)
                found_by += self.passages.insert(key, article, passages, model)
                self.signatures.drop(key)
                if signatures is not None and article.id in signatures:
                    self.signatures.insert(key, signatures[article.id])
            self._store.put_words(found_by)
            self.vectors.drop_unused(left)

    def remove(self, article_ids: Sequence[str], **notes: str) -> int:
        """Remove these articles and put `notes`, in one transaction; `forget` removes their traces.

        Returns how many there were. Raises ArticleNotFoundError before anything is removed.
        """
        known = self.articles.digests(article_ids)
        for article_id in article_ids:
            if article_id not in known:
                raise not_found(article_id)
        with self.transaction():
            for article_id in known:
                key = self.articles.key_of(article_id)
                if key is not None:
                    left = self.passages.drop(key)
                    self.signatures.drop(key)
                    self.articles.delete(key)
                    self.vectors.drop_unused(left)
                self.edits.forget(article_id)
                self.files.forget_article(article_id)
            self.notes.put(**notes)
        return len(known)

    def summaries(self) -> list[Summary]:
        """Newest first, undated last."""
        with self.snapshot():
            rows = self._store.rows(
                f"{_SUMMARY} ORDER BY published IS NULL, published DESC, title, id"
            )
            origins = self.files.origins()
        return [_summary(row, origins.get(row["id"], ())) for row in rows]

    def summary(self, article_id: str) -> Summary:
        """Raises ArticleNotFoundError."""
        with self.snapshot():
            row = first(self._store, f"{_SUMMARY} WHERE id = ?", storable(article_id))
            origins = self.files.origins(article_id)
        if row is None:
            raise not_found(article_id)
        return _summary(row, origins.get(article_id, ()))

    def statistics(self) -> Statistics:
        with self.snapshot():
            row = first(
                self._store,
                """SELECT count(*) AS articles, min(published) AS oldest, max(published) AS newest,
                          count(*) - count(published) AS undated,
                          (SELECT count(*) FROM passages) AS passages,
                          (SELECT model FROM vectors LIMIT 1) AS model
                   FROM articles""",
            )
            sources = self._store.rows(
                "SELECT source, count(*) AS n FROM articles GROUP BY source ORDER BY n DESC, source"
            )
            content = self.notes.get("content")
        assert row is not None  # noqa: S101 -- an aggregate always has a row
        model = row["model"] or ""
        return Statistics(
            articles=row["articles"],
            passages=row["passages"],
            oldest=day(row["oldest"]),
            newest=day(row["newest"]),
            undated=row["undated"],
            sources=tuple((source["source"], source["n"]) for source in sources),
            embedding_model=model.rpartition("@")[0] or model,
            content=content,
        )

    def rebuild_words(self, progress: Callable[[Progress], None] | None = None) -> None:
        """Rebuild word search from the articles: the new one becomes visible once complete."""
        keys = self.articles.all_keys()
        with self.transaction():
            self._store.clear_words()
            for done, key in enumerate(keys, start=1):
                self._store.put_words(words_of(key, self._store.execute))
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
        for key in self.articles.all_keys():
            with self.snapshot():
                row = first(self._store, "SELECT * FROM articles WHERE key = ?", key)
                words_agree = words_agree and self._store.words_agree(
                    words_of(key, self._store.rows)
                )
            if row is not None and as_stored(row) is None:
                found.append(Finding("error", not_as_stored(row["id"]), self._store.remedy()))
        if not words_agree:
            message = "the word search does not agree with the articles"
            found.append(Finding("error", message, "run `dateline rebuild`"))
        return found


def open_catalog(
    file: Path,
    *,
    newest_backup: Callable[[], Path | None] = lambda: None,
    migrations: Sequence[Step] = MIGRATIONS,
) -> Catalog:
    """The catalog in an SQLite file, created if absent; see `SQLiteStore`."""
    return Catalog(SQLiteStore(file, newest_backup=newest_backup, migrations=migrations))


def _summary(row: Row, origins: Sequence[Origin]) -> Summary:
    return Summary(
        id=row["id"],
        title=row["title"],
        source=row["source"],
        url=row["url"],
        published=day(row["published"]),
        authors=tuple(json.loads(row["authors"])),
        language=row["language"],
        characters=row["characters"],
        passages=row["passages"],
        origins=tuple(origins),
        added=row["key"],
        tags=tuple(json.loads(row["tags"])),
    )
