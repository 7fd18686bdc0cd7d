"""Searches a catalog and its vectors: rankings by words and by vectors, fused and collapsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vectorstore.articles import Filter, Hit
from vectorstore.catalog import Catalog
from vectorstore.primitives import Mode
from vectorstore.retrieval import collapse, fuse

if TYPE_CHECKING:
    from vectorstore.vectors import Vectors

_DEPTH = 400  # how many texts of each ranking are fused at first
_DEPTH_FILTERED = 1_200  # with a filter: vectors are compared anyway, and the depth costs 2 ms
_SHOWN = 100  # and how many of the fused ones are looked up at first
_DEEPEST = 3_200  # maximum depth, when texts collapse into fewer hits than were asked for
# The fusion constant: it gives first place more weight relative to tenth than the paper's 60 does.
# Chosen by measurement, like the depth (at 50, one in twenty of the top ten was lost):
# benchmarks/results.md.
FUSION_CONSTANT = 10


class Search:
    """The caller keeps the catalog and the vectors unchanged for the duration of a call."""

    def __init__(self, catalog: Catalog) -> None:
        from vectorstore.comparing import Comparing

        self._catalog = catalog
        self._comparing = Comparing(catalog)

    def find(
        self,
        query: str,
        k: int,
        mode: Mode,
        where: Filter,
        vector: Any = None,
        vectors: Vectors | None = None,
    ) -> list[Hit]:
        """The `k` best hits; without the query's `vector` and the `vectors`, by words alone."""
        articles = self._catalog.filters.admitted(where)
        depth, shown = max(_DEPTH, 3 * k), max(_SHOWN, 6 * k)
        if articles is not None:
            depth = max(depth, _DEPTH_FILTERED)
        while True:
            rankings: list[list[int]] = []
            if mode != "vectors":
                rankings.append(self._catalog.words.search(query, depth, articles))
            if vectors is not None:
                rankings.append(self._nearest(vectors, vector, depth, articles))
            ranked = fuse(rankings, FUSION_CONSTANT)
            exhausted = all(len(ranking) < depth for ranking in rankings) and len(ranked) <= shown
            ranked = ranked[:shown]
            found = self._catalog.passages.of_vectors([key for key, _ in ranked], articles)
            hits = collapse(((found[key], score) for key, score in ranked if key in found), k)
            if len(hits) == k or exhausted or shown >= 2 * _DEEPEST:
                return hits
            depth, shown = min(4 * depth, max(depth, _DEEPEST)), 4 * shown

    def _nearest(
        self, vectors: Vectors, vector: Any, k: int, articles: Sequence[int] | None
    ) -> list[int]:
        """The keys of the `k` nearest vectors, nearest first; only from `articles` if given."""
        if articles is None:
            return vectors.search(vector, k)
        found = self._comparing.nearest(vector, k, articles, vectors.search)
        if found is not None:
            return found
        return vectors.search(vector, k, self._catalog.vectors.keys(articles))
