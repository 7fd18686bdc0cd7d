"""What the articles' words find: passages that have them, and words spelt almost alike."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vectorstore.folding import folded
from vectorstore.stores import Store

_SHORTEST = 3  # characters of the shortest stem for which others are suggested
_LONG = 8  # characters from which two may differ
_NEAREST = 24  # stems whose forms are examined
# Every further term costs time over the whole index, and a pasted page has hundreds.
_TERMS = 32

_WORD = re.compile(r"\w+")
# Words that say nothing about what is being searched for, question words included.
_COMMON = frozenset(
    _WORD.findall("""
    a about above after again all also am an and any are as at be because been before being
    between both but by can could did do does doing during each for from further had has have
    having he her here hers him his how i if in into is it its itself just me more most my no
    nor not now of on once only or other our out over own s same she should so some such t
    than that the their them then there these they this those through to too under until up us
    very was we were what when where which while who whom whose why will with would you your
    """)
)


class WordSearch:
    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, query: str, k: int, articles: Sequence[int] | None) -> list[int]:
        """The vectors of the `k` texts that match best by BM25, best first; `articles` are keys."""
        terms = _terms(query)
        if not terms or articles == []:
            return []
        return self._store.search_words(terms, k, articles)

    def near(self, word: str, k: int) -> list[str]:
        """At most `k` words from the articles, as written there, that are spelt almost like `word`:
        closest first, then most frequent."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA
        from Stemmer import Stemmer

        plain = folded(word).lower()
        stem = str(Stemmer("porter").stemWord(plain))
        if len(stem) < _SHORTEST:
            return []
        cutoff = 2 if len(stem) >= _LONG else 1
        found: dict[str, tuple[int, int]] = {}
        # The vocabulary has stems; an error in the part cut off makes them differ by more.
        away = cutoff + 2
        with self._store.snapshot():
            terms = {
                term: passages
                for term, passages in self._store.vocabulary(
                    len(stem) - away, len(stem) + away
                ).items()
                if not term.isdigit()
            }
            near = process.extract(
                stem, list(terms), scorer=OSA.distance, score_cutoff=away, limit=None
            )
            near.sort(key=lambda pair: (pair[1], -terms[pair[0]]))
            for term, apart, _ in near[:_NEAREST]:
                for form, count in self._store.as_written(term).items():
                    distance = min(apart, OSA.distance(plain, folded(form).lower()))
                    # Hardly anyone gets the first letter wrong (Yannakoudakis and Fawthrop 1983).
                    if distance <= cutoff and _begin_alike(plain, folded(form).lower()):
                        found[form] = (distance, -count)
        return sorted(found, key=lambda form: (found[form], form))[:k]


def _terms(query: str) -> list[str]:
    """The words to search for: all but the commonest, or all if nothing else is left."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(folded(query))))
    return ([word for word in words if word not in _COMMON] or words)[:_TERMS]


def _begin_alike(one: str, other: str) -> bool:
    """Whether two words start with the same letter, allowing for one omitted, added or swapped."""
    return bool(one and other) and (one[0] in other[:2] or other[0] in one[:2])
