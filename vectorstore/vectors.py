"""The vectors of passages, in Chroma: embedded in the index's folder, or on a Chroma server.

The one file that knows Chroma. What it holds can always be made again from the catalog, so it is
kept simple: ids are the catalog's passage keys, and texts stay in the catalog.

What has to be avoided (chromadb 1.5.9): the default space is l2, and an existing collection keeps
its own silently; an embedding function in the stored configuration is constructed on opening,
whatever it is; a `.env` in the working folder overrides settings; a write of more than 5,461 rows
is refused. Vectors are always given, never computed by Chroma.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from vectorstore.articles import Filter
from vectorstore.catalog import StoredVector
from vectorstore.errors import StoreError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from chromadb.config import Settings

Vector = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]

BATCH = 1_000  # rows a write; Chroma takes up to 5,461


class Vectors:
    """Cosine nearest neighbours among passage keys. May be used from several threads."""

    def __init__(self, client: ClientAPI, name: str) -> None:
        self._client = client
        self._name = name
        self._collection = self._open()

    def put(self, vectors: Sequence[StoredVector]) -> None:
        """Add these, or replace those of the same key."""
        for first in range(0, len(vectors), BATCH):
            batch = vectors[first : first + BATCH]
            self._collection.upsert(
                ids=[str(vector.key) for vector in batch],
                embeddings=np.stack(
                    [np.frombuffer(vector.embedding, np.float32) for vector in batch]
                ),
                metadatas=[_metadata(vector) for vector in batch],
            )

    def drop(self, keys: Sequence[int]) -> None:
        """Remove these; unknown keys are none of its business."""
        for first in range(0, len(keys), BATCH):
            self._collection.delete(ids=[str(key) for key in keys[first : first + BATCH]])

    def search(
        self,
        vector: Vector,
        k: int,
        where: Filter,
        articles: Sequence[int] | None,
    ) -> list[int]:
        """The keys of the `k` nearest passages, nearest first. `articles` are the catalog's keys
        of `where.articles`."""
        found = self._collection.query(
            query_embeddings=vector[np.newaxis],
            n_results=k,
            where=_where(where, articles),
            include=[],
        )
        return [int(key) for key in found["ids"][0]]

    def count(self) -> int:
        return int(self._collection.count())

    def keys(self) -> list[int]:
        return sorted(int(key) for key in self._collection.get(include=[])["ids"])

    def clear(self) -> None:
        """Drop everything and begin again with an empty collection."""
        with contextlib.suppress(Exception):  # whatever is wrong with it, it goes
            self._client.delete_collection(self._name)
        self._collection = self._open()

    def close(self) -> None:
        # On the concrete clients, not on their common interface.
        self._client.close()  # type: ignore[attr-defined]

    def _open(self) -> Collection:
        collection = self._client.get_or_create_collection(
            self._name, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        space = (collection.configuration_json.get("hnsw") or {}).get("space")
        if space != "cosine":
            raise StoreError(
                f"the Chroma collection {self._name} measures by {space!r}, not by cosine: another "
                "program made it. Remove it, or name another Chroma server."
            )
        return collection


def open_embedded(folder: Path, name: str) -> Vectors:
    """The collection `name` in Chroma's files in `folder`, made where absent."""
    import chromadb

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Vectors(chromadb.PersistentClient(path=str(folder), settings=_settings()), name)


def open_server(url: str, name: str) -> Vectors:
    """The collection `name` of a Chroma server. Raises StoreError where none answers."""
    import chromadb

    address = urlsplit(url)
    try:
        client = chromadb.HttpClient(
            host=address.hostname or "localhost",
            port=address.port or (443 if address.scheme == "https" else 80),
            ssl=address.scheme == "https",
            settings=_settings(),
        )
        return Vectors(client, name)
    except (ValueError, OSError) as error:
        raise StoreError(
            f"no Chroma server answers at {url} ({error}). Start one (`chroma run --path FOLDER`), "
            "or unset the setting chroma_url to keep the vectors in the index's folder."
        ) from error


def fingerprint(folder: Path) -> str:
    """Names, sizes and times of Chroma's files: what a clean close leaves, the next opening must
    find. Any difference (a torn, emptied or missing file, a restored folder) means rebuilding."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "\n".join(
        f"{path.relative_to(folder)} {(found := path.stat()).st_size} {found.st_mtime_ns}"
        for path in files
    )


def wipe(folder: Path) -> None:
    """Remove Chroma's files, readable or not."""
    shutil.rmtree(folder, ignore_errors=True)


def _settings() -> Settings:
    from chromadb.config import Settings

    return Settings(_env_file=None, anonymized_telemetry=False, allow_reset=False)  # type: ignore[call-arg]


def _metadata(vector: StoredVector) -> dict[str, str | int]:
    known: dict[str, str | int] = {"article": vector.article, "source": vector.source}
    if vector.published is not None:
        known["published"] = vector.published.toordinal()
    return known


def _where(where: Filter, articles: Sequence[int] | None) -> Any:
    parts: list[dict[str, Any]] = []
    if where.sources is not None:
        parts.append({"source": {"$in": list(where.sources)}})
    if articles is not None:
        parts.append({"article": {"$in": list(articles)}})
    if where.after is not None:
        parts.append({"published": {"$gte": where.after.toordinal()}})
    if where.before is not None:
        parts.append({"published": {"$lte": where.before.toordinal()}})
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"$and": parts}
