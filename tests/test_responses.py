"""OpenAI's Responses API, asked by OpenAI's own client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from assistant.answers import Answer, Turn
from assistant.api import create_app
from assistant.errors import ModelError
from assistant.web.access import Access
from assistant.web.keys import Keys
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from tests.fake_assistant import COST, FakeAssistant
from tests.test_completions import ask, complete


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
def app(assistant: FakeAssistant) -> Any:
    return create_app(assistant, page=False)


def respond(app: Any, asked: Any = COST.question, key: str = "none", **more: Any) -> Any:
    given: dict[str, Any] = {"model": "dateline", "input": asked, **more}
    return ask(app, lambda client: client.responses.create(**given), key)


def events_of(app: Any, asked: Any = COST.question, **more: Any) -> list[Any]:
    async def heard(client: AsyncOpenAI) -> list[Any]:
        given: dict[str, Any] = {"model": "dateline", "input": asked, **more}
        return [event async for event in await client.responses.create(**given, stream=True)]

    found: list[Any] = ask(app, heard)
    return found


def test_a_response_says_what_a_completion_says(app: Any) -> None:
    response = respond(app)
    message = complete(app).choices[0].message
    assert (response.status, response.output_text) == ("completed", message.content)
    assert response.dateline == complete(app).dateline
    (item,) = response.output
    ours, theirs = item.content[0].annotations, message.annotations
    assert [each.dateline for each in ours] == [each.dateline for each in theirs] != []
    for each in ours:
        assert re.fullmatch(r"\[\d+\]", response.output_text[each.start_index : each.end_index])
    assert respond(app, model="dateline-plain").output_text == COST.text


def test_the_conversation_is_taken_in_the_forms_there_are(
    app: Any, assistant: FakeAssistant
) -> None:
    first = respond(app)
    conversation = [
        {"role": "developer", "content": "Answer in rhymes."},
        {"role": "user", "content": [{"type": "input_text", "text": COST.question}]},
        *[item.model_dump() for item in first.output],
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        {"type": "message", "role": "user", "content": "and when does work begin?"},
    ]
    limits = {"authors": ["Jane Doe"], "after": "2025-01-01"}
    respond(
        app,
        conversation,
        instructions="x",
        stream=None,
        extra_body={"dateline": limits},
        store=True,
    )
    heard = assistant.asked[-1]
    assert heard.question == "and when does work begin?"
    assert heard.history == (Turn("user", COST.question), Turn("assistant", COST.text))
    assert (heard.authors, heard.after) == (("Jane Doe",), date(2025, 1, 1))


def test_a_stream_has_the_events_and_comes_to_the_response(app: Any) -> None:
    events = events_of(app)
    kinds = [event.type for event in events]
    whole = respond(app)
    cited = len(whole.output[0].content[0].annotations)
    deltas = kinds.count("response.output_text.delta")
    assert deltas >= 3  # it grew
    assert kinds == [
        *("response.created", "response.in_progress"),
        *("response.output_item.added", "response.content_part.added"),
        *["response.output_text.delta"] * deltas,
        *["response.output_text.annotation.added"] * cited,
        *("response.output_text.done", "response.content_part.done"),
        *("response.output_item.done", "response.completed"),
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    done = events[-1].response
    assert said == done.output_text == whole.output_text
    assert done.output[0].content == whole.output[0].content
    assert (done.id, done.dateline) == (events[0].response.id, whole.dateline)
    assert done.output[0].id == events[2].item.id


def test_the_client_s_own_helper_puts_the_stream_together(app: Any) -> None:
    async def heard(client: AsyncOpenAI) -> Any:
        async with client.responses.stream(model="dateline", input=COST.question) as stream:
            return await stream.get_final_response()

    assert ask(app, heard).output_text == respond(app).output_text


def test_what_was_streamed_and_is_not_in_the_answer_is_followed_by_the_answer() -> None:
    class Changing(FakeAssistant):
        def stream(self, question: str, **more: Any) -> Iterator[Answer]:
            yield replace(COST, text="The wall is cheap.", citations=(), complete=False)
            yield COST

    done = events_of(create_app(Changing(), page=False))[-1].response
    text = done.output_text
    assert text.startswith("The wall is cheap.\n\n(Instead of what stands above:)\n\n" + COST.text)
    for number, each in enumerate(done.output[0].content[0].annotations, 1):
        assert text[each.start_index : each.end_index] == f"[{number}]"


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ModelError("the model is gone. Start it again."), "the model is gone. Start it again."),
        (ZeroDivisionError("secret"), "Something went wrong. Code "),
    ],
)
def test_a_stream_that_fails_in_the_middle_says_so(failure: Exception, said: str) -> None:
    class Failing(FakeAssistant):
        def stream(self, question: str, **more: Any) -> Iterator[Answer]:
            yield replace(COST, text="The wall", citations=(), complete=False)
            raise failure

    *_, error, failed = events_of(create_app(Failing(), page=False))
    assert (error.type, failed.type) == ("error", "response.failed")
    assert error.message.startswith(said)
    assert failed.response.status == "failed"
    assert failed.response.error.message == error.message
    assert "secret" not in error.message


def test_what_cannot_begin_is_refused_by_its_status() -> None:
    with pytest.raises(openai.BadRequestError, match="No articles yet"):
        events_of(create_app(FakeAssistant([]), page=False))


@pytest.mark.parametrize(
    ("asked", "more", "param", "code"),
    [
        ("", {}, "input", None),
        ([], {}, "input", None),
        (" ", {}, None, "QuestionError"),
        ("x" * 10_001, {}, "input", "string_above_max_length"),
        ([{"role": "assistant", "content": "x"}], {}, "input", "invalid_value"),
        (
            [{"role": "user", "content": [{"type": "input_image", "image_url": "data:,x"}]}],
            {},
            *("input.0.content", "unsupported_value"),
        ),
        ("x", {"previous_response_id": "resp_1"}, "previous_response_id", "unsupported_value"),
        ("x", {"conversation": "conv_1"}, "conversation", "unsupported_value"),
        ("x", {"background": True}, "background", "unsupported_value"),
        ("x", {"text": {"format": {"type": "json_object"}}}, "text.format", "unsupported_value"),
        ("x", {"extra_body": {"dateline": {"afte": "2025-01-01"}}}, "dateline.afte", None),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_its_field(
    app: Any, assistant: FakeAssistant, asked: Any, more: Any, param: str | None, code: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        respond(app, asked, **more)
    assert (told.value.code, (told.value.param or "").startswith(param or "")) == (code, True)
    assert assistant.asked == []


def test_an_unknown_model_is_not_found(app: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="dateline-plain"):
        respond(app, model="gpt-4o")


def test_a_key_that_can_ask_opens_it(assistant: FakeAssistant) -> None:
    with closing(Sessions.open()) as sessions, closing(Keys.open(seal=Seal(b"k" * 32))) as keys:
        access = Access("four words of mine", sessions)
        app = create_app(assistant, page=False, access=access, keys=keys)
        assert respond(app, key=keys.create("chat program", "ask", 1.0)).output_text
        with pytest.raises(openai.AuthenticationError):
            respond(app, key="some other word")
