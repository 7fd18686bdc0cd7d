"""The signatures by which copies of an article are found: copies share a bucket."""

from __future__ import annotations

from collections.abc import Iterable

from vectorstore.copies import SIGNING, Signature
from vectorstore.stores import Store


class Signatures:
    """`insert` and `drop` belong in the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def lacking(self, limit: int) -> list[tuple[int, str]]:
        """Keys and texts of articles that lack a signature of the current kind."""
        rows = self._store.rows(
            """SELECT key, text FROM articles WHERE key NOT IN
               (SELECT article FROM signatures WHERE signing = ?) ORDER BY key LIMIT ?""",
            SIGNING,
            limit,
        )
        return [(row["key"], row["text"]) for row in rows]

    def put(self, signatures: Iterable[tuple[int, Signature]]) -> None:
        """Store the signatures of these articles, by key."""
        with self._store.transaction():
            for key, signature in signatures:
                self.drop(key)
                if self._store.execute("SELECT 1 FROM articles WHERE key = ?", key):
                    self.insert(key, signature)

    def sharing_a_bucket(self, article_id: str) -> list[tuple[str, str]]:
        """Ids and texts of the articles that may be copies of this one."""
        rows = self._store.rows(
            """SELECT id, text FROM articles WHERE id <> ? AND key IN (
                 SELECT theirs.article FROM articles
                 JOIN buckets AS mine ON mine.article = articles.key
                 JOIN buckets AS theirs ON theirs.bucket = mine.bucket
                 WHERE articles.id = ?) ORDER BY key""",
            article_id,
            article_id,
        )
        return [(row["id"], row["text"]) for row in rows]

    def insert(self, article_key: int, signature: Signature) -> None:
        self._store.execute(
            "INSERT INTO signatures VALUES (?, ?, ?)", article_key, signature.minhash, SIGNING
        )
        self._store.execute_many(
            "INSERT INTO buckets VALUES (?, ?)",
            [(bucket, article_key) for bucket in sorted(set(signature.buckets))],
        )

    def drop(self, article_key: int) -> None:
        self._store.execute("DELETE FROM signatures WHERE article = ?", article_key)
        self._store.execute("DELETE FROM buckets WHERE article = ?", article_key)
