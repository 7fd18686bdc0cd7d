"""Reads a day in the various ways in which articles write one.

day("26 July 2025")                     ISO 8601, mail and feed dates, English month names
written_day("26. Juli 2025")            and month names in other European languages; no year 1
Days(["07/26/2025", "07/08/2025"])      figures whose order depends on the country: 7 and 8 July,
                                        since others in the column show it; else not guessed
Days(["45292"])                         1 January 2024: Excel writes days as numbers
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any

NO_DAY = "names no day"
_LONGEST = 100  # characters in which a day may be named
_MONTHS = {
    "january": 1,
    "february": 2,
    "march": 3,
    "april": 4,
    "may": 5,
    "june": 6,
    "july": 7,
    "august": 8,
    "september": 9,
    "october": 10,
    "november": 11,
    "december": 12,
}
_ISO = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?=$|[T\s])")
_DAY_FIRST = re.compile(
    r"(?:[a-z]+\.?,?\s+)?(\d{1,2})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?([a-z]{3,9})\.?,?[\s-]+(\d{4})\b"
)
_MONTH_FIRST = re.compile(
    r"(?:[a-z]+\.?,?\s+)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b"
)
# "Sat Jul 12 10:00:00 +0000 2025", as C's ctime and Twitter write it.
_YEAR_LAST = re.compile(
    r"[a-z]{3},?\s+([a-z]{3})\s+(\d{1,2})\s+\d\d:\d\d:\d\d\s+(?:(?:[+-]\d{4}|[a-z]{1,5})\s+)?(\d{4})\b"
)
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)([01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{3})?)?")
_EAST_ASIAN = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_WEEKDAY = r"(?:[^\W\d_]+\.?,?\s+){0,2}"
_ANY_DAY_FIRST = re.compile(
    _WEEKDAY
    + r"(\d{1,2})(?:\.|er|º|ª|°)?\s+(?:de\s+|d['’])?([^\W\d_]{3,12}\.?),?\s+(?:de[l]?\s+)?(\d{4})\b"
)
_ANY_MONTH_FIRST = re.compile(_WEEKDAY + r"([^\W\d_]{3,12}\.?)\s+(\d{1,2})\.?,?\s+(\d{4})\b")
_SHORT_YEAR = re.compile(r"(\d{1,2})[ -]([^\W\d_]{3,12})\.?[ -](\d{2})")  # as Excel shows days
_FIGURES = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_AMBIGUOUS = re.compile(r"(?<![\d/.-])(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-])")
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/.]?([01]?\d)[-/.]?([0-3]?\d)(?!\d)")
_NAME = r"[^\W\d_]{3,12}\.?"
_WITHIN = re.compile(
    r"(?<![\w/.-])(?P<day>(?:1[4-9]|20)\d\d-\d\d-\d\d(?=[T\s]|\W|$)|"
    rf"\d{{1,2}}(?:st|nd|rd|th|\.|er|º)?\s+(?:de\s+|d['’]|of\s+)?{_NAME},?\s+(?:del?\s+)?(?:1[4-9]|20)\d\d|"
    rf"{_NAME}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:1[4-9]|20)\d\d|"
    r"(?:1[4-9]|20)\d\d\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일])(?!\d)"
)
_WEEKDAY_BEFORE = re.compile(
    r"\b(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?\.?,?\s+(?:the\s+)?\Z",
    re.IGNORECASE,
)
_LONGEST_LINE = 400
_OF_NET = re.compile(r"\A/Date\((\d{9,14})(?:[+-]\d{4})?\)/\Z")  # as .NET writes times in JSON
_SECONDS = re.compile(r"\d{9,16}(?:\.\d+)?")
_NEVER = re.compile(r"(?:\w{3},?\s+)?0?1 Jan 1970 00:00|1970-01-01[T ]00:00")  # as programs write 0
_LAST_SECOND = 1e11  # in the year 5138
_COUNTED = re.compile(r"(\d{5,6})(?:[.,]\d+)?")
SINCE_1900 = date(1899, 12, 30)  # Excel takes 1900 for a leap year
SINCE_1904 = date(1904, 1, 1)  # as Excel on the Macintosh counted
_PLAUSIBLE = (date(1950, 1, 1), date(2050, 1, 1))  # days for which a number may stand
_FIRST_YEAR = 1400  # the age of print
_LAST_YEAR = 2100
_DECEMBER = 12
_CENTURY_TURNS = 70
_LANGUAGES = "bg cs da de el es fi fr hr hu it nb nl pl pt ro ru sk sl sv tr uk".split()  # noqa: SIM905 -- a list to read


def day(text: str | None) -> date | None:
    """The day that `text` names, as written there, whatever the time zone; None if it names none.

    >>> day("2025-07-26T23:30:00-05:00"), day("Sat, 26 Jul 2025 10:00:00 GMT"), day("July 26, 2025")
    (datetime.date(2025, 7, 26), datetime.date(2025, 7, 26), datetime.date(2025, 7, 26))
    """
    written = (text or "").strip()[:_LONGEST].lower()
    if found := _ISO.match(written.upper()):
        return _date(found[1], found[3], found[4])
    if found := _DAY_FIRST.match(written):
        return _date(found[3], _month(found[2]), found[1])
    if found := _MONTH_FIRST.match(written):
        return _date(found[3], _month(found[1]), found[2])
    if found := _YEAR_LAST.match(written):
        return _date(found[3], _month(found[1]), found[2])
    return None


def written_day(text: str | None) -> date | None:
    """The day that `text` names, also as a person or program may write it in another language; None
    if it names none, or one that nobody wrote: programs put the year 1 or 9999 for no date."""
    found = day(text)
    if found is None:
        written = (text or "").strip()[:_LONGEST].lower()
        if match := _EAST_ASIAN.match(written):
            found = _date(match[1], match[2], match[3])
        elif match := _ANY_DAY_FIRST.match(written):
            found = _date(match[3], _months().get(match[2].rstrip("."), 0), match[1])
        elif match := _ANY_MONTH_FIRST.match(written):
            found = _date(match[3], _months().get(match[1].rstrip("."), 0), match[2])
    return found if found is None or _FIRST_YEAR <= found.year < _LAST_YEAR else None


def day_within(line: str) -> tuple[date, int, int] | None:
    """The first day that a line names with its year, and its start and end; a preceding name of the
    day of the week belongs to it."""
    for found in _WITHIN.finditer(line[:_LONGEST_LINE]):
        named = written_day(found["day"])
        if named is not None:
            weekday = _WEEKDAY_BEFORE.search(line, 0, found.start())
            return named, weekday.start() if weekday else found.start(), found.end()
    return None


def settled(found: date, text: str) -> date | None:
    """`found`, which a program took from somewhere in `text`; the other day that its figures could
    mean, if the text has both ways of writing it and names only that one plainly; None if it names
    neither plainly, and has such figures."""
    if found.day > _DECEMBER or found.day == found.month:
        return found
    other = found.replace(month=found.day, day=found.month)
    figures = {
        (int(match[1]), int(match[3]))
        for match in _AMBIGUOUS.finditer(text)
        if int(match[4] if len(match[4]) > 2 else _in_full(match[4])) == found.year
    }
    if figures.isdisjoint({(found.day, found.month), (other.day, other.month)}):
        return found
    named = {written_day(match["day"]) for match in _WITHIN.finditer(text)}
    named |= {_date(*match.groups()) for match in _YEAR_FIRST.finditer(text)}
    return found if found in named else other if other in named else None


def is_never(written: str) -> bool:
    """Whether it is the moment with which programs' clocks begin: they write it for no date."""
    return _NEVER.match(written.strip()) is not None


class Days:
    """The days in a column: its unambiguous values show how it writes them, and if none does, those
    of the other columns in the file.

    Numbers of five digits are days as Excel counts them from `since`, if all of them are plausible.
    """

    def __init__(
        self, column: Iterable[Any], others: Iterable[Any] = (), since: date = SINCE_1900
    ) -> None:
        written = [str(value).strip() for value in column]
        ruled_out = _ruled_out(written) or _ruled_out(map(str, others))
        self._month_first = False in ruled_out if len(ruled_out) == 1 else None
        counted = [match for each in written if (match := _COUNTED.fullmatch(each))]
        self._since = since
        first, last = _PLAUSIBLE
        self._counts = all(first <= since + timedelta(int(each[1])) < last for each in counted)

    def day(self, value: Any) -> date | None:
        """The day that a value names; None if it names none, or is ambiguous."""
        if isinstance(value, bool) or value is None:
            return None
        written = _OF_NET.sub(r"\1", str(value).strip())
        if is_never(written):
            return None
        stamp = _STAMP.fullmatch(written)
        found = _date(stamp[1], stamp[2], stamp[3]) if stamp else None
        if found is not None and _PLAUSIBLE[0] <= found < _PLAUSIBLE[1]:
            return found
        if _SECONDS.fullmatch(written):
            return _since_1970(float(written))
        if self.is_counted(written):
            return self._since + timedelta(int(re.split("[.,]", written)[0]))
        if match := _FIGURES.match(written):
            return self._in_figures(match)
        if match := _SHORT_YEAR.fullmatch(written.lower()):
            return _date(_in_full(match[3]), _months().get(match[2], 0), match[1])
        return written_day(written)

    def is_counted(self, value: Any) -> bool:
        """Whether a value is a day as Excel counts them."""
        return self._counts and _COUNTED.fullmatch(str(value).strip()) is not None

    def is_ambiguous(self, value: Any) -> bool:
        """Whether a value in figures could mean two days."""
        match = _FIGURES.match(str(value).strip())
        return (
            match is not None
            and self.day(value) is None
            and 0 < int(match[1]) <= _DECEMBER
            and 0 < int(match[3]) <= _DECEMBER
        )

    def _in_figures(self, match: re.Match[str]) -> date | None:
        first, mark, second, year = match.groups()
        year = year if len(year) > 2 else _in_full(year)
        day_first, month_first = _date(year, second, first), _date(year, first, second)
        if mark == "." or first == second or month_first is None:
            return day_first
        if day_first is None or self._month_first is not None:
            return month_first if self._month_first is not False else day_first
        return None


def _ruled_out(column: Iterable[str]) -> set[bool]:
    """Whether the month cannot come first, and whether it cannot come second, in this column."""
    found = set()
    for match in filter(None, map(_FIGURES.match, map(str.strip, column))):
        first, second = int(match[1]), int(match[3])
        found |= {True} if first > _DECEMBER >= second else set()
        found |= {False} if second > _DECEMBER >= first else set()
    return found


def _in_full(year: str) -> str:
    return f"{'19' if int(year) >= _CENTURY_TURNS else '20'}{year}"


def _since_1970(number: float) -> date | None:
    """The day, in UTC, of a time in seconds, milliseconds or microseconds."""
    while number > _LAST_SECOND:
        number /= 1_000
    found = datetime.fromtimestamp(number, UTC).date()
    return found if 1970 < found.year < _LAST_YEAR else None


@cache
def _months() -> dict[str, int]:
    """Month numbers, by the months' names and their abbreviations."""
    found: dict[str, int] = {}
    for language in _LANGUAGES:
        names = import_module(f"dateparser.data.date_translation_data.{language}").info
        for month, number in _MONTHS.items():
            found |= {name.rstrip("."): number for name in names[month] if len(name) > 2}
    return found


def _month(name: str) -> int:
    """1 to 12, from at least three letters of the name; 0 if it is not a month."""
    return next((number for month, number in _MONTHS.items() if month.startswith(name)), 0)


def _date(year: str, month: str | int, of_month: str) -> date | None:
    try:
        return date(int(year), int(month), int(of_month))
    except ValueError:
        return None
