"""An article for reading: its text split where quotes begin and end, and quotes that are gone.

    reading = read_article(index, article_id, quotes, saved)
    reading.to_dict()                                   for the reader beside the chat
    reading.page(chosen=1)                              for a separate tab

`saved` are the citations of a saved answer, or one that a visitor saved: if the article was removed
or has changed since, the quotes are shown from there. This module knows the index and how articles
look, but not whose answer it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from assistant.answers import Citation
from assistant.render.html import article_page
from assistant.render.parts import Authors
from assistant.render.quoted import Quoted, Segment, article_address, segments
from assistant.web.brief import about, in_brief
from vectorstore.articles import Article
from vectorstore.errors import ArticleNotFoundError
from vectorstore.index import Index

REMOVED = "This article was removed. Quote shown as saved."
ANSWER, SAVED = "the answer", "the quote was saved"  # what an article may have changed after


def changed(since: str) -> str:
    return f"This article changed after {since}. Quote shown as saved."


@dataclass(frozen=True, slots=True)
class Reading:
    """An article and the quotes to mark in it; `lost` are those that no longer stand there, by
    number. `markdown`: its text contains Markdown syntax. `brief`: the quotes are its central
    sentences, since none were asked for. Of a removed article, only what its citations say is
    known, and it has no text. `since` says in words after what the quotes were lost."""

    article: Article
    quotes: tuple[Quoted, ...]
    lost: dict[int, str]
    removed: bool = False
    markdown: bool = False
    brief: bool = False
    since: str = ANSWER

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: segments joined are the article's text; "saved" is a lost quote's words."""
        article = self.article
        return {
            "id": article.id,
            "title": article.title,
            "source": article.source,
            "url": article.url if _scheme(article.url) in ("http", "https") else "",
            "published": _iso(article.published),
            "removed": self.removed,
            "markdown": self.markdown,
            "since": self.since,
            "brief": [
                {
                    "number": quote.number,
                    "text": article.text[quote.start : quote.end],
                    "read": f"{article_address(article.id)}?c={quote.number}&q={quote}",
                }
                for quote in self.quotes
                if self.brief
            ],
            "about": about(article.text) if self.brief and self.quotes else {},
            "quotes": [self._quote(quote) for quote in self.quotes],
            "segments": [
                {"text": run.text, "numbers": list(run.numbers)}
                for run in segments(article.text, self.quotes)
            ],
        }

    def _quote(self, quote: Quoted) -> dict[str, Any]:
        told: dict[str, Any] = {
            "number": quote.number,
            "start": quote.start,
            "end": quote.end,
            "place": str(quote).partition(".")[2],
            "found": quote.found_in(self.article.text),
            "page": sum(begin <= quote.start for begin in self.article.pages) or None,
            "last": sum(begin < quote.end for begin in self.article.pages) or None,
        }
        if quote.number in self.lost:
            told["saved"] = self.lost[quote.number]
        return told

    def page(self, chosen: int | None, root: str = "../") -> str:
        """The article as a separate page, opened at the chosen quote; `root` leads to the chat."""
        runs = segments(self.article.text, () if self.brief else self.quotes)
        lost = self.lost.get(chosen) if chosen is not None else None
        notice = ""
        if lost is not None and chosen is not None:
            notice = REMOVED if self.removed else changed(self.since)
            runs = [Segment(lost, (chosen,)), Segment("\n\n", ()), *runs]
        return article_page(self.article, runs, chosen, notice, root=root)


def read_article(
    index: Index,
    article_id: str,
    quotes: Sequence[Quoted],
    saved: Sequence[Citation] = (),
    since: str = ANSWER,
) -> Reading:
    """The article; if no quotes are named, with its central sentences as the quotes. `since` says
    what the `saved` citations belong to, in words that fit after "after".

    Raises ArticleNotFoundError if it is gone and no citation of it was saved."""
    cited = [citation for citation in saved if citation.article_id == article_id]
    named = tuple(quotes) or tuple(Quoted.of(citation) for citation in cited)
    try:
        article = index.get(article_id)
    except ArticleNotFoundError:
        if not cited:
            raise
        first = cited[0]
        known = Article(article_id, first.title, "", first.source, first.url, first.published)
        return Reading(known, named, _lost(named, cited, ""), removed=True, since=since)
    files = (origin.place.partition("#")[0] for origin in index.summary(article_id).origins)
    markdown = any(file.lower().endswith((".md", ".markdown")) for file in files)
    brief = not named and not saved
    if brief:
        named = tuple(
            Quoted.at(article.text, *span, number)
            for number, span in enumerate(in_brief(article.text), start=1)
        )
    lost = _lost(named, cited, article.text)
    return Reading(article, named, lost, markdown=markdown, brief=brief, since=since)


def authors_of(index: Index) -> Authors:
    """Who wrote an article, by its id; () if it is gone."""

    def authors(article_id: str) -> tuple[str, ...]:
        try:
            return index.get(article_id).authors
        except ArticleNotFoundError:
            return ()

    return authors


def _lost(quotes: Sequence[Quoted], cited: Sequence[Citation], text: str) -> dict[int, str]:
    """The saved words of the quotes that are no longer in the text."""
    kept = {citation.number: citation.quote for citation in cited}
    gone = [quote.number for quote in quotes if not quote.found_in(text)]
    return {number: kept[number] for number in gone if number in kept}


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
