"""The words of a text, analysed once: tokens with their offsets, stems, names and numbers.

    words("Why did the council cut the library's hours?").content    council, cut, librari, hour

Stems by Snowball's English stemmer (Porter 2001), without accents, so that "Malmo" finds "Malmö".
Pure functions over text; no article and no model is known here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from Stemmer import Stemmer

_TOKEN = re.compile(r"\d[\d.,:]*\d|[^\W_]+(?:[’'][^\W_]+)*")
_POSSESSIVE = re.compile(r"[’']s?$")


class Token(NamedTuple):
    """`text[start:end]`; `stem` in lower case; `name` if it is written as a name or is a number."""

    text: str
    start: int
    end: int
    stem: str
    name: bool


@dataclass(frozen=True, slots=True)
class Words:
    """All `tokens` of a text and their `stems`; `content` are the stems of those that say what it is
    about, each once and in order, `names` the names and numbers among those, as written."""

    tokens: tuple[Token, ...]
    stems: frozenset[str]
    content: tuple[str, ...]
    names: tuple[str, ...]

    def missing_in(self, other: Words) -> float:
        """The share of the content that `other` lacks; 0 if there is no content."""
        return _share(self.content, other.stems)

    def names_missing_in(self, other: Words) -> float:
        """The share of the names and numbers that `other` lacks; 0 if there are none."""
        return _share([stem_of(name) for name in self.names], other.stems)


@lru_cache(maxsize=4096)
def words(text: str) -> Words:
    tokens = []
    first = True
    for match in _TOKEN.finditer(text):
        word = match[0]
        # The first word of a sentence has a capital whether or not it is a name.
        capital = word[0].isupper() and (not first or word[1:] != word[1:].lower())
        name = word[0].isdigit() or (capital and word.lower() not in function_words())
        tokens.append(Token(word, match.start(), match.end(), stem_of(word), name))
        first = text[match.end() : match.end() + 2].rstrip() in (".", "!", "?", ":")
    telling = [token for token in tokens if token.text.lower() not in function_words()]
    return Words(
        tuple(tokens),
        frozenset(token.stem for token in tokens),
        tuple(dict.fromkeys(token.stem for token in telling)),
        tuple(dict.fromkeys(token.text for token in telling if token.name)),
    )


def stem_of(word: str) -> str:
    return str(_stemmer().stemWord(unaccented(without_possessive(word.lower()))))


def without_possessive(word: str) -> str:
    """The word without its possessive ending: "journal" for "the journal's"."""
    return _POSSESSIVE.sub("", word)


def _share(stems: Sequence[str], held: frozenset[str]) -> float:
    return sum(stem not in held for stem in stems) / len(stems) if stems else 0.0


def unaccented(word: str) -> str:
    """Without accents: "malmo" for "malmö"."""
    if word.isascii():
        return word
    apart = unicodedata.normalize("NFKD", word.replace("ø", "o").replace("ł", "l"))
    return "".join(character for character in apart if not unicodedata.combining(character))


@cache
def _stemmer() -> Stemmer:
    import Stemmer

    return Stemmer.Stemmer("english")


@cache
def function_words() -> frozenset[str]:
    """Words that say nothing about the topic of a text, in lower case."""
    file = Path(__file__).with_name("function-words.txt")
    return frozenset(file.read_text(encoding="utf-8").split())
