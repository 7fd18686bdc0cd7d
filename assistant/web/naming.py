"""The people, organisations and places named in the articles, each with the articles that name it.

    naming = Naming(index)
    naming.named("strake")          Listing: the names with these words, those in most articles first
    naming.articles("Ada Strake")   the ids of its articles
    naming.settle(3)                read what there is, and wait for it so many seconds

Articles are read in a thread when somebody first asks, each only once unless it changes: what has
been read so far is reported, along with the progress. Within an article a shorter name counts as
the longer one that contains it ("Strake" as "Ada Strake") if there is only one; across articles,
names are the same if they are spelt the same, ignoring case. Nobody is identified: two people with
the same name are one entry.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.question.names import Kind, names
from assistant.question.spelling import common
from vectorstore.articles import Summary, comparable
from vectorstore.errors import ArticleNotFoundError, DatelineError
from vectorstore.index import Index

LISTED = 100  # names listed at once

_LONG = 200_000  # characters of an article that are read
_A_STEP = 100  # articles after which results are updated
_CERTAIN = 0.75  # of the articles that reveal a name's kind have to agree on it

Within = Mapping[str, Kind]  # the names of one article


@dataclass(frozen=True, slots=True)
class Named:
    """A name as most articles spell it, its kind ("" if they do not reveal it), and their ids."""

    name: str
    kind: Kind
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Some of the names: `found` match, of `total`; `read` of the `articles` have been read so far,
    and more are being read unless `complete`."""

    names: tuple[Named, ...]
    found: int
    total: int
    read: int
    articles: int
    complete: bool


class Naming:
    """The names of one index. May be used from several threads; only `settle` and `wait` wait for the
    reading."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._content: str | None = None  # the index's content that the results are for
        self._within: dict[tuple[str, object], Within] = {}  # by an article's state
        self._named: Mapping[str, Named] = {}  # by the name's comparable form
        self._read = (0, 0)

    def named(
        self,
        searched: str = "",
        kind: Kind | Literal["any"] = "any",
        *,
        among: Collection[str] | None = None,
        skip: int = 0,
        most: int = LISTED,
    ) -> Listing:
        """The names of this kind in which each word begins a word, those in most articles first; with
        `among`, only names in the articles with these ids, each with those of its articles."""
        self._look()
        with self._turn:
            complete = self._thread is None or not self._thread.is_alive()
            every, read = self._named, self._read
        if among is not None:
            every = _within_these(every, frozenset(among))
        wanted = comparable(searched).split()
        found = [
            one
            for key, one in every.items()
            if kind in ("any", one.kind) and all(f" {key}".find(f" {word}") >= 0 for word in wanted)
        ]
        return Listing(tuple(found[skip : skip + most]), len(found), len(every), *read, complete)

    def articles(self, name: str) -> tuple[str, ...]:
        """The ids of the articles with this name, of those read so far; () if none has it."""
        self._look()
        with self._turn:
            found = self._named.get(comparable(name))
        return found.articles if found else ()

    def settle(self, seconds: float) -> Listing:
        """Read what is new, and wait for that, at most this long. The listing tells whether it is
        `complete`; it contains no names."""
        self._look()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return self.named(most=0)

    def wait(self) -> None:
        """Wait until everything there is has been read."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        self._closing.set()
        self.wait()

    def _look(self) -> None:
        content = self._index.statistics().content
        with self._turn:
            busy = self._thread is not None and self._thread.is_alive()
            if busy or content == self._content or self._closing.is_set():
                return
            self._content = content
            self._read = (0, self._index.statistics().articles)
            self._thread = threading.Thread(target=self._read_all, name="naming", daemon=True)
            self._thread.start()

    def _read_all(self) -> None:
        try:
            summaries = self._index.articles()
            new = {(one.id, _state(one)): one.id for one in summaries}
            within = {key: found for key, found in self._within.items() if key in new}
            for number, (key, article_id) in enumerate(new.items(), 1):
                if self._closing.is_set():
                    return
                if key not in within:
                    within[key] = self._names_of(article_id)
                if number % _A_STEP == 0 or number == len(new):
                    self._tell(within, len(summaries))
            self._within = within
            if not new:
                self._tell({}, 0)
        except DatelineError:  # the index is closing: it is read when asked for again
            self._content = None

    def _names_of(self, article_id: str) -> Within:
        try:
            article = self._index.get(article_id)
        except ArticleNotFoundError:
            return {}
        return within(article.text[:_LONG])

    def _tell(self, within: Mapping[tuple[str, object], Within], articles: int) -> None:
        found: dict[str, list[tuple[str, str, Kind]]] = defaultdict(list)
        for (article_id, _), names_ in within.items():
            for name, kind in names_.items():
                found[comparable(name)].append((article_id, name, kind))
        named = {key: _named(every) for key, every in found.items()}
        order = sorted(named.items(), key=_most_first)
        with self._turn:
            self._named, self._read = dict(order), (len(within), articles)


def _within_these(every: Mapping[str, Named], ids: frozenset[str]) -> Mapping[str, Named]:
    """The names in these articles, each with those of its articles."""
    fewer = {
        key: replace(one, articles=articles)
        for key, one in every.items()
        if (articles := tuple(each for each in one.articles if each in ids))
    }
    return dict(sorted(fewer.items(), key=_most_first))


def _most_first(one: tuple[str, Named]) -> tuple[int, str]:
    key, named = one
    return -len(named.articles), key


def within(text: str) -> Within:
    """The names in one article, each with its kind; shorter forms of a name are left out, and so is
    a common word that is written as a name once."""
    kinds: dict[str, Kind] = {}
    times: Counter[str] = Counter()
    for name in names(text):
        plain = " ".join(name.text.split())
        kinds[plain] = name.kind
        times[plain] += 1
    return {
        name: kind
        for name, kind in kinds.items()
        if not _short(name, kind, kinds)
        and (kind or " " in name or times[name] > 1 or not common(name))
    }


def _short(name: str, kind: Kind, kinds: Mapping[str, Kind]) -> bool:
    """Whether it is the beginning or the end of exactly one longer name, of the same kind."""
    longer = [
        other for other in kinds if other.startswith(f"{name} ") or other.endswith(f" {name}")
    ]
    return len(longer) == 1 and (not kind or kinds[longer[0]] == kind)


def _state(summary: Summary) -> object:
    """A value that differs if the text may differ."""
    return summary.title, summary.characters, summary.added


def _named(found: Sequence[tuple[str, str, Kind]]) -> Named:
    written = Counter(name for _, name, _ in found).most_common(1)[0][0]
    kinds = Counter(kind for *_, kind in found if kind)
    kind: Kind = ""
    if kinds:
        best, count = kinds.most_common(1)[0]
        kind = best if count >= _CERTAIN * kinds.total() else ""
    return Named(written, kind, tuple(article for article, *_ in found))
