"""Addresses that a document lists: the pages of a site (sitemap), and the page behind a feed's teaser.

    sitemap_of(content, address)    Sitemap(pages, maps), or None if it is something else
    may_be_teaser(text)             whether a feed entry may be only the beginning of its article
    goes_on(teaser, text)           whether a page has the full article
    corrects(teaser, text)          whether a teaser has another figure between the same words
    is_cut_off(text)                whether it ends the way excerpts do: "[…]", "Read more"
    is_not_free(page, text)         whether it is for subscribers only
    feed_of(content, address)       the feed that a web page offers, "" if it offers none

Nothing is fetched here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from vectorstore.loading.dates import day
from vectorstore.loading.draft import shorten, web_address
from vectorstore.loading.text import decode

_MOST = 50_000  # addresses, as the protocol allows
_LAST = (1 << 63) - 1  # the last nanosecond that can be stored, in the year 2262
_SHORT = 1_000  # characters of a text that may be a teaser
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")
_FIGURE = re.compile(r"\d+")
_SHARED = 0.6  # fraction of a teaser's words that its page has
_MORE = 1.3  # times as long as the teaser
EXCERPTS = "excerpts and notes stand for it"
CUT_OFF = "end as excerpts do (“…”, “Read more”)"
NOT_FREE = "says that it is not free to read; its text may be only the beginning"
_NOT_FREE = re.compile(
    r"""isAccessibleForFree["']?\s*[:=]\s*["']?false|"""
    r"""isAccessibleForFree["'][^<>]{0,40}content\s*=\s*["']?false""",
    re.IGNORECASE,
)
_TO_READ_ON = re.compile(  # as it is said to a reader: not of others, who "must register to continue"
    r"(?:\A|(?<=[.!?:|\n] )|(?<=\n)|(?<=\bplease )|(?<=\byou must )|(?<=\byou need to ))"
    r"(?:subscribe|sign (?:in|up)|log in|register|become a (?:member|subscriber))\b[^.!?\n]{0,40}"
    r"\bto (?:(?:continue|keep) reading|read (?:on|more)|(?:continue|read)(?=[^\w\n]*(?:\n|\Z))|"
    r"(?:read|continue to|unlock|view|access) [\w’' -]{0,30}"
    r"\b(?:article|story|stories|content|report|text|rest|page|journalism)\b)",
    re.IGNORECASE,
)
_END = 120  # characters
_CUT_OFF = re.compile(
    r"(?:…|\.\.\.|[\[(](?:…|\.\.\.|\+\d+ char(?:acter)?s)[\])])\Z|"
    r"\b(?:(?:read|see|view|show) more|(?:continue|keep) reading|read on|(?:read|view|see) (?:the )?(?:full|whole|rest)\b"
    r"[\w ]{0,40}|weiterlesen|mehr lesen|lire la suite|leer más|seguir leyendo|lees verder)[^\w.!?]{0,5}\Z",
    re.IGNORECASE,
)
_HEAD = 200_000  # bytes of a page that are searched for its head
_FEEDS = ("application/rss+xml", "application/atom+xml")
_HEAD_OF_XML = 65_536  # bytes in which it says what it is
_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*+(?:(?><!--.*?-->|<\?[^>]*>|<!DOCTYPE[^>\[]*>)\s*+)*+<(?:\w+:)?(urlset|sitemapindex)\b",
    re.DOTALL,
)
_AMPERSAND = re.compile(rb"(<!\[CDATA\[.*?(?:\]\]>|\Z))|&(?!(?:\w{1,8}|#\w{1,8});)", re.DOTALL)
_NAMED = re.compile(
    r"^[ \t]*sitemap[ \t]*:(.*?)(?:[ \t]#.*)?$", re.IGNORECASE | re.MULTILINE
)  # in a robots.txt


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that a sitemap lists; `changed` in nanoseconds since 1970, -1 if not stated. A news
    sitemap states when it was published, and its title."""

    address: str
    changed: int = -1
    published: date | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The pages of a site, and further sitemaps; most recently changed first. `notices` say what in
    it could not be used."""

    pages: tuple[Listed, ...]
    maps: tuple[str, ...]
    notices: tuple[str, ...] = ()


def sitemap_of(content: bytes, address: str) -> Sitemap | None:
    """What the sitemap at `address` lists (sitemaps.org), as XML or as lines of text, or what a
    robots.txt names; None if it is something else."""
    from lxml import etree

    if urlsplit(address).path == "/robots.txt":
        named, notices = _addresses(_NAMED.findall(decode(content)), address)
        return Sitemap((), tuple(named), notices or ("names no sitemap",) * (not named))
    head = _as_ascii(content[:_HEAD_OF_XML])
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"http"):
        lines, notices = _addresses(decode(content).splitlines()[:_MOST], "")
        return None if notices else Sitemap(tuple(map(Listed, lines)), ())
    if not _START.match(head):
        return None
    root, damage = _parsed(content)
    if root is None:
        return Sitemap((), (), (damage,))
    entries: dict[str, Any] = {}
    for entry in list(root)[:_MOST]:
        entries.setdefault(_said(entry, "loc"), entry)
    found, notices = _addresses(entries, address)
    listed = [
        Listed(each, _nanoseconds(_said(entries[written], "lastmod")), *_news(entries[written]))
        for each, written in found.items()
    ]
    listed = sorted(listed, key=lambda each: -each.changed)
    notices += (damage,) * bool(damage) + ("lists no pages",) * (not listed and not damage)
    if etree.QName(root).localname == "sitemapindex":
        return Sitemap((), tuple(each.address for each in listed), notices)
    return Sitemap(tuple(listed), (), notices)


def _parsed(content: bytes) -> tuple[Any, str]:
    """Its root, None if it has none, and a notice if not all of it could be read."""
    from lxml import etree

    wide = _is_wide(content)
    content = content.decode("utf-16", "replace").encode() if wide else content
    content = content.removeprefix(codecs.BOM_UTF8).lstrip()
    options: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False}
    options |= {"encoding": "utf-8"} if wide else {}
    mended = _AMPERSAND.sub(lambda found: found[1] or b"&amp;", content)
    damage = ""
    for written in (content, mended):
        try:
            return etree.fromstring(written, etree.XMLParser(**options)), ""
        except etree.XMLSyntaxError as error:
            damage = f"is damaged, and may list more than could be read: {error.msg}"
    return etree.fromstring(mended, etree.XMLParser(recover=True, **options)), damage


def _said(entry: Any, name: str) -> str:
    """What the element of that name says, in an entry or below it."""
    found = entry.find(f"{{*}}{name}") if isinstance(entry.tag, str) else None
    return "" if found is None else str(found.xpath("string()")).strip()


def _news(entry: Any) -> tuple[date | None, str]:
    """When the page was published and its title, as a news sitemap states them."""
    news = entry.find("{*}news")
    if news is None:
        return None, ""
    return day(_said(news, "publication_date")), shorten(_said(news, "title"), 300)


def _addresses(written: Iterable[str], base: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The addresses as they are written in a document found at `base`, and a notice of what is
    none."""
    found: dict[str, str] = {}
    bad: list[str] = []
    for each in written:
        try:
            address = web_address(urljoin(base, each.strip())) if each.strip() else ""
            urlsplit(address)
        except ValueError:
            address = ""
        if address:
            found.setdefault(address, each)
        elif each.strip():
            bad.append(each.strip())
    many = (
        f"{len(bad):,} of its entries are not addresses, such as {shorten(bad[0], 60)!r}"
        if bad
        else ""
    )
    return found, (many,) * bool(bad)


def _as_ascii(head: bytes) -> bytes:
    """The beginning of a document, converted to ASCII if it is UTF-16."""
    return head.decode("utf-16", "ignore").encode("ascii", "replace") if _is_wide(head) else head


def _is_wide(content: bytes) -> bool:
    """Whether a byte order mark shows that it is UTF-16."""
    return content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


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


def corrects(teaser: str, text: str) -> bool:
    """Whether a teaser has a figure that `text` lacks, where it has another between the same
    words. What a feed adds of its own ("14 comments") corrects nothing."""
    had, words = set(_FIGURE.findall(text)), _WORD.findall(teaser.lower())
    masked, whole = (
        ["#" if word.isdecimal() else word for word in each]
        for each in (words, _WORD.findall(text.lower()))
    )
    said = f" {' '.join(whole)} "
    return any(
        f" {' '.join(masked[max(0, at - 2) : at + 3])} " in said
        for at, word in enumerate(words)
        if word.isdecimal() and word not in had
    )


def is_cut_off(text: str) -> bool:
    """Whether a text ends the way feeds and readers end one that continues elsewhere."""
    return _CUT_OFF.search(text.rstrip()[-_END:]) is not None


def is_not_free(page: str, text: str) -> bool:
    """Whether a page says that its article is for subscribers, in its markup (schema.org) or at the
    end of the text that it shows."""
    return bool(_NOT_FREE.search(page) or _TO_READ_ON.search(text, max(0, len(text) - _END)))


def _nanoseconds(written: str) -> int:
    try:
        when = datetime.fromisoformat(written)
    except ValueError:
        return -1
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max(-1, int(when.timestamp()) * 1_000_000_000), _LAST)
