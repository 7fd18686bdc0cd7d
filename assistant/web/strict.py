"""The page as a browser gets it: under a strict Content-Security-Policy, at any address.

    app.add_middleware(StrictPage)

Gradio's page is changed where it would not work so: its own scripts get the policy's nonce, and its
addresses lose the slash that would lead out of a prefix.
"""

from __future__ import annotations

import gzip
import re
import secrets
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's files have a digest of their contents in their names: 57 of 70 requests are
# saved when the page is loaded again.
_UNCHANGING = (b"cache-control", b"public, max-age=31536000, immutable")


class StrictPage:
    """Sends the Content-Security-Policy, and gives the page's own scripts the nonce it asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The page is compressed here, after it has been read; everything else at its source.
        takes = dict(scope["headers"]).get(b"accept-encoding", b"")
        kept = scope["headers"]
        if scope["path"] == "/":
            kept = [pair for pair in kept if pair[0] != b"accept-encoding"]
        nonce = secrets.token_urlsafe(16)
        started: Message | None = None
        body = bytearray()

        async def secured(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                headers = _secured(message.get("headers", []), nonce)
                if scope["path"].startswith("/assets/") and message["status"] == 200:
                    headers.append(_UNCHANGING)
                message = {**message, "headers": headers}
                if dict(headers).get(b"content-type", b"").startswith(b"text/html"):
                    started = message
                    return
            elif message["type"] == "http.response.body" and started is not None:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                page = add_nonce(placed(body.decode()), nonce).encode()
                more = [(b"vary", b"Accept-Encoding")]
                if b"gzip" in takes:
                    page = gzip.compress(page, 6)
                    more.append((b"content-encoding", b"gzip"))
                more.append((b"content-length", str(len(page)).encode()))
                others = [pair for pair in started["headers"] if pair[0] != b"content-length"]
                await send({**started, "headers": [*others, *more]})
                started = None
                message = {"type": "http.response.body", "body": page}
            await send(message)

        await self._app({**scope, "headers": kept}, receive, secured)


_PREVIEW = re.compile(r'<meta\s+(?:property="og|name="twitter):[^>]*>\s*')
_MANIFEST = '<link rel="manifest" href="/manifest.json" />'
_PLACED = (
    # The manifest of our own: in Gradio's, the address of the icon is that without a prefix.
    '<link rel="manifest" href="page/manifest.json"><link rel="icon" href="favicon.ico">'
    # Gradio's script sets both, but only once it has loaded: until then the page would be blank.
    '<title>Dateline</title><link rel="stylesheet" href="page/page.css">'
    '<script src="page/root.js"></script>'
)


def placed(page: str) -> str:
    """The page with Gradio's addresses made to work wherever it lies, even below a prefix, and
    without what Gradio says of itself where a link to the page is shared."""
    head, begun, rest = page.partition("<script")
    return (_PREVIEW.sub("", head) + begun + rest).replace(_MANIFEST, _PLACED, 1)


def add_nonce(page: str, nonce: str) -> str:
    """The page with a nonce on each of its script elements.

    The page is parsed, so that `<script` inside a script, a comment or an attribute is left alone.
    """
    places = _ScriptTags(page).places
    for place in reversed(places):
        page = f'{page[:place]} nonce="{nonce}"{page[place:]}'
    return page


class _ScriptTags(HTMLParser):
    """Where in a page the name of each script tag ends."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.places: list[int] = []
        self._starts = [0]
        for line in page.split("\n")[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            line, column = self.getpos()
            self.places.append(self._starts[line - 1] + column + len("<script"))


def _secured(headers: list[tuple[bytes, bytes]], nonce: str) -> list[tuple[bytes, bytes]]:
    policy = (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    return [
        *headers,
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
