"""What is refused before it reaches the page or the API, whoever sends it.

    app.add_middleware(OnlyByName, names={"news.example.org"})    other hosts, and other sites' pages
    app.add_middleware(OnlyThePage)                               what Gradio serves beyond the page
    app.add_middleware(OnlySmall)                                 bodies larger or slower than necessary
    app.add_middleware(OwnSessions)                               other visitors' Gradio sessions
    app.add_middleware(OnlyEvents, events={0: 5})                 what the page never asks of Gradio
    error_body("/v1/models", 404, "there is nothing here")        an error in the shape of its API

Otherwise a name made to point at this computer (DNS rebinding) would let any site read what is
served here through a visitor's browser. This module knows addresses and sizes, no passwords and no
articles.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from assistant.web.visitors import read_cookies, visitor_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1_000_000  # bytes of a request's body
# Articles are larger; the library itself limits their size.
LARGER = {
    **dict.fromkeys(("/library/files", "/api/v1/files"), 21_000_000),
    **dict.fromkeys(("/library/text", "/api/v1/articles"), 25_000_000),
}
_DIGITS = 15  # of a length that is accepted
_TOO_SLOW, _TOO_LARGE = 408, 413

# What Gradio's page requests. Everything else that Gradio serves (files, uploads, proxies, streams,
# recordings, development) is not found.
_PAGE = frozenset(
    [
        *(
            "/",
            "/config",
            "/theme.css",
            "/favicon.ico",
            "/robots.txt",
        ),
        *("/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/run/predict"),
        *("/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/info"),
        *("/gradio_api/startup-events", "/gradio_api/theme.css"),
        "/gradio_api/app_id",  # requested until the server is back, after an outage
    ]
)
_FOLDERS = ("/assets/", "/static/", "/gradio_api/heartbeat/")
OURS = (
    *(
        "/page/",
        "/read/",
        "/picture/",
        "/marks/",
        "/answer/",
        "/conversations",
        "/collections",
        "/library",
        "/api/",
        "/healthz",
        "/metrics",
    ),
    *("/v1/", "/mcp"),
)

OPENAI = "/v1/"  # where requests and errors have OpenAI's shape
# The statuses that OpenAI's clients distinguish; the others count as invalid requests.
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_OPENAI_CODES = {
    401: "invalid_api_key",
    403: "insufficient_permissions",
    429: "rate_limit_exceeded",
}

_GRADIO = "/gradio_api/"
_ASKING = ("/gradio_api/queue/join", "/gradio_api/run/predict")
_SESSIONS = 100_000  # whose visitor is remembered, those of the most recent visitors
_SESSIONS_EACH = 200  # sessions of one visitor that are remembered, the most recently used
# Tells the page that what it shows is no longer its own: it then starts afresh.
_NO_SESSION = {"Dateline-Session": "none"}

_SAFE = ("GET", "HEAD", "OPTIONS", None)  # methods that change nothing; None is a websocket's
_OTHERS = ("cross-site", "same-site")  # how a browser marks a request made by another site


class OnlyByName:
    """Refuses a host that is not this computer or one of `names`, and requests from other sites'
    pages.

    With `anywhere`, the address at which a request arrived is a name too: no other site's page can
    have it.
    """

    def __init__(
        self, app: ASGIApp, names: Collection[str] = (), *, anywhere: bool = False
    ) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._anywhere = anywhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        origin = headers.get(b"origin")
        wanted = f"{scope['scheme'].replace('ws', 'http', 1)}://{host}".lower()
        if not self._known(hostname(host), scope):
            await refuse(
                scope, receive, send, 403, f"this server is not {host!r}; {self._remedy()}"
            )
        elif origin is not None and _without_port(origin.lower()) != _without_port(wanted):
            told = f"requests from {origin!r} are not answered"
            if origin.lower().partition("://")[2] == host.lower():
                told += (
                    f": this is {wanted!r}. Where a proxy stands between, name its address in "
                    "DATELINE_PROXIES"
                )
            await refuse(scope, receive, send, 403, told)
        elif scope.get("method") not in _SAFE and headers.get(b"sec-fetch-site") in _OTHERS:
            await refuse(scope, receive, send, 403, "requests of other sites are not answered")
        else:
            await self._app(scope, receive, send)

    def _known(self, name: str, scope: Scope) -> bool:
        arrived = scope.get("server") or (None,)
        at_this_address = self._anywhere and _is_address(name) and name == arrived[0]
        return is_here(name) or name in self._names or at_this_address

    def _remedy(self) -> str:
        return "name it in DATELINE_HOST_NAMES" if self._anywhere else "use 127.0.0.1"


class OnlyThePage:
    """Answers "not found" to everything that Gradio serves and the page does not need."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if scope["type"] == "http" and (path in _PAGE or path.startswith((*_FOLDERS, *OURS))):
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, 404, "there is nothing here")


class OnlySmall:
    """Refuses a body that is larger than requests to its path need to be, even while it is
    arriving, and one that arrives so slowly that it would hold its connection for ever.

    A body has `grace` seconds, plus the time its bytes so far take at `slowest` bytes a second.
    """

    def __init__(self, app: ASGIApp, *, grace: float = 30.0, slowest: float = 10_000.0) -> None:
        self._app = app
        self._grace = grace
        self._slowest = slowest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = LARGER.get(scope["path"], LARGEST)
        too_large = f"at most {most:,} bytes are taken here"
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or len(told) > _DIGITS or int(told) > most:
            await refuse(scope, receive, send, 413, too_large)
            return
        body = _Body(receive, most, self._grace, self._slowest)
        begun = refused = False

        async def answered(message: Message) -> None:
            nonlocal begun, refused
            if begun or not body.fault:
                begun = True
                await send(message)
            elif not refused:
                refused = True
                status = body.fault
                told = too_large if status == _TOO_LARGE else "the request came too slowly"
                await body.pass_over()
                await refuse(scope, receive, send, status, told, {"Connection": "close"})

        try:
            await self._app(scope, body.receive, answered)
        except Exception:  # the application wanted the rest of the body
            if not body.fault:
                raise
        if body.fault and not begun:
            await answered({"type": "http.response.start"})


class _Body:
    """An incoming request body; `fault` is the status with which it is refused, 0 so far."""

    def __init__(self, receive: Receive, most: int, grace: float, slowest: float) -> None:
        self.fault = 0
        self._receive = receive
        self._most = most
        self._deadline = asyncio.get_running_loop().time() + grace
        self._slowest = slowest
        self._taken = 0
        self._whole = False

    async def receive(self) -> Message:
        """The next message; to the application, a client that is cut off has disconnected."""
        if self.fault:
            return {"type": "http.disconnect"}
        if self._whole:
            return await self._receive()
        message = await self._next()
        if self._taken > self._most:
            self.fault = _TOO_LARGE
            return {"type": "http.disconnect"}
        return message

    async def pass_over(self) -> None:
        """Forget the rest of a body that is too large, but no more than as much again: a client that
        is still sending would find its connection broken, and never hear the reply."""
        while self.fault == _TOO_LARGE and not self._whole and self._taken <= 2 * self._most:
            await self._next()

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout_at(self._deadline + self._taken / self._slowest):
                message = await self._receive()
        except TimeoutError:
            self.fault = _TOO_SLOW
            return {"type": "http.disconnect"}
        self._taken += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message


class OwnSessions:
    """Lets only the visitor who began a Gradio session use it.

    Gradio takes whoever names a page's session for that page, and would send them what is answered
    there. Another visitor gets the reply for a session that never existed. A client without a
    cookie owns no session: it may name those that are nobody's, in which nothing is asked. A
    visitor who begins more sessions than pages are ever open loses his own oldest, and nobody
    else's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._visitors: dict[str, str] = {}  # by session
        self._sessions: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()  # by visitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_GRADIO):
            await self._app(scope, receive, send)
            return
        named = _named_by_address(scope)
        if scope["method"] == "POST":
            body = await _whole(receive)
            if body is None:
                return
            try:
                named |= _named_by_body(body)
            except RecursionError:
                await refuse(scope, receive, send, 400, "the body is nested too deeply to be read")
                return
            receive = _again(body, receive)
        cookies = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
        visitor = visitor_of(read_cookies(cookies))
        if all(self._is_of(session, visitor) for session in named):
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, 404, "there is no such session", _NO_SESSION)

    def _is_of(self, session: str, visitor: str | None) -> bool:
        if visitor is None:
            return session not in self._visitors
        if self._visitors.setdefault(session, visitor) != visitor:
            return False
        own = self._sessions.setdefault(visitor, OrderedDict())
        self._sessions.move_to_end(visitor)
        own[session] = None
        own.move_to_end(session)
        if len(own) > _SESSIONS_EACH:
            del self._visitors[own.popitem(last=False)[0]]
        elif len(self._visitors) > _SESSIONS:
            self._forget(next(iter(self._sessions)))
        return True

    def _forget(self, visitor: str) -> None:
        for session in self._sessions.pop(visitor):
            del self._visitors[session]


class OnlyEvents:
    """Passes on to Gradio only the events the page has, in text that it can handle.

    `events` are the page's, by number, with how many values each takes. Gradio fails on any other,
    and on half of a surrogate pair, which a browser sends if a character was cut in two.
    """

    def __init__(self, app: ASGIApp, events: Mapping[int, int]) -> None:
        self._app = app
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["method"] == "POST"
        if not asks or not scope["path"].startswith(_GRADIO):
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            await refuse(scope, receive, send, 400, "the body is not valid JSON")
            return
        if scope["path"] in _ASKING and (fault := self._fault(given)):
            await refuse(scope, receive, send, *fault)
            return
        if b"\\ud" in body.lower():
            body = json.dumps(given, ensure_ascii=False).encode(errors="replace")
        await self._app(scope, _again(body, receive), send)

    def _fault(self, given: object) -> tuple[int, str] | None:
        """The status and message with which it is refused."""
        if not isinstance(given, dict):
            return 422, "the body is not an object"
        number, data = given.get("fn_index"), given.get("data")
        if type(number) is not int or number not in self._events:
            return 404, "there is no such event"
        if not isinstance(data, list) or len(data) != self._events[number]:
            return 422, f"data is a list of {self._events[number]} values"
        return None


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    message: str,
    headers: dict[str, str] | None = None,
) -> None:
    """End a request with an error in the shape of the API that was asked."""
    from starlette.responses import JSONResponse

    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": message})
        return
    body = error_body(scope["path"], status, message)
    await JSONResponse(body, status_code=status, headers=headers)(scope, receive, send)


def error_body(
    path: str,
    status: int,
    message: str,
    kind: str = "RequestError",
    *,
    param: str | None = None,
    code: str | None = None,
) -> dict[str, Any]:
    """An error as the API at this path reports it: as OpenAI does below `OPENAI`, else as Dateline
    does.

    `param` and `code` are OpenAI's: the request field concerned, and what a program can recognise
    the error by, by default the error's class.
    """
    if not path.startswith(OPENAI):
        return {"error": kind, "message": message}
    usual = "server_error" if status >= 500 else "invalid_request_error"
    by_kind = None if kind == "RequestError" else kind
    return {
        "error": {
            "message": message,
            "type": _OPENAI_TYPES.get(status, usual),
            "param": param,
            "code": code or _OPENAI_CODES.get(status) or by_kind,
        }
    }


def is_here(host: str) -> bool:
    """Whether a host name or address is this computer's own, which no other can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _without_port(origin: str) -> str:
    """An origin without the scheme's default port."""
    usual = {"http": ":80", "https": ":443"}.get(origin.partition("://")[0], "")
    return origin.removesuffix(usual) if usual else origin


def hostname(host: str) -> str:
    """The name in a Host header, without its port; "" if there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _named_by_address(scope: Scope) -> set[str]:
    """The sessions named in a request's address."""
    named = set(parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", []))
    first, _, session = scope["path"].removeprefix(_GRADIO).partition("/")
    return named | {session} if first == "heartbeat" else named


def _named_by_body(body: bytes) -> set[str]:
    try:
        given = json.loads(body)
    except ValueError:  # Gradio refuses it
        return set()
    session = given.get("session_hash") if isinstance(given, dict) else None
    return {session} if isinstance(session, str) else set()


async def _whole(receive: Receive) -> bytes | None:
    """A request's body; None if its sender has disconnected."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """A receive function that returns a body already read, then whatever comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
