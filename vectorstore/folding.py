"""Text as it is searched and compared, whatever its author's program put between the letters.

    folded("sta\u00adtion")     "station"   soft hyphens, zero-width signs and marks of direction go
    folded("cafe\u0301")        "café"      composed, as NFC has it
    folded("21¹ m²")            "21 1 m 2"  what is raised is no part of the word before it

The stored text stays as it is, and every offset is into that: this is for what is looked up by, and
never for what is shown. Queries are folded as the articles are.
"""

from __future__ import annotations

import re
import unicodedata

# Not shown, and not part of any word: soft hyphen, zero-width signs, marks of direction, variations.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
# In scripts that are written without blanks, a zero-width space is where a word ends.
_WORD_END = re.compile("(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+")
_PLAIN = {ord(raised): plain for raised, plain in zip("²³¹⁰⁴⁵⁶⁷⁸⁹", "2310456789", strict=True)}
_PLAIN |= {0x2080 + number: str(number) for number in range(10)}
_PLAIN |= dict(
    zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)
)
_PLAIN |= {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}


def folded(text: str) -> str:
    """`text` as it is looked up by."""
    if text.isascii():
        return text
    seen = _UNSEEN.sub("", _WORD_END.sub(" ", text))
    return unicodedata.normalize("NFC", _RAISED.sub(r" \g<0>", seen).translate(_PLAIN))
