"""The password before the page: who knows it gets a cookie that is worth as much for 30 days.

    access = Access("correct horse", Sessions.open(folder / FILE))
    app.add_middleware(Locked, access=access)         GET /login, POST /login, POST /logout
    curl -H "Authorization: Bearer correct horse" …   for programs

The cookie holds until it is logged out, here or everywhere: sessions outlive a restart, and a changed
password ends them all. Comparisons take the same time whatever is given, and who guesses wrong waits
longer and longer: his address does, and nobody at another one; nor does a browser that has known the
password before, wherever it is. Nothing here knows what it guards.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode

from assistant.errors import SettingsError
from assistant.web.connections import network_of
from assistant.web.guarding import is_here, refuse
from assistant.web.sessions import Sessions
from assistant.web.visitors import CALLER, Caller, cookie, new_visitor, read_cookies, visitor_of
from vectorstore.errors import StoreError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "dateline_session"
SHORTEST = 10  # characters of a password

_KEPT = 30 * 24 * 3600  # seconds that a session lasts
_FREE = 5  # wrong guesses from one address before it has to wait
_LONGEST_WAIT = 900.0  # seconds
_REMEMBERED = 10_000  # addresses whose guesses are counted, the last ones
_FORM = 4_096  # bytes of a login form
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

_log = logging.getLogger(__name__)


class Access:
    """Knows the password, the sessions it gave, and who guesses. May be used from several threads.

    `clock` gives seconds since 1970, and `monotonic` seconds that only ever grow. Raises SettingsError
    for a password that is too short.
    """

    def __init__(
        self,
        password: str,
        sessions: Sessions,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if len(password) < SHORTEST:
            raise SettingsError(
                f"the password has {len(password)} characters; give one of {SHORTEST} or more, such as "
                "four words."
            )
        self._password = _digest(password)
        self._sessions = sessions
        self._key = sessions.key(password)
        self._clock = clock
        self._monotonic = monotonic
        self._guesses: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._turn = threading.Lock()

    def admits(self, cookies: Mapping[str, str], authorization: str, address: str) -> bool:
        """Whether a request carries a session, or the password itself as a bearer token."""
        return self.session_of(cookies, authorization, address) is not None

    def session_of(
        self, cookies: Mapping[str, str], authorization: str, address: str
    ) -> str | None:
        """A name for the session that a request carries, which does not give it away; "bearer" for
        the password itself as a bearer token; None where there is neither."""
        token = cookies.get(COOKIE, "")
        if self._is_session(token):
            return hashlib.sha256(token.encode()).hexdigest()
        scheme, _, given = authorization.partition(" ")
        return (
            "bearer"
            if scheme.lower() == "bearer" and self.opens(given.strip(), address, cookies)
            else None
        )

    def opens(self, given: str, address: str, cookies: Mapping[str, str] | None = None) -> bool:
        """Whether this is the password; a wrong one counts against who gives it, and what is given
        before `wait` is over opens nothing."""
        who = self._who(address, cookies)
        if self._wait(who):
            return False
        if hmac.compare_digest(_digest(given), self._password):
            with self._turn:
                self._guesses.pop(who, None)
            return True
        with self._turn:
            count, _ = self._guesses.get(who, (0, 0.0))
            self._guesses[who] = (count + 1, self._monotonic())
            self._guesses.move_to_end(who)
            while len(self._guesses) > _REMEMBERED:
                self._guesses.popitem(last=False)
        _log.warning("a wrong password from %s", address)
        return False

    def wait(self, address: str, cookies: Mapping[str, str] | None = None) -> float:
        """Seconds until the next try: after five wrong guesses 1, then 2, 4, 8 …

        An address waits, an IPv6 one with its /64; a browser that has known the password waits for its
        own guesses alone.
        """
        return self._wait(self._who(address, cookies))

    def session(self) -> str:
        """A new session's cookie. Raises StoreError where it cannot be kept."""
        now = self._clock()
        return self._sessions.begin(self._key, now, now + _KEPT)

    def end(self, cookies: Mapping[str, str]) -> None:
        """End the session that the cookies name. Raises StoreError."""
        self._sessions.end(self._key, cookies.get(COOKIE, ""))

    def end_all(self) -> None:
        """End every session, this one too. Raises StoreError."""
        self._sessions.end_all()

    def remember(self, visitor: str) -> None:
        """Note that this visitor's browser has known the password. Raises StoreError."""
        self._sessions.remember(self._key, visitor, self._clock())

    def _who(self, address: str, cookies: Mapping[str, str] | None) -> str:
        visitor = visitor_of(cookies or {})
        if visitor is not None and self._sessions.remembers(self._key, visitor):
            return f"visitor {visitor}"
        return network_of(address)

    def _wait(self, who: str) -> float:
        with self._turn:
            count, last = self._guesses.get(who, (0, 0.0))
            pause = min(2.0 ** (count - _FREE), _LONGEST_WAIT) if count >= _FREE else 0.0
            return max(0.0, last + pause - self._monotonic()) if pause else 0.0

    def _is_session(self, token: str) -> bool:
        return bool(_TOKEN.fullmatch(token)) and self._sessions.holds(
            self._key, token, self._clock()
        )


class Locked:
    """Lets through who has the password; others see the login page, programs a 401."""

    def __init__(
        self, app: ASGIApp, access: Access, *, proxies: Callable[[str], bool] = is_here
    ) -> None:
        self._app = app
        self._access = access
        self._is_proxy = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope.get("method")
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        cookies = read_cookies(headers.get(b"cookie", ""))
        address = scope["client"][0] if scope.get("client") else ""
        if path == "/login" and method in ("GET", "HEAD"):
            await self._form(scope, receive, send)
            return
        if path in ("/healthz", "/page/page.css", "/favicon.ico"):
            await self._app(scope, receive, send)
            return
        try:
            if path == "/login" and method == "POST":
                await self._login(scope, receive, send, address, cookies)
                return
            session = self._access.session_of(cookies, headers.get(b"authorization", ""), address)
            if session is None:
                await self._turned_away(scope, receive, send, headers, address, cookies)
                return
            if path == "/logout" and method == "POST":
                await self._logout(scope, receive, send, cookies)
                return
        except StoreError as error:  # of the file that keeps the sessions
            await refuse(scope, receive, send, 503, str(error))
            return
        # Of a proxy are the requests that do not say whose they are.
        caller = Caller(session, "" if self._is_proxy(address) else address)
        await self._app({**scope, CALLER: caller}, receive, send)

    async def _form(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import HTMLResponse

        query = parse_qs(scope["query_string"].decode("latin-1"))
        page = _login_page(_inside(query.get("next", ["/"])[0]), "")
        await HTMLResponse(page, headers={"Cache-Control": "no-store"})(scope, receive, send)

    async def _login(
        self, scope: Scope, receive: Receive, send: Send, address: str, cookies: Mapping[str, str]
    ) -> None:
        from starlette.responses import HTMLResponse

        given = await _form_of(scope, receive)
        if given is None:
            await refuse(scope, receive, send, 413, "the form is too large")
            return
        to = _inside(given.get("next", "/"))
        wait = self._access.wait(address, cookies)
        if not wait and self._access.opens(given.get("password", ""), address, cookies):
            secure = scope["scheme"] == "https"
            visitor, introduced = visitor_of(cookies), []
            if visitor is None:
                visitor, told = new_visitor(secure=secure)
                introduced.append(told)
            session = self._access.session()
            self._access.remember(visitor)
            kept = cookie(COOKIE, session, secure=secure, seconds=_KEPT)
            await _see(to, scope, receive, send, kept, *introduced)
            return
        told = f"Too many wrong passwords. Wait {wait:.0f} s." if wait else "That is not it."
        headers = {"Cache-Control": "no-store"}
        if wait:
            headers["Retry-After"] = f"{wait:.0f}"
        page = HTMLResponse(
            _login_page(to, told), status_code=429 if wait else 403, headers=headers
        )
        await page(scope, receive, send)

    async def _logout(
        self, scope: Scope, receive: Receive, send: Send, cookies: Mapping[str, str]
    ) -> None:
        given = await _form_of(scope, receive) or {}
        if given.get("everywhere"):
            self._access.end_all()
        else:
            self._access.end(cookies)
        gone = cookie(COOKIE, "", secure=scope["scheme"] == "https", seconds=0)
        await _see("/login", scope, receive, send, gone)

    async def _turned_away(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[bytes, str],
        address: str,
        cookies: Mapping[str, str],
    ) -> None:
        accept = headers.get(b"accept", "")
        if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in accept:
            asked = scope["path"]
            if scope["query_string"]:
                asked += "?" + scope["query_string"].decode("latin-1")
            await _see("/login?" + urlencode({"next": asked}), scope, receive, send)
        elif wait := self._access.wait(address, cookies):
            again = {"Retry-After": f"{wait:.0f}"}
            told = f"too many wrong passwords; wait {wait:.0f} s"
            await refuse(scope, receive, send, 429, told, again)
        else:
            asks = {"WWW-Authenticate": "Bearer"}
            told = "give the password as a bearer token, or log in at /login"
            await refuse(scope, receive, send, 401, told, asks)


async def _form_of(scope: Scope, receive: Receive) -> dict[str, str] | None:
    """The fields of a form, the first value of each; None where it is too large."""
    from starlette.requests import Request

    body = b""
    async for part in Request(scope, receive).stream():
        body += part
        if len(body) > _FORM:
            return None
    given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in given.items()}


async def _see(address: str, scope: Scope, receive: Receive, send: Send, *cookies: str) -> None:
    from starlette.responses import Response

    headers = {"Location": quote(address, safe="/?&=%:+"), "Cache-Control": "no-store"}
    response = Response(status_code=303, headers=headers)
    for told in cookies:
        response.headers.append("Set-Cookie", told)
    await response(scope, receive, send)


def _inside(address: str) -> str:
    """The address if it lies on this server, else the page."""
    plain = address.isprintable() and "\\" not in address
    return address if plain and re.match(r"/(?!/)", address) else "/"


def _digest(text: str) -> bytes:
    """Of one length for all, so that comparing tells nothing of the length."""
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _login_page(to: str, told: str) -> str:
    note = f'<p class="dl-error" role="alert">{html.escape(told)}</p>' if told else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>Dateline: log in</title><link rel="stylesheet" href="/page/page.css"></head>'
        '<body class="dl-article-page dl-login"><main><h1>Dateline</h1>'
        f'<form method="post" action="/login"><input type="hidden" name="next" value="{html.escape(to)}">'
        '<label for="password">Password</label> '
        '<input id="password" name="password" type="password" autocomplete="current-password" '
        f"required autofocus> <button>Log in</button></form>{note}</main></body></html>"
    )
