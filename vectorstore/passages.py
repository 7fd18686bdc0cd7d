"""A stretch of an article as a passage, with what is read in front of it.

passage_of(article, Span(950, 1480), "a1#3")    -> Passage
"""

from __future__ import annotations

from vectorstore.articles import Article, Passage
from vectorstore.splitting import Span
from vectorstore.voices import heading


def passage_of(article: Article, span: Span, passage_id: str) -> Passage:
    return Passage(
        id=passage_id,
        article_id=article.id,
        start=span.start,
        end=span.end,
        text=article.text[span.start : span.end],
        title=article.title,
        source=article.source,
        url=article.url,
        published=article.published,
        page=sum(begin <= span.start for begin in article.pages) or None,
        heading=heading(article, span),
    )
