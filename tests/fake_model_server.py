"""A server that speaks OpenAI's chat protocol on loopback and says what a script tells it to.

    with ModelServer(Say("France and Saudi Arabia co-chair it [1].")) as server:
        Settings(model="openai:scripted", base_url=server.url)
    server.requests[0]["messages"]          what it was asked
    server.keys                             what it was authorised with

Each request takes the next step of the script; the last one is repeated. It streams one token (a
word, or what `cut` says) at a time, and notes where the other side goes away in the middle.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_LONGEST = 30.0


@dataclass(frozen=True)
class Say:
    """Streams `text`. With `holds`, waits before the token of this number for `go_on`; `ends` is the
    finish_reason, None for a stream that just stops, "cut" for a connection that breaks."""

    text: str
    cut: Sequence[str] | None = None
    ends: str | None = "stop"
    holds: int | None = None
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def tokens(self) -> Sequence[str]:
        return self.cut if self.cut is not None else re.findall(r"\s*\S+|\s+$", self.text)


@dataclass(frozen=True)
class Fail:
    """Answers with an error."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "as the script wants it"


class ModelServer:
    def __init__(self, *script: Say | Fail, port: int = 0) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.left = threading.Event()  # the other side went away in the middle of an answer
        self._script = list(script)
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def next_step(self, request: dict[str, Any], key: str) -> Say | Fail:
        with self._turn:
            self.requests.append(request)
            self.keys.append(key)
            return self._script[min(len(self.requests), len(self._script)) - 1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for step in self._script:
            if isinstance(step, Say):
                step.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            step = server.next_step(json.loads(body), self.headers.get("authorization", ""))
            if isinstance(step, Fail):
                self._fail(step)
                return
            try:
                self._say(step)
            except (BrokenPipeError, ConnectionResetError):
                server.left.set()
                self.close_connection = True

        def _fail(self, step: Fail) -> None:
            told = json.dumps({"error": {"message": step.message, "type": "scripted"}}).encode()
            self.send_response(step.status)
            for name, value in step.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def _say(self, step: Say) -> None:
            if step.holds == 0:
                self._wait(step)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self._event({"role": "assistant", "content": ""})
            for number, token in enumerate(step.tokens):
                if number and step.holds == number:
                    self._wait(step)
                self._event({"content": token})
            if step.holds == len(step.tokens):
                self._wait(step)
            if step.ends == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if step.ends is not None:
                self._event({}, step.ends)
                self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _wait(self, step: Say) -> None:
            """Until the script goes on, noticing where the other side goes away."""
            self.connection.settimeout(0.05)
            for _ in range(int(_LONGEST / 0.05)):
                if step.go_on.is_set():
                    break
                try:
                    if self.connection.recv(1, socket.MSG_PEEK) == b"":
                        raise BrokenPipeError
                except TimeoutError:
                    continue
            self.connection.settimeout(None)

        def _event(self, delta: dict[str, str], ends: str | None = None) -> None:
            event = {
                "id": "1",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": "scripted",
                "choices": [{"index": 0, "delta": delta, "finish_reason": ends}],
            }
            self._chunk(f"data: {json.dumps(event)}\n\n".encode())

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name it overrides
            pass

    return Handler
