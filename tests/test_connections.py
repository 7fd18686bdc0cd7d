"""Connections that do nothing: each is closed in time, and keeps nobody out."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from assistant.web.connections import Limits, Listener, held_to, network_of, patient
from assistant.web.guarding import LARGEST, OnlySmall
from tests.fake_assistant import wait_until
from tests.test_access import certificate as certified

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"
QUICK = Limits(each=3, head=0.6, unread=0.6)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body's length; "/unread" reads none, "/slow" waits, "/large" sends 50 MB."""
    length = 0
    more = scope["path"] != "/unread"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("gone")
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)
    body = b"x" * 50_000_000 if scope["path"] == "/large" else str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(
    limits: Limits = QUICK,
    *,
    exempt: Callable[[str], bool] = lambda _: False,
    most: int = 1_000,
    certificate: tuple[Path, Path] | None = None,
) -> Iterator[int]:
    """The application behind these limits, and its port."""
    bound = socket.create_server((HERE, 0))
    with Listener(bound, limits, exempt, most) as listening:
        config = uvicorn.Config(
            OnlySmall(application, grace=0.6, slowest=100_000.0),
            http=patient(listening),
            loop="asyncio",
            lifespan="off",
            log_config=None,
            ssl_certfile=None if certificate is None else certificate[0],
            ssl_keyfile=None if certificate is None else certificate[1],
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)


def connected(port: int, source: str = HERE) -> socket.socket:
    return socket.create_connection((HERE, port), timeout=30, source_address=(source, 0))


def answer(port: int, source: str = HERE) -> str:
    """The answer to a request from this address; "" if the connection is refused."""
    with closing(connected(port, source)) as connection:
        try:
            connection.sendall(HEAD + b"Connection: close\r\n\r\n")
            return all_of(connection).partition("\r\n")[0]
        except ConnectionError:
            return ""


def all_of(connection: socket.socket) -> str:
    """Everything received until the other end closes."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts).decode()


def seconds_until_closed(connection: socket.socket, trickle: bytes = b"") -> float:
    """With a byte of `trickle` sent every so often."""
    began = time.monotonic()
    connection.settimeout(0.1)
    at = 0
    while time.monotonic() - began < 30:
        try:
            if trickle:
                connection.sendall(trickle[at % len(trickle) :][:1])
                at += 1
            if not connection.recv(65_536):
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    return time.monotonic() - began


def test_who_holds_many_connections_is_refused_more_and_keeps_nobody_else_out() -> None:
    with served(Limits(each=3, head=60)) as port, ExitStack() as held:
        silent = [held.enter_context(closing(connected(port))) for _ in range(3)]
        assert answer(port) == ""
        assert answer(port, ELSEWHERE) == "HTTP/1.1 200 OK"
        silent[0].close()
        wait_until(lambda: answer(port) == "HTTP/1.1 200 OK")


def test_an_address_that_is_exempt_may_hold_as_many_as_it_likes() -> None:
    exempt = {HERE}.__contains__
    with served(Limits(each=3, head=60), exempt=exempt) as port, ExitStack() as held:
        for _ in range(10):
            held.enter_context(closing(connected(port)))
        assert answer(port) == "HTTP/1.1 200 OK"


def test_where_no_more_can_be_held_the_oldest_that_says_nothing_makes_room() -> None:
    with served(Limits(each=100, head=60), most=5) as port, ExitStack() as held:
        silent = [held.enter_context(closing(connected(port))) for _ in range(5)]
        assert answer(port, ELSEWHERE) == "HTTP/1.1 200 OK"
        assert seconds_until_closed(silent[0]) < 5


@pytest.mark.parametrize("trickle", [b"", b"GET / HTTP/1.1\r\nX-Header: " + b"x" * 1_000])
def test_a_connection_that_does_not_say_what_it_wants_is_ended(trickle: bytes) -> None:
    with served() as port, closing(connected(port)) as connection:
        assert 0.3 < seconds_until_closed(connection, trickle) < 5


def test_a_head_without_end_is_refused() -> None:
    with served(Limits(head=60)) as port, closing(connected(port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"".join(b"X: y\r\n" for _ in range(50_000)))
        assert all_of(connection).startswith("HTTP/1.1 400")


def test_a_connection_that_never_begins_tls_is_ended(tmp_path: Path) -> None:
    certificate = certified(tmp_path)
    with served(certificate=certificate) as port, ExitStack() as held:
        silent = [held.enter_context(closing(connected(port))) for _ in range(3)]
        assert answer(port) == ""
        assert 0.2 < seconds_until_closed(silent[0]) < 5
        context = ssl.create_default_context(cafile=str(certificate[0]))

        def greeted() -> bool:
            with suppress(httpx.ConnectError), httpx.Client(verify=context, trust_env=False) as c:
                return c.get(f"https://localhost:{port}/").text == "0"
            return False  # a busy machine may need longer for the handshake than allowed here

        wait_until(greeted)


def test_a_second_request_that_is_not_finished_is_ended_too() -> None:
    with served() as port, closing(connected(port)) as connection:
        connection.sendall(HEAD + b"\r\n")
        wait_until(lambda: connection.recv(65_536).endswith(b"0"))
        assert seconds_until_closed(connection, HEAD + b"X: " + b"x" * 1_000) < 5


@pytest.mark.parametrize(
    ("head", "trickle"),
    [
        (b"Content-Length: 100000\r\n", b"x"),
        (b"Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_body_that_comes_too_slowly_is_refused_and_its_connection_ended(
    head: bytes, trickle: bytes
) -> None:
    with served(Limits(head=60)) as port, closing(connected(port)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
        began = time.monotonic()
        connection.settimeout(0.1)
        got = b""
        while time.monotonic() - began < 30:
            try:
                connection.sendall(trickle)
                part = connection.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if not part:
                break
            got += part
        assert got.startswith(b"HTTP/1.1 408 ")
        assert b"the request came too slowly" in got
        assert time.monotonic() - began < 10


def test_a_body_that_nobody_reads_does_not_hold_its_connection() -> None:
    with served() as port, closing(connected(port)) as connection:
        connection.sendall(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
        assert seconds_until_closed(connection, b"x") < 5


def test_a_body_that_comes_steadily_may_take_longer_than_its_grace() -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(20):
            time.sleep(0.1)
            yield b"x" * 30_000

    with served() as port, httpx.Client(trust_env=False) as client:
        assert client.post(f"http://{HERE}:{port}/", content=parts()).text == "600000"


def test_a_body_without_a_length_that_grows_too_large_is_refused() -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(LARGEST // 10_000 + 1):
            yield b"x" * 10_000

    with served() as port, httpx.Client(trust_env=False) as client:
        reply = client.post(f"http://{HERE}:{port}/", content=parts())
    assert reply.status_code == 413
    assert "at most 1,000,000 bytes" in reply.json()["message"]


def test_an_answer_may_take_as_long_as_it_takes() -> None:
    with served() as port, httpx.Client(trust_env=False) as client:
        assert client.get(f"http://{HERE}:{port}/slow").text == "0"


def test_who_does_not_take_the_answer_is_cut_off() -> None:
    with served() as port, closing(connected(port)) as connection:
        connection.sendall(HEAD.replace(b"/ ", b"/large ", 1) + b"\r\n")
        time.sleep(2)
        assert len(all_of(connection)) < 50_000_000


def test_descriptors_are_asked_for() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, before[1]))
    try:
        bound = socket.create_server((HERE, 0))
        with held_to(bound, Limits(), exempt=lambda _: True):
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 1_024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.9", "203.0.113.10", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unix", "", False),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
