"""Who is asking: a cookie that reveals nothing, and that nobody else is given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from assistant.web import guarding
from assistant.web.guarding import OwnSessions
from assistant.web.visitors import COOKIE, Visitors, read_cookies, visitor_of


async def _who(request: Request) -> Response:
    return PlainTextResponse(visitor_of(request.cookies) or "nobody")


APP = Visitors(Starlette(routes=[Route("/", _who), Route("/other", _who)]))


def get(path: str, base: str = "http://127.0.0.1", **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url=base) as client:
            return await client.get(path, headers=headers)

    return asyncio.run(asked())


def test_a_first_visit_brings_a_cookie_that_scripts_cannot_read_and_a_second_keeps_it() -> None:
    first = get("/")
    given = first.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(given.split("; "))
    assert "Secure" not in given
    second = get("/", Cookie=given.split(";")[0])
    assert "set-cookie" not in second.headers
    assert second.text != "nobody"
    assert given.split(";")[0].removeprefix(f"{COOKIE}=") not in second.text


def test_every_browser_gets_its_own() -> None:
    assert get("/").cookies[COOKIE] != get("/").cookies[COOKIE]


def test_over_https_the_cookie_stays_on_https() -> None:
    assert "; Secure" in get("/", base="https://dateline.example").headers["set-cookie"]


def test_only_the_page_gives_cookies() -> None:
    assert "set-cookie" not in get("/other").headers


@pytest.mark.parametrize("value", ["", "short", "x" * 44, f"{'x' * 42}*", f"é{'x' * 42}"])
def test_what_is_no_token_is_nobody(value: str) -> None:
    assert visitor_of({COOKIE: value}) is None


def test_a_header_that_is_no_cookie_names_nobody() -> None:
    assert read_cookies("a=1; b=2") == {"a": "1", "b": "2"}
    assert visitor_of(read_cookies("\x00;;=;")) is None


# -- what Gradio keeps for a page ------------------------------------------------------------------


async def _told(request: Request) -> Response:
    return PlainTextResponse(f"{request.url.path} {(await request.body()).decode()}")


OURS, THEIRS = ({"cookie": f"{COOKIE}={letter * 43}"} for letter in "ab")


@pytest.fixture
def session() -> Iterator[TestClient]:
    paths = ("queue/join", "queue/data", "run/predict", "cancel", "heartbeat/{session}")
    routes = [Route(f"/gradio_api/{path}", _told, methods=["GET", "POST"]) for path in paths]
    with TestClient(OwnSessions(Starlette(routes=routes))) as client:
        begun = client.post("/gradio_api/queue/join", json={"session_hash": "s"}, headers=OURS)
        assert begun.text == '/gradio_api/queue/join {"session_hash":"s"}'
        yield client


@pytest.mark.parametrize("who", [THEIRS, {}], ids=["another visitor", "nobody"])
def test_a_session_answers_only_the_visitor_who_began_it(
    session: TestClient, who: dict[str, str]
) -> None:
    for method, path in [
        ("GET", "queue/data?session_hash=s"),
        ("GET", "heartbeat/s"),
        ("POST", "queue/join"),
        ("POST", "run/predict"),
        ("POST", "cancel"),
    ]:
        body = {"session_hash": "s"} if method == "POST" else None
        address = f"/gradio_api/{path}"
        assert session.request(method, address, json=body, headers=who).status_code == 404, path
        assert session.request(method, address, json=body, headers=OURS).status_code == 200, path
    both = "/gradio_api/queue/data?session_hash=t&session_hash=s"
    assert session.get(both, headers=who).status_code == 404


def test_what_names_no_session_is_gradios_to_refuse(session: TestClient) -> None:
    for body in (b"", b"[1]", b"{", b'{"session_hash": 3}'):
        assert session.post("/gradio_api/queue/join", content=body, headers=THEIRS).text.endswith(
            body.decode()
        )


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"session_hash": "s", "data": ' + b"[" * 200_000]
)
def test_a_body_that_is_nested_too_deeply_is_refused(session: TestClient, body: bytes) -> None:
    reply = session.post("/gradio_api/queue/join", content=body, headers=THEIRS)
    assert reply.status_code == 400
    assert "nested too deeply" in reply.json()["message"]


def test_a_visitor_who_names_many_sessions_loses_his_own_only(session: TestClient) -> None:
    def data(name: str, who: dict[str, str]) -> int:
        address = f"/gradio_api/queue/data?session_hash={name}"
        return session.get(address, headers=who).status_code

    assert all(data(f"t{number}", THEIRS) == 200 for number in range(400))
    assert data("s", THEIRS) == 404
    assert data("s", OURS) == 200
    assert data("t399", OURS) == 404
    assert data("t0", OURS) == 200  # forgotten, and so open to anybody


def test_many_visitors_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "_SESSIONS", 2)
    with TestClient(
        OwnSessions(Starlette(routes=[Route("/gradio_api/heartbeat/{s}", _told)]))
    ) as c:
        cookies = [{"cookie": f"{COOKIE}={letter * 43}"} for letter in "abc"]
        for number, who in enumerate(cookies):
            assert c.get(f"/gradio_api/heartbeat/{number}", headers=who).status_code == 200
        assert c.get("/gradio_api/heartbeat/1", headers=cookies[2]).status_code == 404
        assert c.get("/gradio_api/heartbeat/0", headers=cookies[2]).status_code == 200


def test_whoever_has_no_cookie_owns_nothing_and_the_refusal_says_so_to_the_page(
    session: TestClient,
) -> None:
    address = "/gradio_api/queue/data?session_hash=n"
    assert session.get(address).status_code == 200
    assert session.get(address, headers=OURS).status_code == 200
    refused = session.get(address)
    assert (refused.status_code, refused.headers["dateline-session"]) == (404, "none")
