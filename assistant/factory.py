"""Settings -> Assistant: the only place that names the concrete classes.

with Assistant.open(Settings(index="path/to/index")) as assistant:
    assistant.index.add("articles/")
    assistant.answer("who co-chairs the two-state meeting?").text
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from assistant.answers import Answer, Turn
from assistant.chain import build_chain
from assistant.confidence import UNCALIBRATED
from assistant.prompts import load_phrases
from assistant.reader import open_reader
from assistant.settings import Settings
from vectorstore.index import Index, OnProgress

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

    from assistant.generating import Writer
    from assistant.reader import Reader


class Assistant:
    """Answers questions about the articles of one index. May be used from several threads.

    `index` adds, lists and finds articles; `chain` is the LangChain Runnable behind `answer`.
    """

    def __init__(
        self, index: Index, reader: Reader, settings: Settings, writer: Writer | None = None
    ) -> None:
        self.index = index
        self.settings = settings
        self._reader = reader
        self._writer = writer

    @cached_property
    def chain(self) -> Runnable[Any, Answer]:
        """The LangChain Runnable that answers: {"question": …, "history": […]} -> Answer.

        Built on first use: what only lists or adds articles does not wait for LangChain.
        """
        return build_chain(
            self.index,
            self._reader,
            load_phrases("extractive"),
            passages_read=self.settings.passages_read,
            threshold=self.settings.threshold,
            writer=self._writer,
        )

    @classmethod
    def open(
        cls, settings: Settings | None = None, *, progress: OnProgress | None = None
    ) -> Assistant:
        """Open the index that `settings` names, made where absent, and the models on first use.

        Where another process holds the index, it is used through that process. `progress` is
        called while passages are embedded again because the embedding model has changed. Raises
        SettingsError, StoreError, EmbeddingError or ModelError, each with what to do.
        """
        settings = settings or Settings()
        reader = open_reader(settings.reader_model, settings.calibrations)
        return cls(_open_index(settings, progress), reader, settings)

    def answer(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
    ) -> Answer:
        """The answer, an abstention, or help.

        `history` are the turns before, oldest first. `sources` (names as in the articles), `after`
        and `before` (inclusive) limit the articles; `as_of` is the day the question is asked on,
        today where it is None: "last week" or "in July" is read against it, and articles of that
        time are preferred, never required. Raises QuestionError for what cannot be asked, EmptyIndexError without articles.
        """
        return self.chain.invoke(_given(question, history, as_of, sources, after, before))

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        as_of: date | None = None,
        sources: Sequence[str] | None = None,
        after: date | None = None,
        before: date | None = None,
    ) -> Iterator[Answer]:
        """Growing answers, the last one complete; arguments and errors as for `answer`."""
        yield from self.chain.stream(_given(question, history, as_of, sources, after, before))

    @property
    def reader(self) -> Reader:
        """What looks for answers in passages, with its calibration."""
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
        return Assistant(self.index, self._reader, settings)

    def with_reader(self, reader: Reader, *, passages_read: int | None = None) -> Assistant:
        """An assistant with another reader, on the same index. Closing either closes it."""
        changed = {"passages_read": passages_read} if passages_read else {}
        settings = self.settings.model_copy(update=changed)
        return Assistant(self.index, reader, settings, self._writer)

    def warm(self) -> None:
        """Load the models now, so that the first question does not wait for them."""
        with ThreadPoolExecutor() as pool:
            for loading in [pool.submit(load) for load in self._loaders()]:
                loading.result()

    def close(self) -> None:
        """Close the index; what was acknowledged is durable without it."""
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
        return [
            lambda: self._reader.read("warm", []),
            lambda: self.index.search("warm", 1),
            lambda: self.chain,
        ]


_default: Assistant | None = None
_opening = threading.Lock()


def answer(question: str, *, history: Sequence[Turn] = (), **limits: Any) -> Answer:
    """The answer from the default index (`DATELINE_INDEX`, else the user's data folder).

    The index is opened on first use, kept for the process, and closed at its exit. Arguments and
    errors are those of `Assistant.answer`.
    """
    global _default
    with _opening:
        if _default is None:
            _default = Assistant.open()
            atexit.register(_default.close)
    return _default.answer(question, history=history, **limits)


def _open_index(settings: Settings, progress: OnProgress | None) -> Index:
    from vectorstore.local import LocalIndex, check_folder
    from vectorstore.shared import open_shared

    def open_local() -> Index:
        from vectorstore.embedding import open_embedding

        return LocalIndex(
            settings.index,
            lambda: open_embedding(settings.embedding_model),
            chroma_url=settings.chroma_url,
            progress=progress,
        )

    check_folder(settings.index)
    return open_shared(settings.index, open_local, program="dateline")


def _given(
    question: str,
    history: Sequence[Turn],
    as_of: date | None,
    sources: Sequence[str] | None,
    after: date | None,
    before: date | None,
) -> dict[str, Any]:
    return {
        "question": question,
        "history": history,
        "as_of": as_of,
        "sources": sources,
        "after": after,
        "before": before,
    }
