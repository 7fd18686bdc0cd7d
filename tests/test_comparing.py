"""Vectors compared one by one: nothing that a filter admits is missed, whatever came or went."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.catalog import Catalog, NewPassage, StoredVector
from vectorstore.catalog.vectors import StoredVectors
from vectorstore.comparing import Comparing
from vectorstore.local import LocalIndex
from vectorstore.stores import Store
from vectorstore.stores.sqlite import CATALOG, SQLiteStore

DIMENSIONS = 5


class CountedVectors(StoredVectors):
    """Counts the vectors read."""

    count = 0

    def read(self, keys: Sequence[int]) -> list[StoredVector]:
        found = super().read(keys)
        self.count += len(found)
        return found


class CountingCatalog(Catalog):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.vectors: CountedVectors = CountedVectors(store, self.notes)


def walk_nowhere(_: np.ndarray, __: int) -> list[int]:
    return []


@pytest.mark.parametrize("few", [0, 1_000], ids=["held", "read"])
def test_the_nearest_of_any_vectors_are_those_of_sorting_all(
    filled: CountingCatalog, few: int
) -> None:
    comparing = Comparing(filled, few=few)
    articles = article_keys(filled)
    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311 -- seeded, so that it can be repeated
        among = sorted(chance.sample(articles, seed))
        k = chance.randrange(1, 40)
        vector = np.array([chance.gauss(0, 1) for _ in range(DIMENSIONS)], np.float32)
        found = comparing.nearest(vector, k, among, walk_nowhere)
        assert found == by_sorting(filled, vector, k, among)


def test_what_is_held_follows_what_comes_and_goes_and_reads_only_what_is_new(
    filled: CountingCatalog,
) -> None:
    comparing = Comparing(filled, few=0)
    vector = np.ones(DIMENSIONS, np.float32)
    comparing.nearest(vector, 9, article_keys(filled), walk_nowhere)
    filled.remove(["a3", "a60"])
    put(filled, 61, 70)
    filled.vectors.count = 0
    articles = article_keys(filled)
    found = comparing.nearest(vector, 9, articles, walk_nowhere)
    looked_at = 9 + 9 // 8 + 32
    assert (filled.vectors.count, len(articles)) == (10 + looked_at, 68)
    assert found == by_sorting(filled, vector, 9, articles)
    filled.vectors.count = 0
    assert comparing.nearest(vector, 9, articles, walk_nowhere) == found
    assert filled.vectors.count == looked_at


def test_what_is_held_is_read_anew_where_most_of_it_is_gone(filled: CountingCatalog) -> None:
    comparing = Comparing(filled, few=0)
    vector = np.ones(DIMENSIONS, np.float32)
    for first in range(100, 3_100, 1_000):
        put(filled, first, first + 999)
        comparing.nearest(vector, 9, article_keys(filled), walk_nowhere)
        filled.remove([f"a{number}" for number in range(first, first + 1_000)])
    articles = article_keys(filled)
    assert comparing.nearest(vector, 9, articles, walk_nowhere) == by_sorting(
        filled, vector, 9, articles
    )
    assert comparing._held is not None
    assert len(comparing._held.keys) == len(articles) == 60


def test_what_is_gone_is_not_found_and_nothing_among_nothing(filled: CountingCatalog) -> None:
    vector = np.ones(DIMENSIONS, np.float32)
    for few in (0, 1_000):
        comparing = Comparing(filled, few=few)
        assert comparing.nearest(vector, 3, [], walk_nowhere) == []
        assert comparing.nearest(vector, 3, [5, 77_777], walk_nowhere) == [5]
        assert comparing.nearest(vector, 3, [77_777], walk_nowhere) == []


def test_more_than_fit_into_memory_are_left_to_another_search(filled: CountingCatalog) -> None:
    comparing = Comparing(filled, few=3, most=59)
    vector = np.ones(DIMENSIONS, np.float32)
    articles = article_keys(filled)
    assert comparing.nearest(vector, 3, articles, walk_nowhere) is None
    assert comparing.nearest(vector, 3, articles[:3], walk_nowhere) is not None
    filled.remove(["a60"])
    assert comparing.nearest(vector, 3, article_keys(filled), walk_nowhere) is not None


def test_where_very_many_are_admitted_what_a_walk_meets_is_taken_where_it_meets_enough(
    filled: CountingCatalog,
) -> None:
    comparing = Comparing(filled, few=0, many=20)
    vector = np.ones(DIMENSIONS, np.float32)
    among = article_keys(filled)[:40]
    order = by_sorting(filled, vector, 60, article_keys(filled))
    asked: list[int] = []

    def walk(_: np.ndarray, count: int) -> list[int]:
        asked.append(count)
        return order[:count]

    assert comparing.nearest(vector, 4, among, walk) == by_sorting(filled, vector, 4, among)
    assert asked == [4 * 60 * 3 // (2 * 40)]
    # The walk meets too few of them: all that are admitted are compared.
    assert comparing.nearest(vector, 4, among, lambda *_: [60, 59, 58, 1]) == by_sorting(
        filled, vector, 4, among
    )


def test_a_filter_that_admits_thousands_finds_what_sorting_all_finds(tmp_path: Path) -> None:
    """Between two admitted articles lie hundreds that are nearer to the query."""
    chance = random.Random(4)  # noqa: S311 -- as above
    articles = [
        Article(
            id=f"a{number}",
            title="",
            text=" ".join(f"w{chance.randrange(60)}" for _ in range(6)) + f" n{number}",
            source="near" if number % 2 else "far",
        )
        for number in range(2_400)
    ]
    far = [article for article in articles if article.source == "far"]
    embedding = FakeEmbedding()
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        index.add_articles(articles)
        for query in ("w1 w2 w3", "w7 w7 w8", "w50"):
            (vector,) = embedding.embed([query])
            best = np.sort(embedding.embed([a.text for a in far]) @ vector)[::-1]
            hits = index.search(query, 50, "vectors", sources=["far"])
            found = embedding.embed([hit.passage.text for hit in hits]) @ vector
            np.testing.assert_allclose(found, best[:50], rtol=1e-5)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[CountingCatalog]:
    with closing(CountingCatalog(SQLiteStore(tmp_path / CATALOG))) as catalog:
        put(catalog, 1, 60)
        yield catalog


def put(catalog: Catalog, first: int, last: int) -> None:
    """Articles such as a1 to a60, with one vector each."""
    chance = np.random.default_rng(first)
    catalog.put(
        [
            (
                Article(id=f"a{number}", title="", text=f"text {number}"),
                [NewPassage(0, 4, number.to_bytes(4), row.tobytes())],
            )
            for number, row in zip(
                range(first, last + 1),
                chance.normal(size=(last - first + 1, DIMENSIONS)).astype(np.float32),
                strict=True,
            )
        ],
        "fake@1",
    )


def article_keys(catalog: Catalog) -> list[int]:
    return [summary.added for summary in sorted(catalog.summaries(), key=lambda s: s.added)]


def by_sorting(catalog: Catalog, vector: np.ndarray, k: int, articles: Sequence[int]) -> list[int]:
    among = catalog.vectors.keys(articles)
    likeness = {
        stored.key: float(np.frombuffer(stored.embedding, np.float32) @ vector)
        for stored in catalog.vectors.read(among)
    }
    return sorted(likeness, key=lambda key: -likeness[key])[:k]
