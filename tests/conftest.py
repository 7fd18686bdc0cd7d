"""What every test gets: no setting and no folder of the person who runs them."""

from __future__ import annotations

import hashlib
import itertools
import os
import pickle
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest

from assistant.reading import network
from assistant.settings import Settings
from assistant.web.keeping import opened
from tests.postgres_server import PostgresServer, binaries, postgres_server
from vectorstore import embedding
from vectorstore.database import Database
from vectorstore.loading.worker import Worker
from vectorstore.stores import Rows


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        help="what is exhaustive, too: every state of the page, every sample question, …",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Unless all are asked for, what is exhaustive is left out: further cases of what others test."""
    if not config.getoption("--all"):
        further = [item for item in items if item.get_closest_marker("exhaustive")]
        config.hook.pytest_deselected(items=further)
        items[:] = [item for item in items if item not in further]


@pytest.fixture(scope="session")
def every(request: pytest.FixtureRequest) -> bool:
    """Whether all cases are asked for, and not some of each kind."""
    return bool(request.config.getoption("--all"))


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Default folders lie in a temporary home, and DATELINE_… of the environment are gone."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DATELINE_")]:
            patch.delenv(name)
        patch.setenv("DATELINE_MODEL_PORTS", "none")  # what runs on this computer is no test's
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _terminal() -> Iterator[None]:
    """Programs that tests start are told that their terminal closed, also where `nohup` runs the tests:
    what it ignores is ignored by its children."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell that started them with `&`
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGHUP, before)


class Networks:
    """Weights are loaded once a process, whatever opens them, and what they made of an input is remembered:
    many tests ask the same of the same articles."""

    def __init__(self) -> None:
        self._remembering = True

    def once(self, load: Callable[[Path], Any]) -> Callable[[Path], Any]:
        kept = lru_cache(8)(lambda path, _changed: load(path))

        def loaded(path: Path) -> Any:
            files = [path] if path.is_file() else sorted(path.glob("*"))
            return kept(path, tuple((file, file.stat().st_mtime_ns) for file in files))

        return loaded

    def remembered(self, run: Callable[..., Any]) -> Callable[..., Any]:
        said: dict[bytes, Any] = {}

        def asked(*given: Any) -> Any:
            if not self._remembering:
                return run(*given)
            key = hashlib.sha256(pickle.dumps(given)).digest()
            if key not in said:
                said[key] = run(*given)
            return said[key]

        return asked

    @contextmanager
    def asked_anew(self) -> Iterator[None]:
        self._remembering = False
        try:
            yield
        finally:
            self._remembering = True


@pytest.fixture(scope="session", autouse=True)
def networks() -> Iterator[Networks]:
    used, read, embed = Networks(), network._onnx, embedding._session
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_onnx", used.once(lambda folder: used.remembered(read(folder))))
        patch.setattr(
            embedding,
            "_session",
            used.once(lambda file: SimpleNamespace(run=used.remembered(embed(file).run))),
        )
        yield used


@pytest.fixture(scope="module")
def asked_anew(networks: Networks) -> Iterator[None]:
    """For tests of the networks themselves."""
    with networks.asked_anew():
        yield


@pytest.fixture(scope="session", autouse=True)
def _parsers_kept() -> Iterator[None]:
    """A process that parses goes on from test to test, as it does from file to file: starting one takes longer
    than most files do. Not one of a test's own parsers, nor one in a folder of its own."""
    told, close, kill, here = Worker.told, Worker.close, Worker.kill, Path.cwd()
    idle: list[subprocess.Popen[bytes]] = []
    sound: WeakSet[Worker] = WeakSet()

    def telling(worker: Worker, parser: Any, *given: Any) -> Any:
        ours = parser.__module__.startswith("vectorstore.") and Path.cwd() == here
        ours &= worker._process is None or worker in sound
        sound.discard(worker)
        if ours and worker._process is None and idle:
            worker._process = idle.pop()
        try:
            return told(worker, parser, *given)
        finally:
            if ours and worker._process is not None:
                sound.add(worker)

    def closed(worker: Worker) -> None:
        if worker in sound and worker._process is not None and worker._process.poll() is None:
            idle.append(worker._process)
            worker._process = None
        sound.discard(worker)
        close(worker)

    def killed(worker: Worker) -> None:
        sound.discard(worker)
        kill(worker)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "told", telling)
        patch.setattr(Worker, "close", closed)
        patch.setattr(Worker, "kill", killed)
        yield
    for process in idle:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session", autouse=True)
def _one_application() -> Iterator[None]:
    """Gradio makes an application of a hundred routes whenever a page is begun, queued and ended, and at last
    the one that is mounted, which is the only one that answers."""
    import gradio.blocks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradio.blocks, "App", SimpleNamespace(create_app=lambda *_, **__: None))
        yield


@pytest.fixture(scope="session", autouse=True)
def _types_once() -> Iterator[None]:
    """FastAPI makes the types of hundreds of parameters and replies for every application: more than half of
    what making one takes."""
    from pydantic import TypeAdapter

    made: dict[tuple[Any, str, str], Any] = {}

    def once(kind: Any, *, config: Any) -> Any:
        key = kind.__origin__, repr(kind.__metadata__), repr(config)
        if key not in made:
            made[key] = TypeAdapter(kind, config=config)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastapi._compat.v2.TypeAdapter", once)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for all tests of a process."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install '.[postgres]'")
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed: sudo apt install postgresql")
    with postgres_server() as server:
        yield server


_numbers = itertools.count()


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """The address of an index in PostgreSQL that nobody has made yet."""
    return postgres.url(f"index_{next(_numbers)}")


@pytest.fixture(params=["a file each", "PostgreSQL"])
def rows_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Database], Rows]]:
    """Opens what lies beside the articles, as it is opened where they lie in a folder and in a database."""
    settings = Settings(index=tmp_path)
    if request.param == "PostgreSQL":
        settings = in_database(request.getfixturevalue("database"), tmp_path)
    with opened(settings) as rows_of:
        yield rows_of


def in_database(database: str, folder: Path) -> Settings:
    """The settings of a machine whose index lies in that database."""
    return Settings(index=folder, database=database, chroma_url="http://127.0.0.1:1")


@pytest.fixture(scope="session")
def root() -> Path:
    """The clone's folder."""
    return Path(__file__).resolve().parent.parent
