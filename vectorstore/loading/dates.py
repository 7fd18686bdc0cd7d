"""A day out of the ways in which articles write one.

Knows ISO 8601, mail and feed dates, and days with the month's English name. A day in figures
whose order is a matter of country (07/08/2025) is not guessed.
"""

from __future__ import annotations

import re
from datetime import date

_LONGEST = 100  # characters that may name a day
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
    r"(?:[a-z]+\.?,?\s+)?(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{4})\b"
)
_MONTH_FIRST = re.compile(
    r"(?:[a-z]+\.?,?\s+)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b"
)


def day(text: str | None) -> date | None:
    """The day that `text` names, as written there, whatever the zone; None where it names none.

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
    return None


def _month(name: str) -> int:
    """1 to 12, from at least three letters of the name; 0 where it is no month."""
    return next((number for month, number in _MONTHS.items() if month.startswith(name)), 0)


def _date(year: str, month: str | int, of_month: str) -> date | None:
    try:
        return date(int(year), int(month), int(of_month))
    except ValueError:
        return None
