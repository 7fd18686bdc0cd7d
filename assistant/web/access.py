"""The password in front of the page: it earns a cookie that stands in for it for 30 days.

    access = Access("correct horse", Sessions.open(folder / FILE))
    app.add_middleware(Locked, access=access)         GET /login, POST /login, POST /logout
    curl -H "Authorization: Bearer correct horse" …   for programs

The cookie is valid until it is logged out, here or everywhere: sessions survive a restart, and
changing the password ends them all. Comparisons take constant time. After a few wrong passwords
from an address, further ones from there are checked one at a time, seconds apart, and the right one
is accepted when its turn comes, as usual. Other addresses do not wait, nor does a browser that has
logged in before, wherever it is. This module does not know what it guards.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import logging
import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode

from assistant.errors import CrowdedError, SettingsError
from assistant.web.connections import network_of
from assistant.web.guarding import is_here, refuse
from assistant.web.keyed import key_of
from assistant.web.prefix import prefix_of, relative
from assistant.web.sessions import Sessions
from assistant.web.visitors import CALLER, Caller, cookie, new_visitor, read_cookies, visitor_of
from vectorstore.errors import StoreError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "dateline_session"
SHORTEST = 10  # characters in a password

_KEPT = 30 * 24 * 3600  # seconds that a session lasts
_FREE = 5  # wrong guesses from one address before it has to wait
_LONGEST_PAUSE = 10.0  # seconds between two checks for one address: 360 an hour
_WAITING = 5  # different passwords of one address that may wait to be checked
_QUIET = 3600.0  # seconds without a wrong guess after which the earlier ones are forgotten
_REMEMBERED = 10_000  # addresses whose guesses are counted, the most recent ones
_FORM = 4_096  # bytes of a login form
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """The guesses of an address or a browser: how many were wrong, when the last wrong one was,
    when the last check is or was, and the turns of those waiting. Times are monotonic."""

    wrong: int = 0
    wrong_at: float = -math.inf
    last: float = -math.inf
    waiting: dict[bytes, float] = field(default_factory=dict)

    def next_turn(self, now: float) -> float:
        """When one more would be checked. Those waiting count as wrong."""
        if not self.waiting and now - self.wrong_at > _QUIET:
            self.wrong = 0
        over = self.wrong + len(self.waiting) - _FREE
        return max(now, self.last + min(2.0 ** min(over, 10), _LONGEST_PAUSE)) if over >= 0 else now


class Access:
    """Knows the password, its sessions, and who is guessing. May be used from several threads.

    `clock` gives seconds since 1970, `monotonic` those of a monotonic clock, and `sleep` waits for
    some seconds. Raises SettingsError for a password that is too short.
    """

    def __init__(
        self,
        password: str,
        sessions: Sessions,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
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
        self._sleep = sleep
        self._lines: OrderedDict[str, _Line] = OrderedDict()
        self._turn = threading.Lock()

    async def admits(self, cookies: Mapping[str, str], authorization: str, address: str) -> bool:
        """Whether a request carries a session, or the password itself as a bearer token. Raises
        CrowdedError."""
        return await self.session_of(cookies, authorization, address) is not None

    async def session_of(
        self, cookies: Mapping[str, str], authorization: str, address: str
    ) -> str | None:
        """A name for the session that a request carries, without revealing it; "bearer" for the
        password itself as a bearer token; None if it carries neither. Raises CrowdedError."""
        token = cookies.get(COOKIE, "")
        if self._is_session(token):
            return hashlib.sha256(token.encode()).hexdigest()
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        return "bearer" if await self.opens(given.strip(), address, cookies) else None

    async def opens(
        self, given: str, address: str, cookies: Mapping[str, str] | None = None
    ) -> bool:
        """Whether this is the password, answered when its turn comes.

        After five wrong passwords from an address (an IPv6 one with its /64), checks for it are 1 s
        apart, then 2, 4, 8 and at most 10 s. A browser that has logged in before waits only for its
        own guesses. The same password given several times takes one turn. Raises CrowdedError if
        five others from there are waiting.
        """
        digest = _digest(given)
        line, turn = self._take_turn(self._who(address, cookies), digest)
        right = False
        try:
            while (left := turn - self._monotonic()) > 0:
                await self._sleep(left)
            right = hmac.compare_digest(digest, self._password)
        finally:  # whoever does not wait for the answer has guessed, too
            self._give_turn(line, digest, right=right)
        if not right:
            _log.warning("a wrong password from %s", address)
        return right

    def session(self) -> str:
        """A new session's cookie. Raises StoreError if it cannot be saved."""
        now = self._clock()
        return self._sessions.begin(self._key, now, now + _KEPT)

    def end(self, cookies: Mapping[str, str]) -> None:
        """End the session named by the cookies. Raises StoreError."""
        self._sessions.end(self._key, cookies.get(COOKIE, ""))

    def end_all(self) -> None:
        """End every session, including this one. Raises StoreError."""
        self._sessions.end_all()

    def remember(self, visitor: str) -> None:
        """Note that this visitor's browser has known the password. Raises StoreError."""
        self._sessions.remember(self._key, visitor, self._clock())

    def _who(self, address: str, cookies: Mapping[str, str] | None) -> str:
        visitor = visitor_of(cookies or {})
        if visitor is not None and self._sessions.remembers(self._key, visitor):
            return f"visitor {visitor}"
        return network_of(address)

    def _take_turn(self, who: str, digest: bytes) -> tuple[_Line, float]:
        """The guesser's line, and when the password is checked. Raises CrowdedError."""
        with self._turn:
            now = self._monotonic()
            line = self._lines.setdefault(who, _Line())
            self._lines.move_to_end(who)
            while len(self._lines) > _REMEMBERED:
                self._lines.popitem(last=False)
            if digest in line.waiting:
                return line, line.waiting[digest]
            turn = line.next_turn(now)
            if turn > now and len(line.waiting) >= _WAITING:
                raise CrowdedError(turn - now)
            line.waiting[digest] = line.last = turn
            return line, turn

    def _give_turn(self, line: _Line, digest: bytes, *, right: bool) -> None:
        with self._turn:
            turn = line.waiting.pop(digest, None)
            if turn is None:  # the same guess was given several times and has been counted
                return
            if right:
                # It delays nobody who comes after it, and forgives no guesses: otherwise anyone who
                # shares an address with somebody logging in could start guessing afresh each time.
                line.last = max(line.waiting.values(), default=line.wrong_at)
            else:
                line.wrong += 1
                line.wrong_at = turn

    def _is_session(self, token: str) -> bool:
        return bool(_TOKEN.fullmatch(token)) and self._sessions.holds(
            self._key, token, self._clock()
        )


class Locked:
    """Admits whoever has the password, or was admitted by a key; others see the login page,
    programs a 401."""

    def __init__(
        self, app: ASGIApp, access: Access, *, proxies: Callable[[str], bool] = is_here
    ) -> None:
        self._app = app
        self._access = access
        self._is_proxy = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or key_of(scope) is not None:
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope.get("method")
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        cookies = read_cookies(headers.get(b"cookie", ""))
        address = scope["client"][0] if scope.get("client") else ""
        if path == "/login" and method in ("GET", "HEAD"):
            await self._form(scope, receive, send)
            return
        if path in ("/healthz", "/page/page.css", "/page/mark.svg", "/favicon.ico"):
            await self._app(scope, receive, send)
            return
        try:
            if path == "/login" and method == "POST":
                await self._login(scope, receive, send, address, cookies)
                return
            authorization = headers.get(b"authorization", "")
            session = await self._access.session_of(cookies, authorization, address)
            if session is None:
                await _turn_away(scope, receive, send, headers.get(b"accept", ""))
                return
            if path == "/logout" and method == "POST":
                await self._logout(scope, receive, send, cookies)
                return
        except CrowdedError as error:
            again = {"Retry-After": str(error.wait)}
            await refuse(scope, receive, send, 429, str(error), again)
            return
        except StoreError as error:  # from the file that holds the sessions
            await refuse(scope, receive, send, 503, str(error))
            return
        # Requests that do not say where they come from are the proxy's.
        caller = Caller(session, "" if self._is_proxy(address) else address)
        await self._app({**scope, CALLER: caller}, receive, send)

    async def _form(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        await _show_form(scope, receive, send, 200, _inside(query.get("next", ["/"])[0]))

    async def _login(
        self, scope: Scope, receive: Receive, send: Send, address: str, cookies: Mapping[str, str]
    ) -> None:
        given = await _form_of(scope, receive)
        if given is None:
            await refuse(scope, receive, send, 413, "the form is too large")
            return
        to = _inside(given.get("next", "/"))
        try:
            right = await self._access.opens(given.get("password", ""), address, cookies)
        except CrowdedError as error:
            told = f"{str(error).capitalize()}."
            again = {"Retry-After": str(error.wait)}
            await _show_form(scope, receive, send, 429, to, told, again)
            return
        if not right:
            await _show_form(scope, receive, send, 403, to, "Wrong password.")
            return
        secure, prefix = scope["scheme"] == "https", prefix_of(scope)
        visitor, introduced = visitor_of(cookies), []
        if visitor is None:
            visitor, told = new_visitor(secure=secure, prefix=prefix)
            introduced.append(told)
        session = self._access.session()
        self._access.remember(visitor)
        kept = cookie(COOKIE, session, secure=secure, seconds=_KEPT, prefix=prefix)
        await _see(to, scope, receive, send, kept, *introduced)

    async def _logout(
        self, scope: Scope, receive: Receive, send: Send, cookies: Mapping[str, str]
    ) -> None:
        given = await _form_of(scope, receive) or {}
        if given.get("everywhere"):
            self._access.end_all()
        else:
            self._access.end(cookies)
        secure = scope["scheme"] == "https"
        gone = cookie(COOKIE, "", secure=secure, seconds=0, prefix=prefix_of(scope))
        await _see("/login", scope, receive, send, gone)


async def _turn_away(scope: Scope, receive: Receive, send: Send, accept: str) -> None:
    """Send a person who asks for a page to the login page; tell a program what to provide."""
    if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in accept:
        asked = scope["path"]
        if scope["query_string"]:
            asked += "?" + scope["query_string"].decode("latin-1")
        await _see("/login?" + urlencode({"next": asked}), scope, receive, send)
        return
    asks = {"WWW-Authenticate": "Bearer"}
    told = "give a key or the password as a bearer token, or log in at /login"
    await refuse(scope, receive, send, 401, told, asks)


async def _show_form(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    to: str,
    told: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    from starlette.responses import HTMLResponse

    headers = {"Cache-Control": "no-store", **(headers or {})}
    page = HTMLResponse(_login_page(to, told), status_code=status, headers=headers)
    await page(scope, receive, send)


async def _form_of(scope: Scope, receive: Receive) -> dict[str, str] | None:
    """The fields of a form, the first value of each; None if it is too large."""
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

    to = quote(relative(scope, address), safe="/?&=%:+")
    headers = {"Location": to, "Cache-Control": "no-store"}
    response = Response(status_code=303, headers=headers)
    for told in cookies:
        response.headers.append("Set-Cookie", told)
    await response(scope, receive, send)


def _inside(address: str) -> str:
    """The address if it is on this server, else the page."""
    plain = address.isprintable() and "\\" not in address
    return address if plain and re.match(r"/(?!/)", address) else "/"


def _digest(text: str) -> bytes:
    """A fixed-length digest, so that the comparison does not reveal the length."""
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _login_page(to: str, told: str) -> str:
    note = f'<p class="dl-error" role="alert">{html.escape(told)}</p>' if told else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>Dateline: log in</title><link rel="icon" href="favicon.ico"><link rel="stylesheet" href="page/page.css"></head>'
        '<body class="dl-article-page dl-login"><main><h1>Dateline</h1>'
        f'<form method="post" action="login"><input type="hidden" name="next" value="{html.escape(to)}">'
        '<label for="password">Password</label> '
        '<input id="password" name="password" type="password" autocomplete="current-password" '
        f"required autofocus> <button>Log in</button></form>{note}</main></body></html>"
    )
