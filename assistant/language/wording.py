"""The words a question turns on, and how much of them a text holds.

    words = telling("Why did the council cut the library's hours?")     council, cut, library, hours
    coverage(words, "The council cut its opening hours to save money")  0.75

Words are compared by their beginnings and without accents, so "vote" meets "voted" and "votes";
names and numbers count double. Pure functions; it knows no article and no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"[^\W\d_][\w’']*(?:-[\w’']+)*|\d[\d.,:]*\d|\d")
_NAME_WEIGHT = 2.0
_ROOT = 6  # characters
_ENDING = re.compile(
    r"(?:ing|edly|ed|es|s|ly|er|ers|ment|ments|ation|ations|ions?|al|e|y|ies|ied)$"
)
# Words that say nothing of what a question is about.
_IDLE = re.compile(
    r"(?:a|an|the|this|that|these|those|some|any|each|every|all|both|either|such|other|another|same|own|"
    r"i|me|my|you|your|he|him|his|she|her|hers|it|its|we|us|our|they|them|their|there|here|one|ones|"
    r"who|whom|whose|what|when|where|which|why|how|whether|if|then|than|so|as|and|or|but|nor|not|no|"
    r"be|is|are|was|were|been|being|am|do|does|did|done|doing|has|have|had|having|will|would|can|could|"
    r"shall|should|may|might|must|get|gets|got|getting|go|goes|went|going|gone|come|comes|came|make|makes|"
    r"made|take|takes|took|let|of|in|on|at|by|for|from|to|into|onto|with|without|about|against|between|"
    r"during|before|after|since|until|till|over|under|up|down|out|off|through|per|via|among|around|"
    r"because|behind|while|also|too|very|just|only|even|still|yet|now|again|ever|never|much|many|more|most|"
    r"less|least|few|little|lot|well|please|tell|know|say|says|said|saying|think|thinks|thought|mean|means|"
    r"happen|happens|happened|happening|exactly|actually|really|according|article|articles|story|stories|"
    r"report|reports|news|text|anything|something|everything|nothing|anyone|someone|everyone|anybody|somebody|everybody|nobody|people|"
    r"thing|things|kind|sort|way|ways|reason|reasons|name|names|called|list|long|old|new|isn['’]t|aren['’]t|wasn['’]t|weren['’]t|don['’]t|doesn['’]t|"
    r"didn['’]t|hasn['’]t|haven['’]t|won['’]t|wouldn['’]t|can['’]t|couldn['’]t)"
)


def telling(text: str) -> dict[str, float]:
    """The roots of the words that carry the meaning of `text`, with their weights: names and
    numbers 2, others 1."""
    found: dict[str, float] = {}
    for position, match in enumerate(_WORD.finditer(text)):
        for word in _split(match[0]):
            if _IDLE.fullmatch(word.lower()):
                continue
            name = word[:1].isdigit() or (
                word[:1].isupper() and (position > 0 or word[1:2].isupper())
            )
            key = root(word)
            found[key] = max(found.get(key, 0.0), _NAME_WEIGHT if name else 1.0)
    return found


def roots(text: str) -> frozenset[str]:
    """The roots of all words of `text`."""
    return frozenset(root(word) for match in _WORD.finditer(text) for word in _split(match[0]))


def spoken(text: str) -> list[str]:
    """The words of `text` that carry meaning, as they stand there."""
    return [match[0] for match in _WORD.finditer(text) if not _IDLE.fullmatch(match[0].lower())]


def meaning(text: str) -> list[str]:
    """The roots of the words of `text` that carry meaning, in order, each as often as it stands."""
    return [
        root(word)
        for match in _WORD.finditer(text)
        for word in _split(match[0])
        if not _IDLE.fullmatch(word.lower())
    ]


def coverage(words: Mapping[str, float], *texts: str) -> float:
    """The weighted share of `words` that stand in any of `texts`; 1 where there are none."""
    return held(words, (key for text in texts for key in roots(text)))


def held(words: Mapping[str, float], there: Iterable[str]) -> float:
    """As `coverage`, of roots already made."""
    if not words:
        return 1.0
    known = frozenset(there)
    return sum(weight for key, weight in words.items() if key in known) / sum(words.values())


def root(word: str) -> str:
    """What is left of a word without its ending, at most six characters."""
    plain = re.sub(r"[’']s?$", "", _without_accents(word.lower())).replace("’", "'")
    if plain[:1].isdigit():
        return plain
    shorter = re.sub(r"([bdfgmnprt])\1$", r"\1", _ENDING.sub("", plain))
    return (shorter if len(shorter) >= 3 else plain)[:_ROOT]


def _without_accents(word: str) -> str:
    """As it is typed on a keyboard that has none of them."""
    if word.isascii():
        return word
    apart = unicodedata.normalize(
        "NFKD", word.replace("ø", "o").replace("ł", "l").replace("ı", "i")
    )
    return "".join(character for character in apart if not unicodedata.combining(character))


def _split(word: str) -> list[str]:
    """The halves of "two-state", so that either meets "two states"."""
    return word.split("-")
