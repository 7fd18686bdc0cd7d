"""What is embedded for a passage: its words, with its article's title and month as context.

    in_context("Ferry fares to rise", date(2025, 7, 17), "They go up by a fifth.")
    -> the title, "July 2025" and the text, a line each

The stored text stays an exact slice of the article: this is only what the embedding model is given.
The month is chosen by measuring (benchmarks/results.md): it tells reports of one thing at different
times apart as well as the day does, and takes less room from the passage's words. An article without
a date, or without a title, has none to be embedded. It knows neither models nor how text is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

Context = Callable[[str, date | None, str], str]
"""(title, date or None, a passage's text) -> what is embedded for it."""

# Not of the calendar module, whose names are those of the machine's language.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def in_context(title: str, published: date | None, text: str) -> str:
    """The passage as it is embedded. The title tells what its pronouns mean, the month when."""
    return "\n".join(part for part in (title, month(published), text) if part)


def month(day: date | None) -> str:
    """`July 2025`, in English on any machine; "" for no day."""
    return "" if day is None else f"{MONTHS[day.month - 1]} {day.year}"


def without_date(title: str, text: str) -> str:
    """The passage as it was embedded before dates were."""
    return in_context(title, None, text)
