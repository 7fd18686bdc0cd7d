"""The Model Context Protocol, spoken by its SDK's own client over both transports."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import httpx2
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from assistant.answers import Turn
from assistant.api import create_app
from assistant.mcp.server import NAME, server_of
from assistant.settings import Settings
from assistant.web.access import Access
from assistant.web.choosing import Choice, Desk
from assistant.web.keys import CANS, Can, Keys
from assistant.web.library import Library
from assistant.web.programs import Programs
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from tests.fake_assistant import (
    ARTICLES,
    COST,
    HARBOUR,
    HOSTILE,
    MEETING,
    FakeAssistant,
    Waiting,
    wait_until,
)
from tests.serving import served
from tests.test_naming import PORT, PRIZE
from vectorstore.articles import Article
from vectorstore.errors import StoreBusyError

ROOT = Path(__file__).parent.parent
PASSWORD = "four words of mine"  # noqa: S105  # of these tests
READING = ["ask", "search", "read_article", "list_articles", "list_names", "whats_new"]
WRITING = ["add_article", "remove_articles"]

Talk = Callable[[Client], Coroutine[Any, Any, Any]]
Mode = str


def started(assistant: str, *, write: bool = False) -> StdioServerParameters:
    """The server as a separate program, over an assistant that this code creates."""
    code = textwrap.dedent(f"""
        from assistant.mcp import serve_stdio
        from tests.fake_assistant import *
        serve_stdio({assistant}, write={write})
    """)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return StdioServerParameters(
        command=sys.executable, args=["-c", code], env=environment, cwd=ROOT
    )


def over_http(address: str, token: str = "") -> AbstractAsyncContextManager[Any]:
    @asynccontextmanager
    async def transport() -> AsyncIterator[Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            streamable_http_client(f"{address}/mcp", http_client=http) as streams,
        ):
            yield streams

    return transport()


def talk(server: Any, talking: Talk, mode: Mode = "auto") -> Any:
    async def talked() -> Any:
        async with Client(server, mode=mode) as client:
            return await talking(client)

    return asyncio.run(talked())


def refusal(server: Any, talking: Talk) -> str:
    """The message of the protocol's error."""

    async def refused(client: Client) -> str:
        with pytest.raises(MCPError) as told:
            await talking(client)
        return told.value.message

    said: str = talk(server, refused)
    return said


def call(server: Any, tool: str, **arguments: Any) -> Any:
    return talk(server, lambda client: client.call_tool(tool, arguments))


def in_process(assistant: FakeAssistant, *may: Can) -> Any:
    """The protocol's server in this process, without a transport."""
    choice = Choice(Desk(assistant, Library(assistant.index), Programs(assistant)))
    return server_of(choice, lambda _: may or CANS, lambda _: "")


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant((*ARTICLES, HOSTILE))


@pytest.fixture
def server(assistant: FakeAssistant) -> Any:
    return in_process(assistant)


# ---------------------------------------------------------------------------------- both transports


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(create_app(FakeAssistant(), page=False)) as found:
        yield found


@pytest.fixture(params=["stdio", "http"])
def transport(request: pytest.FixtureRequest, address: str) -> Callable[[], Any]:
    if request.param == "stdio":
        return lambda: started("FakeAssistant()")
    return lambda: over_http(address)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_lists_asks_searches_and_reads(transport: Callable[[], Any], mode: Mode) -> None:
    async def talking(client: Client) -> None:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == READING
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed.tools)
        answer = await client.call_tool("ask", {"question": COST.question})
        assert not answer.is_error
        assert answer.structured_content["text"] == COST.text
        for citation in answer.structured_content["citations"]:
            text = HARBOUR.text[citation["start"] : citation["end"]]
            assert text == citation["quote"]
            assert (citation["source"], citation["published"]) == ("Coast Gazette", "2025-11-04")
            contents = (await client.read_resource(citation["uri"])).contents
            assert [each.text for each in contents] == [HARBOUR.text]  # type: ignore[union-attr]
        found = await client.call_tool("search", {"query": "harbour", "limit": 2})
        assert len(found.structured_content["passages"]) == 2
        resources = await client.list_resources()
        assert [each.title for each in resources.resources] == [HARBOUR.title, MEETING.title]

    talk(transport(), talking, mode)


def test_over_stdio_it_adds_and_removes_only_with_write() -> None:
    refused = talk(started("FakeAssistant()"), lambda client: _names(client))
    assert refused == READING

    async def talking(client: Client) -> Any:
        assert await _names(client) == READING + WRITING
        added = await client.call_tool("add_article", {"text": "A ferry was sold."})
        (article_id,) = added.structured_content["added"]
        removed = await client.call_tool("remove_articles", {"ids": [article_id]})
        assert removed.structured_content == {"removed": 1}
        return await client.call_tool("remove_articles", {"ids": [article_id]})

    gone = talk(started("FakeAssistant()", write=True), talking)
    assert gone.is_error
    assert "no article has the id" in gone.content[0].text


async def _names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


# ---------------------------------------------------------------------------------------- the tools


def test_history_and_filters_reach_the_assistant(server: Any, assistant: FakeAssistant) -> None:
    call(
        server,
        "ask",
        question="and where?",
        history=[{"role": "user", "text": "who?"}, {"role": "assistant", "text": "They."}],
        sources=["Asian Lite"],
        after="2025-01-01",
        before="2025-12-31",
        authors=["Jane Doe"],
        tags=["ports"],
        as_of="2025-07-26",
    )
    (heard,) = assistant.asked
    assert heard.history == (Turn("user", "who?"), Turn("assistant", "They."))
    assert heard.sources == ("Asian Lite",)
    days = [None if day is None else day.isoformat() for day in (heard.after, heard.before)]
    assert days == ["2025-01-01", "2025-12-31"]
    assert heard.as_of is not None
    assert (heard.authors, heard.tags) == (("Jane Doe",), ("ports",))


def test_an_answer_in_words_has_its_quotes_and_where_to_read_on(server: Any) -> None:
    text = call(server, "ask", question=COST.question).content[0].text
    assert text.startswith(COST.text)
    assert "“The earlier estimate was €24 million.”" in text
    assert f"[1] dateline://articles/{quote(HARBOUR.id, safe='')}" in text


def test_an_abstention_gives_the_closest_passages(server: Any) -> None:
    found = call(server, "ask", question="anything else?").structured_content
    assert (found["kind"], found["citations"]) == ("abstention", [])
    assert len(found["closest"]) == 3


def test_a_long_article_is_read_in_parts(server: Any) -> None:
    parts, start = [], 0
    while start is not None:
        found = call(server, "read_article", id=HARBOUR.id, start=start, length=50)
        part = found.structured_content
        assert part["text"] == HARBOUR.text[part["start"] : part["end"]]
        parts.append(part["text"])
        start = part["next"]
    assert "".join(parts) == HARBOUR.text
    beyond = call(server, "read_article", id=HARBOUR.id, start=10**6).structured_content
    assert (beyond["text"], beyond["next"]) == ("", None)


def test_articles_are_listed_by_words_source_and_day(server: Any) -> None:
    def ids(**given: Any) -> list[str]:
        found = call(server, "list_articles", **given).structured_content
        return [article["id"] for article in found["articles"]]

    assert ids() == [HARBOUR.id, MEETING.id, HOSTILE.id]
    assert ids(words="harbour") == [HARBOUR.id]
    assert ids(sources=["Asian Lite"]) == [MEETING.id]
    assert ids(before="2025-07-26") == [MEETING.id, HOSTILE.id]
    assert ids(skip=1, limit=1) == [MEETING.id]
    assert ids(tags=["no such tag"]) == ids(authors=["Nobody"]) == []


def test_names_are_listed_by_words_kind_and_filters_and_lead_to_their_articles() -> None:
    server = in_process(FakeAssistant([PORT, PRIZE]))

    def names(**given: Any) -> list[tuple[str, str, int]]:
        found = call(server, "list_names", **given).structured_content
        assert found["complete"]
        return [(each["name"], each["kind"], each["articles"]) for each in found["names"]]

    # Complete when asked for the first time: it waits for the articles to be read.
    assert names(limit=2) == [("Ada Strake", "person", 2), ("Dakar", "place", 2)]
    assert names(words="ada") == [("Ada Strake", "person", 2)]
    assert names(kind="organisation") == [("University of Skagen", "organisation", 1)]
    assert names(words="ada", tags=["prizes"]) == [("Ada Strake", "person", 1)]
    assert names(words="skagen", tags=["prizes"]) == []
    words = call(server, "list_names", limit=1).content[0].text
    assert words == "5 of 5 names\nAda Strake, person: 2"
    found = call(server, "list_articles", name="university of skagen").structured_content
    assert [article["id"] for article in found["articles"]] == [PORT.id]


def test_articles_of_a_name_are_not_listed_before_all_names_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("assistant.web.library._PATIENCE", 0.01)
    gated = threading.Event()
    assistant = FakeAssistant([PORT, PRIZE])
    get = assistant.index.get

    def slowly(article_id: str) -> Article:
        gated.wait(60)
        return get(article_id)

    monkeypatch.setattr(assistant.index, "get", slowly)
    server = in_process(assistant)
    refused = call(server, "list_articles", name="Dakar")
    assert refused.is_error
    assert "names are still being read: 0 of 2 articles so far." in refused.content[0].text
    names = call(server, "list_names")
    assert names.content[0].text == (
        "0 of 0 names; 0 of 2 articles have been read so far: ask again"
    )
    assert not names.structured_content["complete"]
    gated.set()
    wait_until(lambda: call(server, "list_names").structured_content["complete"])
    assert call(server, "list_articles", name="Dakar").structured_content["found"] == 2


def test_what_is_new_since_a_day_comes_with_its_beginning(server: Any) -> None:
    found = call(server, "whats_new", since="2025-07-26").structured_content
    assert [article["id"] for article in found["articles"]] == [HARBOUR.id, MEETING.id]
    assert (found["found"], found["undated"]) == (2, 0)
    opening = found["articles"][0]["opening"]
    assert HARBOUR.text.startswith(opening.removesuffix(" …"))


@pytest.mark.parametrize(
    "given",
    [
        {"address": "/etc/passwd"},
        {"address": "file:///etc/passwd"},
        {"address": "articles/"},
        {"text": "x", "address": "https://example.org"},
        {},
        {"text": " "},
    ],
)
def test_no_file_of_this_computer_is_added(
    server: Any, assistant: FakeAssistant, given: dict[str, str]
) -> None:
    assert call(server, "add_article", **given).is_error
    assert len(assistant.index.kept) == 3


def test_an_article_is_added_with_authors_and_tags_and_found_by_them(server: Any) -> None:
    given = {"text": "A ferry was sold.", "authors": ["Jane Doe"], "tags": ["ports", "energy"]}
    (added,) = call(server, "add_article", **given).structured_content["added"]
    for where in ({"authors": ["jane doe"]}, {"tags": ["energy"]}):
        (listed,) = call(server, "list_articles", **where).structured_content["articles"]
        assert (listed["id"], listed["tags"]) == (added, ["ports", "energy"])
    assert call(server, "add_article", **{**given, "tags": ["x" * 201]}).is_error


def test_what_an_article_says_reaches_no_terminal(server: Any) -> None:
    for tool, given in (
        ("read_article", {"id": HOSTILE.id}),
        ("search", {"query": "x"}),
        ("whats_new", {"since": "2025-01-01"}),
        ("ask", {"question": "what does the hostile article say?"}),
    ):
        assert "\x1b" not in call(server, tool, **given).content[0].text, tool


def test_every_tool_gives_what_its_schema_says(server: Any) -> None:
    given: dict[str, dict[str, Any]] = {
        "ask": {"question": "when does work begin?"},
        "search": {"query": "x"},
        "read_article": {"id": "meeting"},
        "list_articles": {},
        "list_names": {},
        "whats_new": {"since": "2025-01-01"},
        "add_article": {"text": "A ferry was sold."},
        "remove_articles": {"ids": ["meeting"]},
    }

    async def talking(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == set(given)
        for tool in tools:
            jsonschema.validate(given[tool.name], tool.input_schema)
            found = await client.call_tool(tool.name, given[tool.name])
            assert not found.is_error
            assert tool.output_schema is not None
            jsonschema.validate(found.structured_content, tool.output_schema)

    talk(server, talking)


# ---------------------------------------------------------------------------------------- the faults


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("ask", {}, "question: Field required"),
        ("ask", {"question": "x", "histroy": []}, "histroy: Extra inputs"),
        ("ask", {"question": " "}, "The question is empty"),
        ("ask", {"question": "x" * 10_001}, "question: String should have at most"),
        ("ask", {"question": "x", "after": "yesterday"}, "after: "),
        ("search", {"query": "x", "limit": 0}, "limit: "),
        ("read_article", {"id": "gone"}, "no article has the id 'gone'"),
    ],
)
def test_a_call_that_makes_no_sense_is_told_to_the_model(
    server: Any, tool: str, given: dict[str, Any], said: str
) -> None:
    found = call(server, tool, **given)
    assert found.is_error
    assert said in found.content[0].text


def test_what_fails_inside_is_told_and_a_bug_keeps_its_words_to_itself(
    assistant: FakeAssistant,
) -> None:
    assistant.failures = {
        "busy": StoreBusyError("another process holds it"),
        "bug": ZeroDivisionError("secret"),
    }
    server = in_process(assistant)
    assert call(server, "ask", question="busy?").content[0].text == "another process holds it"
    bug = call(server, "ask", question="bug?")
    assert bug.is_error
    assert bug.content[0].text.startswith("Something went wrong. Code ")


def test_the_chat_model_that_writes_is_chosen_by_its_name() -> None:
    assistant = FakeAssistant(settings=Settings(models="ollama:qwen3"))
    server = in_process(assistant)
    for model in ("ollama:qwen3", "reader"):
        assert not call(server, "ask", question=COST.question, model=model).is_error
    assert [asked.model for asked in assistant.asked] == ["ollama:qwen3", "reader"]
    unknown = call(server, "ask", question=COST.question, model="ollama:none")
    assert unknown.is_error
    assert "ollama:qwen3" in unknown.content[0].text


@pytest.mark.parametrize("uri", ["dateline://articles/gone", "file:///etc/passwd", "x"])
def test_a_resource_that_is_not_there_is_an_error(server: Any, uri: str) -> None:
    assert "no article has the id" in refusal(server, lambda client: client.read_resource(uri))


def test_resources_come_in_pages() -> None:
    many = [replace(MEETING, id=f"a/{n} ü", title=f"{n}") for n in range(230)]
    server = in_process(FakeAssistant(many))

    async def talking(client: Client) -> list[str]:
        uris, cursor = [], None
        while True:
            page = await client.list_resources(cursor=cursor)
            uris += [str(each.uri) for each in page.resources]
            cursor = page.next_cursor
            if cursor is None:
                (contents,) = (await client.read_resource(uris[-1])).contents
                assert contents.text == MEETING.text  # type: ignore[union-attr]
                return uris

    assert len(set(talk(server, talking))) == 230
    assert "cursor" in refusal(server, lambda client: client.list_resources(cursor="-1"))


# ------------------------------------------------------------------------------- keys and passwords


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with closing(Keys.open(seal=Seal(b"k" * 32))) as opened:
        yield opened


@pytest.fixture(scope="module")
def locked(keys: Keys) -> Iterator[str]:
    with closing(Sessions.open()) as sessions:
        access = Access(PASSWORD, sessions)
        with served(create_app(FakeAssistant(), page=False, access=access, keys=keys)) as address:
            yield address


@pytest.mark.parametrize(
    ("can", "tools"),
    [("ask", READING), ("add", [*READING, "add_article"]), ("manage", READING + WRITING)],
)
def test_over_http_a_key_is_offered_what_it_can(
    locked: str, keys: Keys, can: Can, tools: list[str]
) -> None:
    token = keys.create(can, can, 1.0)

    async def talking(client: Client) -> None:
        assert await _names(client) == tools
        if "remove_articles" not in tools:
            with pytest.raises(MCPError, match="there is no tool 'remove_articles'"):
                await client.call_tool("remove_articles", {"ids": ["meeting"]})
            assert "meeting" in [
                article["id"]
                for article in (await client.call_tool("list_articles", {})).structured_content[
                    "articles"
                ]
            ]

    talk(over_http(locked, token), talking)


def test_over_http_the_address_may_end_with_a_slash(locked: str, keys: Keys) -> None:
    token = keys.create("slash", "ask", 0.0)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    params = {
        "protocolVersion": "1999-01-01",  # unknown: ours is offered
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    with httpx.Client(trust_env=False, headers=headers) as client:
        for path in ("/mcp", "/mcp/"):
            reply = client.post(f"{locked}{path}", json=hello)
            assert reply.status_code == 200
            found = json.loads(reply.text.partition("data: ")[2])["result"]
            assert found["serverInfo"]["name"] == NAME
            assert found["protocolVersion"] > "2025"


def test_over_http_the_password_reads_and_does_not_write(locked: str) -> None:
    assert talk(over_http(locked, PASSWORD), _names) == READING


@pytest.mark.parametrize("token", ["", "some other word", "dateline_" + "x" * 43])
def test_over_http_nobody_else_is_served(locked: str, token: str) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with httpx.Client(trust_env=False) as client:
        reply = client.post(f"{locked}/mcp", json=hello, headers=headers)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"].startswith("Bearer")
        large = client.post(f"{locked}/mcp", content=b"x" * 1_000_001, headers=headers)
        assert large.status_code == 413
        other = {**headers, "Origin": "http://evil.example"}
        assert client.post(f"{locked}/mcp", json=hello, headers=other).status_code == 403


# ---------------------------------------------------------------------------------- who goes away


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_over_http_a_question_that_is_given_up_ends_the_work(mode: Mode) -> None:
    assistant = Waiting()

    async def talking(client: Client) -> None:
        asking = asyncio.create_task(client.call_tool("ask", {"question": "harbour?"}))
        await asyncio.to_thread(wait_until, lambda: assistant.asked != [])
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    with served(create_app(assistant, page=False)) as address:
        talk(over_http(address), talking, mode)
        wait_until(lambda: assistant.let_go)


def test_in_process_a_question_that_is_cancelled_ends_the_work() -> None:
    assistant = Waiting()

    async def talking(client: Client) -> None:
        heard = asyncio.Event()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            heard.set()

        asking = asyncio.create_task(
            client.call_tool("ask", {"question": "harbour?"}, progress_callback=on_progress)
        )
        await heard.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.to_thread(wait_until, lambda: assistant.let_go)

    talk(in_process(assistant), talking, "legacy")


# ------------------------------------------------------------------------------------------- stdio


def hello() -> bytes:
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    return json.dumps(asked).encode() + b"\n"


def process(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_nothing_but_the_protocol_is_written_to_stdout() -> None:
    """Neither by Python's print, nor by a program that a library starts."""
    started = process("""
        import os, subprocess
        from assistant.mcp import serve_stdio
        from tests.fake_assistant import FakeAssistant

        class Loud(FakeAssistant):
            def stream(self, question, **more):
                print("printed", flush=True)
                os.write(1, b"written")
                subprocess.run(["echo", "started"])
                yield from super().stream(question, **more)

        serve_stdio(Loud())
    """)
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    asked = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": COST.question}},
    }
    assert started.stdin is not None
    assert started.stdout is not None
    started.stdin.write(
        hello() + json.dumps(ready).encode() + b"\n" + json.dumps(asked).encode() + b"\n"
    )
    started.stdin.flush()
    lines = [json.loads(started.stdout.readline()) for _ in range(2)]
    out, err = started.communicate(timeout=60)
    assert out == b""
    assert [line["id"] for line in lines] == [1, 2]
    assert lines[0]["result"]["serverInfo"]["name"] == NAME
    assert lines[1]["result"]["structuredContent"]["text"] == COST.text
    for said in (b"printed", b"written", b"started"):
        assert said in err
    assert started.returncode == 0


SERVING = """
    from assistant.mcp import serve_stdio
    from assistant.signals import ending_as_by_ctrl_c
    from tests.fake_assistant import FakeAssistant
    assistant = FakeAssistant()
    with ending_as_by_ctrl_c():
        try:
            serve_stdio(assistant)
        except KeyboardInterrupt:
            print("ended")
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_its_client_says_nothing(ending: signal.Signals) -> None:
    started = process(SERVING)
    assert started.stdin is not None
    assert started.stdout is not None
    started.stdin.write(hello())
    started.stdin.flush()
    assert started.stdout.readline()
    started.send_signal(ending)
    assert started.wait(timeout=60) == 0
    assert started.stdout.read() == b"ended\n"  # the file descriptors are restored
    assert started.stderr is not None
    assert started.stderr.read() == b""
    for stream in (started.stdin, started.stdout, started.stderr):
        stream.close()


@pytest.mark.parametrize("nonsense", [b"{", b"\xff\xfe\n", b"[]\n", b'{"jsonrpc": "2.0"}\n', b"\n"])
def test_what_is_no_message_is_passed_over(nonsense: bytes) -> None:
    started = process(SERVING)
    out, _ = started.communicate(nonsense + b"\n" + hello(), timeout=60)
    assert any(json.loads(line).get("id") == 1 for line in out.splitlines())
    assert started.returncode == 0


# -------------------------------------------------------------------------------------- what it costs


def test_what_asks_on_the_command_line_does_not_load_the_sdk() -> None:
    code = "import sys, assistant, assistant.cli, assistant.mcp; print('mcp' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_servers_card_says_what_is_served() -> None:
    card = json.loads((ROOT / "server.json").read_text("utf-8"))
    assert len(card["description"]) <= 100
    assert card["version"] in (ROOT / "pyproject.toml").read_text("utf-8")
    (remote,) = card["remotes"]
    assert remote["type"] == "streamable-http"
    assert remote["url"].endswith("/mcp")
    assert set(remote["variables"]) == {"address"}
