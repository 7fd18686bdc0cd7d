"""Whether two spans that answer one question say the same, may both be true, or differ.

    compared("how many", "340 people", "more than 520", day, day)        -> "different"
    compared("when", "July 9", "9 July 2025", day, day)                  -> "same"
    compared("who", "Dakar", "Dakar, Senegal", day, day)                 -> "same"
    compared("how many", "about 35", "36", day, day)                     -> "same"

Amounts are compared as numbers (words and digits, with their magnitude and unit), dates as spans of
days, everything else by its words. Two spans differ only where both are understood: an amount
without a number in it, or a unit that cannot be turned into the other, is "unknown". It has seen no
article. Numbers in words are read by text2num, dates by `dates`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from math import floor, log10
from typing import Literal

from assistant.language.dates import named

Kind = Literal["amount", "date", "name"]
Comparison = Literal["same", "different", "unknown"]

_TOLERANCE = 0.05  # of an amount that is said to be rough
_MOST_WORDS = 7  # of a name; a longer span is an account, and two accounts always differ


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as it was said: `step` is what one more in its last digit would be, `coarse` is True
    with a magnitude ("7 million"), `unit` a measure or currency, `counted` the words after it,
    `bound` "least" or "most" where it is one, `rough` for "about"."""

    number: float
    step: float
    coarse: bool = False
    unit: str = ""
    counted: frozenset[str] = frozenset()
    bound: str = ""
    rough: bool = False


def kind_of(question: str) -> Kind:
    """What answers the question: an amount, a date or, in all other cases, a name."""
    if _ASKS_WHEN.search(question):
        return "date"
    return "amount" if _ASKS_AMOUNT.search(question) else "name"


def compared(
    kind: Kind, one: str, other: str, one_on: date | None = None, other_on: date | None = None
) -> Comparison:
    """How two spans compare that answer one question of this kind; `one_on` and `other_on` are the
    dates of the articles that they stand in."""
    if kind == "date":
        return _compared_dates(one, other, one_on, other_on)
    if kind == "amount":
        return _compared_amounts(amounts(one), amounts(other))
    return _compared_names(one, other)


def amounts(text: str) -> list[Amount]:
    """The amounts in `text`, in order: "€38.4 million" is 38,400,000 of euros."""
    digits = _in_digits(text)
    return [_amount(match) for match in _AMOUNT.finditer(digits)]


def measured_otherwise(question: str, found: str) -> bool:
    """Whether every amount in `found` is of another kind than the question's: votes are no age, and
    metres no price. What has no measure fits any question, but a bare number above 1,500 is no age."""
    kinds = next((kinds for asked, kinds in _ASKED_KINDS if asked.search(question)), None)
    if _CLOCK.fullmatch(found.strip()) and "time" not in (kinds or ()):
        return True
    told = amounts(found)
    if kinds is None or not told:
        return False
    return not any(_is_of(amount, kinds) for amount in told)


def _is_of(amount: Amount, kinds: frozenset[str]) -> bool:
    if "age" in kinds and not amount.unit and not amount.counted:
        return amount.number <= _OLDEST
    measured = _KINDS.get(amount.unit) or next(
        (_KINDS[word] for word in amount.counted if word in _KINDS), None
    )
    return measured is None or measured in kinds


def words(text: str) -> set[str]:
    """The words of `text` that say something, in lower case and without accents."""
    flat = unicodedata.normalize("NFKD", text).lower()
    plain = "".join(c for c in flat if not unicodedata.combining(c))
    found = (re.sub(r"['’]s?$", "", word) for word in _WORD.findall(plain))
    return {word for word in found if word} - _EMPTY


# -- amounts -----------------------------------------------------------------------------------


def _in_digits(text: str) -> str:
    from text_to_num import alpha2digit

    # From nought on: "one" alone is a number here.
    return str(alpha2digit(_MANY.sub(" ", text), "en", 0))


def _amount(match: re.Match[str]) -> Amount:
    digits = match["number"].replace(",", "").replace(" ", "")
    number = float(digits)
    decimals = len(digits.partition(".")[2])
    size = float(_MAGNITUDES.get((match["size"] or "").lower(), 1))
    trailing = len(digits) - len(digits.rstrip("0")) if not decimals else 0
    step = size * (10.0**-decimals if decimals else 10.0 ** (trailing if size == 1 else 0))
    after = [_singular(word) for word in (match["after"] or "").lower().split()]
    unit = _CURRENCIES.get((match["currency"] or "").lower(), "")
    unit = unit or next((word for word in after[:1] if word in _UNITS), "")
    factor, unit = _UNITS.get(unit, (1.0, unit))
    counted = frozenset(after) - _EMPTY - {"who", "which", "that", "were", "was", "had", "have"}
    before = (match["before"] or "").lower()
    bound = "least" if _LEAST.search(before) else "most" if _MOST.search(before) else ""
    rough = bool(_ROUGH.search(before))
    return Amount(number * size * factor, step * factor, size > 1, unit, counted, bound, rough)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _compared_amounts(ones: list[Amount], others: list[Amount]) -> Comparison:
    if not ones or not others:
        return "unknown"
    if len(ones) != len(others):  # "260 to 240" and "260": one has more to say
        shared = any(_same(a, b) for a in ones for b in others)
        return "same" if shared else "unknown"
    pairs = list(zip(ones, others, strict=True))
    if not all(_comparable(a, b) for a, b in pairs):
        return "unknown"
    return "same" if all(_same(a, b) for a, b in pairs) else "different"


def _comparable(one: Amount, other: Amount) -> bool:
    """Not people and households, nor euros and per cent."""
    if one.unit or other.unit:
        return (
            one.unit == other.unit
            or not (one.unit or one.counted)
            or not (other.unit or other.counted)
        )
    return not (one.counted and other.counted) or bool(one.counted & other.counted)


def _same(one: Amount, other: Amount) -> bool:
    low, high = sorted((one, other), key=lambda amount: amount.number)
    if low.number == high.number or _bounded(low, high):
        return True
    if one.rough or other.rough:
        return high.number - low.number <= _TOLERANCE * abs(high.number)
    return _rounds_to(high, low) or _rounds_to(low, high)


def _bounded(low: Amount, high: Amount) -> bool:
    """Whether one is a bound that allows the other, nearby: "more than 500" and "520"."""
    near = high.number <= low.number * 1.1 or high.number - low.number < low.step
    return near and (low.bound == "least" or high.bound == "most")


def _rounds_to(fine: Amount, round_one: Amount) -> bool:
    """Whether 38.4 million was rounded to 38 million; a plain number keeps two digits at least."""
    step = round_one.step
    if step <= fine.step or fine.number <= 0:
        return False
    digits = floor(log10(fine.number)) - floor(log10(step))
    if digits < (0 if round_one.coarse else 1):
        return False
    return round(fine.number / step) * step == round_one.number


# -- dates -------------------------------------------------------------------------------------


def _compared_dates(one: str, other: str, one_on: date | None, other_on: date | None) -> Comparison:
    first, second = named(one, one_on), named(other, other_on)
    if first is None or second is None:
        # "spring of 2027" is October where it is south of the equator
        both = words(one), words(other)
        return "same" if both[0] <= both[1] or both[1] <= both[0] else "unknown"
    if not (first.first and first.last and second.first and second.last):
        return "unknown"
    apart = first.last < second.first or second.last < first.first
    return "different" if apart else "same"


# -- names -------------------------------------------------------------------------------------


def _compared_names(one: str, other: str) -> Comparison:
    first, second = words(one), words(other)
    if not first or not second or max(len(one.split()), len(other.split())) > _MOST_WORDS:
        return "unknown"
    if first <= second or second <= first or _initials(one, other) or _initials(other, one):
        return "same"
    roots, others = ({word[:5] for word in found} for found in (first, second))
    return "unknown" if roots & others else "different"


def _initials(short: str, name: str) -> bool:
    """The UN and the United Nations."""
    letters = re.sub(r"^the\s+|\W", "", short, flags=re.IGNORECASE)
    return letters.isupper() and letters == "".join(re.findall(r"\b[A-Z]", name))


# -- words -------------------------------------------------------------------------------------

_ASKS_WHEN = re.compile(
    r"^\W*(?:(?:and|but|so|since|until|by|from) )*when\b|\b(?:what|which) (?:year|month|day|date|weekday)\b|\bhow soon\b",
    re.IGNORECASE,
)
_ASKS_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|far|old|big|high|tall|large|deep|wide|heavy|fast|often|late)\b"
    r"|\b(?:what|which) (?:\w+ ){0,2}(?:number|price|cost|sum|amount|percentage|share|total|size|"
    r"time|figure|majority|margin|height|length|speed|toll|turnout|estimate|fare|budget)\b"
    r"|\bwhat\b.*\b(?:cost|costs|price|number of|death toll)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?:at |shortly |after )*\d{1,2}(?:[.:]\d\d)?\s?[ap]\.?m\.?", re.IGNORECASE)
_OLDEST = 1500  # years; an older thing is told with the word
# What kinds of measure can answer; the first that fits the question counts.
_ASKED_KINDS: list[tuple[re.Pattern[str], frozenset[str]]] = [
    (re.compile(r"\bhow old\b|\bwhat age\b", re.IGNORECASE), frozenset({"age", "time"})),
    (
        # Not "how much time was spent", nor "what did the mistake cost him".
        re.compile(
            r"\bhow much (?:money|do|does|did|is|are|was|were|will|would|has|have|had|can|could)\b.*"
            r"\b(?:costs?|paid|pay|pays|earns?|earned|charged?|worth)\b(?! (?:him|her|them|us|me|it|the)\b)"
            r"|\bwhat (?:do|does|did|will|would)\b.*\bcost\b(?! (?:him|her|them|us|me|it|the)\b)"
            r"|\b(?:what|which)(?: \w+){0,3} (?:price|fare|budget|costs?(?= of))\b",
            re.IGNORECASE,
        ),
        frozenset({"money", "share"}),
    ),
    (
        re.compile(
            r"\bhow far (?:is|are|was|were|away|from|to)\b(?!.*\b(?:ahead|behind)\b)", re.IGNORECASE
        ),
        frozenset({"length", "time"}),
    ),
    (
        re.compile(r"\bhow (?:long|late)\b(?!.*\b(?:queue|list|line|book)\b)", re.IGNORECASE),
        frozenset({"length", "time"}),
    ),
    (
        re.compile(r"\bhow (?:high|tall|deep|wide|large|big)\b", re.IGNORECASE),
        frozenset({"length", "share", "count", "money", "weight"}),
    ),
]
_KINDS = {
    **dict.fromkeys(("euro", "dollar", "pound", "yen", "cent"), "money"),
    **dict.fromkeys(("metre", "foot", "feet", "inch", "yard"), "length"),
    **dict.fromkeys(
        ("second", "day", "week", "month", "year", "decade", "century", "night"), "time"
    ),
    **dict.fromkeys(("kg", "gram", "ton"), "weight"),
    **dict.fromkeys(("person", "vote", "seat", "ticket", "passenger", "article", "point"), "count"),
    "%": "share",
}
_MAGNITUDES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9}
_MAGNITUDES |= {"bn": 1e9, "trillion": 1e12, "1000": 1e3, "1000000": 1e6, "1000000000": 1e9}
_AMOUNT = re.compile(
    r"(?P<before>(?:(?:about|around|some|roughly|nearly|almost|approximately|over|more|than|at|least|"
    r"most|under|fewer|less|up|to|an|estimated|close|the|only|just|as|many|circa|or)\s+)*)"
    r"(?P<currency>[€$£¥])?\s?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[\s-]?(?P<size>thousand|million|billion|trillion|k|mn?|bn|1000000000|1000000|1000)\b)?"
    r"(?:[\s-]?(?P<after>%|per\s?cent|[^\W\d_]+(?: [^\W\d_]+){0,2}))?",
    re.IGNORECASE,
)
_MANY = re.compile(r"\b(?:hundreds|thousands|millions|dozens|scores)\b", re.IGNORECASE)
_LEAST = re.compile(r"\b(?:over|more than|at least)\b")
_MOST = re.compile(r"\b(?:under|fewer than|less than|at most|up to|nearly|almost|close to)\b")
_ROUGH = re.compile(
    r"\b(?:about|around|some|roughly|approximately|estimated|circa|nearly|almost)\b"
)
_CURRENCIES = {"€": "euro", "$": "dollar", "£": "pound", "¥": "yen"}
_UNITS = {
    "second": (1.0, "second"),
    "minute": (60.0, "second"),
    "hour": (3600.0, "second"),
    "km": (1000.0, "metre"),
    "kilometre": (1000.0, "metre"),
    "kilometer": (1000.0, "metre"),
    **dict.fromkeys(("metre", "meter"), (1.0, "metre")),
    "m": (1.0, "metre"),
    "cm": (0.01, "metre"),
    "mile": (1609.344, "metre"),
    "tonne": (1000.0, "kg"),
    "dozen": (12.0, ""),
    **{name: (1.0, name) for name in ("euro", "dollar", "pound", "yen", "kg")},
    **dict.fromkeys(("%", "percent", "per"), (1.0, "%")),
    **dict.fromkeys(("people", "person", "resident", "men", "women", "other"), (1.0, "person")),
}
_WORD = re.compile(r"[\w’']+")
_EMPTY = frozenset(
    "the a an of in on at by for from to and or with mr mrs ms dr sir his her its their".split()  # noqa: SIM905
)
