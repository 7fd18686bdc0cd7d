"""How words and vectors are best fused: depth, constant, weight, and what is embedded with a passage.

    python -m benchmarks.fusion SET [SET ...] --kept FILE [--questions N]

Both rankings of every question are made once, the vectors' by comparing with all; then they are fused
in each way and R@1/5/20 and the mean reciprocal rank of the first passage (or document) wanted are
printed. *as exact*: the share of the first ten that fusing both rankings to their ends finds, too.
*bare*: a passage embedded without its article's title. Of a set of paragraphs that the
reader's split knows (training/splits.json), questions on the test part are counted apart, so that
what is chosen on the others can be checked on them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.header import header
from benchmarks.passage_size import SPLITS
from benchmarks.retrieval import Exact, samples
from benchmarks.sets import Question, articles, embedding, open_index, questions, sample
from vectorstore.articles import Article, Passage
from vectorstore.local import LocalIndex

CONTEXTS = ("with title", "bare")
_FIRST = 20
_TEN = 10
ALL = 10**9


@dataclass(frozen=True, slots=True)
class Ranked:
    """A question, and the keys of vectors as ranked by words and by vectors."""

    question: Question
    words: tuple[int, ...]
    vectors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A way of fusing: score `weight` / (k + rank by words) + 1 / (k + rank by vectors), for ranks
    up to `depth`."""

    depth: int = 50
    k: float = 60.0
    weight: float = 1.0

    def __str__(self) -> str:
        depth = "all" if self.depth == ALL else self.depth
        return f"depth {depth}, k {self.k:.0f}, words × {self.weight:g}"

    def fuse(self, ranked: Ranked) -> list[int]:
        scores: dict[int, float] = {}
        for keys, weight in ((ranked.words, self.weight), (ranked.vectors, 1.0)):
            for rank, key in enumerate(keys[: self.depth], start=1):
                scores[key] = scores.get(key, 0.0) + weight / (self.k + rank)
        return sorted(scores, key=lambda key: (-scores[key], key))


WAYS = (
    *(Way(depth, k) for k in (10, 60) for depth in (20, 50, 100, 200, ALL)),
    *(Way(100, k, weight) for k in (10, 30, 60) for weight in (1.0, 1.5, 2.0, 3.0)),
)


def rankings(index: LocalIndex, asked: Sequence[Question]) -> Iterator[Ranked]:
    exact = Exact(index)
    for question in asked:
        (vector,) = index._embedding.embed([question.query])
        yield Ranked(
            question,
            tuple(index._catalog.words.search(question.query, exact.count, None)),
            tuple(exact.search(vector, exact.count)),
        )


def figures(
    index: LocalIndex, questions: Sequence[Question], fused: Sequence[Sequence[int]]
) -> tuple[float, ...]:
    """R@1, R@5, R@20, mean reciprocal rank."""
    rows = []
    for question, ranking in zip(questions, fused, strict=True):
        keys = ranking[:_FIRST]
        found = index._catalog.passages.of_vectors(keys, None)
        ranks = list(_ranks(question, [found[key] for key in keys]))
        wanted = 1 if question.places else len(question.gold)
        shares = [sum(rank <= depth for rank in ranks) / wanted for depth in (1, 5, _FIRST)]
        rows.append((*shares, 1 / min(ranks) if ranks else 0.0))
    return tuple(statistics.mean(column) for column in zip(*rows, strict=True))


def _ranks(question: Question, found: Sequence[Sequence[Passage]]) -> Iterator[int]:
    """The first rank at which each wanted item is found."""
    seen: set[str] = set()
    for rank, passages in enumerate(found, start=1):
        for passage in passages:
            if question.places:
                if question.is_in(passage):
                    yield rank
                    return
            elif passage.article_id in question.gold and passage.article_id not in seen:
                seen.add(passage.article_id)
                yield rank


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET")
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--contexts", nargs="+", default=CONTEXTS, choices=CONTEXTS)
    arguments = parser.parse_args()
    print(header())
    test = set(json.loads(SPLITS.read_text(encoding="utf-8"))["test"])
    print("| set | way | R@1 | R@5 | R@20 | MRR | as exact |")
    print("|---|---|---|---|---|---|---|")
    for folder in arguments.sets:
        added, asked = samples() if folder.name == "samples" else _set(folder)
        asked = sample(asked, arguments.questions)
        parts = {
            folder.name: [q for q in asked if _article(q) not in test],
            f"{folder.name}, test": [q for q in asked if _article(q) in test],
        }
        bare = {f"{a.title}\n": "" for a in added}
        for context in arguments.contexts:
            model = embedding(arguments.kept, _without(bare) if context == "bare" else str)
            with (
                tempfile.TemporaryDirectory() as place,
                open_index(Path(place) / "index", added, model) as index,
            ):
                for name, of_part in parts.items():
                    if of_part:
                        _report(f"{name} ({len(of_part)}), {context}", index, of_part)


def _set(folder: Path) -> tuple[list[Article], list[Question]]:
    added = articles(folder)
    there = {article.id for article in added}
    return added, [q for q in questions(folder) if q.answerable and there.issuperset(q.gold)]


def _without(titles: dict[str, str]) -> Callable[[str], str]:
    def seen(text: str) -> str:
        line, _, rest = text.partition("\n")
        return rest if rest and f"{line}\n" in titles else text

    return seen


def _article(question: Question) -> str:
    return question.gold[0].rpartition("/")[0]


def _report(name: str, index: LocalIndex, asked: Sequence[Question]) -> None:
    ranked = list(rankings(index, asked))
    whole: dict[Way, list[list[int]]] = {}
    rows: list[tuple[str, Sequence[Sequence[int]], str]] = [
        ("words", [one.words for one in ranked], ""),
        ("vectors", [one.vectors for one in ranked], ""),
    ]
    for way in dict.fromkeys(WAYS):
        fused = [way.fuse(one) for one in ranked]
        exact = replace(way, depth=ALL)
        if exact not in whole:
            whole[exact] = [exact.fuse(one)[:_TEN] for one in ranked]
        same = [
            len(set(some[:_TEN]) & set(all_)) / len(all_)
            for some, all_ in zip(fused, whole[exact], strict=True)
        ]
        rows.append((str(way), fused, f"{statistics.mean(same):.3f}"))
    for way_name, found, as_exact in rows:
        shares = " | ".join(f"{share:.3f}" for share in figures(index, asked, found))
        print(f"| {name} | {way_name} | {shares} | {as_exact} |", flush=True)


if __name__ == "__main__":
    main()
