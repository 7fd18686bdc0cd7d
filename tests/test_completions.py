"""The OpenAI-style API, asked by OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import httpx2
import openai
import pytest
from openai import AsyncOpenAI

from assistant.answers import Answer, Turn
from assistant.api import create_app
from assistant.errors import ModelError
from assistant.render.chat import from_chat
from assistant.settings import Settings
from assistant.web.access import Access
from assistant.web.guarding import LARGEST
from assistant.web.keys import Keys
from assistant.web.prefix import UnderPrefix
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from tests.fake_assistant import ANSWERS, COST, FakeAssistant, Waiting, cite, wait_until
from tests.serving import served
from vectorstore.articles import Article
from vectorstore.errors import StoreBusyError

HERE = "http://127.0.0.1:7860"
QUESTION = [{"role": "user", "content": COST.question}]
SOURCES = "\n\n---\n\n**Sources**\n\n"

Asking = Callable[[AsyncOpenAI], Awaitable[Any]]


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
def app(assistant: FakeAssistant) -> Any:
    return create_app(assistant, page=False)


def client_of(app: Any, key: str = "none") -> AsyncOpenAI:
    transport = httpx2.ASGITransport(app)
    http = httpx2.AsyncClient(transport=transport)
    return AsyncOpenAI(base_url=f"{HERE}/v1", api_key=key, http_client=http, max_retries=0)


def ask(app: Any, asking: Asking, key: str = "none") -> Any:
    async def asked() -> Any:
        async with client_of(app, key) as client:
            return await asking(client)

    return asyncio.run(asked())


def complete(app: Any, messages: list[Any] | None = None, key: str = "none", **more: Any) -> Any:
    given = {"model": "dateline", "messages": QUESTION if messages is None else messages, **more}
    return ask(app, lambda client: client.chat.completions.create(**given), key)


def stream(app: Any, **more: Any) -> list[Any]:
    given: dict[str, Any] = {"model": "dateline", "messages": QUESTION, **more}

    async def chunks(client: AsyncOpenAI) -> list[Any]:
        return [c async for c in await client.chat.completions.create(**given, stream=True)]

    found: list[Any] = ask(app, chunks)
    return found


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def refused(app: Any, kind: type[openai.APIStatusError], **more: Any) -> Any:
    """The error, which has OpenAI's shape."""
    with pytest.raises(kind) as told:
        complete(app, **more)
    body = told.value.response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return told.value


# ------------------------------------------------------------------------------------- the answers


def test_the_models_are_listed(app: Any) -> None:
    models = ask(app, lambda client: client.models.list())
    assert [model.id for model in models.data] == ["dateline", "dateline-plain"]
    one = ask(app, lambda client: client.models.retrieve("dateline-plain"))
    assert (one.id, one.object) == ("dateline-plain", "model")


def test_the_chat_model_that_writes_is_chosen_by_the_models_name() -> None:
    assistant = FakeAssistant(settings=Settings(models="openai:small@http://127.0.0.1:9/v1"))
    app = create_app(assistant, page=False)
    small = "openai:small@http://127.0.0.1:9/v1"
    listed = ["dateline", "dateline-plain", f"dateline@{small}", f"dateline-plain@{small}"]

    models = ask(app, lambda client: client.models.list())
    assert [model.id for model in models.data] == listed
    for name in ("dateline", listed[2], "dateline-plain@reader"):
        assert complete(app, model=name).model == name
    answered = ask(
        app, lambda client: client.responses.create(model=listed[3], input=COST.question)
    )
    assert answered.model == listed[3]
    assert [asked.model for asked in assistant.asked] == [None, small, "reader", small]
    refused(app, openai.NotFoundError, model="dateline@")
    error = refused(app, openai.NotFoundError, model="dateline@ollama:none")
    assert f"there are {', '.join(listed)}." in str(error)


def test_an_answer_has_marks_in_its_text_and_its_sources_at_the_end(app: Any) -> None:
    completion = complete(app)
    assert completion.object == "chat.completion"
    assert completion.model == "dateline"
    (choice,) = completion.choices
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    text, _, listed = choice.message.content.partition(SOURCES)
    assert text == COST.text
    first, second = listed.split("\n\n")
    assert first.startswith("[1] [Harbour wall: the cost doubles](http://127.0.0.1:7860/read/")
    assert first.endswith("“The harbour wall will cost €48 million, the port said on Monday. 🌊”")
    assert "Coast Gazette · 4 Nov 2025" in second


def test_annotations_say_where_each_mark_and_each_quote_stands(
    app: Any, assistant: FakeAssistant
) -> None:
    message = complete(app).choices[0].message
    assert len(message.annotations) == 2
    for number, annotation in enumerate(message.annotations, 1):
        cited = annotation.url_citation
        assert message.content[cited.start_index : cited.end_index] == f"[{number}]"
        quote = annotation.dateline
        assert quote["number"] == number
        article = assistant.index.get(quote["article_id"])
        assert article.text[quote["start"] : quote["end"]] == quote["quote"]
        assert cited.title == article.title
        assert quote["published"] == "2025-11-04"


def test_the_link_of_a_source_leads_to_the_original_or_to_the_article_here(app: Any) -> None:
    asked = [{"role": "user", "content": "who co-chairs it?"}]
    (original,) = complete(app, asked).choices[0].message.annotations
    assert original.url_citation.url == "https://asianlite.example/un-oic"
    here = complete(app).choices[0].message.annotations[0].url_citation.url

    async def read() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.get(here)

    found = asyncio.run(read()).json()
    assert {quote["found"] for quote in found["quotes"]} == {True}


@pytest.mark.parametrize("collection", ["", "/collections/press"])
def test_the_link_of_a_source_leads_through_the_proxy_that_serves_this_below_a_path(
    app: Any, collection: str
) -> None:
    async def below(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "app_root_path": collection}, receive, send)

    here = complete(UnderPrefix(below, "/dateline")).choices[0].message.annotations[0].url_citation
    assert here.url.startswith(f"{HERE}/dateline{collection}/read/")


@pytest.mark.parametrize(
    ("model", "extra", "listed"),
    [
        ("dateline", {}, True),
        ("dateline-plain", {}, False),
        ("dateline", {"dateline": {"source_list": False}}, False),
        ("dateline-plain", {"dateline": {"source_list": True}}, True),
    ],
)
def test_the_list_of_sources_can_be_switched_off(
    app: Any, model: str, extra: dict[str, Any], listed: bool
) -> None:
    message = complete(app, model=model, extra_body=extra).choices[0].message
    assert (SOURCES in message.content) == listed
    assert len(message.annotations) == 2


def test_an_abstention_is_told_as_one_with_the_closest_passages(app: Any) -> None:
    completion = complete(app, [{"role": "user", "content": "anything else?"}])
    content = completion.choices[0].message.content
    assert content.startswith("Your articles don't answer this.")
    text, _, closest = content.partition("\n\n---\n\n**Closest passages**\n\n")
    assert closest.startswith("[")
    assert "Sources" not in content
    assert from_chat(content) == from_chat(text) == "Your articles don't answer this."
    assert completion.choices[0].message.annotations == []
    assert completion.dateline["kind"] == "abstention"


def test_what_was_said_before_comes_along_without_its_list_of_sources(
    app: Any, assistant: FakeAssistant
) -> None:
    said = complete(app).choices[0].message.content
    messages = [
        {"role": "system", "content": "You are a pirate."},
        *QUESTION,
        {"role": "assistant", "content": said},
        {"role": "user", "content": [{"type": "text", "text": "and when does work begin?"}]},
    ]
    complete(app, messages)
    heard = assistant.asked[-1]
    assert heard.question == "and when does work begin?"
    assert heard.history == (Turn("user", COST.question), Turn("assistant", COST.text))


def test_filters_reach_the_assistant(app: Any, assistant: FakeAssistant) -> None:
    limits = {
        "sources": ["Coast Gazette"],
        "after": "2025-01-01",
        "before": "2025-12-31",
        "authors": ["Jane Doe"],
        "tags": ["ports"],
        "as_of": "2025-07-26",
    }
    complete(app, extra_body={"dateline": limits})
    heard = assistant.asked[-1]
    assert heard.sources == ("Coast Gazette",)
    assert (heard.after, heard.before) == (date(2025, 1, 1), date(2025, 12, 31))
    assert heard.as_of == date(2025, 7, 26)
    assert (heard.authors, heard.tags) == (("Jane Doe",), ("ports",))


def test_what_chat_programs_send_besides_is_passed_over(app: Any) -> None:
    completion = complete(
        app,
        temperature=0.7,
        top_p=0.9,
        max_tokens=50,
        stop=["x"],
        user="me",
        n=1,
        stream=None,
        max_completion_tokens=50,
        response_format={"type": "text"},
        tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
    )
    assert completion.choices[0].message.content.startswith(COST.text)
    assert completion.choices[0].message.tool_calls is None


def test_nothing_that_an_article_says_becomes_a_link_or_an_image(app: Any) -> None:
    asked = [{"role": "user", "content": "what does the hostile article say?"}]
    message = complete(app, asked).choices[0].message
    text = message.content.partition(SOURCES)[0]
    assert "![pixel]" not in text
    assert "!\\[pixel\\](https://outside.invalid/p.png)" in text
    assert not re.search(r"(?<!\\)<", text)
    assert "\x1b" not in message.content
    for annotation in message.annotations:
        cited = annotation.url_citation
        assert message.content[cited.start_index : cited.end_index] == "[1]"
        assert not cited.url.startswith("javascript:")


# -------------------------------------------------------------------------------------- the stream


def test_a_stream_says_what_the_completion_says(app: Any) -> None:
    chunks = stream(app)
    message = complete(app).choices[0].message
    assert text_of(chunks) == message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + [
        "stop"
    ]
    assert len({chunk.id for chunk in chunks}) == 1
    found = [a for chunk in chunks for a in getattr(chunk.choices[0].delta, "annotations", [])]
    assert found == [annotation.model_dump() for annotation in message.annotations]
    assert chunks[-1].dateline["kind"] == "answer"
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) >= 3  # it grew


def test_what_was_streamed_and_is_not_in_the_answer_is_followed_by_the_answer() -> None:
    class Changing(FakeAssistant):
        """First says other words, like a model that then turns out to be wrong."""

        def stream(self, question: str, **more: Any) -> Iterator[Answer]:
            yield replace(COST, text="The wall is cheap.", citations=(), complete=False)
            yield COST

    chunks = stream(create_app(Changing(), page=False))
    text = text_of(chunks)
    assert text.startswith("The wall is cheap.\n\n(Instead of what stands above:)\n\n" + COST.text)
    (told,) = [c for c in chunks if getattr(c.choices[0].delta, "annotations", None)]
    for number, annotation in enumerate(told.choices[0].delta.annotations, 1):
        cited = annotation["url_citation"]
        assert text[cited["start_index"] : cited["end_index"]] == f"[{number}]"


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

    with pytest.raises(openai.APIError, match=re.escape(said)) as told:
        stream(create_app(Failing(), page=False))
    assert "secret" not in str(told.value)


def test_a_stream_that_cannot_begin_is_refused_by_its_status() -> None:
    with pytest.raises(openai.BadRequestError, match="No articles yet"):
        stream(create_app(FakeAssistant([]), page=False))


# -------------------------------------------------------------------------------------- the faults


def test_an_unknown_model_is_not_found(app: Any, assistant: FakeAssistant) -> None:
    error = refused(app, openai.NotFoundError, model="gpt-4o")
    assert (error.code, error.param) == ("model_not_found", "model")
    assert "dateline, dateline-plain" in error.message
    with pytest.raises(openai.NotFoundError):
        ask(app, lambda client: client.models.retrieve("gpt-4o"))
    assert assistant.asked == []


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"messages": []}, "messages", None),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages", "invalid_value"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role", None),
        (
            {"messages": [*QUESTION, {"role": "assistant", "content": "x"}]},
            "messages",
            "invalid_value",
        ),
        ({"messages": [{"role": "user", "content": " "}]}, None, "QuestionError"),
        (
            {"messages": [{"role": "user", "content": "x" * 10_001}]},
            "messages",
            "string_above_max_length",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}],
                    }
                ]
            },
            "messages.0.content",
            "unsupported_value",
        ),
        ({"n": 2}, "n", "unsupported_value"),
        ({"response_format": {"type": "json_object"}}, "response_format", "unsupported_value"),
        ({"extra_body": {"dateline": {"afte": "2025-01-01"}}}, "dateline.afte", None),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_its_field(
    app: Any, assistant: FakeAssistant, more: Any, param: str | None, code: str | None
) -> None:
    error = refused(app, openai.BadRequestError, **more)
    assert (error.param, error.code) == (param, code)
    assert error.type == "invalid_request_error"
    assert assistant.asked == []


def test_a_body_that_is_too_large_is_refused(app: Any) -> None:
    long = [{"role": "user", "content": "x" * LARGEST}]
    with pytest.raises(openai.APIStatusError, match="are taken here") as told:
        complete(app, long)
    assert told.value.status_code == 413
    assert told.value.type == "invalid_request_error"


def test_what_fails_inside_is_told_in_openais_shape(assistant: FakeAssistant) -> None:
    assistant.failures = {"harbour": StoreBusyError("another process holds it")}
    error = refused(create_app(assistant, page=False), openai.InternalServerError)
    assert (error.status_code, error.code) == (503, "StoreBusyError")
    assert "another process holds it" in error.message


def test_addresses_and_methods_that_are_not_there_have_the_same_shape(app: Any) -> None:
    async def asked(method: str, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            return await client.request(method, path)

    for method, path, status in (
        ("GET", "/v1/embeddings", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
    ):
        reply = asyncio.run(asked(method, path))
        assert reply.status_code == status
        assert reply.json()["error"]["type"] == "invalid_request_error", path


def test_keys_and_the_password_open_it_and_others_do_not(assistant: FakeAssistant) -> None:
    with closing(Sessions.open()) as sessions, closing(Keys.open(seal=Seal(b"k" * 32))) as keys:
        access = Access("four words of mine", sessions)
        app = create_app(assistant, page=False, access=access, keys=keys)
        key = keys.create("chat program", "ask", 1.0)
        for right in (key, "four words of mine"):
            assert complete(app, key=right).choices[0].message.content
        wrong = refused(app, openai.AuthenticationError, key="dateline_" + "x" * 43)
        assert wrong.code == "invalid_api_key"
        assert refused(app, openai.AuthenticationError, key="some other word").status_code == 401
        # What a key for asking does not allow is refused in the same shape.
        client_error = ask(app, _forbidden, key)
        assert client_error.status_code == 403
        assert client_error.json()["error"]["code"] == "insufficient_permissions"


async def _forbidden(client: AsyncOpenAI) -> Any:
    with pytest.raises(openai.PermissionDeniedError) as told:
        await client.models.delete("dateline")
    return told.value.response


# ------------------------------------------------------------------------------ who goes away


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/answer"])
@pytest.mark.parametrize("streamed", [True, False])
def test_who_goes_away_ends_the_work(path: str, streamed: bool) -> None:
    assistant = Waiting()
    body: dict[str, Any] = {"model": "dateline", "messages": QUESTION, "stream": streamed}
    if path == "/api/answer":
        body = {"question": COST.question}
    content = json.dumps(body).encode()
    with served(create_app(assistant, page=False)) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as gone:
            gone.sendall(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content
            )
            wait_until(lambda: assistant.asked != [])
        wait_until(lambda: assistant.let_go)
    assert len(assistant.asked) == 1


def test_sixteen_are_answered_at_once_and_who_leaves_makes_room_for_the_next() -> None:
    assistant = FakeAssistant(answers={"slowly": COST, **ANSWERS})
    slow: Any = [{"role": "user", "content": "slowly?"}]
    app = create_app(assistant, page=False)

    async def many(address: str) -> None:
        async with AsyncOpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:

            async def one() -> Any:
                return await client.chat.completions.create(model="dateline", messages=slow)

            asked = [asyncio.create_task(one()) for _ in range(16)]
            while len(assistant.asked) < 16:
                await asyncio.sleep(0.02)
            next_one = asyncio.create_task(one())
            await asyncio.sleep(0.3)
            assert len(assistant.asked) == 16
            assert not next_one.done()
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            assistant.go_on.set()
            assert await next_one

    with served(app) as address:
        asyncio.run(many(address))


def test_an_articles_own_brackets_survive_the_way_there_and_back() -> None:
    odd = Article("odd", "Odd [title](x)", "He said [sic] a\\b <i>so</i>.", published=None)
    answer = replace(COST, text=f"{odd.text} [1]", citations=(cite(odd, odd.text),))
    assistant = FakeAssistant([odd], answers={"odd": answer})
    app = create_app(assistant, page=False)
    said = complete(app, [{"role": "user", "content": "odd?"}]).choices[0].message.content
    assert said.startswith("He said \\[sic\\] a\\\\b \\<i>so\\</i>. [1]")
    messages = [{"role": "assistant", "content": said}, {"role": "user", "content": "odd?"}]
    complete(app, messages)
    assert assistant.asked[-1].history == (Turn("assistant", answer.text),)
