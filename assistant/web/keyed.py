"""Lets programs in by their keys, each to what it may do.

    app.add_middleware(Keyed, keys=Keys.open(folder / FILE, seal))
    key_of(request.scope)                   the key that let a request in, None where none did
    asker_of(request)                       whose conversations it may see: the key's, else the visitor's
    needed("POST", "/library/text")         "add"; None for what no key opens

A key is a bearer token whose form no password has, so a wrong key is not a guess at the password,
and delays nobody who logs in. Keys are too long to be guessed: a right one is admitted at once,
however many wrong ones come from its address, and whoever keeps sending wrong ones is told to wait.
A key opens the APIs, and its own conversations; the page and people's conversations require the
password. A server without a password does not ask for a key, but one that is sent counts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from assistant.web.connections import network_of
from assistant.web.guarding import is_here, refuse
from assistant.web.keys import Can, Key, Keys, Ring, looks_like_key
from assistant.web.visitors import CALLER, Caller, known_visitor, visitor_of
from vectorstore.errors import StoreError

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "dateline.key"  # where a request's scope holds the key that admitted it
_WRONG = 20  # keys per minute from one address that are reported as wrong
_MINUTE = 60.0
_REMEMBERED = 10_000  # addresses, the most recently seen

_READING = ("GET", "HEAD")
_ASKING = frozenset(
    {
        *("/api/answer", "/api/v1/answer", "/api/v1/answer/stream"),
        *("/v1/chat/completions", "/v1/responses"),
    }
)
_ADDING = frozenset(
    {
        *("/library/text", "/library/link", "/library/files"),
        *("/api/v1/articles", "/api/v1/files", "/api/v1/links"),
    }
)
# Where a collection's key is also valid below the address of the whole installation: what is asked
# there names the collection.
_SHARED = ("/v1/", "/mcp", "/api/v1/collections", "/healthz")
_BELOW = "/collections/"
_OWN = "/api/v1/conversations"  # each key has its own
_PEOPLES = "/api/v1/quotes"
_APIS = ("/api/", "/v1/", "/read/", "/picture/", "/marks/", "/library/")

_log = logging.getLogger(__name__)


def needed(method: str, path: str) -> Can | None:
    """The permission a key needs to make this request; None if no key will do."""
    if path == "/healthz":
        return "ask"  # needs no permission
    if path == "/metrics":
        return "ask"
    if path in ("/mcp", "/mcp/"):
        return "ask"  # each tool checks what else it needs
    if path.startswith(_OWN):
        return "ask"
    if path in ("/library", "/api/v1/jobs") and method in _READING:
        return "add"  # the progress of adding
    if not path.startswith(_APIS) or path.startswith(_PEOPLES):
        return None
    if method in _READING or (method == "POST" and path in _ASKING):
        return "ask"
    return "add" if path in _ADDING and method in ("POST", "PUT") else "manage"


def key_of(scope: Mapping[str, Any]) -> Key | None:
    """The key that admitted this request."""
    key = scope.get(_KEY)
    return key if isinstance(key, Key) else None


def asker_of(request: HTTPConnection) -> str | None:
    """Whose conversations a request may see, as stored: those of the key that admitted it, even if
    it sends a visitor's cookie; None if it has neither."""
    key = key_of(request.scope)
    return visitor_of(request.cookies) if key is None else key.visitor


def known_asker(request: HTTPConnection) -> str:
    """The same. Raises ConversationNotFoundError if there is none: a stranger owns nothing."""
    key = key_of(request.scope)
    return known_visitor(request.cookies) if key is None else key.visitor


class Keyed:
    """Checks a request's key. `clock` gives seconds since 1970, `monotonic` monotonic ones."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys | Ring,
        *,
        proxies: Callable[[str], bool] = is_here,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._keys = keys
        self._is_proxy = proxies
        self._clock = clock
        self._monotonic = monotonic
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._turn = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _bearer(scope) if scope["type"] == "http" else ""
        if not looks_like_key(token):
            await self._app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else ""
        try:
            key = self._keys.find(token, self._clock())
        except StoreError as error:
            await refuse(scope, receive, send, 503, str(error))
            return
        # A collection that is here has its own site: this one only explains why that cannot be opened.
        path = scope["path"]
        below = path[len(_BELOW) :].partition("/")[0] if path.startswith(_BELOW) else ""
        if key is None or (below and below != key.collection):
            await self._turn_away(scope, receive, send, address)
            return
        wanted = "ask" if below else needed(scope["method"], path)
        if wanted is None or not key.may(wanted):
            told = (
                "a key opens the API, and this is the page's own: log in with the password"
                if wanted is None
                else f"the key {key.name!r} can {key.can}, and this needs one that can {wanted}"
            )
            asks = 'Bearer error="insufficient_scope"' + (f', scope="{wanted}"' if wanted else "")
            await refuse(scope, receive, send, 403, told, {"WWW-Authenticate": asks})
            return
        if key.collection and not path.startswith((*_SHARED, _BELOW)):
            told = (
                f"the key {key.name!r} is for the collection {key.collection!r} alone: use "
                f"/collections/{key.collection}{path}"
            )
            await refuse(scope, receive, send, 403, told)
            return
        caller = Caller(f"key {key.id}", "" if self._is_proxy(address) else address)
        await self._app({**scope, _KEY: key, CALLER: caller}, receive, send)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        if wait := self._crowded(network_of(address)):
            told = f"{_WRONG} wrong keys in a minute came from this address; try again in {wait} s"
            await refuse(scope, receive, send, 429, told, {"Retry-After": str(wait)})
            return
        _log.warning("a wrong key from %s", address)
        told = (
            "this key is not known here: it was mistyped, revoked, or made on another computer or for "
            "another collection"
        )
        await refuse(scope, receive, send, 401, told, {"WWW-Authenticate": "Bearer"})

    def _crowded(self, network: str) -> int:
        """Count a wrong key; the seconds until another is reported as wrong, 0 if this one is."""
        with self._turn:
            now = self._monotonic()
            wrong = self._wrong.setdefault(network, deque())
            self._wrong.move_to_end(network)
            while len(self._wrong) > _REMEMBERED:
                self._wrong.popitem(last=False)
            while wrong and wrong[0] <= now - _MINUTE:
                wrong.popleft()
            if len(wrong) >= _WRONG:
                return max(1, round(wrong[0] + _MINUTE - now))
            wrong.append(now)
            return 0


def _bearer(scope: Scope) -> str:
    given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, token = given.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def whose(scope: Mapping[str, Any]) -> str:
    """Who makes this request, for counting: the key, else the address."""
    key = key_of(scope)
    if key is not None:
        return f"key {key.id}"
    client = scope.get("client")
    return str(client[0]) if client else ""
