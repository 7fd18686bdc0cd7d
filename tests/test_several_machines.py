"""An index in PostgreSQL, its vectors on a Chroma server: several programs at once, and what can fail.

Each program here is an index of its own, with its own connections, as if on another machine.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.chroma_server import ChromaServer, chroma_server
from tests.fake_embedding import FakeEmbedding
from tests.postgres_server import PASSWORD, PostgresServer
from tests.test_catalog import new_passage
from tests.test_index import FERRY, FLOOD, NEWS, UNDATED, answers
from vectorstore.articles import Article, Origin, Progress, SourceFile
from vectorstore.catalog import Catalog, open_catalog
from vectorstore.central import CentralIndex
from vectorstore.context import in_context
from vectorstore.errors import (
    ArticleNotFoundError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
)
from vectorstore.index import Index
from vectorstore.local import LocalIndex
from vectorstore.moving import move
from vectorstore.shared import open_shared
from vectorstore.stores.sqlite import CATALOG

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dateline'"


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    with chroma_server(tmp_path_factory.mktemp("chroma") / "data") as server:
        yield server


class Opening:
    """Opens programs on one index, and closes them after the test."""

    def __init__(self, database: str, chroma_url: str) -> None:
        self._database = database
        self._chroma_url = chroma_url
        self._opened: list[CentralIndex] = []

    def __call__(self, embedding: FakeEmbedding | None = None) -> CentralIndex:
        index = CentralIndex(
            self._database, lambda: embedding or FakeEmbedding(), chroma_url=self._chroma_url
        )
        self._opened.append(index)
        return index

    def close(self) -> None:
        for index in self._opened:
            index.close()


@pytest.fixture
def program(database: str, chroma: ChromaServer) -> Iterator[Opening]:
    with closing(Opening(database, chroma.url)) as opening:
        yield opening


def found(index: Index, query: str, **limits: object) -> list[str]:
    hits = index.search(query, 3, "vectors", **limits)  # type: ignore[arg-type]
    return [hit.passage.article_id for hit in hits]


def sound(index: Index) -> bool:
    return not [finding for finding in index.check() if finding.severity == "error"]


def numbered(first: int, last: int, note: str = "") -> list[Article]:
    return [
        Article(
            id=f"n{number}",
            title=f"Report {number}",
            text=f"subject{number} was discussed by group{number % 5} {note}.",
            source=f"paper {number % 2}",
        )
        for number in range(first, last)
    ]


# -- several at once ---------------------------------------------------------------------------


def test_what_one_adds_changes_and_removes_is_so_for_all(program: Opening) -> None:
    one, two = program(), program()
    one.add_articles(NEWS)
    assert answers(two) == answers(one)
    assert found(two, "new ferry crowns", sources=["Skennay Post"]) == ["ferry"]
    before = two.statistics().content
    two.edit("ferry", title="Council hears of a cheaper boat", authors=["Cy Cole"])
    assert one.get("ferry").title == "Council hears of a cheaper boat"
    assert one.statistics().content != before
    assert found(one, "cheaper boat", authors=["cy cole"]) == ["ferry"]
    one.remove(["ferry"])
    for index in (one, two):
        assert "ferry" not in found(index, "cheaper boat")
        assert found(index, "cheaper boat", sources=["Skennay Post"]) == []
        assert index.search("boat", mode="words") == []
        with pytest.raises(ArticleNotFoundError):
            index.get("ferry")
    assert answers(two) == answers(one)
    assert sound(one)


def test_two_that_write_at_once_lose_nothing_of_each_other(program: Opening) -> None:
    """They share articles and passages, so each has made vectors that the other relies on."""
    one, two = program(), program()
    shared = numbered(100, 110)
    with ThreadPoolExecutor(2) as pool:
        adding = [
            pool.submit(lambda index, own: [index.add_articles([e]) for e in own], index, own)
            for index, own in (
                (one, [*numbered(0, 20), *shared]),
                (two, [*shared, *numbered(20, 40)]),
            )
        ]
        reports = [report for each in adding for report in each.result()]
    added = [article_id for report in reports for article_id in report.added]
    assert sorted(added) == sorted(a.id for a in [*numbered(0, 40), *shared])
    assert one.statistics().articles == two.statistics().articles == 50
    assert answers(one) == answers(two)
    assert sound(one)


def test_one_removes_and_replaces_while_another_searches(program: Opening) -> None:
    one, two = program(), program()
    one.add_articles([*NEWS, *numbered(0, 30)])
    stopped = threading.Event()
    searched = 0

    def search() -> None:
        nonlocal searched
        while not stopped.is_set():
            for mode in ("hybrid", "words", "vectors"):
                for hit in two.search("subject7 ferry discussed group2", 5, mode):
                    assert hit.passage.text
            searched += 1

    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(search)
        for number in range(12):
            one.remove([f"n{number}"])
            one.add_articles(numbered(number + 12, number + 13, note="again"))
        stopped.set()
        searching.result()
    assert searched
    assert "n7" not in found(two, "subject7")
    assert found(two, "subject14 again")[0] == "n14"
    assert answers(two) == answers(one)


def test_vectors_that_one_has_made_again_are_taken_up_by_the_others(program: Opening) -> None:
    one, two = program(), program()
    one.add_articles(NEWS)
    assert found(two, "new ferry crowns")[0] == "ferry"
    one.rebuild()
    assert found(two, "new ferry crowns")[0] == "ferry"
    two.rebuild()
    one.add_articles(numbered(1, 3))
    two.remove(["flood"])
    assert answers(two) == answers(one)
    assert sound(one)
    assert sound(two)


def test_what_a_program_that_was_killed_has_not_handed_over_the_next_one_does(
    program: Opening,
) -> None:
    one, two = program(), program()
    one.add_articles([FLOOD])
    killed = two._catalog  # it stored an article, but died before Chroma had its vector
    text = in_context(FERRY.title, FERRY.published, FERRY.text)
    vector = FakeEmbedding().embed([text])[0].tobytes()
    passage = replace(new_passage(FERRY), embedding=vector)
    killed.put([(FERRY, [passage])], FakeEmbedding().identity)
    assert found(one, "new ferry crowns") == ["flood"]
    one.add_articles([UNDATED])
    assert found(one, "new ferry crowns")[0] == "ferry"
    assert sound(one)


def test_another_embedding_model_is_refused_whenever_it_comes(program: Opening) -> None:
    early = program(FakeEmbedding("other@1"))
    one = program()
    one.add_articles(NEWS)
    reason = (
        "has vectors of the embedding model fake.*set to other.*DATELINE_EMBEDDING_MODEL to fake"
    )
    for call in (
        lambda: early.add_articles(numbered(1, 2)),
        lambda: early.search("ferry"),
        lambda: program(FakeEmbedding("other@1")),
    ):
        with pytest.raises(StoreError, match=reason):
            call()
    assert answers(program()) == answers(one)
    assert sound(one)


# -- what fails --------------------------------------------------------------------------------


def test_a_connection_that_was_lost_between_two_batches_is_not_even_missed(
    program: Opening, postgres: PostgresServer
) -> None:
    index = program()
    seen: list[Progress] = []

    def kill(progress: Progress) -> None:
        postgres.psql(KILL)
        seen.append(progress)

    index.add_articles(numbered(0, 150), progress=kill)
    assert len(seen) > 1
    postgres.psql(KILL)
    assert index.statistics().articles == 150
    postgres.psql(KILL)
    assert found(index, "subject3")[0] == "n3"
    assert sound(index)


def test_a_connection_that_is_lost_in_the_middle_of_storing_loses_nothing_that_was_reported(
    program: Opening, postgres: PostgresServer
) -> None:
    index, other = program(), program()
    index.add_articles(NEWS)
    reported = answers(other)
    lost = r"connection to the PostgreSQL server at 127.0.0.1:\d+ was lost .*run the command again"

    def entries() -> Iterator[tuple[Article, list[object]]]:
        yield numbered(1, 2)[0], [new_passage(numbered(1, 2)[0])]
        postgres.psql(KILL)
        yield numbered(2, 3)[0], [new_passage(numbered(2, 3)[0])]

    with pytest.raises(StoreError, match=lost):
        index._catalog.put(entries(), FakeEmbedding().identity)  # type: ignore[arg-type]
    assert answers(other) == reported

    def in_a_turn() -> None:
        with index._catalog.turn:
            postgres.psql(KILL)  # another program may have had a turn since
            index.remove(["ferry"])

    def in_a_snapshot() -> None:
        with index._catalog.snapshot():
            postgres.psql(KILL)
            index.get("ferry")

    for cut_off in (in_a_turn, in_a_snapshot):
        with pytest.raises(StoreError, match=lost):
            cut_off()
    index.add_articles(numbered(1, 3))
    assert other.statistics().articles == len(NEWS) + 2
    assert sound(other)


def test_a_server_that_is_down_is_told_and_used_again_when_it_is_back(
    program: Opening, postgres: PostgresServer
) -> None:
    index = program()
    index.add_articles(NEWS)
    reported = answers(index)
    postgres.stop()
    try:
        for call in (
            lambda: index.search("ferry"),
            lambda: index.add_articles(numbered(1, 2)),
            lambda: index.remove(["ferry"]),
            program,
        ):
            with pytest.raises(
                StoreError, match=r"no PostgreSQL server answers at .*Start it"
            ) as told:
                call()
            assert PASSWORD not in str(told.value)
    finally:
        postgres.start()
    assert answers(index) == reported
    index.add_articles(numbered(1, 2))
    assert found(index, "subject1")[0] == "n1"
    assert sound(index)


def test_an_index_that_is_removed_while_it_is_open_is_told(
    program: Opening, postgres: PostgresServer, database: str
) -> None:
    index = program()
    index.add_articles(NEWS)
    postgres.psql(f"DROP SCHEMA {database.partition('?index=')[2]} CASCADE")
    with pytest.raises(StoreDamagedError, match="removed while it was open"):
        index.get("ferry")
    with pytest.raises(StoreDamagedError, match="removed while it was open"):
        index.add_articles(NEWS)


def test_a_chroma_server_that_comes_back_empty_is_filled_again(
    database: str, tmp_path: Path
) -> None:
    folder = tmp_path / "chroma"
    with chroma_server(folder) as first, closing(Opening(database, first.url)) as program:
        one, two = program(), program()
        one.add_articles([*NEWS, *numbered(0, 10)])
        expected = answers(two)
        first.stop()
        with pytest.raises(StoreError, match=r"no Chroma server answers|does not do its work"):
            one.search("ferry")
        assert one.search("ferry", mode="words")
        shutil.rmtree(folder)
        with chroma_server(folder, first.port):
            assert answers(one) == expected
            assert answers(two) == expected
            two.add_articles(numbered(10, 12))
            assert found(one, "subject11")[0] == "n11"
            assert sound(one)


def test_without_a_chroma_server_it_is_refused(database: str) -> None:
    with pytest.raises(StoreError, match=r"kept by a Chroma server.*DATELINE_CHROMA_URL"):
        CentralIndex(database, FakeEmbedding, chroma_url=None)


# -- moving ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index with files and edits."""
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles([*NEWS, *numbered(0, 30)])
        origin = Origin("/articles/ferry.txt", "ferry", "Skennay Post")
        index.store_files([SourceFile(origin.place, digest="d", origins=(origin,))])
        index.edit("flood", published=date(2025, 3, 7), tags=["rain"])
    return folder


def test_an_index_is_moved_there_and_back(
    folder: Path, tmp_path: Path, database: str, chroma: ChromaServer
) -> None:
    with LocalIndex(folder, FakeEmbedding) as index:
        expected = answers(index)
    shown: list[Progress] = []
    there = move(str(folder), database, progress=shown.append)
    assert (there.articles, there.passages) == (33, 33)
    assert (shown[0].done, shown[0].total) == (33, 33)
    embedding = FakeEmbedding()
    with CentralIndex(database, lambda: embedding, chroma_url=chroma.url) as central:
        assert answers(central) == expected
        assert central.source_files(articles=["ferry"])[0].digest == "d"
        assert sound(central)
    assert not [text for text in embedding.asked if "\n" in text]  # no passage of an article
    back = tmp_path / "back"
    assert move(database, str(back)) == there
    with LocalIndex(back, FakeEmbedding) as index:
        assert answers(index) == expected
        assert sound(index)
        changed = replace(FLOOD, text="Another text.", published=None)
        index.store_files([], [changed])  # read again from its file: edits outlive that
        assert index.get("flood").tags == ("rain",)


def test_a_move_that_was_cut_off_goes_on_and_takes_what_changed_since(
    folder: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vectorstore.moving._A_BATCH", 10)
    puts = Counting()

    def stop(progress: Progress) -> None:
        if progress.done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(str(folder), database, progress=stop)
    with LocalIndex(folder, FakeEmbedding) as index:
        index.remove(["n3"])
        index.edit("n4", title="Another title")
    monkeypatch.setattr(Catalog, "put", puts.counted(Catalog.put))
    moved = move(str(folder), database)
    assert moved.articles == 32
    assert puts.articles == 32 - 20 + 1 + 1  # one copied before was changed, one removed
    assert move(str(folder), str(folder.with_name("copy"))) == moved


class Counting:
    """Counts the articles put into catalogs."""

    articles = 0

    def counted(self, put: object) -> object:
        def counting(catalog: Catalog, entries: list[object], *given: object) -> None:
            self.articles += len(entries)
            put(catalog, entries, *given)  # type: ignore[operator]

        return counting


def test_what_cannot_be_moved_is_refused(folder: Path, tmp_path: Path, database: str) -> None:
    with pytest.raises(StoreError, match="there is no index in"):
        move(str(tmp_path / "nowhere"), database)
    with pytest.raises(StoreError, match="both are the same index"):
        move(database, database)
    with LocalIndex(tmp_path / "other", FakeEmbedding) as other:
        other.add_articles(numbered(50, 52))
    move(str(folder), database)
    with pytest.raises(StoreError, match="has articles of its own"):
        move(str(tmp_path / "other"), database)
    with (
        open_shared(folder, lambda: LocalIndex(folder, FakeEmbedding)),
        pytest.raises(StoreBusyError, match="is held by"),
    ):
        move(str(folder), database)
    with closing(open_catalog(folder / CATALOG)) as catalog, catalog.transaction():
        catalog._store.execute("UPDATE articles SET text = 'changed' WHERE id = ?", "n5")
    with pytest.raises(StoreDamagedError, match="'n5' is not as it was stored"):
        move(str(folder), str(tmp_path / "copy"))


# -- from the command line ---------------------------------------------------------------------


def test_the_commands_work_on_a_database(
    database: str, chroma: ChromaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from assistant.cli import app

    monkeypatch.setenv("DATELINE_CHROMA_URL", chroma.url)
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "ferry.txt").write_text(f"{FERRY.title}\n\n{FERRY.text}", encoding="utf-8")

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["--index", str(tmp_path / "own"), *arguments])
        assert done.exit_code == code, done.output
        assert PASSWORD not in done.output
        assert "password" not in done.output
        return done.output

    assert "1 added" in run("--database", database, "add", str(articles))
    monkeypatch.setenv("DATELINE_DATABASE", database)
    (listed,) = json.loads(run("list", "--json"))
    assert "ferry" in listed["id"]
    assert "the index is postgresql://127.0.0.1" in run("doctor")
    assert "pg_dump" in run("backup", str(tmp_path / "a.backup"), code=1)
    assert "dateline move" in run("restore", str(tmp_path / "a.backup"), code=1)
    token = run("key", "create", "newsletter").splitlines()[0].strip()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    assert token.startswith("dateline_")
    assert "newsletter: can ask, made" in (listed_keys := run("key", "list"))
    assert "not made on this computer" not in listed_keys
    assert "Revoked: newsletter" in run("key", "revoke", "newsletter")
    assert "no keys yet" in run("key", "list")
    assert "0 helpful of 0" in run("feedback", str(tmp_path / "questions.jsonl"))
    run("subscriptions", "add", str(articles))
    assert str(articles) in run("subscriptions")
    assert {each.name for each in (tmp_path / "own").iterdir()} == set()  # all is in the database
    told = run("move", database, str(tmp_path / "moved"))
    assert "copied 1 article" in told
    assert "also copied: 1 subscription\n" in told
    monkeypatch.delenv("DATELINE_CHROMA_URL")
    assert "set chroma_url" in run("list", code=1)
