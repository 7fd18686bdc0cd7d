"""The time a question asks about, in search and in the choice of answers: preferred, never required.

    time = settled(index, asked("who led before the flood?", today), where)     -> a window
    hits = search(index, question, 10, where, time)
    spans = timely(spans, time, lambda span: (span.reading, span.score))
    notices = [*how_read(time, phrases), *other_time(time, chosen, phrases)]

Articles from the days asked about, or the newest for "latest", are ranked higher; one from another
time can still answer, and then a notice says so. An article belongs to a time if it was published
then or a few days later, as news is, or if its passage names that time: an article from 2024 may
report "the 2018 championship". It knows an index and readings, not how answers are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Protocol, TypeVar

from assistant.prompts import Phrases
from assistant.question.time import (
    REPORTED,
    AskedTime,
    Order,
    Window,
    in_words,
    mentions,
    named,
    of_its_day,
    reported_in,
    tells_of,
    weekday,
)
from assistant.question.words import words
from assistant.reading.reader import Reading
from vectorstore.articles import Article, Filter, Hit, Passage
from vectorstore.index import Index
from vectorstore.retrieval import fuse
from vectorstore.splitting import Span, sentences

_ONE_EVENT = timedelta(7)  # reports further apart are about different events
_REPORTS = 3  # reports of an event, most of which have to agree on when it was
_NEARLY = 2.0  # log-odds below the best within which an answer may be chosen for its time
_POOL = 4  # times as many passages are searched, to find the newest of those that fit


T = TypeVar("T")


class Dated(Protocol):
    """Something published on a day: a passage or a citation."""

    @property
    def published(self) -> date | None: ...


def settled(index: Index, time: AskedTime, where: Filter) -> AskedTime:
    """`time` with the days before or after the event it names, if the event's date can be found.

    That date is the one of the best articles on the event, if most of them fall within one week and
    report their own time. Otherwise no time is preferred.
    """
    if time.event is None:
        return time
    hits = _found(index, time.event, 10, replace(where, after=None, before=None))
    named = frozenset(words(time.event).content)
    if not named:  # "before the end": every article has that
        return AskedTime()
    dates: dict[str, date | None] = {}
    for hit in hits:
        passage = hit.passage
        if named <= words(f"{passage.title} {passage.text}").stems:
            day = passage.published
            told = day if day and of_its_day(passage.text, day) else None
            dates.setdefault(passage.article_id, told)
    days = [day for day in list(dates.values())[:_REPORTS] if day is not None]
    weeks = [[other for other in days if day <= other <= day + _ONE_EVENT] for day in days]
    days = max(weeks, key=len, default=[])
    if not days or 2 * len(days) <= min(_REPORTS, len(dates)):
        return AskedTime()
    asked = f"{time.side} {time.event}"
    if time.side == "before":
        return AskedTime(Window(asked, None, min(days) - timedelta(1), relative=True))
    return AskedTime(Window(asked, min(days), None, relative=True))


def search(index: Index, query: str, k: int, where: Filter, time: AskedTime) -> list[Hit]:
    """The `k` passages nearest to `query`, those from the `time` asked about ranked higher.

    Two rankings, with and without the time, are fused by reciprocal rank, so that a passage that
    fits far better stays first no matter when it was published.
    """
    hits = _found(index, query, k * _POOL if time.order else k, where)
    if time.order:
        by_date = sorted(hits, key=lambda hit: _age(hit.passage, time.order))
        # The date decides which are read; they stay in order of how well they fit.
        read = {hit.passage.id for hit in fused([hits, hits, by_date])[:k]}
        return [hit for hit in hits if hit.passage.id in read]
    inside = time.window and _within(where, time.window)
    if not inside:
        return hits
    return fused([hits, _found(index, query, k, inside)])[:k]


def told_of(index: Index, day: date, k: int, where: Filter) -> list[Hit]:
    """Up to `k` passages, each of another article, with a sentence that tells of that day."""
    inside = _within(where, Window("", day, day))
    pool = _POOL * k
    by_weekday = _found(index, weekday(day), pool, inside) if inside else []
    by_date = _found(index, in_words(day).rpartition(" ")[0], pool, where)
    first: dict[str, Hit] = {}
    for hit in fused([by_weekday, by_date]):
        if day_in(hit.passage, day):
            first.setdefault(hit.passage.article_id, hit)
    return list(first.values())[:k]


def day_in(passage: Passage, day: date) -> list[Span]:
    """The sentences of a passage that tell of a day, in the passage's own offsets."""
    text = passage.text
    return [s for s in sentences(text) if tells_of(text[s.start : s.end], day, passage.published)]


def timely(
    found: Sequence[T], time: AskedTime, scored: Callable[[T], tuple[Reading, float]]
) -> list[T]:
    """What was found, best first; among what is about equally likely (`_NEARLY`), what is from the
    time asked about comes first."""
    ordered = sorted(found, key=lambda one: -scored(one)[1])
    if not time or not ordered:
        return ordered
    enough = scored(ordered[0])[1] - _NEARLY

    def place(one: T) -> tuple[bool, int]:
        reading, score = scored(one)
        if score < enough:
            return (True, 0)
        if time.order:
            return (False, _age(reading.passage, time.order))
        return (False, int(time.window is not None and not fits(reading, time.window)))

    return sorted(ordered, key=place)


def fits(reading: Reading, window: Window) -> bool:
    """Whether the reading's passage is from that time, names it, or calls it as the question does:
    "last year" in an article of this year."""
    passage = reading.passage
    if reported_in(passage.published, window) or mentions(passage.text, window):
        return True
    if not window.relative or window.words.casefold() not in passage.text.casefold():
        return False
    meant = named(window.words, passage.published)
    return meant is not None and (meant.first, meant.last) == (window.first, window.last)


def how_read(time: AskedTime, phrases: Phrases) -> Iterator[str]:
    """A notice that says which days "last week" and the like were read as."""
    if time.window is not None and time.window.relative:
        yield phrases.say("time_read", words=time.window.words, days=str(time.window))


def other_time(time: AskedTime, chosen: Sequence[Reading], phrases: Phrases) -> Iterator[str]:
    """A notice if all of the `chosen` readings are from another time."""
    # What happened before a day is reported after it, and the future before it: no notice.
    window = None if time.order else time.window
    if window is None or window.first is None or not chosen:
        return
    dated = all(reading.passage.published for reading in chosen)
    if dated and not any(fits(reading, window) for reading in chosen):
        yield phrases.say("other_time", days=str(window))


# -- rankings ----------------------------------------------------------------------------------


def _found(index: Index, query: str, k: int, where: Filter) -> list[Hit]:
    return index.search(query, k, **where.arguments)


def _within(where: Filter, window: Window) -> Filter | None:
    """`where`, narrowed to articles of the window; None if nothing would be left."""
    last = window.last and window.last + REPORTED
    firsts = [day for day in (where.after, window.first) if day]
    lasts = [day for day in (where.before, last) if day]
    after, before = max(firsts, default=None), min(lasts, default=None)
    if after and before and after > before:
        return None
    return replace(where, after=after, before=before)


def fused(rankings: Sequence[Sequence[Hit]]) -> list[Hit]:
    """One ranking of the hits; a hit that stands in for its copy counts as the same hit."""
    known: dict[str, Hit] = {}
    for hit in rankings[0]:
        for passage in (hit.passage, *hit.copies):
            known.setdefault(passage.id, hit)
    for ranking in rankings[1:]:
        for hit in ranking:
            known.setdefault(hit.passage.id, hit)
    ids = [
        list(dict.fromkeys(known[hit.passage.id].passage.id for hit in ranking))
        for ranking in rankings
    ]
    return [replace(known[key], score=score) for key, score in fuse(ids)]


def _age(passage: Dated, order: Order | None) -> int:
    """Smaller for what `order` puts first; undated passages come last."""
    if passage.published is None:
        return date.max.toordinal()
    day = passage.published.toordinal()
    return -day if order == "newest" else day


def in_time(articles: Sequence[Article], time: AskedTime) -> list[Article]:
    """Of articles on a topic, those from the time asked about, or just the oldest; else all."""
    if time.order == "oldest" and (dated := [each for each in articles if each.published]):
        return [min(dated, key=lambda each: each.published or date.max)]
    if time.window is None:
        return list(articles)
    window = time.window
    return [each for each in articles if reported_in(each.published, window)] or list(articles)
