"""The embeddings, and which of them the vector store has yet to add or drop.

Passages that embed the same text (copies of an article, a notice under every article) share one
vector: many equal vectors would split an approximate index into unreachable parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vectorstore.catalog.notes import Notes
from vectorstore.catalog.rows import among, first
from vectorstore.stores import Store

OF_ANOTHER_MODEL = "(model < ? OR model > ?)"  # unlike <>, an index answers that at once
_PENDING = "INSERT INTO pending VALUES (?) ON CONFLICT DO NOTHING"


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


class StoredVectors:
    """`key_for` and `drop_unused` belong in the caller's transaction."""

    def __init__(self, store: Store, notes: Notes) -> None:
        self._store = store
        self._notes = notes

    def known(self, digests: Iterable[bytes]) -> set[bytes]:
        """Which of these digests have a vector."""
        rows = among(self._store, "SELECT digest FROM vectors WHERE digest IN", digests)
        return {row["digest"] for row in rows}

    def keys(self, articles: Sequence[int] | None = None) -> list[int]:
        """The keys of all vectors, or of these articles' vectors."""
        if articles is None:
            rows = self._store.rows("SELECT key FROM vectors ORDER BY key")
        else:
            rows = self._store.rows(
                """SELECT DISTINCT vector AS key FROM passages
                   WHERE article IN (each ?) ORDER BY vector""",
                list(articles),
            )
        return [row["key"] for row in rows]

    def of_article(self, article_id: str) -> list[bytes]:
        """The vectors of an article's passages, in the order of the passages; none if it is gone."""
        rows = self._store.rows(
            """SELECT embedding FROM passages JOIN vectors ON vectors.key = vector
               JOIN articles ON articles.key = article WHERE id = ? ORDER BY ordinal""",
            article_id,
        )
        return [row["embedding"] for row in rows]

    def keys_after(self, key: int) -> list[int]:
        """The keys of the vectors added after this one, in order."""
        rows = self._store.rows("SELECT key FROM vectors WHERE key > ? ORDER BY key", key)
        return [row["key"] for row in rows]

    def read(self, keys: Sequence[int]) -> list[StoredVector]:
        """These vectors; those that are gone are left out."""
        rows = self._store.rows(
            "SELECT key, embedding FROM vectors WHERE key IN (each ?) ORDER BY key", list(keys)
        )
        return [StoredVector(row["key"], row["embedding"]) for row in rows]

    def models(self) -> list[str]:
        """The models that made the vectors: none yet, one, or two while they are being remade."""
        rows = self._store.rows("SELECT DISTINCT model FROM vectors ORDER BY model")
        return [row["model"] for row in rows]

    def count_other_models(self, model: str) -> int:
        """How many vectors another model made."""
        statement = f"SELECT count(*) AS n FROM vectors WHERE {OF_ANOTHER_MODEL}"  # noqa: S608
        row = first(self._store, statement, model, model)
        return 0 if row is None else int(row["n"])

    def embed_again(self, vectors: Iterable[tuple[int, bytes]], model: str) -> None:
        """Replace these vectors with those of `model`."""
        with self._store.transaction():
            for key, embedding in vectors:
                self._store.execute(
                    "UPDATE vectors SET embedding = ?, model = ? WHERE key = ?",
                    *(embedding, model, key),
                )
                self._store.execute(_PENDING, key)

    def key_for(self, passage: NewPassage, model: str) -> int:
        """The vector with the passage's digest, added if there is none."""
        rows = self._store.execute("SELECT key FROM vectors WHERE digest = ?", passage.digest)
        if rows:
            return int(rows[0]["key"])
        values = {"digest": passage.digest, "embedding": passage.embedding, "model": model}
        key = self._store.insert("vectors", values)
        self._store.execute(_PENDING, key)
        return key

    def drop_unused(self, keys: Sequence[int]) -> None:
        """Drop those of these vectors that no passage has."""
        unused = """key IN (each ?)
                    AND NOT EXISTS (SELECT 1 FROM passages WHERE vector = vectors.key)"""
        self._store.execute(
            f"INSERT INTO pending SELECT key FROM vectors WHERE {unused} ON CONFLICT DO NOTHING",  # noqa: S608
            list(keys),
        )
        self._store.execute(f"DELETE FROM vectors WHERE {unused}", list(keys))  # noqa: S608

    # -- what the vector store has yet to do -----------------------------------------------------

    def pending(self, limit: int) -> list[int]:
        """Keys of vectors not known to be up to date in the vector store."""
        rows = self._store.rows("SELECT vector FROM pending ORDER BY vector LIMIT ?", limit)
        return [row["vector"] for row in rows]

    def settle(self, keys: Iterable[int]) -> None:
        """The vector store has added or dropped these."""
        with self._store.transaction():
            self._store.execute("DELETE FROM pending WHERE vector IN (each ?)", list(keys))

    def add_pending(self, keys: Iterable[int]) -> None:
        """These vectors must be handed over again."""
        with self._store.transaction():
            self._store.execute_many(_PENDING, [(key,) for key in keys])

    def all_pending(self, **notes: str) -> None:
        """Every vector must be handed over again; puts `notes` in the same transaction."""
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO pending SELECT key FROM vectors WHERE true ON CONFLICT DO NOTHING"
            )
            self._notes.put(**notes)

    def none_pending(self, **notes: str) -> None:
        """Another vector store has everything; puts `notes` in the same transaction."""
        with self._store.transaction():
            self._store.execute("DELETE FROM pending")
            self._notes.put(**notes)
