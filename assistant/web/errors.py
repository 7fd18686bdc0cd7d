"""Errors over HTTP: each has a status, and a body in the shape of the API that was asked.

    answer_errors(app)                  {"error": the error's class, "message": its text}
    body_of("/v1/models", error)        the same as OpenAI's clients know it; for what is streamed

Any other exception is left to the server, which discloses nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.errors import (
    CollectionError,
    ConversationNotFoundError,
    EmptyIndexError,
    ModelError,
    NoPictureError,
    QuoteNotFoundError,
    TooManyQuestionsError,
    UnknownCollectionError,
    UnknownModelError,
)
from assistant.web.guarding import OPENAI, error_body
from vectorstore.errors import ArticleNotFoundError, DatelineError, EmbeddingError, StoreError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException

_CONFLICT = 409
# By class; the first that matches counts, and all other errors are 400.
_STATUSES: tuple[tuple[int, tuple[type[DatelineError], ...]], ...] = (
    (
        404,
        (
            ArticleNotFoundError,
            ConversationNotFoundError,
            NoPictureError,
            QuoteNotFoundError,
            UnknownCollectionError,
        ),
    ),
    (_CONFLICT, (CollectionError, EmptyIndexError)),
    (422, (UnknownModelError,)),
    (429, (TooManyQuestionsError,)),
    (503, (StoreError, EmbeddingError, ModelError)),
)


class RefusedError(DatelineError):
    """A request that makes no sense here; `param` names its field, `code` is what OpenAI calls it."""

    def __init__(self, message: str, *, param: str, code: str, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


def body_of(path: str, error: DatelineError) -> dict[str, Any]:
    refused = error if isinstance(error, RefusedError) else None
    param, code = (refused.param, refused.code) if refused else (None, None)
    kind = type(error).__name__
    return error_body(path, _status(error), str(error), kind, param=param, code=code)


def answer_errors(app: FastAPI) -> None:
    """Make the application answer with errors of these shapes."""
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException

    @app.exception_handler(DatelineError)
    def _failed(request: Request, error: DatelineError) -> JSONResponse:
        path, status = request.url.path, _status(error)
        if path.startswith(OPENAI) and status == _CONFLICT:
            status = 400  # OpenAI's clients retry a conflict
        wait = error.wait if isinstance(error, TooManyQuestionsError) else None
        headers = {"Retry-After": str(wait)} if wait else None
        return JSONResponse(body_of(path, error), status, headers)

    @app.exception_handler(RequestValidationError)
    def _refused(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [
            (".".join(str(part) for part in problem["loc"]), problem["msg"])
            for problem in error.errors()
        ]
        told = "; ".join(f"{place}: {wrong}" for place, wrong in problems)
        path = request.url.path
        param = problems[0][0].removeprefix("body.") if problems else None
        status = 400 if path.startswith(OPENAI) else 422
        return JSONResponse(error_body(path, status, told, param=param), status_code=status)

    @app.exception_handler(HTTPException)
    def _not_served(request: Request, error: HTTPException) -> JSONResponse:
        body = error_body(request.url.path, error.status_code, str(error.detail))
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)


def _status(error: DatelineError) -> int:
    if isinstance(error, RefusedError):
        return error.status
    return next((status for status, kinds in _STATUSES if isinstance(error, kinds)), 400)
