"""Who is asking: a cookie that says nothing, and that nobody else is given."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

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
