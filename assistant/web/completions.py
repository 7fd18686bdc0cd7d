"""Dateline as an OpenAI-style model, for chat programs and editors that speak OpenAI's API.

    GET  /v1/models                 "dateline", and "dateline-plain" without the list of sources; for a
                                    collection, "dateline/press"; if several chat models can be
                                    chosen, with the one that writes: "dateline@ollama:qwen3"
    POST /v1/chat/completions       model, messages, stream -> an answer from the articles

OpenAI's newer API, /v1/responses, is in `responses`.

The last message is the question, those before it the conversation; system messages are not
followed, and tools are not called. The text has marks [1], with a list of the sources below it; the
message's `annotations` give each mark's position in the text, and its citation the quote's position
in the article. OpenAI's fields that mean nothing here (temperature, …) are ignored. `"dateline":
{"after": …, "source_list": false}` in a request sets filters, and turns the list off. Errors have
OpenAI's shape. This module decides nothing about answers.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from assistant.answers import Answer, Citation, Turn
from assistant.errors import QuestionError
from assistant.render.chat import Marked, from_chat, to_chat
from assistant.render.quoted import passage_address, reading_address
from assistant.web.choosing import Choice, Desk
from assistant.web.errors import RefusedError, body_of
from assistant.web.guarding import OPENAI, error_body
from assistant.web.keyed import whose
from assistant.web.prefix import base_of
from assistant.web.programs import Question, first_of, while_there
from vectorstore.articles import Passage
from vectorstore.errors import DatelineError

if TYPE_CHECKING:
    from fastapi import APIRouter, Request, Response
    from starlette.types import Receive

MODELS = {
    "dateline": True,
    "dateline-plain": False,
}  # and whether the sources are listed in the text

_MADE = 1_750_000_000  # the models' creation time, in seconds since 1970; clients want a number
_LONGEST = 10_000  # characters of a question, and of a turn, that are looked at
_TURNS = 200  # turns looked at, the last ones
_WEB = re.compile(r"https?://[^\s()<>\"']+")  # addresses that can stand in a Markdown link
_INSTEAD = "\n\n(Instead of what stands above:)\n\n"

_log = logging.getLogger(__name__)


class Open(BaseModel):
    """Takes and forgets the fields that OpenAI's clients send beside those named here."""

    model_config = ConfigDict(extra="ignore")


class PartIn(Open):
    """A part of a message; the text of those that are text is read."""

    type: str
    text: str = ""


class MessageIn(Open):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[PartIn] | None = None


class FormatIn(Open):
    type: str = "text"


class DatelineIn(BaseModel):
    """What only Dateline knows; unknown names are refused. `source_list` lists the sources below the
    answer, or not; else the model's name decides."""

    model_config = ConfigDict(extra="forbid")

    as_of: date | None = None
    sources: list[str] | None = None
    after: date | None = None
    before: date | None = None
    authors: list[str] | None = None
    tags: list[str] | None = None
    source_list: bool | None = None


class CompletionIn(Open):
    """The body of POST /v1/chat/completions."""

    model: str
    messages: list[MessageIn] = Field(min_length=1)
    stream: bool | None = False
    n: int | None = None
    response_format: FormatIn | None = None
    dateline: DatelineIn = DatelineIn()


class QuotedOut(BaseModel):
    """Where the quote of a citation stands: characters `start` to `end` of the article's text."""

    number: int
    article_id: str
    source: str
    published: date | None
    start: int
    end: int
    quote: str
    page: int | None


class UrlCitationOut(BaseModel):
    """A mark in the message's text, from `start_index` up to `end_index`, and what it stands for."""

    start_index: int
    end_index: int
    title: str
    url: str


class AnnotationOut(BaseModel):
    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitationOut
    dateline: QuotedOut


class AnswerMessageOut(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[AnnotationOut]


class ChoiceOut(BaseModel):
    index: Literal[0] = 0
    message: AnswerMessageOut
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class VerdictOut(BaseModel):
    """What Dateline says of its answer beside the text."""

    kind: Literal["answer", "abstention", "help"]
    short: str | None
    confidence: float
    notices: list[str]
    model: str


class CompletionOut(BaseModel):
    """A chat completion. Tokens are not counted, so there is no `usage`."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChoiceOut]
    dateline: VerdictOut


class ChatModelOut(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = _MADE
    owned_by: Literal["dateline"] = "dateline"


class ChatModelsOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[ChatModelOut]


class OpenAIErrorOut(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorsOut(BaseModel):
    """An error, in OpenAI's shape."""

    error: OpenAIErrorOut


def completion_routes(
    choice: Choice,
    clock: Callable[[], float] = time.time,
) -> "APIRouter":
    """The routes over the collections that may be asked here. `clock` gives seconds since
    1970."""
    from fastapi import APIRouter, Request
    from fastapi.responses import Response

    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorsOut} for status in (400, 401, 403, 404, 413, 429, 503)
    }
    router = APIRouter(prefix="/v1", tags=["OpenAI-style"], responses=errors)

    @router.get("/models", summary="The models there are")
    def models(request: Request) -> ChatModelsOut:
        return ChatModelsOut(data=[ChatModelOut(id=name) for name in _models(choice, request)])

    @router.get("/models/{model:path}", summary="One of the models")
    def model(model: str, request: Request) -> ChatModelOut:
        _known_model(model, choice, request)
        return ChatModelOut(id=model)

    @router.post(
        "/chat/completions",
        summary="An answer from the articles",
        response_model=CompletionOut,
        responses={
            200: {
                "description": "The completion; with `stream`, its chunks as server-sent events",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
    )
    async def complete(asked: CompletionIn, request: Request) -> Response:
        citing, desk, writer = await chosen(choice, asked.model, asked.dateline, request)
        question = replace(_question(asked), model=writer)
        growing = desk.programs.growing(question, whose(request.scope))
        made = _Making(asked.model, int(clock()), citing)
        return await told(made, growing, bool(asked.stream), request.receive)

    return router


class Making(Protocol):
    """Builds what is sent for an answer: all of it at once, or its growth as server-sent events."""

    def whole(self, answer: Answer) -> BaseModel: ...

    def events(
        self,
        first: Answer,
        growing: AsyncGenerator[Answer, None],
    ) -> AsyncIterator[str]: ...


async def told(
    made: Making,
    growing: AsyncGenerator[Answer, None],
    stream: bool,
    receive: "Receive",
) -> "Response":
    """The response with this answer, streamed or not. If the client disconnects, the work ends."""
    from fastapi.responses import JSONResponse, Response, StreamingResponse

    if not stream:
        answer = await while_there(growing, receive)
        if answer is None:
            return Response(status_code=499)  # nobody is listening
        return JSONResponse(made.whole(answer).model_dump(mode="json"))
    # A question that cannot be answered at all gets an error status, so wait for the first words.
    first = await while_there(first_of(growing), receive)
    if first is None:
        await growing.aclose()
        return Response(status_code=499)
    return StreamingResponse(
        made.events(first, growing),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def chosen(
    choice: Choice, model: str, limits: DatelineIn, request: "Request"
) -> "tuple[Citing, Desk, str | None]":
    """How the answer is written, who gives it, and the chat model, None for the configured one.
    Raises RefusedError for an unknown model."""
    name, writer = _known_model(model, choice, request)
    path = base_of(request.scope) + (f"/collections/{name}" if name else "")
    base = str(request.base_url.replace(path=path))
    listing = limits.source_list
    kind = model.partition("@")[0].partition("/")[0]
    listing = MODELS[kind] if listing is None else listing
    return Citing(base, listing), await choice.desk(name, request.scope), writer


@dataclass(frozen=True, slots=True)
class Cited:
    """A mark in a text that is sent, from `start` up to `end`, and what it refers to."""

    start: int
    end: int
    title: str
    url: str
    quote: QuotedOut


@dataclass(frozen=True, slots=True)
class Citing:
    """How an answer is written for a chat program: `base` is this server's address; with `listing`,
    the sources follow the text."""

    base: str
    listing: bool

    def marked(self, answer: Answer) -> Marked:
        def address(item: Citation | Passage) -> str:
            return self._address(answer, item)

        return to_chat(answer, address if self.listing else None)

    def cited(self, answer: Answer, marked: Marked, before: int = 0) -> list[Cited]:
        """The marks of the text, which follows `before` characters."""
        by_number = {citation.number: citation for citation in answer.citations}
        return [
            Cited(
                before + start,
                before + end,
                by_number[number].title,
                self._address(answer, by_number[number]),
                QuotedOut(**asdict(by_number[number])),
            )
            for number, start, end in marked.marks
        ]

    def _address(self, answer: Answer, item: Citation | Passage) -> str:
        """The original's address, else the one at which this server shows the article."""
        if _WEB.fullmatch(item.url):
            return item.url
        if isinstance(item, Passage):
            return f"{self.base}/{passage_address(item)}"
        return f"{self.base}/{reading_address(answer, item)}"


@dataclass(frozen=True, slots=True)
class Piece:
    """What is sent next of a growing answer. The last piece has the whole `answer` and what it
    cites, or the body of the error that ended it."""

    text: str = ""
    cited: Sequence[Cited] = ()
    answer: Answer | None = None
    failure: dict[str, Any] | None = None


async def pieces(
    first: Answer,
    growing: AsyncGenerator[Answer, None],
    citing: Citing,
) -> AsyncGenerator[Piece, None]:
    """A growing answer in pieces. What has been sent cannot be taken back: if the complete answer
    differs from what grew, it follows."""
    sent = ""
    answer = first
    async with aclosing(growing):
        try:
            while True:
                text = citing.marked(answer).text
                if answer.complete:
                    break
                if len(text) > len(sent) and text.startswith(sent):
                    yield Piece(text[len(sent) :])
                    sent = text
                answer = await anext(growing)
        except StopAsyncIteration:
            pass
        except DatelineError as error:
            yield Piece(failure=body_of(OPENAI, error))
            return
        except Exception:  # noqa: BLE001  # last resort: too late for an error status
            code = secrets.token_hex(3)
            _log.exception("an answer failed, code %s", code)
            yield Piece(failure=error_body(OPENAI, 500, f"Something went wrong. Code {code}"))
            return
    marked = citing.marked(answer)
    before = 0
    if marked.text.startswith(sent):
        rest = marked.text[len(sent) :]
    else:
        before = len(sent) + len(_INSTEAD)
        rest = _INSTEAD + marked.text
    yield Piece(rest, citing.cited(answer, marked, before), answer)


class _Making:
    """Builds what is sent for one answer."""

    def __init__(self, model: str, created: int, citing: Citing) -> None:
        self._model = model
        self._created = created
        self._citing = citing
        self._id = f"chatcmpl-{secrets.token_hex(12)}"

    def whole(self, answer: Answer) -> CompletionOut:
        marked = self._citing.marked(answer)
        annotations = _annotations(self._citing.cited(answer, marked))
        message = AnswerMessageOut(content=marked.text, annotations=annotations)
        return CompletionOut(
            id=self._id,
            created=self._created,
            model=self._model,
            choices=[ChoiceOut(message=message)],
            dateline=verdict(answer),
        )

    async def events(
        self,
        first: Answer,
        growing: AsyncGenerator[Answer, None],
    ) -> AsyncIterator[str]:
        """The chunks of a stream."""
        yield self._chunk({"role": "assistant", "content": ""})
        async with aclosing(pieces(first, growing, self._citing)) as growing_text:
            async for piece in growing_text:
                if piece.failure is not None:
                    yield f"data: {json.dumps(piece.failure)}\n\n"
                    return
                if piece.text:
                    yield self._chunk({"content": piece.text})
                if piece.cited:
                    found = [one.model_dump(mode="json") for one in _annotations(piece.cited)]
                    yield self._chunk({"annotations": found})
                if piece.answer is not None:
                    said = verdict(piece.answer).model_dump(mode="json")
                    yield self._chunk({}, finish="stop", dateline=said)
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None, **more: Any) -> str:
        chunk = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
            **more,
        }
        return f"data: {json.dumps(chunk)}\n\n"


def _annotations(cited: Sequence[Cited]) -> list[AnnotationOut]:
    return [
        AnnotationOut(
            url_citation=UrlCitationOut(
                start_index=each.start, end_index=each.end, title=each.title, url=each.url
            ),
            dateline=each.quote,
        )
        for each in cited
    ]


def _models(choice: Choice, request: "Request") -> list[str]:
    """What may be asked, as models: "dateline", "dateline/press", "dateline@reader"."""
    names = [
        f"{model}/{name}" if name else model
        for name in choice.names(request.scope)
        for model in MODELS
    ]
    writers = _writers(choice)[1:]
    return [*names, *(f"{one}@{writer}" for one in names for writer in writers)]


def _writers(choice: Choice) -> list[str]:
    """The chat models that can write; the first is used if none is named."""
    return [each.name for each in choice.own.assistant.models.choices()]


def _known_model(model: str, choice: Choice, request: "Request") -> tuple[str, str | None]:
    """The collection that the model name refers to, and the chat model it names. Raises
    RefusedError for an unknown model."""
    known = _models(choice, request)
    name, named, writer = model.partition("@")
    if name not in known or (named and writer not in _writers(choice)):
        raise RefusedError(
            f"the model {model!r:.100} does not exist; there are {', '.join(known)}.",
            param="model",
            code="model_not_found",
            status=404,
        )
    return name.partition("/")[2], writer or None


def _question(asked: CompletionIn) -> Question:
    """Raises RefusedError for unsupported requests, QuestionError for an empty question."""
    if asked.n is not None and asked.n != 1:
        raise RefusedError(
            "there is one answer: leave `n` out.", param="n", code="unsupported_value"
        )
    if asked.response_format is not None and asked.response_format.type != "text":
        raise RefusedError(
            "answers are text: leave `response_format` out.",
            param="response_format",
            code="unsupported_value",
        )
    return question_of(asked.messages, asked.dateline, "messages")


def question_of(messages: Sequence[MessageIn], limits: DatelineIn, field: str) -> Question:
    """The question in the last of the messages, with the others as history. `field` is the
    request's name for them.

    Raises RefusedError if it is not an acceptable question, QuestionError if it is empty.
    """
    turns = _turns(messages, field)
    if not turns or turns[-1].role != "user":
        raise RefusedError(
            "the last message has to be the user's, and a text.", param=field, code="invalid_value"
        )
    if len(turns[-1].text) > _LONGEST:
        raise RefusedError(
            f"the question has {len(turns[-1].text):,} characters; the limit is {_LONGEST:,}.",
            param=field,
            code="string_above_max_length",
        )
    if not turns[-1].text.strip():
        raise QuestionError("The question is empty: write what you want to know.")
    return Question(
        turns[-1].text,
        history=[Turn(turn.role, turn.text[:_LONGEST]) for turn in turns[-_TURNS - 1 : -1]],
        **limits.model_dump(exclude={"source_list"}),
    )


def _turns(messages: Sequence[MessageIn], field: str) -> list[Turn]:
    turns = []
    for number, message in enumerate(messages):
        if message.role not in ("user", "assistant"):
            continue
        content = message.content or ""
        if not isinstance(content, str):
            strange = {part.type for part in content} - {
                "text",
                "input_text",
                "output_text",
                "refusal",
            }
            if strange and message.role == "user" and number == len(messages) - 1:
                raise RefusedError(
                    f"only text can be read, and this message has {', '.join(sorted(strange))}.",
                    param=f"{field}.{number}.content",
                    code="unsupported_value",
                )
            content = "\n".join(part.text for part in content if part.text)
        if message.role == "user":
            turns.append(Turn("user", content))
        else:
            turns.append(Turn("assistant", from_chat(content)))
    return turns


def verdict(answer: Answer) -> VerdictOut:
    return VerdictOut.model_validate(answer, from_attributes=True)
