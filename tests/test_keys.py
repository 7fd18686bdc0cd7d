"""Programs' keys: each gives access to what it was made for, and nothing else."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from assistant.api import create_app
from assistant.cli import app
from assistant.databases import KEYS
from assistant.errors import AccessKeyError
from assistant.web.access import Access
from assistant.web.keyed import Keyed, needed
from assistant.web.keys import CANS, FILE, MOST, Can, Keys
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from tests.fake_assistant import FakeAssistant
from vectorstore.database import Database
from vectorstore.errors import StoreDamagedError, StoreFormatError
from vectorstore.stores import Rows

PASSWORD = "four words of mine"  # noqa: S105  # of these tests
BASE = "http://news.example.org"
NOW = 1_800_000_000.0
SEAL = Seal(b"k" * 32)
NO_KEY = "dateline_" + "x" * 43


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys() -> Iterator[Keys]:
    with closing(Keys.open(seal=SEAL)) as opened:
        yield opened


@pytest.fixture
def slept() -> list[float]:
    """The seconds for which passwords waited to be checked."""
    return []


@pytest.fixture
def locked(keys: Keys, slept: list[float]) -> Iterator[Any]:
    """A site with a password."""

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    clock = Clock()
    with closing(Sessions.open()) as sessions:
        access = Access(PASSWORD, sessions, clock, clock, sleep)
        yield create_app(
            FakeAssistant(),
            page=False,
            access=access,
            keys=keys,
            host_names={"news.example.org"},
        )


def send(site: Any, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(site, client=("203.0.113.9", 1234))
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
            return await client.request(method, path, **more)

    return asyncio.run(sent())


# ------------------------------------------------------------------------------------- the file


def test_a_key_is_found_until_it_is_revoked_and_the_file_knows_its_hash_alone(
    tmp_path: Path,
) -> None:
    with closing(Keys.open(tmp_path / FILE, SEAL)) as keys:
        token = keys.create("newsletter", "add", NOW)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert token.encode() not in (tmp_path / FILE).read_bytes()
    with closing(Keys.open(tmp_path / FILE, SEAL)) as keys:
        found = keys.find(token, NOW + 10)
        assert found is not None
        assert (found.name, found.can, found.created) == ("newsletter", "add", NOW)
        assert [key.used for key in keys.all()] == [NOW + 10]
        keys.find(token, NOW + 20)
        assert [key.used for key in keys.all()] == [NOW + 10]  # noted once an hour
        assert keys.find(token[:-1] + ("a" if token[-1] != "a" else "b"), NOW) is None
        assert keys.find("", NOW) is None
        keys.revoke("newsletter")
        assert keys.find(token, NOW) is None
        assert keys.all() == []


@pytest.mark.parametrize("name", ["", " x", "-x", "a\nb", "x" * 61, "\x1b[31m", "a/b"])
def test_what_is_no_name_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(AccessKeyError, match="is not a valid name for a key"):
        keys.create(name, "ask", NOW)
    assert keys.all() == []


def test_a_key_is_found_until_it_is_revoked(rows_of: Callable[[Database], Rows]) -> None:
    keys = Keys(rows_of(KEYS), SEAL)
    token, other = keys.create("newsletter", "add", NOW), keys.create("other", "ask", NOW)
    found = keys.find(token, NOW + 10)
    assert found is not None
    assert (found.name, found.can, found.created, found.used) == ("newsletter", "add", NOW, 0.0)
    assert [(key.name, key.used) for key in keys.all()] == [("newsletter", NOW + 10), ("other", 0)]
    keys.find(token, NOW + 20)
    assert keys.all()[0].used == NOW + 10  # noted once an hour
    assert keys.find(NO_KEY, NOW) is None
    with pytest.raises(AccessKeyError, match="a key named 'other' already"):
        keys.create("other", "ask", NOW)
    keys.revoke("newsletter")
    assert keys.find(token, NOW) is None
    assert keys.find(other, NOW) is not None
    with pytest.raises(AccessKeyError, match="no key named 'newsletter'"):
        keys.revoke("newsletter")


def test_a_name_is_given_once_and_there_are_only_so_many(keys: Keys) -> None:
    for number in range(MOST):
        keys.create(f"key {number}", "ask", NOW)
    with pytest.raises(AccessKeyError, match="a key named 'key 7' already"):
        keys.create("key 7", "ask", NOW)
    with pytest.raises(AccessKeyError, match=f"{MOST} keys already"):
        keys.create("one more", "ask", NOW)
    with pytest.raises(AccessKeyError, match="no key named 'none'"):
        keys.revoke("none")


def test_keys_of_another_computer_open_nothing_and_are_told_apart(tmp_path: Path) -> None:
    """Whoever hands over an index knows the keys in it."""
    with closing(Keys.open(tmp_path / FILE, Seal(b"o" * 32))) as keys:
        theirs = keys.create("theirs", "manage", NOW)
    with closing(Keys.open(tmp_path / FILE, SEAL)) as keys:
        ours = keys.create("ours", "ask", NOW)
        assert keys.find(theirs, NOW) is None
        assert keys.find(ours, NOW) is not None
        assert [key.ours for key in keys.all()] == [False, True]
        keys.revoke("theirs")


def test_nobody_makes_a_key_do_more_by_writing_into_the_file(tmp_path: Path) -> None:
    with closing(Keys.open(tmp_path / FILE, SEAL)) as keys:
        token = keys.create("newsletter", "ask", NOW)
    for can in ("manage", "all"):
        with closing(sqlite3.connect(tmp_path / FILE)) as db:
            db.execute("UPDATE keys SET can = ?", (can,))
            db.commit()
        with closing(Keys.open(tmp_path / FILE, SEAL)) as keys:
            assert keys.find(token, NOW) is None
            assert [key.ours for key in keys.all()] == [False]


def test_without_a_secret_that_lasts_no_key_is_made() -> None:
    with (
        closing(Keys.open(seal=Seal())) as keys,
        pytest.raises(AccessKeyError, match="Set HOME or XDG_STATE_HOME"),
    ):
        keys.create("newsletter", "ask", NOW)


def test_what_is_no_file_of_keys_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as db:
        db.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreFormatError, match="does not hold Dateline's keys"):
        Keys.open(tmp_path / "other")
    Keys.open(tmp_path / "spied").close()
    with closing(sqlite3.connect(tmp_path / "spied")) as db:
        db.execute("CREATE TRIGGER spy AFTER DELETE ON keys BEGIN SELECT 1; END")
    with pytest.raises(StoreDamagedError, match="did not make the trigger 'spy'"):
        Keys.open(tmp_path / "spied")
    (tmp_path / "link").symlink_to(tmp_path / "spied")
    with pytest.raises(StoreFormatError, match="is a link"):
        Keys.open(tmp_path / "link")


# ----------------------------------------------------------------------------------- what each opens

WANTED = [
    ("GET", "/api/articles", {}, "ask"),
    ("POST", "/api/answer", {"json": {"question": "harbour?"}}, "ask"),
    ("GET", "/v1/models", {}, "ask"),
    ("GET", "/read/meeting", {}, "ask"),
    ("GET", "/api/openapi.json", {}, "ask"),
    ("GET", "/library/articles", {}, "ask"),
    ("GET", "/library", {}, "add"),
    ("POST", "/library/text", {"json": {"text": "A ferry was sold."}}, "add"),
    (
        "POST",
        "/library/edit",
        {"json": {"id": "meeting", "title": "x", "published": None, "source": ""}},
        "manage",
    ),
    ("POST", "/library/remove", {"json": {"ids": ["meeting"]}}, "manage"),
    ("POST", "/api/v1/answer", {"json": {"question": "harbour?"}}, "ask"),
    ("GET", "/api/v1/articles/meeting", {}, "ask"),
    ("GET", "/api/v1/names", {}, "ask"),
    ("GET", "/api/v1/jobs", {}, "add"),
    ("POST", "/api/v1/articles", {"json": {"text": "A ferry was sold."}}, "add"),
    ("PUT", "/api/v1/files?name=a.txt", {"content": b"A ferry was sold."}, "add"),
    ("PATCH", "/api/v1/articles/meeting", {"json": {"title": "x"}}, "manage"),
    ("DELETE", "/api/v1/articles/meeting", {}, "manage"),
    ("GET", "/api/v1/conversations", {}, "ask"),
    ("POST", "/api/v1/conversations", {"json": {"question": "harbour?"}}, "ask"),
    ("GET", "/api/v1/quotes", {}, None),
    ("GET", "/", {}, None),
    ("GET", "/conversations", {}, None),
    ("POST", "/logout", {}, None),
    ("GET", "/config", {}, None),
    ("POST", "/gradio_api/queue/join", {"json": {}}, None),
]


@pytest.mark.parametrize("can", CANS)
@pytest.mark.parametrize(("method", "path", "more", "wanted"), WANTED)
def test_a_key_opens_what_it_was_made_for_and_what_comes_before(
    locked: Any, keys: Keys, can: Can, method: str, path: str, more: Any, wanted: Can | None
) -> None:
    reply = send(locked, method, path, keys.create("program", can, NOW), **more)
    if wanted is not None and CANS.index(can) >= CANS.index(wanted):
        assert reply.status_code < 300, reply.text
        return
    assert reply.status_code == 403
    assert "insufficient_scope" in reply.headers["www-authenticate"]
    told = reply.json()["message"]
    assert (f"one that can {wanted}" if wanted else "log in with the password") in told


def test_every_route_that_is_served_is_opened_by_some_key_or_by_the_password_alone(
    locked: Any,
) -> None:
    """A new route is not open to keys that can only ask, unless it only reads."""
    harmless = {
        *("/api/answer", "/api/v1/answer", "/api/v1/answer/stream"),
        *("/v1/chat/completions", "/v1/responses", "/mcp"),
        # Each key has conversations of its own.
        *("/api/v1/conversations", "/api/v1/conversations/{conversation_id}"),
    }
    described = {
        (method.upper(), path)
        for path, methods in locked.openapi()["paths"].items()
        for method in methods
    }
    hidden = {
        (method, route.path)
        for route in locked.routes
        for method in getattr(route, "methods", None) or ()
        if "{rest:path}" not in route.path
    }
    assert ("POST", "/library/remove") in described
    for method, path in described | hidden:
        if method not in ("GET", "HEAD"):
            assert (needed(method, path) == "ask") == (path in harmless), path


def test_a_wrong_key_is_no_guess_at_the_password_and_keeps_nobody_waiting(
    locked: Any, keys: Keys, slept: list[float]
) -> None:
    right = keys.create("program", "ask", NOW)
    wrong = [send(locked, "GET", "/api/articles", NO_KEY) for _ in range(21)]
    assert [reply.status_code for reply in wrong] == [401] * 20 + [429]
    assert wrong[0].headers["www-authenticate"] == "Bearer"
    assert 1 <= int(wrong[-1].headers["retry-after"]) <= 60
    assert send(locked, "GET", "/api/articles", right).status_code == 200
    assert send(locked, "GET", "/api/articles", PASSWORD).status_code == 200
    assert slept == []


def test_after_a_minute_wrong_keys_are_told_to_be_wrong_again(keys: Keys) -> None:
    async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("it was let in")

    clock = Clock()
    site = Keyed(nothing, keys, monotonic=clock)
    for _ in range(20):
        send(site, "GET", "/api/articles", NO_KEY)
    assert send(site, "GET", "/api/articles", NO_KEY).status_code == 429
    clock.now += 61
    assert send(site, "GET", "/api/articles", NO_KEY).status_code == 401


def test_wrong_passwords_do_not_keep_a_key_waiting(
    locked: Any, keys: Keys, slept: list[float]
) -> None:
    token = keys.create("program", "ask", NOW)
    for number in range(8):
        send(locked, "GET", "/api/articles", f"wrong password {number}")
    slept.clear()
    assert send(locked, "GET", "/api/articles", token).status_code == 200
    assert slept == []


def test_each_key_asks_only_so_often_and_apart_from_the_others(locked: Any, keys: Keys) -> None:
    one, other = (keys.create(name, "ask", NOW) for name in ("one", "other"))
    ask = {"question": "harbour?"}

    def status(token: str) -> int:
        return send(locked, "POST", "/api/answer", token, json=ask).status_code

    assert [status(one) for _ in range(61)] == [200] * 60 + [429]
    assert status(other) == 200
    assert status(PASSWORD) == 200


def test_a_revoked_key_is_refused_at_once(locked: Any, keys: Keys) -> None:
    token = keys.create("program", "manage", NOW)
    assert send(locked, "GET", "/api/articles", token).status_code == 200
    keys.revoke("program")
    assert send(locked, "GET", "/api/articles", token).status_code == 401


def test_without_a_password_no_key_is_asked_for_and_one_that_is_given_counts(keys: Keys) -> None:
    site = create_app(FakeAssistant(), page=False, keys=keys, host_names={"news.example.org"})
    token = keys.create("program", "ask", NOW)
    text: dict[str, Any] = {"json": {"text": "A ferry was sold."}}
    assert send(site, "POST", "/library/text", **text).status_code == 200
    assert send(site, "POST", "/library/text", "any other token", **text).status_code == 200
    assert send(site, "POST", "/library/text", token, **text).status_code == 403
    assert send(site, "GET", "/api/articles", NO_KEY).status_code == 401


# --------------------------------------------------------------------------------- the command line


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def run(index: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, ["--index", str(index), "key", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_key_is_made_listed_and_revoked(index: Path) -> None:
    made = run(index, "create", "newsletter", "--can", "add")
    token = made.stdout.strip()
    assert "It is not shown again" in made.stderr
    (listed,) = json.loads(run(index, "list", "--json").stdout)
    assert (listed["name"], listed["can"], listed["ours"]) == ("newsletter", "add", True)
    assert token not in run(index, "list").stdout
    assert "newsletter: can add, made 2" in run(index, "list").stdout
    assert "never used" in run(index).stdout
    other = json.loads(run(index, "create", "other", "--json").stdout)
    assert (other["can"], len(other["key"])) == ("ask", len(token))
    assert run(index, "revoke", "newsletter").stdout == "Revoked: newsletter\n"
    assert run(index, "revoke", "newsletter").exit_code == 1
    assert json.loads(run(index, "revoke", "other", "--json").stdout) == {"revoked": "other"}
    assert "no keys yet" in run(index, "list").stderr


def test_the_server_of_this_computer_knows_a_key_that_the_command_made(
    index: Path, tmp_path: Path
) -> None:
    token = run(index, "create", "newsletter").stdout.strip()
    with closing(Keys.open(index / FILE, Seal.kept(tmp_path / "state/dateline/secret"))) as keys:
        assert keys.find(token, NOW) is not None


def test_wrong_usage_is_told(index: Path) -> None:
    assert run(index, "create", "newsletter", "--can", "everything").exit_code == 2
    assert run(index.with_name("none"), "list").exit_code == 1
    assert not (index.with_name("none") / FILE).exists()
    taken = run(index, "create", "newsletter"), run(index, "create", "newsletter")
    assert taken[1].exit_code == 1
    assert "dateline key revoke" in taken[1].stderr
