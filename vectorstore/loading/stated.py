r"""The day that an article states for itself, if its file gives none.

    stated_day("LOWMERE, 12 July 2025 — The pool …")       a dateline
    stated_day("Pool opens\n\nPublished 12 July 2025\n…")   a line that says so
    stated_day("2025-07-12\n\nPool opens …")                a day on a line of its own at the head

A day that the text merely mentions is not its own: it is taken only from lines at the head (and
from "Published …" at the end), and only if the line has no other purpose. If nothing is that clear,
the article has no date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from vectorstore.loading.dates import day_within

_HEAD = 3_000  # characters
_HEAD_LINES = 10
_FOOT = 600
_TOP_LINES = 4  # of which one may have the name of a paper and its day
_LONGEST = 110  # characters of a line that is not a sentence
_MARKS = " \t*_#>|~`·•–—-:"
_LABEL = re.compile(
    r"(?:first\s+|originally\s+|last\s+)?(?:published|posted|date(?:line)?|issued|dated|released|pub\.?\s?date|"
    r"veröffentlicht|erschienen|datum|publié(?:\s+le)?|publicado(?:\s+el)?|fecha|pubblicato(?:\s+il)?|"
    r"data|gepubliceerd|publisert|publicerad)\b[\s:]*(?:on|am|at|le|el|il|op)?[\s:]*",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"(?:last\s+)?(?:updated|modified|aktualisiert|stand|mis à jour(?:\s+le)?|actualizado)\b[\s:]*(?:on|am|le)?[\s:]*",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"[\s,;|·T–—-]*(?:at\s+|um\s+|à\s+)?\d{1,2}(?:[:.h]\d{2}){0,2}(?::\d\d)?\s*(?:[ap]\.?m\.?|uhr|Z)?\s*"
    r"(?:[A-Z]{2,4}|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
# A place, perhaps an agency, and a day before a dash; the story continues after it.
_PLACE = re.compile(
    r"[A-ZÀ-ÖØ-Þ][^\W\d_]*(?:[ ,./'’-]+(?:\([^()]{1,30}\)|[A-ZÀ-ÖØ-Þ][^\W\d_]*|of|and|de|la|upon|am|an|der|und|et|y)){0,6}"
    r"\s*(?:\([^()]{1,30}\))?[\s,.–—-]+"
)
_AGENCY_AND_DASH = re.compile(r"\.?\s*+(?:[(/][^()]{1,30}[)/]\s*+)?(?:[–—:]|-{1,2}(?=\s))")
_BYLINE = re.compile(r"(?:by|von|par|por|di|av|af)\s+[^\d.!?]{2,80}", re.IGNORECASE)
_SPEAKS_OF = re.compile(
    r"\b(?:of|on|from|since|until|till|by|in|before|after|to|for|at|the|and|vom|am|seit|bis|du|des|de|le|el|"
    r"del|dal|il)\s*\Z",
    re.IGNORECASE,
)


def stated_day(text: str) -> date | None:
    """The day on which the article says it was published; None if it does not say."""
    head = [line for line in text[:_HEAD].split("\n") if line.strip()][:_HEAD_LINES]
    foot = [line for line in text[-_FOOT:].split("\n") if line.strip()][-3:]
    for find in (_labelled, _alone, _dateline, _byline, _topped, _updated):
        lines = [*head, *foot] if find is _labelled else head
        for found in find(lines):
            return found
    return None


def _labelled(lines: list[str], label: re.Pattern[str] = _LABEL) -> Iterator[date]:
    """Such as "Published on 12 July 2025, 9 a.m."."""
    for line in map(_bare, lines):
        named = label.match(line)
        found = day_within(line[named.end() :]) if named else None
        if named is None or found is None or found[1] != 0 or len(line) > _LONGEST:
            continue
        rest = line[named.end() + found[2] :].lstrip()
        if _nothing_but_a_time(rest) or rest[0] in "|·,(–—-" or _BYLINE.match(rest):
            yield found[0]


def _updated(lines: list[str]) -> Iterator[date]:
    yield from _labelled(lines, _UPDATED)


def _alone(lines: list[str]) -> Iterator[date]:
    """Such as "Saturday, 12 July 2025"."""
    for line in map(_bare, lines):
        found = day_within(line)
        if found is not None and found[1] == 0 and _nothing_but_a_time(line[found[2] :]):
            yield found[0]


def _dateline(lines: list[str]) -> Iterator[date]:
    """Such as "LOWMERE, 12 July 2025 (Reuters) — The pool …"."""
    for line in map(_bare, lines):
        found = day_within(line[:_LONGEST])
        if found and _PLACE.fullmatch(line[: found[1]]) and _AGENCY_AND_DASH.match(line, found[2]):
            yield found[0]


def _byline(lines: list[str]) -> Iterator[date]:
    """Such as "By Mara Tolliver, 12 July 2025"."""
    for line in map(_bare, lines):
        found = day_within(line) if _BYLINE.match(line) and len(line) <= _LONGEST else None
        if (
            found
            and _nothing_but_a_time(line[found[2] :])
            and not _SPEAKS_OF.search(line[: found[1]])
        ):
            yield found[0]


def _topped(lines: list[str]) -> Iterator[date]:
    """Such as "LOWMERE POST  Saturday, 12 July 2025", "2025-07-12 Pool opens"."""
    table = sum("|" in line for line in lines) > 1
    for line in map(_bare, lines[:_TOP_LINES]):
        if table and "|" in line:
            continue
        found = day_within(line) if len(line) <= _LONGEST and line[-1:] not in ".!?" else None
        if found is None:
            continue
        before, after = line[: found[1]], line[found[2] :]
        iso = re.match(r"\d{4}-", line[found[1] :]) is not None
        if _SPEAKS_OF.search(before):
            continue
        at_an_edge = not before.strip(_MARKS) or _nothing_but_a_time(after.strip(") ]"))
        parted = (
            iso
            or before.rstrip(" ")[-1:] in [*"|·–—-\t("]
            or before.rstrip(" ,").isupper()
            or "  " in before[-3:]
        )
        weekday = re.match(r"[^\W\d_]+day\b", line[found[1] :], re.IGNORECASE) is not None
        if at_an_edge and (parted or weekday):
            yield found[0]


def _bare(line: str) -> str:
    """A line without the marks that set it off."""
    return (
        " ".join(line.strip(_MARKS + "\r").split())
        if "  " not in line.strip()
        else line.strip(_MARKS + "\r")
    )


def _nothing_but_a_time(rest: str) -> bool:
    rest = rest.strip(_MARKS + ",.")
    return not rest or _TIME.fullmatch(rest) is not None
