"""The password: its holder gets in, guessers have to wait, and nobody learns anything by trying."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import Response

from assistant.api import create_app
from assistant.databases import SESSIONS
from assistant.errors import CrowdedError, SettingsError
from assistant.page import build
from assistant.server import serve
from assistant.settings import Settings
from assistant.web.access import COOKIE, Access, Locked
from assistant.web.asking import Desk
from assistant.web.conversations import Conversations
from assistant.web.guarding import LARGEST
from assistant.web.sessions import FILE, Sessions
from assistant.web.visitors import CALLER, Caller, caller_of, new_visitor, visitor_of
from assistant.web.visitors import COOKIE as VISITOR
from tests.fake_assistant import FakeAssistant
from vectorstore.database import Database
from vectorstore.errors import StoreDamagedError, StoreFormatError
from vectorstore.stores import Rows

PASSWORD = "four words of mine"  # noqa: S105  # of these tests
BASE = "http://news.example.org"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Sleep:
    """Sleeps in no real time: it moves the clock forward."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sleep(clock: Clock) -> Sleep:
    return Sleep(clock)


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    with closing(Sessions.open()) as opened:
        yield opened


@pytest.fixture
def access(sessions: Sessions, clock: Clock, sleep: Sleep) -> Access:
    return Access(PASSWORD, sessions, clock, clock, sleep)


@pytest.fixture
def site(access: Access) -> Any:
    return create_app(FakeAssistant(), page=False, access=access, host_names={"news.example.org"})


def send(site: Any, method: str, path: str, base: str = BASE, **more: Any) -> httpx.Response:
    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(site, client=("203.0.113.9", 1234))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **more)

    return asyncio.run(sent())


def log_in(site: Any, password: str = PASSWORD, **more: Any) -> httpx.Response:
    return send(site, "POST", "/login", data={"password": password, **more})


# ------------------------------------------------------------------------------------ the sessions


def test_a_session_is_good_until_it_ends_and_survives_a_restart(
    clock: Clock, tmp_path: Path
) -> None:
    with closing(Sessions.open(tmp_path / FILE)) as sessions:
        token = Access(PASSWORD, sessions, clock).session()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert token.encode() not in (tmp_path / FILE).read_bytes()
    with closing(Sessions.open(tmp_path / FILE)) as sessions:
        again = Access(PASSWORD, sessions, clock)
        assert admits(again, {COOKIE: token}, "a")
        clock.now += 31 * 24 * 3600
        assert not admits(again, {COOKIE: token}, "a")


def test_sessions_and_browsers_are_known_until_they_end(
    rows_of: Callable[[Database], Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.web.sessions._BROWSERS", 2)
    sessions = Sessions(rows_of(SESSIONS))
    key = sessions.key(PASSWORD)
    assert sessions.key(PASSWORD) == key != sessions.key("another one of them")
    one, other = sessions.begin(key, 0.0, 10.0), sessions.begin(key, 0.0, 20.0)
    assert [sessions.holds(key, each, 5.0) for each in (one, other, "none")] == [True, True, False]
    assert not sessions.holds(key, one, 10.0)
    third = sessions.begin(key, 11.0, 30.0)
    assert not sessions.holds(key, one, 5.0)  # forgotten, once it had ended
    sessions.end(key, other)
    assert [sessions.holds(key, each, 12.0) for each in (other, third)] == [False, True]
    sessions.end_all()
    assert not sessions.holds(key, third, 12.0)
    for seen, browser in enumerate("abab"):
        sessions.remember(key, browser, float(seen))
    sessions.remember(key, "c", 9.0)
    assert [sessions.remembers(key, browser) for browser in "abc"] == [False, True, True]


def test_another_password_or_file_ends_all_sessions(
    clock: Clock, sessions: Sessions, access: Access
) -> None:
    token = access.session()
    assert not admits(Access(PASSWORD + "!", sessions, clock), {COOKIE: token}, "a")
    with closing(Sessions.open()) as others:
        assert not admits(Access(PASSWORD, others, clock), {COOKIE: token}, "a")
    assert admits(access, {COOKIE: token}, "a")


def test_a_session_that_was_logged_out_is_over_and_the_others_are_not(access: Access) -> None:
    one, other = access.session(), access.session()
    access.end({COOKIE: one})
    assert not admits(access, {COOKIE: one}, "a")
    assert admits(access, {COOKIE: other}, "a")
    access.end_all()
    assert not admits(access, {COOKIE: other}, "a")
    assert admits(access, {COOKIE: access.session()}, "a")


def test_sessions_that_somebody_planted_in_the_file_open_nothing(
    clock: Clock, tmp_path: Path
) -> None:
    """Whoever hands over an index knows its sessions file, but not the password."""
    theirs = "their own password"
    with closing(Sessions.open(tmp_path / FILE)) as sessions:
        token = Access(theirs, sessions, clock).session()
    with closing(Sessions.open(tmp_path / FILE)) as sessions:
        assert admits(Access(theirs, sessions, clock), {COOKIE: token}, "a")
        assert not admits(Access(PASSWORD, sessions, clock), {COOKIE: token}, "a")


def test_what_is_no_file_of_sessions_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as db:
        db.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreFormatError, match="does not hold Dateline's sessions"):
        Sessions.open(tmp_path / "other")
    Sessions.open(tmp_path / "spied").close()
    with closing(sqlite3.connect(tmp_path / "spied")) as db:
        db.execute(
            "CREATE TRIGGER spy AFTER DELETE ON sessions BEGIN "
            "INSERT INTO sessions VALUES (old.proof, old.ends); END"
        )
    with pytest.raises(StoreDamagedError, match="did not make the trigger 'spy'"):
        Sessions.open(tmp_path / "spied")


@pytest.mark.parametrize("change", [0, 5, 20, -1])
def test_a_session_that_was_changed_is_none(access: Access, change: int) -> None:
    token = access.session()
    letters = list(token)
    letters[change] = "1" if letters[change] != "1" else "2"
    assert not admits(access, {COOKIE: "".join(letters)}, "a")
    assert admits(access, {COOKIE: token}, "a")


def test_a_short_password_is_refused() -> None:
    with pytest.raises(SettingsError, match="has 5 characters; give one of 10 or more"):
        Access("12345", Sessions.open())


# ------------------------------------------------------------------------------------- the guesses


def opens(
    access: Access, given: str, address: str, cookies: Mapping[str, str] | None = None
) -> bool:
    return asyncio.run(access.opens(given, address, cookies))


def admits(access: Access, cookies: Mapping[str, str], address: str) -> bool:
    return asyncio.run(access.admits(cookies, "", address))


def guess_often(access: Access, times: int, address: str, *cookies: Mapping[str, str]) -> None:
    for n in range(times):
        assert not opens(access, f"wrong password {n}", address, *cookies)


def test_wrong_guesses_of_an_address_are_checked_further_and_further_apart(
    access: Access, sleep: Sleep
) -> None:
    guess_often(access, 12, "a")
    assert sleep.slept == [1, 2, 4, 8, 10, 10, 10]


def test_in_an_hour_an_address_has_few_guesses_and_no_rest_or_login_gives_it_more(
    access: Access, sleep: Sleep, clock: Clock
) -> None:
    start, guesses = clock.now, 0
    while clock.now < start + 3600:
        guess_often(access, 1, "a")
        assert guesses % 7 or opens(access, PASSWORD, "a")  # somebody else, who knows it
        guesses += 1
    assert guesses <= 370
    sleep.slept.clear()
    clock.now += 3590
    guess_often(access, 2, "a")
    assert sleep.slept == [10]
    clock.now += 3601  # after a quiet hour, an address starts afresh
    sleep.slept.clear()
    guess_often(access, 5, "a")
    assert sleep.slept == []


def test_the_right_password_opens_after_some_seconds_however_much_others_have_guessed(
    access: Access, sleep: Sleep, clock: Clock
) -> None:
    guess_often(access, 200, "a")
    sleep.slept.clear()
    assert opens(access, PASSWORD, "a")
    assert sleep.slept == [10]
    guess_often(access, 1, "a")
    sleep.slept.clear()
    clock.now += 10
    assert opens(access, PASSWORD, "a")
    assert sleep.slept == []


def test_passwords_given_at_once_are_checked_one_after_the_other_and_few_wait(
    sessions: Sessions, clock: Clock
) -> None:
    """Many connections do not let anyone learn sooner which guess is right."""
    told: list[tuple[float, str, bool]] = []

    async def sleep(seconds: float) -> None:
        until = clock.now + seconds
        while clock.now < until:
            await asyncio.sleep(0)

    access = Access(PASSWORD, sessions, clock, clock, sleep)
    start = clock.now

    async def give(password: str) -> None:
        right = await access.opens(password, "a")
        told.append((clock.now - start, password, right))

    async def all_at_once() -> list[BaseException | None]:
        given = [f"wrong password {n}" for n in range(9)]
        tasks = [asyncio.ensure_future(give(one)) for one in (*given, PASSWORD, "late", PASSWORD)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            clock.now += 1 / 8
        return await asyncio.gather(*tasks, return_exceptions=True)

    ends = asyncio.run(all_at_once())
    checked = [(round(when), right) for when, _, right in told]
    assert checked[:5] == [(0, False)] * 5
    # Turns are 1, 2, 4, 8 and 10 s apart; the same password given twice takes one place.
    assert checked[5:] == [(1, False), (3, False), (7, False), (15, False), (25, True), (25, True)]
    (crowded,) = [error for error in ends if error is not None]
    assert isinstance(crowded, CrowdedError)
    assert crowded.wait == 35


def test_who_goes_away_before_his_turn_has_guessed(sessions: Sessions, clock: Clock) -> None:
    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    access = Access(PASSWORD, sessions, clock, clock, never)
    guess_often(access, 5, "a")

    async def gone() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(access.opens("wrong password", "a"), 0.01)

    for _ in range(9):  # none of them keeps a place
        asyncio.run(gone())
    sleeping = Sleep(clock)
    access._sleep = sleeping
    assert opens(access, PASSWORD, "a")
    assert sleeping.slept[0] >= 10


def test_guesses_from_everywhere_keep_nobody_else_out(access: Access, sleep: Sleep) -> None:
    for n in range(1_000):
        guess_often(access, 1, f"198.51.100.{n % 250}")
        guess_often(access, 1, f"2001:db8:{n:x}::1")
    assert opens(access, PASSWORD, "203.0.113.9")
    assert opens(access, PASSWORD, "198.51.100.7")  # four guesses
    assert admits(access, {COOKIE: access.session()}, "198.51.100.7")
    assert sleep.slept == []


def test_who_has_a_whole_network_of_ipv6_guesses_as_one(access: Access, sleep: Sleep) -> None:
    for n in range(5):
        guess_often(access, 1, f"2001:db8:1:2::{n}")
    guess_often(access, 1, "2001:db8:1:3::1")
    assert sleep.slept == []
    guess_often(access, 1, "2001:db8:1:2:ffff::1")
    assert sleep.slept == [1]


def test_a_browser_that_has_known_the_password_waits_for_nobody_elses_guesses(
    access: Access, sleep: Sleep
) -> None:
    """Even if it shares an address with a guesser, behind a proxy that forwards no addresses."""
    visitor, _ = new_visitor(secure=False)
    mine, others = {VISITOR: "m" * 43}, {VISITOR: "o" * 43}
    access.remember(visitor_of(mine) or "")
    guess_often(access, 9, "127.0.0.1", others)
    guess_often(access, 9, "127.0.0.1")
    assert sleep.slept
    sleep.slept.clear()
    assert opens(access, PASSWORD, "127.0.0.1", mine)
    guess_often(access, 5, "127.0.0.1", mine)
    assert sleep.slept == []
    guess_often(access, 1, "127.0.0.1", mine)  # but it does for its own
    assert sleep.slept == [1]
    assert visitor != visitor_of(mine)


def test_a_clock_that_is_set_back_or_forward_ends_no_wait_and_makes_none_longer(
    sessions: Sessions, clock: Clock
) -> None:
    even = Clock()
    sleep = Sleep(even)
    access = Access(PASSWORD, sessions, clock, even, sleep)
    guess_often(access, 6, "a")
    clock.now += 10_000_000
    guess_often(access, 1, "a")
    clock.now -= 90_000_000
    guess_often(access, 1, "a")
    assert sleep.slept == [1, 2, 4]


# ---------------------------------------------------------------------------------------- the pages


def test_nothing_is_answered_without_the_password(site: Any) -> None:
    for method, path in (
        ("GET", "/api/articles"),
        ("POST", "/api/answer"),
        ("GET", "/read/meeting"),
        ("GET", "/conversations"),
        ("GET", "/library"),
        ("GET", "/api/openapi.json"),
        ("GET", "/nothing"),
        ("POST", "/logout"),
    ):
        reply = send(site, method, path)
        assert reply.status_code == 401, path
        assert "Khiari" not in reply.text
    assert send(site, "GET", "/healthz").status_code == 200


def test_a_browser_is_led_to_the_login_and_back_to_where_it_was(site: Any) -> None:
    first = send(site, "GET", "/read/meeting?c=1", headers={"Accept": "text/html"})
    assert first.status_code == 303
    login = first.headers["location"]
    assert login == "../login?next=%2Fread%2Fmeeting%3Fc%3D1"
    form = send(site, "GET", login)
    assert 'value="/read/meeting?c=1"' in form.text
    assert "script-src 'self'" in form.headers["content-security-policy"]
    done = log_in(site, next="/read/meeting?c=1")
    assert (done.status_code, done.headers["location"]) == (303, "./read/meeting?c=1")
    given = done.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(given.split("; "))
    assert PASSWORD not in given
    cookie = {"Cookie": given.split(";")[0]}
    assert send(site, "GET", "/api/articles", headers=cookie).status_code == 200
    gone = send(site, "POST", "/logout", headers=cookie)
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert send(site, "GET", "/api/articles", headers=cookie).status_code == 401


def test_one_can_log_out_everywhere(site: Any) -> None:
    phone, desk = ({"Cookie": log_in(site).headers["set-cookie"].split(";")[0]} for _ in range(2))
    assert send(site, "GET", "/api/articles", headers=phone).status_code == 200
    send(site, "POST", "/logout", headers=desk, data={"everywhere": "1"})
    for cookie in (phone, desk):
        assert send(site, "GET", "/api/articles", headers=cookie).status_code == 401


def test_a_login_makes_its_browser_known_and_then_guesses_of_its_address_do_not_bind_it(
    site: Any, sleep: Sleep
) -> None:
    done = log_in(site)
    given = [cookie.split(";")[0] for cookie in done.headers.get_list("set-cookie")]
    assert [cookie.partition("=")[0] for cookie in given] == [COOKIE, VISITOR]
    for _ in range(8):
        log_in(site, "wrong password")
    sleep.slept.clear()
    assert log_in(site).status_code == 303
    assert sleep.slept == [8]
    sleep.slept.clear()
    known = {"Cookie": given[1]}
    again = send(site, "POST", "/login", data={"password": PASSWORD}, headers=known)
    assert again.status_code == 303
    assert len(again.headers.get_list("set-cookie")) == 1  # it is still the same visitor
    assert sleep.slept == []


def test_where_sessions_cannot_be_kept_it_is_told(access: Access, sessions: Sessions) -> None:
    site = create_app(FakeAssistant(), page=False, access=access, host_names={"news.example.org"})
    token = {"Cookie": f"{COOKIE}={access.session()}"}
    sessions._db.execute("DROP TABLE sessions")
    for reply in (log_in(site), send(site, "GET", "/api/articles", headers=token)):
        assert reply.status_code == 503
        assert "the sessions in" in reply.json()["message"]


@pytest.mark.parametrize(
    "to",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", "/a\r\nb: c"],
)
def test_the_login_leads_nowhere_else(site: Any, to: str) -> None:
    assert log_in(site, next=to).headers["location"] == "./"


def test_a_wrong_password_is_told_and_the_next_ones_take_longer(site: Any, sleep: Sleep) -> None:
    for pause in ([],) * 5 + ([1],):
        wrong = log_in(site, "<b>wrong</b> password")
        assert wrong.status_code == 403
        assert "set-cookie" not in wrong.headers
        assert "wrong</b>" not in wrong.text
        assert sleep.slept == pause
    # Giving none is not a guess, and the right one is checked like any other.
    assert send(site, "GET", "/api/articles").status_code == 401
    assert sleep.slept == [1]
    token = {"Authorization": f"Bearer {PASSWORD}"}
    assert send(site, "GET", "/api/articles", headers=token).status_code == 200
    assert sleep.slept == [1, 2]


def test_where_many_passwords_wait_one_more_is_told_when_to_come_again(
    site: Any, access: Access
) -> None:
    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    access._sleep = never
    token = {"Authorization": f"Bearer {PASSWORD}"}

    async def crowded() -> tuple[httpx.Response, ...]:
        transport = httpx.ASGITransport(site, client=("203.0.113.9", 1234))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            guesses = [
                asyncio.ensure_future(client.post("/login", data={"password": f"guess {n}"}))
                for n in range(10)
            ]
            while sum(guess.done() for guess in guesses) < 5:
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            form = await client.post("/login", data={"password": PASSWORD})
            replies = form, await client.get("/api/articles", headers=token)
            for guess in guesses:
                guess.cancel()
            return replies

    for reply in asyncio.run(crowded()):
        assert reply.status_code == 429
        # 1, 2, 4, 8 and 10 s for those waiting, and 10 s more
        assert 30 <= int(reply.headers["retry-after"]) <= 35
        assert "everal other passwords from this address are being checked" in reply.text


def test_programs_give_the_password_as_a_bearer_token(site: Any) -> None:
    for given, status in ((PASSWORD, 200), ("wrong password", 401), ("", 401)):
        asked = {"Authorization": f"Bearer {given}"}
        assert send(site, "GET", "/api/articles", headers=asked).status_code == status


def test_other_sites_cannot_log_in_and_other_names_lead_nowhere(site: Any) -> None:
    evil = send(
        site,
        "POST",
        "/login",
        data={"password": PASSWORD},
        headers={"Origin": "http://evil.example"},
    )
    assert evil.status_code == 403
    rebound = send(site, "GET", "/login", base="http://evil.example")
    assert rebound.status_code == 403
    assert "DATELINE_HOST_NAMES" in rebound.text


def test_over_https_the_session_stays_on_https(site: Any) -> None:
    reply = send(
        site, "POST", "/login", base="https://news.example.org", data={"password": PASSWORD}
    )
    assert "; Secure" in reply.headers["set-cookie"]


# ----------------------------------------------------------------------------------------- the rest


def test_large_bodies_are_refused_also_where_they_do_not_say_so(site: Any) -> None:
    token = {"Authorization": f"Bearer {PASSWORD}", "Content-Type": "application/json"}
    large = b'{"question": "' + b"x" * LARGEST + b'"}'
    assert send(site, "POST", "/api/answer", content=large, headers=token).status_code == 413

    async def dripping() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    reply = send(site, "POST", "/api/answer", content=dripping(), headers=token)
    assert reply.status_code >= 400


def test_an_address_asks_only_so_often_where_others_can_reach_it(site: Any) -> None:
    token = {"Authorization": f"Bearer {PASSWORD}"}
    ask = {"question": "who?"}
    replies = [send(site, "POST", "/api/answer", json=ask, headers=token) for _ in range(61)]
    assert [reply.status_code for reply in replies] == [200] * 60 + [429]
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
    assert f"again in {replies[-1].headers['retry-after']} s" in replies[-1].text


def test_what_is_asked_is_known_by_its_session_and_address_whatever_the_visitors_cookie(
    access: Access,
) -> None:
    seen: list[Caller] = []

    async def told(scope: Any, receive: Any, send: Any) -> None:
        seen.append(caller_of(scope))
        await Response()(scope, receive, send)

    guarded = Locked(told, access)
    sessions = [access.session(), access.session()]
    for session, visitor in ((0, "a"), (0, "b"), (1, "a")):
        cookies = f"dateline_session={sessions[session]}; dateline_visitor={visitor * 43}"
        assert send(guarded, "GET", "/", headers={"Cookie": cookies}).status_code == 200
    token = {"Authorization": f"Bearer {PASSWORD}"}
    for forged in ("one", "two"):
        send(guarded, "GET", "/", headers={**token, "Cookie": f"dateline_session={forged}"})
    assert [caller.address for caller in seen] == ["203.0.113.9"] * 5
    names = [caller.session for caller in seen]
    assert names[0] == names[1] != names[2]
    assert names[3] == names[4] == "bearer"
    assert not any(session in names for session in sessions)


def test_the_page_counts_a_session_and_not_only_its_visitors_cookie() -> None:
    import gradio as gr

    async def asked(on_ask: Any, visitor: str, session: str) -> str:
        scope = {
            "type": "http",
            "headers": [(b"cookie", f"dateline_visitor={visitor * 43}".encode())],
            CALLER: Caller(session, "203.0.113.9"),
        }
        request = gr.Request(Request(scope))
        shown = [
            view
            async for view in on_ask(
                f"0 {visitor}{session} who?", "", [], None, None, None, None, request
            )
        ]
        return str(shown[-1][1])

    async def three(assistant: FakeAssistant, kept: Conversations, desk: Desk) -> list[str]:
        page = build(assistant, kept, desk)
        (on_ask,) = {f.fn for f in page.fns.values() if f.fn and f.fn.__name__ == "on_ask"}
        return [await asked(on_ask, *who) for who in (("a", "s"), ("b", "s"), ("b", "t"))]

    assistant = FakeAssistant()
    with (
        closing(Conversations.open()) as kept,
        closing(Desk(assistant, kept, per_minute=1)) as desk,
    ):
        said = asyncio.run(three(assistant, kept, desk))
    assert ["questions a minute" in text for text in said] == [False, True, False]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", ""])  # noqa: S104
def test_without_a_password_only_this_computer_is_served(host: str) -> None:
    with pytest.raises(SettingsError, match=r"DATELINE_PASSWORD.*ssh -L 7860:127\.0\.0\.1:7860"):
        serve(FakeAssistant(), host=host)
    with pytest.raises(SettingsError, match=r"served as 'news\.example\.org' without"):
        serve(FakeAssistant(), host_names=["news.example.org"])
    with pytest.raises(SettingsError, match="70000 is not a port"):  # nothing else is wrong
        serve(FakeAssistant(), host_names=["127.0.0.1", "localhost"], port=70_000)


def test_an_unusable_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("no certificate")
    with pytest.raises(SettingsError, match="the certificate cannot be used"):
        serve(FakeAssistant(), port=0, page=False, certificate=(tmp_path / "c", tmp_path / "c"))


def test_the_settings_show_no_password(tmp_path: Path) -> None:
    settings = Settings(password=PASSWORD, host_names="a.example, b.example")
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in str(settings.model_dump())
    assert settings.names == ("a.example", "b.example")
    with pytest.raises(SettingsError, match="are given together") as told:
        Settings(tls_key=tmp_path / "key", password=PASSWORD)
    assert PASSWORD not in str(told.value)


def test_the_address_at_which_a_request_arrived_is_a_name_and_another_is_not(site: Any) -> None:
    assert send(site, "GET", "/healthz", base="http://192.0.2.7:7860").status_code == 200
    elsewhere = {"Host": "192.0.2.8:7860"}
    assert (
        send(site, "GET", "/healthz", base="http://192.0.2.7:7860", headers=elsewhere).status_code
        == 403
    )


# -------------------------------------------------------------------------------------- the proxies


@contextmanager
def behind(*proxies: str) -> Iterator[str]:
    """A server that trusts these proxies, and its address."""
    code = textwrap.dedent("""
        import sys
        from assistant.server import serve
        from tests.fake_assistant import FakeAssistant
        serve(
            FakeAssistant(), port=0, on_ready=lambda url: print(url, flush=True), page=False,
            password=sys.argv[1], proxies=sys.argv[2:], host_names={"news.example.org"},
        )
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", code, PASSWORD, *proxies],
        cwd=Path(__file__).parent.parent,
        # Only the setting says whom to trust.
        env={**os.environ, "FORWARDED_ALLOW_IPS": "*"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def guess(client: httpx.Client, password: str, address: str) -> int:
    forwarded = {"X-Forwarded-For": address, "Host": "news.example.org"}
    return client.post("/login", data={"password": password}, headers=forwarded).status_code


def test_forwarded_addresses_of_nobody_who_is_named_are_not_believed() -> None:
    with behind() as url, httpx.Client(base_url=url, trust_env=False) as client:
        for n in range(5):  # forged: they all come from this computer
            assert guess(client, "wrong password", f"203.0.113.{n}") == 403
        before = time.monotonic()
        assert guess(client, PASSWORD, "203.0.113.9") == 303
        assert time.monotonic() - before > 0.9
        secure = {"X-Forwarded-Proto": "https", "Host": "news.example.org"}
        origin = {**secure, "Origin": "https://news.example.org"}
        told = client.post("/login", data={"password": PASSWORD}, headers=origin)
        assert told.status_code == 403
        assert "DATELINE_PROXIES" in told.json()["message"]


def test_a_proxy_that_is_named_is_believed_whose_a_request_is_and_how_it_came() -> None:
    with behind("127.0.0.0/8") as url, httpx.Client(base_url=url, trust_env=False) as client:
        for n in range(100):
            assert guess(client, "wrong password", f"203.0.113.{n}") == 403
        for _ in range(5):
            guess(client, "wrong password", "203.0.113.200, 198.51.100.1")
        # In a list, the address that the proxy itself saw counts.
        before = time.monotonic()
        assert guess(client, PASSWORD, "203.0.113.200") == 303
        client.cookies.clear()  # somebody else, who has not logged in before
        at_once = time.monotonic()
        assert guess(client, PASSWORD, "198.51.100.1") == 303
        assert at_once - before < 0.9 < time.monotonic() - at_once
        secure = {"X-Forwarded-Proto": "https", "Host": "news.example.org"}
        origin = {**secure, "Origin": "https://news.example.org"}
        done = client.post("/login", data={"password": PASSWORD}, headers=origin)
        assert done.status_code == 303
        assert "; Secure" in done.headers["set-cookie"]


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.1/8", "1.2.3"])
def test_a_proxy_is_named_by_its_address(proxies: str) -> None:
    with pytest.raises(SettingsError, match=r"setting proxies.*such as 127\.0\.0\.1 or"):
        Settings(proxies=proxies)
    assert Settings(proxies="127.0.0.1, 10.0.0.0/8").proxy_networks == ("127.0.0.1", "10.0.0.0/8")


# ----------------------------------------------------------------------------------------- below


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that no authority vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = (folder / "cert.pem", folder / "key.pem")
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def test_every_address_is_served_over_https_and_asks_for_the_password(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from assistant.server import serve
        from assistant.settings import Settings
        from tests.fake_assistant import FakeAssistant
        settings = Settings()
        serve(
            FakeAssistant(), "0.0.0.0", 0, lambda url: print(url, flush=True), page=False,
            password=settings.password.get_secret_value(), certificate=settings.certificate,
        )
    """)
    cert, key = certificate(tmp_path)
    given = {
        "DATELINE_PASSWORD": PASSWORD,
        "DATELINE_TLS_CERTIFICATE": str(cert),
        "DATELINE_TLS_KEY": str(key),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **given},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = process.stdout.readline().strip()
        assert told.startswith(f"https://{socket.gethostname()}:")
        here = f"https://127.0.0.1:{told.rsplit(':', 1)[1]}"
        with httpx.Client(base_url=here, verify=False, trust_env=False) as client:  # noqa: S501
            assert client.get("/healthz").status_code == 200
            assert client.get("/api/articles").status_code == 401
            done = client.post("/login", data={"password": PASSWORD})
            assert "; Secure" in done.headers["set-cookie"]
            assert client.get("/api/articles").status_code == 200
    finally:
        process.kill()
        process.communicate()
