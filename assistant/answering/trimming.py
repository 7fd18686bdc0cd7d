"""A span as a person would quote it: complete names, dates and amounts, and no leftovers.

    trimmed(text, 12, 20)       "Ministry" -> "Ministry of Health", "9" -> "July 9"

The reader points at word pieces; what a person wants to read has no unpaired quotation mark and no
trailing preposition. Based on the words alone, in English. Pure functions over text and offsets.
"""

from __future__ import annotations

import re

from vectorstore.splitting import Span

_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?(?!\d)"
_YEAR = r"(?:1\d{3}|20\d\d)\b"
_CLOCK = r"\d{1,2}(?:[.:]\d\d)?\s?(?:a\.m\.|p\.m\.|am\b|pm\b|o[’']clock)"
_DATE = re.compile(
    rf"(?:{_WEEKDAY},?\s+)?(?:the\s+)?"
    rf"(?:{_MONTH}\s+{_DAY}(?:\s*(?:[–-]|to|and)\s*{_DAY})?(?:,?\s+{_YEAR})?"
    rf"|{_DAY}(?:\s*(?:[–-]|to|and)\s*{_DAY})?\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?"
    rf"|{_MONTH}\s+{_YEAR})"
    rf"|(?:from\s+)?{_CLOCK}(?:\s*(?:[–-]|to|until|and)\s*{_CLOCK})?"
)
_NUMBER_WORD = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|"
    r"fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|thirds?|quarters?)"
)
_SCALE = r"(?:hundred|thousand|million|billion|trillion|bn|per\s?cent|percentage points?|percent)"
_UNIT = (
    r"(?:euros?|dollars?|pounds?|cents?|km/h|km|mph|kilomet(?:re|er)s?|centimet(?:re|er)s?|"
    r"met(?:re|er)s?|cm|mm|kg|kilos?|kilograms?|grams?|tonnes?|tons?|miles?|feet|foot|inch(?:es)?|"
    r"hectares?|acres?|square\s+\w+|lit(?:re|er)s?|degrees(?:\s+(?:Celsius|Fahrenheit))?|°C|"
    r"years?(?:\s+old)?|months?|weeks?|days?|hours?|minutes?|seconds?|votes|people|megawatts?|MW)"
)
_ABOUT = (
    r"(?:about|around|some|more than|less than|fewer than|at least|at most|up to|as many as|nearly|"
    r"almost|roughly|approximately|an estimated|just over|just under|well over)"
)
_AMOUNT = re.compile(
    rf"(?:(?<!\w){_ABOUT}\s+)?(?:[€$£¥]|US\$|(?:EUR|USD|GBP)\s)?(?<![\w.,])"
    rf"(?:\d(?:[\d,.]*\d)?%?|{_NUMBER_WORD}\b)"
    rf"(?:[\s-]{_NUMBER_WORD}\b)*(?:\s?{_SCALE}\b)*(?:\s(?:[a-z]+ly\s)?{_UNIT}\b)?"
    rf"(?:(?:\s|\s?and\s)\d+\s{_UNIT}\b)*",
    re.IGNORECASE,
)
_MONEY_BEFORE = re.compile(r"(?:[€$£¥]|US\$)$")

_WORD_OF_NAME = (
    r"(?:(?:Mr|Mrs|Ms|Mx|Dr|Prof|St|Rev|Gen|Col|Capt|Lt|Sgt|Sen|Rep|Gov|Hon|No|Jr|Sr|[A-Z])\.(?!\w)"
    r"|[^\W\d_a-zß-öø-ÿ][\w’'-]*)"
)
_NEXT_WORD = re.compile(rf"[ \u00a0]({_WORD_OF_NAME})(?!\w)")
_WORD_BEFORE = re.compile(rf"(?<![\w’'.-])({_WORD_OF_NAME})[ \u00a0]$")
_PART_OF_NAME = re.compile(
    rf"[ ](?:of|for)[ ](?:the[ ])?(?:{_WORD_OF_NAME})(?:[ ]{_WORD_OF_NAME})*"
)
# Nouns that are half a name: "Ministry" of Health, "League" of Arab States.
_HALF = re.compile(
    r"\b(?:Academy|Agency|Association|Authority|Bank|Bay|Board|Bureau|Cent(?:re|er)|Chamber|City|College|"
    r"Commission|Committee|Conference|Congress|Council|Court|Department|Duke|Federation|Festival|Gulf|"
    r"House|Institute|Isle|King|Kingdom|League|Ministry|Minister|Museum|Office|Organi[sz]ation|Port|"
    r"President|Prince|Queen|Republic|School|Secretary|Society|State|States|Treaty|Tower|Union|"
    r"University|War|Festival|Battle|Church|Bishop|Archbishop)$"
)
_DETERMINER = re.compile(r"(?<![\w’'-])([Tt]he|[Aa]n?|[Ii]ts|[Hh]is|[Hh]er|[Tt]heir)\s$")
_SAINT = re.compile(r"\bSt\.?\s*$")
# Capitalised words that begin a sentence rather than a name.
_NO_NAME = re.compile(
    r"(?:"
    r"the|a|an|in|on|at|by|to|of|for|from|with|when|while|after|before|as|if|"
    r"but|and|or|so|yet|it|he|she|they|we|i|you|this|that|these|those|his|her|"
    r"their|its|our|my|your|some|most|many|more|both|all|no|not|what|who|where|"
    r"which|how|why|there|here|then|now|also|according|last|next|since|until|during|"
    r"under|over|about|because|although|though|however|meanwhile|monday|tuesday|"
    r"wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|"
    r"july|august|september|october|november|december|jan|feb|mar|apr|aug|sept|sep|"
    r"oct|nov|dec"
    r")\.?",
    re.IGNORECASE,
)

_OPENING = {"“": "”", "‘": "’", "(": ")", "[": "]", "«": "»", "„": "“"}
_CLOSING = {close: opening for opening, close in _OPENING.items() if close != "“"}
_LEFT_OVER_AHEAD = re.compile(
    r"^(?:(?!-\d)[\s,;:.!?…–—*_-]+|#+\s|(?:and|or|but|that|which|who|whom|whose|is|was|are|were|be|been|has|had|have|"
    r"will|would|of|as|also|than)\s+)"
)
_LEFT_OVER_BEHIND = re.compile(
    r"(?:(?<![\s,;:–—*_])[\s,;:–—*_]++|(?<!\s)\s++(?:in|on|at|of|for|to|by|from|with|into|and|or|but|the|a|an|that|which|who|is|was|"
    r"are|were|has|have|had|will|would|as|than|its|his|her|their|when|where|while|after|before|until|"
    r"since|not|because|said|says))$"
)
_ENDS_SHORT = re.compile(
    r"(?:\b\w\.\w\.|\b[A-Z]\.|\b(?:Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec|Inc|Ltd|Co|Jr|Sr|No|St)\.)$"
)


def trimmed(text: str, start: int, end: int) -> Span:
    """`text[start:end]` as a person would quote it.

    Leftovers at either end are removed (commas, "and", a quotation mark without its partner); a
    name, a date or an amount that was cut off is completed. Never empty: if nothing would be left,
    the span stays as it is.
    """
    span = _without_rest(text, _whole_words(text, start, end))
    if span.length == 0:
        return Span(start, end)
    for pattern in (_DATE, _AMOUNT):
        span = _completed(text, span, pattern)
    span = _whole_name(text, span)
    if text[span.start].islower() and (
        ahead := _DETERMINER.search(text, max(0, span.start - 7), span.start)
    ):
        span = Span(ahead.start(1), span.end)
    return _whole_words(text, *span)


# -- what is left over -------------------------------------------------------------------------


def _without_rest(text: str, span: Span) -> Span:
    start, end = span
    while True:
        before = (start, end)
        found = text[start:end]
        ahead = _LEFT_OVER_AHEAD.match(found)
        if ahead is not None:
            start += ahead.end()
        elif behind := _LEFT_OVER_BEHIND.search(found):
            end -= behind.end() - behind.start()
        elif found.endswith(".") and not _ENDS_SHORT.search(found):
            end -= 1
        start, end = _balanced(text, start, end)
        if start >= end:
            return Span(span.start, span.start)
        if (start, end) == before:
            return Span(start, end)


def _balanced(text: str, start: int, end: int) -> tuple[int, int]:
    """Quotation marks and brackets in pairs: the missing one is included if it is next to the span;
    otherwise the unpaired one is dropped, if it is at either end."""
    first, last = text[start : start + 1], text[end - 1 : end]
    inside = text[start:end]
    if first in _OPENING and inside.count(_OPENING[first]) < inside.count(first):
        if text[end : end + 1] == _OPENING[first]:
            return start, end + 1
        return start + 1, end
    if last in _CLOSING and inside.count(_CLOSING[last]) < inside.count(last):
        if last == "’" and "‘" not in text[max(0, start - 80) : end]:
            return start, end  # an apostrophe
        if text[start - 1 : start] == _CLOSING[last]:
            return start - 1, end
        return start, end - 1
    for opening, closing in (("“", "”"), ("(", ")")):
        if inside.count(opening) > inside.count(closing) and text[end : end + 1] == closing:
            return start, end + 1
        if inside.count(closing) > inside.count(opening) and text[start - 1 : start] == opening:
            return start - 1, end
    if inside.count('"') % 2:
        if first == '"' and text[end : end + 1] != '"':
            return start + 1, end
        if last == '"' and text[start - 1 : start] != '"':
            return start, end - 1
    return start, end


def _whole_words(text: str, start: int, end: int) -> Span:
    if text[start:end].strip():
        while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
            end += 1
    return Span(start, end)


# -- what is missing ---------------------------------------------------------------------------


def _completed(text: str, span: Span, pattern: re.Pattern[str]) -> Span:
    """The span, extended to the whole of any date or amount that it has part of."""
    margin = 40
    low, high = max(0, span.start - margin), min(len(text), span.end + margin)
    while low > 0 and not text[low - 1].isspace():
        low -= 1
    while high < len(text) and not text[high].isspace():
        high += 1
    for match in pattern.finditer(text, low, high):
        if match.start() < span.end and span.start < match.end():
            begun = match.start()
            if money := _MONEY_BEFORE.search(text, max(0, begun - 3), begun):
                begun = money.start()
            # A preposition of the pattern's own ("from 10 a.m.") belongs to a range only.
            span = Span(min(span.start, begun), max(span.end, match.end()))
    return span


def _whole_name(text: str, span: Span) -> Span:
    """The span, extended by the words of the name before and after it; a weekday or the first word
    of a sentence is not part of a name."""
    start, end = span
    first = re.match(_WORD_OF_NAME, text[start:end])
    if first and _names(first[0]):
        while (before := _WORD_BEFORE.search(text, max(0, start - 40), start)) and _names(
            before[1]
        ):
            if re.search(r"[’']s$", before[1]) and not _SAINT.search(text[: before.start()]):
                break  # "Ennetmouth’s Mayor": another name
            start = before.start(1)
    last = re.search(rf"(?<!\w){_WORD_OF_NAME}$", text[start:end])
    if last and _names(last[0]):
        while (after := _NEXT_WORD.match(text, end)) and _names(after[1]):
            end = after.end(1)
        if _HALF.search(text[start:end]) and (part := _PART_OF_NAME.match(text, end)):
            end = part.end()
    return Span(start, end)


def _names(word: str) -> bool:
    """Whether a capitalised word can be part of a name."""
    return not _NO_NAME.fullmatch(word)
