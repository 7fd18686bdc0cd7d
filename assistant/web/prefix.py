"""The path below which a proxy serves everything: https://example.org/dateline/, not its own host.

    app = UnderPrefix(app, root_path="/dateline")         given by a setting
    app = UnderPrefix(app, trusts=is_named_proxy)         given by that proxy, in X-Forwarded-Prefix
    prefix_of(request.scope)                              "/dateline", or "" if none is known
    base_of(request.scope)                                "/dateline/collections/press"

Every address of the page is relative, so it works below any prefix that a proxy strips, given or
not. A given prefix keeps the cookies of two programs on one host apart, and is removed from the
path if the proxy leaves it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from assistant.settings import path_prefix

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = "dateline.prefix"


class UnderPrefix:
    """Notes each request's prefix, and removes it from the path. It has to come before everything
    else: it looks at who sent the request, not at whom a proxy names."""

    def __init__(
        self, app: ASGIApp, root_path: str = "", trusts: Callable[[str], bool] | None = None
    ) -> None:
        self._app = app
        self._root_path = root_path
        self._trusts = trusts or (lambda _: False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        prefix = self._root_path or self._told(scope)
        scope = {**scope, _PREFIX: prefix}
        if prefix and scope["type"] == "http" and scope["path"] == prefix:
            from starlette.responses import RedirectResponse

            # Without the slash, relative addresses would refer to the folder above.
            await RedirectResponse(f"{prefix}/", 308)(scope, receive, send)
            return
        if prefix and scope["path"].startswith(f"{prefix}/"):
            raw = scope.get("raw_path") or quote(scope["path"]).encode()
            scope |= {"path": scope["path"][len(prefix) :], "raw_path": raw[len(prefix) :]}
        await self._app(scope, receive, send)

    def _told(self, scope: Scope) -> str:
        told = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
        sender = scope["client"][0] if scope.get("client") else ""
        # Two headers are not the proxy's own word: one has been passed on.
        if len(told) != 1 or not self._trusts(sender):
            return ""
        return path_prefix(told[0].decode("latin-1")) or ""


def prefix_of(scope: Mapping[str, Any]) -> str:
    """The prefix of a request's address, "" if none is known."""
    prefix = scope.get(_PREFIX, "")
    return prefix if isinstance(prefix, str) else ""


def base_of(scope: Mapping[str, Any]) -> str:
    """The path of the site that this request is for, as its sender sees it: its prefix, and the
    collection's path below it. "" if the site has a host of its own."""
    below: str = scope.get("app_root_path", scope.get("root_path", ""))
    return prefix_of(scope) + below


def relative(scope: Mapping[str, Any], path: str) -> str:
    """One of our paths relative to this request's page, whatever prefix both have."""
    here = scope.get("raw_path") or quote(scope["path"]).encode()
    return ("../" * (here.partition(b"?")[0].count(b"/") - 1) or "./") + path.removeprefix("/")
