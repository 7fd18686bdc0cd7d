"""A question typed with errors: what was probably meant.

    respelt("who chaird the meeting", known, near)      Respelling("who chaired the meeting", ...)

A word counts as an error if it is not a common English word (one that the readers' tokenizer keeps
whole) and appears in no article, while a word spelt almost the same does. What is written as a name
may be somebody else's, so its correction is offered and never put in place of what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from assistant.question.words import function_words, words
from assistant.resources import weights_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SHORTEST = 3  # letters of a word that may be an error
_SHORTEST_OF_NAME = 5  # letters of one in lower case that may be a name: "rota" is not Rita


class Respelling(NamedTuple):
    """`read` is how the question is also read, `meant` what may have been meant, names included;
    either is "" if it is the same as what was typed."""

    read: str = ""
    meant: str = ""


def respelt(
    question: str, known: Callable[[str], bool], near: Callable[[str], Sequence[str]]
) -> Respelling:
    """`known` says whether a word appears in an article; `near` gives words from articles that are
    spelt almost the same, best first."""
    read = meant = question
    for token in reversed(words(question).tokens):
        if not token.text.isalpha() or len(token.text) < _SHORTEST:
            continue
        if common(token.text) or known(token.text):
            continue
        found = next(iter(near(token.text)), "")
        if not found or token.text.lower().startswith(found.lower()):  # "worshippers" is fine
            continue
        if token.text.islower():
            name = not found.islower() and found.lower() not in function_words()
            if name and len(token.text) < _SHORTEST_OF_NAME:
                continue
            found = found.lower() if common(found) else found
            read = f"{read[: token.start]}{found}{read[token.end :]}"
        else:
            found = found[:1].upper() + found[1:]
        meant = f"{meant[: token.start]}{found}{meant[token.end :]}"
    return Respelling(read if read != question else "", meant if meant != question else "")


def common(word: str) -> bool:
    """Whether it is a common English word: one that the readers' tokenizer keeps whole."""
    return len(_tokenizer().encode(word.lower(), add_special_tokens=False).tokens) == 1


@cache
def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(weights_folder() / "small" / "tokenizer.json"))
