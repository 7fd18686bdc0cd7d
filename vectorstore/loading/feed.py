"""Feeds (RSS, Atom, RDF): every entry an article, with what the feed carries of its text.

feedparser reads them. In a weblog's export, the published posts are articles (`weblog`). Only what
is in the feed is read: the pages it links to are not fetched. XML entities declared by a feed are
rejected: they can expand without limit, or read other files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urljoin

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.dates import Days, is_never, written_day
from vectorstore.loading.draft import Draft, apart, language_code, shorten, web_address
from vectorstore.loading.fields import tags_of
from vectorstore.loading.links import CUT_OFF, is_cut_off, may_be_teaser
from vectorstore.loading.markup import looks_like_markup, sound, text_of
from vectorstore.loading.text import decode
from vectorstore.loading.weblog import author_names, footnotes, left_out, named_tags, text_of_post

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*?\?>")
_OUTLINE = re.compile(r"<opml[\s>]", re.IGNORECASE)
_DATED = ("published", "wp_post_date", "updated")
_UNDATED = "date {!r} names no day and was left out"
_WORD = re.compile(r"\w+")
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding=[\"']([\w.:-]+)")


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The entries in the feed's order; those without text are Skipped. Raises LoadingError if it is
    not a feed."""
    from io import BytesIO

    import feedparser  # type: ignore[import-untyped]

    declared = _ENCODING.search(content[:200])
    written = decode(content, declared[1].decode() if declared else "")
    if "<!ENTITY" in written:
        raise LoadingError("declares XML entities, which are not followed; save it without them")
    # As a stream: given bytes, feedparser would first try them as the name of a file.
    feed = feedparser.parse(
        BytesIO(_DECLARATION.sub("", written, count=1).encode("utf-8", "replace"))
    )
    if not feed.entries:
        if _OUTLINE.search(written[:2_000]):
            raise LoadingError("is a list of feeds (OPML); add each feed in it by its address")
        what = "a feed" if feed.get("version") else "XML, but no feed (RSS or Atom),"
        raise LoadingError(f"is {what} without articles in it")
    others = Counter(kind for entry in feed.entries if (kind := left_out(entry)))
    told = f"left out what is no published post: {_counted(others)}" if others else ""
    if others.total() == len(feed.entries):
        raise LoadingError(told)
    drafts = list(apart(_entries(feed, author_names(written), footnotes(written))))
    cut = sum(isinstance(each, Draft) and is_cut_off(each.text) for each in drafts)
    ends = f"{cut:,} of {len(drafts):,} entries {CUT_OFF}" if cut else ""
    for draft in drafts:
        if told and isinstance(draft, Draft):
            draft, told = replace(draft, notices=(told, *draft.notices)), ""
        if ends and isinstance(draft, Draft) and is_cut_off(draft.text):
            draft, ends = replace(draft, notices=(*draft.notices, ends)), ""
        yield draft


def _entries(
    feed: Any, names: Mapping[str, str], notes: Mapping[str, str]
) -> Iterator[Draft | Skipped]:
    source = shorten(sound(text_of(feed.feed.get("title", ""))), 300)
    site = web_address(feed.feed.get("link"))
    shared = _shared(feed.entries) | {site}  # ids that do not identify a single entry
    days = Days(entry.get(field) for entry in feed.entries for field in _DATED)
    for number, entry in enumerate(feed.entries, start=1):
        if left_out(entry):
            continue
        link = _link(entry, site)
        text = sound("\n\n".join(filter(None, (_text(entry), notes.get(entry.get("wp_post_id"))))))
        if not text.strip():
            yield Skipped(f"entry {number}", "has no text")
            continue
        published = _day(entry, days)
        dated = entry.get("published") or entry.get("updated") or ""
        notices = (
            () if published or not dated else (f"entry {number}: {_UNDATED.format(dated[:60])}",)
        )
        yield Draft(
            text,
            title=shorten(sound(text_of(entry.get("title", ""))), 300),
            published=published,
            authors=tuple(names.get(name, name) for name in _authors(entry)),
            source=source,
            url=link,
            language=language_code(feed.feed.get("language")),
            key=sound(link if entry.get("id") in shared else entry.get("id") or link),
            label=f"entry {number}",
            notices=notices,
            partial=bool(link) and may_be_teaser(text),
            tags=tags_of([sound(tag) for tag in named_tags(entry)]),
        )


def _shared(entries: Any) -> set[str]:
    """The ids shared by entries with different links: some programs give them all the same id."""
    links: dict[str, set[str]] = {}
    for entry in entries:
        links.setdefault(entry.get("id") or "", set()).add(entry.get("link") or "")
    return {each for each, of in links.items() if len(of) > 1}


def _link(entry: Any, site: str) -> str:
    """The address of an entry's page, "" if it has none; a relative one is resolved against the
    feed's site."""
    try:
        return web_address(urljoin(site, entry["link"])) if entry.get("link") else ""
    except ValueError:  # not an address
        return ""


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())


def _text(entry: Any) -> str:
    """The longest of the texts that the entry carries of its article; with its content below it,
    if that is another text."""
    of_markup = text_of_post if "wp_post_type" in entry else text_of

    def shown(part: Any) -> str:
        value = part.get("value", "")
        plain = part.get("type") == "text/plain" and not looks_like_markup(value)
        return str(value.strip() if plain else of_markup(value).strip())

    summary = shown(entry.get("summary_detail") or {})
    content = max(map(shown, entry.get("content", [])), key=len, default="")
    words, others = set(_WORD.findall(content.lower())), set(_WORD.findall(summary.lower()))
    if len(summary) > len(content) and 2 * len(words - others) > len(words):
        return f"{summary}\n\n{content}"
    return max(content, summary, key=len) or of_markup(entry.get("excerpt_encoded") or "")


def _day(entry: Any, days: Days) -> date | None:
    """The day as written in the feed; if that is unusual, as feedparser interprets it."""
    for field in _DATED:
        written = entry.get(field) or ""
        if found := days.day(written):
            return found
        # It takes any long number for a day.
        if (
            not is_never(written)
            and not written.strip().isdecimal()
            and (parsed := entry.get(field + "_parsed"))
        ):
            return written_day(date(*parsed[:3]).isoformat())
    return None


def _authors(entry: Any) -> tuple[str, ...]:
    names = (author.get("name", "") for author in entry.get("authors", []))
    return tuple(sound(" ".join(name.split())) for name in names if name.strip())
