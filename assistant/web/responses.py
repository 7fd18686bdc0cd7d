"""Dateline as an OpenAI-style model in the Responses API, the newer of OpenAI's two APIs.

    POST /v1/responses      model, input, stream -> an answer from the articles

What applies to /v1/chat/completions applies here: see `completions`. `input` is a text, or a list
of messages of which the last is the question; other items in it (tool calls and results) are
ignored, and `instructions` are not followed. Nothing is stored, so a response cannot be continued
by its id, nor fetched later: send the conversation. This module decides nothing about answers.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from assistant.answers import Answer
from assistant.web.choosing import Choice
from assistant.web.completions import (
    Cited,
    Citing,
    DatelineIn,
    ErrorsOut,
    FormatIn,
    MessageIn,
    Open,
    PartIn,
    QuotedOut,
    VerdictOut,
    chosen,
    pieces,
    question_of,
    told,
    verdict,
)
from assistant.web.errors import RefusedError
from assistant.web.keyed import whose
from assistant.web.programs import Question

if TYPE_CHECKING:
    from fastapi import APIRouter

_NEVER = {
    "previous_response_id": "nothing is kept to be continued: send the conversation as `input`.",
    "conversation": "conversations are not kept: send this one as `input`.",
    "background": "there are no responses in the background: leave `background` out.",
}


class ItemIn(Open):
    """One item of the input; those that are no messages are passed over."""

    type: str = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[PartIn] | None = None


class TextFormatIn(Open):
    format: FormatIn = FormatIn()


class ResponseIn(Open):
    """The body of POST /v1/responses."""

    model: str
    input: str | list[ItemIn] = Field(min_length=1)
    stream: bool | None = False
    text: TextFormatIn | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    background: bool | None = None
    dateline: DatelineIn = DatelineIn()


class CitationOut(BaseModel):
    """A mark in the text, from `start_index` up to `end_index`, and what it stands for."""

    type: Literal["url_citation"] = "url_citation"
    start_index: int
    end_index: int
    title: str
    url: str
    dateline: QuotedOut


class TextOut(BaseModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[CitationOut]
    logprobs: list[None] = []


class MessageOut(BaseModel):
    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed"]
    content: list[TextOut]


class ResponseFailureOut(BaseModel):
    code: str
    message: str


class ResponseOut(BaseModel):
    """A response. Tokens are not counted, so there is no `usage`."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "failed"]
    error: ResponseFailureOut | None = None
    incomplete_details: None = None
    instructions: None = None
    model: str
    output: list[MessageOut]
    parallel_tool_calls: bool = False
    previous_response_id: None = None
    store: Literal[False] = False
    text: dict[str, dict[str, str]] = {"format": {"type": "text"}}
    tool_choice: Literal["none"] = "none"
    tools: list[None] = []
    metadata: dict[str, str] = {}
    dateline: VerdictOut | None


def response_routes(
    choice: Choice,
    clock: Callable[[], float] = time.time,
) -> "APIRouter":
    """The route over the collections that may be asked here. `clock` gives seconds since
    1970."""
    from fastapi import APIRouter, Request
    from fastapi.responses import Response

    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorsOut} for status in (400, 401, 403, 404, 413, 429, 503)
    }
    router = APIRouter(prefix="/v1", tags=["OpenAI-style"], responses=errors)

    @router.post(
        "/responses",
        summary="An answer from the articles, as a response",
        response_model=ResponseOut,
        responses={
            200: {
                "description": "The response; with `stream`, its events as server-sent events",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
    )
    async def respond(asked: ResponseIn, request: Request) -> Response:
        citing, desk, writer = await chosen(choice, asked.model, asked.dateline, request)
        question = replace(_question(asked), model=writer)
        growing = desk.programs.growing(question, whose(request.scope))
        made = _Making(asked.model, int(clock()), citing)
        return await told(made, growing, bool(asked.stream), request.receive)

    return router


class _Making:
    """Builds what is sent for one answer."""

    def __init__(self, model: str, created: int, citing: Citing) -> None:
        self._model = model
        self._created = created
        self._citing = citing
        self._id = f"resp_{secrets.token_hex(16)}"
        self._message = f"msg_{secrets.token_hex(16)}"
        self._number = 0

    def whole(self, answer: Answer) -> ResponseOut:
        marked = self._citing.marked(answer)
        cited = _annotations(self._citing.cited(answer, marked))
        return self._done(answer, TextOut(text=marked.text, annotations=cited))

    async def events(
        self,
        first: Answer,
        growing: AsyncGenerator[Answer, None],
    ) -> AsyncIterator[str]:
        """The events of a stream, in the order that OpenAI's clients rely on."""
        begun = self._response("in_progress")
        empty = TextOut(text="", annotations=[])
        item: dict[str, Any] = {"output_index": 0}
        part: dict[str, Any] = {"item_id": self._message, "output_index": 0, "content_index": 0}
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        yield self._event("response.output_item.added", **item, item=self._said("in_progress"))
        yield self._event("response.content_part.added", **part, part=empty)
        text, cited, answer = "", list[CitationOut](), first
        async with aclosing(pieces(first, growing, self._citing)) as growing_text:
            async for piece in growing_text:
                if piece.failure is not None:
                    for event in self._failed(piece.failure["error"]):
                        yield event
                    return
                if piece.text:
                    text += piece.text
                    yield self._event(
                        "response.output_text.delta", **part, delta=piece.text, logprobs=[]
                    )
                cited += _annotations(piece.cited)
                answer = piece.answer or answer
        for number, annotation in enumerate(cited):
            yield self._event(
                "response.output_text.annotation.added",
                **part,
                annotation_index=number,
                annotation=annotation,
            )
        whole = TextOut(text=text, annotations=cited)
        yield self._event("response.output_text.done", **part, text=text, logprobs=[])
        yield self._event("response.content_part.done", **part, part=whole)
        yield self._event("response.output_item.done", **item, item=self._said("completed", whole))
        yield self._event("response.completed", response=self._done(answer, whole))

    def _failed(self, error: dict[str, Any]) -> list[str]:
        failure = ResponseFailureOut(code="server_error", message=error["message"])
        failed = self._response("failed").model_copy(update={"error": failure})
        code, message, param = (error[name] for name in ("code", "message", "param"))
        return [
            self._event("error", code=code, message=message, param=param),
            self._event("response.failed", response=failed),
        ]

    def _done(self, answer: Answer, text: TextOut) -> ResponseOut:
        update = {"output": [self._said("completed", text)], "dateline": verdict(answer)}
        return self._response("completed").model_copy(update=update)

    def _response(self, status: Literal["in_progress", "completed", "failed"]) -> ResponseOut:
        return ResponseOut(
            id=self._id,
            created_at=self._created,
            status=status,
            model=self._model,
            output=[],
            dateline=None,
        )

    def _said(self, status: Literal["in_progress", "completed"], *content: TextOut) -> MessageOut:
        return MessageOut(id=self._message, status=status, content=list(content))

    def _event(self, kind: str, **values: Any) -> str:
        plain = {
            name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
            for name, value in values.items()
        }
        data = {"type": kind, "sequence_number": self._number, **plain}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def _annotations(cited: Sequence[Cited]) -> list[CitationOut]:
    return [
        CitationOut(
            start_index=each.start,
            end_index=each.end,
            title=each.title,
            url=each.url,
            dateline=each.quote,
        )
        for each in cited
    ]


def _question(asked: ResponseIn) -> Question:
    """Raises RefusedError for unsupported requests, QuestionError for an empty question."""
    for field, why in _NEVER.items():
        if getattr(asked, field):
            raise RefusedError(why, param=field, code="unsupported_value")
    if asked.text is not None and asked.text.format.type != "text":
        raise RefusedError(
            "answers are text: leave `text.format` out.",
            param="text.format",
            code="unsupported_value",
        )
    if isinstance(asked.input, str):
        messages = [MessageIn(role="user", content=asked.input)]
    else:
        messages = [
            MessageIn(role=item.role, content=item.content)
            for item in asked.input
            if item.type == "message" and item.role is not None
        ]
    return question_of(messages, asked.dateline, "input")
