"""The loopback API of the process that holds an index: every call of `calls.py`, over HTTP.

    GET  /holder?nonce=…    proves that this process published the secret, without revealing it
    POST /<method>          the call's arguments as JSON; needs `Authorization: Bearer <secret>`

One of the project's own errors is returned as JSON with its class and message, any other with only
its class and where it was raised. Nothing is logged. This module knows no index folder and no
socket; it imports FastAPI, so it is imported only when the first program connects.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.middleware.trustedhost import TrustedHostMiddleware

from vectorstore import calls
from vectorstore.errors import (
    ArticleError,
    ArticleNotFoundError,
    DatelineError,
    SearchError,
    StoreError,
)
from vectorstore.holding import Holder
from vectorstore.index import Index

CLOSING = 503  # the status of a call that was not made because the holder is about to exit

_JSON = "application/json"
_LONGEST_NONCE = 200


class Running:
    """The calls in progress, so that closing can wait for them."""

    def __init__(self) -> None:
        self.closed = False
        self._changed = threading.Condition()
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Count a call while it runs; yields False if no more are accepted."""
        with self._changed:
            taken = not self.closed
            self._count += taken
        try:
            yield taken
        finally:
            with self._changed:
                self._count -= taken
                self._changed.notify_all()

    def close(self, seconds: float) -> None:
        """Accept no more calls, and wait up to `seconds` for those in progress."""
        with self._changed:
            self.closed = True
            self._changed.wait_for(lambda: self._count == 0, seconds)


def build(index: Index, holder: Holder, running: Running) -> FastAPI:
    """The app. Calls run in a thread pool, so a long one does not hold up the others."""

    async def authorised_body(request: Request) -> bytes:
        given = request.headers.get("authorization", "").encode()
        # Refused before the body is read, so a stranger cannot fill memory.
        if not hmac.compare_digest(given, f"Bearer {holder.secret}".encode()):
            raise HTTPException(401, "the secret in the index's holder.json is needed")
        return await request.body()

    app = FastAPI(openapi_url=None)
    # Stops a web page whose host name resolves to this machine (DNS rebinding).
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1"], www_redirect=False)

    @app.get("/holder")
    def prove(nonce: str) -> Response:
        if len(nonce) > _LONGEST_NONCE:
            raise HTTPException(422, "the nonce is too long")
        if running.closed:
            raise HTTPException(CLOSING, "closing")
        return Response(holder.proof(nonce), media_type="text/plain")

    @app.post("/{method}")
    def call(method: str, body: bytes = Depends(authorised_body)) -> Response:
        with running.one() as taken:
            if not taken:
                raise HTTPException(CLOSING, "closing")
            try:
                return Response(calls.answer(method, body, index), media_type=_JSON)
            except DatelineError as error:
                return Response(calls.encode_error(error), _status(error), media_type=_JSON)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the caller must be told
                failure = StoreError(
                    f"the program that holds the index failed at {method} "
                    f"({calls.described(error)}). Run `dateline doctor`."
                )
                return Response(calls.encode_error(failure), 500, media_type=_JSON)

    return app


def _status(error: DatelineError) -> int:
    if isinstance(error, ArticleNotFoundError):
        return 404
    return 422 if isinstance(error, ArticleError | SearchError) else 500
