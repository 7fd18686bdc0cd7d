"""Word search among very many passages: common words cost no more than their worth, and still count."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.postgres_server import PostgresServer
from vectorstore.articles import Article, Filter
from vectorstore.catalog import Catalog, NewPassage
from vectorstore.stores import Store
from vectorstore.stores.ranking import added_scores, idf
from vectorstore.stores.sqlite import CATALOG, SQLiteStore

RARE = [f"rare{letter}" for letter in "abcdefgh"]
COMMON = ["council", "studied", "café", "years", "front_page", "3,500"]


class CountingStore(SQLiteStore):
    """Counts the passages that were ranked."""

    ranked = 0

    def rows(self, statement: str, *values: object) -> list[Any]:
        found = super().rows(statement, *values)
        if "bm25" in statement:
            self.ranked = max(self.ranked, len(found))
        return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ranking") / CATALOG
    with closing(SQLiteStore(file)) as opened:
        put(opened)
    return file


@pytest.fixture
def store(filled: Path) -> Iterator[CountingStore]:
    with closing(CountingStore(filled, postings=150)) as opened:
        yield opened


@pytest.fixture
def plain(filled: Path) -> Iterator[SQLiteStore]:
    """The same passages, ranked by all words, however common."""
    with closing(SQLiteStore(filled)) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(postgres: PostgresServer) -> str:
    """The same passages in PostgreSQL."""
    from vectorstore.stores.postgres import PostgresStore

    url = postgres.url("ranking")
    with closing(PostgresStore(url)) as opened:
        put(opened)
    return url


@pytest.fixture
def in_postgres(address: str) -> Iterator[Store]:
    from vectorstore.stores.postgres import PostgresStore

    with closing(PostgresStore(address, postings=150)) as opened:
        yield opened


@pytest.mark.parametrize("source", [None, "even"])
def test_common_words_decide_in_postgresql_as_well(
    in_postgres: Store, plain: SQLiteStore, source: str | None
) -> None:
    where = Filter() if source is None else Filter(sources=(source,))
    articles = Catalog(plain).filters.admitted(where)
    same, shared = agreement(in_postgres, plain, articles, COMMON[:5])  # of one token
    assert same >= 0.8
    assert shared >= 0.6
    few = in_postgres.search_words(
        ["council", "years"], 5, articles
    )  # no more words than are always looked up
    assert few == plain.search_words(["council", "years"], 5, articles)
    found = in_postgres.search_words(["nowhere", "council", "years", "café"], 10, articles)
    assert len(found) == 10


@pytest.mark.parametrize("source", [None, "even"])
def test_common_words_decide_among_what_rarer_ones_have_found(
    store: CountingStore, plain: SQLiteStore, source: str | None
) -> None:
    where = Filter() if source is None else Filter(sources=(source,))
    articles = Catalog(plain).filters.admitted(where)
    same, shared = agreement(store, plain, articles)
    assert same >= 0.8
    assert shared >= 0.6
    assert store.ranked < 400  # of 2,000 passages containing one of the words


def test_where_all_words_are_common_the_rarest_two_are_searched_for(store: CountingStore) -> None:
    assert len(store.search_words(["council", "studied", "years"], 10, None)) == 10


def test_a_word_that_is_nowhere_hides_nothing(store: CountingStore, plain: SQLiteStore) -> None:
    found = store.search_words(["nowhere", "nothing", "council", "years"], 5, None)
    assert found == plain.search_words(["council", "years"], 5, None)


def test_what_is_added_is_what_the_database_would_add(store: CountingStore) -> None:
    """A rare word alone, and with common ones: the difference of the scores."""
    rows = store.rows("SELECT rowid AS key, title, text FROM words WHERE words MATCH 'rarea'")
    (total,) = store.rows("SELECT count(*) AS n FROM passages")
    terms = ["council", "studied"]
    weights = {}
    for term in terms:
        (row,) = store.rows("SELECT count(*) AS n FROM words WHERE words MATCH ?", term)
        weights[term] = idf(total["n"], row["n"])
    added = added_scores([(row["key"], row["title"], row["text"]) for row in rows], weights)
    score = "SELECT rowid AS key, bm25(words, 0.5, 1.0) AS score FROM words WHERE words MATCH ?"
    alone = {row["key"]: row["score"] for row in store.rows(score, "rarea")}
    whole = {row["key"]: row["score"] for row in store.rows(score, "rarea OR council OR studied")}
    for key, before in alone.items():
        assert added[key] == pytest.approx(before - whole[key], abs=0.15)
    assert sum(value > 0.2 for value in added.values()) > 10


def agreement(
    store: Store, plain: Store, articles: Sequence[int] | None, common: Sequence[str] = COMMON
) -> tuple[float, float]:
    """The share of searches with the same first hit, and the least share of common hits in ten."""
    same, least = 0, 1.0
    queries = [(one, two, *common) for one in RARE for two in RARE if one < two]
    for words in queries:
        terms = [word.lower() for word in words]
        wanted = plain.search_words(terms, 10, articles)
        found = store.search_words(terms, 10, articles)
        shared = len(set(found) & set(wanted)) / len(wanted)
        same, least = same + (found[:1] == wanted[:1]), min(least, shared)
    return same / len(queries), least


def put(store: Store) -> None:
    chance = random.Random(5)  # noqa: S311 -- seeded, so that it can be repeated
    entries = []
    for number in range(2_000):
        words = [word for word in COMMON if chance.random() < 0.4]
        words += [word for word in RARE if chance.random() < 0.02]
        words += [f"w{chance.randrange(3_000)}" for _ in range(chance.randrange(20, 40))]
        chance.shuffle(words)
        text = " ".join(words)
        article = Article(
            id=f"a{number}", title="Study", text=text, source="odd" if number % 2 else "even"
        )
        entries.append((article, [NewPassage(0, len(text), number.to_bytes(4), b"\0" * 4)]))
    Catalog(store).put(entries, "fake@1")
