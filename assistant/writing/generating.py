"""Answers written by a chat model, streamed, every sentence checked.

    writer = ChatWriter(lambda: open_chat_model("ollama:qwen3", …), "ollama:qwen3", …)
    writer.answer(blank, "who co-chairs the meeting?", None, config)      growing answers
    writer.standalone("and when is it?", history, config)                 "When is the meeting?"

What the chain needs of whoever writes is the protocol `Writer`. The model gets numbered passages and
the question, no tools, and nothing else; what it says goes through `grounding`. Whatever goes wrong
with it (away, refused, slow, cut off, empty, unproved) is a WritingError, and the chain gives the
articles' own words. It knows LangChain's chat models, and no index.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import queue
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from assistant.answers import Answer, Trace, Turn
from assistant.errors import WritingError
from assistant.prompts import Phrases, Prompt
from assistant.question.typed import LONGEST
from assistant.writing.bounds import TooMuchError, bound, whole
from assistant.writing.grounding import Grounding, Wording
from assistant.writing.providers import PROVIDERS, is_loopback
from assistant.writing.support import Similar
from vectorstore.articles import Passage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
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

    def warm(self) -> None:
        """Load now what the first question would wait for. What is wrong is told by that one."""
        ...

    def check(self) -> float:
        """The seconds until it says its first word. Raises WritingError where it does not."""
        ...

    def close(self) -> None:
        """Stop what is being written."""
        ...


# -- which models there are --------------------------------------------------------------------


def open_chat_model(
    model: str, *, base_url: str | None, key: str | None, answer_tokens: int
) -> BaseChatModel:
    """The chat model "provider:name". Reaches nothing yet.

    `base_url` is any server that speaks the provider's protocol; where it is given, no key but `key`
    is sent there. Raises WritingError where the provider's package or the key is missing.
    """
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
            "temperature": 0,
            # No proxy of the environment stands between this machine and itself.
            "client_kwargs": {"timeout": None, "trust_env": not here},
        }
    elif provider == "openai":
        import httpx

        options = {
            "api_key": key or "none",  # a server of one's own asks for none, the client for any
            "max_retries": 0,  # whoever waits for the answer decides how long
            "timeout": None,
            "stream_chunk_timeout": None,
            "max_tokens": answer_tokens,
            # One of our own, to be closed by us: LangChain shares its own among all models.
            "http_async_client": httpx.AsyncClient(trust_env=not here, timeout=None),  # noqa: S113
        }
        if base_url is not None:
            options |= {
                "temperature": 0,
                "use_responses_api": False,
                # The name that servers other than OpenAI's know it by.
                "extra_body": {"max_tokens": answer_tokens},
            }
        elif name.startswith(("gpt-4", "gpt-3.5")):
            options["temperature"] = 0  # OpenAI's later models take no other than their own
    elif provider == "google_genai":
        options = {
            "api_key": key or "none",
            "max_retries": 1,  # tries, not retries
            "max_tokens": answer_tokens,
            "temperature": 0,
        }
    else:
        options = {
            "api_key": key or "none",
            "max_retries": 0,
            "max_tokens": answer_tokens,
            "temperature": 0,
        }
    if base_url is not None:
        options["base_url"] = base_url
    opened: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
    if provider in ("anthropic", "google_genai"):
        _connect_alone(opened, provider, here)
    elif provider == "ollama":
        # Not among its fields, which are shown and traced; and the key of the environment, which its
        # client would take, goes to no other server.
        opened._async_client._client.headers["authorization"] = f"Bearer {key or 'none'}"  # type: ignore[attr-defined]
    for client in _clients(opened):
        bound(client, _BYTES + answer_tokens * _BYTES_A_TOKEN)
    return opened


def _connect_alone(model: Any, provider: str, here: bool) -> None:
    """Give a model connections of its own, which end with it, and which no proxy of the environment
    stands in where its server is `here`.

    LangChain shares one client among all Anthropic models of a process: a second one would be handed
    connections of an event loop that has ended. Google's takes whichever HTTP library is installed.
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
    """Writes with a chat model; `open_model` is called on first use.

    `patience` are the seconds to wait for the model's first word, and for each one after it;
    `prompt_tokens` is what the prompt may have, by estimate, and `answer_tokens` the answer. `secrets`
    are kept out of every message. `loads` says that the server is one's own: warming it up makes it
    load the model and read the beginning of the prompt. Every stream runs on one event loop in a thread of the writer's,
    so that stopping one closes its connection at once and none waits for another.
    """

    def __init__(
        self,
        open_model: Callable[[], BaseChatModel],
        name: str,
        prompts: tuple[Prompt, Prompt],
        phrases: Phrases,
        wording: Wording,
        *,
        similar: Similar | None = None,
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
        self._similar = similar
        self._patience = patience
        self._prompt_tokens = prompt_tokens
        self._answer_tokens = answer_tokens
        self._secrets = tuple(filter(None, secrets))
        self._loads = loads
        self._turn = threading.Lock()
        self._model: BaseChatModel | None = None
        self._running: _Background | None = None

    def answer(
        self, blank: Answer, question: str, as_of: date | None, config: RunnableConfig
    ) -> Iterator[Answer]:
        passages = self._fitting([hit.passage for hit in blank.passages], question)
        today = as_of or datetime.now(tz=UTC).astimezone().date()
        messages = self._answering.messages(
            sources="\n".join(_sources(passages)),
            question=inert(question),
            today=f"Today is {today:%A}, {today.day} {today:%B %Y}.\n",
        )
        grounding = Grounding(question, passages, self._wording, self._similar)
        blank = replace(blank, kind="answer", model=self.name, complete=False)
        seconds: dict[str, float] = {}
        begun = time.perf_counter()
        cut = ""
        try:
            with contextlib.closing(self._stream(messages, config)) as tokens:
                for token in tokens:
                    seconds.setdefault("first_token", time.perf_counter() - begun)
                    if grounding.feed(token):
                        yield _partial(blank, grounding, seconds)
                    if grounding.refused:
                        break
        except WritingError as error:
            cut = error.reason
            failed = error
        else:
            failed = WritingError(f"{self.name} wrote nothing that stands in the articles")
        grounding.finish(cut=bool(cut))
        if grounding.refused:
            trace = Trace(question, seconds)
            yield replace(blank, kind="abstention", trace=trace, complete=True)
        elif not grounding.supported:
            raise failed
        else:
            yield self._whole(blank, grounding, seconds, cut)

    def standalone(self, question: str, history: Sequence[Turn], config: RunnableConfig) -> str:
        said = [
            f"{'Reader' if turn.role == 'user' else 'Assistant'}: "
            f"{inert(' '.join(_MARKED.sub('', turn.text).split())[:_TURN])}"
            for turn in history[-_TURNS:]
        ]
        messages = self._rewriting.messages(history="\n".join(said), question=inert(question))
        text = ""
        with contextlib.closing(self._stream(messages, config)) as tokens:
            for token in tokens:
                text += token
                if len(text) > LONGEST:
                    break
        rewritten = _THOUGHTS.sub("", text).strip().strip("\"“”'`").strip()
        if not _may_stand_for(rewritten, question, history):
            raise WritingError(f"{self.name} did not rewrite the question")
        return " ".join(rewritten.split())

    def warm(self) -> None:
        with contextlib.suppress(WritingError):
            self._opened()
            if self._loads:
                self.check()

    def check(self) -> float:
        begun = time.perf_counter()
        messages = self._answering.messages(sources="", today="", question="Are you there?")
        with contextlib.closing(self._stream(messages, {})) as tokens:
            if next(tokens, None) is None:
                raise WritingError(f"{self.name} wrote nothing")
        return time.perf_counter() - begun

    def close(self) -> None:
        with self._turn:
            running, self._running = self._running, None
            model, self._model = self._model, None
        if running is not None:
            running.stop(_clients(model))

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
        if grounding.unknown:
            marks = _count(grounding.unknown, "citation")
            told.append(self._phrases.say("unknown_marks", marks=marks))
        if grounding.unproved:
            marks = _count(grounding.unproved, "citation")
            told.append(self._phrases.say("unproved_marks", marks=marks))
        proved = sum(statement.supported for statement in grounding.statements)
        share = proved / (proved + grounding.unsupported)
        whole = _partial(blank, grounding, seconds)
        return replace(
            whole, confidence=blank.confidence * share, notices=tuple(told), complete=True
        )

    def _fitting(self, passages: Sequence[Passage], question: str) -> list[Passage]:
        """The best passages that the prompt has room for, at least one."""
        room = self._prompt_tokens - tokens_of(
            self._answering.system + self._answering.user + question
        )
        count = 0
        for shown in _sources(passages):
            room -= tokens_of(shown)
            if count and room < 0:
                break
            count += 1
        return list(passages[:count])

    def _stream(self, messages: list[tuple[str, str]], config: RunnableConfig) -> Generator[str]:
        """What the model writes, as it comes and as text that can be kept. Raises what `_said` does."""
        with contextlib.closing(self._said(messages, config)) as said:
            yield from filter(None, whole(said))

    def _said(self, messages: list[tuple[str, str]], config: RunnableConfig) -> Generator[str]:
        """What the model says, as it comes. Raises WritingError for every way in which it fails,
        after what came before; also where it was cut off at the greatest length."""
        model = self._opened()
        ended, last = "", ""
        written = 0
        most = self._answer_tokens * _LONGEST_TOKEN
        deadline = time.monotonic() + self._patience + self._answer_tokens * _SLOWEST_TOKEN
        with contextlib.closing(self._chunks(model, messages, config)) as chunks:
            for number, chunk in enumerate(chunks):
                ended = _why_ended(chunk) or ended
                text = chunk.text[: most - written]
                if text:
                    written += len(text)
                    last = (last + text)[-_ENDING:]
                    yield text
                # A server may send chunks without end that say nothing.
                if len(chunk.text) > len(text) or number > most or time.monotonic() > deadline:
                    ended = "length"
                    break
        if ended in _TOO_LONG:
            raise WritingError(f"{self.name} was stopped at {self._answer_tokens} tokens")
        if not written:
            raise WritingError(f"{self.name} wrote nothing")
        if ended in _FILTERED:
            raise WritingError(f"{self.name} was stopped by its provider's filter")
        if not ended and not _WHOLE.search(last):  # the connection ended, and nobody said why
            raise WritingError(f"{self.name} was cut off")

    def _chunks(
        self, model: BaseChatModel, messages: list[tuple[str, str]], config: RunnableConfig
    ) -> Generator[Any]:
        """The model's chunks; asked again where its server says that it may be, or is loading the
        model, or has too much to do, as long as that is soon enough and nothing has come yet."""
        deadline = time.monotonic() + self._patience
        stopping = stopping_of(config)
        tries = 0
        while True:
            arrived = False
            try:
                for chunk in self._received(
                    lambda: model.astream(messages, config=config), deadline, stopping
                ):
                    arrived = arrived or bool(chunk.text)
                    yield chunk
            except _Failed as failed:
                wait = None if arrived else _wait_before(tries, failed.error)
                if wait is None or time.monotonic() + wait >= deadline:
                    raise self._told(failed.error) from None
                tries += 1
                stopping.wait(wait)
            else:
                return

    def _received(
        self,
        stream: Callable[[], AsyncIterator[Any]],
        deadline: float,
        stopping: threading.Event,
    ) -> Iterator[Any]:
        """The items of an async stream that runs on the writer's loop. Raises _Failed where it
        fails, or where nothing comes by the deadline, and later within the writer's patience; and
        soon after `stopping` is set."""
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
            except Exception as error:  # noqa: BLE001  every provider raises its own; told by _told
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

    def _opened(self) -> BaseChatModel:
        with self._turn:
            if self._model is None:
                try:
                    self._model = self._open_model()
                except WritingError:
                    raise
                except Exception as error:  # noqa: BLE001  every provider raises its own
                    raise self._told(error) from None
            return self._model

    def _loop(self) -> asyncio.AbstractEventLoop:
        with self._turn:
            if self._running is None:
                self._running = _Background()
            return self._running.loop

    def _told(self, error: BaseException) -> WritingError:
        """What went wrong, without the key and without the provider's own traceback."""
        name, status = self.name, _status(error)
        if isinstance(error, _Stopped):
            return WritingError(f"{name} was stopped")
        if too_much := next((c for c in _causes(error) if isinstance(c, TooMuchError)), None):
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
        if status == 429:
            wait = _retry_after(error)
            when = "" if wait is None else f", and can be asked again in {wait:.0f} s"
            return WritingError(f"{name} has been asked too often{when}", unreachable=True)
        if status in _OVERLOADED:
            return WritingError(
                f"The server of {name} has too much to do ({status})", unreachable=True
            )
        if status is not None and status >= 500:
            return WritingError(f"The server of {name} failed ({status})", unreachable=True)
        if status is not None:
            return WritingError(
                f"The server of {name} refused the request ({status})",
                self._without_secrets(str(error)),
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
        return WritingError(
            f"{name} failed ({kind})", self._without_secrets(str(error)), unreachable=True
        )

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        line = " ".join(_KEYLIKE.sub("…", text).split())
        return f"It said: {line[:200]}"


class _Failed(Exception):  # noqa: N818  how a provider's error crosses from one thread to another
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class _Stopped(Exception):  # noqa: N818  nothing is wrong
    """Nobody waits for the answer any more."""


def stopping_of(config: RunnableConfig) -> threading.Event:
    """What is set where nobody waits any more: the chain's caller gives it as "stopping" among the
    configurable; one that never is, where none is given."""
    given = (config.get("configurable") or {}).get("stopping")
    return given if isinstance(given, threading.Event) else threading.Event()


# -- prompts -----------------------------------------------------------------------------------


def source(number: int, passage: Passage, *, again: bool = False) -> str:
    """A passage as the model sees it, between tags that nothing in an article can close. `again`
    leaves out the title, which a passage of the same article has told before."""
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


def inert(text: str) -> str:
    """Text in which nothing is a tag, a special token of a chat template, or a citation mark."""
    text = _TAG.sub("&lt;", text)
    text = _TEMPLATE.sub(r"(\1)", text)
    return _MARK.sub(lambda mark: f"({mark[0][1:-1]})", text)


def tokens_of(text: str) -> int:
    """How many tokens a model makes of a text, by estimate, rather too many: a tokenizer would have
    to be fetched. Four ASCII characters are one, and every other character one."""
    others = sum(not c.isascii() for c in text)
    return (len(text) - others) // 4 + others + 1


def _attribute(text: str) -> str:
    return inert(" ".join(text.split())[:_TITLE]).replace('"', "'")


def _may_stand_for(rewritten: str, question: str, history: Sequence[Turn]) -> bool:
    """A question of one line whose names and numbers were all said before."""
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
    """What a model says about why it stopped, in whatever name the provider has for it."""
    told = chunk.response_metadata
    names = ("finish_reason", "stop_reason", "done_reason")
    return next((str(told[name]).lower() for name in names if told.get(name)), "")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from: LangChain wraps those of some providers."""
    while error is not None:
        yield error
        error = error.__cause__


def _status(error: BaseException) -> int | None:
    for cause in _causes(error):
        for name in ("status_code", "code"):
            value = str(getattr(cause, name, ""))
            if re.fullmatch(r"[45]\d\d", value):
                return int(value)
        # Told in the middle of a stream that began with 200.
        told = getattr(cause, "body", None)
        kind = told.get("error") if isinstance(told, dict) else None
        if isinstance(kind, dict) and kind.get("type") in _KINDS:
            return _KINDS[kind["type"]]
    return None


def _wait_before(tries: int, error: BaseException) -> float | None:
    """The seconds after which a server may be asked again, None where it is not to be: once where it
    says when, twice where it has too much to do, and as often as it takes where it is loading."""
    if _is_loading(error):
        return min(_LOADING_WAIT * 2.0**tries, _LONGEST_LOADING_WAIT)
    if _status(error) == 429:
        return _retry_after(error) if tries == 0 else None
    if _status(error) in _OVERLOADED and tries < len(_OVERLOADED_WAITS):
        told = _retry_after(error)
        return _OVERLOADED_WAITS[tries] if told is None else told
    return None


def _is_loading(error: BaseException) -> bool:
    """Whether a server is up and its model is not yet, in the words of llama.cpp and its like."""
    return _status(error) == 503 and bool(_LOADING.search(str(error)))


def _retry_after(error: BaseException) -> float | None:
    """The seconds after which a server that was asked too often may be asked again."""
    responses = (getattr(cause, "response", None) for cause in _causes(error))
    found = [getattr(response, "headers", None) or {} for response in responses if response]
    try:
        seconds = float(next((h["retry-after"] for h in found if "retry-after" in h), ""))
    except ValueError:  # a date, which no provider sends, or nothing
        return None
    return seconds if 0 <= seconds < _LONGEST_WAIT else None


def _is_about_connection(error: BaseException) -> bool:
    return any(
        isinstance(cause, OSError) or re.search("Connect|Protocol", type(cause).__name__)
        for cause in _causes(error)
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
        """End what runs on it, close these HTTP clients, which live on it, and then the loop."""

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
    """The asynchronous HTTP clients that are this model's alone."""
    openai = getattr(model, "http_async_client", None)
    # Ollama's, and that which an Anthropic model was given above.
    inner = getattr(getattr(model, "_async_client", None), "_client", None)
    options = getattr(
        getattr(getattr(model, "client", None), "_api_client", None), "_http_options", None
    )
    google = getattr(options, "httpx_async_client", None)
    return [client for client in (openai, inner, google) if hasattr(client, "aclose")]


_LONGEST_TOKEN = 12  # characters: a server that does not know our limit is stopped by this one
_SLOWEST_TOKEN = (
    2.0  # seconds, and by this one where it writes more slowly than anybody would wait for
)
_BYTES, _BYTES_A_TOKEN = 1_000_000, 4_000  # that an answer may have with all that is around it
_LONGEST_WAIT = 3_600.0
_OVERLOADED = frozenset({503, 529})
_OVERLOADED_WAITS = (0.5, 1.5)  # seconds before the second try and the third
_LOADING_WAIT, _LONGEST_LOADING_WAIT = 0.25, 2.0  # seconds; doubled with each try
_LOADING = re.compile(r"\bloading\b", re.IGNORECASE)
_WRONG_KEY = re.compile(
    r"\bapi[ _]key[ _](?:not[ _]valid|invalid)\b", re.IGNORECASE
)  # Google's 400
_KINDS = {"overloaded_error": 529, "rate_limit_error": 429, "api_error": 500}  # Anthropic's
_LOOK = 0.2  # seconds between two looks whether anybody still waits
_TITLE = 160  # characters
_TURNS = 6  # of the conversation, and characters of each
_TURN = 400
_QUESTION = 300  # characters of a question made to stand alone
_TOO_LONG = frozenset({"length", "max_tokens", "max_output_tokens"})
_FILTERED = frozenset({"content_filter", "safety", "refusal", "prohibited_content", "recitation"})
_ENDING = 20  # characters that show whether a text is whole
_WHOLE = re.compile(r"[.!?…。\]】][\"'”’»)*_]*\s*$")
_TAG = re.compile(r"<(?=[\w/|!<?])")
_TEMPLATE = re.compile(r"\[(/?(?:INST|SYS\w*|AVAILABLE_TOOLS|TOOL_\w+))\]", re.IGNORECASE)
_MARK = re.compile(r"[\[【]\^?\d{1,6}(?:[\s,;–-]+\d{1,6})*[\]】]")
_MARKED = re.compile(rf"(?<!\s)\s*+{_MARK.pattern}")
_THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_KEYLIKE = re.compile(r"\b(?:sk|pk|key|AIza)[-_\w*]{8,}|\bBearer\s+\S+", re.IGNORECASE)
