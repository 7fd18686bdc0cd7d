"""What the index holds and returns: articles, passages, hits, reports.

Values only. Nothing here knows how they are stored, found or shown.

    article.text[passage.start:passage.end] == passage.text     always
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Article:
    """One article, verbatim.

    `text` is stored as given and never normalised: every offset in the project is a Python string
    index into it. `published` is a day or None; where it is None, a filter by date leaves the
    article out. `source` is the outlet or, failing that, the file; `url` the original's address.
    `pages` are the offsets at which the pages of a paged document begin, () where it has none.
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


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of an article, with what is needed to show where it comes from."""

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


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and the near-identical ones it stands for.

    `score` orders the hits of one search, higher is better; it is not comparable between searches.
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
class AddReport:
    """What became of everything that was given: tuples of article ids, and what was skipped."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __add__(self, other: AddReport) -> AddReport:
        return AddReport(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """An article in a list: everything but its text."""

    id: str
    title: str
    source: str
    url: str
    published: date | None
    authors: tuple[str, ...]
    language: str
    characters: int
    passages: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is in the index. `sources` counts articles by source, most first."""

    articles: int
    passages: int
    oldest: date | None
    newest: date | None
    undated: int
    sources: tuple[tuple[str, int], ...]
    embedding_model: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles a search may return; both dates are inclusive. None means no limit."""

    sources: tuple[str, ...] | None = None
    articles: tuple[str, ...] | None = None
    after: date | None = None
    before: date | None = None

    @property
    def dated(self) -> bool:
        """True where the filter leaves out articles that have no date."""
        return self.after is not None or self.before is not None

    @property
    def empty(self) -> bool:
        return self == Filter()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work is: `done` of `total` (0 where unknown), and what is being worked on."""

    done: int
    total: int
    what: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check-up. `severity` is "ok", "warning" or "error"; `remedy` the next command."""

    severity: str
    message: str
    remedy: str = field(default="")
