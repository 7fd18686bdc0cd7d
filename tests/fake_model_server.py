"""A chat model server on loopback that follows a script.

    with ModelServer(Say("France and Saudi Arabia co-chair it [1].")) as server:
        Settings(model="openai:scripted", base_url=server.url)
    server.requests[0]["messages"]          what it was asked
    server.keys                             what it was authorised with
    Depends(lambda asked: Fail(400) if "temperature" in asked else Say("Dakar [1]."))

Each request takes the next step of the script; the last one is repeated. It streams one token (a
word, or what `cut` says) at a time, and notes when the client disconnects in the middle. The path
of a request decides whose protocol it is answered in: OpenAI's and Anthropic's server-sent events,
Ollama's lines of JSON, or Google's streamGenerateContent; `url` is OpenAI's base, `root` that of the
others. Asked for its models, it lists `models` in OpenAI's protocol, or answers with `listed`.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self

_LONGEST = 30.0


@dataclass(frozen=True)
class Say:
    """Streams `text`. With `holds`, waits for `go_on` before the token of this number; `ends` is
    why it ends, in OpenAI's terms ("stop", "length"), None for a stream that just stops, "cut" for
    a connection that breaks, "error" for a server that reports midway that it is overloaded.
    `thoughts` are sent first, beside the text: as the provider's own kind of block, in OpenAI's
    protocol as the field that `beside` names, or as content of type "thinking" if that is ""."""

    text: str
    cut: Sequence[str] | None = None
    ends: str | None = "stop"
    holds: int | None = None
    thoughts: str = ""
    beside: str = "reasoning_content"
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


@dataclass(frozen=True)
class Send:
    """Answers with these bytes as its body, whatever they are, until the client has had enough."""

    parts: Iterable[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InOnePiece:
    """Answers with one JSON object in OpenAI's protocol, whether or not a stream was asked for."""

    text: str


@dataclass(frozen=True)
class Depends:
    """Answers with the step that `on` returns for the request's body."""

    on: Callable[[dict[str, Any]], Say | Fail | Send | InOnePiece]


Answered = Say | Fail | Send | InOnePiece
Step = Answered | Depends


class ModelServer:
    def __init__(
        self,
        *script: Step,
        port: int = 0,
        models: Sequence[str] = ("scripted",),
        owner: str = "scripted",
        listed: Send | None = None,
    ) -> None:
        data = [{"id": name, "object": "model", "owned_by": owner} for name in models]
        told = json.dumps({"object": "list", "data": data}).encode()
        self.listed = listed or Send([told], headers={"content-type": "application/json"})
        self.looked: list[str] = []  # the paths at which it was asked for its models
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.left = threading.Event()  # the client disconnected in the middle of an answer
        self._script = list(script)
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def next_step(self, request: dict[str, Any], key: str) -> Answered:
        with self._turn:
            self.requests.append(request)
            self.keys.append(key)
            step = self._script[min(len(self.requests), len(self._script)) - 1]
        return step.on(request) if isinstance(step, Depends) else step

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
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- protocols ---------------------------------------------------------------------------------


class Wire(Protocol):
    """One provider's wire format; each method gives the parts of the stream as bytes."""

    kind: str  # of content

    def begin(self) -> Iterator[bytes]: ...
    def token(self, text: str) -> Iterator[bytes]: ...
    def thought(self, text: str, beside: str) -> Iterator[bytes]: ...
    def end(self, ends: str) -> Iterator[bytes]: ...
    def trouble(self, status: int, message: str) -> dict[str, Any]: ...


class OpenAI:
    kind = "text/event-stream"

    def begin(self) -> Iterator[bytes]:
        yield self._event({"role": "assistant", "content": ""})

    def token(self, text: str) -> Iterator[bytes]:
        yield self._event({"content": text})

    def thought(self, text: str, beside: str) -> Iterator[bytes]:
        if beside:
            yield self._event({"content": None, beside: text})
        else:
            block = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
            yield self._event({"content": [block]})

    def end(self, ends: str) -> Iterator[bytes]:
        if ends == "error":
            yield _event(self.trouble(503, "overloaded"))
            return
        yield self._event({}, ends)
        yield b"data: [DONE]\n\n"

    def trouble(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "scripted", "code": status}}

    def _event(self, delta: Mapping[str, Any], ends: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": ends}
        head = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
        return _event({**head, "choices": [choice]})


class Anthropic:
    kind = "text/event-stream"
    _ENDS: Mapping[str, str] = {"stop": "end_turn", "length": "max_tokens"}

    def begin(self) -> Iterator[bytes]:
        message: dict[str, Any] = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted",
            "content": [], "stop_reason": None, "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        yield self._event({"type": "message_start", "message": message})
        block = {"type": "text", "text": ""}
        yield self._event({"type": "content_block_start", "index": 0, "content_block": block})
        yield self._event({"type": "ping"})

    def token(self, text: str) -> Iterator[bytes]:
        delta = {"type": "text_delta", "text": text}
        yield self._event({"type": "content_block_delta", "index": 0, "delta": delta})

    def thought(self, text: str, beside: str) -> Iterator[bytes]:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        yield self._event({"type": "content_block_start", "index": 1, "content_block": block})
        delta = {"type": "thinking_delta", "thinking": text}
        yield self._event({"type": "content_block_delta", "index": 1, "delta": delta})
        yield self._event({"type": "content_block_stop", "index": 1})

    def end(self, ends: str) -> Iterator[bytes]:
        if ends == "error":
            yield self._event({"type": "error", **self.trouble(529, "Overloaded")})
            return
        yield self._event({"type": "content_block_stop", "index": 0})
        delta = {"stop_reason": self._ENDS[ends], "stop_sequence": None}
        usage = {"output_tokens": 1}
        yield self._event({"type": "message_delta", "delta": delta, "usage": usage})
        yield self._event({"type": "message_stop"})

    def trouble(self, status: int, message: str) -> dict[str, Any]:
        kinds = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
        kind = kinds.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def _event(self, told: dict[str, Any]) -> bytes:
        return f"event: {told['type']}\n".encode() + _event(told)


class Ollama:
    kind = "application/x-ndjson"

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def token(self, text: str) -> Iterator[bytes]:
        yield self._line({"message": {"role": "assistant", "content": text}, "done": False})

    def thought(self, text: str, beside: str) -> Iterator[bytes]:
        message = {"role": "assistant", "content": "", "thinking": text}
        yield self._line({"message": message, "done": False})

    def end(self, ends: str) -> Iterator[bytes]:
        if ends == "error":
            yield json.dumps(self.trouble(503, "overloaded")).encode() + b"\n"
            return
        message = {"role": "assistant", "content": ""}
        yield self._line({"message": message, "done": True, "done_reason": ends})

    def trouble(self, status: int, message: str) -> dict[str, Any]:
        return {"error": message}

    def _line(self, told: dict[str, Any]) -> bytes:
        head = {"model": "scripted", "created_at": "2025-07-01T00:00:00Z"}
        return json.dumps({**head, **told}).encode() + b"\n"


class Google:
    kind = "text/event-stream"
    _ENDS: Mapping[str, str] = {"stop": "STOP", "length": "MAX_TOKENS"}

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def token(self, text: str) -> Iterator[bytes]:
        yield self._event({"content": {"role": "model", "parts": [{"text": text}]}})

    def thought(self, text: str, beside: str) -> Iterator[bytes]:
        parts = [{"text": text, "thought": True}]
        yield self._event({"content": {"role": "model", "parts": parts}})

    def end(self, ends: str) -> Iterator[bytes]:
        if ends == "error":
            yield json.dumps(self.trouble(503, "overloaded")).encode() + b"\n"
            return
        empty = {"role": "model", "parts": [{"text": ""}]}
        yield self._event({"content": empty, "finishReason": self._ENDS[ends]})

    def trouble(self, status: int, message: str) -> dict[str, Any]:
        kinds = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}
        kind = kinds.get(status, "UNAVAILABLE")
        return {"error": {"code": status, "message": message, "status": kind}}

    def _event(self, candidate: dict[str, Any]) -> bytes:
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        told = {"candidates": [{"index": 0, **candidate}], "usageMetadata": usage}
        return _event({**told, "modelVersion": "scripted"})


def _event(told: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(told)}\n\n".encode()


def _in_one_piece(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    head = {"id": "1", "object": "chat.completion", "created": 0, "model": "scripted"}
    return {**head, "choices": [choice], "usage": usage}


def _wire(path: str) -> Wire:
    if path.startswith("/api/chat"):
        return Ollama()
    if path.startswith("/v1/messages"):
        return Anthropic()
    return Google() if "streamGenerateContent" in path else OpenAI()


_KEYS = ("authorization", "x-api-key", "x-goog-api-key")


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.looked.append(self.path)
            try:
                self._send_raw(server.listed, OpenAI())
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            keys = [self.headers[name] for name in _KEYS if self.headers[name]]
            step = server.next_step(json.loads(body), " ".join(keys))
            wire = _wire(self.path)
            if isinstance(step, Fail):
                self._fail(step, wire)
                return
            if isinstance(step, InOnePiece):
                self._answer(200, _in_one_piece(step.text))
                return
            try:
                if isinstance(step, Send):
                    self._send_raw(step, wire)
                else:
                    self._say(step, wire)
            except (BrokenPipeError, ConnectionResetError):
                server.left.set()
                self.close_connection = True

        def _fail(self, step: Fail, wire: Wire) -> None:
            self._answer(step.status, wire.trouble(step.status, step.message), step.headers)

        def _answer(
            self, status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None
        ) -> None:
            told = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def _send_raw(self, step: Send, wire: Wire) -> None:
            self.send_response(step.status)
            for name, value in {"content-type": wire.kind, **step.headers}.items():
                self.send_header(name, value)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for part in step.parts:
                self._chunk(part)
            self._chunk(b"")

        def _say(self, step: Say, wire: Wire) -> None:
            if step.holds == 0:
                self._wait(step)
            self.send_response(200)
            self.send_header("content-type", wire.kind)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self._send(wire.begin())
            if step.thoughts:
                self._send(wire.thought(step.thoughts, step.beside))
            for number, token in enumerate(step.tokens):
                if number and step.holds == number:
                    self._wait(step)
                self._send(wire.token(token))
            if step.holds == len(step.tokens):
                self._wait(step)
            if step.ends == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if step.ends is not None:
                self._send(wire.end(step.ends))
            self._chunk(b"")

        def _wait(self, step: Say) -> None:
            """Wait for the script to go on, noticing if the client disconnects."""
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

        def _send(self, parts: Iterator[bytes]) -> None:
            for part in parts:
                self._chunk(part)

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name it overrides
            pass

    return Handler
