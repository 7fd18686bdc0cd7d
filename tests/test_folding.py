"""Invisible characters do not hinder searching, and the text is kept to the character."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_embedding import FakeEmbedding
from tests.test_docx import paragraph, run
from tests.test_loading import book, only, word, written
from vectorstore.articles import Article
from vectorstore.catalog import open_catalog
from vectorstore.copies import are_copies
from vectorstore.folding import folded
from vectorstore.local import LocalIndex
from vectorstore.stores.sqlite import CATALOG, MIGRATIONS

CLEAN = (
    "The weather station at Kåfjord was closed on Monday. Its barometer had shown storms coming since "
    "1903, and the café beside it was named after them. Nobody measures the wind there now, said "
    "André Lövlund, who kept the log for twenty years and will keep it at home from here on."
)
SEEN_ALIKE = {
    "soft hyphens": CLEAN.replace("station", "sta\u00adtion").replace(
        "barometer", "baro\u00adme\u00adter"
    ),
    "zero-width spaces": CLEAN.replace("station", "stat\u200bion").replace(
        "Monday", "Mon\u200b\u2060day"
    ),
    "joiners and marks": CLEAN.replace("station", "\u200estat\u200dion\u200f").replace(
        "log", "lo\u200cg"
    ),
    "directions": CLEAN.replace("station", "\u202dstation\u202c").replace(
        "Kåfjord", "\u2068Kåf\u2069jord"
    ),
    "decomposed": unicodedata.normalize("NFD", CLEAN),
    "ligatures": CLEAN.replace("ff", "ﬀ").replace("fj", "f\ufeffj"),
    "wide": CLEAN.replace("1903", "１９０３").replace("station", "ｓｔａｔｉｏｎ"),
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as opened:
        yield opened


@pytest.mark.parametrize("way", SEEN_ALIKE)
def test_what_is_read_alike_is_found_alike_and_its_offsets_are_true(
    index: LocalIndex, way: str
) -> None:
    text = SEEN_ALIKE[way]
    index.add_articles(
        [Article("a", "Closed", text), Article("b", "Other", "It rained on the ferry.")]
    )

    for query in ("barometer station 1903", "Kåfjord café", "sta\u00adtion", "Lövlund"):
        (hit, *_) = index.search(query, mode="words")
        passage = hit.passage
        assert passage.article_id == "a", query
        assert passage.text == text[passage.start : passage.end]
    assert index.get("a").text == text
    assert not [finding for finding in index.check() if finding.severity == "error"]


@pytest.mark.parametrize("way", SEEN_ALIKE)
def test_what_is_read_alike_is_a_copy(index: LocalIndex, way: str) -> None:
    assert are_copies(CLEAN, SEEN_ALIKE[way])
    index.add_articles([Article("a", "Closed", CLEAN), Article("b", "Closed", SEEN_ALIKE[way])])

    assert [copy.id for copy in index.near_copies("a")] == ["b"]
    (hit,) = index.search("barometer", mode="words", k=2)
    assert len(hit.copies) == 1


def test_a_word_is_found_beside_what_is_raised(index: LocalIndex) -> None:
    index.add_articles([Article("a", "", "The mole² holds 10⁶ tonnes; its CO₂ fell.")])

    for query in ("mole", "CO2", "CO₂", "mole²"):
        assert index.search(query, mode="words"), query
    assert not index.search("106", mode="words")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_plain_text_is_folded_as_it_is(text: str) -> None:
    assert folded(text) == text


def test_words_of_an_index_of_before_are_found_without_a_rebuild(tmp_path: Path) -> None:
    text = SEEN_ALIKE["soft hyphens"]
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles([Article("a", "Sta\u00adtion", text)])
    with sqlite3.connect(tmp_path / "index" / CATALOG) as db:
        db.execute("UPDATE words SET title = ?, text = ?", ("Sta\u00adtion", text))
        db.execute("DROP TABLE labels")
        db.execute("ALTER TABLE articles DROP COLUMN tags")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")  # its words are not yet folded
    db.close()
    open_catalog(tmp_path / "index" / CATALOG).close()
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        assert index.search("barometer", mode="words")
        assert not [finding for finding in index.check() if finding.severity == "error"]


def test_loaders_leave_out_what_only_breaks_lines(tmp_path: Path) -> None:
    marked = SEEN_ALIKE["soft hyphens"].replace("Monday", "Mon\u200bday")
    page = f"<p>{unicodedata.normalize('NFD', marked)}</p>"
    made: dict[str, str | bytes] = {
        "a.html": f"<html><article><h1>Closed</h1>{page * 3}</article></html>",
        "a.epub": book(f"<html><body>{page}</body></html>"),
        "a.json": json.dumps({"content": page}),
        "a.docx": word(body=paragraph(run(marked))),
    }
    for name, content in made.items():
        assert CLEAN in only(written(tmp_path / name, content)).text, name
    assert only(written(tmp_path / "a.txt", marked)).text == marked
