"""The chain as the rest of LangChain uses it: typed, as a tool, and with a message history.

    RunnableWithMessageHistory(chain, get_session_history,
        input_messages_key="question", history_messages_key="history")
    chain.as_tool()                              a tool for agents; its output reads as text
    chain.get_output_jsonschema()                the shape of an Answer

It knows none of the chain's stages. It needs LangChain, so it is imported only on first use.
"""

# No `from __future__ import annotations` here: pydantic evaluates the annotations of the fields.
from collections.abc import Awaitable, Callable
from datetime import date
from inspect import isawaitable
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.base import RunnableBinding
from langchain_core.runnables.config import (
    acall_func_with_variable_args,
    call_func_with_variable_args,
)
from langchain_core.tools import BaseTool
from langchain_core.tracers.schemas import Run
from pydantic import BaseModel, ConfigDict, Field

from assistant.answers import Answer

NAME = "ask_articles"
PURPOSE = (
    "Answers a question from the user's own articles, in their words, with the quotes that prove it; "
    "says so where they do not answer."
)

_Told = Callable[..., Any]


class QuestionInput(BaseModel):
    """A question as the chain takes it, where it is not a text or a list of messages."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="The question, as one would ask a colleague.")
    history: list[dict[str, str]] | None = Field(
        None,
        description='The conversation before, oldest first: {"role": "user" or "assistant", '
        '"content": "…"}.',
    )
    as_of: date | None = Field(
        None, description='The day it is asked on, for "yesterday" or "in July"; today if left out.'
    )
    sources: list[str] | None = Field(None, description="Only articles of these sources.")
    after: date | None = Field(None, description="Only articles of this day or later.")
    before: date | None = Field(None, description="Only articles of this day or earlier.")
    authors: list[str] | None = Field(None, description="Only articles by one of these authors.")
    tags: list[str] | None = Field(None, description="Only articles with one of these tags.")


class AnswerChain(RunnableBinding[Any, Answer]):
    """A chain that gives Answers, bound to the types of its input and output."""

    @classmethod
    def over(cls, steps: Runnable[Any, Answer]) -> "AnswerChain":
        """The chain of these steps."""
        return cls(
            bound=steps,
            kwargs={},
            config={},
            custom_input_type=QuestionInput,
            custom_output_type=Answer,
        )

    def with_retry(self, **kwargs: Any) -> Runnable[Any, Answer]:
        """As usual; the types of its input and output stay known."""
        again = super().with_retry(**kwargs)
        return again.with_types(input_type=QuestionInput, output_type=Answer)

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, type] | None = None,
    ) -> BaseTool:
        """A tool for agents, by default named `ask_articles`."""
        return super().as_tool(
            args_schema,
            name=name or NAME,
            description=description or PURPOSE,
            arg_types=arg_types,
        )

    def with_listeners(
        self, *, on_start: Any = None, on_end: Any = None, on_error: Any = None
    ) -> Runnable[Any, Answer]:
        """As usual, but the run that `on_end` is given also has the answer as a message.

        Its `outputs` are {"answer": the Answer, "output": an AIMessage}: a message history keeps
        only messages, and would keep nothing of an Answer.
        """
        return super().with_listeners(
            on_start=on_start, on_end=on_end and _with_message(on_end), on_error=on_error
        )

    def with_alisteners(
        self, *, on_start: Any = None, on_end: Any = None, on_error: Any = None
    ) -> Runnable[Any, Answer]:
        """The same for listeners that are coroutines."""
        return super().with_alisteners(
            on_start=on_start, on_end=on_end and _with_message_async(on_end), on_error=on_error
        )


def message_of(answer: Answer) -> AIMessage:
    """An answer as a message: its text, and its citations in `additional_kwargs`."""
    return AIMessage(answer.text, additional_kwargs={"citations": answer.to_dict()["citations"]})


def _with_message(listener: _Told) -> Callable[[Run, RunnableConfig], None]:
    def told(run: Run, config: RunnableConfig) -> None:
        call_func_with_variable_args(listener, _told_as_message(run), config)

    return told


def _with_message_async(listener: _Told) -> Callable[[Run, RunnableConfig], Awaitable[None]]:
    async def told(run: Run, config: RunnableConfig) -> None:
        done = acall_func_with_variable_args(listener, _told_as_message(run), config)
        if isawaitable(done):
            await done

    return told


def _told_as_message(run: Run) -> Run:
    answer = (run.outputs or {}).get("output")
    if not isinstance(answer, Answer):
        return run
    return run.model_copy(update={"outputs": {"answer": answer, "output": message_of(answer)}})
