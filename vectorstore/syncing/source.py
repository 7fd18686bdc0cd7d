"""Finds what a source has: the files of a folder, a page, or the pages that a sitemap lists."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from vectorstore.articles import Notice, Skipped, SourceFile
from vectorstore.errors import LoadingError
from vectorstore.fetching import Page, fetch_if_changed
from vectorstore.home import expanded
from vectorstore.loading import READING, Content, Reader, load
from vectorstore.loading.draft import web_address
from vectorstore.loading.links import Listed, Sitemap, feed_of, sitemap_of
from vectorstore.syncing.places import page_place, path_text, without_following
from vectorstore.syncing.polite import PAGES_A_RUN, Fetch, Polite

if TYPE_CHECKING:
    from vectorstore.primitives import Primitives

One = Path | Page | Content | Listed | Skipped | None

PAGE_TYPES = ("text/html", "application/xhtml+xml")
_LISTS = (".xml", ".rss", ".atom", ".rdf", ".xml.gz")  # endings of feed and sitemap addresses
_SITEMAPS = 100  # that an index of sitemaps leads to


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be brought in: the files, or the page, or None for an unchanged page; the place
    that all of it is under, and how that place is written in what was found."""

    found: Sequence[One]
    top: str
    written: str
    reader: Callable[[], Reader]
    fetch: Polite = field(default_factory=lambda: Polite(fetch_if_changed))
    known: Mapping[str, SourceFile] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


def find(index: Primitives, source: str | Path, fetch: Fetch, *, ask_anew: bool) -> Source:
    """Find the files, or ask for the page; nothing is parsed yet."""
    polite = Polite(fetch)

    def asked(address: str) -> Page:
        place = page_place(address)
        known = [file for file in index.source_files(under=place) if file.place == place]
        if ask_anew or not known or not known[0].digest or known[0].reading != READING:
            known = [SourceFile(place)]
        page = polite(address, known[0].etag, known[0].last_modified)
        if page is None:
            raise _AsItWasError(place)
        return replace(page, url=without_following(page.url))

    try:
        loading = load(source, fetch=asked)
    except _AsItWasError as known:
        return Source([None], known.place, known.place, Reader)
    found = [one for one in loading.found if not isinstance(one, Content)]
    if found and isinstance(found[0], Page):
        place = page_place(found[0].asked)
        if found[0].media_type in PAGE_TYPES and urlsplit(place).path.lower().endswith(_LISTS):
            raise LoadingError(f"{place} gives a web page, not a feed or sitemap as its name says")
        sitemap = sitemap_of(found[0].content, found[0].url)
        if sitemap is not None:
            return _pages_of(index, sitemap, place, polite, loading.reader)
        notices = tuple(_offers(found[0], polite)) if urlsplit(place).path == "/" else ()
        return Source(found, place, place, loading.reader, polite, notices=notices)
    path = Path(source)
    if path.parts[:1] == ("~",):
        path = expanded(path)
    return Source(found, path_text(path.resolve()), str(path), loading.reader)


def _offers(home: Page, fetch: Polite) -> Iterator[Notice]:
    """A notice of a site's feed, or else its sitemaps: its home page is not an article, and whoever
    names it wants its articles."""
    place = page_place(home.asked)
    if home.media_type in PAGE_TYPES and (feed := feed_of(home.content, home.url)):
        yield Notice(place, f"offers a feed of its articles: {feed}")
    elif maps := [*filter(web_address, fetch.sitemaps(home.url))]:
        more = f" and {len(maps) - 1:,} more" if maps[1:] else ""
        yield Notice(place, f"offers a list of its pages: {maps[0]}{more}")


def _pages_of(
    index: Primitives, sitemap: Sitemap, place: str, fetch: Polite, reader: Callable[[], Reader]
) -> Source:
    """The pages that a sitemap lists: new ones first, then those known to have changed, then those
    without a date of change, different ones in each run."""
    listed = {each.address: each for each in sitemap.pages}
    skipped: list[Skipped] = []
    notices = [Notice(place, told) for told in sitemap.notices]
    maps = list(sitemap.maps)
    known_maps = {place, *map(page_place, maps)}
    for number, address in enumerate(maps):  # which grows when one leads to others
        if number == _SITEMAPS:
            break
        try:
            page = fetch(address)
        except LoadingError as error:
            skipped.append(Skipped(address, str(error).removeprefix(f"{address} ")))
            continue
        inner = sitemap_of(page.content, page.url) if page is not None else None
        if inner is None:
            skipped.append(Skipped(address, "is not a sitemap"))
            continue
        listed |= {each.address: each for each in inner.pages}
        notices += [Notice(address, told) for told in inner.notices]
        further = [each for each in inner.maps if page_place(each) not in known_maps]
        maps += further
        known_maps |= {*map(page_place, further)}
    places = {page_place(address): each for address, each in listed.items()}
    sites = {urlunsplit((*urlsplit(each)[:2], "", "", "")) for each in places}
    known = {
        f.place: f for site in sites for f in index.source_files(under=site) if f.place in places
    }
    fresh = [each for each in places if each not in known]
    stale = [
        each for each in places if each in known and may_have_changed(known[each], places[each])
    ]
    random.shuffle(stale)
    stale.sort(key=lambda each: (bool(known[each].skipped), places[each].changed < 0))
    left = [each for each in places if each in known.keys() - {*stale}]
    taken = (fresh + stale)[:PAGES_A_RUN]
    more = len(fresh) + len(stale) - len(taken)
    if more:
        told = f"lists {more:,} more pages than are fetched in one run; run it again for the next"
        notices.append(Notice(place, told))
    if len(maps) > _SITEMAPS:
        unread = len(maps) - _SITEMAPS
        told = (
            f"leads to {unread:,} more sitemaps than are read; add the ones you want individually"
        )
        notices.append(Notice(place, told))
    return Source(
        [*skipped, *(places[each] for each in taken + left)],
        place,
        place,
        reader,
        fetch,
        {each: known[each] for each in taken + left if each in known},
        tuple(notices),
    )


def may_have_changed(known: SourceFile, listed: Listed) -> bool:
    return listed.changed < 0 or known.modified != listed.changed or known.reading != READING


class _AsItWasError(Exception):
    def __init__(self, place: str) -> None:
        self.place = place
