"""Feeds (RSS, Atom, RDF): every entry an article, with what the feed carries of its text.

feedparser reads them. Only what stands in the feed is read: the pages its links lead to are not
fetched. XML entities of a feed's own are refused: they can grow without end, or read other files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.dates import day
from vectorstore.loading.draft import Draft, apart, language_code, shorten, web_address
from vectorstore.loading.markup import sound, text_of
from vectorstore.loading.text import decode

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*?\?>")
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding=[\"']([\w.:-]+)")


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The entries in the feed's order; those without a text are Skipped. Raises LoadingError where
    it is no feed."""
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
        what = "a feed" if feed.version else "XML, but no feed (RSS or Atom),"
        raise LoadingError(f"is {what} without articles in it")
    yield from apart(_entries(feed))


def _entries(feed: Any) -> Iterator[Draft | Skipped]:
    source = shorten(sound(text_of(feed.feed.get("title", ""))), 300)
    for number, entry in enumerate(feed.entries, start=1):
        link = web_address(entry.get("link"))
        text = sound(_text(entry))
        if not text.strip():
            yield Skipped(f"entry {number}", "has no text")
            continue
        yield Draft(
            text,
            title=shorten(sound(text_of(entry.get("title", ""))), 300),
            published=_day(entry),
            authors=_authors(entry),
            source=source,
            url=link,
            language=language_code(feed.feed.get("language")),
            key=sound(entry.get("id") or link),
            label=f"entry {number}",
        )


def _text(entry: Any) -> str:
    """The longest of what the entry carries of its article."""
    carried = [*entry.get("content", []), entry.get("summary_detail") or {}]
    texts = []
    for part in carried:
        value = part.get("value", "")
        plain = part.get("type") == "text/plain" and "<" not in value
        texts.append(value.strip() if plain else text_of(value))
    return max(texts, key=len)


def _day(entry: Any) -> date | None:
    """The day as written in the feed; as feedparser makes it out where that is unusual."""
    for field in ("published", "updated"):
        if found := day(entry.get(field)):
            return found
        if parsed := entry.get(field + "_parsed"):
            return date(*parsed[:3])
    return None


def _authors(entry: Any) -> tuple[str, ...]:
    names = (author.get("name", "") for author in entry.get("authors", []))
    return tuple(sound(" ".join(name.split())) for name in names if name.strip())
