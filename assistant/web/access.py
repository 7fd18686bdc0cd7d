"""The password before the page: who knows it gets a cookie that is worth as much for 30 days.

    access = Access("correct horse", secret=conversations.secret())
    app.add_middleware(Locked, access=access)         GET /login, POST /login, POST /logout
    curl -H "Authorization: Bearer correct horse" …   for programs

The cookie holds when it ends and a signature made of the password and a secret that is kept: it
outlives a restart, and a changed password ends all. Comparisons take the same time whatever is
given, and wrong guesses have to wait longer and longer. Nothing here knows what it guards.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode

from assistant.errors import SettingsError
from assistant.web.guarding import is_here, refuse
from assistant.web.visitors import CALLER, Caller, cookie, read_cookies

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "dateline_session"
SHORTEST = 10  # characters of a password

_KEPT = 30 * 24 * 3600  # seconds that a session lasts
_FREE = 5  # wrong guesses from one address before it has to wait
_LONGEST_WAIT = 900.0  # seconds
_TOGETHER = 100  # wrong guesses a minute from everywhere, after which nobody may guess
_REMEMBERED = 10_000  # addresses whose guesses are counted, the last ones
_FORM = 4_096  # bytes of a login form
_TOKEN = re.compile(r"(\d{10,12})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")

_log = logging.getLogger(__name__)


class Access:
    """Knows the password, the sessions it gave, and who guesses. May be used from several threads.

    `clock` gives seconds since 1970. Raises SettingsError for a password that is too short.
    """

    def __init__(
        self, password: str, secret: bytes, clock: Callable[[], float] = time.time
    ) -> None:
        if len(password) < SHORTEST:
            raise SettingsError(
                f"the password has {len(password)} characters; give one of {SHORTEST} or more, such as "
                "four words."
            )
        self._password = _digest(password)
        self._key = hmac.digest(secret, password.encode(errors="replace"), "sha256")
        self._clock = clock
        self._guesses: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._recent: list[float] = []
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
            "bearer" if scheme.lower() == "bearer" and self.opens(given.strip(), address) else None
        )

    def opens(self, given: str, address: str) -> bool:
        """Whether this is the password; a wrong one counts against the address, and so does one
        that is given before `wait` is over."""
        if self.wait(address):
            return False
        if hmac.compare_digest(_digest(given), self._password):
            with self._turn:
                self._guesses.pop(address, None)
            return True
        with self._turn:
            now = self._clock()
            count, _ = self._guesses.get(address, (0, now))
            self._guesses[address] = (count + 1, now)
            self._guesses.move_to_end(address)
            while len(self._guesses) > _REMEMBERED:
                self._guesses.popitem(last=False)
            self._recent = [*(at for at in self._recent if at > now - 60), now]
        _log.warning("a wrong password from %s", address)
        return False

    def wait(self, address: str) -> float:
        """Seconds until this address may try again: after five wrong guesses 1, then 2, 4, 8 …"""
        with self._turn:
            now = self._clock()
            self._recent = [at for at in self._recent if at > now - 60]
            together = self._recent[0] + 60 - now if len(self._recent) >= _TOGETHER else 0.0
            count, last = self._guesses.get(address, (0, now))
            pause = min(2.0 ** (count - _FREE), _LONGEST_WAIT) if count >= _FREE else 0.0
            return max(0.0, together, last + pause - now)

    def session(self) -> str:
        """A new session's cookie."""
        start = f"{int(self._clock()) + _KEPT}.{secrets.token_urlsafe(16)}"
        return f"{start}.{self._sign(start)}"

    def _is_session(self, token: str) -> bool:
        found = _TOKEN.fullmatch(token)
        if found is None:
            return False
        signed = hmac.compare_digest(self._sign(f"{found[1]}.{found[2]}"), found[3])
        return signed and int(found[1]) > self._clock()

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()


class Locked:
    """Lets through who has the password; others see the login page, programs a 401."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope.get("method")
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        address = scope["client"][0] if scope.get("client") else ""
        session: str | None = None
        if path == "/login" and method in ("GET", "HEAD"):
            await self._form(scope, receive, send)
        elif path == "/login" and method == "POST":
            await self._login(scope, receive, send, address)
        elif path in ("/healthz", "/page/page.css", "/favicon.ico"):
            await self._app(scope, receive, send)
        elif (
            session := self._access.session_of(
                read_cookies(headers.get(b"cookie", "")), headers.get(b"authorization", ""), address
            )
        ) is None:
            await self._turned_away(scope, receive, send, headers.get(b"accept", ""), address)
        elif path == "/logout" and method == "POST":
            gone = cookie(COOKIE, "", secure=scope["scheme"] == "https", seconds=0)
            await _see("/login", scope, receive, send, gone)
        else:
            # Of this computer are a proxy's requests that do not say whose they are.
            caller = Caller(session, "" if is_here(address) else address)
            await self._app({**scope, CALLER: caller}, receive, send)

    async def _form(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import HTMLResponse

        query = parse_qs(scope["query_string"].decode("latin-1"))
        page = _login_page(_inside(query.get("next", ["/"])[0]), "")
        await HTMLResponse(page, headers={"Cache-Control": "no-store"})(scope, receive, send)

    async def _login(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        from starlette.requests import Request
        from starlette.responses import HTMLResponse

        body = b""
        async for part in Request(scope, receive).stream():
            body += part
            if len(body) > _FORM:
                await refuse(scope, receive, send, 413, "the form is too large")
                return
        given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        to = _inside(given.get("next", ["/"])[0])
        wait = self._access.wait(address)
        if not wait and self._access.opens(given.get("password", [""])[0], address):
            value = self._access.session()
            secure = scope["scheme"] == "https"
            await _see(
                to, scope, receive, send, cookie(COOKIE, value, secure=secure, seconds=_KEPT)
            )
            return
        told = f"Too many wrong passwords. Wait {wait:.0f} s." if wait else "That is not it."
        headers = {"Cache-Control": "no-store"}
        if wait:
            headers["Retry-After"] = f"{wait:.0f}"
        page = HTMLResponse(
            _login_page(to, told), status_code=429 if wait else 403, headers=headers
        )
        await page(scope, receive, send)

    async def _turned_away(
        self, scope: Scope, receive: Receive, send: Send, accept: str, address: str
    ) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in accept:
            asked = scope["path"]
            if scope["query_string"]:
                asked += "?" + scope["query_string"].decode("latin-1")
            await _see("/login?" + urlencode({"next": asked}), scope, receive, send)
        elif wait := self._access.wait(address):
            again = {"Retry-After": f"{wait:.0f}"}
            told = f"too many wrong passwords; wait {wait:.0f} s"
            await refuse(scope, receive, send, 429, told, again)
        else:
            asks = {"WWW-Authenticate": "Bearer"}
            told = "give the password as a bearer token, or log in at /login"
            await refuse(scope, receive, send, 401, told, asks)


async def _see(
    address: str, scope: Scope, receive: Receive, send: Send, set_cookie: str | None = None
) -> None:
    from starlette.responses import Response

    headers = {"Location": quote(address, safe="/?&=%:+"), "Cache-Control": "no-store"}
    if set_cookie is not None:
        headers["Set-Cookie"] = set_cookie
    await Response(status_code=303, headers=headers)(scope, receive, send)


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
