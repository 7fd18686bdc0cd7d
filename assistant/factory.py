"""Settings -> Assistant: the only place that names the concrete classes.

with Assistant.open(Settings(index="path/to/index")) as assistant:
    assistant.index.add("articles/")
    assistant.answer("who co-chairs the two-state meeting?").text
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from contextvars import Context, copy_context
from datetime import date
from functools import cache, cached_property, lru_cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from assistant.answering.chain import Chain
from assistant.answering.following import follow_ups
from assistant.answering.streaming import in_a_thread
from assistant.answers import Answer, Turn, TurnLike
from assistant.databases import BACKED_UP
from assistant.errors import GivenUpError
from assistant.installation import Installation
from assistant.prompts import load_phrases, load_prompt
from assistant.question.asked import turns_of
from assistant.reading.confidence import UNCALIBRATED
from assistant.reading.giving_up import let_go_by
from assistant.reading.network import open_reader, recalibrated
from assistant.settings import Settings
from assistant.writing.choosing import Models
from assistant.writing.grounding import Wording
from vectorstore.errors import ArticleNotFoundError
from vectorstore.index import Index, OnProgress

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

    from assistant.reading.reader import Reader, Verdict
    from assistant.writing.generating import Writer
    from vectorstore.articles import Article, Passage
    from vectorstore.embedding import Embedding


T = TypeVar("T")


class Assistant:
    """Answers questions about the articles of one index. May be used from several threads.

    `index` adds, lists and finds articles; `chain` is the LangChain Runnable behind `answer`;
    `models` are the models that can write answers.
    """

    def __init__(
        self,
        index: Index,
        reader: Reader,
        settings: Settings,
        writer: Writer | None = None,
        embed: Callable[[str], Any] | None = None,
        embedding: Callable[[], Embedding] | None = None,
        models: Models | None = None,
    ) -> None:
        self.index = index
        self.settings = settings
        self.models = models or Models(settings, partial(_open_writer, reader=reader), writer)
        self._reader = reader
        self._writer = writer
        self._embed = embed or embedded
        self._embedding = embedding
        self._using: dict[str, Assistant] = {}

    @cached_property
    def chain(self) -> Runnable[Any, Answer]:
        """The LangChain Runnable that answers: {"question": …, "history": […]} -> Answer.

        Built on first use: merely listing or adding articles does not wait for LangChain.
        """
        return self.stages.runnable

    @cached_property
    def stages(self) -> Chain:
        """The chain's stages, each callable on its own."""
        return Chain(
            self.index,
            self._reader,
            load_phrases("extractive"),
            self._embed,
            passages_read=self.settings.passages_read,
            threshold=self.settings.threshold,
            writer=self._writer,
        )

    @cached_property
    def without_model(self) -> Assistant:
        """The same, answering only in the articles' own words: no chat model, no cost."""
        return (
            self
            if self._writer is None
            else Assistant(
                self.index, self._reader, self.settings, None, self._embed, models=self.models
            )
        )

    def using(self, model: str | None) -> Assistant:
        """The same with this one of `models` writing; unchanged for None. Raises
        UnknownModelError."""
        if model is None:
            return self
        chosen = self.models.settings_of(model)
        if chosen.model == "reader":
            return self.without_model
        if model == self.settings.model and self._writer is not None:
            return self
        if model not in self._using:
            self._using[model] = Assistant(
                self.index,
                self._reader,
                chosen,
                self.models.writer(model),
                self._embed,
                models=self.models,
            )
        return self._using[model]

    @classmethod
    def open(
        cls, settings: Settings | None = None, *, progress: OnProgress | None = None
    ) -> Assistant:
        """Open the index that `settings` names, created if absent, and the models on first use.

        If another process holds the index, it is used through that process. `progress` is
        called while passages are embedded again because the embedding model has changed. Raises
        SettingsError, StoreError, EmbeddingError or ModelError, each with what to do.
        """
        settings = settings or Settings()
        reader = open_reader(settings.reader_model, settings.calibrations)
        embedding = _Once(lambda: _open_embedding(settings))
        index = _open_index(settings, embedding, progress)
        writer = None if settings.model == "reader" else _open_writer(settings, reader)
        from vectorstore.embedding import DEFAULT

        own = settings.embedding_model == DEFAULT
        embed = lru_cache(256)(lambda question: embedding().embed([question])[0]) if own else None
        return cls(index, reader, settings, writer, embed, embedding)

    def beside(self, settings: Settings, *, progress: OnProgress | None = None) -> Assistant:
        """An assistant on another index, sharing this one's models, which are loaded once for both.

        `settings` differ from this one's only in the index. Close its index, not the assistant
        itself: the chat model belongs to this one. Raises StoreError, EmbeddingError or ModelError.
        """
        embedding = self._embedding or _Once(lambda: _open_embedding(settings))
        reader = recalibrated(self._reader, settings.reader_model, settings.calibrations)
        index = _open_index(settings, embedding, progress)
        return Assistant(index, reader, settings, self._writer, self._embed, embedding, self.models)

    def answer(
        self,
        question: str,
        *,
        history: Iterable[TurnLike] = (),
        as_of: date | str | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | str | None = None,
        before: date | str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
    ) -> Answer:
        """The answer, an abstention, or help.

        `history` is the preceding turns, oldest first: Turns, LangChain messages, ("user", text), or
        {"role": "user" or "assistant", "content": text}. `sources` (names as in the articles),
        `articles` (ids), `after` and `before` (inclusive), `authors` and `tags` (whole names,
        case-insensitive; an article needs one of each) limit the articles. `as_of` is the day the
        question is asked on, by default today: "last week" or "in July" is read relative to it, and
        articles of that time are preferred, never required. A day may also be given as text,
        "2025-07-26". `model` is one of `models`, by default the first. Raises QuestionError for an
        invalid question, EmptyIndexError without articles, UnknownModelError.
        """
        given = _given(question, history, as_of, sources, articles, after, before, authors, tags)
        return self._context().run(self.using(model).chain.invoke, given)

    def stream(
        self,
        question: str,
        *,
        history: Iterable[TurnLike] = (),
        as_of: date | str | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | str | None = None,
        before: date | str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
        stopping: threading.Event | None = None,
    ) -> Iterator[Answer]:
        """Growing answers, the last one complete; arguments and errors as for `answer`.

        Once any thread sets `stopping`, a chat model that is still being waited for is abandoned
        within a moment and its connection closed, and the readers read no further passage: the
        stream ends, and its last answer may not be complete.
        """
        context = self._context()
        context.run(let_go_by, stopping)
        given = _given(question, history, as_of, sources, articles, after, before, authors, tags)
        config: RunnableConfig = {"configurable": {"stopping": stopping}} if stopping else {}
        chain = self.using(model).chain
        partials = context.run(lambda: chain.stream(given, config))
        try:
            while (partial := context.run(next, partials, None)) is not None:
                yield partial
        except GivenUpError:
            return
        finally:
            context.run(partials.close)  # type: ignore[attr-defined]  # it is a generator

    async def aanswer(
        self,
        question: str,
        *,
        history: Iterable[TurnLike] = (),
        as_of: date | str | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | str | None = None,
        before: date | str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
    ) -> Answer:
        """`answer` for an event loop, without blocking it. Cancelling abandons the chat model."""
        limits: dict[str, Any] = {"as_of": as_of, "sources": sources, "articles": articles}
        limits |= {"after": after, "before": before, "authors": authors, "tags": tags}
        limits["model"] = model
        async with aclosing(self.astream(question, history=history, **limits)) as partials:
            return [partial async for partial in partials][-1]

    async def astream(
        self,
        question: str,
        *,
        history: Iterable[TurnLike] = (),
        as_of: date | str | None = None,
        sources: Sequence[str] | None = None,
        articles: Sequence[str] | None = None,
        after: date | str | None = None,
        before: date | str | None = None,
        authors: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        model: str | None = None,
    ) -> AsyncGenerator[Answer]:
        """`stream` for an event loop, without blocking it. Closing it early (as by
        `contextlib.aclosing`) or cancelling it abandons the chat model."""
        stopping = threading.Event()
        limits: dict[str, Any] = {"as_of": as_of, "sources": sources, "articles": articles}
        limits |= {"after": after, "before": before, "authors": authors, "tags": tags}
        limits |= {"model": model, "stopping": stopping}
        partials = in_a_thread(lambda: self.stream(question, history=history, **limits))
        try:
            async for partial in partials:
                yield partial
        finally:
            stopping.set()
            await partials.aclose()

    def follow_ups(
        self,
        answer: Answer,
        *,
        history: Iterable[TurnLike] = (),
        going: Callable[[], bool] = lambda: True,
        **limits: Any,
    ) -> Sequence[str]:
        """Up to three questions to ask next, each reliably answered by another sentence of an
        article that this answer cites; the surest first. () if it is not an answer.

        `history` is the turns before the answer's question; `limits`, as for `answer`, are those of
        the next question. No chat model is called; it takes as long as a few answers. `going` is
        called before each: it may wait, and returning False ends the search. Raises what `answer`
        raises.
        """
        if not answer.answered:
            return ()
        alone, before = self.without_model, turns_of(history)
        turns = (*before, Turn("user", answer.question), Turn("assistant", answer.text))
        return follow_ups(
            answer,
            self._cited(answer),
            [turn.text for turn in before if turn.role == "user"],
            lambda question: alone.answer(question, history=turns, **limits),
            going,
        )

    def _cited(self, answer: Answer) -> Iterator[Article]:
        """The cited articles that still exist."""
        for article_id in dict.fromkeys(one.article_id for one in answer.citations):
            with suppress(ArticleNotFoundError):
                yield self.index.get(article_id)

    def check_model(self) -> float | None:
        """The seconds until the chat model says its first word; None if no model is set.

        Raises WritingError, with what to do, if it says nothing.
        """
        return None if self._writer is None else self._context().run(self._writer.check)

    @property
    def reader(self) -> Reader:
        """The reader, which looks for answers in passages, with its calibration."""
        return self._reader

    @property
    def threshold(self) -> float:
        """The confidence below which it abstains: the setting, else the reader's own."""
        if self.settings.threshold is not None:
            return self.settings.threshold
        return (self._reader.calibration or UNCALIBRATED).threshold

    def at_threshold(self, threshold: float) -> Assistant:
        """An assistant on the same index and reader, with another threshold and without a language
        model: what this one would say then. Closing either closes the index of both."""
        settings = self.settings.model_copy(update={"threshold": threshold, "model": "reader"})
        return Assistant(self.index, self._reader, settings, None, self._embed)

    def with_reader(self, reader: Reader, *, passages_read: int | None = None) -> Assistant:
        """An assistant with another reader, on the same index. Closing either closes it."""
        changed = {"passages_read": passages_read} if passages_read else {}
        settings = self.settings.model_copy(update=changed)
        return Assistant(self.index, reader, settings, self._writer, self._embed)

    def warm(self) -> None:
        """Load the models now, so that the first question does not wait for them."""
        with ThreadPoolExecutor() as pool:
            for loading in [pool.submit(load) for load in self._loaders()]:
                loading.result()

    def stop(self) -> None:
        """Abandon the chat models: whoever waits for their words goes on without them."""
        self.models.close()

    def close(self) -> None:
        """Close the index; what was acknowledged is durable even without this."""
        self.stop()
        self.index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _loaders(self) -> list[Callable[[], object]]:
        loaders: list[Callable[[], object]] = [
            lambda: self._reader.read("warm", []),
            lambda: self.index.search("warm", 1),
            lambda: self.chain,
        ]
        if self._writer is not None:
            warm, context = self._writer.warm, self._context()
            loaders.append(lambda: context.run(warm))
        return loaders

    def _context(self) -> Context:
        """The context in which an answer is made: LangSmith records nothing in it unless the
        settings allow it, even if its environment variables, set for other programs, ask for it."""
        context = copy_context()
        if not self.settings.tracing:
            from langsmith.run_helpers import tracing_context

            context.run(tracing_context(enabled=False).__enter__)
        return context


_default: dict[str, Assistant] = {}  # by collection
_opening = threading.Lock()


def answer(
    question: str, *, history: Iterable[TurnLike] = (), collection: str = "", **limits: Any
) -> Answer:
    """The answer from the default index (`DATELINE_INDEX`, else the user's data folder), or from a
    collection beside it.

    The index is opened on first use, kept for the process, and closed at its exit. Arguments and
    errors are those of `Assistant.answer`.
    """
    with _opening:
        if collection not in _default:
            named = {"collection": collection} if collection else {}
            _default[collection] = Assistant.open(Settings(**named))
            atexit.register(_default[collection].close)
        opened = _default[collection]
    return opened.answer(question, history=history, **limits)


@lru_cache(maxsize=256)
def embedded(question: str) -> Any:
    """The question as a vector of the default embedding model, whichever model embeds the articles:
    the intents were trained on it."""
    return _default_embedding().embed([question])[0]


@cache
def _default_embedding() -> Embedding:
    from vectorstore.embedding import DEFAULT, open_embedding

    return open_embedding(DEFAULT)


class _Once(Generic[T]):
    """Opens something once, when it is first asked for."""

    def __init__(self, open_it: Callable[[], T]) -> None:
        self._open_it = open_it
        self._turn = threading.Lock()
        self._opened: T | None = None

    def __call__(self) -> T:
        with self._turn:
            if self._opened is None:
                self._opened = self._open_it()
            return self._opened


def _open_embedding(settings: Settings) -> Embedding:
    from vectorstore.embedding import open_embedding

    return open_embedding(settings.embedding_model)


def _open_writer(settings: Settings, reader: Reader) -> Writer:
    """The chat model's writer; the model itself is opened at the first question."""
    from assistant.writing.chat import Chat
    from assistant.writing.generating import ChatWriter
    from assistant.writing.opening import open_chat_model

    phrases, answering = load_phrases("extractive"), load_prompt("answer")

    @lru_cache(maxsize=256)
    def judge(sentence: str, passage: Passage) -> Verdict | None:
        (reading,) = reader.read(sentence, [passage])
        return reading.verdict

    chat = Chat(
        lambda accepts: open_chat_model(
            settings.model,
            base_url=settings.server,
            key=settings.key,
            prompt_tokens=settings.prompt_room,
            answer_tokens=settings.answer_tokens,
            accepts=accepts,
        ),
        settings.model,
        patience=settings.model_timeout,
        prompt_tokens=settings.prompt_room,
        answer_tokens=settings.answer_tokens,
        secrets=[settings.key or ""],
    )
    wording = Wording(
        answering.refusal,
        phrases.say("note"),
        phrases.say("otherwise"),
        settings.unsupported,
        settings.contradicted,
    )
    prompts = answering, load_prompt("rewrite")
    return ChatWriter(chat, prompts, phrases, wording, judge=judge, loads=not settings.goes_to)


def _open_index(
    settings: Settings, embedding: Callable[[], Embedding], progress: OnProgress | None
) -> Index:
    from vectorstore.folder import check_folder, make_folder
    from vectorstore.local import LocalIndex
    from vectorstore.shared import open_shared

    if settings.database_url is not None:
        from vectorstore.central import CentralIndex

        make_folder(settings.index)  # for what belongs to this machine alone
        return CentralIndex(settings.database_url, embedding, chroma_url=settings.chroma_url)

    def open_local() -> Index:
        return LocalIndex(
            settings.index,
            embedding,
            chroma_url=settings.chroma_url,
            beside=BACKED_UP,
            progress=progress,
        )

    check_folder(settings.index)
    if settings.collection:  # a missing one is a typo and must not be created
        Installation(settings).settings_of(settings.collection)
    return open_shared(settings.index, open_local, program="dateline")


def _given(
    question: str,
    history: Iterable[TurnLike],
    as_of: date | str | None,
    sources: Sequence[str] | None,
    articles: Sequence[str] | None,
    after: date | str | None,
    before: date | str | None,
    authors: Sequence[str] | None,
    tags: Sequence[str] | None,
) -> dict[str, Any]:
    return {
        "question": question,
        "history": history,
        "as_of": as_of,
        "sources": sources,
        "articles": articles,
        "after": after,
        "before": before,
        "authors": authors,
        "tags": tags,
    }
