"""A question typed with errors: what was probably meant.

    respelt("how manny poeple left teh twon", near)     Respelling("how manny people left the town", ...)

A word is taken for an error where it is no common English word (none of the pieces that the readers'
tokenizer keeps whole) and stands in no article, while a word that is spelt nearly so does. What is
written as a name may be another's name, so it is offered and never put in place of what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from assistant.question.words import words
from assistant.resources import weights_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SHORTEST = 3  # letters of a word that may be an error


class Respelling(NamedTuple):
    """`read` is what the question is read as as well, `meant` what may have been meant, names too;
    either is "" where it is what was typed."""

    read: str = ""
    meant: str = ""


def respelt(
    question: str, known: Callable[[str], bool], near: Callable[[str], Sequence[str]]
) -> Respelling:
    """`known` says whether a word stands in an article, `near` gives words of articles spelt nearly as
    it."""
    read = meant = question
    for token in reversed(words(question).tokens):
        if not token.text.isalpha() or len(token.text) < _SHORTEST:
            continue
        if _common(token.text) or known(token.text):
            continue
        found = next(iter(near(token.text)), "")
        if not found:
            continue
        if token.text.islower():
            found = found.lower() if _common(found) else found
            read = f"{read[: token.start]}{found}{read[token.end :]}"
        else:
            found = found[:1].upper() + found[1:]
        meant = f"{meant[: token.start]}{found}{meant[token.end :]}"
    return Respelling(read if read != question else "", meant if meant != question else "")


def _common(word: str) -> bool:
    return len(_tokenizer().encode(word.lower(), add_special_tokens=False).tokens) == 1


@cache
def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(weights_folder() / "small" / "tokenizer.json"))
