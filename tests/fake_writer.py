"""A writer that says what it was told to say, and records what it was asked.

    writer = FakeWriter("France and Saudi Arabia co-chair it.", of="co-chaired by France")
    writer = FakeWriter(WritingError("the model is away"))

It cites the first passage that contains the words `of`, and checks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from assistant.answering.findings import Finding
from assistant.answers import Answer, Citation, Statement, Trace, Turn
from assistant.errors import WritingError
from vectorstore.splitting import Span

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


class FakeWriter:
    name = "fake:writer"

    def __init__(
        self, says: str | WritingError | None, *, of: str = "", asks: str | WritingError = ""
    ) -> None:
        self.asked: list[str] = []
        self.told: list[str] = []
        self._says = says
        self._of = of
        self._asks = asks

    def answer(
        self,
        blank: Answer,
        question: str,
        found: Sequence[Finding],
        as_of: date | None,
        config: RunnableConfig,
    ) -> Iterator[Answer]:
        self.asked.append(question)
        self.told = [claim.text for finding in found for claim in finding.claims]
        blank = replace(
            blank, model=self.name, trace=Trace(question, {"first_token": 0.5}), complete=False
        )
        if isinstance(self._says, WritingError):
            yield replace(blank, kind="answer", text="The beginning of")
            raise self._says
        if self._says is None:
            yield replace(blank, kind="abstention", complete=True)
            return
        said = Statement(self._says, (1,))
        for words in (self._says.split(" ", 1)[0], self._says):
            yield replace(blank, kind="answer", text=words)
        yield replace(
            blank,
            kind="answer",
            text=f"{said.text} [1]",
            statements=(said,),
            citations=(self._cited(blank),),
            complete=True,
        )

    def standalone(self, question: str, history: Sequence[Turn], config: RunnableConfig) -> str:
        if isinstance(self._asks, WritingError):
            raise self._asks
        return self._asks or question

    def warm(self) -> None:
        pass

    def check(self) -> float:
        if isinstance(self._says, WritingError):
            raise self._says
        return 0.5

    def close(self) -> None:
        pass

    def _cited(self, blank: Answer) -> Citation:
        passage = next(h.passage for h in blank.passages if self._of in h.passage.text)
        start = passage.start + passage.text.index(self._of)
        return Citation.within(passage, Span(start, start + len(self._of)), 1)
