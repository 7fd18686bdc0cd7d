"""The HTTP API, the page's protection, and the server itself."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answers import Turn
from assistant.api import create_app
from assistant.errors import SettingsError
from assistant.render.quoted import article_address, reading_address
from assistant.server import serve
from assistant.web.strict import add_nonce
from tests.fake_assistant import ARTICLES, COST, HARBOUR, HOSTILE, FakeAssistant
from vectorstore.errors import StoreBusyError

HERE = "http://127.0.0.1:7860"


class Client:
    """Asks an application without a socket, as the browser on this computer would."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def request(self, method: str, path: str, base: str = HERE, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant((*ARTICLES, HOSTILE))


@pytest.fixture
def api(assistant: FakeAssistant) -> Client:
    return Client(create_app(assistant, page=False))


@pytest.fixture(scope="module")
def page() -> Client:
    async def made() -> Any:
        return create_app(FakeAssistant((*ARTICLES, HOSTILE)), examples=("</script><b>x</b>?",))

    return Client(asyncio.run(made()))  # where no loop runs, Gradio makes one and leaves it open


# ----------------------------------------------------------------------------------------- the API


def test_an_answer_over_http_is_the_answer_as_a_dict(api: Client) -> None:
    reply = api.post("/api/answer", json={"question": COST.question})
    assert reply.status_code == 200
    assert reply.json() == COST.to_dict()


def test_history_dates_and_sources_reach_the_assistant(
    api: Client, assistant: FakeAssistant
) -> None:
    asked = {
        "question": "and where?",
        "history": [{"role": "user", "text": "who?"}, {"role": "assistant", "content": "They."}],
        "as_of": "2025-07-26",
        "sources": ["Asian Lite"],
        "after": "2025-01-01",
        "before": "2025-12-31",
    }
    assert api.post("/api/answer", json=asked).status_code == 200
    (heard,) = assistant.asked
    assert heard.history == (Turn("user", "who?"), Turn("assistant", "They."))
    assert heard.as_of == date(2025, 7, 26)
    assert heard.sources == ("Asian Lite",)
    assert (heard.after, heard.before) == (date(2025, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": 1},
        {"question": "x", "histroy": []},
        {"question": "x", "history": [{"role": "system", "text": "x"}]},
        {"question": "x", "after": "yesterday"},
        {"question": "x" * 10_001},
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_a_reason(
    api: Client, assistant: FakeAssistant, body: dict[str, Any]
) -> None:
    reply = api.post("/api/answer", json=body)
    assert reply.status_code == 422
    assert reply.json()["error"] == "RequestError"
    assert reply.json()["message"].startswith("body.")
    assert assistant.asked == []


def test_errors_are_told_by_class_and_message(assistant: FakeAssistant) -> None:
    assistant.failures = {"busy": StoreBusyError("another process holds it")}
    api = Client(create_app(assistant, page=False))
    empty = api.post("/api/answer", json={"question": " "})
    assert (empty.status_code, empty.json()["error"]) == (400, "QuestionError")
    busy = api.post("/api/answer", json={"question": "busy?"})
    assert busy.status_code == 503
    assert busy.json() == {"error": "StoreBusyError", "message": "another process holds it"}
    nothing = Client(create_app(FakeAssistant([]), page=False))
    reply = nothing.post("/api/answer", json={"question": "who?"})
    assert (reply.status_code, reply.json()["error"]) == (409, "EmptyIndexError")


@pytest.mark.parametrize("served", ["api", "page"])
def test_errors_of_addresses_and_methods_have_the_same_shape(
    served: str, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(served)
    for method, path, status, allowed in [
        ("GET", "/api/answer", 405, "POST"),
        ("POST", "/api/articles", 405, "GET"),
        ("DELETE", "/healthz", 405, "GET"),
        ("POST", "/read/meeting", 405, "GET"),
        ("GET", "/conversations/a", 405, "DELETE, PATCH"),
        ("GET", "/api/anser", 404, None),
        ("GET", "/api/", 404, None),
        ("POST", "/library/nothing", 404, None),
        ("POST", "/library/articles", 405, "GET"),
        ("GET", "/page/nothing.js", 404, None),
        ("POST", "/api/answer", 422, None),
        ("GET", "/library/articles?skip=-1", 422, None),
    ]:
        reply = client.request(method, path)
        assert reply.status_code == status, path
        assert set(reply.json()) == {"error", "message"}, path
        assert reply.json()["error"] == "RequestError"
        assert reply.headers.get("allow") == allowed, path
    broken = client.post("/api/answer", content=b"[" * 200_000)
    assert broken.status_code in (400, 422)
    assert set(broken.json()) == {"error", "message"}


def test_articles_are_listed_without_their_text(api: Client) -> None:
    listed = api.get("/api/articles").json()["articles"]
    assert [article["id"] for article in listed] == [HARBOUR.id, "meeting", HOSTILE.id]
    assert listed[0]["published"] == "2025-11-04"
    assert "text" not in listed[0]


def test_the_api_describes_itself(api: Client) -> None:
    paths = api.get("/api/openapi.json").json()["paths"]
    assert {"/healthz", "/api/answer", "/api/articles"} <= set(paths)


def test_it_says_that_it_is_alive(api: Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}


# ---------------------------------------------------------------------------------------- reading


def test_an_article_is_read_cut_where_its_quotes_begin_and_end(api: Client) -> None:
    found = api.get(reading_address(COST, COST.citations[1])).json()
    assert found["title"] == HARBOUR.title
    assert "".join(run["text"] for run in found["segments"]) == HARBOUR.text
    quotes = [(each["number"], each["found"], each["page"]) for each in found["quotes"]]
    assert quotes == [(number, True, None) for number in (1, 2)]
    for citation in COST.citations:
        marked = [run["text"] for run in found["segments"] if citation.number in run["numbers"]]
        assert "".join(marked) == citation.quote


def test_a_quote_that_changed_is_told_and_not_marked(api: Client, assistant: FakeAssistant) -> None:
    assistant.index.kept[HARBOUR.id] = replace(HARBOUR, text="Another text.")
    found = api.get(reading_address(COST, COST.citations[0])).json()
    assert {quote["found"] for quote in found["quotes"]} == {False}
    assert found["segments"] == [{"text": "Another text.", "numbers": []}]


def test_an_article_is_read_whatever_its_id_is_made_of(
    api: Client, assistant: FakeAssistant
) -> None:
    odd = replace(HARBOUR, id="a/b?#%20\n\r\n c\n")
    assistant.index.add_articles([odd])
    assert api.get(article_address(odd.id)).json()["id"] == odd.id


def test_an_article_that_is_gone_is_not_found(api: Client) -> None:
    reply = api.get("/read/gone?c=1&q=1.0.4.0123456789ab")
    assert (reply.status_code, reply.json()["error"]) == (404, "ArticleNotFoundError")


def test_what_names_no_quote_is_passed_over(api: Client) -> None:
    found = api.get("/read/meeting?q=nonsense&q=1.0.9999999.0123456789ab").json()
    assert found["segments"][0]["numbers"] == []
    assert api.get("/read/meeting?" + "&".join(["q=x"] * 101)).status_code == 422


def test_a_link_opened_in_a_new_tab_is_an_article_as_a_page(api: Client) -> None:
    reply = api.get(f"/read/{quote(HOSTILE.id, safe='')}", headers={"Accept": "text/html"})
    assert reply.headers["content-type"].startswith("text/html")
    assert "<script" not in reply.text
    assert "<img" not in reply.text
    assert "script-src 'self'" in reply.headers["content-security-policy"]


def test_only_web_addresses_are_given_as_the_original(api: Client) -> None:
    assert api.get("/read/meeting").json()["url"] == "https://asianlite.example/un-oic"
    assert api.get(f"/read/{quote(HOSTILE.id, safe='')}").json()["url"] == ""


# ----------------------------------------------------------------------------------- the protection


@pytest.mark.parametrize("base", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:7860"])
def test_this_computers_names_are_answered(api: Client, base: str) -> None:
    assert api.get("/healthz", base=base).status_code == 200


@pytest.mark.parametrize(
    "base", ["http://evil.example", "http://127.0.0.1.evil.example:7860", "http://192.168.1.2"]
)
def test_a_name_that_points_here_from_elsewhere_is_refused(api: Client, base: str) -> None:
    reply = api.get("/api/articles", base=base)
    assert reply.status_code == 403
    assert "Khiari" not in reply.text


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "http://127.0.0.1:8000", "https://evil.example:7860"),
        HERE.replace("http:", "https:"),
    ],
)
def test_pages_of_other_origins_are_refused(api: Client, origin: str) -> None:
    body = {"question": "who?"}
    assert api.post("/api/answer", json=body, headers={"Origin": origin}).status_code == 403
    assert api.post("/api/answer", json=body, headers={"Origin": HERE}).status_code == 200


def test_a_form_of_another_page_cannot_ask(api: Client, assistant: FakeAssistant) -> None:
    api.post("/api/answer", content=b'{"question": "x"}', headers={"Content-Type": "text/plain"})
    assert assistant.asked == []


def test_the_page_comes_under_a_strict_policy_with_a_fresh_nonce(page: Client) -> None:
    first, second = page.get("/"), page.get("/")
    assert first.status_code == 200
    policy = first.headers["content-security-policy"]
    nonce = re.findall(r"'nonce-([^']+)'", policy)[0]
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'nonce-" in policy
    tags = re.findall(r"<script\b[^>]*>", first.text)
    assert len(tags) >= 5
    assert all(f'nonce="{nonce}"' in tag for tag in tags)
    assert nonce not in second.headers["content-security-policy"]
    plain = page.get("/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert first.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) == first.num_bytes_downloaded
    assert first.num_bytes_downloaded < len(plain.content) / 4


def test_files_named_by_their_contents_are_not_asked_for_again_and_the_page_is(
    page: Client,
) -> None:
    first = page.get("/")
    assert "immutable" not in first.headers.get("cache-control", "")
    (script, *_) = re.findall(r"assets/[\w-]+-[\w-]{8,}\.js", first.text)
    assert "immutable" in page.get(f"/{script}").headers["cache-control"]
    gone = page.get("/assets/gone-00000000.js")
    assert gone.status_code == 404
    assert "cache-control" not in gone.headers


def test_the_page_asks_for_nothing_from_elsewhere(page: Client) -> None:
    text = page.get("/").text
    assert not re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="(?:https?:)?//', text)


def test_what_gradio_offers_beyond_the_page_is_off(page: Client) -> None:
    config = page.get("/config").json()
    assert config["footer_links"] == []
    assert config["show_error"] is False
    assert config["analytics_enabled"] is False
    assert page.get("/monitoring/summary").status_code in (403, 404)
    assert page.get("/gradio_api/runs").status_code in (403, 404)
    assert page.get("/gradio_api/info").json()["named_endpoints"] == {}


@pytest.mark.parametrize(
    "path",
    [
        *("/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/file=/etc/passwd"),
        *("/gradio_api/proxy=http://a.example", "/gradio_api/stream/x", "/gradio_api/vibe-code"),
        *(
            "/monitoring",
            "/gradio_api/call/predict",
            "/gradio_api/openapi.json",
            "/login",
            "/token",
        ),
    ],
)
def test_what_the_page_does_not_need_of_gradio_is_not_there(page: Client, path: str) -> None:
    assert page.get(path).status_code == 404
    assert page.post(path).status_code == 404


def test_an_example_cannot_break_out_of_the_page(page: Client) -> None:
    assert "</script><b>x</b>" not in page.get("/").text


def test_the_page_has_its_own_name_and_mark_before_any_script_runs(page: Client) -> None:
    head = page.get("/").text.partition("</head>")[0]
    assert "<title>Dateline</title>" in head
    assert not re.findall(r'<meta[^>]*"(?:og|twitter):', head)  # Gradio's, where a link is shared
    mark = page.get("/favicon.ico")
    assert mark.headers["content-type"] == "image/svg+xml"
    assert mark.text == page.get("/page/mark.svg").text
    assert '<link rel="manifest" href="page/manifest.json">' in head
    manifest = page.get("/page/manifest.json").json()
    (icon,) = manifest["icons"]
    assert page.get(f"/page/{icon['src']}").text == mark.text
    assert (manifest["name"], manifest["start_url"]) == ("Dateline", "..")
    assert page.get("/manifest.json").status_code == 404


def test_scripts_and_styles_of_the_page_are_served_here(page: Client) -> None:
    for name in ("page.css", "page.js"):
        assert page.get(f"/page/{name}").status_code == 200
    assert page.get("/page/../api.py").status_code == 404
    assert page.get("/page/%2e%2e/api.py").status_code == 404


def test_an_answer_that_was_never_shown_cannot_be_saved(page: Client) -> None:
    assert page.get("/answer/guess.md").status_code == 404


def test_a_nonce_goes_to_script_elements_only() -> None:
    page = (
        '<!-- <script> --><p title="<script>">x</p>\n<SCRIPT>a = "<script>"</SCRIPT>'
        "<script src=x></script><scripted></scripted>"
    )
    assert add_nonce(page, "N") == (
        '<!-- <script> --><p title="<script>">x</p>\n<SCRIPT nonce="N">a = "<script>"</SCRIPT>'
        '<script nonce="N" src=x></script><scripted></scripted>'
    )


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(list('<>/!-" =\nscript&;é')), max_size=80))
def test_a_page_with_nonces_is_the_page_otherwise(page: str) -> None:
    assert add_nonce(page, "N").replace(' nonce="N"', "") == page


# -------------------------------------------------------------------------------------- the server


@contextmanager
def serving(
    port: int, *, page: bool = False, by: str = "FakeAssistant"
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and the address at which it reported ready."""
    code = textwrap.dedent(f"""
        import sys
        from assistant.server import serve
        from tests.fake_assistant import {by}
        serve({by}(), port={port}, page={page}, on_ready=lambda url: print(url, flush=True))
        print("ended", flush=True)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_at_the_address_it_tells_and_ends_cleanly_when_told_to(
    ending: signal.Signals,
) -> None:
    with serving(0) as (process, address):
        assert httpx.get(f"{address}/healthz", trust_env=False).json() == {"status": "ok"}
        process.send_signal(ending)
        out, err = process.communicate(timeout=60)
        assert out == "ended\n"
        assert err == ""
        assert process.returncode == 0


def test_it_ends_cleanly_while_a_page_is_open() -> None:
    with serving(0, page=True) as (process, address):
        beat = f"{address}/gradio_api/heartbeat/abc"
        with httpx.Client(trust_env=False) as client, client.stream("GET", beat) as stream:
            assert next(stream.iter_raw())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert out == "ended\n"
    assert err == ""
    assert process.returncode == 0


@pytest.mark.parametrize("path", ["/api/v1/answer", "/v1/chat/completions"])
def test_who_waits_for_an_answer_when_it_ends_is_told_to_ask_again(path: str) -> None:
    asked: dict[str, Any] = {"question": "harbour?"}
    if path.startswith("/v1"):
        asked = {"model": "dateline", "messages": [{"role": "user", "content": "harbour?"}]}
    with serving(0, by="Waiting") as (process, address), httpx.Client(trust_env=False) as client:
        with closing(HTTPConnection(address.removeprefix("http://"), timeout=60)) as waiting:
            waiting.request("POST", path, json.dumps(asked), {"Content-Type": "application/json"})
            stream = f"{address}/api/v1/answer/stream"
            with client.stream("POST", stream, json={"question": "harbour?"}) as second:
                assert "The harbour" in next(second.iter_text())
                process.send_signal(signal.SIGTERM)
                reply = waiting.getresponse()
                told = json.load(reply)["error" if path.startswith("/v1") else "message"]
        out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("ended\n", "", 0)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "10")
    assert "being stopped: ask again" in (told["message"] if isinstance(told, dict) else told)


def test_an_answer_that_nobody_waits_for_is_not_torn_down_with_the_program() -> None:
    code = """
        import asyncio, time
        from assistant.answering.streaming import in_a_thread
        def made():
            time.sleep(1)
            print("read to its end", flush=True)
            yield
        async def asked():
            await asyncio.wait_for(anext(in_a_thread(made)), 0.1)
        try:
            asyncio.run(asked())
        except TimeoutError:
            print("given up", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["given up", "read to its end"]


def test_where_the_port_is_taken_a_free_one_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with serving(port) as (_, address):
            assert not address.endswith(f":{port}")
            assert httpx.get(f"{address}/healthz", trust_env=False).status_code == 200


def test_what_is_no_port_is_refused() -> None:
    with pytest.raises(SettingsError, match="70000 is not a port"):
        serve(FakeAssistant(), port=70_000)


def test_importing_it_loads_no_heavy_library() -> None:
    code = (
        "import sys, assistant.api, assistant.page, json;"
        "print(json.dumps(sorted({'gradio', 'fastapi', 'uvicorn', 'chromadb', 'torch', 'httpx',"
        " 'numpy', 'onnxruntime'} & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
