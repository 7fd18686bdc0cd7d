"""Who is asking: a visitor is a random token in a cookie that no script can read.

    app.add_middleware(Visitors)          gives every browser that opens the page its cookie
    visitor_of(cookies)                   the visitor's name as stored, None without a cookie
    caller_of(request.scope)              what else is known about the client: what it cannot change at will

Only the token's hash is stored, so whoever reads the file cannot pose as a visitor. A browser
profile is a visitor: people are asked for nothing, and clearing the cookies starts afresh.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from assistant.errors import ConversationNotFoundError
from assistant.web.prefix import prefix_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "dateline_visitor"
NOT_KEPT = {"Cache-Control": "no-store"}  # for a reply with a visitor's own data

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_KEPT = 400 * 24 * 3600  # seconds; browsers keep no cookie longer


CALLER = "dateline.caller"  # where a request's scope says who sent it, once a password admitted it


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, whatever visitor they pose as by clearing the cookie: the `session` that the
    password gave them, and the `address` they come from. "" means unknown."""

    session: str = ""
    address: str = ""


UNKNOWN = Caller()


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """The caller of a request; nothing is known if it needed no password."""
    caller = scope.get(CALLER)
    return caller if isinstance(caller, Caller) else UNKNOWN


def visitor_of(cookies: Mapping[str, str]) -> str | None:
    """The visitor that the cookies name, as stored; None if they name none."""
    token = cookies.get(COOKIE, "")
    return hashlib.sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else None


def read_cookies(header: str) -> dict[str, str]:
    """The cookies of a request's header; anything that is not a cookie is ignored."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def cookie(name: str, value: str, *, secure: bool, seconds: int, prefix: str = "") -> str:
    """The value of a Set-Cookie header: out of reach for scripts and for other sites' requests, and
    sent only below `prefix`.

    Lax rather than strict: otherwise whoever follows a link to the page from elsewhere would arrive
    as a stranger.
    """
    return f"{name}={value}; Path={prefix}/; Max-Age={seconds}; HttpOnly; SameSite=Lax" + (
        "; Secure" if secure else ""
    )


def new_visitor(*, secure: bool, prefix: str = "") -> tuple[str, str]:
    """A new visitor as stored, and the value of the Set-Cookie header that creates it."""
    token = secrets.token_urlsafe(32)
    given = cookie(COOKIE, token, secure=secure, seconds=_KEPT, prefix=prefix)
    return hashlib.sha256(token.encode()).hexdigest(), given


def known_visitor(cookies: Mapping[str, str]) -> str:
    """The visitor. Raises ConversationNotFoundError without a cookie: a stranger owns nothing."""
    visitor = visitor_of(cookies)
    if visitor is None:
        raise ConversationNotFoundError(
            "there is no such conversation or answer of yours (any more)."
        )
    return visitor


class Visitors:
    """Gives every browser that opens the page without a visitor's cookie a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        known = visitor_of(read_cookies(headers.get(b"cookie", b"").decode("latin-1")))

        async def introduced(message: Message) -> None:
            if message["type"] == "http.response.start" and known is None:
                _, value = new_visitor(secure=scope["scheme"] == "https", prefix=prefix_of(scope))
                more = (b"set-cookie", value.encode())
                message = {**message, "headers": [*message.get("headers", []), more]}
            await send(message)

        await self._app(scope, receive, introduced)
