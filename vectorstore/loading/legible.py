"""Whether the text of a page is what it shows: fonts may number their letters without saying which
they are, and what is read from such a page are other letters, or none.

Knows no file: it judges the characters by what languages have in common.
"""

from __future__ import annotations

import re
import unicodedata

_FEW = 150  # letters: too few to judge by
_UNKNOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd\ufffe\uffff\ue000-\uf8ff]")
_SYMBOL = re.compile(r"[\xa1-\xa9\xab-\xb6\xb8\xb9\xbb-\xbf\xd7\xf7]")
_AFTER_LATIN = "\u0250"
_VOWELS = frozenset("aeiouyæøœı")
_VOWELS_AT_LEAST = 0.24  # of Latin letters; languages have 0.36 and more
_LONG = re.compile(r"\b[a-zß-ɏ]{5,}\b")  # shorter words, and capitals, may be abbreviations
_BETWEEN_WORDS = re.compile(r"[\s./?=&,:_-]+")  # also in addresses
_LONGEST_MEAN = 20  # letters a word


def is_legible(text: str) -> bool:
    """False if these are certainly not the words of a page: a third of them no characters or
    symbols, Latin letters without blanks, or long words with hardly a vowel."""
    shown = sum(not character.isspace() for character in text)
    if shown < _FEW:
        return True
    if 3 * max(len(_UNKNOWN.findall(text)), len(_SYMBOL.findall(text))) > shown:
        return False
    letters = list(filter(str.isalpha, text))
    latin = sum(letter < _AFTER_LATIN for letter in letters)
    if latin < max(_FEW, 0.9 * len(letters)):
        return True
    words = [word for word in _BETWEEN_WORDS.split(text) if any(map(str.isalpha, word))]
    if latin > _LONGEST_MEAN * len(words):
        return False
    judged = "".join(_LONG.findall(text))
    vowels = sum(c in _VOWELS for c in unicodedata.normalize("NFD", judged))
    return len(judged) < _FEW or vowels >= _VOWELS_AT_LEAST * len(judged)
