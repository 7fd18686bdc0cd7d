"""A chat model as its server lets it be asked.

    chat = Chat(lambda accepts: open_chat_model("ollama:qwen3", …), "ollama:qwen3", …)
    chat.said(messages, config)     its words, as they come
    chat.context                    Context(room=1400, quoted="…"), if it turned out to be too small

What the server refuses is left out of the request, and if a prompt is too long for it, it gets a
shorter one. A server that is loading its model or is overloaded is asked again, and one that writes
without end is stopped. Whatever else goes wrong is a WritingError. It knows LangChain's chat models,
and nothing of passages.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assistant.errors import WritingError
from assistant.prompts import AROUND, Messages, tokens_of
from assistant.writing.background import Background, Failed, Stopped
from assistant.writing.failures import Failures
from assistant.writing.opening import clients_of
from assistant.writing.refusals import (
    LEAST,
    Accepts,
    adapted,
    context_of,
    is_guess,
    is_too_long,
    wait_before,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import RunnableConfig


@dataclass(frozen=True, slots=True)
class Context:
    """A server's context that is too small: how many tokens of a prompt it has room for, by estimate,
    and how its server said so."""

    room: int
    quoted: str

    @property
    def remedy(self) -> str:
        return f"Give its server a larger context, or set prompt_tokens to {self.room}."


@dataclass(frozen=True, slots=True)
class _Known:
    """What has been learnt about a server."""

    accepts: Accepts = field(default_factory=Accepts)
    context: Context | None = None

    def room(self, wanted: int) -> int:
        """How many tokens of the wanted ones a prompt may have."""
        return min(wanted, self.context.room) if self.context else wanted


class Chat:
    """A chat model; `open_model` is called on first use, with what its server accepts, and again if
    that turns out to be less. What is learnt about a server is remembered.

    `patience` is how many seconds to wait for the model's first word, and for each one after it;
    `prompt_tokens` is what the prompt may have, by estimate, and `answer_tokens` the answer.
    `secrets` are kept out of every message. All streams run on one event loop in a thread of its
    own, so that stopping one closes its connection at once and none waits for another.
    """

    def __init__(
        self,
        open_model: Callable[[Accepts], BaseChatModel],
        name: str,
        *,
        patience: float = 20.0,
        prompt_tokens: int = 1_500,
        answer_tokens: int = 400,
        secrets: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.prompt_tokens = prompt_tokens
        self._open_model = open_model
        self._patience = patience
        self._answer_tokens = answer_tokens
        self._failures = Failures(name, patience, secrets)
        self._turn = threading.Lock()
        self._models: dict[Accepts, BaseChatModel] = {}
        self._background = Background()
        self._known = _Known()

    @property
    def context(self) -> Context | None:
        """The server's context, if it is too small for prompts of `prompt_tokens`."""
        return self._known.context

    def open(self) -> None:
        """Open the model, without contacting its server. Raises WritingError."""
        self._opened(self._known.accepts)

    def said(self, messages: Callable[[int], Messages], config: RunnableConfig) -> Generator[str]:
        """What the model says to `messages` of at most so many tokens, as it comes. Raises
        WritingError for every kind of failure, after whatever came before it; also if the model was
        cut off at the length limit."""
        ended, last = "", ""
        written = 0
        most = self._answer_tokens * _LONGEST_TOKEN
        deadline = time.monotonic() + self._patience + self._answer_tokens * _SLOWEST_TOKEN
        with contextlib.closing(self._chunks(messages, config)) as chunks:
            for number, chunk in enumerate(chunks):
                ended = _why_ended(chunk) or ended
                text = chunk.text[: most - written]
                if text:
                    written += len(text)
                    last = (last + text)[-_ENDING:]
                    yield text
                # A server may send empty chunks without end.
                if len(chunk.text) > len(text) or number > most or time.monotonic() > deadline:
                    ended = "length"
                    break
        if ended in _TOO_LONG:
            raise WritingError(f"{self.name} was stopped at {self._answer_tokens} tokens")
        if not written:
            raise WritingError(f"{self.name} wrote nothing")
        if ended in _FILTERED:
            raise WritingError(f"{self.name} was stopped by its provider's filter")
        if not ended and not _WHOLE.search(last):  # the connection ended without a reason
            raise WritingError(f"{self.name} was cut off")

    def close(self) -> None:
        """Stop what is being said."""
        with self._turn:
            background, self._background = self._background, Background()
            models, self._models = self._models, {}
        background.stop([client for model in models.values() for client in clients_of(model)])

    def _chunks(
        self, messages: Callable[[int], Messages], config: RunnableConfig
    ) -> Generator[Any]:
        """The model's chunks. It is asked again without what its server refuses or has no room for,
        and if its server says that it may be, or is loading the model, or is overloaded, as long as
        that is soon enough and nothing has come yet. What worked is remembered."""
        known = begun = self._known
        self._opened(known.accepts)  # does not count as waiting for the model
        deadline = time.monotonic() + self._patience
        stopping = _stopping_of(config)
        blamed: BaseException | None = None
        guessed = False
        tries = 0
        while True:
            arrived = False
            model = self._opened(known.accepts)
            asked = _asked(messages(known.room(self.prompt_tokens)), known.accepts)
            # Without streaming it comes only when all of it has been written.
            longer = 0.0 if known.accepts.streaming else self._answer_tokens * _SLOW_TOKEN
            try:
                for chunk in self._background.items(
                    lambda model=model, asked=asked: model.astream(asked, config=config),  # type: ignore[misc]
                    deadline + longer,
                    self._patience,
                    stopping,
                ):
                    if not arrived and chunk.text:
                        arrived = True
                        if known is not begun:
                            self._known = known
                    yield chunk
            except Failed as failed:
                error = failed.error
                if arrived or isinstance(error, Stopped | TimeoutError):
                    raise self._failures.told(error) from None
                if is_too_long(error):
                    smaller = self._smaller(known, error, asked, messages)
                    if smaller is None:
                        least = _tokens(asked) + self._answer_tokens
                        raise self._failures.too_long(error, least) from None
                    known = smaller
                elif less := adapted(known.accepts, error):
                    known = replace(known, accepts=less)
                elif is_guess(error) and not guessed and known.accepts != LEAST:
                    guessed, blamed = True, error
                    known = replace(known, accepts=LEAST)
                else:
                    wait = wait_before(tries, error)
                    if wait is None or time.monotonic() + wait >= deadline:
                        raise self._failures.told(blamed or error) from None
                    tries += 1
                    stopping.wait(wait)
                if time.monotonic() >= deadline:
                    raise self._failures.told(blamed or error) from None
            else:
                return

    def _smaller(
        self,
        known: _Known,
        error: BaseException,
        asked: Messages,
        messages: Callable[[int], Messages],
    ) -> _Known | None:
        """What is known, with a smaller context for the server; None if no prompt is shorter."""
        before = _tokens(asked)
        room = _SMALLER * before
        if size := context_of(error):
            room = min(room, max(size - self._answer_tokens - AROUND, size / 2))
        least = _tokens(_asked(messages(0), known.accepts))
        if least >= before:
            return None
        context = Context(int(max(room, least)), self._failures.quoted(error))
        return replace(known, context=context)

    def _opened(self, accepts: Accepts) -> BaseChatModel:
        with self._turn:
            if accepts not in self._models:
                try:
                    self._models[accepts] = self._open_model(accepts)
                except WritingError:
                    raise
                except Exception as error:  # noqa: BLE001  every provider raises its own
                    raise self._failures.told(error) from None
            return self._models[accepts]


def _stopping_of(config: RunnableConfig) -> threading.Event:
    """The event that is set once nobody is waiting any more: the chain's caller passes it as
    "stopping" in `configurable`; if none is given, one that is never set."""
    given = (config.get("configurable") or {}).get("stopping")
    return given if isinstance(given, threading.Event) else threading.Event()


def _asked(messages: Messages, accepts: Accepts) -> Messages:
    """The messages as this server accepts them: without a system role, instructions come first."""
    if accepts.system:
        return messages
    return [("user", "\n\n".join(text for _, text in messages))]


def _tokens(messages: Messages) -> int:
    return sum(tokens_of(text) for _, text in messages)


def _why_ended(chunk: Any) -> str:
    """What a model says about why it stopped, under whatever name the provider has for it."""
    told = chunk.response_metadata
    names = ("finish_reason", "stop_reason", "done_reason")
    return next((str(told[name]).lower() for name in names if told.get(name)), "")


_LONGEST_TOKEN = 12  # characters: a server that ignores our limit is stopped by this one
_SLOWEST_TOKEN = 2.0  # seconds: and by this one if it writes more slowly than anybody waits for
_SLOW_TOKEN = 0.1  # seconds to wait per token for an answer in one piece
_SMALLER = 0.7  # of a prompt that was too long
_TOO_LONG = frozenset({"length", "max_tokens", "max_output_tokens"})
_FILTERED = frozenset({"content_filter", "safety", "refusal", "prohibited_content", "recitation"})
_ENDING = 20  # characters that show whether a text is complete
_WHOLE = re.compile(r"[.!?…。\]】][\"'”’»)*_]*\s*$")
