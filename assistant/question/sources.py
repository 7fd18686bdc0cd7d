"""The sources that a question names: "what did the Courier write about the ferry?".

    named_in("What did the Courier write?", ["Tarn Courier", "Harbour Echo"])    -> ("Tarn Courier",)

Only names are compared; no article and no index is known here.
"""

from __future__ import annotations

from collections.abc import Iterable

from assistant.question.words import words

_ARTICLES = ("the", "a", "an")


def named_in(question: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Those of `sources` whose name stands in the question, whole or, as with newspapers, its last
    word as a name. A word that belongs to a whole name is not taken for another's last one."""
    tokens = words(question).tokens
    asked = [token.stem for token in tokens]
    whole: list[str] = []
    taken: set[int] = set()
    short: list[tuple[str, set[int]]] = []
    for source in sources:
        name = [t.stem for t in words(source).tokens if t.text.lower() not in _ARTICLES]
        if not name:
            continue
        starts = [i for i in range(len(asked)) if asked[i : i + len(name)] == name]
        if starts:
            whole.append(source)
            taken.update(i + offset for i in starts for offset in range(len(name)))
        elif len(name) > 1:
            ends = {i for i, t in enumerate(tokens) if t.name and t.stem == name[-1]}
            short.append((source, ends))
    return (*whole, *(source for source, ends in short if ends - taken))
