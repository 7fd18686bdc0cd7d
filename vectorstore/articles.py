"""What the index holds and returns: articles, passages, hits, reports.

Values only. Nothing here knows how they are stored, found or shown.

    article.text[passage.start:passage.end] == passage.text     always
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Article:
    """One article, verbatim.

    `text` is stored as given and never normalised: every offset in the project is a Python string
    index into it. `published` is a day or None; if it is None, a filter by date leaves the article
    out. `source` is the outlet or, failing that, the file; `url` the original's address. `pages`
    are the offsets at which the pages of a paged document begin, () if it has none. `tags` are the
    topics it is filed under, as written there.
    """

    id: str
    title: str
    text: str
    source: str = ""
    url: str = ""
    published: date | None = None
    authors: tuple[str, ...] = ()
    language: str = ""
    pages: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of an article, with what is needed to show where it comes from.

    `heading` is read in front of it: the title, or more if that does not say who speaks.
    """

    id: str
    article_id: str
    start: int
    end: int
    text: str
    title: str = ""
    source: str = ""
    url: str = ""
    published: date | None = None
    page: int | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and the near-identical ones it stands for.

    `score` orders the hits of one search, higher is better; it is not comparable across searches.
    """

    passage: Passage
    score: float
    copies: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that could not be added, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person should know about something that was added: a date that could not be read, …"""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of everything that was given: tuples of article ids, what was skipped, and
    notices about the rest."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[Notice, ...] = ()

    def __add__(self, other: AddReport) -> AddReport:
        return AddReport(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.skipped + other.skipped,
            self.notices + other.notices,
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """A file, page or feed that an article came from.

    `place` is the file's absolute path or the address; `source` what the article's source is
    called there. `entry` tells the articles of one file apart, "" if it is one article. `gone`:
    the file is there, but had no such article when it was last read.
    """

    place: str
    article_id: str
    source: str = ""
    entry: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file, page or feed as it was when it was last read, and what came of it.

    `size` is in bytes, `modified` in nanoseconds since 1970, and so is `changed`, the time when the
    file system last recorded a change to the file; `inode` is its number there. Each is -1 if
    unknown. `digest` is the SHA-256 of its bytes, "" if reading it was cut off. `reading` is the
    number of the rules it was read by. `address` is where a page was finally found; `etag` and
    `last_modified` are what its server sent.
    """

    place: str
    size: int = -1
    modified: int = -1
    digest: str = ""
    reading: int = 0
    origins: tuple[Origin, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    address: str = ""
    etag: str = ""
    last_modified: str = ""
    inode: int = -1
    changed: int = -1


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How an index was brought up to date with a folder or feed: article ids, each once.

    `duplicates` are files whose articles the index already had from another file, `vanished` the
    articles that are no longer there, `removed` those of them that were removed. `refusal` says why
    the others were not removed, if that was asked for. `wait` is the longest time, in seconds, for
    which a server asked to be left alone.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    duplicates: tuple[Origin, ...] = ()
    vanished: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    refusal: str = ""
    notices: tuple[Notice, ...] = ()
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """An article in a list: everything but its text.

    `origins` are the files and pages it came from; () if a caller supplied it. A filter by source
    finds it by its own `source`, by theirs, and by their places. `added` counts up: an article
    added later has a higher number.
    """

    id: str
    title: str
    source: str
    url: str
    published: date | None
    authors: tuple[str, ...]
    language: str
    characters: int
    passages: int
    origins: tuple[Origin, ...] = ()
    added: int = 0
    tags: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source of the article, its own first."""
        others = (origin.source for origin in self.origins if not origin.gone)
        return tuple(dict.fromkeys((self.source, *others)))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is in the index. `sources` counts articles by source, largest first; `content` is a text
    that differs after every change to any article, "" if none was made yet; `repairs` counts how
    often since the index was opened the vectors were rebuilt because they were damaged or lost."""

    articles: int
    passages: int
    oldest: date | None
    newest: date | None
    undated: int
    sources: tuple[tuple[str, int], ...]
    embedding_model: str
    content: str = ""
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles a search may return; both dates are inclusive. None means no limit.

    An article needs only one of several authors or tags, but must satisfy every kind of limit.
    Author and tag names are matched whole, ignoring case and runs of blanks.
    """

    sources: tuple[str, ...] | None = None
    articles: tuple[str, ...] | None = None
    after: date | None = None
    before: date | None = None
    authors: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        *,
        sources: Iterable[str] | None = None,
        articles: Iterable[str] | None = None,
        after: date | str | None = None,
        before: date | str | None = None,
        authors: Iterable[str] | None = None,
        tags: Iterable[str] | None = None,
    ) -> Filter:
        """The filter for these search arguments; a date may be text, such as "2025-07-26".

        Raises TypeError for a text that should be a list of names, ValueError for one that is not a
        date.
        """
        given = (sources, articles, authors, tags)
        if text := next((names for names in given if isinstance(names, str)), None):
            raise TypeError(f"{text!r:.80} is not a list of names; write [{text!r:.80}].")
        named = [None if names is None else tuple(names) for names in given]
        return cls(named[0], named[1], _day(after), _day(before), named[2], named[3])

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that give a search or question these limits."""
        return {
            "sources": self.sources,
            "articles": self.articles,
            "after": self.after,
            "before": self.before,
            "authors": self.authors,
            "tags": self.tags,
        }

    def admits(self, article: Summary) -> bool:
        """Whether a search may return passages of this article, by its own source."""
        return (
            (self.sources is None or article.source in self.sources)
            and (self.articles is None or article.id in self.articles)
            and (not self.dated or article.published is not None)
            and (self.after or date.min) <= (article.published or date.min)
            and (article.published or date.min) <= (self.before or date.max)
            and _shares(self.authors, article.authors)
            and _shares(self.tags, article.tags)
        )

    @property
    def dated(self) -> bool:
        """True if the filter leaves out articles without a date."""
        return self.after is not None or self.before is not None

    @property
    def empty(self) -> bool:
        return self == Filter()


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a long task: `done` of `total` (0 if unknown), and what is being worked on."""

    done: int
    total: int
    what: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check. `severity` is "ok", "warning" or "error"; `remedy` the next command."""

    severity: str
    message: str
    remedy: str = field(default="")


def comparable(name: str) -> str:
    """An author or tag name in the form used for comparison: ignoring case and runs of blanks."""
    return " ".join(name.split()).casefold()


def _day(given: date | str | None) -> date | None:
    if isinstance(given, str):
        return date.fromisoformat(given)
    return given.date() if isinstance(given, datetime) else given


def _shares(wanted: Iterable[str] | None, names: Iterable[str]) -> bool:
    return wanted is None or not {*map(comparable, wanted)}.isdisjoint(map(comparable, names))
