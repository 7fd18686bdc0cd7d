"""The articles that passages come from, looked up and split into sentences once, on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vectorstore.articles import Article, Hit, Passage
from vectorstore.passages import passage_of
from vectorstore.splitting import Span, passages, sentences

_LONG = 40_000  # characters: a book is not split into sentences for one question
_HEAD = 3_000
_MARGIN = 1_500  # characters around a hit in a long article


class Articles:
    """The articles of some hits.

    If an article was removed or changed since the search, its passage stands in for it, at the same
    offset, so that offsets still match what was read. Of a very long text, only the head and the
    surroundings of the hits are split."""

    def __init__(self, hits: Sequence[Hit], look_up: Callable[[str], Article | None]) -> None:
        self._hits = hits
        self._look_up = look_up
        self._known: dict[str, Article | None] = {}
        self._sentences: dict[tuple[str, int], list[Span]] = {}

    def of(self, passage: Passage) -> Article:
        if passage.article_id not in self._known:
            self._known[passage.article_id] = self._look_up(passage.article_id)
        known = self._known[passage.article_id]
        if known is not None and known.text[passage.start : passage.end] == passage.text:
            return known
        return Article(
            passage.article_id,
            passage.title,
            " " * passage.start + passage.text,
            passage.source,
            passage.url,
            passage.published,
        )

    def sentences(self, article: Article) -> list[Span]:
        key = (article.id, hash(article.text))
        if key not in self._sentences:
            self._sentences[key] = [
                span
                for low, high in self._windows(article)
                for span in sentences(article.text, low, high)
            ]
        return self._sentences[key]

    def _windows(self, article: Article) -> list[tuple[int, int]]:
        size = len(article.text)
        if size <= _LONG:
            return [(0, size)]
        around = sorted(
            (max(0, hit.passage.start - _MARGIN), min(size, hit.passage.end + _MARGIN))
            for hit in self._hits
            if hit.passage.article_id == article.id
        )
        windows = [(0, _HEAD)]
        for low, high in around:
            if low <= windows[-1][1]:
                windows[-1] = (windows[-1][0], max(high, windows[-1][1]))
            else:
                windows.append((low, high))
        return windows


def passages_of(article: Article, most: int) -> list[Passage]:
    """The first passages of an article."""
    spans = passages(article.text[:_LONG])[:most]
    return [passage_of(article, span, f"{article.id}:{span.start}") for span in spans]
