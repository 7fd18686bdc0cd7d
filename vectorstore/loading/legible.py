"""Whether the text of a page is what it shows: fonts may number their letters without saying which
they are, and what is read from such a page are other letters, or none.

Knows no file: it judges the characters by what languages have in common.
"""

from __future__ import annotations

import re
import unicodedata

_FEW = 150  # letters: too few to judge by
_UNKNOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd\ufffe\uffff\ue000-\uf8ff]")
_SYMBOL = re.compile(r"[\xa1-\xa9\xab-\xb9\xbb-\xbf\xd7\xf7]")
_LATIN = 0x250
_VOWELS = frozenset("aeiouyæøœı")
_VOWELS_AT_LEAST = 0.24  # of Latin letters; languages have 0.36 and more
_LONGEST_MEAN = 25  # letters a word


def is_legible(text: str) -> bool:
    """False if these are certainly not the words of a page: a third of them no characters or
    symbols, Latin letters with hardly a vowel, or without a blank."""
    shown = sum(not character.isspace() for character in text)
    if shown < _FEW:
        return True
    if 3 * max(len(_UNKNOWN.findall(text)), len(_SYMBOL.findall(text))) > shown:
        return False
    letters = [c for c in unicodedata.normalize("NFD", text.casefold()) if c.isalpha()]
    latin = [letter for letter in letters if ord(letter) < _LATIN]
    if len(latin) < max(_FEW, 0.9 * len(letters)):
        return True
    vowels = sum(letter in _VOWELS for letter in latin)
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    return vowels >= _VOWELS_AT_LEAST * len(latin) and len(latin) <= _LONGEST_MEAN * len(words)
