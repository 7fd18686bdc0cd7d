"""The sources that a question names: "what did the Courier write about the ferry?".

    named_in("What did the Courier write?", ["Tarn Courier", "Harbour Echo"])    -> ("Tarn Courier",)
    written_about("What did the Courier write about the ferry?", ["Tarn Courier"])
        -> ("What about the ferry?", ("Tarn Courier",))

Only names are compared; no article and no index is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.question.words import words

_ARTICLES = ("the", "a", "an")
_WRITTEN = re.compile(
    r"what (?:did|does|do|has|have) (?:the )?(?P<who>.+?) \w+ (?:about|on) (?P<topic>[^?]+)\??",
    re.IGNORECASE,
)


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


def written_about(question: str, sources: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """What to ask of the articles of the source named, if the question asks what it wrote about
    something: no article says of itself that the newspaper wrote it. None for any other question."""
    found = _WRITTEN.fullmatch(question.strip())
    if found is None or not (named := named_in(question, sources)):
        return None
    names = [{token.stem for token in words(source).tokens} for source in named]
    if not any({token.stem for token in words(found["who"]).tokens} <= name for name in names):
        return None  # its editor, or somebody of its name
    return f"What about {found['topic'].strip()}?", named
