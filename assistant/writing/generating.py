"""Answers written by a chat model, streamed, every sentence checked.

    writer = ChatWriter(lambda: open_chat_model("ollama:qwen3", …), "ollama:qwen3", …)
    writer.answer(blank, "who co-chairs the meeting?", None, config)      growing answers
    writer.standalone("and when is it?", history, config)                 "When is the meeting?"

All that the chain needs is the protocol `Writer`. The model gets numbered passages, what the
readers found there, and the question: no tools, and nothing else; its output goes through
`thoughts` and `grounding`. What its server refuses is left out of the request, and if the passages
are too long for it, it gets fewer. Whatever else goes wrong (unreachable, refused, slow, cut off,
empty, unproved) is a WritingError, and the chain gives the articles' own words. It knows
LangChain's chat models, and no index.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import math
import queue
import re
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from assistant.answering.findings import Finding
from assistant.answers import Answer, Trace, Turn
from assistant.errors import WritingError
from assistant.prompts import Phrases, Prompt
from assistant.question.typed import LONGEST
from assistant.writing.bounds import TooMuchError, bound, whole
from assistant.writing.grounding import Grounding, Wording
from assistant.writing.providers import PROVIDERS, is_loopback
from assistant.writing.refusals import (
    LEAST,
    Accepts,
    adapted,
    causes,
    context_of,
    is_guess,
    is_too_long,
    status_of,
    words_of,
)
from assistant.writing.support import Judge
from assistant.writing.thoughts import Said, Thoughts
from vectorstore.articles import Passage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import RunnableConfig

Messages = list[tuple[str, str]]
"""What a model is asked, as (role, text)."""


class Writer(Protocol):
    """Writes answers from passages. May be used from several threads at a time.

    `name` is what an answer's `model` says. `answer` and `standalone` raise WritingError if nothing
    usable is written, whatever the cause; its reason is reported with the answer given instead.
    """

    name: str

    def answer(
        self,
        blank: Answer,
        question: str,
        found: Sequence[Finding],
        as_of: date | None,
        config: RunnableConfig,
    ) -> Iterator[Answer]:
        """The growing answers to `question` from the passages of `blank`; the last is complete.

        `found` is what the readers would answer, if they are sure; the writer may use it. The
        answers' kind is "answer", or "abstention" if the writer found no answer in the passages:
        the chain then supplies the text. Closing the iterator early stops the writing.
        """
        ...

    def standalone(self, question: str, history: Sequence[Turn], config: RunnableConfig) -> str:
        """The question, completed from the earlier turns, which are given oldest first."""
        ...

    def warm(self) -> None:
        """Load now what the first question would wait for. That one reports any error."""
        ...

    def check(self) -> float:
        """The seconds until its first word. Raises WritingError if there is none, or if the model
        cannot be given as much as it is to read."""
        ...

    def close(self) -> None:
        """Stop what is being written."""
        ...


# -- which models there are --------------------------------------------------------------------


def open_chat_model(
    model: str,
    *,
    base_url: str | None,
    key: str | None,
    prompt_tokens: int = 1_500,
    answer_tokens: int,
    accepts: Accepts | None = None,
) -> BaseChatModel:
    """The chat model "provider:name". Contacts nothing yet.

    `base_url` is any server that speaks the provider's protocol; if it is given, no key but `key`
    is sent there. `accepts` is what that server accepts. Raises WritingError if the provider's
    package or the key is missing.
    """
    accepts = accepts or Accepts()
    provider, _, name = model.partition(":")
    known = PROVIDERS[provider]
    try:
        from langchain.chat_models import init_chat_model

        importlib.import_module(known.module)
    except ImportError as error:
        raise WritingError(
            f"The model {model} needs a package that is not installed ({error.name})",
            f"Run `pip install 'dateline[{known.extra}]'`.",
            unreachable=True,
        ) from None
    if known.key and not key and base_url is None:
        raise WritingError(
            f"The model {model} needs a key, and there is none",
            f"Set {known.key} in the environment, or api_key in the settings file.",
            unreachable=True,
        )
    here = base_url is not None and is_loopback(base_url)
    options: dict[str, Any] = {}
    if provider == "ollama":
        options = {
            "num_predict": answer_tokens,
            # Ollama silently cuts off the beginning of what does not fit.
            "num_ctx": max(_OLLAMA_CONTEXT, prompt_tokens + answer_tokens + _AROUND),
            # No proxy from the environment between this machine and itself.
            "client_kwargs": {"timeout": None, "trust_env": not here},
        }
    elif provider == "openai":
        import httpx

        # The client's types do not have content in blocks, which Mistral's server sends; it is read
        # all the same, and whoever asks a question can do nothing about the warning.
        warnings.filterwarnings(
            "ignore", "Pydantic serializer warnings", UserWarning, r"pydantic\.main"
        )
        options = {
            "api_key": key or "none",  # a self-hosted server needs none, but the client does
            "max_retries": 0,  # whoever waits for the answer decides how long
            "timeout": None,
            "stream_chunk_timeout": None,
            # One of our own, to be closed by us: LangChain shares its own among all models.
            "http_async_client": httpx.AsyncClient(trust_env=not here, timeout=None),  # noqa: S113
        }
        # Servers other than OpenAI's know the limit by its older name, and some refuse both names.
        limits = accepts.limits if base_url is not None else accepts.limits[::-1]
        if limits[:1] == ("max_tokens",):
            options["extra_body"] = {"max_tokens": answer_tokens}
        elif limits:
            options["max_tokens"] = answer_tokens
        if base_url is not None:
            options["use_responses_api"] = False
    elif provider == "google_genai":
        options = {
            "api_key": key or "none",
            "max_retries": 1,  # tries, not retries
            "max_tokens": answer_tokens,
        }
    else:
        options = {
            "api_key": key or "none",
            "max_retries": 0,
            "max_tokens": answer_tokens,
        }
    # OpenAI's later models accept no temperature but their own.
    fixed = provider == "openai" and base_url is None and not name.startswith(("gpt-4", "gpt-3.5"))
    options["temperature"] = 0 if accepts.temperature and not fixed else None
    options["disable_streaming"] = not accepts.streaming
    if base_url is not None:
        options["base_url"] = base_url
    opened: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
    if provider in ("anthropic", "google_genai"):
        _connect_alone(opened, provider, here)
    elif provider == "ollama":
        # Not among its fields, which are shown and traced; and the key from the environment, which
        # its client would use, goes to no other server.
        opened._async_client._client.headers["authorization"] = f"Bearer {key or 'none'}"  # type: ignore[attr-defined]
    for client in _clients(opened):
        bound(client, _BYTES + answer_tokens * _BYTES_A_TOKEN)
    return opened


def _connect_alone(model: Any, provider: str, here: bool) -> None:
    """Give a model connections of its own, which end with it and, if its server is `here`, bypass
    any proxy from the environment.

    LangChain shares one client among all Anthropic models of a process: a second model would get
    connections of an event loop that has ended. Google's uses whichever HTTP library is installed.
    """
    if provider == "anthropic":
        import anthropic

        direct = dict.fromkeys(("http://", "https://", "all://")) if here else {}
        client = anthropic.DefaultAsyncHttpxClient(mounts=direct, timeout=None)
        model.__dict__["_async_client"] = model._async_client.with_options(http_client=client)
    else:
        import httpx
        from google.genai import Client
        from google.genai.types import HttpOptions

        model.client = Client(
            api_key=model.google_api_key.get_secret_value(),
            http_options=HttpOptions(
                base_url=model.base_url,
                client_args={"trust_env": not here},
                httpx_async_client=httpx.AsyncClient(trust_env=not here, timeout=None),  # noqa: S113
            ),
        )


# -- the writer --------------------------------------------------------------------------------


class ChatWriter:
    """Writes with a chat model; `open_model` is called on first use, with what its server accepts,
    and again if that turns out to be less. The writer remembers what it learns about a server.

    `patience` is how many seconds to wait for the model's first word, and for each one after it;
    `prompt_tokens` is what the prompt may have, by estimate, and `answer_tokens` the answer.
    `secrets` are kept out of every message. `loads` says that the server is the user's own: warming
    up makes it load the model and read the beginning of the prompt. All streams run on one event
    loop in a thread of the writer's own, so that stopping one closes its connection at once and
    none waits for another.
    """

    def __init__(
        self,
        open_model: Callable[[Accepts], BaseChatModel],
        name: str,
        prompts: tuple[Prompt, Prompt],
        phrases: Phrases,
        wording: Wording,
        *,
        judge: Judge | None = None,
        patience: float = 20.0,
        prompt_tokens: int = 1_500,
        answer_tokens: int = 400,
        secrets: Sequence[str] = (),
        loads: bool = False,
    ) -> None:
        self.name = name
        self._open_model = open_model
        self._answering, self._rewriting = prompts
        self._phrases = phrases
        self._wording = wording
        self._judge = judge
        self._patience = patience
        self._prompt_tokens = prompt_tokens
        self._answer_tokens = answer_tokens
        self._secrets = tuple(filter(None, secrets))
        self._loads = loads
        self._turn = threading.Lock()
        self._models: dict[Accepts, BaseChatModel] = {}
        self._known = _Known()
        self._running: _Background | None = None

    def answer(
        self,
        blank: Answer,
        question: str,
        found: Sequence[Finding],
        as_of: date | None,
        config: RunnableConfig,
    ) -> Iterator[Answer]:
        claims = [claim for finding in found for claim in finding.claims]
        proving = {proof.passage.id for claim in claims for proof in claim.proofs}
        given = [hit.passage for hit in blank.passages]
        given.sort(key=lambda passage: passage.id not in proving)
        today = as_of or datetime.now(tz=UTC).astimezone().date()
        passages = given

        def messages(room: int) -> Messages:
            nonlocal passages
            passages = self._fitting(given, question, room - _FOUND_TOKENS * bool(found))
            return self._answering.messages(
                sources="\n".join(_sources(passages)),
                found=_suggested(found, passages),
                question=inert(question),
                today=f"Today is {today:%A}, {today.day} {today:%B %Y}.\n",
            )

        blank = replace(blank, kind="answer", model=self.name, complete=False)
        grounding: Grounding | None = None
        seconds: dict[str, float] = {}
        begun = time.perf_counter()
        cut = ""
        try:
            with contextlib.closing(self._stream(messages, config)) as stream:
                for said in stream:
                    seconds.setdefault("first_token", time.perf_counter() - begun)
                    if grounding is None or said.anew:
                        grounding = Grounding(question, passages, self._wording, self._judge)
                    if grounding.feed(said.text) or said.anew:
                        yield _partial(blank, grounding, seconds)
                    if grounding.refused:
                        break
        except WritingError as error:
            cut = error.reason
            failed = error
        else:
            failed = WritingError(f"{self.name} wrote nothing that stands in the articles")
        if grounding is None:
            raise failed
        grounding.finish(cut=bool(cut))
        if grounding.refused:
            trace = Trace(question, seconds)
            yield replace(blank, kind="abstention", trace=trace, complete=True)
        elif not grounding.supported:
            raise failed
        else:
            notices = (*blank.notices, *self._fewer(len(passages), len(given)))
            yield self._whole(replace(blank, notices=notices), grounding, seconds, cut)

    def standalone(self, question: str, history: Sequence[Turn], config: RunnableConfig) -> str:
        said = [
            f"{'Reader' if turn.role == 'user' else 'Assistant'}: "
            f"{inert(' '.join(_MARKED.sub('', turn.text).split())[:_TURN])}"
            for turn in history[-_TURNS:]
        ]

        def messages(room: int) -> Messages:
            while len(said) > 1 and tokens_of("\n".join(said)) > room - _AROUND_HISTORY:
                said.pop(0)
            return self._rewriting.messages(history="\n".join(said), question=inert(question))

        text = ""
        with contextlib.closing(self._stream(messages, config)) as stream:
            for part in stream:
                text = part.text if part.anew else text + part.text
                if len(text) > LONGEST:
                    break
        rewritten = text.strip().strip("\"“”'`").strip()
        if not _may_stand_for(rewritten, question, history):
            raise WritingError(f"{self.name} did not rewrite the question")
        return " ".join(rewritten.split())

    def warm(self) -> None:
        with contextlib.suppress(WritingError):
            self._opened(self._known.accepts)
            if self._loads:
                self._first_word("")

    def check(self) -> float:
        begun = time.perf_counter()
        self._first_word(_FILLER)
        seconds = time.perf_counter() - begun
        if context := self._known.context:
            raise WritingError(
                f"{self.name} cannot be given {self._prompt_tokens:,} tokens (prompt_tokens), as its "
                f"context is too small{context.quoted}",
                context.remedy,
            )
        return seconds

    def close(self) -> None:
        with self._turn:
            running, self._running = self._running, None
            models, self._models = self._models, {}
        if running is not None:
            running.stop([client for model in models.values() for client in _clients(model)])

    def _first_word(self, filler: str) -> None:
        """Wait for the first word, with as much `filler` for passages as there is room for."""

        def messages(room: int) -> Messages:
            count = max(0, 4 * (room - tokens_of(self._answering.system)) - _AROUND)
            text = filler * (count // max(1, len(filler)))
            return self._answering.messages(
                sources=text, found="", today="", question="Are you there?"
            )

        with contextlib.closing(self._said(messages, {})) as said:
            if next(said, None) is None:
                raise WritingError(f"{self.name} wrote nothing")

    def _whole(
        self, blank: Answer, grounding: Grounding, seconds: dict[str, float], cut: str
    ) -> Answer:
        told = list(blank.notices)
        sentences = _count(grounding.unsupported, "sentence")
        if cut:
            told.append(self._phrases.say("cut_off", reason=cut))
        if grounding.unsupported and self._wording.unsupported == "mark":
            told.append(self._phrases.say("marked", sentences=sentences))
        elif grounding.unsupported:
            told.append(self._phrases.say("left_out", sentences=sentences))
        if grounding.contradicted:
            which = "struck" if self._wording.contradicted == "strike" else "denied_left_out"
            denied = _count(grounding.contradicted, "sentence")
            told.append(self._phrases.say(which, sentences=denied))
        if grounding.corrected:
            marks = _count(grounding.corrected, "citation")
            told.append(self._phrases.say("righted_marks", marks=marks))
        if grounding.unknown:
            marks = _count(grounding.unknown, "citation")
            told.append(self._phrases.say("unknown_marks", marks=marks))
        if grounding.unproved:
            marks = _count(grounding.unproved, "citation")
            told.append(self._phrases.say("unproved_marks", marks=marks))
        proved = sum(statement.supported for statement in grounding.statements)
        share = proved / (proved + grounding.unsupported + grounding.contradicted)
        whole = _partial(blank, grounding, seconds)
        return replace(
            whole, confidence=blank.confidence * share, notices=tuple(told), complete=True
        )

    def _fewer(self, given: int, found: int) -> Iterator[str]:
        """A notice that the model was given fewer passages than it should have been."""
        if (context := self._known.context) and given < found:
            passages = f"{given} of {_count(found, 'passage')}"
            reason = (
                f"{self.name} was given {passages}, as its context is too small{context.quoted}"
            )
            yield f"{reason}. {context.remedy}"

    def _fitting(self, passages: Sequence[Passage], question: str, room: int) -> list[Passage]:
        """The best passages that fit into a prompt of `room` tokens, at least one."""
        room -= tokens_of(self._answering.system + self._answering.user + question)
        count = 0
        for shown in _sources(passages):
            room -= tokens_of(shown)
            if count and room < 0:
                break
            count += 1
        return list(passages[:count])

    def _stream(
        self, messages: Callable[[int], Messages], config: RunnableConfig
    ) -> Generator[Said]:
        """What the model writes, without its thoughts, as it comes and as text that can be stored.
        Raises what `_said` does."""
        thoughts = Thoughts(held=self._known.unopened)
        with contextlib.closing(self._said(messages, config)) as said:
            try:
                for text in whole(said):
                    if any(found := thoughts.feed(text)):
                        yield found
            except WritingError as error:
                silent = thoughts.thinking
                if any(found := thoughts.finish(cut=True)):
                    yield found
                if not silent:
                    raise
                raise WritingError(
                    f"{error.reason}, while it was still thinking",
                    "Give it more room with answer_tokens, or switch its thinking off.",
                ) from None
        thinking = thoughts.thinking
        if any(found := thoughts.finish()):
            yield found
        elif thinking:
            raise WritingError(
                f"{self.name} wrote nothing but its thoughts",
                "Give it more room with answer_tokens, or switch its thinking off.",
            )
        if thoughts.unopened:
            self._known = replace(self._known, unopened=True)

    def _said(self, messages: Callable[[int], Messages], config: RunnableConfig) -> Generator[str]:
        """What the model says, as it comes. Raises WritingError for every kind of failure, after
        whatever came before it; also if the model was cut off at the length limit."""
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

    def _chunks(
        self, messages: Callable[[int], Messages], config: RunnableConfig
    ) -> Generator[Any]:
        """The model's chunks. It is asked again without what its server refuses or has no room for,
        and if its server says that it may be, or is loading the model, or is overloaded, as long as
        that is soon enough and nothing has come yet. What worked is remembered."""
        known = begun = self._known
        self._opened(known.accepts)  # does not count as waiting for the model
        deadline = time.monotonic() + self._patience
        stopping = stopping_of(config)
        blamed: BaseException | None = None
        guessed = False
        tries = 0
        while True:
            arrived = False
            model = self._opened(known.accepts)
            asked = _asked(messages(self._room(known)), known.accepts)
            # Without streaming it comes only when all of it has been written.
            longer = 0.0 if known.accepts.streaming else self._answer_tokens * _SLOW_TOKEN
            try:
                for chunk in self._received(
                    lambda model=model, asked=asked: model.astream(asked, config=config),  # type: ignore[misc]
                    deadline + longer,
                    stopping,
                ):
                    if not arrived and chunk.text:
                        arrived = True
                        if known is not begun:
                            self._known = replace(known, unopened=self._known.unopened)
                    yield chunk
            except _Failed as failed:
                error = failed.error
                if arrived or isinstance(error, _Stopped | TimeoutError):
                    raise self._told(error) from None
                if is_too_long(error):
                    smaller = self._smaller(known, error, asked, messages)
                    if smaller is None:
                        raise self._too_long(error, asked) from None
                    known = smaller
                elif less := adapted(known.accepts, error):
                    known = replace(known, accepts=less)
                elif is_guess(error) and not guessed and known.accepts != LEAST:
                    guessed, blamed = True, error
                    known = replace(known, accepts=LEAST)
                else:
                    wait = _wait_before(tries, error)
                    if wait is None or time.monotonic() + wait >= deadline:
                        raise self._told(blamed or error) from None
                    tries += 1
                    stopping.wait(wait)
                if time.monotonic() >= deadline:
                    raise self._told(blamed or error) from None
            else:
                return

    def _room(self, known: _Known) -> int:
        return min(
            self._prompt_tokens, known.context.room if known.context else self._prompt_tokens
        )

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
            room = min(room, max(size - self._answer_tokens - _AROUND, size / 2))
        least = _tokens(_asked(messages(0), known.accepts))
        if least >= before:
            return None
        context = _Context(int(max(room, least)), self._quoted(error))
        return replace(known, context=context)

    def _received(
        self,
        stream: Callable[[], AsyncIterator[Any]],
        deadline: float,
        stopping: threading.Event,
    ) -> Iterator[Any]:
        """The items of an async stream that runs on the writer's loop. Raises _Failed if it fails,
        if nothing comes by the deadline, or later within the writer's patience; and soon after
        `stopping` is set."""
        if stopping.is_set():
            raise _Failed(_Stopped())
        arriving: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

        async def receive() -> None:
            try:
                async with contextlib.aclosing(stream()) as items:  # type: ignore[type-var]
                    async for item in items:
                        arriving.put((item, None))
            except asyncio.CancelledError:
                arriving.put((None, _Failed(TimeoutError())))
                raise
            except Exception as error:  # noqa: BLE001  every provider raises its own; see _told
                arriving.put((None, _Failed(error)))
            else:
                arriving.put((None, StopIteration()))

        receiving = asyncio.run_coroutine_threadsafe(receive(), self._loop())
        try:
            while True:
                wait = max(0.0, deadline - time.monotonic())
                try:
                    item, ended = arriving.get(timeout=min(wait, _LOOK))
                except queue.Empty:
                    if stopping.is_set():
                        raise _Failed(_Stopped()) from None
                    if wait <= _LOOK:
                        raise _Failed(TimeoutError()) from None
                    continue
                if isinstance(ended, _Failed):
                    raise ended
                if ended is not None:
                    return
                yield item
                deadline = time.monotonic() + self._patience
        finally:
            receiving.cancel()

    def _opened(self, accepts: Accepts) -> BaseChatModel:
        with self._turn:
            if accepts not in self._models:
                try:
                    self._models[accepts] = self._open_model(accepts)
                except WritingError:
                    raise
                except Exception as error:  # noqa: BLE001  every provider raises its own
                    raise self._told(error) from None
            return self._models[accepts]

    def _loop(self) -> asyncio.AbstractEventLoop:
        with self._turn:
            if self._running is None:
                self._running = _Background()
            return self._running.loop

    def _told(self, error: BaseException) -> WritingError:
        """What went wrong, with the server's words, but without the key and the provider's own
        traceback."""
        name, status, said = self.name, status_of(error), self._quoted(error)
        if isinstance(error, _Stopped):
            return WritingError(f"{name} was stopped")
        if too_much := next((c for c in causes(error) if isinstance(c, TooMuchError)), None):
            return WritingError(f"{name} was stopped: {too_much}", unreachable=True)
        if isinstance(error, TimeoutError) or "timeout" in type(error).__name__.lower():
            return WritingError(
                f"{name} did not answer in {self._patience:g} s",
                "Give it longer with model_timeout, or take a smaller model.",
                unreachable=True,
            )
        if _is_loading(error):
            return WritingError(
                f"{name} was still being loaded after {self._patience:g} s",
                "Ask again in a while, or give it longer with model_timeout.",
                unreachable=True,
            )
        if status in (401, 403) or (status == 400 and _WRONG_KEY.search(str(error))):
            return WritingError(
                f"{name} refused the key ({status})", "Check the key.", unreachable=True
            )
        if is_too_long(error):
            return WritingError(
                f"The context of {name} is too small{said}", _TOO_SMALL, unreachable=True
            )
        if status == 429:
            wait = _retry_after(error)
            when = "" if wait is None else f", and can be asked again in {wait:.0f} s"
            return WritingError(f"{name} has been asked too often{when}{said}", unreachable=True)
        if status in _OVERLOADED:
            return WritingError(
                f"The server of {name} has too much to do ({status}){said}", unreachable=True
            )
        if status is not None and status >= 500:
            return WritingError(
                f"The server of {name} failed ({status}){said}",
                "Look into the server's log.",
                unreachable=True,
            )
        if status is not None:
            return WritingError(
                f"The server of {name} refused the request ({status}){said}",
                "Check the model's name and base_url.",
                unreachable=True,
            )
        if _is_about_connection(error):
            return WritingError(
                f"{name} cannot be reached",
                "Start its server, or check base_url.",
                unreachable=True,
                off=True,
            )
        kind = type(error).__name__
        return WritingError(f"{name} failed ({kind}){said}", unreachable=True)

    def _too_long(self, error: BaseException, asked: Messages) -> WritingError:
        """The error if not even the shortest prompt fits."""
        least = _tokens(asked) + self._answer_tokens + _AROUND
        return WritingError(
            f"The context of {self.name} is too small{self._quoted(error)}",
            f"Give its server a context of {math.ceil(least / 256) * 256:,} tokens or more, or set "
            "prompt_tokens and answer_tokens lower.",
            unreachable=True,
        )

    def _quoted(self, error: BaseException) -> str:
        """The server's words as they are reported, with any key removed; "" if there are none."""
        said = self._without_secrets(words_of(error))
        return f": its server said “{said}”" if said else ""

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
            if len(secret) > 2 * _BEGINNING:  # also where the rest is masked
                text = re.sub(re.escape(secret[:_BEGINNING]) + r"\S*", "…", text)
        return _KEYLIKE.sub("…", text)


@dataclass(frozen=True, slots=True)
class _Context:
    """A server's context that is too small: how many tokens of a prompt it has room for, by estimate,
    and how its server said so."""

    room: int
    quoted: str

    @property
    def remedy(self) -> str:
        return f"Give its server a larger context, or set prompt_tokens to {self.room}."


@dataclass(frozen=True, slots=True)
class _Known:
    """What has been learnt about a model and its server. `unopened` says that it closes thoughts
    that it did not open."""

    accepts: Accepts = field(default_factory=Accepts)
    context: _Context | None = None
    unopened: bool = False


class _Failed(Exception):  # noqa: N818  how a provider's error crosses from one thread to another
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class _Stopped(Exception):  # noqa: N818  nothing is wrong
    """Nobody is waiting for the answer any more."""


def stopping_of(config: RunnableConfig) -> threading.Event:
    """The event that is set once nobody is waiting any more: the chain's caller passes it as
    "stopping" in `configurable`; if none is given, one that is never set."""
    given = (config.get("configurable") or {}).get("stopping")
    return given if isinstance(given, threading.Event) else threading.Event()


# -- prompts -----------------------------------------------------------------------------------


def _asked(messages: Messages, accepts: Accepts) -> Messages:
    """The messages as this server accepts them: without a system role, instructions come first."""
    if accepts.system:
        return messages
    return [("user", "\n\n".join(text for _, text in messages))]


def _tokens(messages: Messages) -> int:
    return sum(tokens_of(text) for _, text in messages)


def source(number: int, passage: Passage, *, again: bool = False) -> str:
    """A passage as the model sees it, between tags that nothing in an article can close. `again`
    leaves out the title, which an earlier passage of the same article has given."""
    told = {
        "date": passage.published.isoformat() if passage.published else "",
        "from": passage.source,
    }
    if not again and not passage.text.startswith(passage.title.removesuffix("…")):
        told["title"] = passage.title
    about = "".join(
        f' {name}="{_attribute(value)}"' for name, value in told.items() if value.strip()
    )
    return f'<source id="{number}"{about}>\n{inert(passage.text)}\n</source>'


def _sources(passages: Sequence[Passage]) -> Iterator[str]:
    told: set[str] = set()
    for number, passage in enumerate(passages, start=1):
        yield source(number, passage, again=passage.article_id in told)
        told.add(passage.article_id)


def _suggested(found: Sequence[Finding], passages: Sequence[Passage]) -> str:
    """What the readers found in these passages, as told to the model; "" if nothing.

    A few words stand alone: given with the sentence around them, a small model writes that down, too.
    """
    numbers = {passage.id: number for number, passage in enumerate(passages, start=1)}
    lines, room = [], _FOUND
    for finding in found:
        lead = f"{finding.short}: " if finding.form == "verdict" and finding.short else ""
        for claim in finding.claims:
            proof = claim.proofs[0]
            said = " ".join((claim.text if claim.phrase else proof.text).split())
            room -= len(said)
            if proof.passage.id not in numbers or room < 0:
                continue
            said = inert(said) if claim.phrase else f"{lead}“{inert(said)}”"
            lines.append(f"- {said} [{numbers[proof.passage.id]}]\n")
            lead = ""
    return f"A first reading found:\n{''.join(lines)}\n" if lines else ""


def inert(text: str) -> str:
    """Text in which nothing is a tag, a special token of a chat template, or a citation mark."""
    text = _TAG.sub("&lt;", text)
    text = _TEMPLATE.sub(r"(\1)", text)
    return _MARK.sub(lambda mark: f"({mark[0][1:-1]})", text)


def tokens_of(text: str) -> int:
    """How many tokens a model makes of a text, estimated on the high side: a tokenizer would have
    to be downloaded. Four ASCII characters count as one, and so does every other character."""
    others = sum(not c.isascii() for c in text)
    return (len(text) - others) // 4 + others + 1


def _attribute(text: str) -> str:
    return inert(" ".join(text.split())[:_TITLE]).replace('"', "'")


def _may_stand_for(rewritten: str, question: str, history: Sequence[Turn]) -> bool:
    """Whether it is a one-line question whose names and numbers were all mentioned before."""
    if not rewritten or "\n" in rewritten or len(rewritten) > max(_QUESTION, 2 * len(question)):
        return False
    said = " ".join([question, *(turn.text for turn in history)]).lower()
    asked = re.findall(r"[^\W\d_][\w’'-]*|\d[\d.,:]*\d|\d", rewritten)
    names = [w for n, w in enumerate(asked) if w[0].isdigit() or (n > 0 and w[0].isupper())]
    return all(re.sub(r"[’']s?$", "", name.lower()) in said for name in names)


# -- what comes back ---------------------------------------------------------------------------


def _partial(blank: Answer, grounding: Grounding, seconds: dict[str, float]) -> Answer:
    return replace(
        blank,
        text=grounding.text,
        statements=grounding.statements,
        citations=grounding.citations,
        trace=Trace(blank.trace.question, seconds),
        complete=False,
    )


def _why_ended(chunk: Any) -> str:
    """What a model says about why it stopped, under whatever name the provider has for it."""
    told = chunk.response_metadata
    names = ("finish_reason", "stop_reason", "done_reason")
    return next((str(told[name]).lower() for name in names if told.get(name)), "")


def _wait_before(tries: int, error: BaseException) -> float | None:
    """The seconds after which a server may be asked again, None if it should not be: once if it
    says when, twice if it is overloaded, and as often as it takes while it is loading."""
    if _is_loading(error):
        return min(_LOADING_WAIT * 2.0**tries, _LONGEST_LOADING_WAIT)
    if status_of(error) == 429:
        return _retry_after(error) if tries == 0 else None
    if status_of(error) in _OVERLOADED and tries < len(_OVERLOADED_WAITS):
        told = _retry_after(error)
        return _OVERLOADED_WAITS[tries] if told is None else told
    return None


def _is_loading(error: BaseException) -> bool:
    """Whether a server is up but its model is not yet, in the words of llama.cpp and the like."""
    return status_of(error) == 503 and bool(_LOADING.search(str(error)))


def _retry_after(error: BaseException) -> float | None:
    """The seconds after which a server that was asked too often may be asked again."""
    responses = (getattr(cause, "response", None) for cause in causes(error))
    found = [getattr(response, "headers", None) or {} for response in responses if response]
    try:
        seconds = float(next((h["retry-after"] for h in found if "retry-after" in h), ""))
    except ValueError:  # a date, which no provider sends, or nothing
        return None
    return seconds if 0 <= seconds < _LONGEST_WAIT else None


def _is_about_connection(error: BaseException) -> bool:
    return any(
        isinstance(cause, OSError) or re.search("Connect|Protocol", type(cause).__name__)
        for cause in causes(error)
    )


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


class _Background:
    """An event loop in a thread of its own, until it is stopped."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="dateline-model", daemon=True
        )
        self._thread.start()

    def stop(self, clients: Sequence[Any]) -> None:
        """Cancel what runs on it, close these HTTP clients, which live on it, and then the loop."""

        async def end() -> None:
            running = asyncio.all_tasks() - {asyncio.current_task()}
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for client in clients:
                await client.aclose()
            await asyncio.get_running_loop().shutdown_asyncgens()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def _clients(model: Any) -> list[Any]:
    """The asynchronous HTTP clients that belong to this model alone."""
    openai = getattr(model, "http_async_client", None)
    # Ollama's, and the one that an Anthropic model was given above.
    inner = getattr(getattr(model, "_async_client", None), "_client", None)
    options = getattr(
        getattr(getattr(model, "client", None), "_api_client", None), "_http_options", None
    )
    google = getattr(options, "httpx_async_client", None)
    return [client for client in (openai, inner, google) if hasattr(client, "aclose")]


_LONGEST_TOKEN = 12  # characters: a server that ignores our limit is stopped by this one
_SLOWEST_TOKEN = (
    2.0  # seconds, and by this one if it writes more slowly than anybody would wait for
)
_BYTES, _BYTES_A_TOKEN = 1_000_000, 4_000  # the most for an answer, with all that is around it
_SLOW_TOKEN = 0.1  # seconds to wait per token for an answer in one piece
_AROUND = 64  # tokens that a chat template puts around a prompt
_AROUND_HISTORY = 300  # tokens of the prompt that asks for a rewrite
_OLLAMA_CONTEXT = 4_096  # tokens, which is its own default
_SMALLER = 0.7  # of a prompt that was too long
_FOUND, _FOUND_TOKENS = 600, 200  # characters of what the readers found, and tokens of room for it
_FILLER = "The ministry said that the meeting is held in Dakar on July 9. "
_LONGEST_WAIT = 3_600.0
_OVERLOADED = frozenset({503, 529})
_OVERLOADED_WAITS = (0.5, 1.5)  # seconds before the second try and the third
_LOADING_WAIT, _LONGEST_LOADING_WAIT = 0.25, 2.0  # seconds; doubled with each try
_LOADING = re.compile(r"\bloading\b", re.IGNORECASE)
_WRONG_KEY = re.compile(
    r"\bapi[ _]key[ _](?:not[ _]valid|invalid)\b", re.IGNORECASE
)  # Google's 400
_LOOK = 0.2  # seconds between checks whether anybody is still waiting
_TITLE = 160  # characters
_TURNS = 6  # of the conversation, and characters of each
_TURN = 400
_QUESTION = 300  # characters of a question made to stand alone
_TOO_LONG = frozenset({"length", "max_tokens", "max_output_tokens"})
_FILTERED = frozenset({"content_filter", "safety", "refusal", "prohibited_content", "recitation"})
_ENDING = 20  # characters that show whether a text is complete
_WHOLE = re.compile(r"[.!?…。\]】][\"'”’»)*_]*\s*$")
_TAG = re.compile(r"<(?=[\w/|!<?])")
_TEMPLATE = re.compile(r"\[(/?(?:INST|SYS\w*|AVAILABLE_TOOLS|TOOL_\w+))\]", re.IGNORECASE)
_MARK = re.compile(r"[\[【]\^?\d{1,6}(?:[\s,;–-]+\d{1,6})*[\]】]")
_MARKED = re.compile(rf"(?<!\s)\s*+{_MARK.pattern}")
_KEYLIKE = re.compile(
    r"\b(?:sk|pk|gsk|hf|key|AIza)[-_][-_\w*]{6,}|\bAIza[-_\w*]{8,}|\bBearer\s+\S+"
    r"|(?<=://)[^/@\s]+@|\b(?=\w*\d)(?=\w*[A-Za-z])[-\w]{32,}",
    re.IGNORECASE,
)
_BEGINNING = 6  # characters of a key that give it away
_TOO_SMALL = "Give its server a larger context, or set prompt_tokens lower."
