"""A folder or feed and an index: new, changed, moved, copied and gone are recognised as such."""

# ruff: noqa: S311 -- randomness is seeded here, so that it can be repeated; nothing is secret

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.fake_embedding import FakeEmbedding
from tests.test_fetching import Site, everywhere
from tests.test_fetching import site as site
from vectorstore.articles import Article, Origin, Skipped, SourceFile, SyncReport
from vectorstore.catalog import NewPassage, open_catalog
from vectorstore.errors import LoadingError
from vectorstore.fetching import fetch_if_changed
from vectorstore.index import Index
from vectorstore.loading import Loading, load, place_of
from vectorstore.loading.files import INDEX
from vectorstore.loading.links import sitemap_of
from vectorstore.local import LocalIndex
from vectorstore.shared import open_shared
from vectorstore.stores.sqlite import CATALOG
from vectorstore.syncing import add, page_place, sync
from vectorstore.syncing.known import stamp_of

AN_HOUR = 3_600_000_000_000
NOON = 1_750_000_000_000_000_000  # nanoseconds; long ago, so that a file's time can be trusted

FERRY = "The new ferry will cost 12 million crowns.\n\nIt will sail from Skennay in spring."
FLOOD = "Three hundred people were moved to safety when the Ennet flooded the town."
# Files that cannot be read, each for a different reason.
BAD: list[tuple[str, bytes]] = [
    (".txt", b""),
    (".txt", bytes(range(256)) * 8),
    (".json", b'{"text": "cut'),
    (".pdf", b"%PDF-1.7 cut off"),
    (".docx", b"PK\x03\x04 cut off"),
    (".zip", b"no archive"),
    (".html", b"<html><body></body></html>"),
    (".xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'),
    (".png", b"\x89PNG"),
    (".xlsx", b"PK"),
]
STRIKE = "Dockers in Skennay walked out on Monday over night shifts."


def written(file: Path, text: str | bytes, time: int = NOON) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(file, ns=(time, time))
    return file


@contextmanager
def nothing_is_read() -> Iterator[None]:
    """Reading any file fails; files that are not read are unaffected."""

    def refuse(path: Path, largest: int) -> bytes:
        raise AssertionError(f"{path} was read")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vectorstore.loading.read", refuse)
        yield


def texts(index: Index) -> dict[str, str]:
    return {summary.id: index.get(summary.id).text for summary in index.articles()}


def found_in(index: Index, words: str, source: str) -> set[str]:
    return {hit.passage.article_id for hit in index.search(words, sources=[source])}


def numbered(folder: Path, count: int) -> None:
    for number in range(count):
        written(folder / f"{number:03}.txt", f"Report {number} of the harbour office, in full.")


# -- new, unchanged, changed -------------------------------------------------------------------


def test_what_is_in_the_folder_comes_in_and_then_is_unchanged(
    index: Index, embedding: FakeEmbedding, folder: Path
) -> None:
    written(folder / "ferry.txt", FERRY)
    written(folder / "2025" / "flood.txt", FLOOD)
    first = index.sync(folder)
    assert len(first.new) == 2
    assert sorted(texts(index).values()) == sorted([FERRY, FLOOD])
    embedding.asked.clear()
    assert index.sync(folder) == SyncReport(unchanged=(first.new[0], first.new[1]))
    assert embedding.asked == []


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seconds after all files were written: a very recent file time proves nothing yet."""
    at = time.time_ns() + 60_000_000_000
    monkeypatch.setattr("vectorstore.syncing.intake.time.time_ns", lambda: at)


@pytest.mark.usefixtures("later")
def test_a_file_that_is_as_it_was_is_not_read(index: Index, folder: Path) -> None:
    file = written(folder / "ferry.txt", FERRY)
    (ferry,) = index.sync(folder).new
    with nothing_is_read():
        assert index.sync(folder) == SyncReport(unchanged=(ferry,))
    os.utime(file, ns=(NOON + AN_HOUR, NOON + AN_HOUR))  # its new time is noted when it is read
    assert index.sync(folder) == SyncReport(unchanged=(ferry,))
    with nothing_is_read():
        assert index.sync(folder) == SyncReport(unchanged=(ferry,))


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("way", ["moved into its place", "written over", "linked", "copied back"])
def test_another_file_of_the_same_size_and_time_is_read(
    index: Index, folder: Path, way: str
) -> None:
    file = written(folder / "ferry.txt", FERRY)
    (ferry,) = index.sync(folder).new
    before = file.stat()
    other = FERRY.replace("12", "14")
    if way == "written over":
        file.write_text(other)
    else:
        new = folder.parent / "new.txt"
        new.write_text(other)
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        if way == "moved into its place":
            new.replace(file)
        elif way == "linked":
            file.unlink()
            os.link(new, file)
        else:
            shutil.copy2(new, file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert index.sync(folder).changed == (ferry,)
    assert index.get(ferry).text == other


@pytest.mark.usefixtures("later")
def test_a_file_that_is_added_is_read_whatever_the_file_system_says(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(folder / "ferry.txt", FERRY)
    (ferry,) = index.add(file).added
    stamp = stamp_of(file)
    monkeypatch.setattr("vectorstore.syncing.intake.stamp_of", lambda _: stamp)
    file.write_text(FERRY.replace("12", "14"))
    assert index.sync(folder) == SyncReport(unchanged=(ferry,))
    assert index.add(file).updated == (ferry,)
    assert "14 million" in index.get(ferry).text


def test_a_file_that_was_just_written_is_read_again_for_its_time_proves_nothing(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "ferry.txt"
    file.write_text(FERRY)
    (ferry,) = index.sync(folder).new
    stamp = stamp_of(file)
    monkeypatch.setattr("vectorstore.syncing.intake.stamp_of", lambda _: stamp)
    file.write_text(FERRY.swapcase())
    assert index.sync(folder).changed == (ferry,)
    assert index.get(ferry).text == FERRY.swapcase()


def test_a_changed_file_keeps_its_id(index: Index, embedding: FakeEmbedding, folder: Path) -> None:
    file = written(folder / "ferry.txt", FERRY)
    written(folder / "flood.txt", FLOOD)
    ferry, flood = index.sync(folder).new
    embedding.asked.clear()
    written(file, FERRY.replace("12", "14"), NOON + AN_HOUR)
    assert index.sync(folder) == SyncReport(changed=(ferry,), unchanged=(flood,))
    assert "14 million" in index.get(ferry).text
    assert len(embedding.asked) == 1


def test_what_a_person_has_set_outlives_a_change_of_the_file(index: Index, folder: Path) -> None:
    file = written(folder / "ferry.txt", FERRY)
    (ferry,) = index.sync(folder).new
    index.edit(ferry, published=date(2025, 3, 4), title="The dear ferry")
    written(file, FERRY.replace("12", "14"), NOON + AN_HOUR)
    index.sync(folder)
    article = index.get(ferry)
    assert (article.title, article.published) == ("The dear ferry", date(2025, 3, 4))
    assert "14 million" in article.text
    index.edit(ferry, published="none", authors=["Jane Doe"], tags=["ports"])
    written(file, FERRY, NOON + 2 * AN_HOUR)
    index.sync(folder)
    article = index.get(ferry)
    assert (article.published, article.authors, article.tags) == (None, ("Jane Doe",), ("ports",))


def test_an_article_removed_by_hand_comes_back_with_its_file(index: Index, folder: Path) -> None:
    written(folder / "ferry.txt", FERRY)
    (ferry,) = index.sync(folder).new
    index.remove([ferry])
    assert index.sync(folder) == SyncReport(new=(ferry,))


def test_add_and_sync_know_the_same_files(index: Index, folder: Path) -> None:
    file = written(folder / "ferry.txt", FERRY)
    written(folder / "flood.txt", FLOOD)
    (ferry,) = index.add(file).added
    report = index.sync(folder)
    assert report.unchanged == (ferry,)
    assert set(index.add(folder).unchanged) == {ferry, *report.new}


# -- moved -------------------------------------------------------------------------------------


def test_a_moved_file_keeps_its_article_and_its_id_and_takes_its_new_source(
    index: Index, embedding: FakeEmbedding, folder: Path
) -> None:
    file = written(folder / "ferry.txt", FERRY)
    (ferry,) = index.sync(folder).new
    embedding.asked.clear()
    (folder / "archive").mkdir()
    file.rename(folder / "archive" / "boat.txt")
    assert index.sync(folder, prune=True) == SyncReport(moved=(ferry,))
    assert embedding.asked == []
    article = index.get(ferry)
    assert (article.text, article.source) == (FERRY, "Boat")
    assert [o.place for o in index.summary(ferry).origins] == [str(folder / "archive" / "boat.txt")]
    assert index.sync(folder) == SyncReport(unchanged=(ferry,))


def test_a_folder_that_was_moved_as_a_whole_is_known_where_it_is_now(
    index: Index, folder: Path
) -> None:
    written(folder / "a" / "ferry.txt", FERRY)
    written(folder / "a" / "flood.txt", FLOOD)
    ids = index.sync(folder / "a").new
    (folder / "a").rename(folder / "b")
    assert index.sync(folder / "b") == SyncReport(moved=ids)
    assert {index.summary(i).source for i in ids} == {"Ferry", "Flood"}
    with pytest.raises(LoadingError, match="cannot be found"):
        index.sync(folder / "a", prune=True, yes=True)
    assert len(index.articles()) == 2


def test_a_new_file_at_the_place_of_a_moved_one_is_another_article(
    index: Index, folder: Path
) -> None:
    file = written(folder / "today.txt", FERRY)
    (ferry,) = index.sync(folder).new
    file.rename(folder / "yesterday.txt")
    written(file, FLOOD)
    report = index.sync(folder)
    assert texts(index)[ferry] in (FERRY, FLOOD)
    assert sorted(texts(index).values()) == sorted([FERRY, FLOOD])
    assert not report.vanished


def test_a_moved_archive_keeps_the_ids_of_what_is_in_it(index: Index, folder: Path) -> None:
    import zipfile

    with zipfile.ZipFile(folder / "old.zip", "w") as archive:
        archive.writestr("1.txt", FERRY)
        archive.writestr("2.txt", FLOOD)
    ids = index.sync(folder).new
    assert {index.get(i).source for i in ids} == {"Old"}
    (folder / "old.zip").rename(folder / "new.zip")
    assert index.sync(folder) == SyncReport(moved=ids)
    assert {index.get(i).source for i in ids} == {"New"}


# -- gone --------------------------------------------------------------------------------------


def test_what_is_gone_is_told_and_removed_only_when_asked_for(index: Index, folder: Path) -> None:
    numbered(folder, 20)
    ids = index.sync(folder).new
    (folder / "007.txt").unlink()
    for _ in range(2):
        report = index.sync(folder)
        assert (report.vanished, report.removed) == ((ids[7],), ())
        assert len(report.unchanged) == 19
    report = index.sync(folder, prune=True)
    assert (report.vanished, report.removed, report.refusal) == ((ids[7],), (ids[7],), "")
    assert set(texts(index)) == set(ids) - {ids[7]}
    assert index.sync(folder).vanished == ()


def test_more_than_a_tenth_of_the_index_is_not_removed_unless_told_twice(
    index: Index, folder: Path
) -> None:
    numbered(folder, 20)
    index.sync(folder)
    for number in range(4):
        (folder / f"{number:03}.txt").unlink()
    written(folder / "ferry.txt", FERRY)
    report = index.sync(folder, prune=True)
    assert "4 of 21 articles are no longer in" in report.refusal
    assert (len(report.new), len(report.vanished), report.removed) == (1, 4, ())
    assert len(index.articles()) == 21
    assert len(index.sync(folder, prune=True, yes=True).removed) == 4


def test_a_tenth_of_the_index_may_go(index: Index, folder: Path) -> None:
    numbered(folder, 20)
    index.sync(folder)
    for number in range(2):
        (folder / f"{number:03}.txt").unlink()
    assert len(index.sync(folder, prune=True).removed) == 2


@pytest.mark.parametrize(("there", "gone"), [(3, 1), (5, 1), (5, 2), (7, 3), (12, 3)])
def test_a_few_may_go_from_a_small_index_where_more_stay(
    index: Index, folder: Path, there: int, gone: int
) -> None:
    numbered(folder, there)
    ids = index.sync(folder).new
    for number in range(gone):
        (folder / f"{number:03}.txt").unlink()
    report = index.sync(folder, prune=True)
    assert (report.removed, report.refusal) == (ids[:gone], "")


@pytest.mark.parametrize(
    ("there", "gone", "told"),
    [
        (2, 1, "1 of 2 articles is no"),
        (4, 2, "2 of 4 articles are no"),
        (6, 3, "3 of 6 "),
        (9, 4, "4 of 9 "),
    ],
)
def test_half_of_a_small_folder_or_many_go_only_when_told_twice(
    index: Index, folder: Path, there: int, gone: int, told: str
) -> None:
    numbered(folder, there)
    index.sync(folder)
    for number in range(gone):
        (folder / f"{number:03}.txt").unlink()
    report = index.sync(folder, prune=True)
    assert told in report.refusal
    assert (len(report.vanished), report.removed) == (gone, ())


def test_what_stays_is_counted_in_the_folder_and_what_is_new_there_does_not_count(
    index: Index, tmp_path: Path, folder: Path
) -> None:
    """Another disk where the folder's was, with an otherwise small index."""
    written(folder / "ferry.txt", FERRY)
    written(folder / "flood.txt", FLOOD)
    index.sync(folder)
    numbered(tmp_path / "elsewhere", 8)
    index.sync(tmp_path / "elsewhere")
    (folder / "ferry.txt").unlink()
    (folder / "flood.txt").unlink()
    for name in ("a.txt", "b.txt", "c.txt"):
        written(folder / name, f"{STRIKE} {name}")
    report = index.sync(folder, prune=True)
    assert "2 of 13 articles" in report.refusal
    assert (len(report.new), report.removed) == (3, ())


def test_an_empty_folder_empties_nothing_however_small_its_part(
    index: Index, tmp_path: Path, folder: Path
) -> None:
    numbered(folder, 30)
    index.sync(folder)
    disk = tmp_path / "disk"
    written(disk / "ferry.txt", FERRY)
    (ferry,) = index.sync(disk).new
    shutil.rmtree(disk)
    disk.mkdir()  # as when a disk is not mounted
    report = index.sync(disk, prune=True)
    assert "is it mounted?" in report.refusal
    assert (report.vanished, report.removed) == ((ferry,), ())
    assert index.sync(disk, prune=True, yes=True).removed == (ferry,)


def test_a_missing_folder_is_an_error_and_removes_nothing(index: Index, folder: Path) -> None:
    written(folder / "ferry.txt", FERRY)
    index.sync(folder)
    shutil.rmtree(folder)
    with pytest.raises(LoadingError, match="cannot be found"):
        index.sync(folder, prune=True, yes=True)
    assert list(texts(index).values()) == [FERRY]


def test_only_what_is_under_the_folder_can_be_gone_from_it(index: Index, folder: Path) -> None:
    index.add_articles([Article(id="given", title="", text=STRIKE)])
    written(folder / "news" / "ferry.txt", FERRY)
    written(folder / "news2" / "flood.txt", FLOOD)
    index.sync(folder)
    (folder / "news2" / "flood.txt").unlink()
    assert index.sync(folder / "news", prune=True, yes=True).vanished == ()
    assert len(index.articles()) == 3


def test_what_has_become_a_link_out_of_the_folder_is_not_gone(
    index: Index, tmp_path: Path, folder: Path
) -> None:
    file = written(folder / "ferry.txt", FERRY)
    (ferry,) = index.sync(folder).new
    file.rename(tmp_path / "elsewhere.txt")
    file.symlink_to(tmp_path / "elsewhere.txt")
    report = index.sync(folder, prune=True, yes=True)
    assert (report.vanished, len(report.skipped)) == ((), 1)
    assert index.get(ferry).text == FERRY


def test_a_file_that_becomes_a_link_while_its_folder_is_synced_is_not_read(
    index: Index, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(folder / "ferry.txt", FERRY)
    written(tmp_path / "secret.txt", FLOOD)

    def found(*given: Any, **named: Any) -> Loading:
        loading = load(*given, **named)
        file.unlink()
        file.symlink_to(tmp_path / "secret.txt")
        return loading

    monkeypatch.setattr("vectorstore.syncing.source.load", found)
    report = index.sync(folder)

    assert report.new == ()
    assert [each.reason for each in report.skipped] == [
        "cannot be opened: it has become a link, or no longer lies in a folder"
    ]


def test_an_article_that_is_no_longer_in_its_file_is_gone_and_may_come_back(
    index: Index, folder: Path
) -> None:
    def rows(*numbers: int) -> str:
        return "\n".join(json.dumps({"id": f"n{n}", "text": f"Report {n}"}) for n in numbers)

    file = written(folder / "all.jsonl", rows(*range(20)))
    index.sync(folder)
    written(file, rows(*range(19)), NOON + AN_HOUR)
    report = index.sync(folder)
    assert (report.vanished, len(report.unchanged)) == (("n19",), 19)
    written(file, rows(*range(20)), NOON + 2 * AN_HOUR)
    assert index.sync(folder).vanished == ()
    written(file, rows(*range(19)), NOON + 3 * AN_HOUR)
    assert index.sync(folder, prune=True).removed == ("n19",)
    report = index.sync(folder)
    assert report == SyncReport(unchanged=report.unchanged)
    assert set(report.unchanged) == {f"n{n}" for n in range(19)}


# -- what cannot be read -----------------------------------------------------------------------


def test_a_file_that_cannot_be_read_any_more_keeps_its_articles(index: Index, folder: Path) -> None:
    file = written(folder / "all.json", json.dumps({"id": "one", "text": FERRY}))
    index.sync(folder)
    written(file, '{"id": "one", "te', NOON + AN_HOUR)
    report = index.sync(folder, prune=True, yes=True)
    assert report.vanished == ()
    assert report.skipped[0].source == str(file)
    assert texts(index) == {"one": FERRY}
    written(file, json.dumps({"id": "one", "text": FLOOD}), NOON + 2 * AN_HOUR)
    assert index.sync(folder).changed == ("one",)


@pytest.mark.usefixtures("later")
def test_a_bad_file_is_told_every_time_and_parsed_once(index: Index, folder: Path) -> None:
    good = json.dumps({"id": "one", "text": FERRY})
    file = written(folder / "all.json", good[:-1] + " ")
    (first,) = index.sync(folder).skipped
    with nothing_is_read():
        assert index.sync(folder).skipped == (first,)
    assert index.add(folder).skipped == (first,)  # adding tries again
    file.write_text(good)
    assert index.add(folder).added == ("one",)


def test_files_of_other_kinds_and_indexes_within_are_left_alone(index: Index, folder: Path) -> None:
    assert INDEX == CATALOG
    written(folder / "ferry.txt", FERRY)
    written(folder / "picture.png", b"\x89PNG")
    with LocalIndex(folder / "index", FakeEmbedding) as other:
        other.add_articles([Article(id="x", title="", text="x")])
        report = index.sync(folder)
    assert len(report.new) == 1
    assert [Path(skipped.source).name for skipped in report.skipped] == ["picture.png"]


def test_fifty_bad_files_among_two_thousand_are_told_and_stop_nothing(
    tmp_path: Path, folder: Path
) -> None:
    bad: list[str] = []
    for number in range(2_000):
        file = folder / f"{number % 20:02}" / f"{number:05}"
        if number % 40:
            written(file.with_suffix(".txt"), f"Report {number} of the harbour office, in full.")
        else:
            ending, content = BAD[number // 40 % len(BAD)]
            bad.append(str(written(file.with_suffix(ending), content)))
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        report = index.sync(folder)
        assert (len(report.new), len(report.skipped)) == (1_950, 50)
        assert sorted(skipped.source for skipped in report.skipped) == sorted(bad)
        assert all(skipped.reason for skipped in report.skipped)
        again = index.sync(folder)
        assert (len(again.unchanged), again.skipped) == (1_950, report.skipped)


def test_what_a_page_says_of_itself_is_stored(index: Index, folder: Path) -> None:
    page = (
        "<html lang='en-GB'><head><title>Harbour reopens</title>"
        "<meta name='author' content='Mara Holt'>"
        "<meta property='article:published_time' content='2025-07-26T10:00:00+01:00'></head>"
        f"<body><article><h1>Harbour reopens</h1><p>{FERRY}</p><p>{FLOOD}</p></article></body></html>"
    )
    written(folder / "page.html", page)
    (page_id,) = index.sync(folder).new
    for known in (index.get(page_id), index.summary(page_id)):
        assert known.title == "Harbour reopens"
        assert known.authors == ("Mara Holt",)
        assert known.language == "en"
        assert known.published == date(2025, 7, 26)


# -- twice -------------------------------------------------------------------------------------


def test_the_same_file_twice_is_one_article_with_two_sources(
    index: Index, embedding: FakeEmbedding, folder: Path
) -> None:
    one = written(folder / "a" / "ferry.txt", FERRY)
    two = written(folder / "b" / "boat.txt", FERRY)
    report = index.sync(folder)
    (ferry,) = report.new
    assert [(o.place, o.article_id) for o in report.duplicates] == [(str(two), ferry)]
    (summary,) = index.articles()
    assert summary == index.summary(ferry)
    assert summary.sources == ("Ferry", "Boat")
    assert [o.place for o in summary.origins] == [str(one), str(two)]
    for source in (*summary.sources, str(one), str(two)):
        assert found_in(index, "ferry crowns", source) == {ferry}
    assert found_in(index, "ferry crowns", "Other") == set()
    assert index.sync(folder) == SyncReport(unchanged=(ferry,))


def test_add_merges_files_and_keeps_given_articles_apart(index: Index, folder: Path) -> None:
    one = written(folder / "a.txt", FERRY)
    two = written(folder / "b.txt", FERRY)
    given = [Article(id=name, title="", text=FERRY) for name in ("x", "y")]
    assert index.add_articles(given).added == ("x", "y")
    (ferry,) = index.add(one).added
    assert index.add(two).unchanged == (ferry,)
    assert set(texts(index)) == {"x", "y", ferry}


def test_an_article_lives_as_long_as_one_of_its_files(index: Index, folder: Path) -> None:
    one = written(folder / "a.txt", FERRY)
    written(folder / "b.txt", FERRY)
    (ferry,) = index.sync(folder).new
    one.unlink()
    report = index.sync(folder, prune=True)
    assert (report.vanished, report.removed, report.refusal) == ((), (), "")
    summary = index.summary(ferry)
    assert (summary.sources, len(summary.origins)) == (("B",), 1)
    (folder / "b.txt").unlink()
    assert index.sync(folder, prune=True, yes=True).removed == (ferry,)


def test_when_one_of_two_files_changes_the_other_keeps_the_article(
    index: Index, folder: Path
) -> None:
    one = written(folder / "a.txt", FERRY)
    written(folder / "b.txt", FERRY)
    (ferry,) = index.sync(folder).new
    written(one, FLOOD, NOON + AN_HOUR)
    (flood,) = index.sync(folder).new
    assert texts(index) == {ferry: FERRY, flood: FLOOD}
    assert index.get(ferry).source == "B"
    written(one, STRIKE, NOON + 2 * AN_HOUR)
    assert index.sync(folder) == SyncReport(changed=(flood,), unchanged=(ferry,))


def test_a_file_that_becomes_the_copy_of_another_joins_it(index: Index, folder: Path) -> None:
    one = written(folder / "a.txt", FERRY)
    written(folder / "b.txt", FLOOD)
    ferry, flood = index.sync(folder).new
    written(one, FLOOD, NOON + AN_HOUR)
    report = index.sync(folder)
    assert report.vanished == (ferry,)
    assert len(index.summary(flood).origins) == 2
    assert index.sync(folder, prune=True, yes=True).removed == (ferry,)
    assert texts(index) == {flood: FLOOD}


def table(*rows: str) -> str:
    return "\n".join(("id,title,date,source,text", *rows))


WEEKLY = table(
    f"1,The ferry,2025-07-17,Skennay Weekly,{FERRY.splitlines()[0]}",
    f"2,The flood,2025-07-18,Skennay Weekly,{FLOOD}",
)
HERALD = table(f"1,The strike,2025-07-19,Ennet Herald,{STRIKE}")


def listed(index: Index) -> set[tuple[str, str]]:
    return {(summary.title, summary.source) for summary in index.articles()}


ALL_THREE = {
    ("The ferry", "Skennay Weekly"),
    ("The flood", "Skennay Weekly"),
    ("The strike", "Ennet Herald"),
}


@pytest.mark.parametrize("bring", [add, sync])
@pytest.mark.parametrize("together", [True, False])
def test_records_of_two_files_with_the_same_ids_are_articles_of_their_own(
    index: Index, folder: Path, bring: Callable[[Index, Path], object], together: bool
) -> None:
    written(folder / "one" / "weekly.csv", WEEKLY)
    written(folder / "two" / "herald.csv", HERALD)
    places = [folder] if together else [folder / "one", folder / "two"]
    for _ in range(2):
        for place in places:
            bring(index, place)
        assert listed(index) == ALL_THREE
    assert {"1", "2"} < texts(index).keys()  # the first to come keeps the id from the file
    ids = texts(index).keys()

    written(folder / "two" / "herald.csv", HERALD.replace("Monday", "Tuesday"), NOON + AN_HOUR)
    for place in places:
        bring(index, place)
    assert texts(index).keys() == ids
    assert {text for text in texts(index).values() if "Dockers" in text} == {
        STRIKE.replace("Monday", "Tuesday")
    }


def test_a_file_in_place_of_one_that_is_gone_takes_none_of_its_articles(
    index: Index, folder: Path
) -> None:
    file = written(folder / "weekly.csv", WEEKLY)
    index.sync(folder)
    file.unlink()
    written(folder / "herald.csv", HERALD)
    assert set(index.sync(folder).vanished) == {"1", "2"}
    assert listed(index) == ALL_THREE


def test_a_record_has_the_id_of_no_article_that_a_script_gave(index: Index, folder: Path) -> None:
    index.add_articles([Article(id="1", title="Given", text=FERRY)])
    written(folder / "herald.csv", HERALD)
    for _ in range(2):
        index.sync(folder)
        assert texts(index)["1"] == FERRY
        assert sorted(texts(index).values()) == sorted([FERRY, STRIKE])


def test_a_record_that_two_exports_have_is_one_article_until_one_of_them_changes_it(
    index: Index, folder: Path
) -> None:
    written(folder / "may.csv", WEEKLY)
    later = written(folder / "june.csv", table(*WEEKLY.splitlines()[1:], *HERALD.splitlines()[2:]))
    index.sync(folder)
    assert texts(index).keys() == {"1", "2"}
    assert [len(summary.origins) for summary in index.articles()] == [2, 2]

    written(later, later.read_text().replace("Three hundred", "Four hundred"), NOON + AN_HOUR)
    index.sync(folder)
    assert texts(index)["2"] == FLOOD
    assert sorted(texts(index).values()) == sorted(
        [FERRY.splitlines()[0], FLOOD, FLOOD.replace("Three", "Four")]
    )


def test_what_an_earlier_release_gave_to_the_wrong_paper_comes_back(
    index: Index, folder: Path
) -> None:
    weekly = written(folder / "one" / "weekly.csv", WEEKLY)
    herald = written(folder / "two" / "herald.csv", HERALD)
    index.sync(folder / "one")
    index.sync(folder / "two")
    # As it used to be: the second file's record in place of the first's, and claimed by both files.
    (strike,) = (s.id for s in index.articles() if s.title == "The strike")
    wrong = replace(index.get(strike), id="1")
    index.remove([strike])
    (file,) = index.source_files(under=str(herald)) or [SourceFile(str(herald))]
    index.store_files(
        [replace(file, origins=(Origin(str(herald), "1", "Ennet Herald", "1"),), reading=1)],
        [wrong],
    )
    (file,) = index.source_files(under=str(weekly))
    index.store_files([replace(file, reading=1)])
    assert ("The ferry", "Skennay Weekly") not in listed(index)

    index.sync(folder / "one")
    index.sync(folder / "two")
    assert listed(index) == ALL_THREE


def test_a_row_put_before_the_others_changes_none_of_them(index: Index, folder: Path) -> None:
    rows = [f"The {n},Report {n} of the harbour office." for n in ("ferry", "flood", "strike")]
    file = written(folder / "a.csv", "\n".join(["title,text", *rows[1:]]))
    index.sync(folder)
    before = texts(index)
    written(file, "\n".join(["title,text", *rows]), NOON + AN_HOUR)
    assert len(index.sync(folder).new) == 1
    assert before.items() < texts(index).items()


# -- many, and by chance -----------------------------------------------------------------------


def test_a_file_of_many_articles_is_stored_in_parts_and_read_when_all_are(
    index: Index, folder: Path
) -> None:
    rows = [json.dumps({"id": f"n{n}", "text": f"Report {n}"}) for n in range(150)]
    written(folder / "all.jsonl", "\n".join(rows))
    assert len(index.sync(folder).new) == 150
    assert len(index.sync(folder).unchanged) == 150


@pytest.mark.parametrize("seed", range(6))
def test_after_any_changes_the_index_holds_what_the_folder_does(
    index: Index, folder: Path, seed: int
) -> None:
    chance = random.Random(seed)
    time = NOON
    for _ in range(12):
        for _ in range(chance.randint(1, 4)):
            time += AN_HOUR
            _change_something(folder, chance, time)
        index.sync(folder, prune=True, yes=True)
        files = {file: file.read_text() for file in folder.rglob("*.txt")}
        summaries = index.articles()
        assert sorted(index.get(s.id).text for s in summaries) == sorted(set(files.values()))
        for summary in summaries:
            text = index.get(summary.id).text
            same = {str(file) for file, content in files.items() if content == text}
            assert {origin.place for origin in summary.origins} == same
            assert summary.source in {place_of(Path(place)).source for place in same}
        again = index.sync(folder)
        assert again == SyncReport(unchanged=again.unchanged)
    assert [finding for finding in index.check() if finding.severity == "error"] == []


def _change_something(folder: Path, chance: random.Random, time: int) -> None:
    files = sorted(folder.rglob("*.txt"))
    place = folder / chance.choice("ab") / f"{chance.randrange(6)}.txt"
    what = chance.choice(["write", "write", "remove", "move", "copy"]) if files else "write"
    if what == "write":
        written(place, f"Report {chance.randrange(10)} of the harbour office.", time)
    elif what == "remove":
        chance.choice(files).unlink()
    else:
        place.parent.mkdir(exist_ok=True)
        file = chance.choice(files)
        if file != place:
            (shutil.move if what == "move" else shutil.copy2)(file, place)


# -- feeds and pages ---------------------------------------------------------------------------


def feed(**entries: str) -> bytes:
    items = "".join(
        f"<item><guid>{key}</guid><title>{key}</title><description>{text}</description></item>"
        for key, text in entries.items()
    )
    return f"<rss version='2.0'><channel><title>Wire</title>{items}</channel></rss>".encode()


def synced(index: Index, address: str, *, prune: bool = False, yes: bool = False) -> SyncReport:
    fetch = partial(fetch_if_changed, allow=everywhere)
    return sync(index, address, prune=prune, yes=yes, fetch=fetch)


def test_a_feed_brings_what_is_new_and_changed_and_keeps_what_it_dropped(
    index: Index, site: Site
) -> None:
    address = site.says("/feed", feed(a=FERRY, b=FLOOD), Content_Type="application/rss+xml")
    a, b = synced(index, address).new
    assert synced(index, address) == SyncReport(unchanged=(a, b))
    site.says("/feed", feed(b=FLOOD + " All are safe.", c=STRIKE), Content_Type="text/xml")
    report = synced(index, address)
    assert (report.changed, report.vanished, report.removed) == ((b,), (a,), ())
    assert len(report.new) == 1
    assert len(index.articles()) == 3
    report = synced(index, address, prune=True, yes=True)
    assert report.removed == (a,)
    assert len(index.articles()) == 2


def test_a_feed_is_asked_whether_it_has_changed(index: Index, site: Site) -> None:
    address = site.says(
        "/feed",
        feed(a=FERRY),
        Content_Type="text/xml",
        ETag='"v1"',
        Last_Modified="Tue, 04 Mar 2025 10:00:00 GMT",
    )
    ids = synced(index, address).new
    site.says("/feed", b"", status=304, Content_Type="")
    assert synced(index, address) == SyncReport(unchanged=ids)
    headers = site.asked[-1][1]
    assert headers["If-None-Match"] == '"v1"'
    assert headers["If-Modified-Since"] == "Tue, 04 Mar 2025 10:00:00 GMT"
    index.remove(ids)  # with nothing of the feed stored, all of it is requested
    site.says("/feed", feed(a=FERRY), Content_Type="text/xml")
    assert synced(index, address).new == ids
    assert "If-None-Match" not in site.asked[-1][1]


def test_a_feed_that_cannot_be_had_is_an_error_and_changes_nothing(
    index: Index, site: Site
) -> None:
    address = site.says("/feed", feed(a=FERRY), Content_Type="text/xml")
    synced(index, address)
    site.says("/feed", b"", status=500)
    with pytest.raises(LoadingError, match="500"):
        synced(index, address, prune=True, yes=True)
    assert len(index.articles()) == 1


PAGE = f"<html><head><title>Ferry</title></head><body><article><p>{FERRY}</p></article></body>"


def test_the_same_page_by_two_addresses_is_one_article(index: Index, site: Site) -> None:
    address = site.says("/story", PAGE.encode() + b"<!-- 1 -->")
    short = site.says("/s", status=302, Location="/story")
    fetch = partial(fetch_if_changed, allow=everywhere)
    (story,) = add(index, address, fetch=fetch).added
    site.says("/story", PAGE.encode() + b"<!-- 2 -->")  # like pages that count their visitors
    assert add(index, short, fetch=fetch).unchanged == (story,)
    followed = site.says("/story?utm_source=mail", PAGE.encode() + b"<!-- 3 -->")
    assert add(index, followed, fetch=fetch).unchanged == (story,)
    assert [o.place for o in index.summary(story).origins] == [short, address]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("HTTPS://Example.org:443/a#part", "https://example.org/a"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org:8080/a?b=1&c", "http://example.org:8080/a?b=1&c"),
        ("http://example.org/a?b=1&utm_source=x&fbclid=y", "http://example.org/a?b=1"),
    ],
)
def test_addresses_of_one_page_are_one_place(address: str, place: str) -> None:
    assert page_place(address) == place


LONG = "".join(f" The council heard speaker {number} on the ferry's price." for number in range(40))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vectorstore.syncing.polite._PAUSE", 0)


def linking(site: Site, **entries: str) -> str:
    """A feed of teasers whose entries link to pages of the same names."""
    items = "".join(
        f"<item><guid>{key}</guid><title>{key}</title><link>{site.base}/{key}</link>"
        f"<description>{text}</description></item>"
        for key, text in entries.items()
    )
    whole = f"<rss version='2.0'><channel><title>Wire</title>{items}</channel></rss>".encode()
    return site.says("/feed", whole, Content_Type="application/rss+xml")


def page(site: Site, path: str, text: str, head: str = "") -> str:
    body = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    whole = f"<html><head><title>A page</title>{head}</head><body><article>{body}</article></body></html>"
    return site.says(path, whole.encode())


def asked(site: Site) -> list[str]:
    """The paths requested since the last call, without robots.txt."""
    paths = [path for path, _ in site.asked if path != "/robots.txt"]
    site.asked.clear()
    return paths


DATED = '<meta property="article:published_time" content="2025-03-04">'


@pytest.mark.usefixtures("hurried")
def test_a_teaser_of_a_feed_takes_its_pages_text_and_the_page_is_asked_for_once(
    index: Index, site: Site
) -> None:
    page(site, "/ferry", FERRY + LONG, DATED)
    address = linking(site, ferry=FERRY)
    (ferry,) = synced(index, address).new
    article = index.get(ferry)
    assert "speaker 39" in article.text
    assert (article.title, article.source) == ("ferry", "Wire")
    assert (article.url, article.published) == (f"{site.base}/ferry", date(2025, 3, 4))
    assert asked(site) == ["/feed", "/ferry"]
    page(site, "/flood", FLOOD + LONG)
    linking(site, ferry=FERRY, flood=FLOOD)
    report = synced(index, address)
    assert (report.unchanged, len(report.new)) == ((ferry,), 1)
    assert index.get(ferry) == article
    assert asked(site) == ["/feed", "/flood"]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "text", ["Accept all cookies to go on reading. " * 30, FLOOD, FERRY[:20]], ids=len
)
def test_a_page_that_has_not_the_teasers_words_leaves_the_teaser(
    index: Index, site: Site, text: str
) -> None:
    page(site, "/ferry", text)
    (ferry,) = synced(index, linking(site, ferry=FERRY)).new
    assert index.get(ferry).text == FERRY.replace("\n\n", " ")


@pytest.mark.usefixtures("hurried")
def test_a_teaser_whose_page_cannot_be_had_comes_in_and_is_told(index: Index, site: Site) -> None:
    address = linking(site, ferry=FERRY, flood=FLOOD)
    page(site, "/flood", FLOOD + LONG)
    report = synced(index, address)
    assert len(report.new) == 2
    (notice,) = report.notices
    assert notice.source == address
    assert notice.text.startswith("1 entry has only the beginning of its text: ")
    assert f"{site.base}/ferry" in notice.text
    page(site, "/ferry", FERRY + LONG)  # `add` tries again
    assert len(add(index, address, fetch=partial(fetch_if_changed, allow=everywhere)).updated) == 1
    assert all("speaker 39" in text for text in texts(index).values())


@pytest.mark.usefixtures("hurried")
def test_a_figure_that_a_feed_corrects_is_corrected_in_the_text_of_its_page(
    index: Index, site: Site
) -> None:
    page(site, "/ferry", FERRY + LONG)
    address = linking(site, ferry=FERRY)
    (ferry,) = synced(index, address).new
    dearer = FERRY.replace("12 million", "150 million")
    site.says("/ferry", status=503)
    linking(site, ferry=dearer)
    (notice,) = synced(index, address).notices
    assert "has other figures than before, and was left as it was" in notice.text
    assert "12 million" in index.get(ferry).text
    page(site, "/ferry", dearer + LONG)
    assert synced(index, address).changed == (ferry,)
    assert index.get(ferry).text.startswith("The new ferry will cost 150 million")
    assert "speaker 39" in index.get(ferry).text
    page(site, "/ferry", "Accept all cookies to go on reading.")
    linking(site, ferry=FERRY.replace("12 million", "160 million"))
    assert synced(index, address).unchanged == (ferry,)


@pytest.mark.usefixtures("hurried")
def test_what_a_feed_adds_to_its_teasers_asks_for_no_page_again(index: Index, site: Site) -> None:
    page(site, "/ferry", FERRY + LONG)
    address = linking(site, ferry=f"{FERRY} 14 comments")
    (ferry,) = synced(index, address).new
    assert asked(site) == ["/feed", "/ferry"]
    site.says("/ferry", status=404)
    linking(site, ferry=f"{FERRY} 15 comments")
    report = synced(index, address)
    assert (report.unchanged, report.notices, asked(site)) == ((ferry,), (), ["/feed"])


def test_the_addresses_of_a_sitemap_are_read_beside_comments_and_bare_ampersands() -> None:
    rules = b"Sitemap: https://a.org/s.xml # main\nSitemap: https://a.org/#all\n"
    named = sitemap_of(rules, "https://a.org/robots.txt")
    assert named is not None
    assert named.maps == ("https://a.org/s.xml", "https://a.org/#all")
    listed = sitemap_of(
        b"<urlset><url><loc><![CDATA[https://a.org/?a=1&b=2]]></loc></url>"
        b"<url><loc>https://a.org/y&z</loc></url></urlset>",
        "https://a.org/s.xml",
    )
    assert listed is not None
    assert {each.address for each in listed.pages} == {
        "https://a.org/?a=1&b=2",
        "https://a.org/y&z",
    }


@pytest.mark.usefixtures("hurried")
def test_the_excerpts_of_a_json_feed_take_their_pages_texts(index: Index, site: Site) -> None:
    page(site, "/ferry", FERRY + LONG)
    items = [
        {"id": "1", "url": f"{site.base}/flood", "content_html": f"<p>{FLOOD}</p>" + LONG},
        {"id": "2", "url": f"{site.base}/ferry", "summary": FERRY},
    ]
    whole = {"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": items}
    body = json.dumps(whole).encode()
    report = synced(index, site.says("/feed", body, Content_Type="application/feed+json"))
    assert (report.notices, asked(site)) == ((), ["/feed", "/ferry"])
    assert "speaker 39" in index.get("2").text


@pytest.mark.usefixtures("hurried")
def test_pages_of_a_feed_are_fetched_as_safely_as_any(index: Index, site: Site) -> None:
    site.says("/robots.txt", b"User-agent: *\nDisallow: /ferry", Content_Type="text/plain")
    page(site, "/ferry", FERRY + LONG)
    report = synced(index, linking(site, ferry=FERRY))
    assert "robots.txt" in report.notices[0].text
    assert asked(site) == ["/feed"]


NO_ADDRESS = '<link rel="alternate" type="application/rss+xml" href="http://[news">'


@pytest.mark.parametrize(
    ("path", "link", "offered"),
    [
        ("/", '<link href="news.xml" type="Application/RSS+xml" rel="Alternate">', "/news.xml"),
        ("/", '<link rel="alternate" type="application/atom+xml" href="/a?b=1">', "/a?b=1"),
        ("/", '<link rel="alternate" type="text/html" hreflang="de" href="/de">', ""),
        ("/", '<link rel="alternate" type="application/rss+xml" href="javascript:x">', ""),
        ("/", NO_ADDRESS, ""),
        ("/", '<link rel="alternate" type="application/rss+xml">', ""),
        ("/", f'{NO_ADDRESS}<link rel="alternate" type="application/rss+xml" href="/b">', "/b"),
        ("/story", '<link rel="alternate" type="application/rss+xml" href="/news.xml">', ""),
    ],
)
def test_a_home_page_that_offers_a_feed_is_told_with_it(
    index: Index, site: Site, path: str, link: str, offered: str
) -> None:
    page(site, path, FERRY + LONG, link)
    told = [notice.text for notice in synced(index, site.base + path).notices]
    assert told == ([f"offers a feed of its articles: {site.base}{offered}"] if offered else [])


def sitemap(site: Site, path: str, *pages: str, inner: str = "url", **changed: str) -> str:
    whole = "".join(
        f"<{inner}><loc>{site.base}/{each}</loc>"
        + (f"<lastmod>{changed[each]}</lastmod>" if each in changed else "")
        + f"</{inner}>"
        for each in (*pages, *changed)
    )
    outer = "urlset" if inner == "url" else "sitemapindex"
    start = "<?xml version='1.0' encoding='UTF-8'?><!-- made by a press system -->"
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    body = f'{start}<{outer} xmlns="{namespace}">{whole}</{outer}>'
    return site.says(path, body.encode(), Content_Type="application/xml")


@pytest.mark.usefixtures("hurried")
def test_the_pages_that_a_sitemap_lists_come_in_and_are_asked_for_when_they_changed(
    index: Index, site: Site
) -> None:
    page(site, "/ferry", FERRY + LONG, DATED)
    page(site, "/flood", FLOOD + LONG)
    address = sitemap(site, "/sitemap.xml", ferry="2025-03-04", flood="2025-03-05T10:00:00Z")
    flood, ferry = synced(index, address).new  # last changed first
    assert index.get(ferry).published == date(2025, 3, 4)
    assert index.get(ferry).url == f"{site.base}/ferry"
    assert asked(site) == ["/sitemap.xml", "/flood", "/ferry"]
    assert {*synced(index, address).unchanged} == {flood, ferry}
    assert asked(site) == ["/sitemap.xml"]
    page(site, "/ferry", FERRY + LONG + " It sank.", DATED)
    sitemap(site, "/sitemap.xml", ferry="2025-03-06", flood="2025-03-05T10:00:00Z")
    report = synced(index, address, prune=True)
    assert (report.changed, report.vanished) == ((ferry,), ())
    assert index.get(ferry).text.endswith("It sank.")
    assert asked(site) == ["/sitemap.xml", "/ferry"]
    sitemap(site, "/sitemap.xml", flood="2025-03-05T10:00:00Z")  # what it drops stays
    assert synced(index, address, prune=True).vanished == ()
    assert len(index.articles()) == 2


@pytest.mark.usefixtures("hurried")
def test_a_sitemap_in_sixteen_bits_and_one_larger_than_a_page_may_be(
    index: Index, site: Site
) -> None:
    page(site, "/ferry", FERRY + LONG)
    page(site, "/flood", FLOOD + LONG)
    start = "<?xml version='1.0' encoding='UTF-16'?>"
    wide = f"{start}<urlset><url><loc>{site.base}/ferry</loc></url></urlset>".encode("utf-16")
    assert len(synced(index, site.says("/wide.xml", wide, Content_Type="text/xml")).new) == 1
    filling = b"<!--" + b" " * 11_000_000 + b"-->"
    large = f"<urlset><url><loc>{site.base}/flood</loc></url>".encode() + filling + b"</urlset>"
    assert len(synced(index, site.says("/large.xml", large, Content_Type="text/xml")).new) == 1


@pytest.mark.usefixtures("hurried")
def test_a_compressed_sitemap_is_unpacked_within_the_limit(index: Index, site: Site) -> None:
    page(site, "/ferry", FERRY + LONG)
    plain = f"<urlset><url><loc>{site.base}/ferry</loc></url></urlset>".encode()
    address = site.says("/map.xml.gz", gzip.compress(plain), Content_Type="application/x-gzip")
    assert len(synced(index, address).new) == 1
    bomb = site.says("/bomb.gz", gzip.compress(bytes(200_000_000)), Content_Type="application/gzip")
    broken = site.says("/broken.gz", b"\x1f\x8b" + plain, Content_Type="application/gzip")
    for place, reason in ((bomb, "it is larger than"), (broken, "packed by gzip and is not")):
        with pytest.raises(LoadingError, match=reason):
            synced(index, place)


@pytest.mark.usefixtures("hurried")
def test_an_index_of_sitemaps_leads_to_its_pages_and_to_what_cannot_be_had(
    index: Index, site: Site
) -> None:
    page(site, "/ferry", FERRY + LONG)
    sitemap(site, "/march.xml", "ferry", "gone")
    address = sitemap(site, "/sitemap.xml", "march.xml", "april.xml", inner="sitemap")
    report = synced(index, address)
    assert len(report.new) == 1
    assert {skipped.source for skipped in report.skipped} == {
        f"{site.base}/gone",
        f"{site.base}/april.xml",
    }


@pytest.mark.usefixtures("hurried")
def test_a_long_sitemap_comes_in_over_several_runs_and_dead_pages_hold_none_up(
    index: Index, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vectorstore.syncing.source.PAGES_A_RUN", 2)
    page(site, "/ferry", FERRY + LONG)
    page(site, "/flood", FLOOD + LONG)
    address = sitemap(site, "/sitemap.xml", "dead1", "dead2", "ferry", "flood")
    first = synced(index, address)
    assert (len(first.new), len(first.skipped)) == (0, 2)
    assert [notice.text for notice in first.notices] == [
        "lists 2 more pages than are fetched in one run; run it again for the next"
    ]
    assert len(synced(index, address).new) == 2
    assert [each for each in index.check() if each.severity == "error"] == []


@pytest.mark.usefixtures("hurried")
def test_pages_below_the_address_of_a_feed_are_none_of_its_entries(
    index: Index, site: Site
) -> None:
    page(site, "/ferry", FERRY + LONG)
    (ferry,) = synced(index, sitemap(site, "/sitemap.xml", "ferry")).new
    address = site.says("/", feed(x=STRIKE), Content_Type="text/xml")
    report = synced(index, address, prune=True, yes=True)
    assert (len(report.new), report.vanished, report.removed) == (1, (), ())
    assert ferry in {each.id for each in index.articles()}


def test_a_feed_that_becomes_a_web_page_brings_nothing_and_is_told(
    index: Index, site: Site
) -> None:
    address = site.says("/feed", feed(a=FERRY, b=FLOOD), Content_Type="text/xml")
    ids = synced(index, address).new
    site.says("/feed", b"<!doctype html><title>For sale</title><p>This name is for sale.</p>")
    report = synced(index, address)
    assert (report.new, report.changed, report.vanished) == ((), (), ())
    assert [(each.source, "no longer a feed" in each.reason) for each in report.skipped] == [
        (address, True)
    ]
    site.says("/feed", feed(a=FERRY, b=FLOOD), Content_Type="text/xml")
    assert synced(index, address) == SyncReport(unchanged=ids)


def test_a_web_page_under_the_name_of_a_sitemap_is_none(index: Index, site: Site) -> None:
    address = site.says("/sitemap.xml", b"<html><p>Sorry, this is not to be found here.</p></html>")
    with pytest.raises(LoadingError, match="gives a web page"):
        synced(index, address)
    assert not index.articles()


def entry(link: str, text: str = FERRY * 15) -> bytes:
    item = f"<item><guid>{link}</guid><link>{link}</link><description>{text}</description></item>"
    return f"<rss version='2.0'><channel><title>Wire</title>{item}</channel></rss>".encode()


def test_an_entry_whose_address_is_only_written_otherwise_is_the_article_it_was(
    index: Index, site: Site
) -> None:
    address = site.says("/feed", entry("http://paper.example/ferry"), Content_Type="text/xml")
    ids = synced(index, address).new
    for link in (
        "https://paper.example/ferry",
        "https://www.paper.example/ferry/",
        "https://paper.example/ferry?utm_source=rss",
    ):
        site.says("/feed", entry(link), Content_Type="text/xml")
        report = synced(index, address)
        assert (report.new, report.changed, report.vanished) == ((), ids, ())
        assert index.get(ids[0]).url == link
    for link in ("https://paper.example/ferry?page=2", "https://paper.example/ferry#3"):
        site.says("/feed", entry(link, FLOOD * 20), Content_Type="text/xml")
        assert len(synced(index, address).new) == 1  # these are different articles


def test_entries_that_all_have_one_guid_are_articles_of_their_own(index: Index, site: Site) -> None:
    def said(guid: str, *names: str) -> bytes:
        items = "".join(
            f"<item><guid>{guid}</guid><title>{name}</title><link>/{name}</link>"
            f"<description>{name} {FERRY * 15}</description></item>"
            for name in names
        )
        link = "<link>https://paper.example/</link>"
        return (
            f"<rss version='2.0'><channel><title>Wire</title>{link}{items}</channel></rss>".encode()
        )

    address = site.says("/feed", said("same", "one", "two"), Content_Type="text/xml")
    report = synced(index, address)
    assert (len(report.new), report.skipped) == (2, ())
    assert {each.url for each in index.articles()} == {
        "https://paper.example/one",  # relative to the feed's site
        "https://paper.example/two",
    }
    for name in ("three", "four"):  # one by one, each under the site's address
        site.says("/feed", said("https://paper.example/", name), Content_Type="text/xml")
        assert len(synced(index, address).new) == 1
    assert len(index.articles()) == 4


@pytest.mark.usefixtures("hurried")
def test_a_teaser_whose_server_was_busy_takes_its_text_the_next_time(
    index: Index, site: Site
) -> None:
    address = linking(site, ferry=FERRY)
    site.says("/ferry", status=503)
    (ferry,) = synced(index, address).new
    assert [each for each in index.check() if each.severity == "error"] == []
    page(site, "/ferry", FERRY + LONG)
    assert synced(index, address).changed == (ferry,)
    assert "speaker 39" in index.get(ferry).text
    asked(site)
    assert synced(index, address) == SyncReport(unchanged=(ferry,))
    assert asked(site) == ["/feed"]


@pytest.mark.usefixtures("hurried")
def test_a_server_that_does_not_answer_is_left_alone_until_the_next_run(
    index: Index, site: Site
) -> None:
    names = [f"page{number}" for number in range(6)]
    for name in names:
        site.says(f"/{name}", status=503)
    address = sitemap(site, "/sitemap.xml", *names)
    report = synced(index, address)
    assert len(asked(site)) == 1 + 3
    assert len(report.skipped) == len(names)
    assert "3 times in a row" in report.skipped[-1].reason
    for name in names:
        page(site, f"/{name}", FERRY + LONG + name)
    assert len(synced(index, address).new) == len(names)


@pytest.mark.usefixtures("hurried")
def test_sitemaps_lead_to_further_ones_and_what_is_none_is_told(
    index: Index, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page(site, "/ferry", FERRY + LONG)
    sitemap(site, "/inner.xml", "ferry")
    sitemap(site, "/year.xml", "inner.xml", "year.xml", "sitemap.xml", inner="sitemap")
    site.says("/sorry.xml", b"<html><p>Sorry</p></html>")
    address = sitemap(site, "/sitemap.xml", "sorry.xml", "year.xml", inner="sitemap")
    report = synced(index, address)
    assert len(report.new) == 1
    assert report.skipped == (Skipped(f"{site.base}/sorry.xml", "is not a sitemap"),)
    assert len(asked(site)) == 5  # none twice
    monkeypatch.setattr("vectorstore.syncing.source._SITEMAPS", 1)
    dated = {"sorry.xml": "2024-01-01", "inner.xml": "2025-01-01"}
    report = synced(index, sitemap(site, "/sitemap.xml", inner="sitemap", **dated))
    assert asked(site) == ["/sitemap.xml", "/inner.xml", "/ferry"]  # last changed first
    assert "1 more sitemaps than are read" in report.notices[0].text


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("changed", ["9999-12-31", "0001-01-01", "2025-02-30", "yesterday"])
def test_whatever_day_a_sitemap_names_its_page_comes_in(
    index: Index, site: Site, changed: str
) -> None:
    page(site, "/ferry", FERRY + LONG)
    address = sitemap(site, "/sitemap.xml", ferry=changed)
    (ferry,) = synced(index, address).new
    assert synced(index, address) == SyncReport(unchanged=(ferry,))


@pytest.mark.usefixtures("hurried")
def test_a_sitemap_may_be_lines_of_text(index: Index, site: Site) -> None:
    page(site, "/ferry", FERRY + LONG)
    listed = f"{site.base}/ferry\r\n{site.base}/ferry\r\n".encode()
    assert len(synced(index, site.says("/map.txt", listed, Content_Type="text/plain")).new) == 1


def urls(*locations: str) -> str:
    listed = "".join(f"<url><loc>{each}</loc></url>" for each in locations)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("{0}/ferry\n", "/ferry"),
        ("\n {0}/ferry\r\n\r\n", "/ferry"),
        ("\n\n<?xml version='1.0'?>" + urls("{0}/ferry"), "/ferry"),
        ("<!-- " + "x" * 9_000 + " -->" + urls("{0}/ferry"), "/ferry"),
        (urls("<!-- old -->{0}/ferry"), "/ferry"),
        (urls("<![CDATA[{0}/ferry?a=1&b=2]]>"), "/ferry?a=1&b=2"),
        (urls("{0}/ferry?a=1&b=2"), "/ferry?a=1&b=2"),  # as many programs write it
        (urls("{0}/ferry?a=1&amp;b=2"), "/ferry?a=1&b=2"),
        (urls("/ferry"), "/ferry"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_sitemap_is_read_however_it_is_written(
    index: Index, site: Site, written: str, wanted: str, encoding: str
) -> None:
    page(site, wanted, FERRY)
    content = written.format(site.base).encode(encoding)
    report = synced(index, site.says("/map", content, Content_Type="application/xml"))
    assert (len(report.new), report.skipped, report.notices) == (1, (), ())
    assert asked(site) == ["/map", wanted]


@pytest.mark.usefixtures("hurried")
def test_what_a_sitemap_does_not_give_is_told_and_stops_no_page(index: Index, site: Site) -> None:
    page(site, "/ferry", FERRY)

    def told(written: str) -> list[str]:
        address = site.says("/map.xml", written.encode(), Content_Type="text/xml")
        return [notice.text for notice in synced(index, address).notices]

    assert told(urls("http://[news", f"{site.base}/ferry", "mailto:a@b.c", " ")) == [
        "2 of its entries are not addresses, such as 'http://[news'"
    ]
    assert len(index.articles()) == 1
    assert told(urls()) == ["lists no pages"]
    (damage,) = told(urls(f"{site.base}/ferry")[:-9])
    assert damage.startswith("is damaged, and may list more than could be read: Premature end")
    (damage,) = told("<urlset")
    assert damage.startswith("is damaged")
    page(site, "/robots.txt", "User-agent: *\nDisallow:")
    assert synced(index, f"{site.base}/robots.txt").notices[0].text == "names no sitemap"


def test_a_document_of_many_comments_is_soon_known_for_no_sitemap() -> None:
    assert sitemap_of(b"<!-- -->" * 5_000 + b"<rss/>", "") is None


@pytest.mark.usefixtures("hurried")
def test_a_news_sitemap_says_when_a_page_appeared_and_what_it_is_called(
    index: Index, site: Site
) -> None:
    listed = "".join(
        f"<url><loc>{site.base}/{name}</loc><n:news><n:publication><n:name>Wire</n:name></n:publication>"
        "<n:publication_date>2025-05-06T07:08:09+01:00</n:publication_date>"
        f"<n:title>Of &lt;{name}> &amp; more</n:title></n:news></url>"
        for name in ("ferry", "flood")
    )
    named = "http://www.google.com/schemas/sitemap-news/0.9"
    whole = f"<urlset xmlns:n='{named}'>{listed}</urlset>"
    page(site, "/ferry", FERRY, DATED)
    site.says("/flood", f"<html><body><article><p>{FLOOD}</p></article></body></html>".encode())
    report = synced(index, site.says("/news.xml", whole.encode(), Content_Type="text/xml"))
    articles = {article.url: article for article in map(index.get, report.new)}
    ferry, flood = articles[f"{site.base}/ferry"], articles[f"{site.base}/flood"]
    assert (ferry.title, ferry.published) == ("A page", date(2025, 3, 4))  # the page's own
    assert (flood.title, flood.published) == ("Of <flood> & more", date(2025, 5, 6))


@pytest.mark.usefixtures("hurried")
def test_the_sitemaps_that_a_robots_txt_names_are_read_and_offered(
    index: Index, site: Site
) -> None:
    page(site, "/", STRIKE)
    page(site, "/ferry", FERRY)
    listed = sitemap(site, "/news.xml", "ferry")
    rules = f"User-agent: *\nDisallow: /private\nSITEMAP:{listed}\nSitemap: /none.xml"
    site.says("/robots.txt", rules.encode(), Content_Type="text/plain")
    assert [notice.text for notice in synced(index, f"{site.base}/").notices] == [
        f"offers a list of its pages: {listed}"
    ]
    report = synced(index, f"{site.base}/robots.txt")
    assert [index.get(each).url for each in report.new] == [f"{site.base}/ferry"]
    assert [each.source for each in report.skipped] == [f"{site.base}/none.xml"]


@pytest.mark.usefixtures("hurried")
def test_every_page_of_a_long_sitemap_without_days_is_looked_at_again_in_time(
    index: Index, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["ferry", "flood", "strike"]
    for name in names:
        page(site, f"/{name}", FERRY + LONG + name)
    address = sitemap(site, "/sitemap.xml", *names)
    synced(index, address)
    asked(site)
    monkeypatch.setattr("vectorstore.syncing.source.PAGES_A_RUN", 1)
    looked_at = set()
    for _ in range(40):
        synced(index, address)
        looked_at |= {*asked(site)[1:]}
    assert looked_at == {f"/{name}" for name in names}


def test_a_folder_without_its_files_is_told_from_one_that_lost_some(
    index: Index, folder: Path
) -> None:
    ferry, flood = (written(folder / f"{name}.txt", name) for name in ("ferry", "flood"))
    assert len(sync(index, folder).new) == 2
    ferry.unlink()
    assert sync(index, folder).notices == ()
    flood.unlink()
    report = sync(index, folder)
    assert len(report.vanished) == 2
    assert "is it mounted?" in report.notices[0].text
    assert len(index.articles()) == 2


# -- an index of an earlier format -------------------------------------------------------------


def test_an_index_of_the_first_format_is_migrated_and_its_files_are_known_again(
    tmp_path: Path, folder: Path
) -> None:
    files = [written(folder / name, FERRY) for name in ("a.txt", "b.txt")]
    files.append(written(folder / "c.txt", FLOOD))
    embedding = FakeEmbedding()
    (tmp_path / "old").mkdir()
    old = open_catalog(tmp_path / "old" / CATALOG)
    entries = []
    for file in files:  # as the first format kept them: identical files were separate articles
        place, text = place_of(file), file.read_text()
        title = text.splitlines()[0]
        article = Article(place.article_id(), title, text, source=place.source)
        vector = embedding.embed([text])[0].tobytes()
        entries.append((article, [NewPassage(0, len(text), text[:32].encode(), vector)]))
    old.put(entries, embedding.identity)
    old.close()
    _take_back_to_the_first_format(tmp_path / "old" / CATALOG)
    with LocalIndex(tmp_path / "old", FakeEmbedding) as index:
        assert len(index.articles()) == 3
        report = index.sync(folder)
        assert (report.new, report.changed) == ((), ())
        assert sorted(texts(index).values()) == sorted([FERRY, FLOOD])
        assert index.summary(entries[0][0].id).sources == ("A", "B")
        assert not [f for f in index.check() if f.severity == "error"]


def _take_back_to_the_first_format(file: Path) -> None:
    with sqlite3.connect(file) as db:
        for table in ("origins", "files", "edits", "buckets", "signatures", "labels"):
            db.execute(f"DROP TABLE {table}")
        db.execute("ALTER TABLE articles DROP COLUMN tags")
        db.execute("PRAGMA user_version = 1")
    db.close()


# -- helpers -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "articles"
    made.mkdir()
    return made


@pytest.fixture
def embedding() -> FakeEmbedding:
    return FakeEmbedding()


@pytest.fixture(params=["own files", "through its holder"])
def index(
    request: pytest.FixtureRequest, tmp_path: Path, embedding: FakeEmbedding
) -> Iterator[Index]:
    where = tmp_path / "index"
    with ExitStack() as opened:
        if request.param == "own files":
            yield opened.enter_context(LocalIndex(where, lambda: embedding))
        else:
            holder = open_shared(where, lambda: LocalIndex(where, lambda: embedding))
            opened.enter_context(holder)
            yield opened.enter_context(open_shared(where, lambda: holder))
