"""Are all passages found that a filter admits, and all without a filter, among very many?

    python -m benchmarks.filters SET [SET ...] --index FOLDER [--kept FILE] [--articles N] [--questions N]

The documents of all sets (the first N of each) in one index, kept in FOLDER between runs; questions of
each by a seeded chance. *as exact*: of the first ten hits of the same search done by comparing with all
vectors and fusing both rankings to their ends, the share that is found. Filters admit articles drawn by
chance, and the articles of one set alone (their *source*), which lie together and far from most of the
questions. *Chroma*: the first ten vectors of Chroma's own filter against all compared, which is what is
used above 100,000 vectors. Milliseconds of processor time, embedding of the question included.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.header import header
from benchmarks.retrieval import _LOOKED_AT, EXACT_AT, Exact
from benchmarks.sets import articles, embedding, questions, sample
from vectorstore.articles import Filter
from vectorstore.embedding import Embedding
from vectorstore.index import Mode
from vectorstore.local import LocalIndex
from vectorstore.retrieval import collapse, fuse
from vectorstore.searching import FUSION_CONSTANT

SHARES = (0.01, 0.1, 0.5, 0.9)
_MODES: tuple[Mode, ...] = ("vectors", "hybrid")
_A_STEP = 500  # articles


@dataclass(frozen=True, slots=True)
class Compared:
    """For one filter: *as exact* by vectors and fused, Chroma alone, and the processor milliseconds
    of both searches."""

    admitted: int
    as_exact: tuple[float, ...]
    chroma: float
    processor: tuple[float, ...]


def compare(
    index: LocalIndex, exact: Exact, model: Embedding, asked: Sequence[str], where: Filter
) -> Compared:
    catalog = index._catalog
    keys = catalog.filters.admitted(where)
    among = None if keys is None else catalog.vectors.keys(keys)
    same: dict[Mode, list[float]] = {mode: [] for mode in _MODES}
    took: dict[Mode, list[float]] = {mode: [] for mode in _MODES}
    chroma = []
    for query in asked:
        (vector,) = model.embed([query])
        nearest = exact.search(vector, exact.count, among)
        by_words = catalog.words.search(query, exact.count, keys)
        found = index._mirror.use(lambda vectors: vectors.search(vector, 400, among))  # noqa: B023
        chroma.append(len(set(found[:EXACT_AT]) & set(nearest[:EXACT_AT])) / EXACT_AT)
        for mode in _MODES:
            begun = time.process_time()
            hits = index.search(
                query, EXACT_AT, mode, sources=where.sources, articles=where.articles
            )
            took[mode].append((time.process_time() - begun) * 1000)
            rankings = [nearest] if mode == "vectors" else [by_words, nearest]
            ranked = fuse(rankings, FUSION_CONSTANT)[:_LOOKED_AT]
            passages = catalog.passages.of_vectors([key for key, _ in ranked], keys)
            true = {
                hit.passage.id
                for hit in collapse(((passages[key], score) for key, score in ranked), EXACT_AT)
            }
            same[mode].append(len(true & {hit.passage.id for hit in hits}) / len(true))
    return Compared(
        exact.count if among is None else len(among),
        tuple(statistics.mean(same[mode]) for mode in _MODES),
        statistics.mean(chroma),
        tuple(statistics.mean(took[mode]) for mode in _MODES),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--kept", type=Path, help="a file that keeps vectors between runs")
    parser.add_argument("--articles", type=int, default=11_000, help="of a set")
    parser.add_argument("--questions", type=int, default=30, help="of a set")
    arguments = parser.parse_args()
    print(header())
    with LocalIndex(arguments.index, lambda: embedding(arguments.kept)) as index:
        asked: list[str] = []
        for folder in arguments.sets:
            added = articles(folder)[: arguments.articles]
            whole = [replace(a, id=f"{folder.name}:{a.id}", source=folder.name) for a in added]
            for first in range(0, len(whole), _A_STEP):
                index.add_articles(whole[first : first + _A_STEP])
            there = {article.id for article in added}
            own = [q for q in questions(folder) if q.answerable and there.issuperset(q.gold)]
            asked += [question.text for question in sample(own, arguments.questions)]
        _report(index, embedding(arguments.kept), asked, [folder.name for folder in arguments.sets])


def _report(
    index: LocalIndex, model: Embedding, asked: Sequence[str], sources: Sequence[str]
) -> None:
    exact = Exact(index)
    index.search("warm", 1)
    ids = [summary.id for summary in index.articles()]
    print(
        f"{index.statistics().passages:,} passages, {exact.count:,} vectors, {len(asked)} questions"
    )
    print("\n| filter | vectors admitted | vectors | fused | Chroma | ms, vectors | ms, fused |")
    print("|---|---|---|---|---|---|---|")
    filters = {"none": Filter()}
    for share in SHARES:
        drawn = random.Random(3).sample(ids, int(share * len(ids)))  # noqa: S311
        filters[f"{share:.0%} by chance"] = Filter(articles=tuple(drawn))
    filters |= {f"source {name}": Filter(sources=(name,)) for name in sources}
    for name, where in filters.items():
        one = compare(index, exact, model, asked, where)
        cells = [*(f"{share:.4f}" for share in one.as_exact), f"{one.chroma:.4f}"]
        times = " | ".join(f"{each:.0f}" for each in one.processor)
        print(f"| {name} | {one.admitted:,} | {' | '.join(cells)} | {times} |", flush=True)


if __name__ == "__main__":
    main()
