"""Which words of a question are looked up, and what the others add to the rank of the results.

    divided({"ferry": 40, "year": 90_000}, 30_000)          ["ferry"], ["year"]
    added_scores([(7, "Ferry fares", "They rose again this year."), …], {"year": 0.8})    {7: 0.7, …}

BM25 (Robertson and Zaragoza 2009) as SQLite's FTS5 computes it, except that words are found by a
regular expression and a text's length is its number of characters. It knows nothing of databases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from vectorstore.stores import TEXT_WEIGHT, TITLE_WEIGHT

POSTINGS = 30_000  # passages that have a term, summed over a search's terms: 60 ms
FEWEST = 2  # terms that are looked up however common they are
RANKED_AGAIN = 400  # texts whose rank the common terms change

_K1, _B = 1.2, 0.75
_LEAST = 1e-6  # as in FTS5, for words that occur in more than half of all


Term = TypeVar("Term")


def divided(having: Mapping[Term, int], most: int) -> tuple[list[Term], list[Term]]:
    """The rarest of these terms, each given with its number of passages, with at most `most`
    passages in total, and the others: a word that occurs in every tenth of a million passages
    distinguishes them little, and costs more than all others. Terms that occur nowhere are in
    neither."""
    telling: list[Term] = []
    common: list[Term] = []
    cost = 0
    for term, number in sorted(having.items(), key=lambda pair: pair[1]):
        cost += number
        if number:
            (telling if cost <= most or len(telling) < FEWEST else common).append(term)
    return telling, common


def idf(passages: int, having: float) -> float:
    """The weight of a word that `having` of the passages have."""
    return max(_LEAST, math.log(max(_LEAST, (passages - having + 0.5) / (having + 0.5))))


def added_scores(
    passages: Iterable[tuple[int, str, str]], terms: Mapping[str, float]
) -> dict[int, float]:
    """What terms with these weights add, by the key of each (key, title, text); the maximum if
    several passages have the key. Keys to which they add nothing may be left out."""
    from Stemmer import Stemmer

    stem = Stemmer("porter").stemWord
    weights: dict[str, float] = {}
    for term, weight in terms.items():
        weights[stem(term.lower())] = weight
    # The last letter of a stem may differ from the word's: study, studied.
    beginnings = "|".join(re.escape(one[:-1] if len(one) > 3 else one) for one in weights)
    words = re.compile(rf"\b(?:{beginnings})\w*", re.IGNORECASE)
    found = list(passages)
    usual = sum(len(text) for _, _, text in found) / max(1, len(found)) or 1.0
    added: dict[int, float] = {}
    for key, title, text in found:
        counts: dict[str, float] = {}
        for part, counted in ((title, TITLE_WEIGHT), (text, TEXT_WEIGHT)):
            for word in words.findall(part):
                stemmed = stem(word.lower())
                if stemmed in weights:
                    counts[stemmed] = counts.get(stemmed, 0.0) + counted
        norm = _K1 * (1 - _B + _B * len(text) / usual)
        score = sum(weights[one] * n * (_K1 + 1) / (n + norm) for one, n in counts.items())
        added[key] = max(score, added.get(key, 0.0))
    return added
