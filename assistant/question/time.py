"""The time that a question, or an answer's span, refers to.

    asked("What was decided last week?", date(2025, 7, 26))
        -> window "last week", 14 to 20 July 2025
    asked("What is the latest on the ferry?", today)        -> order "newest"
    asked("Who led before the flood?", today)               -> event "the flood", side "before"
    named("on July 9", date(2025, 7, 26))                   -> 9 July 2025, a day
    mentions("It was held on July 9.", that_day)            -> True
    calendar_dates("from July 9 to 3 May 2026")             -> ["July 9", "3 May 2026"]

A small grammar of English questions. What it finds has to be a time, and all of it, because a wrong
window ranks the wrong articles first. General libraries were tried for this: dateparser reads "who
may resign" as May, "last week" as one day and "between May and July" as two, and takes 0.9 s on
first use; those that handle spans (ctparse, timefhuman) look forward, as calendars do. Weeks run
from Monday to Sunday. Seasons are not parsed: they depend on where one lives. Pure functions; no
article is known here.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from vectorstore.context import MONTHS

Order = Literal["newest", "oldest"]
Side = Literal["before", "after"]


REPORTED = timedelta(3)  # what happens on Friday may be printed on Monday


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `first` to `last`, inclusive; None is open. `words` are the question's.

    `relative` is True if the words mean different days when said on a different day.
    """

    words: str
    first: date | None
    last: date | None
    relative: bool = False

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    @property
    def day(self) -> date | None:
        """The day that it is, None if it is longer."""
        return self.first if self.first == self.last else None

    @property
    def days(self) -> int | None:
        """The number of days, or None if either end is open."""
        if self.first is None or self.last is None:
            return None
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        """For example "14–20 July 2025", "July 2025", "2025", "since 1 March 2025"."""
        first, last = self.first, self.last
        if first is None:
            return f"until {in_words(last)}" if last else "any time"
        if last is None:
            return f"since {in_words(first)}"
        if first == last:
            return in_words(first)
        if (first.month, first.day) == (1, 1) and (last.month, last.day) == (12, 31):
            return f"{first.year}" if first.year == last.year else f"{first.year}–{last.year}"
        if first.day == 1 and (last + timedelta(1)).day == 1:
            months = f"{MONTHS[last.month - 1]} {last.year}"
            if (first.year, first.month) == (last.year, last.month):
                return months
            year = "" if first.year == last.year else f" {first.year}"
            return f"{MONTHS[first.month - 1]}{year} – {months}"
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}–{in_words(last)}"
        if first.year == last.year:
            return f"{first.day} {MONTHS[first.month - 1]} – {in_words(last)}"
        return f"{in_words(first)} – {in_words(last)}"


@dataclass(frozen=True, slots=True)
class AskedTime:
    """What a question says about time; a preference, never a condition.

    `window` are the days it asks about; `order` whether the newest or the oldest article counts;
    `event` what it happened before or after, in the question's words, with `side`. A window with
    the order "newest" is in the future.
    """

    window: Window | None = None
    order: Order | None = None
    event: str | None = None
    side: Side | None = None

    def __bool__(self) -> bool:
        return self != AskedTime()


def asked(question: str, as_of: date, newest: date | None = None) -> AskedTime:
    """The time that `question` asks about when it is asked on the day `as_of`.

    A month or day without a year is the latest one to have begun, seen from `as_of` or, if the
    articles end before that, from the `newest` of them; in a question about the future, the next
    one. If they end weeks before `as_of`, "on Friday" is part of a story and not a time.
    """
    seen = min(as_of, newest) if newest else as_of
    ahead = bool(_FUTURE.search(question))
    clock = _Clock(as_of, as_of if ahead else seen, ahead)
    event = _EVENT.search(question)
    windows = list(_windows(question, clock))
    if windows:
        window = _hull(question, windows)
        # The newest articles report what is to come.
        to_come = window.first is not None and window.first > as_of
        return AskedTime(window, order="newest" if to_come else None)
    if event:
        after = event[1].lower() not in ("before", "until")
        return AskedTime(event=event[2].strip(), side="after" if after else "before")
    if _OLDEST.search(question):
        return AskedTime(order="oldest")
    return AskedTime(order="newest") if _NEWEST.search(question) else AskedTime()


def reported_in(published: date | None, window: Window) -> bool:
    """Whether what was published on that day is from that time, or shortly after, as news is."""
    if published is None:
        return False
    # What came before an event is over by the time the event is reported.
    return published in window or (window.first is not None and published - REPORTED in window)


def named(span: str, said_on: date | None) -> Window | None:
    """The day, month or year if `span` says only that ("on July 9", "Thursday night"), else None.

    `said_on` is the date of the article it is in; without it, only dates with a year are read.
    Of two years, the one nearer to the article is meant; a weekday is the last one before it.
    """
    plain = _AROUND_A_DATE.sub("", " ".join(span.split()).strip(" .,;")).strip(" ,")
    if said_on is None and not _YEAR_IN.search(plain):
        return None
    day = said_on or date(2000, 1, 1)
    before = _point(plain, _Clock(day, day, ahead=False))
    if before is None or before.relative:
        return before
    after = _point(plain, _Clock(day, day, ahead=True))
    return min((w for w in (before, after) if w), key=lambda w: abs(((w.first or day) - day).days))


def of_its_day(text: str, published: date) -> bool:
    """Whether a text may be about the time it was published: it names a year near that, or none."""
    years = [int(year) for year in _YEAR_IN.findall(text)]
    return not years or any(abs(year - published.year) <= 1 for year in years)


def mentions(text: str, window: Window) -> bool:
    """Whether `text` names the year, month or day that `window` is; open windows have no name."""
    first, last = window.first, window.last
    if first is None or last is None:
        return False
    month = MONTHS[first.month - 1]
    if (last - first).days >= 364:
        return any(re.search(rf"\b{year}s?\b", text) for year in range(first.year, last.year + 1))
    if (first.year, first.month) != (last.year, last.month):
        return False
    if first == last:
        day = rf"{first.day}(?:st|nd|rd|th)?"
        name = rf"(?:{month}|{month[:3]}t?\.?)"  # "Sept."
        return bool(re.search(rf"\b(?:{name} {day}|{day} (?:of )?{name})(?!\w)", text))
    return first.day == 1 and bool(re.search(rf"\b{month}\b", text))


def tells_of(text: str, day: date, said_on: date | None) -> bool:
    """Whether a text that was published on `said_on` names that day as a date, or by the name that the
    weekday has within a week after it."""
    if any((w := named(one, said_on)) and w.first == w.last == day for one in calendar_dates(text)):
        return True
    if said_on is None or not 0 <= (said_on - day).days < 7 or _FUTURE.search(text):
        return False
    return re.search(rf"\b{weekday(day)}\b", text) is not None


def calendar_dates(text: str) -> list[str]:
    """Every day and every month with its year, as they are written in a text, each once."""
    return list(dict.fromkeys(_CALENDAR_DATE.findall(text)))


# -- reading -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Clock:
    """The day of asking, the day that dates without a year are seen from, and whether forwards."""

    as_of: date
    seen: date
    ahead: bool


def _windows(question: str, clock: _Clock) -> Iterator[tuple[int, Window]]:
    """Where each time begins, and the time; none overlap."""
    rest = question
    for pattern, read in _GRAMMAR:
        for match in pattern.finditer(rest):
            try:
                window = read(match, clock)
            except (ValueError, OverflowError):  # 31 June, or a year before the first
                window = None
            if window is not None:
                words = window.words or match.groupdict().get("words") or match[0]
                yield match.start(), replace(window, words=words.strip())
                blank = " " * len(match[0])
                rest = f"{rest[: match.start()]}{blank}{rest[match.end() :]}"


def _hull(question: str, found: list[tuple[int, Window]]) -> Window:
    """From the first day named to the last; if any are open, the days that all have in common."""
    if len(found) == 1:
        return found[0][1]
    found = sorted(found, key=lambda place: place[0])
    windows = [window for _, window in found]
    ends = found[-1][0] + len(windows[-1].words)
    firsts = [window.first for window in windows if window.first]
    lasts = [window.last for window in windows if window.last]
    open_ended = len(firsts) < len(windows) or len(lasts) < len(windows)
    first = (max if open_ended else min)(firsts, default=None)
    last = (min if open_ended else max)(lasts, default=None)
    if first and last and first > last:
        return windows[0]
    words = question[found[0][0] : ends]
    return Window(words, first, last, any(window.relative for window in windows))


def _between(match: re.Match[str], clock: _Clock) -> Window | None:
    last = _point(match["to"], clock)
    if last is None or last.last is None:
        return None
    begun = match["from"]
    if begun.isdigit() and len(begun) < 3:  # "between 5 and 9 May"
        begun = re.sub(r"\d{1,2}", begun, match["to"], count=1)
    if not _YEAR_IN.search(begun) and (year := _YEAR_IN.search(match["to"])):
        begun = f"{begun} {year[0]}"
    first = _point(begun, replace(clock, seen=last.last, ahead=False))
    if first is None or first.first is None or first.first > last.last:
        return None
    return Window("", first.first, last.last, first.relative or last.relative)


def _since(match: re.Match[str], clock: _Clock) -> Window | None:
    begun = _point(match["point"], clock)
    if begun is None or begun.first is None or begun.last is None:
        return None
    first = begun.last + timedelta(1) if match["word"].lower() == "after" else begun.first
    return Window("", first, None, begun.relative)


def _until(match: re.Match[str], clock: _Clock) -> Window | None:
    ended = _point(match["point"], clock)
    if ended is None or ended.first is None:
        return None
    last = ended.first - timedelta(1) if match["word"].lower() == "before" else ended.last
    return Window("", None, last, ended.relative)


def _at(match: re.Match[str], clock: _Clock) -> Window | None:
    found = _point(match["point"], clock)
    # "at this year's regatta" is quoted as "this year", "on Friday" in full
    own = re.match("(?:this|last|next|previous|coming)\\b", match["point"], re.IGNORECASE)
    return replace(found, words=match["point"]) if found and own else found


def _point(text: str, clock: _Clock) -> Window | None:
    """The one day, week, month or year that `text` is, or None."""
    for pattern, read in _POINTS:
        if match := pattern.fullmatch(text.strip()):
            try:
                return read(match, clock)
            except (ValueError, OverflowError):  # 31 June, or a year before the first
                return None
    return None


def _calendar_day(match: re.Match[str], clock: _Clock) -> Window:
    parts = match.groupdict()
    month = int(parts["number"]) if parts.get("number") else _month(match["month"])
    day = int(match["day"])
    if match["year"]:
        found = date(int(match["year"]), month, day)
        return Window("", found, found)
    years = range(clock.seen.year, clock.seen.year + 9)
    if not clock.ahead:
        years = range(clock.seen.year, clock.seen.year - 9, -1)
    for year in years:  # nine years: 29 February
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if (found >= clock.seen) if clock.ahead else (found <= clock.seen):
            return Window("", found, found)
    raise ValueError(f"no such day: {match[0]}")


def _calendar_month(match: re.Match[str], clock: _Clock) -> Window:
    month = _month(match["month"])
    if match["year"]:
        return _whole_month(int(match["year"]), month)
    seen, year = clock.seen, clock.seen.year
    if clock.ahead and month < seen.month:
        year += 1
    elif not clock.ahead and month > seen.month:
        year -= 1
    return _whole_month(year, month)


def _years(match: re.Match[str], _: _Clock) -> Window:
    first = last = int(match["year"])
    if match["decade"]:  # "the 1800s" are a century, "the 1810s" and "the 2000s" a decade
        last += 99 if first % 100 == 0 and first < 2000 else 9
    return Window("", date(first, 1, 1), date(last, 12, 31))


def _weekday(match: re.Match[str], clock: _Clock) -> Window | None:
    number = _WEEKDAYS.index(match["weekday"].lower()[:3])
    which = (match["which"] or "").lower()
    if not which and clock.as_of - clock.seen > _STALE:
        return None
    ago = (clock.as_of.weekday() - number) % 7
    if which == "last" and ago == 0:
        ago = 7
    if which == "next" or (clock.ahead and which != "last"):
        ago -= 7
    day = clock.as_of - timedelta(ago)
    return Window("", day, day, relative=True)


def _some_day(match: re.Match[str], clock: _Clock) -> Window:
    said = match[0].lower()
    step = next(step for words, step in _DAYS.items() if said.startswith(words))
    day = clock.as_of + timedelta(step)
    return Window("", day, day, relative=True)


def _this_unit(match: re.Match[str], clock: _Clock) -> Window:
    step = {"last": -1, "previous": -1, "next": 1, "coming": 1}.get(match["which"].lower(), 0)
    return _unit(match["unit"], clock.as_of, step)


def _ago(match: re.Match[str], clock: _Clock) -> Window:
    return _unit(match["unit"], clock.as_of, -_count(match["count"]))


def _in_the_last(match: re.Match[str], clock: _Clock) -> Window:
    count = _count(match["count"] or "one")
    unit, last = match["unit"].lower(), clock.as_of
    if unit in ("day", "week"):
        first = last - timedelta(count * (7 if unit == "week" else 1) - 1)
    else:
        first = _months_before(last, count * (12 if unit == "year" else 1)) + timedelta(1)
    return Window("", first, last, relative=True)


def _unit(unit: str, day: date, step: int) -> Window:
    """The day, week, weekend, month or year that holds `day`, or the one `step` later."""
    unit = unit.lower()
    if unit == "day":
        first = last = day + timedelta(step)
    elif unit == "week":
        first = day - timedelta(day.weekday()) + timedelta(7 * step)
        last = first + timedelta(6)
    elif unit == "weekend":  # the last one that has begun
        saturday = day - timedelta((day.weekday() - 5) % 7)
        if step == -1 and day.weekday() < 5:
            step = 0
        first = saturday + timedelta(7 * step)
        last = first + timedelta(1)
    elif unit == "month":
        months = day.year * 12 + day.month - 1 + step
        return replace(_whole_month(months // 12, months % 12 + 1), relative=True)
    else:
        first, last = date(day.year + step, 1, 1), date(day.year + step, 12, 31)
    return Window("", first, last, relative=True)


def _whole_month(year: int, month: int) -> Window:
    return Window("", date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def _months_before(day: date, months: int) -> date:
    """The same day that many months earlier, or the last of the month if it has no such day."""
    total = day.year * 12 + day.month - 1 - months
    length = monthrange(total // 12, total % 12 + 1)[1]
    return date(total // 12, total % 12 + 1, min(day.day, length))


def _month(name: str) -> int:
    return [month[:3].lower() for month in MONTHS].index(name[:3].lower()) + 1


def _count(text: str) -> int:
    words = text.lower().split()
    if words[0].isdigit():
        return int(words[0])
    return _NUMBERS[words[0] if words[0] != "a" or len(words) == 1 else words[1]]


def weekday(day: date) -> str:
    """Its name, in English whatever the locale."""
    return _WEEKDAY_NAMES[day.weekday()]


def in_words(day: date) -> str:
    """`14 March 2025`, in English whatever the locale."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


# -- words -------------------------------------------------------------------------------------

_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS = tuple(name[:3].lower() for name in _WEEKDAY_NAMES)
_DAYS = {
    "the day before yesterday": -2,
    "yesterday": -1,
    "last night": -1,
    "today": 0,
    "tonight": 0,
    "this morning": 0,
    "this afternoon": 0,
    "this evening": 0,
    "tomorrow": 1,
}
_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "couple": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
}
_NUMBERS |= {"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}
_STALE = timedelta(14)  # in articles older than this, "on Friday" no longer means last Friday

_MONTH = (
    r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|"
    r"Aug(?:ust|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_YEAR = r"(?:1[6-9]|20)\d\d"
_NTH = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_WEEKDAY_NAME = (
    r"(?P<weekday>Mon|Tues?|Wednes|Wed|Thurs?|Thu|Fri|Satur|Sun(?=day))(?:day)?\b(?!s\b|-)"
)
_COUNT = r"(?P<count>\d{1,3}|an?(?:\s+couple\s+of)?|couple\s+of|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_UNIT = r"(?P<unit>day|week|month|year)"
_OF_DAY = r"(?:\s+(?:morning|afternoon|evening|night))?"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_CALENDAR_DAYS = (
    rf"(?:the )?{_NTH} (?:of )?{_MONTH}(?:,? (?P<year>{_YEAR}))?",
    rf"{_MONTH} (?:the )?{_NTH}(?:,? (?P<year>{_YEAR}))?",
    rf"(?P<year>{_YEAR})-(?P<number>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])",
)
_Read = Callable[[re.Match[str], _Clock], Window | None]
_POINTS: list[tuple[re.Pattern[str], _Read]] = [
    *(
        (_compiled(rf"(?:\b\w+day,? (?:the )?)?{calendar}"), _calendar_day)
        for calendar in _CALENDAR_DAYS
    ),
    (
        _compiled(
            rf"(?:the (?:beginning|start|end|middle) of )?(?:early |mid-?|late )?{_MONTH}"
            rf"(?:,? (?:of )?(?P<year>{_YEAR}))?"
        ),
        _calendar_month,
    ),
    (
        _compiled(
            r"(?:the (?:beginning|start|end|middle) of )?(?:early |mid-?|late )?(?:the year )?"
            r"(?:the (?=\d{4}s))?(?P<year>(?:1[6-9]|20)\d\d)(?P<decade>(?<=0)s)?"
        ),
        _years,
    ),
    (_compiled(rf"(?:(?P<which>last|this|next) )?{_WEEKDAY_NAME}{_OF_DAY}"), _weekday),
    (
        _compiled(
            r"the day before yesterday|yesterday(?: (?:morning|afternoon|evening))?|last night|today"
            r"|tonight|this (?:morning|afternoon|evening)|tomorrow(?: (?:morning|evening))?"
        ),
        _some_day,
    ),
    (
        _compiled(
            r"(?:earlier |later )?(?P<which>last|previous|this|the|next|coming) (?P<unit>weekend)"
        ),
        _this_unit,
    ),
    (
        _compiled(
            r"(?:earlier |later |the )?(?P<which>last|previous|this|next|coming) "
            r"(?P<unit>week|month|year)"
        ),
        _this_unit,
    ),
    (_compiled(rf"{_COUNT} {_UNIT}s? ago"), _ago),
]


def _unnamed(pattern: str) -> str:
    return re.sub(r"\?P<\w+>", "?:", pattern)


_CALENDAR_DATE = re.compile(
    rf"(?<![\w/-])(?:{'|'.join(map(_unnamed, _CALENDAR_DAYS))}|{_unnamed(_MONTH)},? {_YEAR})(?![\w/-])"
)

# Whatever may follow a preposition; it is parsed in full afterwards.
_ANY = "|".join(_unnamed(pattern.pattern) for pattern, _ in _POINTS)
# "in April Jones's house": the name goes on after it; before a year or a question's end it doesn't.
_ENDS = r"(?![\w/-])(?! of\b)(?! (?-i:[A-Z])[a-z])"
_ALONE = "|".join(
    [
        *(_unnamed(rf"(?:\w+day,? (?:the )?)?{calendar}") for calendar in _CALENDAR_DAYS),
        _unnamed(rf"{_MONTH},? (?:of )?{_YEAR}"),
        (
            r"the day before yesterday|yesterday|last night|today|tonight|tomorrow"
            r"|this (?:morning|afternoon|evening)"
        ),
        rf"(?:last|this|next) {_unnamed(_WEEKDAY_NAME)}{_OF_DAY}",
        r"(?:earlier |later )?(?:last|this|next) (?:weekend|week|month|year)(?! of)",
        rf"{_unnamed(_COUNT)} (?:day|week|month|year)s? ago",
    ]
)
_GRAMMAR: list[tuple[re.Pattern[str], _Read]] = [
    (_compiled(r"\b(?P<point>the day before yesterday)\b"), _at),
    (
        _compiled(rf"\bbetween (?P<from>\d{{1,2}}|{_ANY}) and (?P<to>{_ANY}){_ENDS}"),
        _between,
    ),
    (
        _compiled(
            rf"\bfrom (?P<from>\d{{1,2}}|{_ANY}) (?:to|until|till|through) (?P<to>{_ANY}){_ENDS}"
        ),
        _between,
    ),
    (
        _compiled(
            rf"\b(?:in|during|over|within|for) (?:the )?(?:last|past) (?:{_COUNT} )?{_UNIT}s?\b(?! of)"
        ),
        _in_the_last,
    ),
    (
        _compiled(rf"\b(?:in|on|during|of) (?P<from>{_ANY}) (?:or|and) (?P<to>{_ANY}){_ENDS}"),
        _between,
    ),
    (_compiled(rf"\b(?P<word>since|after) (?P<point>{_ANY}){_ENDS}"), _since),
    (_compiled(rf"\b(?P<word>before|until|till) (?P<point>{_ANY}){_ENDS}"), _until),
    (
        _compiled(
            rf"\b(?:in|on|during|throughout|at|over|of|from|by|for) (?P<point>{_ANY}){_ENDS}"
        ),
        _at,
    ),
    (_compiled(rf"\b(?P<point>{_ALONE}){_ENDS}"), _at),
    (_compiled(rf"(?<=\w )(?P<point>{_YEAR})(?=\W*$)"), _at),
    # "say Friday?", as American papers write; "on a Friday" and "Black Friday" are not such days.
    (
        _compiled(
            r"\b(?!(?:a|every|each|any|one|that|the|per)\b)(?-i:[a-z]+) "
            rf"(?P<words>(?P<point>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day{_OF_DAY}))(?=\W*$)"
        ),
        _at,
    ),
]
_YEAR_IN = re.compile(rf"\b{_YEAR}\b")
_FUTURE = re.compile(
    r"\b(?:(?-i:will|^Will)|shall|going to|(?:is|are) (?:\w+ )?to|next|upcoming)\b",
    re.IGNORECASE,
)
_NEWEST = re.compile(
    r"(?<!at )(?<!by )(?<!at the )(?<!by the )\b(?:latest|newest|most recent(?:ly)?|recently|lately"
    r"|current(?:ly)?|at present|at the moment|nowadays|now(?! that)|these days|so far|by now"
    r"|(?:in|over) (?:the )?(?:past|last|recent) (?:few )?(?:days|weeks|months|years))\b",
    re.IGNORECASE,
)
_OLDEST = re.compile(
    r"\b(?:first|earliest|oldest) (?:\w+ )?(?:report|article|news|story|mention|announcement|estimate|figure|"
    r"count|version|statement)s?\b|\bfirst (?:report(?:ed)?|mention(?:ed)?|announced?|sa(?:y|id)|t(?:ell|old)|published|promised?|"
    r"appear(?:ed)?|estimated|proposed|planned)\b|\bhappen(?:ed|s)? (?:[\w’' -]+ )?first\b|\b(?:originally|initially)(?=\W*$)",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"\b(before|until|after|since|following)\s+(the\s+(?:(?!(?:in|on|at|by|from|to|with|and|or|for|"
    r"is|are|was|were|did|do|does|has|had|have|who|what|when|where|which|that|end|start)\b)[\w’'-]+\s*){1,4})",
    re.IGNORECASE,
)
_AROUND_A_DATE = re.compile(
    r"^(?:(?:in|on|by|from|since|until|about|around|late|early|the|of|at)\s+)+"
    r"|(?:,|(?<!\s))\s++(?:at|from)\s+\d.*$",
    re.IGNORECASE,
)
