"""Faults, all really caused: killed processes, torn files, full disks, two writers, odd clocks."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.crashing import Killing
from tests.fake_embedding import FakeEmbedding
from vectorstore import vectors
from vectorstore.articles import Article, Progress
from vectorstore.backups import restore
from vectorstore.errors import StoreDamagedError, StoreError
from vectorstore.folder import check_folder
from vectorstore.index import Index
from vectorstore.local import LocalIndex
from vectorstore.shared import open_shared
from vectorstore.stores.sqlite import CATALOG

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0
REPAIRED = "The vector index was not closed cleanly or has been changed since"


# -- kill -9 -----------------------------------------------------------------------------------


def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(
    tmp_path: Path, every: bool
) -> None:
    with Killing(tmp_path / "index", seed=20) as killing:
        outcomes = [killing.once() for _ in range(20 if every else 8)]
    assert [outcome for outcome in outcomes if not outcome.sound] == []
    hit = {outcome.operation for outcome in outcomes} - {"between"}
    assert len(hit) >= (3 if every else 2), "the kills hit too few operations to prove anything"


FORGETFUL = """
    import sys
    from pathlib import Path
    from tests.fake_embedding import FakeEmbedding
    from vectorstore.articles import Article
    from vectorstore.local import LocalIndex
    from vectorstore.shared import open_shared

    folder = Path(sys.argv[1])
    index = open_shared(folder, lambda: LocalIndex(folder, FakeEmbedding))
    index.add_articles([Article("a", "", "The ferry sails.")])
    print(len(index.search("ferry", 1, "vectors")))
"""


def test_a_script_that_ends_without_closing_leaves_nothing_to_be_made_again(tmp_path: Path) -> None:
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(FORGETFUL), str(tmp_path / "index")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (run.returncode, run.stdout) == (0, "1\n")
        assert REPAIRED not in run.stderr


KILLED = """
    import os, sys
    from pathlib import Path
    from tests.fake_embedding import FakeEmbedding
    from vectorstore.articles import Article
    from vectorstore.local import LocalIndex

    index = LocalIndex(Path(sys.argv[1]), FakeEmbedding)
    for number in range(20):
        assert len(index.search(f"ferry {number}", 3, "vectors")) == 3
    if sys.argv[2] == "adds":
        index.add_articles([Article("new", "", "The new ferry sails.")])
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(("does", "made_again"), [("asks", False), ("adds", True)])
def test_vectors_are_made_again_only_if_they_were_written_to_before_the_kill(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, does: str, made_again: bool
) -> None:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(3))
    for _ in range(2):  # the second finds what a killed process left behind
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "index"), does]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False)
        assert run.returncode == -9, run.stderr
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        assert found(index, "ferry") == {"0", "1", "2"} | ({"new"} if made_again else set())
    assert (REPAIRED in caplog.text) == made_again


SYNC = """
    import os, sys, threading
    from pathlib import Path
    from tests.fake_embedding import FakeEmbedding
    from vectorstore.local import LocalIndex

    class Killed(FakeEmbedding):
        def embed(self, texts):
            if self.texts >= int(sys.argv[3]):
                os.kill(os.getpid(), 9)
            return super().embed(texts)

    def kill(statement):
        # Between any two statements of the catalog, counted from the first of the sync.
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)

    index = LocalIndex(Path(sys.argv[1]), Killed)
    left = int(sys.argv[4])
    index._catalog._store._db.set_trace_callback(kill)
    index.sync(sys.argv[2], prune=True, yes=True)
"""


def _change_the_folder(folder: Path, step: int) -> dict[str, str]:
    """Some files are new, some changed, one moved, one copied, one gone; returns their texts."""
    folder.mkdir(exist_ok=True)
    for number in range(step * 3, step * 3 + 40):
        (folder / f"{number:03}.txt").write_text(
            f"Report {number} of the harbour, step {step // 2}."
        )
    first = min(folder.glob("*.txt"))
    first.rename(folder / f"moved-{step}.txt")
    shutil.copy2(max(folder.glob("0*.txt")), folder / f"copy-{step}.txt")
    min(folder.glob("0*.txt")).unlink()
    return {str(file): file.read_text() for file in folder.glob("*.txt")}


def test_a_sync_killed_at_any_moment_is_brought_to_its_end_by_the_next(tmp_path: Path) -> None:
    source, where = tmp_path / "articles", tmp_path / "index"
    cut = 0
    # Before the first text is embedded, and after some; then between statements of the catalog.
    for step, (texts, statements) in enumerate(
        [(0, -1), (33, -1), (1_000, 2), (1_000, 200), (1_000, 330)]
    ):
        files = _change_the_folder(source, step)
        process = start(SYNC, str(where), str(source), str(texts), str(statements))
        process.communicate(timeout=PATIENCE)
        cut += process.returncode == -9
        with LocalIndex(where, FakeEmbedding) as index:
            index.sync(source, prune=True, yes=True)
            held = {summary.id: index.get(summary.id).text for summary in index.articles()}
            assert sorted(held.values()) == sorted(set(files.values())), step
            places = {o.place: o.article_id for s in index.articles() for o in s.origins}
            assert {place: held[article_id] for place, article_id in places.items()} == files
            again = index.sync(source)
            assert (again.new, again.changed, again.vanished) == ((), (), ())
            assert [f for f in index.check() if f.severity == "error"] == []
    assert cut >= 4, "too few were killed to prove anything"


LOCKED = """
    import sys
    from pathlib import Path
    from tests.fake_embedding import FakeEmbedding
    from vectorstore.local import LocalIndex

    source = Path(sys.argv[2])
    with LocalIndex(Path(sys.argv[1]), FakeEmbedding) as index:
        index.sync(source)
        (source / "locked").chmod(0)
        report = index.sync(source, prune=True, yes=True)
        (source / "locked").chmod(0o700)
        print(len(report.vanished), len(report.skipped), len(index.articles()))
        print(len(index.sync(source).unchanged))
"""


def test_what_is_in_a_folder_that_may_not_be_looked_into_is_not_gone(tmp_path: Path) -> None:
    source = tmp_path / "articles"
    (source / "locked").mkdir(parents=True)
    (source / "open.txt").write_text("The library shuts on Mondays.")
    (source / "locked" / "ferry.txt").write_text("The ferry sails at noon.")
    said = run(LOCKED, str(tmp_path / "index"), str(source), unprivileged=True)
    assert said.split() == ["0", "1", "2", "2"]


# -- Chroma's files ----------------------------------------------------------------------------


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def overwritten(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def test_each_of_chromas_files_may_be_torn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, every: bool
) -> None:
    """Its database in every way; each of the other files in one, unless --all is given."""
    # Chroma writes its graph every 1,000 vectors; rebuilding that many 22 times would take minutes.
    graph = {**vectors._GRAPH, "batch_size": 50, "sync_threshold": 100}
    monkeypatch.setattr(vectors, "_GRAPH", graph)
    embedding = FakeEmbedding(dimensions=32)
    folder = tmp_path / "index"

    def opened() -> LocalIndex:
        return LocalIndex(folder, lambda: embedding)

    with opened() as index:
        index.add_articles(articles(12, passages=10))
        expected = found(index, "alone7 ferry")
        asked = embedding.texts - 1
    files = sorted(path for path in folder.glob("vectors-1/**/*") if path.is_file())
    assert len(files) >= 6
    for number, name in enumerate(sorted(file.name for file in files)):
        damages: list[Callable[[Path], None]] = [truncated, emptied, Path.unlink]
        if name.startswith(("chroma", "data")):
            damages.append(overwritten)
        if not (every or name.startswith("chroma")):
            damages = [damages[number % len(damages)]]
        for damage in damages:
            (file,) = folder.glob(f"vectors-1/**/{name}")
            damage(file)
            caplog.clear()
            with opened() as index:
                assert found(index, "alone7 ferry") == expected
                assert REPAIRED in caplog.text
                embedding.asked.clear()
    with opened() as index:
        (fault,) = [finding for finding in index.check() if finding.severity == "ok"]
        assert "12 articles, 120 passages" in fault.message
    assert asked == 120  # and since then only queries


def test_sound_files_are_not_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(3))
    (file,) = tmp_path.glob("index/vectors-1/chroma.sqlite3")
    before = file.stat().st_ino
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        assert found(index, "ferry") == {"0", "1", "2"}
    assert file.stat().st_ino == before
    assert caplog.text == ""


def test_a_graph_that_chroma_cannot_load_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are untouched, but a release of Chroma cannot read them."""
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(3))
    (data,) = tmp_path.glob("index/vectors-1/*/header.bin")
    before = data.parent
    search = vectors.Vectors.search

    def failing(self: Any, *given: Any, **more: Any) -> list[int]:
        if before.exists():
            raise vectors.VectorsError("of another release")
        return search(self, *given, **more)

    monkeypatch.setattr(vectors.Vectors, "search", failing)
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        assert found(index, "ferry") == {"0", "1", "2"}
    assert REPAIRED in caplog.text


def test_doctor_says_what_was_repaired(tmp_path: Path) -> None:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(3))
    next(tmp_path.glob("index/vectors-1/chroma.sqlite3")).unlink()
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        findings = [(f.severity, f.message) for f in index.check()]
    assert any(severity == "warning" and REPAIRED in message for severity, message in findings)
    assert not any(severity == "error" for severity, _ in findings)


def test_chroma_may_fail_in_the_middle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(3))
        assert found(index, "ferry") == {"0", "1", "2"}
        assert index._mirror._vectors is not None
        index._mirror._vectors._client.delete_collection(index._mirror._collection(1))
        assert found(index, "ferry") == {"0", "1", "2"}
        assert REPAIRED in caplog.text
        index._mirror._vectors._client.delete_collection(index._mirror._collection(1))
        index.add_articles(articles(5))
        assert found(index, "ferry") == {"0", "1", "2", "3", "4"}


def test_doctor_finds_vectors_that_are_missing_or_left_over(tmp_path: Path) -> None:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(3))
        found(index, "ferry")
        assert index._mirror._vectors is not None
        index._mirror._vectors.drop([1])
        (fault,) = [finding for finding in index.check() if finding.severity == "error"]
        assert fault.message == "vectors: 1 are missing and 0 are left over"
        assert fault.remedy == "run `dateline rebuild`"
        index.rebuild()
        assert not [finding for finding in index.check() if finding.severity == "error"]


# -- the catalog -------------------------------------------------------------------------------


def deleted(file: Path) -> None:
    file.unlink()


def noise(file: Path) -> None:
    file.write_bytes(b"not a database" * 5_000)


@pytest.mark.parametrize("damage", [truncated, emptied, deleted, noise])
def test_a_damaged_catalog_names_the_newest_backup_which_brings_it_back(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles(articles(20))
        index.backup(tmp_path / "older.backup")
        index.backup(tmp_path / "newer.backup")
        expected = found(index, "ferry")
    damage(folder / CATALOG)
    newest = tmp_path / "newer.backup"
    with pytest.raises(StoreDamagedError, match=f"dateline restore {newest}"):
        use(folder)
    newest.unlink()
    with pytest.raises(StoreDamagedError, match=r"dateline restore .*older\.backup"):
        use(folder)
    restore(tmp_path / "older.backup", folder)
    with LocalIndex(folder, FakeEmbedding) as index:
        assert found(index, "ferry") == expected


def destroyed(file: Path) -> None:
    """All pages but the first."""
    with file.open("r+b") as opened:
        opened.seek(4_096)
        opened.write(os.urandom(file.stat().st_size - 4_096))


def replaced(file: Path) -> None:
    copy = file.with_name("copy")
    shutil.copy(file, copy)
    copy.replace(file)


@pytest.mark.parametrize("damage", [destroyed, truncated, deleted, replaced])
def test_a_catalog_that_is_destroyed_while_it_is_open_is_told_and_takes_no_more(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles(articles(120, passages=3))
        index.backup(tmp_path / "a.backup")
    index = LocalIndex(folder, FakeEmbedding)
    try:
        found(index, "ferry")
        damage(folder / CATALOG)
        for _ in range(2):  # a failure leaves nothing half done that would hinder the next attempt
            with pytest.raises(StoreDamagedError, match=r"dateline restore .*a\.backup"):
                index.add_articles([article("new")])
            with pytest.raises(StoreDamagedError):
                index.remove(["3"])
        if damage in (destroyed, truncated):
            with pytest.raises(StoreDamagedError):
                index.search("ferry", 1000)
            assert "is damaged" in index.check()[0].message
    finally:
        with suppress(StoreDamagedError):
            index.close()


def test_doctor_reports_what_changed_inside_the_catalog(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles(articles(3))
        index.backup(tmp_path / "a.backup")
    file = folder / CATALOG
    file.write_bytes(file.read_bytes().replace(b"alone1 took", b"alone1 lost"))
    with LocalIndex(folder, FakeEmbedding) as index:
        faults = [finding for finding in index.check() if finding.severity == "error"]
    assert faults[0].message == "the article '1' is not as it was stored"
    assert f"dateline restore {tmp_path / 'a.backup'}" in faults[0].remedy


# -- the disk ----------------------------------------------------------------------------------

FILL = """
    import resource, signal, sys
    from pathlib import Path
    from tests.fake_embedding import FakeEmbedding
    from tests.test_crash import articles
    from vectorstore.errors import StoreError
    from vectorstore.local import LocalIndex

    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:  # the first limit leaves no room for an empty index either
        index = LocalIndex(Path(sys.argv[1]), lambda: FakeEmbedding(dimensions=256))
        for article in articles(400, passages=4):
            index.add_articles([article])
            print("added", article.id, flush=True)
    except StoreError as error:
        print("full", error, flush=True)
"""


@pytest.mark.parametrize("limit", [100_000, 250_000, 400_000, 1_500_000])
def test_a_disk_that_is_full_in_the_middle_loses_nothing(tmp_path: Path, limit: int) -> None:
    """To a writer, a limit on file size is a full disk, and it needs no mount."""
    folder = tmp_path / "index"
    said = run(FILL, str(folder), str(limit)).splitlines()
    assert said[-1].startswith("full")
    assert "ree some space" in said[-1]
    added = {line.split()[1] for line in said[:-1]}
    with LocalIndex(folder, lambda: FakeEmbedding(dimensions=256)) as index:
        stored = {summary.id for summary in index.articles()}
        assert added <= stored
        assert len(stored - added) <= 1  # durable, but its vectors did not fit: not acknowledged
        for article in articles(400, passages=4):
            if article.id in stored:
                assert index.get(article.id) == article
        assert found(index, "ferry") == stored
        assert not [finding for finding in index.check() if finding.severity == "error"]
        index.add_articles(articles(5))
        assert {"0", "1", "2", "3", "4"} <= found(index, "ferry")


READ_ONLY = """
    import sys
    from pathlib import Path
    from tests.fake_embedding import FakeEmbedding
    from vectorstore.errors import StoreError
    from vectorstore.local import LocalIndex

    try:
        LocalIndex(Path(sys.argv[1]), FakeEmbedding)
    except StoreError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize("what", ["an index", "an empty folder", "a missing folder"])
def test_a_read_only_folder_is_named_with_what_to_do(tmp_path: Path, what: str) -> None:
    outer = tmp_path / "outer"
    folder = outer / "index"
    outer.mkdir()
    if what == "an index":
        with LocalIndex(folder, FakeEmbedding) as index:
            index.add_articles(articles(3))
    elif what == "an empty folder":
        folder.mkdir()
    for path in [*outer.rglob("*"), outer]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        said = run(READ_ONLY, str(folder), unprivileged=True)
    finally:
        outer.chmod(0o755)
        for path in outer.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert said.startswith("StoreError")
    assert str(folder) in said
    assert "writable" in said


def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = tmp_path / "index"
        with open_shared(folder, lambda: LocalIndex(folder, FakeEmbedding)) as index:
            index.add_articles(articles(3))
            found(index, "ferry")
            # While Chroma is running, the folder's mode protects its files from others.
            assert modes(folder) | modes(folder / "vectors-1") == {0o700}
            assert {file.stat().st_mode & 0o777 for file in folder.glob("*.*")} == {0o600}
            index.backup(tmp_path / "a.backup")
        for path in [folder, *folder.rglob("*"), tmp_path / "a.backup"]:
            assert path.stat().st_mode & 0o077 == 0, path
    finally:
        os.umask(before)


# -- several at once ---------------------------------------------------------------------------

WRITE = """
    import sys
    from pathlib import Path
    from tests.fake_embedding import FakeEmbedding
    from vectorstore.articles import Article
    from vectorstore.local import LocalIndex
    from vectorstore.shared import open_shared

    folder, name = Path(sys.argv[1]), sys.argv[2]
    with open_shared(folder, lambda: LocalIndex(folder, FakeEmbedding), program=name) as index:
        print("here" if index.here else "there", flush=True)
        sys.stdin.readline()
        for number in range(15):
            index.add_articles([Article(id=f"{name}-{number}", title="", text=f"a ferry {name} {number}")])
        index.backup(f"{name}.backup")
        print("done", flush=True)
        sys.stdin.readline()
"""


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    writers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        writers.append(start(WRITE, str(folder), name, cwd=tmp_path / name))
        assert line_of(writers[-1]) == ("here" if name == "one" else "there")
    for writer in writers:
        tell(writer)
    for writer in writers:
        assert line_of(writer) == "done"
    writers[0].kill()  # the holder
    tell(writers[1])
    for writer in writers:
        writer.communicate(timeout=PATIENCE)
    expected = {f"{name}-{number}" for name in ("one", "two") for number in range(15)}
    with LocalIndex(folder, FakeEmbedding) as index:
        assert {summary.id for summary in index.articles()} == expected
        assert found(index, "ferry") == expected
        assert not [finding for finding in index.check() if finding.severity == "error"]
    # Each where it was requested, also by the one that had the other write it.
    for name in ("one", "two"):
        assert (
            restore(tmp_path / name / f"{name}.backup", tmp_path / f"{name} again").articles >= 15
        )


def test_fifty_threads_ask_while_one_adds_and_one_removes(tmp_path: Path, every: bool) -> None:
    """Nothing removed is found, and nothing present is missed."""
    changes = 20 if every else 10
    alive = {str(number) for number in range(40)}
    leaving: set[str] = set()
    gone: set[str] = set()
    stop = threading.Event()
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(40))

        def ask(number: int) -> int:
            count = 0
            while not stop.is_set():
                name = str((number * 7 + count) % 40)
                dead = set(gone)
                mode: Any = ("hybrid", "words", "vectors")[count % 3]
                hits = index.search(f"alone{name} ferry", 50, mode)
                names = {p.article_id for hit in hits for p in (hit.passage, *hit.copies)}
                assert not names & dead
                for hit in hits:
                    text = article(hit.passage.article_id).text
                    assert text[hit.passage.start : hit.passage.end] == hit.passage.text
                assert name in names or name in leaving, (name, mode, count)
                count += 1
            return count

        def add() -> None:
            for number in range(100, 100 + 3 * changes):
                index.add_articles([article(str(number))])
                alive.add(str(number))

        def remove() -> None:
            for number in range(0, 2 * changes, 2):
                leaving.add(str(number))
                index.remove([str(number)])
                gone.add(str(number))

        with ThreadPoolExecutor(52) as pool:
            asking = [pool.submit(ask, number) for number in range(50)]
            changing = [pool.submit(add), pool.submit(remove)]
            try:
                for one in changing:
                    one.result(PATIENCE)
            finally:
                stop.set()
            assert all(one.result(PATIENCE) > 0 for one in asking)
        assert found(index, "ferry") == alive - gone
        assert not [finding for finding in index.check() if finding.severity == "error"]


def test_questions_are_answered_while_it_is_rebuilt(tmp_path: Path) -> None:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles(30))
        answered = []

        def ask(progress: Progress) -> None:
            answered.append((progress.what, found(index, "alone7 ferry")))

        index.rebuild(progress=ask)
        everything = {str(number) for number in range(30)}
        assert {what for what, _ in answered} == {"words", "vectors"}
        assert all(names == everything for _, names in answered)


# -- another embedding model -------------------------------------------------------------------


class Interrupted(FakeEmbedding):
    """Fails once it has embedded `left` texts."""

    left = 1_000_000

    def embed(self, texts: Any) -> Any:
        if self.texts >= self.left:
            raise KeyboardInterrupt
        return super().embed(texts)


def test_another_model_is_noticed_and_embeds_again_where_it_was_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles(articles(50, passages=4))
        assert len(found(index, "ferry")) == 50
    stopped = Interrupted("other@2", dimensions=96)
    stopped.left = 128
    with pytest.raises(KeyboardInterrupt):
        LocalIndex(folder, lambda: stopped)
    shown: list[Progress] = []
    other = FakeEmbedding("other@2", dimensions=96)
    with LocalIndex(folder, lambda: other, progress=shown.append) as index:
        assert other.texts == 200 - 128
        assert (shown[-1].done, shown[-1].total) == (72, 72)
        assert "embedding model has changed: 72 texts are embedded again with other" in caplog.text
        assert len(found(index, "ferry")) == 50
        assert index.statistics().embedding_model == "other"
        assert not [finding for finding in index.check() if finding.severity == "error"]
    with LocalIndex(folder, lambda: other) as index:
        assert len(found(index, "ferry")) == 50
        assert other.texts == 72 + 2 + 0


def test_a_model_of_the_same_name_with_other_weights_is_another(tmp_path: Path) -> None:
    with LocalIndex(tmp_path / "index", lambda: FakeEmbedding("model@1")) as index:
        index.add_articles(articles(3))
    again = FakeEmbedding("model@2")
    with LocalIndex(tmp_path / "index", lambda: again) as index:
        assert again.texts == 3
        assert found(index, "ferry") == {"0", "1", "2"}


# -- odd times, odd sizes ----------------------------------------------------------------------


def test_a_clock_that_went_back_confuses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles(articles(3))
        index.backup(tmp_path / "first.backup")
    notes = folder / "backups.json"
    (first,) = json.loads(notes.read_text())
    notes.write_text(json.dumps([first | {"made": "2199-01-01T00:00:00+00:00"}]))
    future = time.time() + 1e9
    for path in [*folder.rglob("*"), folder, tmp_path / "first.backup"]:
        os.utime(path, (future, future))
    with LocalIndex(folder, FakeEmbedding) as index:
        assert found(index, "ferry") == {"0", "1", "2"}
        assert index.add_articles([article("0"), article("9")]).unchanged == ("0",)
        index.backup(tmp_path / "second.backup")
    with LocalIndex(folder, FakeEmbedding) as index:
        assert found(index, "ferry") == {"0", "1", "2", "9"}
    deleted(folder / CATALOG)
    with pytest.raises(StoreDamagedError, match=r"newest backup is .*second\.backup"):
        use(folder)


def test_an_article_of_six_thousand_passages(tmp_path: Path) -> None:
    embedding = FakeEmbedding(dimensions=32)
    paragraphs = [f"alone{number} on the ferry " + "x" * 580 for number in range(6_000)]
    long = Article(id="long", title="", text="\n\n".join(paragraphs))
    with LocalIndex(tmp_path / "index", lambda: embedding) as index:
        index.add_articles([long])
        assert index.statistics().passages == 6_000
        hit = index.search("alone4321", 3, "words")[0]
        assert hit.passage.text == paragraphs[4321]
        assert index.add_articles([long]).unchanged == ("long",)
        index.remove(["long"])
        assert index.search("alone4321") == []
        assert index.statistics().passages == 0


def test_one_line_of_five_megabytes(tmp_path: Path) -> None:
    embedding = FakeEmbedding(dimensions=32)
    line = "".join(f"word{number} " for number in range(460_000))
    assert len(line) > 4_900_000
    with LocalIndex(tmp_path / "index", lambda: embedding) as index:
        index.add_articles([Article(id="line", title="", text=line), article("0")])
        assert index.get("line").text == line
        hit = index.search("word234567", 1, "words")[0]
        assert "word234567" in hit.passage.text.split()
        assert line[hit.passage.start : hit.passage.end] == hit.passage.text
        assert found(index, "alone0") >= {"0"}


# -- what is not revealed ----------------------------------------------------------------------


def test_logs_hold_no_article_and_no_question(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = Article(id="a", title="Xylograph", text="Xylograph confidences.", source="Xylograph")
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles([secret])
        index.search("who told the xylograph?")
        index.edit("a", title="Xylographs")
        index.check()
        index.rebuild()
    next(tmp_path.glob("index/vectors-*/chroma.sqlite3")).unlink()
    with LocalIndex(tmp_path / "index", lambda: FakeEmbedding("other@2")) as index:
        index.search("xylograph")
        index.remove(["a"])
    assert REPAIRED not in caplog.text  # the model changed: they were rebuilt anyway
    assert "embedding model has changed" in caplog.text
    assert "xylograph" not in caplog.text.lower()


def test_a_removed_article_is_in_no_file_once_the_index_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    secret = Article(id="secret", title="", text="Xylograph xylograph confidences.")
    another = Article(id="another", title="", text="Zephyrine, zephyrine, zephyrine!")
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles([*articles(5), secret, another])
        assert held(folder, b"xylograph", heaviest(secret)) == {b"xylograph", heaviest(secret)}
        index.remove(["secret"])
        assert held(folder, b"xylograph", b"confidences") == set()
        index.remove([])
    assert held(folder, heaviest(secret)) == set()
    # Even if the vectors have not been opened since.
    with LocalIndex(folder, FakeEmbedding) as index:
        assert found(index, "ferry") == {str(number) for number in range(5)}
    with LocalIndex(folder, FakeEmbedding) as index:
        assert held(folder, heaviest(another)) == {heaviest(another)}
        index.remove(["another"])
        assert held(folder, b"zephyr", heaviest(another)) == set()
        assert found(index, "ferry") == {str(number) for number in range(5)}


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match=r"is not an index: it holds 'letter.txt'"):
        check_folder(tmp_path)
    with pytest.raises(StoreError, match="is a file"):
        check_folder(tmp_path / "letter.txt")


# -- helpers -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING, "vectorstore"):
        yield


def article(name: str, passages: int = 1) -> Article:
    padding = " ".join(f"pad{name}x{number}" for number in range(40))
    paragraphs = [f"alone{name} took the ferry {n}. {padding}" for n in range(passages)]
    text = "\n\n".join(paragraphs) if passages > 1 else f"alone{name} took the ferry."
    return Article(id=name, title="", text=text)


def articles(count: int, passages: int = 1) -> list[Article]:
    return [article(str(number), passages) for number in range(count)]


def found(index: Index, query: str) -> set[str]:
    """By words and by vectors: the same articles, as long as every text contains the words."""
    sets = [
        {p.article_id for hit in hits for p in (hit.passage, *hit.copies)}
        for hits in (index.search(query, 1000, "words"), index.search(query, 1000, "vectors"))
    ]
    assert sets[0] <= sets[1]
    return sets[0]


def heaviest(article: Article) -> bytes:
    """Four bytes that only its vector has, and the zeros around them."""
    (vector,) = FakeEmbedding().embed([article.text])
    at = int(vector.argmax())
    return bytes(vector[max(0, at - 2) : at + 2].tobytes())


def use(folder: Path) -> None:
    """What a program does first with an index: one of these reports what is wrong."""
    check_folder(folder)
    with LocalIndex(folder, FakeEmbedding) as index:
        for summary in index.articles():
            index.get(summary.id)


def modes(folder: Path) -> set[int]:
    return {folder.stat().st_mode & 0o777}


def held(folder: Path, *traces: bytes) -> set[bytes]:
    content = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    return {trace for trace in traces if trace in content or trace in content.lower()}


def run(program: str, *arguments: str, unprivileged: bool = False) -> str:
    process = start(program, *arguments, unprivileged=unprivileged)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return said


def start(
    program: str, *arguments: str, cwd: Path | None = None, unprivileged: bool = False
) -> subprocess.Popen[str]:
    """Start a program; if `unprivileged`, without root's right to read and write everywhere."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        cwd=cwd or ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=drop_the_right_to_everything if unprivileged else None,
    )


def drop_the_right_to_everything() -> None:
    if os.geteuid() == 0:
        drop_from_bounding_set = 24  # as in linux/prctl.h
        for right in (1, 2):  # DAC_OVERRIDE and DAC_READ_SEARCH, as in linux/capability.h
            assert ctypes.CDLL(None).prctl(drop_from_bounding_set, right, 0, 0, 0) == 0


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
