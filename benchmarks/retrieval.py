"""Is what answers a question among the first passages found, by words, by vectors and by both?

    python -m benchmarks.retrieval [SET ...] [--kept FILE] [--articles N] [--questions N]

Over the sample articles, or over the sets given (folders as benchmarks/sets.py describes them). R@k
is the share of questions with the answer's passage among the first k hits; where a set names only
documents, the share of a question's documents that are among those of the first k hits. Follow-ups
are searched for with the last exchanges before them, and a copy counts as the passage it is a copy of.

*as exact* is the recall of the first ten hits against the same search done exactly: the vectors
compared one by one, and both rankings fused to their ends instead of to a depth. Milliseconds are
those of a whole search, embedding of the question included; *processor* is what it costs on all cores
together, which a busy machine hardly changes. `--kept` keeps vectors between runs, `--articles` takes
the first N of a set, `--questions` so many of its questions, by a seeded chance.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.answers import Turn
from assistant.resources import seeds_folder
from benchmarks.header import header
from benchmarks.seed_answers import file_of, load
from benchmarks.sets import Place, Question, articles, embedding, open_index, questions, sample
from vectorstore.articles import Article, Hit, Passage
from vectorstore.embedding import Embedding, Vectors
from vectorstore.index import Mode
from vectorstore.loading import load as load_articles
from vectorstore.local import LocalIndex
from vectorstore.retrieval import collapse, fuse
from vectorstore.searching import FUSION_CONSTANT

DEPTHS = (1, 5, 20)
EXACT_AT = 10
_LOOKED_AT = 500  # of a fused ranking: enough for ten hits even if many are copies
MODES: tuple[Mode, ...] = ("words", "vectors", "hybrid")


@dataclass(frozen=True, slots=True)
class Measured:
    """For one set and mode: the shares found at DEPTHS, recall against the exact search, wall-clock
    milliseconds (median and 95th percentile), processor milliseconds (mean)."""

    shares: tuple[float, ...]
    as_exact: float
    median: float
    slow: float
    processor: float


class Exact:
    """Cosine neighbours by comparing with every vector; searches as vectorstore.vectors does."""

    def __init__(self, index: LocalIndex) -> None:
        catalog = index._catalog
        keys = catalog.vectors.keys()
        stored = [
            vector
            for i in range(0, len(keys), 1000)
            for vector in catalog.vectors.read(keys[i : i + 1000])
        ]
        self._keys = np.array([vector.key for vector in stored])
        self._matrix: Vectors = np.stack(
            [np.frombuffer(vector.embedding, np.float32) for vector in stored]
        )

    def search(self, vector: Vectors, k: int, among: Sequence[int] | None = None) -> list[int]:
        likeness = self._matrix @ vector
        if among is not None:
            likeness[~np.isin(self._keys, list(among))] = -np.inf
        order = np.argsort(-likeness, kind="stable")[:k]
        return [int(self._keys[i]) for i in order if likeness[i] > -np.inf]

    @property
    def count(self) -> int:
        return len(self._keys)


def measure(
    index: LocalIndex, exact: Exact, model: Embedding, asked: Sequence[Question], mode: Mode
) -> Measured:
    """`model` embeds questions for the exact search; the index has its own."""
    found: list[list[float]] = []
    same: list[float] = []
    seconds: list[float] = []
    worked = 0.0
    for question in asked:
        query = question.query
        begun, used = time.perf_counter(), time.process_time()
        hits = index.search(query, max(DEPTHS), mode)
        seconds.append(time.perf_counter() - begun)
        worked += time.process_time() - used
        found.append([_share(question, hits[:depth]) for depth in DEPTHS])
        true = _ids(exact_hits(index, exact, model, query, mode))
        same.append(len(true & _ids(hits[:EXACT_AT])) / len(true) if true else 1.0)
    return Measured(
        tuple(statistics.mean(column) for column in zip(*found, strict=True)),
        statistics.mean(same),
        statistics.median(seconds) * 1000,
        sorted(seconds)[int(len(seconds) * 0.95)] * 1000,
        worked / len(asked) * 1000,
    )


def exact_hits(
    index: LocalIndex, exact: Exact, model: Embedding, query: str, mode: Mode
) -> list[Hit]:
    """The first EXACT_AT hits of an index that would compare and fuse everything."""
    catalog = index._catalog
    rankings: list[list[int]] = []
    if mode != "vectors":
        rankings.append(catalog.words.search(query, exact.count, None))
    if mode != "words":
        (vector,) = model.embed([query])
        rankings.append(exact.search(vector, exact.count))
    ranked = fuse(rankings, FUSION_CONSTANT)[:_LOOKED_AT]
    passages = catalog.passages.of_vectors([key for key, _ in ranked], None)
    return collapse(((passages[key], score) for key, score in ranked), EXACT_AT)


def samples(*, answerable_only: bool = True) -> tuple[list[Article], list[Question]]:
    """The sample articles, and the questions that they answer, or all questions."""
    added = [one for one in load_articles(seeds_folder()) if isinstance(one, Article)]
    ids = {file_of(article.id): article.id for article in added}
    asked = [
        Question(
            id=row["id"],
            text=row["question"],
            answers=tuple(row["answers"]),
            answerable=row["answerable"],
            gold=tuple({ids[Path(span["file"]).stem]: None for span in row.get("spans", [])}),
            places=tuple(
                Place(ids[Path(span["file"]).stem], span["start"], span["end"])
                for span in [*row.get("spans", []), *row.get("also_spans", [])]
            ),
            history=tuple(Turn(turn["role"], turn["text"]) for turn in row.get("history", ())),
        )
        for row in load()
        if row["answerable"] or not answerable_only
    ]
    return added, asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="*", metavar="SET")
    parser.add_argument("--kept", type=Path, help="a file that keeps vectors between runs")
    parser.add_argument("--articles", type=int, help="the first N articles of a set")
    parser.add_argument("--questions", type=int, default=500, help="questions of a set")
    arguments = parser.parse_args()
    print(header())
    print(
        f"| set | mode |{'|'.join(f' R@{d} ' for d in DEPTHS)}| as exact | p50 | p95 | processor |"
    )
    print("|---|---|" + "---|" * (len(DEPTHS) + 4))
    for folder in arguments.sets or [None]:
        added, asked = samples() if folder is None else (articles(folder), questions(folder))
        added = added[: arguments.articles]
        there = {article.id for article in added}
        asked = [q for q in asked if q.answerable and there.issuperset(q.gold)]
        name = "samples" if folder is None else folder.name
        with tempfile.TemporaryDirectory() as place:
            kept = embedding(arguments.kept)
            open_index(Path(place) / "index", added, kept).close()
            # Reopened, so that the times include embedding the questions.
            with open_index(Path(place) / "index", (), embedding()) as index:
                _report(name, index, kept, sample(asked, arguments.questions))


def _report(name: str, index: LocalIndex, model: Embedding, asked: Sequence[Question]) -> None:
    index.search("warm", 1)
    exact = Exact(index)
    held = f"{name}: {index.statistics().passages:,} passages, {len(asked)} questions"
    for mode in MODES:
        found = measure(index, exact, model, asked, mode)
        shares = " | ".join(f"{share:.3f}" for share in found.shares)
        print(
            f"| {held} | {mode} | {shares} | {found.as_exact:.3f} | {found.median:.0f} ms "
            f"| {found.slow:.0f} ms | {found.processor:.0f} ms |",
            flush=True,
        )


def holds(passage: Passage, asked: dict[str, Any]) -> bool:
    """True if the passage contains an answer to this question of seed_questions.jsonl."""
    return any(
        file_of(passage.article_id) == Path(span["file"]).stem
        and passage.start <= span["start"]
        and span["end"] <= passage.end
        for span in [*asked["spans"], *asked.get("also_spans", [])]
    )


def _share(question: Question, hits: Iterable[Hit]) -> float:
    passages = [passage for hit in hits for passage in (hit.passage, *hit.copies)]
    if question.places:
        return float(any(question.is_in(passage) for passage in passages))
    return len({p.article_id for p in passages} & set(question.gold)) / len(question.gold)


def _ids(hits: Iterable[Hit]) -> set[str]:
    return {hit.passage.id for hit in hits}


if __name__ == "__main__":
    main()
