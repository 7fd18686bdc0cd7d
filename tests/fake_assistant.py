"""An assistant with scripted answers, over a few articles kept in memory.

    assistant = FakeAssistant()
    assistant.answer("who co-chairs the meeting?")      the scripted answer, cited to the character
    assistant.answer("anything else")                   an abstention with the closest passages
    assistant.asked                                     every question with its history and filters

It uses no model, file or network; quotes are checked against the article when they are made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from assistant.answers import Answer, Citation, Position, Trace, Turn
from assistant.errors import EmptyIndexError, QuestionError
from assistant.settings import Settings
from assistant.writing.choosing import Models
from assistant.writing.generating import Writer
from tests.fake_index import by_title
from vectorstore.articles import (
    AddReport,
    Article,
    Finding,
    Hit,
    Passage,
    SourceFile,
    Statistics,
    Summary,
)
from vectorstore.errors import ArticleNotFoundError
from vectorstore.index import Index, Mode, OnProgress

MEETING = Article(
    id="meeting",
    title="UN praises work with OIC as talks on two states near",
    text=(
        "The United Nations has underscored the importance of its work with the Organisation of "
        "Islamic Cooperation, calling it vital to peace.\n"
        "\n"
        "Khaled Khiari pointed to the upcoming ministerial meeting to support the two-state "
        "solution, to be co-chaired by France and Saudi Arabia, as a pivotal opportunity. "
        "“Diversity only makes societies stronger,” he said.\n"
        "\n"
        "The annual conference on Jerusalem was hosted in Dakar on July 9."
    ),
    source="Asian Lite",
    url="https://asianlite.example/un-oic",
    published=date(2025, 7, 26),
)
HARBOUR = Article(
    id="reports/harbour 2?.txt",
    title="Harbour wall: the cost doubles",
    text=(
        "The harbour wall will cost €48 million, the port said on Monday. 🌊 The earlier "
        "estimate was €24 million.\n"
        "\n"
        "Work begins in March. Work begins in March, the mayor repeated, “whatever the weather”."
    ),
    source="Coast Gazette",
    published=date(2025, 11, 4),
)
HOSTILE = Article(
    id='h"><img src=x onerror=alert(1)>',
    title="</script><script>window.owned = 1</script> <img src=x onerror=window.owned=1>",
    text=(
        "First ${window.owned = 1} and {{ window.owned = 1 }} words.\n"
        "\n"
        '<a class="cite" href="/read/meeting?c=1">[1]</a> <img src=x onerror="window.owned=1"> '
        "</script><script>window.owned = 1</script> [click](javascript:window.owned=1) "
        "![pixel](https://outside.invalid/p.png) $$\\href{javascript:1}{x}$$ `code` **bold** "
        "<style>body{display:none}</style><mark>fake</mark> [1] [2] \x1b[31mred\x1b[0m &lt;b&gt;\n"
        "\n"
        "Last words."
    ),
    source="<b>Evil</b> Wire",
    url="javascript:window.owned=1",
    published=date(2025, 1, 2),
)
ARTICLES = (MEETING, HARBOUR)


def cite(article: Article, quote: str, number: int = 1) -> Citation:
    """A citation of the first occurrence of these words in the article."""
    start = article.text.index(quote)
    return Citation(
        number,
        article.id,
        article.title,
        article.source,
        article.url,
        article.published,
        start,
        start + len(quote),
        quote,
    )


def hit(article: Article) -> Hit:
    """The article's first 300 characters as a passage that was found."""
    text = article.text[:300]
    passage = Passage(
        f"{article.id}#0",
        article.id,
        0,
        len(text),
        text,
        article.title,
        article.source,
        article.url,
        article.published,
    )
    return Hit(passage, 1.0)


def answered(question: str, text: str, *citations: Citation, **more: object) -> Answer:
    answer = Answer(
        question,
        "answer",
        text,
        citations=citations,
        confidence=0.9,
        trace=Trace(question, {"total": 0.01}),
    )
    return replace(answer, **more)  # type: ignore[arg-type]


CO_CHAIRS = answered(
    "who co-chairs the two-state meeting?",
    "France and Saudi Arabia [1].",
    cite(
        MEETING,
        "Khaled Khiari pointed to the upcoming ministerial meeting to support the two-state "
        "solution, to be co-chaired by France and Saudi Arabia, as a pivotal opportunity.",
    ),
    short="France and Saudi Arabia",
)
COST = answered(
    "what does the harbour wall cost?",
    "The harbour wall will cost €48 million [1]. It was estimated at €24 million before [2].",
    cite(HARBOUR, "The harbour wall will cost €48 million, the port said on Monday. 🌊", 1),
    cite(HARBOUR, "The earlier estimate was €24 million.", 2),
)
START = answered(
    "when does work begin?",
    "Your sources disagree. Coast Gazette: in March [1]; Asian Lite: on July 9 [2].",
    cite(HARBOUR, "Work begins in March, the mayor repeated, “whatever the weather”.", 1),
    cite(MEETING, "The annual conference on Jerusalem was hosted in Dakar on July 9.", 2),
    positions=(
        Position("On July 9 [2]", (2,), MEETING.published),
        Position("In March [1]", (1,), HARBOUR.published),
    ),
)
TIMELINE = answered(
    "timeline of the meeting and the wall",
    "26 July 2025: The annual conference on Jerusalem was hosted in Dakar on July 9. [1]\n\n"
    "4 November 2025: The harbour wall will cost €48 million, the port said on Monday. 🌊 [2]\n\n"
    "4 November 2025: Work begins in March. [3]",
    cite(MEETING, "The annual conference on Jerusalem was hosted in Dakar on July 9.", 1),
    cite(HARBOUR, "The harbour wall will cost €48 million, the port said on Monday. 🌊", 2),
    cite(HARBOUR, "Work begins in March.", 3),
)
HOSTILE_ANSWER = answered(
    "what does the hostile article say?",
    f"It says: {HOSTILE.text} [1] and [7]",
    cite(HOSTILE, HOSTILE.text[HOSTILE.text.index("<a class") : HOSTILE.text.index("\n\nLast")]),
)
ANSWERS: Mapping[str, Answer] = {
    "timeline": TIMELINE,
    "co-chairs": CO_CHAIRS,
    "harbour": COST,
    "begin": START,
    "hostile": HOSTILE_ANSWER,
    "hello": Answer("hello", "help", "Ask me about your articles."),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of `answer` or `stream`."""

    question: str
    history: tuple[Turn, ...]
    as_of: date | None
    sources: tuple[str, ...] | None
    after: date | None
    before: date | None
    articles: tuple[str, ...] | None = None
    authors: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    model: str | None = None


@dataclass
class FakeAssistant:
    """Answers by the first key of `answers` that the question contains, lower-cased.

    `failures` are raised for the questions that contain their key. A question with "slowly" waits
    for `go_on` after its first sentence; `stopped` is set if its stream is closed early.
    `next` are offered as the next questions, unless they were asked.
    """

    articles: Sequence[Article] = ARTICLES
    answers: Mapping[str, Answer] = field(default_factory=lambda: ANSWERS)
    failures: Mapping[str, Exception] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    asked: list[Asked] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    closed: bool = False
    next: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.index = MemoryIndex(self.articles)
        self.models = Models(self.settings, _no_writer)

    def answer(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
    ) -> Answer:
        if model is not None:
            self.models.settings_of(model)
        given = (sources, articles, authors, tags)
        named = [None if names is None else tuple(names) for names in given]
        more = dict(zip(("articles", "authors", "tags"), named[1:], strict=True))
        asked = Asked(question, tuple(history), as_of, named[0], after, before, **more, model=model)
        self.asked.append(asked)
        for key, error in self.failures.items():
            if key in question:
                raise error
        if not question.strip():
            raise QuestionError("The question is empty: write what you want to know.")
        if not self.index.kept:
            raise EmptyIndexError("No articles yet: add some with `dateline add FOLDER`.")
        for key, answer in self.answers.items():
            if key in question.lower():
                return replace(
                    answer, question=question, model=(model or "reader").partition("@")[0]
                )
        return Answer(
            question,
            "abstention",
            "Your articles don't answer this.",
            passages=tuple(hit(article) for article in self.index.kept.values()),
            trace=Trace(question, {"total": 0.01}),
        )

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
        stopping: threading.Event | None = None,
    ) -> Iterator[Answer]:
        whole = self.answer(
            question,
            history=history,
            as_of=as_of,
            sources=sources,
            articles=articles,
            after=after,
            before=before,
            authors=authors,
            tags=tags,
            model=model,
        )
        ended = (self.go_on, stopping or self.go_on)
        try:
            for part in _growing(whole.text):
                yield replace(whole, text=part, positions=(), complete=False)
                if "slowly" in question:
                    wait_until(lambda: any(each.is_set() for each in ended), 180)
        except GeneratorExit:
            self.stopped.set()
            raise
        yield whole

    def follow_ups(
        self,
        answer: Answer,
        *,
        history: Sequence[Turn] = (),
        going: Callable[[], bool] = lambda: True,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Sequence[str]:
        asked = [turn.text for turn in history if turn.role == "user"] + [answer.question]
        return [question for question in self.next if going() and question not in asked]

    def close(self) -> None:
        self.closed = True


class Waiting(FakeAssistant):
    """Says its first words, then waits until it is told that nobody is listening."""

    let_go = False

    def stream(self, question: str, **more: Any) -> Iterator[Answer]:
        self.asked.append(Asked(question, (), None, None, None, None))
        yield replace(COST, text="The harbour", citations=(), complete=False)
        self.let_go = more["stopping"].wait(60)
        yield COST


def _no_writer(settings: Settings) -> Writer:
    raise AssertionError(f"nothing is written with {settings.model} here")


class MemoryIndex(Index):
    """Articles in memory; a search returns them all."""

    def __init__(self, articles: Iterable[Article]) -> None:
        self.kept = {article.id: article for article in articles}

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        given = {article.id: article for article in articles}
        before = dict(self.kept)
        self.kept = {**before, **given}  # a new dict: others may be iterating over the old one
        return AddReport(
            added=tuple(name for name in given if name not in before),
            updated=tuple(n for n, new in given.items() if n in before and before[n] != new),
            unchanged=tuple(n for n, new in given.items() if before.get(n) == new),
        )

    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode = "hybrid",
        *,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> list[Hit]:
        return [hit(article) for article in self.kept.values()][:k]

    def get(self, article_id: str) -> Article:
        if article_id not in self.kept:
            raise ArticleNotFoundError(f"no article has the id {article_id!r}")
        return self.kept[article_id]

    def articles(self) -> list[Summary]:
        summaries = [
            Summary(
                *(a.id, a.title, a.source, a.url, a.published, a.authors, a.language),
                characters=len(a.text),
                passages=1,
                added=number,
                tags=a.tags,
            )
            for number, a in enumerate(self.kept.values(), start=1)
        ]
        return sorted(summaries, key=lambda s: s.published or date.min, reverse=True)

    def summary(self, article_id: str) -> Summary:
        self.get(article_id)
        return next(summary for summary in self.articles() if summary.id == article_id)

    def near_words(self, word: str, k: int = 3) -> list[str]:
        return []

    def near_copies(self, article_id: str) -> list[Summary]:
        text = self.get(article_id).text
        return [s for s in self.articles() if s.id != article_id and self.kept[s.id].text == text]

    def events(self, article_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        return by_title([self.get(each) for each in article_ids])

    def source_files(
        self,
        *,
        under: str | None = None,
        digests: Sequence[str] = (),
        articles: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[SourceFile]:
        return []

    def store_files(
        self,
        files: Sequence[SourceFile],
        articles: Sequence[Article] = (),
        *,
        forget: Sequence[str] = (),
    ) -> AddReport:
        return self.add_articles(articles)

    def edit(
        self,
        article_id: str,
        *,
        title: str | None = None,
        published: date | Literal["none"] | None = None,
        source: str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Summary:
        article = self.get(article_id)
        self.kept[article_id] = replace(
            article,
            title=article.title if title is None else title,
            source=article.source if source is None else source,
            published=article.published
            if published is None
            else (None if published == "none" else published),
            authors=article.authors if authors is None else tuple(authors),
            tags=article.tags if tags is None else tuple(tags),
        )
        return next(summary for summary in self.articles() if summary.id == article_id)

    def remove(self, article_ids: Sequence[str]) -> int:
        for article_id in article_ids:
            self.get(article_id)
        self.kept = {name: a for name, a in self.kept.items() if name not in article_ids}
        return len(article_ids)

    def statistics(self) -> Statistics:
        days = [a.published for a in self.kept.values() if a.published]
        sources: dict[str, int] = {}
        for article in self.kept.values():
            sources[article.source] = sources.get(article.source, 0) + 1
        return Statistics(
            len(self.kept),
            len(self.kept),
            min(days, default=None),
            max(days, default=None),
            len(self.kept) - len(days),
            tuple(sources.items()),
            "none",
            sha256(repr(self.kept).encode()).hexdigest(),
        )

    def check(self) -> list[Finding]:
        return []

    def rebuild(self, *, progress: OnProgress | None = None) -> None:
        return None

    def backup(self, file: str | Path, *, without: Collection[str] = ()) -> None:
        return None

    def close(self) -> None:
        return None


def wait_until(true: Callable[[], bool], seconds: float = 90.0) -> None:
    """Return as soon as `true()` holds; fail loudly if it never does."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not true after {seconds} s: {true}")
        time.sleep(0.02)


def _growing(text: str) -> Iterator[str]:
    """The text up to the end of each sentence."""
    end = text.find(". ")
    while end >= 0:
        yield text[: end + 1]
        end = text.find(". ", end + 1)
    yield text
