"""What is embedded for a passage: its words, with its article's title and month as context.

    in_context("Ferry fares to rise", date(2025, 7, 17), "They go up by a fifth.")
    -> the title, "July 2025" and the text, each on its own line

The stored text stays an exact slice of the article: this is only what the embedding model is given.
The month was chosen by measurement (benchmarks/results.md): it distinguishes reports of one thing
at different times as well as the day does, and takes less room from the passage's words. If an
article has no date or no title, that line is left out. It knows neither models nor how text is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

Context = Callable[[str, date | None, str], str]
"""(title, date or None, a passage's text) -> what is embedded for it."""

# Not from the calendar module, whose names are in the machine's language.
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
    """The passage as it is embedded. The title tells what its pronouns refer to, the month when."""
    return "\n".join(part for part in (title, month(published), text) if part)


def month(day: date | None) -> str:
    """`July 2025`, in English on any machine; "" if there is no day."""
    return "" if day is None else f"{MONTHS[day.month - 1]} {day.year}"


def without_date(title: str, text: str) -> str:
    """The passage as it was embedded before dates were included."""
    return in_context(title, None, text)
