"""Nonsensical requests: whatever is asked of the API and the page, nothing fails internally."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from starlette.requests import Request

from assistant.api import create_app
from assistant.page import build
from assistant.settings import Settings
from assistant.web.adding import Adding
from assistant.web.asking import Desk
from assistant.web.conversations import Conversations
from assistant.web.library import Library
from tests.fake_assistant import ARTICLES, HOSTILE, FakeAssistant
from tests.fake_embedding import FakeEmbedding
from vectorstore.errors import FetchError
from vectorstore.fetching import Page
from vectorstore.index import Index
from vectorstore.local import LocalIndex

HERE = {"Host": "127.0.0.1"}
VISITOR = "dateline_visitor=" + "v" * 43


class OverIndex:
    """Scripted answers over a real index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.settings = Settings()
        answering = FakeAssistant()
        self.models = answering.models
        self.answer, self.stream = answering.answer, answering.stream
        self.follow_ups = answering.follow_ups


def offline(url: str) -> Page:
    raise FetchError(f"{url} cannot be fetched: there is no network here")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The API and the page's script routes, over an index with articles."""
    with LocalIndex(tmp_path_factory.mktemp("index") / "index", FakeEmbedding) as index:
        index.add_articles([*ARTICLES, HOSTILE])
        library = Library(index, Adding(index, fetch=offline))
        yield create_app(OverIndex(index), page=False, library=library)
        library.close()


@pytest.fixture(scope="module")
def operations(app: Any) -> list[Any]:
    """The routes as the API describes them, without Schemathesis' own pytest plugin."""
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=HERE)
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.mark.parametrize("meant", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_route_answers_whatever_it_is_asked(
    operations: list[Any], meant: GenerationMode, data: st.DataObject
) -> None:
    operation = data.draw(st.sampled_from(operations))
    case = data.draw(operation.as_strategy(generation_mode=meant))
    reply = case.call(headers={**HERE, "Cookie": VISITOR})
    assert reply.status_code < 500, reply.text
    if reply.status_code >= 400:
        told = reply.json()
        assert told["error"]
        assert told.get("message") or told["error"]["message"]


# -- the page's queue ------------------------------------------------------------------------------

BODIES: list[Any] = [
    {"fn_index": 9_999, "session_hash": "s", "data": []},
    {"fn_index": -1, "session_hash": "s", "data": []},
    {"fn_index": 10**30, "session_hash": "s", "data": []},
    {"fn_index": True, "session_hash": "s", "data": []},
    {"fn_index": 0, "session_hash": "s", "data": []},
    {"fn_index": 0, "session_hash": "s", "data": None},
    {"fn_index": 0, "session_hash": "s", "data": ["\ud800", "", [], None, None]},
    {"fn_index": 0, "session_hash": "\ud800", "data": ["x", "", [], None, None]},
    {"fn_index": 0, "session_hash": "s", "event_id": "\ud800", "data": ["x", "", [], None, None]},
    {"api_name": "ask", "session_hash": "s", "data": []},
    {"event_id": "\udfff", "session_hash": "s", "fn_index": 0},
    {},
    [],
    3,
    None,
    "\ud800",
]


@pytest.fixture(scope="module")
def paged() -> Any:
    async def made() -> Any:
        return create_app(FakeAssistant(), examples=("who?",))

    return asyncio.run(made())


@pytest.mark.parametrize("path", ["queue/join", "run/predict", "cancel", "reset"])
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_pages_queue_refuses_what_the_page_does_not_ask(
    paged: Any, path: str, body: Any
) -> None:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(paged, raise_app_exceptions=False)
        async with (
            paged.router.lifespan_context(paged),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):
            headers = {"Cookie": VISITOR, "Content-Type": "application/json"}
            return await client.post(
                f"/gradio_api/{path}", content=json.dumps(body), headers=headers
            )

    assert asyncio.run(asked()).status_code < 500


typed = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.sampled_from(
        [
            "1 retry x",
            "2 again ",
            "3 unfiltered \0",
            "4 source=%ff&after=x",
            "2025-13-01",
            "0001-01-01",
        ]
    )
)
"""What Gradio makes of a text box or a date: text, or nothing."""
chosen = st.none() | st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))


@pytest.fixture(scope="module")
def handlers() -> Iterator[list[tuple[Callable[..., Any], list[str]]]]:
    """The page's own handlers, with the kinds of values that each takes."""
    assistant = FakeAssistant()

    async def made(kept: Conversations, desk: Desk) -> Any:
        return build(assistant, kept, desk, examples=("who?",))

    with (
        closing(Conversations.open()) as kept,
        closing(Desk(assistant, kept, per_minute=1_000_000)) as desk,
    ):
        page = asyncio.run(made(kept, desk))
        yield [
            (event.fn, [type(each).__name__ for each in event.inputs])
            for event in page.fns.values()
            if event.fn is not None
        ]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_pages_handlers_take_whatever_is_in_its_boxes(
    handlers: list[tuple[Callable[..., Any], list[str]]], data: st.DataObject
) -> None:
    handler, kinds = data.draw(st.sampled_from(handlers))
    values = [data.draw(chosen if kind == "Dropdown" else typed) for kind in kinds]
    cookie = data.draw(st.sampled_from([VISITOR, "", "dateline_visitor=x", "\xff=;;"]))
    referer = data.draw(st.sampled_from(["", "/?conversation=x", "http://[", "?conversation=%ff"]))
    asyncio.run(called(handler, values, cookie, referer))


def test_an_address_with_a_date_that_is_none_filters_nothing(
    handlers: list[tuple[Callable[..., Any], list[str]]],
) -> None:
    (renarrow,) = (handler for handler, _ in handlers if handler.__name__ == "on_renarrow")
    assert renarrow("x after=0") == renarrow("x ")


async def called(handler: Callable[..., Any], values: list[Any], cookie: str, referer: str) -> None:
    import gradio as gr

    headers = [(b"cookie", cookie.encode("latin-1")), (b"referer", referer.encode())]
    request = gr.Request(Request({"type": "http", "headers": headers}))
    named = {"request": request} if "request" in handler.__annotations__ else {}
    result = handler(*values, **named)
    if isinstance(result, AsyncIterator):
        async for _ in result:
            pass
    elif asyncio.iscoroutine(result):
        await result
