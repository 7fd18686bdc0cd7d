"""Backup and restore: one file, checked, in one step, and nothing is overwritten unasked."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assistant.web.conversations import Conversations
from assistant.web.keys import Keys
from assistant.web.sessions import Sessions
from assistant.web.subscriptions import Subscriptions
from tests.chroma_server import chroma_server
from tests.fake_database import KEPT, kept_in
from tests.fake_embedding import FakeEmbedding
from vectorstore import backups, database
from vectorstore.articles import Article
from vectorstore.backups import newest_backup, write_backup
from vectorstore.catalog import open_catalog
from vectorstore.errors import StoreBusyError, StoreDamagedError, StoreError, StoreFormatError
from vectorstore.local import LocalIndex
from vectorstore.shared import open_shared
from vectorstore.stores.sqlite import CATALOG, MIGRATIONS

OTHER = KEPT.name
ROOT = Path(__file__).parent.parent

restore = partial(backups.restore, beside=[KEPT])


# -- backup ------------------------------------------------------------------------------------


def test_a_backup_is_one_file_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    with opened(tmp_path / "index") as index:
        index.add_articles([ferry("a")])
        index.backup(str(tmp_path / "backups" / "of today"))
        (file,) = (tmp_path / "backups").iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        assert newest_backup(tmp_path / "index") == file
        assert (tmp_path / "index" / "backups.json").stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as db:
        assert db.execute("SELECT id FROM articles").fetchall() == [("a",)]
    db.close()


def test_a_newer_backup_replaces_an_older_one_of_the_same_name(tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    with opened(tmp_path / "index") as index:
        index.backup(file)
        index.add_articles([ferry("a")])
        index.backup(file)
    assert restore(file, tmp_path / "restored").articles == 1
    assert (tmp_path / "index" / "backups.json").read_text().count("a.backup") == 1


def test_a_backup_overwrites_nothing_else(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear")
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with opened(tmp_path / "index") as index:
        for file, message in [
            (letter, "letter.txt exists and is not a backup. Give another name"),
            (tmp_path / "other.sqlite", "exists and is not a backup"),
            (tmp_path, "could not be written: Is a directory"),
            (tmp_path / "none" / "a.backup", "could not be written: No such file"),
            (tmp_path / "index" / "a.backup", "is in the index's own folder"),
            (tmp_path / "index" / CATALOG, "is in the index's own folder"),
        ]:
            with pytest.raises(StoreError, match=message):
                index.backup(file)
    assert letter.read_text() == "dear"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index",
        "letter.txt",
        "other.sqlite",
    ]


def test_a_backup_that_does_not_fit_leaves_the_older_one(tmp_path: Path) -> None:
    file = tmp_path / "backups" / "a.backup"
    file.parent.mkdir()
    with opened(tmp_path / "index") as index:
        index.add_articles([ferry("a")])
        index.backup(file)
        index.add_articles([ferry(str(number)) for number in range(300)])
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from vectorstore.backups import write_backup\n"
        "from vectorstore.errors import StoreError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))\n"
        "try:\n"
        "    write_backup(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )
    said = run(program, tmp_path / "index", file).stdout
    assert "a.backup could not be written" in said
    assert [path.name for path in file.parent.iterdir()] == ["a.backup"]
    assert restore(file, tmp_path / "restored").articles == 1


def test_a_damaged_index_is_not_backed_up(tmp_path: Path) -> None:
    with opened(tmp_path / "index") as index:
        index.add_articles([ferry(str(number)) for number in range(300)])
    file = tmp_path / "index" / CATALOG
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(StoreDamagedError, match="no backup was written"):
        write_backup(tmp_path / "index", tmp_path / "a.backup")
    assert not (tmp_path / "a.backup").exists()


def test_other_databases_of_the_folder_are_in_the_backup_also_while_they_are_written(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "index") as index, beside(tmp_path / "index", "first") as other:
        index.add_articles([ferry("a")])
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("INSERT INTO kept VALUES ('second')")
        index.backup(tmp_path / "a.backup")
        other.execute("INSERT INTO kept VALUES ('third')")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.backup"]
    restore(tmp_path / "a.backup", tmp_path / "new")
    assert kept_beside(tmp_path / "new") == ["first", "second"]
    assert (tmp_path / "new" / OTHER).stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(tmp_path / "new" / CATALOG) as db:
        assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'beside'").fetchall()
    db.close()
    with opened(tmp_path / "new") as index:
        assert names(index) == {"a"}


def test_a_damaged_database_beside_the_catalog_is_named_and_nothing_written(tmp_path: Path) -> None:
    with opened(tmp_path / "index") as index:
        index.add_articles([ferry("a")])
        (tmp_path / "index" / OTHER).write_bytes(b"noise" * 1_000)
        with pytest.raises(StoreDamagedError, match=rf"{OTHER} is damaged.*Move it away"):
            index.backup(tmp_path / "a.backup")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


# -- restore -----------------------------------------------------------------------------------


def test_restores_what_was_backed_up_without_embedding(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"), ferry("b"))
    embedding = FakeEmbedding()
    found = restore(file, tmp_path / "new" / "index")
    assert (found.articles, found.passages, found.embedding_model) == (2, 2, "fake")
    with LocalIndex(tmp_path / "new" / "index", lambda: embedding) as index:
        assert embedding.texts == 0
        assert names(index) == {"a", "b"}
    assert (tmp_path / "new" / "index" / CATALOG).stat().st_mode & 0o777 == 0o600


def test_articles_are_replaced_only_when_asked(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))
    with opened(tmp_path / "index") as index:
        index.add_articles([ferry("later")])
    with pytest.raises(StoreError, match=r"holds 2 articles, which would be lost.*--replace"):
        restore(file, tmp_path / "index")
    with opened(tmp_path / "index") as index:
        assert names(index) == {"a", "later"}
    restore(file, tmp_path / "index", replace=True)
    with opened(tmp_path / "index") as index:
        assert names(index) == {"a"}


def test_other_databases_are_replaced_only_when_asked(tmp_path: Path) -> None:
    with beside(tmp_path / "index", "old"):
        pass
    file = backed_up(tmp_path, ferry("a"))
    with beside(tmp_path / "new", "newer"):
        pass
    kept: list[Path] = []
    restore(file, tmp_path / "new", on_kept=kept.append)
    assert kept_beside(tmp_path / "new") == ["newer"]
    assert kept == [tmp_path / "new" / OTHER]
    restore(file, tmp_path / "new", replace=True, on_kept=kept.append)
    assert kept_beside(tmp_path / "new") == ["old"]
    assert len(kept) == 1


def test_a_database_can_be_left_out_and_then_stays_as_it_is_where_it_is(tmp_path: Path) -> None:
    with beside(tmp_path / "index", "secret"), opened(tmp_path / "index") as index:
        index.add_articles([ferry("a")])
        index.backup(tmp_path / "a.backup", without=[OTHER])
    assert b"secret" not in (tmp_path / "a.backup").read_bytes()
    restore(tmp_path / "a.backup", tmp_path / "new")
    assert not (tmp_path / "new" / OTHER).exists()
    lacking: list[Path] = []
    restore(tmp_path / "a.backup", tmp_path / "index", replace=True, on_lacking=lacking.append)
    assert lacking == [tmp_path / "index" / OTHER]
    assert kept_beside(tmp_path / "index") == ["secret"]


def test_an_earlier_backup_leaves_the_other_databases_as_they_are(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))  # with no other databases, as earlier versions wrote
    with beside(tmp_path / "index", "kept"):
        pass
    restore(file, tmp_path / "index", replace=True)
    assert kept_beside(tmp_path / "index") == ["kept"]


def test_a_backup_with_a_damaged_database_changes_nothing(tmp_path: Path) -> None:
    with beside(tmp_path / "index", "old"):
        pass
    file = backed_up(tmp_path, ferry("a"))
    with sqlite3.connect(file) as db:
        db.execute("UPDATE beside SET content = substr(content, 1, 5000)")
    db.close()
    with beside(tmp_path / "new", "newer"):
        pass
    with pytest.raises(StoreDamagedError, match="Nothing was changed"):
        restore(file, tmp_path / "new", replace=True)
    assert kept_beside(tmp_path / "new") == ["newer"]
    assert not list((tmp_path / "new").glob("restoring*"))


def test_an_index_in_use_is_not_replaced(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))
    folder = tmp_path / "index"
    with (
        open_shared(folder, lambda: opened(folder), program="the page"),
        pytest.raises(StoreBusyError, match=r"held by the page \(process \d+.*Stop it"),
    ):
        restore(file, folder, replace=True)


def test_a_damaged_index_is_kept_beside_the_restored_one(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))
    catalog = tmp_path / "index" / CATALOG
    catalog.write_bytes(b"noise" * 10_000)
    restore(file, tmp_path / "index")
    assert catalog.with_name("damaged.sqlite").read_bytes() == b"noise" * 10_000
    with opened(tmp_path / "index") as index:
        assert names(index) == {"a"}


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def changed(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"crosses", b"crashes"))


@pytest.mark.parametrize("damage", [truncated, changed])
def test_a_damaged_backup_changes_nothing(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    file = backed_up(tmp_path, *(ferry(str(number)) for number in range(100)))
    damage(file)
    before = (tmp_path / "index" / CATALOG).read_bytes()
    with pytest.raises(StoreDamagedError, match=r"a.backup is damaged.*Nothing was changed"):
        restore(file, tmp_path / "index", replace=True)
    assert (tmp_path / "index" / CATALOG).read_bytes() == before
    assert not list((tmp_path / "index").glob("restoring*"))


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreFormatError, match=r"letter.txt is not a backup"):
        restore(tmp_path / "letter.txt", tmp_path / "index")
    with pytest.raises(StoreError, match="there is no backup"):
        restore(tmp_path / "none", tmp_path / "index")
    with pytest.raises(StoreError, match="there is no backup"):
        restore(tmp_path, tmp_path / "index")


def test_a_backup_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))
    open_catalog(file, migrations=[*MIGRATIONS, lambda _: None]).close()
    newer = 2 + len(MIGRATIONS)
    with pytest.raises(StoreFormatError, match=rf"has format {newer}.*Upgrade"):
        restore(file, tmp_path / "new")
    assert not (tmp_path / "new" / CATALOG).exists()


def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    """At every file that it moves, removes or syncs to disk."""
    program = (
        "import os, pathlib, shutil, sys\n"
        "from tests.fake_database import KEPT\n"
        "from vectorstore.backups import restore\n"
        "steps = int(sys.argv[3])\n"
        "def counted(function):\n"
        "    def call(*given, **named):\n"
        "        global steps\n"
        "        steps -= 1\n"
        "        if steps == 0:\n"
        "            os.kill(os.getpid(), 9)\n"
        "        return function(*given, **named)\n"
        "    return call\n"
        "for owner, name in [(pathlib.Path, 'replace'), (pathlib.Path, 'unlink'), (os, 'fsync'),\n"
        "                    (shutil, 'rmtree')]:\n"
        "    setattr(owner, name, counted(getattr(owner, name)))\n"
        "restore(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), beside=[KEPT], replace=True)\n"
    )
    with beside(tmp_path / "index", "restored"):
        pass
    file = backed_up(tmp_path, ferry("a"), ferry("b"))
    with opened(tmp_path / "old") as index, beside(tmp_path / "old", "asked"):
        index.add_articles([ferry("old")])
    seen = set()
    for step in range(1, 60):
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "old", folder)
        ended = run(program, file, folder, step)
        with opened(folder) as index:
            left = names(index)
            assert not [finding for finding in index.check() if finding.severity == "error"]
        assert left in ({"old"}, {"a", "b"})
        others = kept_beside(folder)
        assert others in (["asked"], ["restored"])
        # Questions asked of the old articles are there as long as those articles are.
        assert others == ["asked"] or left == {"a", "b"}
        seen.add((ended.returncode, len(left)))
        restore(file, folder, replace=True)
        with opened(folder) as index:
            assert {summary.id for summary in index.articles()} == {"a", "b"}
        assert kept_beside(folder) == ["restored"]
        if ended.returncode == 0:
            break
    assert seen == {(-9, 1), (-9, 2), (0, 2)}


def test_a_server_is_not_believed_to_have_the_vectors_of_a_restored_index(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with chroma_server(tmp_path / "chroma") as server:
        with LocalIndex(folder, FakeEmbedding, chroma_url=server.url) as index:
            index.add_articles([ferry("a"), ferry("b")])
            index.backup(tmp_path / "a.backup")
            index.remove(["a"])
            index.add_articles([ferry("c")])
        # Another index, whose vectors have the same keys.
        other = backed_up(tmp_path / "other", ferry("x"), ferry("y"), ferry("z"))
        for file, expected in [(other, {"x", "y", "z"}), (tmp_path / "a.backup", {"a", "b"})]:
            restore(file, folder, replace=True)
            with LocalIndex(folder, FakeEmbedding, chroma_url=server.url) as index:
                assert names(index) == expected
                assert not [one for one in index.check() if one.severity == "error"]
                assert index._mirror._vectors is not None
                held = index._mirror._vectors._client.list_collections()
            assert len(held) == 1


# -- backups of others ----------------------------------------------------------------------------

FOREIGN = {
    "the trigger 'spy'": "CREATE TRIGGER spy AFTER INSERT ON articles BEGIN "
    "INSERT INTO edits VALUES (new.id, 'text', new.text); END",
    "the view 'spy'": "CREATE VIEW spy AS SELECT load_extension('spy.so') FROM articles",
    "the table 'spy'": "CREATE TABLE spy (text)",
    "the table 'found'": "CREATE VIRTUAL TABLE found USING fts5 (text)",
    "the index 'spy'": "CREATE INDEX spy ON articles (upper(text))",
}


@pytest.mark.parametrize(("named", "statement"), FOREIGN.items())
def test_a_backup_with_what_dateline_does_not_make_is_refused_and_named(
    tmp_path: Path, named: str, statement: str
) -> None:
    file = backed_up(tmp_path, ferry("a"))
    run_on(file, statement)
    with pytest.raises(StoreDamagedError, match=rf"did not make {named}.*Nothing was changed"):
        restore(file, tmp_path / "new")
    assert not (tmp_path / "new" / CATALOG).exists()


@pytest.mark.parametrize(("named", "statement"), FOREIGN.items())
def test_an_index_with_what_dateline_does_not_make_is_not_opened(
    tmp_path: Path, named: str, statement: str
) -> None:
    file = backed_up(tmp_path, ferry("a"))
    run_on(tmp_path / "index" / CATALOG, statement)
    with pytest.raises(StoreDamagedError, match=rf"did not make {named}.*dateline restore"):
        opened(tmp_path / "index")
    restore(file, tmp_path / "index")  # the damaged file is no index that would have to be kept
    with opened(tmp_path / "index") as index:
        assert names(index) == {"a"}


@pytest.mark.parametrize("target", ["catalog", "text"])
def test_a_catalog_that_is_a_link_to_elsewhere_is_refused_and_its_target_left_alone(
    tmp_path: Path, target: str
) -> None:
    backed_up(tmp_path, ferry("a"))
    mine, catalog = tmp_path / "mine", tmp_path / "index" / CATALOG
    catalog.rename(mine)
    if target == "text":
        mine.write_text("mine")
    mine.chmod(0o644)
    catalog.symlink_to(mine)
    with pytest.raises(StoreFormatError, match=r"catalog\.sqlite is a link to .*mine; .*Remove"):
        opened(tmp_path / "index")
    assert mine.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("kept", [Conversations, Sessions])
@pytest.mark.parametrize("there", [True, False])
def test_a_database_beside_the_catalog_that_is_a_link_is_refused(
    tmp_path: Path, kept: type[Conversations | Sessions], there: bool
) -> None:
    if there:
        kept.open(tmp_path / "mine").close()
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "mine")
    with pytest.raises(StoreFormatError, match=r"link\.sqlite is a link to .*mine"):
        kept.open(tmp_path / "link.sqlite")
    assert (tmp_path / "mine").exists() == there


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_link_in_place_of_what_sqlite_keeps_beside_a_database_is_refused(
    tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "mine").write_text("mine")
    Conversations.open(tmp_path / "a.sqlite").close()
    (tmp_path / f"a.sqlite{suffix}").symlink_to(tmp_path / "mine")
    with pytest.raises(StoreFormatError, match=rf"a\.sqlite{suffix} is a link to .*mine"):
        Conversations.open(tmp_path / "a.sqlite")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("kept", [Conversations, Sessions, Keys, Subscriptions, open_catalog])
@pytest.mark.parametrize("moment", ["before it is made", "before it is opened"])
def test_a_database_that_becomes_a_link_while_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: Any, moment: str
) -> None:
    file, mine = tmp_path / "a.sqlite", tmp_path / "mine"
    opens = kept if kept is open_catalog else kept.open
    opens(mine).close()
    if moment == "before it is opened":
        opens(file).close()
    was, mode = mine.read_bytes(), mine.stat().st_mode
    step, module = ("open", os) if moment == "before it is made" else ("connect", database)
    taken = getattr(module, step)

    def swapped(given: Any, *more: Any, **named: Any) -> Any:
        if str(given) == str(file) and not file.is_symlink():
            file.unlink(missing_ok=True)
            file.symlink_to(mine)
        return taken(given, *more, **named)

    monkeypatch.setattr(module, step, swapped)
    with pytest.raises(StoreFormatError, match=r"a\.sqlite is a link to .*mine"):
        opens(file)
    assert (mine.read_bytes(), mine.stat().st_mode) == (was, mode)


def test_a_backup_whose_draft_becomes_a_link_is_not_passed_off_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up(tmp_path, ferry("a"))
    copy, shared = backups._copy, tmp_path / "shared"
    shared.mkdir()
    for swapped_first in (True, False):

        def swapped(file: Path, target: Path, first: bool = swapped_first) -> None:
            if not first:
                copy(file, target)
            target.unlink()
            target.symlink_to(tmp_path / "theirs")
            if first:
                copy(file, target)

        monkeypatch.setattr(backups, "_copy", swapped)
        (tmp_path / "theirs").touch()
        with pytest.raises(StoreError, match="was replaced while it was written"):
            write_backup(tmp_path / "index", shared / "a.dateline")
        assert list(shared.iterdir()) == []


def test_a_backup_that_becomes_another_file_after_it_was_recognised_is_not_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(tmp_path, ferry("a"))
    Sessions.open(tmp_path / "theirs").close()
    marks = database.Database.marks

    def swapped(kind: database.Database, given: Path) -> bool:
        marked = marks(kind, given)
        given.unlink()
        given.symlink_to(tmp_path / "theirs")
        return marked

    monkeypatch.setattr(database.Database, "marks", swapped)
    with pytest.raises(StoreDamagedError, match="replaced by another program's"):
        restore(file, tmp_path / "new")
    assert not (tmp_path / "new" / CATALOG).exists()


def test_a_link_that_comes_in_place_of_what_is_being_restored_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(tmp_path, ferry("a"))
    (tmp_path / "mine").write_text("mine")
    clear = backups._clear_drafts

    def swapped(folder: Path) -> None:
        clear(folder)
        (folder / backups.RESTORING).symlink_to(tmp_path / "mine")

    monkeypatch.setattr(backups, "_clear_drafts", swapped)
    with pytest.raises(StoreError, match="could not be restored"):
        restore(file, tmp_path / "new")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_table_that_was_given_another_definition_is_named(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))
    run_on(file, "ALTER TABLE articles ADD COLUMN spy TEXT AS (upper(text))")
    with pytest.raises(StoreDamagedError, match="did not make the table 'articles'"):
        restore(file, tmp_path / "new")


def test_a_database_beside_the_catalog_with_a_trigger_is_refused(tmp_path: Path) -> None:
    with beside(tmp_path / "index", "asked") as other:
        other.execute("CREATE TRIGGER spy AFTER INSERT ON kept BEGIN DELETE FROM kept; END")
    file = backed_up(tmp_path, ferry("a"))
    with pytest.raises(StoreDamagedError, match=rf"{OTHER}: Dateline did not make the trigger"):
        restore(file, tmp_path / "new")
    assert not list((tmp_path / "new").glob("*.sqlite"))


@pytest.mark.parametrize(
    "name", [CATALOG, "restoring.sqlite", "damaged.sqlite", ".sqlite", "../up.sqlite", "x.sqlite"]
)
def test_a_backup_brings_no_database_of_a_name_that_dateline_does_not_use(
    tmp_path: Path, name: str
) -> None:
    with beside(tmp_path / "index", "planted"):
        pass
    file = backed_up(tmp_path, ferry("a"))
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("UPDATE beside SET name = ?", (name,))
    with opened(tmp_path / "new") as index:
        index.add_articles([ferry("mine")])
    with pytest.raises(StoreDamagedError, match=f"Dateline keeps no database '{name}'"):
        restore(file, tmp_path / "new", replace=True)
    with opened(tmp_path / "new") as index:
        assert names(index) == {"mine"}
    assert not (tmp_path / "up.sqlite").exists()


def test_a_backup_brings_no_other_programs_database_under_a_name_that_is_known(
    tmp_path: Path,
) -> None:
    with beside(tmp_path / "index", "planted") as other:
        other.execute("PRAGMA application_id = 1")
    file = backed_up(tmp_path, ferry("a"))
    with pytest.raises(StoreDamagedError, match=f"its {OTHER} is another program's"):
        restore(file, tmp_path / "new")


def test_of_a_backup_only_rows_are_taken_over_and_the_word_search_is_made_again(
    tmp_path: Path,
) -> None:
    file = backed_up(tmp_path, ferry("a"), ferry("b"))
    run_on(file, "UPDATE words_data SET block = x'00ff00ff' WHERE id > 1")
    run_on(file, "INSERT OR REPLACE INTO meta VALUES ('generation', '../../elsewhere')")
    restore(file, tmp_path / "new")
    with opened(tmp_path / "new") as index:
        assert names(index) == {"a", "b"}
        assert len(index.search("ferry", mode="words")) == 2
        assert [finding.severity for finding in index.check()] == ["ok", "warning"]


def test_rows_that_break_the_tables_own_rules_are_refused(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))
    run_on(file, "UPDATE passages SET vector = 99")
    with pytest.raises(StoreDamagedError, match="FOREIGN KEY constraint failed"):
        restore(file, tmp_path / "new")


def test_a_backup_of_an_earlier_format_is_restored(tmp_path: Path) -> None:
    file = backed_up(tmp_path, ferry("a"))
    run_on(
        file,
        "DROP TABLE signatures",
        "DROP TABLE buckets",
        "ALTER TABLE files DROP COLUMN inode",
        "ALTER TABLE files DROP COLUMN changed",
        "DROP TABLE labels",
        "ALTER TABLE articles DROP COLUMN tags",
        "PRAGMA user_version = 2",
    )
    assert restore(file, tmp_path / "new").articles == 1
    with opened(tmp_path / "new") as index:
        assert names(index) == {"a"}
        assert index.near_copies("a") == []


def test_a_generation_that_is_no_number_leads_nowhere(tmp_path: Path) -> None:
    backed_up(tmp_path, ferry("a"))
    run_on(
        tmp_path / "index" / CATALOG,
        "INSERT OR REPLACE INTO meta VALUES ('generation', '../../elsewhere')",
        "UPDATE meta SET value = '../elsewhere' WHERE key = 'index'",
    )
    with opened(tmp_path / "index") as index:
        assert names(index) == {"a"}
    assert not (tmp_path.parent / "elsewhere").exists()


# -- helpers -----------------------------------------------------------------------------------


def run_on(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def opened(folder: Path) -> LocalIndex:
    return LocalIndex(folder, FakeEmbedding, beside=[KEPT])


def ferry(name: str) -> Article:
    return Article(id=name, title="", text=f"The ferry crosses the bay as {name}. " * 8)


def backed_up(folder: Path, *articles: Article) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "a.backup"
    with opened(folder / "index") as index:
        index.add_articles(articles)
        index.backup(file)
    return file


@contextmanager
def beside(folder: Path, text: str) -> Iterator[sqlite3.Connection]:
    """Another database in an index's folder, holding one text."""
    if not folder.exists():
        opened(folder).close()
    with kept_in(folder, text) as db:
        yield db


def kept_beside(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / OTHER)) as db:
        return [text for (text,) in db.execute("SELECT text FROM kept ORDER BY rowid")]


def names(index: LocalIndex) -> set[str]:
    hits = index.search("ferry bay", 100, "vectors")
    found = {p.article_id for hit in hits for p in (hit.passage, *hit.copies)}
    assert found == {summary.id for summary in index.articles()}
    return found


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *(str(argument) for argument in arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
