"""Addresses that a document lists: the pages of a site (sitemap), and the page behind a feed's teaser.

    sitemap_of(content)         Sitemap(pages, maps), or None if it is something else
    may_be_teaser(text)         whether a feed entry may be only the beginning of its article
    goes_on(teaser, text)       whether a page has the full article
    is_cut_off(text)            whether it ends the way excerpts do: "[…]", "Read more"
    feed_of(content, address)   the feed that a web page offers, "" if it offers none

Nothing is fetched here.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin

from vectorstore.loading.draft import web_address

_MOST = 50_000  # addresses, as the protocol allows
_LAST = (1 << 63) - 1  # the last nanosecond that can be stored, in the year 2262
_SHORT = 1_000  # characters of a text that may be a teaser
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")
_SHARED = 0.6  # fraction of a teaser's words that its page has
_MORE = 1.3  # times as long as the teaser
CUT_OFF = "end as excerpts do (“…”, “Read more”)"
_END = 120  # characters
_CUT_OFF = re.compile(
    r"(?:…|\.\.\.|[\[(](?:…|\.\.\.)[\])])\Z|"
    r"\b(?:(?:read|see|view|show) more|(?:continue|keep) reading|read on|(?:read|view|see) (?:the )?(?:full|whole|rest)\b"
    r"[\w ]{0,40}|weiterlesen|mehr lesen|lire la suite|leer más|seguir leyendo|lees verder)[^\w.!?]{0,5}\Z",
    re.IGNORECASE,
)
_HEAD = 200_000  # bytes of a page that are searched for its head
_FEEDS = ("application/rss+xml", "application/atom+xml")
_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<\?[^>]*>\s*|<!DOCTYPE[^>\[]*>\s*)*<(?:\w+:)?(urlset|sitemapindex)\b",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that a sitemap lists; `changed` in nanoseconds since 1970, -1 if not stated."""

    address: str
    changed: int = -1


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The pages of a site, and further sitemaps; most recently changed first."""

    pages: tuple[Listed, ...]
    maps: tuple[str, ...]


def sitemap_of(content: bytes) -> Sitemap | None:
    """What a sitemap lists (sitemaps.org), as XML or as lines of text; None if it is not one."""
    from lxml import etree

    if content.startswith(b"http"):
        lines = [
            web_address(line)
            for line in content.decode("utf-8", "replace").splitlines()
            if line.strip()
        ]
        return Sitemap(tuple(map(Listed, dict.fromkeys(lines[:_MOST]))), ()) if all(lines) else None
    if not _START.match(_as_ascii(content[:4_096])):
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(content, parser=parser)
    except etree.XMLSyntaxError:
        return None
    found: dict[str, int] = {}
    for entry in list(root)[:_MOST] if root is not None else []:
        said = {
            etree.QName(each).localname: (each.text or "").strip()
            for each in entry
            if isinstance(each.tag, str)
        }
        if address := web_address(said.get("loc")):
            found.setdefault(address, _nanoseconds(said.get("lastmod", "")))
    if etree.QName(root).localname == "sitemapindex":
        return Sitemap((), tuple(sorted(found, key=lambda each: -found[each])))
    listed = (Listed(address, changed) for address, changed in found.items())
    return Sitemap(tuple(sorted(listed, key=lambda each: -each.changed)), ())


def _as_ascii(head: bytes) -> bytes:
    """The beginning of a document, converted to ASCII if a byte order mark shows it is UTF-16."""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return head.decode("utf-16", "ignore").encode("ascii", "replace") if wide else head


def feed_of(content: bytes, address: str) -> str:
    """The first feed that the page at `address` names in its head, by RSS autodiscovery."""
    from lxml import etree

    try:
        root = etree.fromstring(content[:_HEAD], parser=etree.HTMLParser(no_network=True))
    except etree.LxmlError:
        return ""
    for link in root.iter("link") if root is not None else ():
        relations = link.get("rel", "").lower().split()
        written = link.get("href", "").strip()
        if written and "alternate" in relations and link.get("type", "").lower() in _FEEDS:
            try:
                found = web_address(urljoin(address, written))
            except ValueError:  # not an address: "http://[news"
                continue
            if found:
                return found
    return ""


def may_be_teaser(text: str) -> bool:
    return len(text) < _SHORT


def goes_on(teaser: str, text: str) -> bool:
    """Whether `text` is longer and shares its words: no notice about cookies or subscriptions."""
    wanted, words = ({word.lower() for word in _WORD.findall(each)} for each in (teaser, text))
    return len(text) > _MORE * len(teaser) and len(wanted & words) >= _SHARED * len(wanted)


def is_cut_off(text: str) -> bool:
    """Whether a text ends the way feeds and readers end one that continues elsewhere."""
    return _CUT_OFF.search(text.rstrip()[-_END:]) is not None


def _nanoseconds(written: str) -> int:
    try:
        when = datetime.fromisoformat(written)
    except ValueError:
        return -1
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max(-1, int(when.timestamp()) * 1_000_000_000), _LAST)
