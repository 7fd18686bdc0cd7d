"""Rankings -> hits: fusion of what words and vectors found, and near-copies as one.

Pure functions over keys and passages; nothing here searches.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from vectorstore.articles import Hit, Passage

Key = TypeVar("Key", bound=Hashable)

RRF_K = 60  # as in the paper: a first place counts little more than a second
_COPY_SIMILARITY = 0.7  # Jaccard of word triples; a wire story with one word changed has 0.9
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")


def fuse(rankings: Sequence[Sequence[Key]], k: int = RRF_K) -> list[tuple[Key, float]]:
    """Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): score 1 / (k + rank), summed.

    Best first; equal scores in the order of the best single rank, then of the key's text, so that
    neither the order of the rankings nor chance decides.
    """
    scores: dict[Key, float] = {}
    best: dict[Key, int] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1.0 / (k + rank)
            best[key] = min(rank, best.get(key, rank))
    order = sorted(scores, key=lambda key: (-round(scores[key], 12), best[key], str(key)))
    return [(key, scores[key]) for key in order]


def collapse(ranked: Iterable[tuple[Passage, float]], k: int) -> list[Hit]:
    """The first `k` distinct passages; a near-copy of an earlier one joins it as a copy.

    Near-copies share most of their word triples and all of their numbers: the same report with
    another figure in it is news, not a copy.
    """
    hits: list[Hit] = []
    shapes: list[_Shape] = []
    for passage, score in ranked:
        shape = _Shape(passage.text)
        same = next((i for i, other in enumerate(shapes) if shape.copies(other)), None)
        if same is not None:
            known = hits[same]
            hits[same] = Hit(known.passage, known.score, (*known.copies, passage))
        elif len(hits) < k:
            hits.append(Hit(passage, score))
            shapes.append(shape)
    return hits


class _Shape:
    def __init__(self, text: str) -> None:
        words = [word.lower() for word in _WORD.findall(text)]
        self.triples = frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset(words)
        self.numbers = frozenset(_NUMBER.findall(text))

    def copies(self, other: _Shape) -> bool:
        if self.numbers != other.numbers:
            return False
        shared = len(self.triples & other.triples)
        return shared >= _COPY_SIMILARITY * max(1, len(self.triples | other.triples))
