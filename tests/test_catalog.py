"""The SQLite file: what is committed is kept, what is removed is gone, damage is reported."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from vectorstore.articles import Article, Filter, Origin, SourceFile
from vectorstore.catalog import Catalog, NewPassage, open_catalog
from vectorstore.catalog.articles import columns
from vectorstore.database import connect, transaction
from vectorstore.errors import (
    StoreDamagedError,
    StoreError,
    StoreFormatError,
)
from vectorstore.stores.sqlite import CATALOG, DATABASE, MIGRATIONS, _add_labels

SECRET = Article(
    id="secret",
    title="Unmistakable headline",
    text="Xylograph confidences that nobody may read afterwards.",
    source="whistleblower",
    url="https://example.org/unmistakable",
    authors=("Anonymous Zephyrine",),
)
OTHER = Article(id="other", title="Weather", text="It rained on the ferry.", source="paper")
MODEL = "fake@1"


# -- removing ----------------------------------------------------------------------------------


TRACES = [b"xylograph", b"confidences", b"unmistakable", b"whistleblower", b"zephyrine"]


def test_what_is_removed_leaves_no_trace_in_any_file(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    vector = vector_of(SECRET)
    assert traces(catalog) == {*TRACES, vector}
    catalog.remove(["secret"])
    catalog.forget()
    assert traces(catalog) == set()
    assert words(catalog, "ferry") == ["other"]


def test_the_file_that_an_article_came_from_leaves_no_trace_when_it_is_removed(
    catalog: Catalog,
) -> None:
    put(catalog, OTHER, SECRET)
    origin = Origin("/home/xylograph/confidences.txt", "secret", "whistleblower")
    catalog.files.settle([SourceFile(origin.place, digest="d", origins=(origin,))], ())
    catalog.edits.put("secret", title="Unmistakable Zephyrine")
    assert [file.origins for file in catalog.files.find("/home/xylograph")] == [(origin,)]
    catalog.remove(["secret"])
    catalog.forget()
    assert traces(catalog) == set()


def test_what_is_replaced_leaves_no_trace_either(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    put(catalog, Article(id="secret", title="Corrected", text="Nothing to see."))
    catalog.forget()
    assert traces(catalog) == set()


def test_traces_that_a_killed_process_left_are_removed_at_the_next_forget(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    catalog.remove(["secret"])
    catalog.close()
    again = open_catalog(Path(catalog.name))
    again.forget()
    assert traces(again) == set()
    again.close()


# -- the file ----------------------------------------------------------------------------------


def test_the_file_and_its_log_are_readable_by_their_owner_only(catalog: Catalog) -> None:
    put(catalog, OTHER)
    files = sorted(Path(catalog.name).parent.iterdir())
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_file_that_others_could_read_is_closed_to_them(catalog: Catalog) -> None:
    catalog.close()
    Path(catalog.name).chmod(0o644)
    open_catalog(Path(catalog.name)).close()
    assert Path(catalog.name).stat().st_mode & 0o777 == 0o600


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / CATALOG
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(StoreFormatError, match="belongs to another program"):
        open_catalog(file)
    assert file.read_bytes() == before


def test_an_older_format_is_brought_to_the_newest(catalog: Catalog) -> None:
    put(catalog, OTHER)
    catalog.close()
    newer = [*MIGRATIONS, add_column]
    migrated = open_catalog(Path(catalog.name), migrations=newer)
    assert migrated.articles.get("other") == OTHER
    migrated.close()
    with sqlite3.connect(Path(catalog.name)) as db:
        assert db.execute("SELECT mood FROM articles").fetchall() == [("none",)]
    db.close()
    open_catalog(Path(catalog.name), migrations=newer).close()


def test_an_index_of_before_there_were_tags_keeps_its_articles_and_finds_them_by_author(
    tmp_path: Path,
) -> None:
    file = tmp_path / CATALOG
    before_tags = 1 + MIGRATIONS.index(_add_labels)
    with closing(connect(file)) as db, transaction(db):
        DATABASE.make(db, before_tags)
        for article in (SECRET, OTHER):
            values = {name: value for name, value in columns(article).items() if name != "tags"}
            db.execute(
                f"INSERT INTO articles ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
                list(values.values()),
            )
    catalog = open_catalog(file)
    assert (catalog.articles.get("secret"), catalog.articles.get("other")) == (SECRET, OTHER)
    assert catalog.faults() == []
    assert catalog.filters.admitted(Filter(authors=("anonymous  zephyrine", "Nobody"))) == [1]
    assert catalog.filters.admitted(Filter(authors=("Zephyrine",))) == []
    catalog.articles.put_details(replace(OTHER, tags=("Weather ", "Ferries")))
    assert catalog.filters.admitted(Filter(tags=("weather",))) == [2]
    assert catalog.articles.get("other").tags == ("Weather ", "Ferries")
    catalog.articles.put_details(OTHER)
    assert catalog.filters.admitted(Filter(tags=("weather",))) == []
    catalog.close()


def test_a_newer_format_is_refused_with_the_reason(catalog: Catalog) -> None:
    catalog.close()
    open_catalog(Path(catalog.name), migrations=[*MIGRATIONS, add_column]).close()
    before = Path(catalog.name).read_bytes()
    newest = 1 + len(MIGRATIONS)
    reason = rf"format {newest + 1}, and this release reads up to {newest}.*Upgrade"
    with pytest.raises(StoreFormatError, match=reason):
        open_catalog(Path(catalog.name))
    assert Path(catalog.name).read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_format(catalog: Catalog) -> None:
    put(catalog, OTHER)
    catalog.close()

    def fail(db: sqlite3.Connection) -> None:
        add_column(db)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_catalog(Path(catalog.name), migrations=[*MIGRATIONS, fail])
    again = open_catalog(Path(catalog.name))
    assert again.articles.get("other") == OTHER
    again.close()


def truncate(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def overwrite_beginning(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"\x00" * 4096)


def overwrite_with_text(file: Path) -> None:
    file.write_text("a text file\n" * 1000)


def overwrite_with_noise(file: Path) -> None:
    file.write_bytes(b"\xa5\x5a" * 20_000)


@pytest.mark.parametrize(
    "damage",
    [truncate, cut_short, overwrite_beginning, overwrite_with_text, overwrite_with_noise],
)
def test_a_damaged_file_is_said_to_be_and_the_newest_backup_is_named(
    catalog: Catalog, damage: Callable[[Path], None]
) -> None:
    put(catalog, *(replace(SECRET, id=str(n), text=f"Text {n}. " * 90) for n in range(40)))
    catalog.close()
    damage(Path(catalog.name))

    def read_everything(newest: Path | None) -> None:
        damaged = open_catalog(Path(catalog.name), newest_backup=lambda: newest)
        try:
            damaged.summaries()
            for number in range(40):
                damaged.articles.get(str(number))
        finally:
            damaged.close()

    with pytest.raises(
        StoreDamagedError, match=r"catalog.sqlite is damaged .*newest backup is /backups/b"
    ):
        read_everything(Path("/backups/b"))
    with pytest.raises(StoreDamagedError, match="There is no backup"):
        read_everything(None)


@pytest.mark.parametrize("column", ["authors", "pages", "published"])
def test_a_row_that_can_be_no_article_is_reported_where_its_passages_are_found(
    catalog: Catalog, column: str
) -> None:
    put(catalog, OTHER)
    with sqlite3.connect(Path(catalog.name)) as db:
        db.execute(f"UPDATE articles SET {column} = 'not so'")  # noqa: S608
    db.close()
    with pytest.raises(StoreDamagedError, match="'other' is not as it was stored"):
        catalog.passages.of_vectors(catalog.vectors.keys(), None)


def test_an_article_that_changed_on_the_disk_is_not_shown(catalog: Catalog) -> None:
    put(catalog, OTHER, SECRET)
    assert catalog.faults() == []
    with sqlite3.connect(Path(catalog.name)) as db:
        db.execute("UPDATE articles SET text = replace(text, 'rained', 'snowed')")
    db.close()
    with pytest.raises(StoreDamagedError, match="'other' is not as it was stored"):
        catalog.articles.get("other")
    assert catalog.articles.get("secret") == SECRET
    assert [fault.message for fault in catalog.faults()] == [
        "the article 'other' is not as it was stored",
        "the word search does not agree with the articles",
    ]


WORD_DAMAGE = [
    "DELETE FROM words WHERE rowid = 1",
    "INSERT INTO words (rowid, title, text) VALUES (99, 'left', 'over')",
    "UPDATE words_content SET c1 = 'something else' WHERE id = 1",
    "UPDATE words_data SET block = x'00112233'",
    "UPDATE words_data SET block = zeroblob(40) WHERE id > 1",
    "DELETE FROM words_data",
    "DELETE FROM words_docsize",
    "DELETE FROM words_config",
    "DROP TABLE words_content",
    "DROP TABLE words_data",
    "DROP TABLE words",
]


@pytest.mark.parametrize("damage", WORD_DAMAGE)
def test_word_search_that_is_damaged_is_noticed_and_made_again(
    catalog: Catalog, damage: str
) -> None:
    put(catalog, OTHER, SECRET)
    catalog.close()
    with sqlite3.connect(Path(catalog.name)) as db:
        db.execute(damage)
    db.close()
    again = open_catalog(Path(catalog.name))
    try:
        (fault,) = again.faults()
        assert (fault.severity, fault.remedy) == ("error", "run `dateline rebuild`")
        again.rebuild_words()
        assert again.faults() == []
        assert words(again, "ferry") == ["other"]
        assert words(again, "xylograph") == ["secret"]
    finally:
        again.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"none/catalog.sqlite cannot be written .*Make its folder"
    ):
        open_catalog(tmp_path / "none" / CATALOG)


def test_a_process_killed_while_making_the_file_leaves_one_that_opens(tmp_path: Path) -> None:
    """At every write that SQLite does while the file is created."""
    program = (
        "import os, sys, sqlite3, pathlib\n"
        "from vectorstore.catalog import open_catalog\n"
        "steps = int(sys.argv[2])\n"
        "class Killed(sqlite3.Connection):\n"
        "    def execute(self, *given):\n"
        "        global steps\n"
        "        steps -= 1\n"
        "        if steps == 0:\n"
        "            os.kill(os.getpid(), 9)\n"
        "        return super().execute(*given)\n"
        "connect = sqlite3.connect\n"
        "sqlite3.connect = lambda *a, **k: connect(*a, factory=Killed, **k)\n"
        "open_catalog(pathlib.Path(sys.argv[1]))\n"
    )
    ends = []
    for steps in range(1, 55, 3):
        file = tmp_path / f"{steps}.sqlite"
        ended = subprocess.run([sys.executable, "-c", program, file, str(steps)], check=False)
        ends.append(ended.returncode)
        catalog = open_catalog(file)
        put(catalog, OTHER)
        assert words(catalog, "ferry") == ["other"]
        catalog.close()
    assert -9 in ends
    assert 0 in ends


# -- helpers -----------------------------------------------------------------------------------


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(tmp_path / CATALOG)
    yield opened
    opened.close()


def put(catalog: Catalog, *articles: Article) -> None:
    catalog.put([(article, [new_passage(article)]) for article in articles], MODEL)


def new_passage(article: Article) -> NewPassage:
    key = sha256(f"{article.title}\n{article.text}".encode()).digest()
    return NewPassage(0, len(article.text), key, vector_of(article))


def vector_of(article: Article) -> bytes:
    return sha256(b"vector of " + article.text.encode()).digest()


def words(catalog: Catalog, query: str) -> list[str]:
    found = catalog.words.search(query, 20, None)
    passages = catalog.passages.of_vectors(found, None)
    return [passage.article_id for key in found for passage in passages[key]]


def traces(catalog: Catalog) -> set[bytes]:
    """Which traces of SECRET the index's files hold, in upper or lower case, or as a stem."""
    content = b"".join(file.read_bytes() for file in Path(catalog.name).parent.iterdir()).lower()
    held = {trace for trace in TRACES if trace in content or trace[:-2] in content}
    vector = vector_of(SECRET)
    return held | ({vector} if vector.lower() in content else set())


def add_column(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE articles ADD COLUMN mood TEXT NOT NULL DEFAULT 'none'")
