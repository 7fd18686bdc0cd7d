"""The articles as the page shows them: listed and filtered, edited, removed and restored.

    library = Library(assistant.index)
    library.listed("harbour", where=Filter(after=…))      what is listed, and how many there are
    removal = library.remove(["a1", "a2"])                      gone from the index
    library.undo(removal)                                       back, each under its own id
    library.relabel(["a1", "a2"], add_tags=["ports"])           given this tag as well; can be undone
    library.add_samples(); library.samples()                    the sample articles, and which are in

Adding in the background is in `adding`. This module knows the index, and nothing of pages or
models.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

from assistant.question.names import Kind
from assistant.question.words import words
from assistant.render.text import name_of
from assistant.resources import seeds_folder
from assistant.web.adding import Adding
from assistant.web.naming import Listing, Naming
from assistant.web.subscribing import Subscribing
from assistant.web.suggesting import Suggestions
from vectorstore.articles import (
    Article,
    Filter,
    Origin,
    Passage,
    SourceFile,
    Statistics,
    Summary,
    comparable,
)
from vectorstore.errors import (
    ArticleError,
    ArticleNotFoundError,
    DatelineError,
    StoreBusyError,
)
from vectorstore.index import Index
from vectorstore.loading import READING, load
from vectorstore.syncing import uploaded_place

LISTED = 100  # articles listed at once
NAMED = 200  # authors, or tags, listed at once
TOLD = 200  # new articles grouped by event

_SEARCHED = 200  # passages searched for the words
_EXTRACT = 150  # characters of a passage that are shown in the list
_BEFORE = 40  # of them before the first matching word
_UNDONE = 10  # removals that can be undone, newest first
_REMEMBERED = 600.0  # seconds for which they can be
_A_STEP = 32  # articles restored in one step
_PATIENCE = 3.0  # seconds that a program waits for articles' names to be read
_TEXTS_AT_ONCE = 8  # texts embedded while their senders wait
_MOST_NAMES = 100  # authors, or tags, of an article
_TITLE = 90  # characters of a title taken from the text
_LONGEST = {"title": 300, "source": 200, "author": 200, "tag": 200, "text": 5_000_000}
"""Characters of what is typed."""

Quoting = Callable[[Sequence[str]], int]
"""How many saved answers quote any of these articles."""


Order = Literal["date", "added", "source"]


@dataclass(frozen=True, slots=True)
class Found:
    """Where an article has the words searched for: the passage, and an extract of it in pieces,
    each with whether it is one of the words."""

    passage: Passage
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Part of the articles, in some order: `found` of `total` match, `articles` are the next ones.

    `texts` says where the words are, by id, for articles that have them in their text. `last` is
    the highest `added` of all articles.
    """

    articles: tuple[Summary, ...]
    found: int
    total: int
    texts: Mapping[str, Found] = field(default_factory=dict)
    last: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """An article, and the others that are copies of it."""

    article: Summary
    copies: tuple[Summary, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What was added: `found` articles, the last `told` of them by event, the latest event first.
    An event is its reports, the latest first."""

    events: tuple[tuple[Report, ...], ...]
    told: int
    found: int


@dataclass(frozen=True, slots=True)
class Site:
    """The sources of one publication, each with its number of articles, most first; sources of no
    publication with several of them belong to the site ""."""

    name: str
    sources: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Names:
    """Authors or tags, each with its number of articles, most first: `shown` are some of the
    `found` that match, of `total`."""

    shown: tuple[tuple[str, int], ...]
    found: int
    total: int


@dataclass(frozen=True, slots=True)
class _Removed:
    articles: tuple[Article, ...]
    files: tuple[SourceFile, ...]
    at: float


@dataclass(frozen=True, slots=True)
class _Relabelled:
    """Articles as they were before, each with what it was changed to."""

    articles: tuple[tuple[Summary, Summary], ...]
    at: float


class Library:
    """The operations on the articles of one index. May be used from several threads."""

    def __init__(
        self,
        index: Index,
        adding: Adding | None = None,
        *,
        quoting: Quoting = lambda _: 0,
        suggestions: Suggestions | None = None,
        subscribing: Subscribing | None = None,
    ) -> None:
        self.adding = adding or Adding(index)
        self.quoting = quoting
        self.suggestions = suggestions
        self.subscribing = subscribing
        self.index = index
        self.naming = Naming(index)
        self._undoable: OrderedDict[str, _Removed | _Relabelled] = OrderedDict()
        self._changing = threading.Lock()
        self._pasting = threading.BoundedSemaphore(_TEXTS_AT_ONCE)
        self._edits = 0
        self._samples: tuple[str, tuple[str, ...]] = ("", ())  # as of that revision
        self._labels: tuple[str, tuple[_Counted, _Counted]] = ("", ((), ()))  # as of that content
        self._news: tuple[tuple[str, int], News] = (("", 0), News((), 0, 0))  # as of that content

    def close(self) -> None:
        """Stop adding, refreshing and generating questions. What was removed stays removed."""
        if self.subscribing is not None:
            self.subscribing.close()
        self.adding.close()
        self.naming.close()
        if self.suggestions is not None:
            self.suggestions.close()

    # -- looking ---------------------------------------------------------------------------------

    def statistics(self) -> Statistics:
        return self.index.statistics()

    def sites(self) -> list[Site]:
        """The sources grouped by site, the one with the most articles first, the rest last.

        A source's site is the part of its name before a separator, as in "Wire | Sport" or
        "wire.example/sport"; without one, it is the web site that most of its articles come from.
        """
        hosts: dict[str, Counter[str]] = {}
        for article in self.index.articles():
            if host := _host(article.url):
                hosts.setdefault(article.source, Counter())[host] += 1
        found: dict[str, list[tuple[str, int]]] = {}
        for source, count in sorted(self.statistics().sources, key=lambda one: -one[1]):
            if source:
                own = hosts.get(source)
                site = _site(source) or (own.most_common(1)[0][0] if own else "")
                found.setdefault(site, []).append((source, count))
        several = {site: of for site, of in found.items() if site and len(of) > 1}
        rest = [one for site, of in found.items() if site not in several for one in of]
        sites = [Site(site, tuple(of)) for site, of in several.items()]
        sites.sort(key=lambda site: (-sum(count for _, count in site.sources), site.name))
        rest.sort(key=lambda one: -one[1])
        return [*sites, Site("", tuple(rest))] if rest else sites

    def labels(self, searched: str = "", *, most: int = NAMED) -> tuple[Names, Names]:
        """The authors and the tags that contain every one of these words. Names that differ only in
        case count as one, as they do for a filter, spelt as most articles have it."""
        content = self.statistics().content
        if not content or self._labels[0] != content:
            articles = self.index.articles()
            counted = (
                _counted(name for article in articles for name in article.authors),
                _counted(name for article in articles for name in article.tags),
            )
            self._labels = (content, counted)
        wanted = searched.casefold().split()

        def named(every: _Counted) -> Names:
            found = [one for one in every if _has(one[0], wanted)]
            return Names(tuple(found[:most]), len(found), len(every))

        authors, tags = self._labels[1]
        return named(authors), named(tags)

    def names(
        self,
        searched: str = "",
        kind: Kind | Literal["any"] = "any",
        where: Filter | None = None,
        *,
        skip: int = 0,
        most: int = LISTED,
    ) -> Listing:
        """People, organisations and places in the articles that `where` admits, as `Naming.named`; it
        waits a few seconds for articles that have not been read."""
        self.naming.settle(_PATIENCE)
        among = None
        if where is not None and not where.empty:
            among = [article.id for article in self.index.articles() if where.admits(article)]
        return self.naming.named(searched, kind, among=among, skip=skip, most=most)

    def know_names(self) -> None:
        """Wait a few seconds for the articles' names. Raises StoreBusyError if it takes longer: a list
        of the articles with a name would be incomplete."""
        listing = self.naming.settle(_PATIENCE)
        if not listing.complete:
            raise StoreBusyError(
                f"names are still being read: {listing.read:,} of {listing.articles:,} articles so far. "
                "Try again in a minute."
            )

    def revision(self) -> str:
        """A text that changes with the articles and offered questions, whoever changes them."""
        said = f"{self.statistics()} {self._edits} {self.offered()}"
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]

    def offered(self) -> tuple[str, ...]:
        """Questions to offer; regenerated if the articles have changed and none is being added."""
        if self.suggestions is None:
            return ()
        if self.adding.status().running:  # pointless now: more articles are coming
            return self.suggestions.questions
        return self.suggestions()

    def listed(
        self,
        searched: str = "",
        where: Filter | None = None,
        *,
        order: Order = "date",
        since: int = 0,
        name: str = "",
        skip: int = 0,
        most: int = LISTED,
    ) -> Listed:
        """The articles that have every one of these words in their title and source, or in one
        passage of their text, that `where` admits, that were added after the one whose `added` is
        `since`, and that have `name`, if given, among their names."""
        having = {*self.naming.articles(name)} if name else None
        wanted = searched.casefold().split()
        everything = self.index.articles()
        texts = self._texts(searched, where) if wanted else {}
        found = [
            article
            for article in everything
            if article.added > since
            and (having is None or article.id in having)
            and (where is None or where.admits(article))
            and (article.id in texts or _has(f"{article.title} {article.source}", wanted))
        ]
        if order == "added":
            found.sort(key=lambda article: -article.added)
        elif order == "source":  # stable: each source's newest first
            found.sort(key=lambda article: name_of(article.source).casefold())
        shown = tuple(found[skip : skip + most])
        return Listed(
            shown,
            len(found),
            len(everything),
            {article.id: texts[article.id] for article in shown if article.id in texts},
            max((article.added for article in everything), default=0),
        )

    def news(self, since: int, *, most: int = TOLD) -> News:
        """What was added after the article whose `added` is `since`, grouped by the event reported,
        with copies under the earliest of them."""
        now = (self.statistics().content, since)
        if not now[0] or self._news[0] != now:
            added = sorted(
                (article for article in self.index.articles() if article.added > since),
                key=lambda article: -article.added,
            )
            told = {article.id: article for article in added[:most]}
            events = [self._reports(group, told) for group in self.index.events(list(told))]
            events.sort(key=lambda event: (_latest_first(event[0]), -len(event)))
            self._news = (now, News(tuple(events), len(told), len(added)))
        return self._news[1]

    def _reports(self, event: Sequence[str], told: Mapping[str, Summary]) -> tuple[Report, ...]:
        groups = self.index.independent(event) if len(event) > 1 else [event]
        reports = []
        for group in groups:
            first, *copies = sorted((told[each] for each in group), key=_earliest_first)
            reports.append(Report(first, tuple(copies)))
        return tuple(sorted(reports, key=_latest_first))

    def _texts(self, asked: str, where: Filter | None) -> dict[str, Found]:
        """For each article that has all of the words in one passage, its best such passage."""
        wanted, stems = asked.casefold().split(), frozenset(words(asked).stems)
        limits = (where or Filter()).arguments
        hits = self.index.search(asked, _SEARCHED, "words", **limits)
        found: dict[str, Found] = {}
        for each in hits:
            for passage in (each.passage, *each.copies):
                if passage.article_id in found:
                    continue
                if _has(passage.text, wanted) or stems <= frozenset(words(passage.text).stems):
                    found[passage.article_id] = Found(passage, _extract(passage.text, asked))
        return found

    # -- adding ----------------------------------------------------------------------------------

    @contextmanager
    def one_text(self) -> Iterator[None]:
        """Held while a text is added and its sender waits. Raises StoreBusyError for too many at once:
        threads are reserved for others."""
        if not self._pasting.acquire(blocking=False):
            raise StoreBusyError(
                f"{_TEXTS_AT_ONCE} texts are being added at the moment. Try again in a minute."
            )
        try:
            yield
        finally:
            self._pasting.release()

    def add_text(
        self,
        text: str,
        *,
        title: str = "",
        published: date | None = None,
        source: str = "",
        url: str = "",
        authors: Sequence[str] = (),
        tags: Sequence[str] = (),
    ) -> str:
        """Add a typed or pasted text and return its id; the same text has the same id.

        If a file has exactly this text, and no other title is given, its article gets a further
        source, and the date if it has none. Raises ArticleError for an empty text or one that is
        too long.
        """
        if not text.strip():
            raise ArticleError("there is no text: paste the article's.")
        given = _line("title", title)
        title = given or _first_line(text)
        source = _line("source", source) or "Pasted"
        if len(text) > _LONGEST["text"]:
            raise ArticleError(
                f"the text is longer than {_LONGEST['text']:,} characters: save it as a file and add that."
            )
        content = text.encode("utf-8", "replace")
        named = title.encode("utf-8", "replace") + b"\0" + content
        article_id = f"pasted-{hashlib.sha256(named).hexdigest()[:12]}"
        article = Article(
            article_id,
            title,
            text,
            source,
            url,
            published,
            authors=_lines("author", authors),
            tags=_lines("tag", tags),
        )
        digest = hashlib.sha256(content).hexdigest()
        there = self._same_text(article, digest, given)
        kept = article if there is None else there
        place = uploaded_place(source, named)
        origins = (Origin(place, kept.id, source),)
        file = SourceFile(place, len(content), digest=digest, reading=READING, origins=origins)
        self.index.store_files([file], [article] if there is None else [])
        if there is not None and there.published is None and published is not None:
            self.index.edit(there.id, published=published)
        self._edited()
        return kept.id

    def _same_text(self, article: Article, digest: str, title: str) -> Article | None:
        """Another article, from a file with this digest, that has the same text and, if one is
        given, this title."""
        for file in self.index.source_files(digests=[digest]):
            for origin in file.origins:
                if origin.gone or origin.article_id == article.id:
                    continue
                with suppress(ArticleNotFoundError):
                    other = self.index.get(origin.article_id)
                    if other.text == article.text and title in ("", other.title):
                        return other
        return None

    # -- changing --------------------------------------------------------------------------------

    def edit(
        self,
        article_id: str,
        *,
        title: str,
        published: date | None,
        source: str,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Summary:
        """Set title, day, source and, if given, authors and tags. Raises ArticleError."""
        if not _line("title", title):
            raise ArticleError("an article needs a title.")
        return self.correct(
            article_id,
            title=title,
            published=published or "none",
            source=source,
            authors=authors,
            tags=tags,
        )

    def correct(
        self,
        article_id: str,
        *,
        title: str | None = None,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Summary:
        """Change only what is given of an article, like `Index.edit`. Raises ArticleError."""
        summary = self.index.edit(
            article_id,
            title=None if title is None else _line("title", title),
            published=published,
            source=None if source is None else _line("source", source),
            authors=None if authors is None else _lines("author", authors),
            tags=None if tags is None else _lines("tag", tags),
        )
        self._edited()
        return summary

    def relabel(
        self,
        article_ids: Sequence[str],
        *,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
        add_authors: Sequence[str] = (),
        remove_authors: Sequence[str] = (),
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
    ) -> str:
        """Set the day and the source of these articles, add and remove authors and tags, and return
        the name under which `undo` restores the previous ones.

        Removal ignores case, and names that an article already has are not added. Raises
        ArticleNotFoundError and ArticleError before anything is changed.
        """
        if not article_ids:
            raise ArticleError("no article was chosen.")
        named = None if source is None else _line("source", source)
        changed = []
        for article_id in dict.fromkeys(article_ids):
            old = self.index.summary(article_id)
            new = replace(
                old,
                published=old.published if published is None else _day(published),
                source=old.source if named is None else named,
                authors=_changed("author", old.authors, add_authors, remove_authors),
                tags=_changed("tag", old.tags, add_tags, remove_tags),
            )
            if new != old:
                changed.append((old, new))
        for old, new in changed:
            self._label(old, new)
        self._edited()
        return self._remember(_Relabelled(tuple(changed), time.monotonic()))

    def _label(self, old: Summary, new: Summary) -> None:
        """Change an article to `new`; unchanged fields are not recorded as edited."""
        with suppress(ArticleNotFoundError):  # removed meanwhile
            self.index.edit(
                old.id,
                published=None if new.published == old.published else new.published or "none",
                source=None if new.source == old.source else new.source,
                authors=None if new.authors == old.authors else new.authors,
                tags=None if new.tags == old.tags else new.tags,
            )

    def remove(self, article_ids: Sequence[str]) -> str:
        """Remove these articles and return the name under which they can be restored.

        Raises ArticleNotFoundError, before anything is removed, if one of them is gone already.
        """
        if not article_ids:
            raise ArticleError("no article was chosen.")
        ids = list(dict.fromkeys(article_ids))
        kept = tuple(self.index.get(article_id) for article_id in ids)
        files = tuple(self.index.source_files(articles=ids))
        self.index.remove(ids)
        self._edited()
        return self._remember(_Removed(kept, files, time.monotonic()))

    def _remember(self, done: _Removed | _Relabelled) -> str:
        name = secrets.token_urlsafe(12)
        with self._changing:
            self._undoable[name] = done
            while len(self._undoable) > _UNDONE:
                self._undoable.popitem(last=False)
        return name

    def undo(self, name: str) -> int:
        """Restore what was removed under this name, as it was, or what was changed in several
        articles, and return how many articles that was. Articles that have been changed again since
        stay as they are.

        Raises ArticleNotFoundError if it is too late.
        """
        with self._changing:
            done = self._undoable.pop(name, None)
        if done is None or time.monotonic() - done.at > _REMEMBERED:
            raise ArticleNotFoundError(
                "it is too late to undo this; what was removed can be added again."
            )
        if isinstance(done, _Relabelled):
            return self._label_back(done)
        for start in range(0, len(done.articles), _A_STEP):
            self.index.add_articles(done.articles[start : start + _A_STEP])
        self.index.store_files(done.files)  # so that their origins are known again, too
        self._edited()
        return len(done.articles)

    def _label_back(self, done: _Relabelled) -> int:
        back = 0
        for old, new in done.articles:
            with suppress(ArticleNotFoundError):
                now = self.index.summary(old.id)
                if _labels(now) == _labels(new):
                    self._label(now, old)
                    back += 1
        self._edited()
        return back

    # -- the samples -----------------------------------------------------------------------------

    def add_samples(self, whose: str = "") -> None:
        """Add the sample articles in the background."""
        self.adding.folder(seeds_folder(), whose=whose)

    def samples(self) -> tuple[str, ...]:
        """The ids of the sample articles that are in the index."""
        now = self.revision()
        if self._samples[0] != now:
            self._samples = (now, self._samples_now())
        return self._samples[1]

    def _samples_now(self) -> tuple[str, ...]:
        found = []
        for article_id in self._sample_ids:
            try:
                self.index.get(article_id)
            except ArticleNotFoundError:
                continue
            found.append(article_id)
        return tuple(found)

    @cached_property
    def _sample_ids(self) -> tuple[str, ...]:
        try:
            return tuple(item.id for item in load(seeds_folder()) if isinstance(item, Article))
        except DatelineError:  # an installation without samples
            return ()

    def _edited(self) -> None:
        with self._changing:
            self._edits += 1


_SITE = re.compile(r"(?:https?://)?(?:www\.)?([^/\s]+\.[a-z]{2,})/|(.{2,60}?)(?: [|–—>»·:/-] |: )")


def _site(source: str) -> str:
    """The part of a source's name before the section; "" if there is none."""
    found = _SITE.match(source)
    return "" if found is None else name_of(found[1] or found[2])


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _earliest_first(article: Summary) -> tuple[bool, date, int]:
    return article.published is None, article.published or date.max, article.added


def _latest_first(report: Report) -> tuple[int, int]:
    day = report.article.published
    return -(day or date.min).toordinal(), -report.article.added


def _has(text: str, wanted: Sequence[str]) -> bool:
    """Whether the text contains every one of these casefolded words, even inside other words."""
    folded = text.casefold()
    return all(word in folded for word in wanted)


def _extract(text: str, asked: str) -> tuple[tuple[str, bool], ...]:
    """A line of the text around the first of the words searched for, split at them."""
    stems = frozenset(words(asked).stems)
    plain = "|".join(re.escape(word) for word in asked.split())
    spans = [(token.start, token.end) for token in words(text).tokens if token.stem in stems]
    spans = spans or [found.span() for found in re.finditer(plain, text, re.IGNORECASE)]
    first = max(0, spans[0][0] - _BEFORE) if spans else 0
    start = text.rfind(" ", 0, first) + 1 if first else 0
    end = start + _EXTRACT
    pieces = [("… ", False)] if start else []
    for begin, stop in spans:
        if start <= begin and stop <= end:
            pieces += [(text[start:begin], False), (text[begin:stop], True)]
            start = stop
    pieces.append((text[start:end] + ("…" if end < len(text) else ""), False))
    return tuple((" ".join(f"|{piece}|".split())[1:-1], hit) for piece, hit in pieces if piece)


def _line(name: str, value: str) -> str:
    """The input on one line. Raises ArticleError if it is too long."""
    line = " ".join(value.split())
    if len(line) > _LONGEST[name]:
        raise ArticleError(f"the {name} is longer than {_LONGEST[name]} characters: shorten it.")
    return line


def _lines(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """The names entered, each once; empty ones are ignored."""
    return tuple(dict.fromkeys(filter(None, (_line(name, value) for value in values))))


def _day(published: date | Literal["none"]) -> date | None:
    return None if published == "none" else published


def _labels(summary: Summary) -> tuple[date | None, str, tuple[str, ...], tuple[str, ...]]:
    """The fields of an article that can be changed for several articles at once."""
    return summary.published, summary.source, summary.authors, summary.tags


def _changed(
    kind: str, names: tuple[str, ...], adding: Sequence[str], removing: Sequence[str]
) -> tuple[str, ...]:
    """An article's names after some were added and some removed. Raises ArticleError."""
    gone = set(map(comparable, removing))
    kept = [name for name in names if comparable(name) not in gone]
    there = set(map(comparable, kept))
    for name in _lines(kind, adding):
        if comparable(name) not in there:
            kept.append(name)
            there.add(comparable(name))
    if len(kept) > max(_MOST_NAMES, len(names)):
        raise ArticleError(f"an article has at most {_MOST_NAMES} {kind}s: add fewer.")
    return tuple(kept)


_Counted = tuple[tuple[str, int], ...]


def _counted(names: Iterable[str]) -> _Counted:
    """Each name in its most frequent spelling, with its count in any spelling, most first."""
    written: dict[str, Counter[str]] = {}
    for name in names:
        if same := comparable(name):
            written.setdefault(same, Counter())[name] += 1
    counted = [(ways.most_common(1)[0][0], ways.total()) for ways in written.values()]
    return tuple(sorted(counted, key=lambda one: (-one[1], comparable(one[0]))))


def _first_line(text: str) -> str:
    line = next(" ".join(line.split()) for line in text.splitlines() if line.strip())
    return line if len(line) <= _TITLE else re.sub(r"\W+\w*$", "", line[:_TITLE]) + "…"
