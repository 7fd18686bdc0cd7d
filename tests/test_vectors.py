"""Chroma, embedded and as a server: its surprises must not surprise us."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.chroma_server import ChromaServer, chroma_server, free_port
from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.catalog import StoredVector
from vectorstore.errors import EmbeddingError, StoreError
from vectorstore.local import LocalIndex
from vectorstore.vectors import Vectors, fingerprint, open_embedded, open_server

ROOT = Path(__file__).parent.parent


# -- embedded ----------------------------------------------------------------------------------


def test_vectors_are_found_by_their_cosine(tmp_path: Path) -> None:
    with vectors_in(tmp_path / "v") as vectors:
        vectors.put([stored(1, [9, 0, 0]), stored(2, [1, 1, 0]), stored(3, [0, 0, 1])])
        assert vectors.search(vector([1, 0, 0]), 2) == [1, 2]
        assert vectors.search(vector([1, 0, 0]), 9) == [1, 2, 3]
        assert vectors.search(vector([1, 0, 0]), 9, [3, 2]) == [2, 3]
        assert vectors.search(vector([1, 0, 0]), 9, []) == []
        vectors.put([stored(1, [0, 0, 5])])
        vectors.drop([3, 77])
        assert vectors.keys() == [1, 2]
        assert vectors.search(vector([0, 0, 1]), 1) == [1]
        vectors.clear()
        assert vectors.keys() == []
        assert vectors.search(vector([0, 0, 1]), 1) == []


def test_thousands_are_put_listed_and_dropped_at_once(tmp_path: Path) -> None:
    with vectors_in(tmp_path / "v") as vectors:
        vectors.put([stored(n, [1, n, n % 7]) for n in range(6_001)])
        assert vectors.keys() == list(range(6_001))
        vectors.drop(list(range(1, 6_001)))
        assert vectors.keys() == [0]


def test_a_dot_env_in_the_working_folder_changes_nothing(tmp_path: Path) -> None:
    """Chroma reads it at import: nonsense makes that fail, sense moves the vectors elsewhere."""
    program = (
        "import sys, pathlib\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from vectorstore.vectors import open_embedded\n"
        "vectors = open_embedded(pathlib.Path(sys.argv[1]), 'passages')\n"
        "print(vectors.keys())\n"
        "vectors.close()\n"
        "import chromadb\n"
        "assert chromadb.config.Settings.model_config['env_file'] == '.env'\n"
    )
    hostile = [
        b"CHROMA_SERVER_HTTP_PORT=not a number\n",
        b"\xff\xfe\x00 not text",
        f"PERSIST_DIRECTORY={tmp_path}/elsewhere\nIS_PERSISTENT=FALSE\nALLOW_RESET=TRUE\n"
        "CHROMA_API_IMPL=chromadb.api.fastapi.FastAPI\nCHROMA_SERVER_HOST=127.0.0.1\n"
        "CHROMA_OTEL_COLLECTION_ENDPOINT=http://127.0.0.1:9\n".encode(),
    ]
    for number, content in enumerate(hostile):
        work = tmp_path / str(number)
        work.mkdir()
        (work / ".env").write_bytes(content)
        ended = subprocess.run(
            [sys.executable, "-c", program, work / "vectors"],
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr
        assert (work / "vectors" / "chroma.sqlite3").is_file()
        assert sorted(path.name for path in work.iterdir()) == [".env", "vectors"]
    assert not (tmp_path / "elsewhere").exists()


def test_an_embedding_function_in_the_stored_configuration_is_never_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles([Article(id="a", title="", text="a ferry")])
    (chroma,) = folder.glob("vectors-*/chroma.sqlite3")
    tamper(chroma)

    # Even opening the file regardless builds nothing from it.
    made = watched_embedding_functions()
    with sqlite3.connect(chroma) as db:
        (name,) = db.execute("SELECT name FROM collections").fetchone()
    db.close()
    with closing(open_embedded(chroma.parent, name)) as vectors:
        vectors.put([stored(7, [1.0] * 64)])
        vectors.search(vector([1.0] * 64), 1)
    assert made == []

    with LocalIndex(folder, FakeEmbedding) as index:
        assert index.search("ferry", mode="vectors")[0].passage.article_id == "a"
    assert "has been changed" in caplog.text
    assert b"watched" not in chroma.read_bytes()
    assert made == []


def test_a_collection_that_measures_otherwise_is_refused(tmp_path: Path) -> None:
    with vectors_in(tmp_path / "other") as vectors:
        vectors._client.create_collection(
            "theirs", configuration={"hnsw": {"space": "l2"}}, embedding_function=None
        )
    with pytest.raises(StoreError, match="measures by 'l2', not by cosine"):
        open_embedded(tmp_path / "other", "theirs")


def test_a_collection_with_a_thinner_graph_works_and_gets_the_measured_one_when_rebuilt(
    tmp_path: Path,
) -> None:
    with vectors_in(tmp_path / "v") as vectors:
        vectors._client.create_collection(
            "older", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )

    def neighbours(of: Vectors) -> object:
        return (of._collection.configuration_json["hnsw"] or {})["max_neighbors"]

    with closing(open_embedded(tmp_path / "v", "older")) as vectors:
        vectors.put([stored(7, [1.0, 0.0, 0.0])])
        assert (neighbours(vectors), vectors.search(vector([1.0, 0.0, 0.0]), 1)) == (16, [7])
        vectors.clear()
        assert (neighbours(vectors), vectors.keys()) == (64, [])


@pytest.mark.parametrize("change", ["content", "size", "name", "deleted", "link", "time set back"])
def test_any_change_of_the_files_changes_the_fingerprint(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "v"
    with vectors_in(folder) as vectors:
        vectors.put([stored(n, [1, n, 0]) for n in range(20)])
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    file = folder / "chroma.sqlite3"
    content, times = file.read_bytes(), file.stat()
    if change == "content":
        file.write_bytes(content[:-1] + b"\xff")
    elif change == "size":
        file.write_bytes(content[:-1])
    elif change == "name":
        file.rename(folder / "other.sqlite3")
    elif change == "deleted":
        file.unlink()
    elif change == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    else:
        file.write_bytes(content[:-1] + b"\xff")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fingerprint(folder) != before


def test_an_embedding_model_that_gives_nonsense_is_named(tmp_path: Path) -> None:
    class Nonsense(FakeEmbedding):
        def embed(self, texts: Any) -> Any:
            return super().embed(texts) * np.float32("nan")

    class Misshapen(FakeEmbedding):
        def embed(self, texts: Any) -> Any:
            return super().embed(texts)[:, :3]

    article = Article(id="a", title="", text="a ferry")
    for model, message in ((Nonsense, "not finite"), (Misshapen, "array of shape")):
        with LocalIndex(tmp_path / model.__name__, model) as index:
            with pytest.raises(EmbeddingError, match=f"fake gave .*{message}"):
                index.add_articles([article])
            assert index.articles() == []


# -- a server ----------------------------------------------------------------------------------


def test_a_server_that_is_down_is_named_with_what_to_do(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with LocalIndex(tmp_path / "index", FakeEmbedding, chroma_url=url) as index:
        expected = rf"no Chroma server answers at {url} .*chroma run --path"
        with pytest.raises(StoreError, match=expected):
            index.add_articles([Article(id="a", title="", text="a ferry")])
        with pytest.raises(StoreError, match=expected):
            index.search("ferry")
        assert index.articles() == []
        (fault,) = [finding for finding in index.check() if finding.severity == "error"]
        assert "no Chroma server answers" in fault.message


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "http://a:port"])
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    with pytest.raises(
        StoreError, match=r"not the address of a Chroma server.*http://localhost:8000"
    ):
        open_server(url, "passages")


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(StoreError) as refused:
        open_server(f"http://reader:s3cret@127.0.0.1:{free_port()}/", "passages")
    assert "s3cret" not in str(refused.value)


def test_a_server_that_was_emptied_is_filled_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    embedding = FakeEmbedding()
    with chroma_server(tmp_path / "first", port) as server:
        index = opened(tmp_path, server, embedding)
        index.add_articles(ferries(5))
        assert found(index) == {"0", "1", "2", "3", "4"}
    with pytest.raises(StoreError, match=r"does not do its work|no Chroma server answers"):
        index.search("ferry")
    with chroma_server(tmp_path / "second", port) as server:
        # While in use ...
        assert found(index) == {"0", "1", "2", "3", "4"}
        assert "lacked 5 of 5 vectors" in caplog.text
        # ... and between two uses.
        index.close()
        empty(server)
        with opened(tmp_path, server, embedding) as again:
            assert found(again) == {"0", "1", "2", "3", "4"}
    assert embedding.texts == 5 + queries(embedding)


def test_what_a_server_should_not_have_is_dropped(server: ChromaServer, tmp_path: Path) -> None:
    with opened(tmp_path, server) as index:
        index.add_articles(ferries(3))
        name = index._mirror._collection(1)
    with closing(open_server(server.url, name)) as vectors:
        vectors.put([stored(99, [1.0] * 64)])
        vectors.drop([1])
        assert len(vectors.keys()) == 3
    with opened(tmp_path, server) as index:
        assert found(index) == {"0", "1", "2"}
        assert not [finding for finding in index.check() if finding.severity == "error"]


def test_files_and_server_may_be_changed_for_each_other(
    server: ChromaServer, tmp_path: Path
) -> None:
    embedding = FakeEmbedding()
    for number, url in enumerate([None, server.url, None, server.url]):
        with LocalIndex(tmp_path / "index", lambda: embedding, chroma_url=url) as index:
            assert len(found(index)) == number
            index.add_articles([Article(id=str(number), title="", text=f"a ferry {number}")])
            assert len(found(index)) == number + 1
    assert embedding.texts == 4 + queries(embedding)


def test_another_model_leaves_no_collection_behind(server: ChromaServer, tmp_path: Path) -> None:
    with opened(tmp_path, server) as index:
        index.add_articles(ferries(3))
    with opened(tmp_path, server, FakeEmbedding("other@2")) as index:
        assert found(index) == {"0", "1", "2"}
        index.rebuild()
        assert found(index) == {"0", "1", "2"}
        prefix, name = index._mirror._prefix(), index._mirror._collection(2)
    with closing(open_server(server.url, "passages-looking")) as vectors:
        names = [collection.name for collection in vectors._client.list_collections()]
    assert [one for one in names if one.startswith(prefix)] == [name]


def test_a_copied_folder_does_not_share_a_collection(server: ChromaServer, tmp_path: Path) -> None:
    with opened(tmp_path, server) as index:
        index.add_articles(ferries(2))
    copy = tmp_path / "copy"
    copy.mkdir()
    subprocess.run(["cp", "-r", tmp_path / "index", copy / "index"], check=True)
    with opened(tmp_path, server) as original, opened(copy, server) as copied:
        copied.remove(["0"])
        copied.add_articles([Article(id="new", title="", text="a ferry anew")])
        assert found(original) == {"0", "1"}
        assert found(copied) == {"1", "new"}
        original.add_articles([Article(id="2", title="", text="a ferry again")])
        assert found(original) == {"0", "1", "2"}


# -- helpers -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    with chroma_server(tmp_path_factory.mktemp("chroma") / "data") as started:
        yield started


@pytest.fixture(autouse=True)
def _logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "vectorstore")


@contextmanager
def vectors_in(folder: Path) -> Iterator[Vectors]:
    with closing(open_embedded(folder, "passages")) as vectors:
        yield vectors


def opened(
    folder: Path, server: ChromaServer, embedding: FakeEmbedding | None = None
) -> LocalIndex:
    model = embedding or FakeEmbedding()
    return LocalIndex(folder / "index", lambda: model, chroma_url=server.url)


def ferries(count: int) -> list[Article]:
    return [Article(id=str(n), title="", text=f"a ferry {n}") for n in range(count)]


def found(index: LocalIndex) -> set[str]:
    hits = index.search("ferry", 50, "vectors")
    return {p.article_id for hit in hits for p in (hit.passage, *hit.copies)}


def queries(embedding: FakeEmbedding) -> int:
    return embedding.asked.count("ferry")


def stored(key: int, values: list[float]) -> StoredVector:
    return StoredVector(key, vector(values).tobytes())


def vector(values: list[float]) -> Any:
    return np.asarray(values, np.float32)


def empty(server: ChromaServer) -> None:
    with closing(open_server(server.url, "passages-emptying")) as vectors:
        for collection in vectors._client.list_collections():
            collection.delete(ids=collection.get(include=[])["ids"] or ["none"])


def tamper(chroma: Path) -> None:
    """Put an embedding function into the configuration, and set size and time back."""
    before = chroma.stat()
    function = {"type": "known", "name": "watched", "config": {"trust_remote_code": True}}
    with sqlite3.connect(chroma) as db:
        rows = db.execute("SELECT id, config_json_str FROM collections").fetchall()
        assert rows
        for key, text in rows:
            config = json.loads(text or "{}") | {"embedding_function": function}
            db.execute(
                "UPDATE collections SET config_json_str = ? WHERE id = ?", (json.dumps(config), key)
            )
    db.close()
    os.utime(chroma, ns=(before.st_atime_ns, before.st_mtime_ns))


def watched_embedding_functions() -> list[object]:
    from chromadb.utils.embedding_functions import known_embedding_functions

    made: list[object] = []

    class Watched:
        @staticmethod
        def name() -> str:
            return "watched"

        @staticmethod
        def build_from_config(config: object) -> None:
            made.append(config)

    known_embedding_functions["watched"] = Watched  # type: ignore[assignment]
    return made
