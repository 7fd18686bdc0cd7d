"""What each tool gives back.

    AnswerOut.of(answer, articles)
    PassageOut.of(hit, articles)
    ListedOut.of(article, articles)

`articles` is the beginning of the addresses of a collection's articles: see `articles_of`. The
shapes are for programs; what a model reads beside them is written in `tools`.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, Field

from assistant.answers import Answer
from assistant.question.names import Kind as NameKind
from assistant.render.parts import CLOSEST
from assistant.render.text import name_of
from vectorstore.articles import Article, Hit, Summary

ARTICLES = "dateline://articles/"  # followed by an article's id, percent-encoded


def articles_of(collection: str) -> str:
    """The beginning of the addresses of a collection's articles."""
    return f"dateline://collections/{collection}/articles/" if collection else ARTICLES


def uri_of(articles: str, article_id: str) -> str:
    return articles + quote(article_id, safe="", errors="replace")


class QuoteOut(BaseModel):
    """A citation: `quote` is the article's text from character `start` up to `end`."""

    number: int
    article_id: str
    uri: str
    title: str
    source: str
    url: str
    published: date | None
    start: int
    end: int
    quote: str
    page: int | None


class StatementOut(BaseModel):
    text: str
    citations: list[int]
    supported: bool


class PositionOut(BaseModel):
    """What one side says, where sources disagree."""

    text: str
    citations: list[int]
    published: date | None


class PassageOut(BaseModel):
    """A passage that was found: characters `start` up to `end` of the article's text."""

    article_id: str
    uri: str
    title: str
    source: str
    url: str
    published: date | None
    start: int
    end: int
    text: str
    page: int | None
    copies: list[str] = Field(description="Ids of articles that say nearly the same")

    @classmethod
    def of(cls, hit: Hit, articles: str) -> PassageOut:
        return cls(
            **asdict(hit.passage),
            uri=uri_of(articles, hit.passage.article_id),
            copies=[copy.article_id for copy in hit.copies],
        )


class AnswerOut(BaseModel):
    """`text` has marks [n], which `citations` prove. An abstention has the closest passages instead."""

    kind: Literal["answer", "abstention", "help"]
    text: str
    short: str | None
    confidence: float
    citations: list[QuoteOut]
    statements: list[StatementOut]
    positions: list[PositionOut]
    notices: list[str]
    closest: list[PassageOut]
    model: str

    @classmethod
    def of(cls, answer: Answer, articles: str) -> AnswerOut:
        hits = answer.passages[:CLOSEST] if answer.kind == "abstention" else ()
        return cls(
            kind=answer.kind,
            text=answer.text,
            short=answer.short,
            confidence=answer.confidence,
            citations=[
                QuoteOut(**asdict(each), uri=uri_of(articles, each.article_id))
                for each in answer.citations
            ],
            statements=[StatementOut(**asdict(each)) for each in answer.statements],
            positions=[PositionOut(**asdict(each)) for each in answer.positions],
            notices=list(answer.notices),
            closest=[PassageOut.of(hit, articles) for hit in hits],
            model=answer.model,
        )


class PassagesOut(BaseModel):
    passages: list[PassageOut]


class ListedOut(BaseModel):
    id: str
    uri: str
    title: str
    source: str
    url: str
    published: date | None
    authors: list[str]
    tags: list[str]
    language: str
    characters: int

    @classmethod
    def of(cls, article: Article | Summary, articles: str) -> ListedOut:
        return ListedOut(
            id=article.id,
            uri=uri_of(articles, article.id),
            title=name_of(article.title) or article.id,
            source=article.source,
            url=article.url,
            published=article.published,
            authors=list(article.authors),
            tags=list(article.tags),
            language=article.language,
            characters=len(article.text) if isinstance(article, Article) else article.characters,
        )


class ArticlesOut(BaseModel):
    """`found` of `total` articles match, newest first; these are the next ones."""

    articles: list[ListedOut]
    found: int
    total: int


class NameOut(BaseModel):
    """`articles` have this name; `kind` is "" where they do not reveal it."""

    name: str
    kind: NameKind
    articles: int


class NamesOut(BaseModel):
    """`found` of `total` names match, those in most articles first; these are the next ones. Unless
    `complete`, articles are still being read: ask again."""

    names: list[NameOut]
    found: int
    total: int
    complete: bool


class ReadOut(ListedOut):
    """`text` is the article's from character `start` up to `end`; `next` is where to read on."""

    start: int
    end: int
    text: str
    next: int | None


class NewsOut(ListedOut):
    opening: str


class WhatsNewOut(BaseModel):
    """`found` articles were published since, the newest first; `undated` have no date."""

    articles: list[NewsOut]
    found: int
    undated: int


class AddedOut(BaseModel):
    """Ids of articles, and what was skipped with the reason."""

    added: list[str]
    updated: list[str]
    unchanged: list[str]
    skipped: list[str]


class RemovedOut(BaseModel):
    removed: int
