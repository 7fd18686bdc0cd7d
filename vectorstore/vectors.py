"""The vectors of passages, in Chroma: embedded in the index's folder, or on a Chroma server.

The only file that knows Chroma. What Chroma holds can always be rebuilt from the catalog, so it is
kept simple: ids are the catalog's vector keys; texts, dates and filters stay in the catalog.

Pitfalls to avoid (chromadb 1.5.9): the default space is l2, and an existing collection silently
keeps its own; whoever lets Chroma embed constructs the embedding function in the stored
configuration, whatever it is; a `.env` in the working folder is read at import, overrides settings
and, if it is invalid, stops the import; a write of more than 5,461 rows is rejected; the client of
a server waits forever. Vectors are always supplied, never computed by Chroma.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import stat
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

import numpy as np

from vectorstore.catalog import StoredVector
from vectorstore.errors import StoreError
from vectorstore.home import with_a_home

if TYPE_CHECKING:
    import httpx
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.models.Collection import Collection
    from chromadb.config import Settings

Vector = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]

_IMPORTING = threading.Lock()  # nobody may see the package half initialised
_ROWS = 1_000  # per write; Chroma accepts up to 5,461
_CONNECT = 5.0  # seconds
_READ = 60.0
# With 300 candidates, the 50 best are the true 50 best (recall 1.00 on 5,000 clustered vectors,
# 0.85 with Chroma's 100 on the hardest, evenly spread ones); it costs a millisecond more per
# search.
_CANDIDATES = 300
# With 64 neighbours for each instead of 16, so do the 10 best of 100,000 in tight clusters: recall .99
# instead of .86, in the same time, for a fifth more memory (benchmarks/results.md).
_NEIGHBOURS = 64
_GRAPH: CreateHNSWConfiguration = {
    "space": "cosine",
    "ef_search": _CANDIDATES,
    "max_neighbors": _NEIGHBOURS,
}


class VectorsError(StoreError):
    """Chroma failed; the articles are safe, and the vectors can be rebuilt from them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where Chroma is, worded for an error message: what failed and what to do."""

    failed: str
    remedy: str


class Vectors:
    """Cosine nearest neighbours among vectors with integer keys. May be used from several threads.

    Every method raises VectorsError if Chroma fails.
    """

    def __init__(self, client: ClientAPI, name: str, place: Place) -> None:
        self._client = client
        self._name = name
        self._place = place
        with self._said_plainly():
            self._collection = self._open()

    def put(self, vectors: Sequence[StoredVector]) -> None:
        """Add these, replacing any with the same key."""
        for first in range(0, len(vectors), _ROWS):
            rows = vectors[first : first + _ROWS]
            with self._said_plainly():
                self._collection.upsert(
                    ids=[str(row.key) for row in rows],
                    embeddings=np.stack([np.frombuffer(row.embedding, np.float32) for row in rows]),
                )

    def drop(self, keys: Sequence[int]) -> None:
        """Remove these; unknown keys are ignored."""
        for first in range(0, len(keys), _ROWS):
            with self._said_plainly():
                self._collection.delete(ids=[str(key) for key in keys[first : first + _ROWS]])

    def search(self, vector: Vector, k: int, among: Sequence[int] | None = None) -> list[int]:
        """The keys of the `k` nearest vectors, nearest first; only `among` these if given."""
        if among is not None and not among:
            return []
        with self._said_plainly():
            found = self._collection.query(
                query_embeddings=vector[np.newaxis],
                n_results=k,
                ids=None if among is None else [str(key) for key in among],
                include=[],
            )
        return [int(key) for key in found["ids"][0]]

    def load(self, dimensions: int) -> None:
        """Make Chroma load its graph, as the first search does: it stops writing only after
        that."""
        self.search(np.full(dimensions, dimensions**-0.5, np.float32), 1)

    def keys(self) -> list[int]:
        found: list[int] = []
        while True:
            with self._said_plainly():
                page = self._collection.get(include=[], limit=_ROWS, offset=len(found))["ids"]
            found += [int(key) for key in page]
            if len(page) < _ROWS:
                return sorted(found)

    def clear(self) -> None:
        """Drop everything and start over with an empty collection."""
        with self._said_plainly():
            self._client.delete_collection(self._name)
            self._collection = self._open()

    def drop_others(self, prefix: str) -> None:
        """Remove the other collections whose names begin with `prefix`: another model's, or what a
        rebuild that was cut short left behind."""
        with self._said_plainly():
            for other in self._client.list_collections():
                if other.name.startswith(prefix) and other.name != self._name:
                    self._client.delete_collection(other.name)

    def close(self) -> None:
        # Both exist on the concrete clients, not on their common interface.
        self._client.close()  # type: ignore[attr-defined]
        for session in _sessions(self._client):
            session.close()

    def _open(self) -> Collection:
        collection = self._client.get_or_create_collection(
            self._name,
            configuration={"hnsw": _GRAPH},
            embedding_function=None,
        )
        space = (collection.configuration_json.get("hnsw") or {}).get("space")
        if space != "cosine":
            raise StoreError(
                f"the Chroma collection {self._name} measures by {space!r}, not by cosine: another "
                "program made it. Remove it, or name another Chroma server."
            )
        return collection

    @contextlib.contextmanager
    def _said_plainly(self) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            # Chroma documents no set of errors: its own, httpx's, ValueError and RuntimeError
            # occur.
            raise VectorsError(
                f"{self._place.failed} ({_reason(error)}). The articles are kept, and the vectors "
                f"are made again from them. {self._place.remedy}"
            ) from error


def open_embedded(folder: Path, name: str) -> Vectors:
    """The collection `name` in Chroma's files in `folder`, created if absent.

    Opens what is there: damaged files can kill the process. Compare `fingerprint` first.
    """
    chromadb = import_chromadb()
    place = Place(
        f"the vectors in {folder} cannot be used",
        "Free some space there or make the folder writable, and run the command again.",
    )
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        client = chromadb.PersistentClient(path=str(folder), settings=_settings())
    except Exception as error:  # a full disk is a pyo3 error, a ValueError or an OSError
        raise VectorsError(f"{place.failed} ({_reason(error)}). {place.remedy}") from error
    return _opened(client, name, place)


def open_server(url: str, name: str) -> Vectors:
    """The collection `name` of the Chroma server at `url`: http(s)://host:port, with user:password@
    if a proxy in front of it asks for them. Raises StoreError if none answers."""
    import httpx

    address = _address(url)
    plain = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl().rstrip("/")
    remedy = (
        "Start it (`chroma run --path FOLDER`), correct chroma_url, or unset it to keep the "
        "vectors in the index's folder."
    )
    place = Place(f"the Chroma server at {plain} does not do its work", remedy)
    headers = {}
    if address.username is not None:
        user = f"{unquote(address.username)}:{unquote(address.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    timeout = httpx.Timeout(_READ, connect=_CONNECT)
    try:
        httpx.get(f"{plain}/api/v2/heartbeat", headers=headers, timeout=timeout).raise_for_status()
    except httpx.HTTPError as error:
        raise StoreError(
            f"no Chroma server answers at {plain} ({_reason(error)}). {remedy}"
        ) from error
    chromadb = import_chromadb()
    try:
        client = chromadb.HttpClient(
            host=plain,
            port=address.port or (443 if address.scheme == "https" else 80),
            ssl=address.scheme == "https",
            headers=headers,
            settings=_settings(),
        )
    except Exception as error:  # as above
        raise VectorsError(f"{place.failed} ({_reason(error)}). {remedy}") from error
    for session in _sessions(client):
        session.timeout = timeout
    return _opened(client, name, place)


def fingerprint(folder: Path) -> str:
    """Names, sizes and times of Chroma's files: the next opening must find what a clean close left.
    Any difference (a torn, changed or missing file, a restored folder) means rebuilding.

    The change time counts besides the modification time, which anybody can set.
    """
    files = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return "\n".join(
        f"{path.relative_to(folder)} {(found := path.lstat()).st_size} "
        f"{found.st_mtime_ns} {found.st_ctime_ns}"
        for path in files
    )


def make_durable(folder: Path) -> None:
    """Flush Chroma's files to disk, which Chroma leaves to chance, and close them to others: a
    fingerprint must not outlive what it vouches for."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(stat.S_IRWXU if path.is_dir() else stat.S_IRUSR | stat.S_IWUSR)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sessions(client: ClientAPI) -> list[httpx.Client]:
    """The HTTP sessions behind a server's client: it sets no timeout, has no setting for one, and
    does not close its connections."""
    import httpx

    speaking = [getattr(client, "_server", None)]
    speaking.append(getattr(getattr(client, "_admin_client", None), "_server", None))
    sessions = [getattr(one, "_session", None) for one in speaking]
    return [session for session in sessions if isinstance(session, httpx.Client)]


def _address(url: str) -> SplitResult:
    problem = "it does not begin with http:// or https:// and a host"
    try:
        address = urlsplit(url)
        if address.scheme in ("http", "https") and address.hostname and address.port != 0:
            return address
    except ValueError as error:
        problem = str(error)
    raise StoreError(
        f"chroma_url is not the address of a Chroma server: {problem}. Give one like "
        "http://localhost:8000."
    )


def _opened(client: ClientAPI, name: str, place: Place) -> Vectors:
    try:
        return Vectors(client, name, place)
    except BaseException:
        client.close()  # type: ignore[attr-defined]
        raise


def import_chromadb() -> Any:
    """chromadb, without the `.env` of whatever folder the user is in."""
    with _IMPORTING:
        if "chromadb" not in sys.modules:
            specification = importlib.util.find_spec("chromadb")
            if specification is None or specification.loader is None:
                raise StoreError("chromadb is not installed. Run `pip install chromadb`.")
            package = importlib.util.module_from_spec(specification)
            # Registered before it is executed, so that its Settings class can be changed first.
            sys.modules["chromadb"] = package
            try:
                from chromadb.config import Settings

                file = Settings.model_config.get("env_file")
                Settings.model_config["env_file"] = None
                try:
                    with with_a_home():
                        specification.loader.exec_module(package)
                finally:
                    Settings.model_config["env_file"] = file
            except BaseException:
                del sys.modules["chromadb"]
                raise
        return sys.modules["chromadb"]


def _settings() -> Settings:
    from chromadb.config import Settings

    return Settings(_env_file=None, anonymized_telemetry=False, allow_reset=False)  # type: ignore[call-arg]


def _reason(error: Exception) -> str:
    """The first line of its message: some errors carry pages of traceback."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0][:200]}" if said else type(error).__name__
