"""Text as it is searched and compared, whatever the author's software put between the letters.

    folded("sta\u00adtion")     "station"   soft hyphens, zero-width and direction marks are removed
    folded("cafe\u0301")        "café"      composed, as in NFC
    folded("21¹ m²")            "21 1 m 2"  superscripts are not part of the word before them

The stored text stays as it is, and every offset refers to it: folding is for lookup, never for
display. Queries are folded as the articles are.
"""

from __future__ import annotations

import re
import unicodedata

# Invisible, and not part of any word: soft hyphen, zero-width and direction marks, variation
# selectors.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
# In scripts written without spaces, a zero-width space marks the end of a word.
_WORD_END = re.compile("(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+")
_PLAIN = {ord(raised): plain for raised, plain in zip("²³¹⁰⁴⁵⁶⁷⁸⁹", "2310456789", strict=True)}
_PLAIN |= {0x2080 + number: str(number) for number in range(10)}
_PLAIN |= dict(
    zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)
)
_PLAIN |= {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}


def folded(text: str) -> str:
    """`text` in the form used for lookup."""
    if text.isascii():
        return text
    seen = _UNSEEN.sub("", _WORD_END.sub(" ", text))
    return unicodedata.normalize("NFC", _RAISED.sub(r" \g<0>", seen).translate(_PLAIN))
