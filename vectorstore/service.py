"""The loopback API of the process that holds an index: every call of `calls.py`, over HTTP.

    GET  /holder?nonce=…    proves that this is who published the secret, without naming it
    POST /<method>          the call's arguments as JSON; needs `Authorization: Bearer <secret>`

An error of the project's tree is answered as JSON with its class and message, any other with its
class and place only. Nothing is logged. It knows no index folder and no socket; it imports FastAPI,
so it is imported when the first program connects and not before.
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

CLOSING = 503  # the status of a call that was not made, because the holder is about to end

_JSON = "application/json"
_LONGEST_NONCE = 200


class Running:
    """The calls that run at the moment, so that closing can wait for them."""

    def __init__(self) -> None:
        self.closed = False
        self._changed = threading.Condition()
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Count a call while it runs; False where no more are taken."""
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
        """Take no more, and wait up to `seconds` for those that run."""
        with self._changed:
            self.closed = True
            self._changed.wait_for(lambda: self._count == 0, seconds)


def build(index: Index, holder: Holder, running: Running) -> FastAPI:
    """The app. Calls run in a pool of threads: a long one keeps no other waiting."""

    async def authorised_body(request: Request) -> bytes:
        given = request.headers.get("authorization", "").encode()
        # Refused before the body is read: a stranger sends nothing into memory.
        if not hmac.compare_digest(given, f"Bearer {holder.secret}".encode()):
            raise HTTPException(401, "the secret in the index's holder.json is needed")
        return await request.body()

    app = FastAPI(openapi_url=None)
    # A page in a browser that has a name resolve to this machine gets no further than this.
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
            except Exception as error:  # noqa: BLE001 -- whatever it is, the caller has to hear of it
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
