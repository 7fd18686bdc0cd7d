"""What every test gets: none of the settings and folders of the person running it."""

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
from assistant.web.gradio_import import import_gradio
from assistant.web.keeping import opened
from tests.postgres_server import PostgresServer, binaries, postgres_server
from vectorstore import embedding
from vectorstore.database import Database
from vectorstore.loading import worker as worker_module
from vectorstore.loading.worker import Worker
from vectorstore.stores import Rows


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        help="what is exhaustive, too: every state of the page, every sample question, …",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --all, leave out exhaustive tests: further cases of what other tests cover."""
    if not config.getoption("--all"):
        further = [item for item in items if item.get_closest_marker("exhaustive")]
        config.hook.pytest_deselected(items=further)
        items[:] = [item for item in items if item not in further]


@pytest.fixture(scope="session")
def every(request: pytest.FixtureRequest) -> bool:
    """Whether all cases are asked for, not just some of each kind."""
    return bool(request.config.getoption("--all"))


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Default folders are in a temporary home, and no DATELINE_… variable is set."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DATELINE_")]:
            patch.delenv(name)
        patch.setenv("DATELINE_MODEL_PORTS", "none")  # tests must not see what runs here
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _terminal() -> Iterator[None]:
    """Programs that tests start hear of their terminal closing even if `nohup` runs the tests:
    children ignore the signals it ignores."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell started them with `&`
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGHUP, before)


class Networks:
    """Weights are loaded once per process, whatever opens them, and their outputs are cached: many
    tests ask the same of the same articles."""

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
    """A parser process is reused from test to test, as it is from file to file: starting one takes
    longer than most files do. Not for a test's own parsers, nor for those that it starts otherwise
    or in another working folder."""
    told, close, kill = Worker.told, Worker.close, Worker.kill
    usual = Path.cwd(), worker_module._START
    idle: list[subprocess.Popen[bytes]] = []
    sound: WeakSet[Worker] = WeakSet()

    def telling(worker: Worker, parser: Any, *given: Any) -> Any:
        ours = parser.__module__.startswith("vectorstore.")
        ours &= (Path.cwd(), worker_module._START) == usual
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
    """Gradio builds an application of a hundred routes whenever a page is begun, queued and ended,
    and finally the one that is mounted, the only one that answers."""
    import_gradio()
    import gradio.blocks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradio.blocks, "App", SimpleNamespace(create_app=lambda *_, **__: None))
        yield


@pytest.fixture(scope="session", autouse=True)
def _types_once() -> Iterator[None]:
    """FastAPI builds the types of hundreds of parameters and replies for every application: more
    than half the cost of making one."""
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
    """A PostgreSQL server, shared by all tests of a process."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install '.[postgres]'")
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed: sudo apt install postgresql")
    with postgres_server() as server:
        yield server


_numbers = itertools.count()


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """The address of an index in PostgreSQL that does not exist yet."""
    return postgres.url(f"index_{next(_numbers)}")


@pytest.fixture(params=["a file each", "PostgreSQL"])
def rows_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Database], Rows]]:
    """Opens what is kept beside the articles, once as for a folder and once as for a database."""
    settings = Settings(index=tmp_path)
    if request.param == "PostgreSQL":
        settings = in_database(request.getfixturevalue("database"), tmp_path)
    with opened(settings) as rows_of:
        yield rows_of


def in_database(database: str, folder: Path) -> Settings:
    """The settings of a machine whose index is in that database."""
    return Settings(index=folder, database=database, chroma_url="http://127.0.0.1:1")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parent.parent
