"""Brings an index up to date with a folder, a file, a page or a feed, or adds what is in it.

    add(index, "articles/")         -> AddReport: adds what is new or changed
    sync(index, "articles/")        -> SyncReport: also tracks what was moved or has vanished
    read_content(index, Content(…)) -> FileRead: an upload, to be stored by `index.store_files`

The index records the state of every file when it was read (`SourceFile`), and which articles came
from it. A sync does not read a file that the file system reports unchanged: in size and time, inode
and the inode's change time. A file with unchanged bytes is not parsed; and a file with the same
bytes as another gives no new articles, but becomes a further origin of the other's. If the other is
no longer there, it was moved.

It works only through the `Index` interface, so that files are read by the caller and stored by
whoever holds the index.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from vectorstore.articles import (
    AddReport,
    Article,
    Notice,
    Origin,
    Progress,
    Skipped,
    SourceFile,
    SyncReport,
)
from vectorstore.errors import ArticleNotFoundError, LoadingError, UnreachableError
from vectorstore.fetching import Page, fetch_if_changed, in_words
from vectorstore.home import expanded
from vectorstore.loading import READING, Content, Loaded, OnMember, Place, Reader, load, place_of
from vectorstore.loading.draft import web_address
from vectorstore.loading.files import shown
from vectorstore.loading.links import CUT_OFF, Listed, Sitemap, feed_of, goes_on, sitemap_of

if TYPE_CHECKING:
    from vectorstore.primitives import OnProgress, Primitives

Fetch = Callable[[str, str, str], Page | None]  # address, etag, last_modified
One = Path | Page | Content | Listed | Skipped | None
Each = TypeVar("Each")

_A_PART = 32  # articles of one file that are handed over at once
# What was read is handed over after a second, and in batches that take about a second to store: so
# progress is visible, and Ctrl-C loses little. Where embedding is quick, small files are stored by
# the hundred, since storing them together costs a tenth of storing each on its own.
_SECONDS_A_BATCH = 1.0
_ARTICLES_A_BATCH = 32  # in the first batch
_MOST_A_BATCH = 256
_FILES_A_BATCH = 500
# A file written this shortly before it was read may be written again without its time changing:
# file systems have a time resolution of up to two seconds.
_SETTLED = 2_000_000_000
_LARGEST_INTEGER = (1 << 63) - 1  # that SQLite can store
_TENTH = 10
_ASKED_ONE_BY_ONE = 200  # ids looked up one by one; for more, all articles are listed
_A_FEW = 3  # articles that may be removed even if they are more than a tenth
_UPLOADED = "upload://"
_PAGES_A_RUN = 500  # pages that a sitemap or a feed leads to, fetched in one run
_SITEMAPS = 100  # that an index of sitemaps leads to
_PAUSE = 0.5  # seconds between pages of one run, out of consideration for the server
_IN_VAIN = 3  # unanswered requests in a row after which a server is not asked again in this run
_WAIT = 10.0  # seconds that are waited if a server asks for it; for longer, it is left alone
_WAITS = 60.0  # the same for all waits of a run
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_LISTS = (".xml", ".rss", ".atom", ".rdf", ".xml.gz")  # endings of feed and sitemap addresses
# Put into addresses to track readers; the page is the same without it.
_FOLLOWING = ("utm_", "fbclid", "gclid", "mc_cid", "mc_eid")


def add(
    index: Primitives,
    source: str | Path,
    *,
    progress: OnProgress | None = None,
    fetch: Fetch = fetch_if_changed,
) -> AddReport:
    """Add what is in `source`; see `Index.add`."""
    bringing = _Bringing(index, _found(index, source, fetch, ask_anew=True), progress)
    bringing.trying_again = True
    bringing.everything()
    return bringing.add_report()


def sync(
    index: Primitives,
    source: str | Path,
    *,
    prune: bool = False,
    yes: bool = False,
    progress: OnProgress | None = None,
    fetch: Fetch = fetch_if_changed,
) -> SyncReport:
    """Bring the index up to date with `source`; see `Index.sync`."""
    bringing = _Bringing(index, _found(index, source, fetch, ask_anew=False), progress)
    bringing.sees_all = True
    bringing.everything()
    return bringing.sync_report(prune=prune, yes=yes)


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that was read and is yet to be stored: `index.store_files([file], articles)`.

    `known` are the articles in it that the index already has, from this file or another with the
    same bytes; the file becomes a further origin of them.
    """

    file: SourceFile | None
    articles: tuple[Article, ...]
    skipped: tuple[Skipped, ...]
    known: tuple[str, ...]
    notices: tuple[Notice, ...] = ()


def read_content(
    index: Primitives, content: Content, run: Run | None = None, opening: OnMember | None = None
) -> FileRead:
    """Read a file that lies elsewhere, unless the index knows its bytes; nothing is stored yet.

    `opening` is called with the progress within an archive, see `Reader`.

    `run` holds what was read before this file and may not be stored yet; the file is added to it.
    What is there of another name is no other file: it comes and goes with its bytes.
    """
    place = uploaded_place(content.name, content.content)
    bringing = _Bringing(
        index, _Source([content], place, place, partial(Reader, opening=opening)), None
    )
    bringing.trying_again = bringing.hands_nothing_over = True
    if run is not None:
        bringing.run = run
    bringing.everything()
    return bringing.file_read()


def uploaded_place(name: str, content: bytes) -> str:
    """The place of a file that lies elsewhere: its name there and a digest of its bytes."""
    return f"{_UPLOADED}{shown(Path(name))}#{hashlib.sha256(content).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class _Source:
    """What is to be brought in: the files, or the page, or None for an unchanged page; the place
    that all of it is under, and how that place is written in what was found."""

    found: Sequence[One]
    top: str
    written: str
    reader: Callable[[], Reader]
    fetch: _Polite = field(default_factory=lambda: _Polite(fetch_if_changed))
    known: Mapping[str, SourceFile] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


def _found(index: Primitives, source: str | Path, fetch: Fetch, *, ask_anew: bool) -> _Source:
    """Find the files, or ask for the page; nothing is parsed yet."""
    polite = _Polite(fetch)

    def asked(address: str) -> Page:
        place = page_place(address)
        known = [file for file in index.source_files(under=place) if file.place == place]
        if ask_anew or not known or not known[0].digest or known[0].reading != READING:
            known = [SourceFile(place)]
        page = polite(address, known[0].etag, known[0].last_modified)
        if page is None:
            raise _AsItWasError(place)
        return replace(page, url=_without_following(page.url))

    try:
        loading = load(source, fetch=asked)
    except _AsItWasError as known:
        return _Source([None], known.place, known.place, Reader)
    found = [one for one in loading.found if not isinstance(one, Content)]
    if found and isinstance(found[0], Page):
        place = page_place(found[0].asked)
        if found[0].media_type in _PAGE_TYPES and urlsplit(place).path.lower().endswith(_LISTS):
            raise LoadingError(f"{place} gives a web page, not a feed or sitemap as its name says")
        sitemap = sitemap_of(found[0].content)
        if sitemap is not None:
            return _pages_of(index, sitemap, place, polite, loading.reader)
        notices = tuple(_offers(found[0])) if urlsplit(place).path == "/" else ()
        return _Source(found, place, place, loading.reader, polite, notices=notices)
    path = Path(source)
    if path.parts[:1] == ("~",):
        path = expanded(path)
    return _Source(found, _text(path.resolve()), str(path), loading.reader)


def _offers(home: Page) -> Iterator[Notice]:
    """A notice of a site's feed: its home page is not an article, and whoever names it wants its
    articles."""
    if home.media_type in _PAGE_TYPES and (feed := feed_of(home.content, home.url)):
        yield Notice(page_place(home.asked), f"offers a feed of its articles: {feed}")


class _Polite:
    """Fetches pages one after another, pausing in between, and reads each site's robots.txt only
    once. A server that fails to answer several times in a row is not asked again, and neither is
    one that asks for a longer rest; `wait` is the longest that was asked for, in seconds."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = partial(fetch, robots={}) if fetch is fetch_if_changed else fetch
        self._in_vain: Counter[str] = Counter()
        self._resting: dict[str, float] = {}
        self._waited = 0.0
        self.fetched = 0
        self.wait = 0.0

    def __call__(self, address: str, etag: str = "", last_modified: str = "") -> Page | None:
        server = urlsplit(address).netloc.lower()
        if self._in_vain[server] >= _IN_VAIN:
            raise UnreachableError(
                f"{address} was not fetched: its server did not answer {_IN_VAIN} times in a row"
            )
        if rest := self._resting.get(server):
            raise UnreachableError(
                f"{address} was not fetched: its server asks to be left alone for {in_words(rest)}",
                rest,
            )
        if self.fetched:
            time.sleep(_PAUSE)
        self.fetched += 1
        try:
            page = self._patiently(address, etag, last_modified)
        except UnreachableError as error:
            self._in_vain[server] += 1
            self._resting[server] = error.wait
            self.wait = max(self.wait, error.wait)
            raise
        except LoadingError:
            self._in_vain[server] = 0
            raise
        self._in_vain[server] = 0
        return page

    def _patiently(self, address: str, etag: str, last_modified: str) -> Page | None:
        """The page, at a second attempt if the server asks for a short wait before it."""
        try:
            return self._fetch(address, etag, last_modified)
        except UnreachableError as error:
            if not 0 < error.wait <= min(_WAIT, _WAITS - self._waited):
                raise
            self._waited += error.wait
            time.sleep(error.wait)
        return self._fetch(address, etag, last_modified)


def _pages_of(
    index: Primitives, sitemap: Sitemap, place: str, fetch: _Polite, reader: Callable[[], Reader]
) -> _Source:
    """The pages that a sitemap lists: new ones first, then those known to have changed, then those
    without a date of change, different ones in each run."""
    listed = {each.address: each for each in sitemap.pages}
    skipped: list[Skipped] = []
    maps = list(sitemap.maps)
    for address in maps:  # which grows when one leads to others
        if maps.index(address) == _SITEMAPS:
            break
        try:
            page = fetch(address)
        except LoadingError as error:
            skipped.append(Skipped(address, str(error).removeprefix(f"{address} ")))
            continue
        inner = sitemap_of(page.content) if page is not None else None
        if inner is None:
            skipped.append(Skipped(address, "is not a sitemap"))
            continue
        listed |= {each.address: each for each in inner.pages}
        maps += [each for each in inner.maps if each not in maps and page_place(each) != place]
    places = {page_place(address): each for address, each in listed.items()}
    sites = {urlunsplit((*urlsplit(each)[:2], "", "", "")) for each in places}
    known = {
        f.place: f for site in sites for f in index.source_files(under=site) if f.place in places
    }
    fresh = [each for each in places if each not in known]
    stale = [
        each for each in places if each in known and _may_have_changed(known[each], places[each])
    ]
    random.shuffle(stale)
    stale.sort(key=lambda each: (bool(known[each].skipped), places[each].changed < 0))
    left = [each for each in places if each in known.keys() - {*stale}]
    taken = (fresh + stale)[:_PAGES_A_RUN]
    more = len(fresh) + len(stale) - len(taken)
    notices = []
    if more:
        told = f"lists {more:,} more pages than are fetched in one run; run it again for the next"
        notices.append(Notice(place, told))
    if len(maps) > _SITEMAPS:
        unread = len(maps) - _SITEMAPS
        told = (
            f"leads to {unread:,} more sitemaps than are read; add the ones you want individually"
        )
        notices.append(Notice(place, told))
    return _Source(
        [*skipped, *(places[each] for each in taken + left)],
        place,
        place,
        reader,
        fetch,
        {each: known[each] for each in taken + left if each in known},
        tuple(notices),
    )


def _may_have_changed(known: SourceFile, listed: Listed) -> bool:
    return listed.changed < 0 or known.modified != listed.changed or known.reading != READING


class _AsItWasError(Exception):
    def __init__(self, place: str) -> None:
        self.place = place


def page_place(address: str) -> str:
    """An address as the place of a page: without the parts that make no difference to the page."""
    parts = urlsplit(_without_following(address))
    host = parts.netloc.lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme.lower(), "")
    host = host.removesuffix(default) if default else host
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", parts.query, ""))


def _without_following(address: str) -> str:
    """Raises LoadingError if it is not an address."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise LoadingError(f"{address} is not an address ({error}); correct it") from error
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if not name.lower().startswith(_FOLLOWING)]
    return address if len(kept) == len(query) else urlunsplit(parts._replace(query=urlencode(kept)))


_Content = tuple[str, date | None]


@dataclass(frozen=True, slots=True)
class _Owner:
    """Which file the article with an id belongs to, and what it says; None if it was not read."""

    place: str
    content: _Content | None = None


@dataclass(frozen=True, slots=True)
class _Fitted:
    """An article with the id it is to have; `known`: the index has it from another file."""

    article: Article
    entry: str
    known: bool
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What was read together, stored or not: the files by digest, and the owner of each id."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    owners: dict[str, _Owner] = field(default_factory=dict)


@dataclass(slots=True)
class _Tally:
    """Article ids by what became of them; dictionaries, to preserve their order."""

    new: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    unchanged: dict[str, None] = field(default_factory=dict)
    moved: dict[str, None] = field(default_factory=dict)
    duplicates: list[Origin] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def stored(self, report: AddReport) -> None:
        for ids, those in (
            (self.new, report.added),
            (self.changed, report.updated),
            (self.unchanged, report.unchanged),
        ):
            ids.update(dict.fromkeys(those))

    def untouched(self) -> tuple[str, ...]:
        touched = self.new.keys() | self.changed.keys() | self.moved.keys()
        return tuple(each for each in self.unchanged if each not in touched)


class _Bringing:
    """One run over a source: what is known of its files, and what is yet to be stored."""

    def __init__(self, index: Primitives, source: _Source, progress: OnProgress | None) -> None:
        self.trying_again = False  # reads every file, even those that could not be read last time
        self.sees_all = False  # what is not found is no longer there
        self.hands_nothing_over = False  # the caller stores it
        self.run = Run()
        self._index = index
        self._source = source
        self._progress = progress
        self._known = {
            file.place: file
            for file in index.source_files(under=source.top)
            # What is below an address does not belong to it: those are pages of their own.
            if "://" not in source.top or file.place == source.top
        }
        self._known |= source.known
        self._missing: dict[str, SourceFile] = {}
        self._kept: list[str] = []  # places that could not be looked into: nothing there is missing
        self._tally = _Tally(notices=[*source.notices])
        self._files: list[SourceFile] = []  # to be stored with the next batch
        self._articles: list[Article] = []
        self._forget: list[str] = []
        self._handed_over = time.monotonic()
        self._a_batch = _ARTICLES_A_BATCH
        self._held = 0  # files that are there

    def everything(self) -> None:
        found = self._source.found
        places = [self._place(one) for one in found]
        self._kept = [p for p, one in zip(places, found, strict=True) if isinstance(one, Skipped)]
        if self.sees_all:
            present = set(places)
            self._missing = {
                place: file
                for place, file in self._known.items()
                if place not in present and not self._keeps(place)
            }
        with self._source.reader() as reader:
            for number, (one, place) in enumerate(zip(found, places, strict=True), start=1):
                self._bring(one, place, reader)
                if self._progress is not None:
                    self._progress(Progress(number, len(found), _written(one) or place))
        if not self.hands_nothing_over:
            self._hand_over()

    def file_read(self) -> FileRead:
        tally = self._tally
        return FileRead(
            self._files[0] if self._files else None,
            tuple(self._articles),
            tuple(tally.skipped),
            tuple(tally.unchanged),
            tuple(tally.notices),
        )

    def add_report(self) -> AddReport:
        tally = self._tally
        return AddReport(
            added=tuple(tally.new),
            updated=tuple(each for each in tally.changed if each not in tally.new),
            unchanged=(
                *(each for each in tally.moved if each not in tally.new.keys() | tally.changed),
                *tally.untouched(),
            ),
            skipped=tuple(tally.skipped),
            notices=tuple(tally.notices),
        )

    def sync_report(self, *, prune: bool, yes: bool) -> SyncReport:
        """The report, after removing what has vanished if that is wanted and allowed."""
        tally = self._tally
        still = {
            place: replace(file, origins=_there(file))
            for place, file in self._known.items()
            if place not in self._missing and any(origin.gone for origin in file.origins)
        }
        vanished = self._without_an_origin()
        removed: tuple[str, ...] = ()
        refusal = ""
        if prune and (self._missing or still):
            refusal = "" if yes else self._refusal(vanished)
            if not refusal:
                if vanished:
                    self._index.remove(vanished)
                removed = vanished
                forget = list(self._missing)
                for first in range(0, max(len(still), len(forget)), _FILES_A_BATCH):
                    part = slice(first, first + _FILES_A_BATCH)
                    self._index.store_files(list(still.values())[part], forget=forget[part])
        if self._missing and not self._held and not prune:
            told = "has no file in it any more; is it mounted? Its articles stay"
            tally.notices.append(Notice(self._source.written, told))
        return SyncReport(
            new=tuple(tally.new),
            changed=tuple(each for each in tally.changed if each not in tally.new),
            unchanged=tally.untouched(),
            moved=tuple(tally.moved),
            duplicates=tuple(tally.duplicates),
            vanished=vanished,
            removed=removed,
            skipped=tuple(tally.skipped),
            refusal=refusal,
            notices=tuple(tally.notices),
            wait=self._source.fetch.wait,
        )

    # -- one file ------------------------------------------------------------------------------

    def _bring(self, one: One, place: str, reader: Reader) -> None:
        if isinstance(one, Skipped):
            self._tally.skipped.append(one)
            return
        self._held += 1
        known = self._known.get(place)
        listed = one if isinstance(one, Listed) else None
        if isinstance(one, Listed):
            one = self._visited(one, known)
            if isinstance(one, Skipped):
                self._skip(one, known)
                if (
                    known is None
                ):  # recorded, so that what has not been tried yet comes first next time
                    self._store(SourceFile(place, skipped=(one,)), ())
                return
        if one is None:
            self._leave(known or SourceFile(place))
            return
        try:
            stamp = _stamp(one)
            if known is not None and not self.trying_again and self._is_as_it_was(known, stamp):
                self._leave(known)
                return
            content = reader.content(one)
        except LoadingError as error:
            self._skip(Skipped(place_of(one).label, str(error)), known)
            return
        if time.time_ns() - max(stamp.modified, stamp.changed) < _SETTLED:
            stamp = stamp._replace(modified=-1)
        if listed is not None:
            stamp = stamp._replace(modified=listed.changed)
        seen = SourceFile(
            place,
            stamp.size,
            stamp.modified,
            hashlib.sha256(content).hexdigest(),
            READING,
            address=one.url if isinstance(one, Page) else "",
            etag=one.etag if isinstance(one, Page) else "",
            last_modified=one.last_modified if isinstance(one, Page) else "",
            inode=stamp.inode,
            changed=stamp.changed,
        )
        as_read = known is not None and known.digest == seen.digest and self._is_read(known)
        leads_on = self.trying_again and isinstance(one, Page)  # to pages that may exist by now
        if known is not None and as_read and not leads_on:
            self._leave(known)
            self._store(replace(seen, origins=known.origins, skipped=known.skipped), ())
        else:
            self._take(one, content, seen, known, reader)

    def _take(
        self,
        one: Path | Page | Content,
        content: bytes,
        seen: SourceFile,
        known: SourceFile | None,
        reader: Reader,
    ) -> None:
        """Take in a file that is new or has changed."""
        where = place_of(one)
        twin = self._twin(seen, known)
        same_bytes = twin is not None and twin.digest == seen.digest
        if twin is not None and same_bytes and _is_plain(twin) and not isinstance(one, Page):
            named = _source_at(twin.place)
            origins = [
                Origin(
                    seen.place,
                    o.article_id,
                    where.source if o.source == named else o.source,
                    o.entry,
                )
                for o in _there(twin)
            ]
            self._store_twin(_with(seen, origins, known), twin, where)
            return
        try:
            items = list(reader.parsed(one, content))
        except LoadingError as error:
            items = [Skipped(where.label, str(error))]
        if isinstance(one, Page) and items and _was_a_list(known) and all(map(_is_whole, items)):
            items = [Skipped(where.label, "is a single page now, and no longer a feed")]
        skipped = [item for item in items if isinstance(item, Skipped)]
        before = known if known is not None and not same_bytes else twin
        loaded = [item for item in items if isinstance(item, Loaded)]
        complete = True
        if isinstance(one, Page) and any(item.partial for item in loaded):
            whole = list(self._whole(loaded, before, reader))
            loaded = [item for item, _ in whole]
            complete = all(had for _, had in whole)
        mine = {seen.place} | ({twin.place} if twin is not None else set())
        if seen.address:  # the same page, requested by other addresses
            mine |= {f.place for f in self._index.source_files(addresses=[seen.address])}
        origins = []
        articles: list[Article] = []
        for item in self._fitted(loaded, seen, before, mine):
            if isinstance(item, Skipped):
                skipped.append(item)
                continue
            article = item.article
            self._tally.notices += item.notices
            origins.append(Origin(seen.place, article.id, article.source, item.entry))
            if item.known:
                self._tally.duplicates.append(origins[-1])
                self._tally.unchanged[article.id] = None
            else:
                articles.append(article)
        self._tally.skipped += skipped
        # Without a digest it is read again next time, and fetched whether it has changed or not.
        seen = replace(seen, skipped=tuple(skipped), digest=seen.digest if complete else "")
        if not origins and skipped and known is not None:  # what it had before is kept
            self._store(replace(seen, origins=known.origins), ())
        elif twin is not None and articles:
            shared = {origin.article_id for origin in twin.origins} if same_bytes else set()
            new = [article for article in articles if article.id not in shared]
            self._store_twin(_with(seen, origins, known), twin, where, new)
        else:
            self._store(_with(seen, origins, known), articles)

    def _visited(self, listed: Listed, known: SourceFile | None) -> Page | Skipped | None:
        """The page that a sitemap lists; None if it is unchanged."""
        if known is not None and not _may_have_changed(known, listed):
            return None
        asked = known if known is not None and known.digest and known.reading == READING else None
        try:
            page = self._source.fetch(
                listed.address, asked.etag if asked else "", asked.last_modified if asked else ""
            )
        except LoadingError as error:
            return Skipped(listed.address, str(error).removeprefix(f"{listed.address} "))
        return None if page is None else replace(page, url=_without_following(page.url))

    def _whole(
        self, loaded: Sequence[Loaded], before: SourceFile | None, reader: Reader
    ) -> Iterator[tuple[Loaded, bool]]:
        """A feed's entries, each with the text of its page if the feed has only its beginning, and
        whether that is all that can be had at the moment. What has been read is not fetched
        again."""
        ids = _ids_before(loaded, before)
        again = self.trying_again or (before is not None and not before.digest)
        failed: list[str] = []
        fetched = 0
        for item in loaded:
            if not item.partial:
                yield item, True
                continue
            kept = self._as_kept(ids.get(item.entry, ""), item.article.text, again=again)
            if kept is not None or fetched >= _PAGES_A_RUN:
                yield (item, False) if kept is None else (_completed(item, kept), True)
                continue
            fetched += 1
            if self._progress is not None:
                self._progress(Progress(fetched, len(loaded), item.article.url))
            try:
                yield self._with_page(item, reader), True
            except LoadingError as error:
                failed.append(str(error))
                yield item, not isinstance(error, UnreachableError)
        if failed:
            one = "entry has only the beginning of its text"
            more = "entries have only the beginning of their texts"
            told = f"{len(failed):,} {one if len(failed) == 1 else more}: {failed[0]}"
            self._tally.notices.append(Notice(self._source.written, told))

    def _as_kept(self, article_id: str, teaser: str, *, again: bool) -> Article | None:
        """The article that the index has for an entry, if its page need not be fetched again."""
        if not article_id:
            return None
        try:
            kept = self._index.get(article_id)
        except ArticleNotFoundError:
            return None
        asked_in_vain = kept.text == teaser and not again
        return kept if asked_in_vain or goes_on(teaser, kept.text) else None

    def _with_page(self, item: Loaded, reader: Reader) -> Loaded:
        """The entry with the text of its page. Raises LoadingError if the page cannot be had."""
        article = item.article
        page = self._source.fetch(article.url, "", "")
        if page is None or page.media_type not in _PAGE_TYPES:
            return item
        for found in reader.parsed(page, reader.content(page)):
            if isinstance(found, Loaded) and goes_on(article.text, found.article.text):
                return _completed(item, found.article)
        return item

    def _fitted(
        self,
        loaded: Sequence[Loaded],
        seen: SourceFile,
        before: SourceFile | None,
        mine: set[str],
    ) -> Iterator[_Fitted | Skipped]:
        """The articles with the ids they had `before`, or with ids that no article from a file
        other than `mine` has: if their own are taken, with ones made from their location. A record
        that another file also has belongs to that file. A second article for an entry is
        Skipped."""
        ids = _ids_before(loaded, before)
        candidates = {
            item.entry: (
                ids.get(item.entry, item.article.id),
                item.by_place,
                f"{item.by_place}-{seen.digest[:8]}",  # a file moved away may have kept the others
            )
            for item in loaded
        }
        taken = self._taken({name for names in candidates.values() for name in names}, mine)
        named = {name for item in loaded if item.named for name in candidates[item.entry][:2]}
        stored = self._stored(named - set(ids.values()))
        labels: dict[str, str] = {}
        for item in loaded:
            if item.entry in labels:
                yield item.refused(labels[item.entry])
                continue
            labels[item.entry] = item.label
            article, known = item.article, False
            for candidate in candidates[item.entry]:
                owner = self.run.owners.get(candidate)
                elsewhere = owner is not None and (
                    owner.place == seen.place or owner.place not in mine
                )
                article = replace(item.article, id=candidate)
                if not elsewhere and candidate not in taken and candidate not in stored:
                    break
                if item.named and self._has_already(article):
                    known = True
                    break
            if not known:
                self.run.owners[article.id] = _Owner(seen.place, _content(article))
            yield _Fitted(article, item.entry, known, item.notices)

    def _stored(self, ids: Collection[str]) -> set[str]:
        """Which of these ids belong to articles in the index."""
        if len(ids) > _ASKED_ONE_BY_ONE:
            return {summary.id for summary in self._index.articles()} & {*ids}
        found = set()
        for name in ids:
            with suppress(ArticleNotFoundError):
                found.add(self._index.summary(name).id)
        return found

    def _has_already(self, article: Article) -> bool:
        """Whether the article with this id, in the index or yet to be stored, says the same."""
        owner = self.run.owners.get(article.id)
        if owner is not None and owner.content is not None:
            return owner.content == _content(article)
        try:
            text, published = _content(self._index.get(article.id))
        except ArticleNotFoundError:
            return False
        return text == article.text and article.published in (None, published)

    def _taken(self, ids: set[str], mine: set[str]) -> dict[str, list[Origin]]:
        """Which of these ids belong to articles of other files that are still there."""
        taken: dict[str, list[Origin]] = {}
        for chunk in _chunks(sorted(ids)):
            for file in self._index.source_files(articles=chunk):
                if file.place not in mine and file.place not in self._missing:
                    for origin in _there(file):
                        taken.setdefault(origin.article_id, []).append(origin)
        return taken

    def _twin(self, seen: SourceFile, known: SourceFile | None) -> SourceFile | None:
        """Another file with these bytes, preferably one that is no longer there; or for a new page,
        the same page at another address."""
        if seen.digest in self.run.files:
            return self.run.files[seen.digest]
        addresses = [seen.address] if seen.address and known is None else []
        twins = [
            file
            for file in self._index.source_files(digests=[seen.digest], addresses=addresses)
            if file.place != seen.place
            and file.digest == self._known.get(file.place, file).digest  # in this run, too
            and file.reading == READING
            and _there(file)
        ]
        twins.sort(key=lambda file: not self._is_missing(file.place))
        return twins[0] if twins else None

    def _store_twin(
        self, seen: SourceFile, twin: SourceFile, where: Place, articles: Sequence[Article] = ()
    ) -> None:
        """`seen` has the articles of `twin`: it was moved, or exists twice."""
        ids = [origin.article_id for origin in _there(seen)]
        self.run.owners.update(dict.fromkeys(ids, _Owner(seen.place)))
        moved = not self.hands_nothing_over and self._is_missing(twin.place)
        if moved:
            self._missing.pop(twin.place, None)
            self._known.pop(twin.place, None)
            self._forget.append(twin.place)
            self._tally.moved.update(dict.fromkeys(ids))
        else:
            self._tally.duplicates += _there(seen)
            self._tally.unchanged.update(dict.fromkeys(ids))
        self._store(seen, articles)
        if self.hands_nothing_over:
            return
        if not moved and _is_plain(seen) and where.article_id() not in ids:
            self._merge_what_an_earlier_release_made_of_it(where.article_id(), ids[0])

    def _merge_what_an_earlier_release_made_of_it(self, own: str, kept: str) -> None:
        """Files with equal bytes became separate articles before files were recorded."""
        try:
            mine = self._index.get(own)
        except ArticleNotFoundError:
            return
        self._hand_over()
        other = self._index.get(kept)
        same = (mine.title, mine.text) == (other.title, other.text)
        if same and not self._index.source_files(articles=[own]):
            self._index.remove([own])

    def _leave(self, known: SourceFile) -> None:
        """Leave an unchanged file as it is."""
        for origin in _there(known):
            self._tally.unchanged[origin.article_id] = None
            self.run.owners.setdefault(origin.article_id, _Owner(known.place))
        self._tally.skipped += known.skipped

    def _skip(self, skipped: Skipped, known: SourceFile | None) -> None:
        """The file is there but cannot be read: what came from it before is kept."""
        self._tally.skipped.append(skipped)
        for origin in _there(known) if known is not None else ():
            self._tally.unchanged[origin.article_id] = None

    # -- storing -------------------------------------------------------------------------------

    def _store(self, file: SourceFile, articles: Sequence[Article]) -> None:
        """Store it with the next batch; a file with many articles is stored in parts, and does not
        count as read until the last one is stored."""
        if _there(file):
            self.run.files.setdefault(file.digest, file)
        self._known[file.place] = file
        if self.hands_nothing_over:
            self._files.append(file)
            self._articles += articles
            return
        while len(articles) > _A_PART:
            part, articles = articles[:_A_PART], articles[_A_PART:]
            unfinished = replace(file, digest="", skipped=())
            self._tally.stored(self._index.store_files([unfinished], part))
        self._files.append(file)
        self._articles += articles
        waited = time.monotonic() - self._handed_over >= _SECONDS_A_BATCH
        if (
            (waited and self._articles)
            or len(self._articles) >= self._a_batch
            or len(self._files) >= _FILES_A_BATCH
        ):
            self._hand_over()

    def _hand_over(self) -> None:
        begun = time.monotonic()
        if self._files or self._forget:
            report = self._index.store_files(self._files, self._articles, forget=self._forget)
            self._tally.stored(report)
        self._handed_over = time.monotonic()
        if len(self._articles) >= self._a_batch:
            if self._handed_over - begun < _SECONDS_A_BATCH / 2:
                self._a_batch = min(2 * self._a_batch, _MOST_A_BATCH)
            else:
                self._a_batch = _ARTICLES_A_BATCH
        self._files, self._articles, self._forget = [], [], []

    # -- what is no longer there ---------------------------------------------------------------

    def _without_an_origin(self) -> tuple[str, ...]:
        """The articles that came from here and no longer have a file, here or elsewhere."""
        lost: dict[str, None] = {}
        for place, file in self._known.items():
            for origin in file.origins:
                if origin.gone or place in self._missing:
                    lost[origin.article_id] = None
        if lost:  # a file that was cut off may name articles that were never stored
            there = {summary.id for summary in self._index.articles()}
            lost = {article_id: None for article_id in lost if article_id in there}
        for chunk in _chunks(list(lost)):
            for file in self._index.source_files(articles=chunk):
                if file.place not in self._missing:
                    for origin in _there(file):
                        lost.pop(origin.article_id, None)
        return tuple(lost)

    def _refusal(self, vanished: Sequence[str]) -> str:
        """Why these may not be removed without explicit confirmation; "" if they may.

        A tenth of a small index is not even one article, so a few may always go, as long as more of
        the source's articles stay than go: an unmounted disk takes away most or all.
        """
        count = len(vanished)
        articles = f"{count:,} article" + ("" if count == 1 else "s")
        if self._missing and not self._held:
            return (
                f"{self._source.written} has no file in it; is it mounted? {articles} that came "
                "from there stay in the index"
            )
        tally = self._tally
        stay = (tally.unchanged.keys() | tally.changed.keys() | tally.moved.keys()) - {*vanished}
        if count <= _A_FEW and count < len(stay):
            return ""
        total = self._index.statistics().articles
        if count * _TENTH > total:
            return (
                f"{count:,} of {total:,} articles {'is' if count == 1 else 'are'} no longer in "
                f"{self._source.written}: more than a tenth of the index is not removed without --yes"
            )
        return ""

    # -- places --------------------------------------------------------------------------------

    def _place(self, one: One) -> str:
        """Where it is, as the index records it; for a Skipped, as far as that is known."""
        source = self._source
        if isinstance(one, Listed):
            return page_place(one.address)
        if one is None or isinstance(one, Page | Content):
            return source.top
        # As written, under the resolved folder: the folders within it are not links.
        written = one.source if isinstance(one, Skipped) else str(one)
        if written == source.written:
            return source.top
        rest = written.removeprefix(source.written).lstrip(os.sep)
        if source.written == ".":
            rest = written
        return os.path.join(source.top, rest if isinstance(one, Skipped) else _text(rest))  # noqa: PTH118

    def _keeps(self, place: str) -> bool:
        return any(place == kept or place.startswith(f"{kept}/") for kept in self._kept)

    def _is_as_it_was(self, known: SourceFile, stamp: _Stamp) -> bool:
        kept = _Stamp(known.size, known.modified, known.inode, known.changed)
        return stamp.modified >= 0 and kept == stamp and self._is_read(known)

    def _is_read(self, known: SourceFile) -> bool:
        """Whether what is known of a file is still valid."""
        return bool(
            known.digest and known.reading == READING and not (self.trying_again and known.skipped)
        )

    def _is_missing(self, place: str) -> bool:
        if place in self._missing:
            return True
        # It is elsewhere; or its place has a name like "\\xe9" for bytes that are not text.
        unknown = "://" in place or "\\x" in place
        seen = self.sees_all and place in self._known
        return not unknown and not seen and not os.path.lexists(place)


def _was_a_list(known: SourceFile | None) -> bool:
    """Whether several articles came from it, or one that was an entry, as in a feed."""
    there = _there(known) if known is not None else ()
    return bool(there) and all(origin.entry for origin in there)


def _is_whole(item: Loaded | Skipped) -> bool:
    """Whether it is all that its file contains."""
    return isinstance(item, Loaded) and not item.entry


def _ids_before(loaded: Sequence[Loaded], before: SourceFile | None) -> dict[str, str]:
    """The ids that the articles of these entries had. An entry named by its address stays the same
    if the address differs only in what does not change the page: "https" for "http", a final
    "/"."""
    if before is None:
        return {}
    ids = {origin.entry: origin.article_id for origin in before.origins}
    had = {ids[item.entry] for item in loaded if item.entry in ids}
    by_page: dict[str, str] = {}
    for origin in before.origins:
        if origin.article_id not in had and (page := _page_named(origin.entry)):
            by_page.setdefault(page, origin.article_id)
    for item in loaded:
        page = _page_named(item.entry) if item.entry not in ids else ""
        if page in by_page:
            ids[item.entry] = by_page.pop(page)
    return ids


def _page_named(entry: str) -> str:
    """What an address leads to, however it is written; "" for an entry named some other way."""
    if not web_address(entry):
        return ""
    try:
        scheme, _, rest = page_place(entry).partition("://")
    except LoadingError:
        return ""
    part = entry.partition("#")[2]  # entries may be parts of one page
    path, mark, query = rest.removeprefix("www.").partition("?")
    return f"{path.rstrip('/')}{mark}{query}#{part}" if scheme else ""


def _completed(item: Loaded, whole: Article) -> Loaded:
    """A feed's entry with the text of its page, and the page's details where the feed has none."""
    entry = item.article
    return replace(
        item,
        article=replace(
            entry,
            text=whole.text,
            published=entry.published or whole.published,
            authors=entry.authors or whole.authors,
            tags=entry.tags or whole.tags,
            language=entry.language or whole.language,
        ),
        notices=tuple(notice for notice in item.notices if CUT_OFF not in notice.text),
    )


def _written(one: One) -> str:
    """How progress shows it: a file with its folder only, since a line has little room."""
    if isinstance(one, Listed):
        return one.address
    path = Path(one.source) if isinstance(one, Skipped) else one
    return shown(Path(*path.parts[-2:])) if isinstance(path, Path) else ""


class _Stamp(NamedTuple):
    """What the file system says about a file: bytes, nanoseconds, its number; -1 if unknown."""

    size: int
    modified: int = -1
    inode: int = -1
    changed: int = -1


def _stamp(one: Path | Page | Content) -> _Stamp:
    if isinstance(one, Page | Content):
        return _Stamp(len(one.content))
    try:
        status = one.stat()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise LoadingError(f"cannot be opened: {reason}") from error
    inode = status.st_ino & _LARGEST_INTEGER
    return _Stamp(status.st_size, status.st_mtime_ns, inode, status.st_ctime_ns)


def _text(path: Path | str) -> str:
    """The path as the text that ids are made from, whatever bytes its name consists of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _content(article: Article) -> _Content:
    return article.text, article.published


def _there(file: SourceFile) -> tuple[Origin, ...]:
    """Its articles, without those it no longer has."""
    return tuple(origin for origin in file.origins if not origin.gone)


def _with(seen: SourceFile, origins: Sequence[Origin], known: SourceFile | None) -> SourceFile:
    """The file with these articles, and with those it had before marked as gone."""
    ids = {origin.article_id for origin in origins}
    entries = {origin.entry for origin in origins}
    gone = [
        replace(
            origin,
            gone=True,
            entry=f"{origin.entry}\n{origin.article_id}"
            if origin.entry in entries
            else origin.entry,
        )
        for origin in (known.origins if known is not None else ())
        if origin.article_id not in ids
    ]
    return replace(seen, origins=(*origins, *gone))


def _is_plain(file: SourceFile) -> bool:
    """Whether the file is not an archive, and all of it could be read."""
    return not file.skipped and not any("\n" in origin.entry for origin in _there(file))


def _source_at(place: str) -> str:
    if place.startswith(_UPLOADED):
        name = place.removeprefix(_UPLOADED).rpartition("#")[0]
        return place_of(Content(name, b"")).source
    return place_of(Path(place)).source


def _chunks(values: Sequence[Each]) -> Iterable[Sequence[Each]]:
    for first in range(0, len(values), _FILES_A_BATCH):
        yield values[first : first + _FILES_A_BATCH]
