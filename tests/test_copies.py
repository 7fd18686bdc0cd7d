"""Copies of an article are found however they were edited; other facts make another article."""

# ruff: noqa: S311 -- randomness is seeded here, so that it can be repeated; nothing is secret

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.catalog import open_catalog
from vectorstore.copies import Shape, are_copies, signature
from vectorstore.errors import ArticleNotFoundError
from vectorstore.index import Index
from vectorstore.local import LocalIndex
from vectorstore.shared import open_shared
from vectorstore.stores.sqlite import CATALOG

OPEN = (
    "Naomi Osaka won the US Open on Saturday, beating Jennifer Brady in a final that lasted 77 "
    "minutes under the lights of an almost silent stadium. The champion broke serve three times "
    "in the opening set and never looked like losing after that, hitting 16 winners and making "
    "only a few errors. It was her fourth title at one of the major tournaments. “I have not "
    "been thinking about the number of titles,” she told reporters afterwards, still holding "
    "the trophy. Her opponent said that she had been beaten by the better player, and that she "
    "hoped to be back in another final soon. The tournament was played without most of its usual "
    "crowd, after the government of the state had closed the grounds to visitors for five days. "
    "Organisers said they expected to sell tickets again in 2022."
)
HARBOUR = (
    "The harbour board has put off its decision on the new breakwater until the spring, saying "
    "that the cost of stone has risen faster than anybody had foreseen. Fishermen, who have been "
    "waiting for the work to begin since two boats were lost in a storm, spoke of a broken "
    "promise. The board's chair said that nobody would be safer for a wall that fell down."
)


def edited(text: str, share: float) -> str:
    chance = random.Random(7)
    words = [
        "word" if word.islower() and word.isalpha() and chance.random() < share else word
        for word in text.split(" ")
    ]
    return " ".join(words)


@pytest.mark.parametrize(
    "copy",
    [
        OPEN,
        OPEN.upper().lower(),
        edited(OPEN, 0.05),
        edited(OPEN, 0.2),
        OPEN[: len(OPEN) // 2],
        OPEN[len(OPEN) // 3 :],
        f"By Sam Reporter in Melbourne, 20 February\n\n{OPEN}\n\nEditing by Kim Desk.",
        OPEN.replace("fourth title", "4th title"),
        OPEN.replace(". ", ".\n\n"),
    ],
    ids=[
        *("whole", "lower case", "5 %", "20 %", "first half", "last part", "byline"),
        *("figures", "lines"),
    ],
)
def test_an_edited_or_cut_text_is_a_copy(copy: str) -> None:
    assert are_copies(OPEN, copy)
    assert are_copies(copy, OPEN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2022", "2023"),
        ("77 minutes", "78 minutes"),
        ("16 winners", "61 winners"),
        ("three times", "four times"),
        ("Saturday", "Sunday"),
        ("Jennifer Brady", "Jennifer Grady"),
        ("Jennifer Brady", "Petra Kvitova"),
        ("Naomi Osaka", "Serena Williams"),
    ],
)
def test_the_same_words_with_another_number_day_or_name_are_another_report(
    old: str, new: str
) -> None:
    assert old in OPEN
    assert not are_copies(OPEN, OPEN.replace(old, new))
    assert not are_copies(OPEN.replace(old, new), OPEN)


def test_another_report_is_no_copy() -> None:
    assert not are_copies(OPEN, HARBOUR)
    notice = " This report was made by the desk of the paper, which is to be asked for leave."
    assert not are_copies(OPEN + notice * 3, HARBOUR + notice * 3)


def test_a_short_text_is_a_copy_of_its_like_only() -> None:
    assert are_copies("The ferry sails at noon.", "The ferry sails at noon")
    assert not are_copies("The ferry sails at noon.", "The ferry sails at noon. " + HARBOUR)
    assert not are_copies("The ferry sails at 12.", "The ferry sails at 13.")


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_its_own_copy_and_being_copies_is_mutual(one: str, other: str) -> None:
    assert are_copies(one, one)
    assert are_copies(one, other) == are_copies(other, one)
    assert Shape(one).repeats(Shape(other)) == Shape(other).repeats(Shape(one))


def test_a_signature_is_the_same_in_every_process() -> None:
    made = signature(HARBOUR)
    assert len(made.minhash) == 512
    assert len(set(made.buckets)) == 64
    assert made == signature(HARBOUR)
    assert made.buckets[:2] == (7213121946201837726, -5513641435946069977)


def test_a_signature_is_what_indexes_hold_already() -> None:
    """Of triples, one word and none; bit for bit as first made, with datasketch 2.0.0."""
    made = b"".join(signature(text).minhash for text in (OPEN, "Café", ""))
    assert (
        sha256(made).hexdigest()
        == "0ad2be858475dffe0198063afa9b54bcde2841d284b6a4b0e639b01cc8179d81"
    )


# -- in an index -------------------------------------------------------------------------------


def article(name: str, text: str, day: int | None = None, source: str = "Wire") -> Article:
    published = None if day is None else date(2021, 2, day)
    return Article(name, f"Title {name}", text, source=source, published=published)


def test_an_index_names_the_copies_of_an_article_the_earliest_first(index: Index) -> None:
    index.add_articles(
        [
            article("late", edited(OPEN, 0.1), 22),
            article("undated", OPEN[: len(OPEN) // 2]),
            article("asked", OPEN, 21),
            article("early", OPEN, 20),
            article("other year", OPEN.replace("2022", "2023"), 20),
            article("harbour", HARBOUR, 20),
        ]
    )
    assert [copy.id for copy in index.near_copies("asked")] == ["early", "late", "undated"]
    assert index.near_copies("harbour") == []
    with pytest.raises(ArticleNotFoundError, match="none"):
        index.near_copies("none")


def test_copies_follow_what_becomes_of_the_articles(index: Index) -> None:
    index.add_articles([article("a", OPEN), article("b", OPEN), article("c", OPEN)])
    index.add_articles([article("b", HARBOUR)])
    index.remove(["c"])
    assert index.near_copies("a") == []
    index.add_articles([article("b", OPEN)])
    assert [copy.id for copy in index.near_copies("a")] == ["b"]


def test_independent_sources_are_those_that_are_no_copies_of_each_other(index: Index) -> None:
    index.add_articles(
        [
            article("first", OPEN, source="Wire"),
            article("reprint", edited(OPEN, 0.05), source="Gazette"),
            article("cut", OPEN[: len(OPEN) // 2], source="Echo"),
            article("harbour", HARBOUR, source="Gazette"),
        ]
    )
    groups = index.independent(["first", "harbour", "cut", "reprint", "first"])
    assert sorted(map(sorted, groups)) == [["cut", "first", "reprint"], ["harbour"]]
    assert index.independent([]) == ()


def test_articles_of_before_there_were_signatures_get_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with LocalIndex(folder, FakeEmbedding) as index:
        index.add_articles([article("a", OPEN), article("b", edited(OPEN, 0.1))])
    with sqlite3.connect(folder / CATALOG) as db:
        db.executescript(
            "DROP TABLE labels; ALTER TABLE articles DROP COLUMN tags;"
            "DROP TABLE signatures; DROP TABLE buckets; ALTER TABLE files DROP COLUMN inode;"
            "ALTER TABLE files DROP COLUMN changed; PRAGMA user_version = 2"
        )
    db.close()
    with LocalIndex(folder, FakeEmbedding) as index:
        assert [copy.id for copy in index.near_copies("a")] == ["b"]
    catalog = open_catalog(folder / CATALOG)
    assert catalog.signatures.lacking(9) == []
    catalog.close()


@pytest.fixture(params=["own files", "through its holder"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    where = tmp_path / "index"
    with ExitStack() as opened:
        if request.param == "own files":
            yield opened.enter_context(LocalIndex(where, FakeEmbedding))
        else:
            holder = open_shared(where, lambda: LocalIndex(where, FakeEmbedding))
            opened.enter_context(holder)
            yield opened.enter_context(open_shared(where, lambda: holder))
