"""Answers written by a chat model, streamed, every sentence checked.

    writer.answer(blank, "who co-chairs the meeting?", None, config)      growing answers
    writer.standalone("and when is it?", history, config)                 "When is the meeting?"

What the chain needs of whoever writes is the protocol `Writer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

from assistant.answers import Answer, Turn

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


class Writer(Protocol):
    """Writes answers from passages. May be used from several threads at a time.

    `name` is what an answer's `model` says. Both methods raise WritingError where nothing usable
    is written, whatever the cause; its reason is told with the answer that is given instead.
    """

    name: str

    def answer(
        self, blank: Answer, question: str, as_of: date | None, config: RunnableConfig
    ) -> Iterator[Answer]:
        """The growing answers to `question` from the passages of `blank`; the last is complete.

        Its kind is "answer", or "abstention" where the writer found no answer in the passages: the
        text is then the chain's to give. Closed early, it stops the writing.
        """
        ...

    def standalone(self, question: str, history: Sequence[Turn], config: RunnableConfig) -> str:
        """The question with what it takes over from the turns before, oldest first."""
        ...
