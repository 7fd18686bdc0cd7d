"""A question in a conversation: which of the earlier turns are searched for and read with it.

    leaning_on("and in what year?", history)
        -> "Who awarded Fillmore his doctorate? The University of Michigan. and in what year?"

Nothing is rewritten. The reader was trained on conversations made of questions on one paragraph,
pronouns and all (training/examples.py), and reads the last exchanges in front of the question; the
search uses the words of both. Whether a question depends on what was said is not decided in
advance: it is asked both ways, and the surer answer wins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answers import Turn
from vectorstore.splitting import sentences

_EXCHANGES = 2
_WORDS_OF_AN_ANSWER = 25
_MARK = re.compile(r"(?<!\s)\s*+\[\d+\]")


def leaning_on(question: str, history: Sequence[Turn]) -> str:
    """The question with the last exchanges of the conversation, question and answer, in front of it;
    the question itself if nothing was asked before."""
    said: list[str] = []
    for asked, answer in exchanges(history)[-_EXCHANGES:]:
        said.append(asked.rstrip(" ?.") + "?")
        if answer:
            said.append(answer.rstrip(" .") + ".")
    return " ".join([*said, question])


def exchanges(history: Sequence[Turn]) -> list[tuple[str, str]]:
    """What was asked and the beginning of what was answered, oldest first."""
    found: list[tuple[str, str]] = []
    for turn in history:
        text = " ".join(_MARK.sub("", turn.text).split())
        if turn.role == "user":
            found.append((text, ""))
        elif found and not found[-1][1]:
            first = next(iter(sentences(text)), None)
            answer = text[first.start : first.end] if first else ""
            found[-1] = (found[-1][0], " ".join(answer.split()[:_WORDS_OF_AN_ANSWER]))
    return found
