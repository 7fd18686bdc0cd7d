"""Rankings -> hits: fuses what words and vectors found, and merges near-copies.

Pure functions over keys and passages; nothing here searches.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from vectorstore.articles import Hit, Passage
from vectorstore.copies import Shape

Key = TypeVar("Key", bound=Hashable)

RRF_K = 60  # as in the paper: first place counts for little more than second


def fuse(rankings: Sequence[Sequence[Key]], k: int = RRF_K) -> list[tuple[Key, float]]:
    """Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): score 1 / (k + rank), summed.

    Best first; ties are broken by the best single rank, then by the key's text, so that neither the
    order of the rankings nor chance decides.
    """
    scores: dict[Key, float] = {}
    best: dict[Key, int] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1.0 / (k + rank)
            best[key] = min(rank, best.get(key, rank))
    order = sorted(scores, key=lambda key: (-round(scores[key], 12), best[key], str(key)))
    return [(key, scores[key]) for key in order]


def collapse(ranked: Iterable[tuple[Sequence[Passage], float]], k: int) -> list[Hit]:
    """The first `k` distinct passages; a near-copy of an earlier one joins it as a copy.

    Every entry is one text and the passages that have it, all copies of the first of them.
    Near-copies share most of their word triples and all of their numbers and names: the same report
    with a different figure is news, not a copy (`copies.py`).
    """
    hits: list[Hit] = []
    shapes: list[Shape] = []
    having: dict[tuple[str, ...], list[int]] = {}  # which hits have this triple
    for passages, score in ranked:
        shape = Shape(passages[0].text)
        near = sorted({i for triple in shape.triples for i in having.get(triple, ())})
        same = next((i for i in near if shape.repeats(shapes[i])), None)
        if same is not None:
            known = hits[same]
            hits[same] = Hit(known.passage, known.score, (*known.copies, *passages))
        elif len(hits) < k:
            for triple in shape.triples:
                having.setdefault(triple, []).append(len(hits))
            hits.append(Hit(passages[0], score, tuple(passages[1:])))
            shapes.append(shape)
    return hits
