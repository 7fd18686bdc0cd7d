"""The API's own description, for programs as OpenAPI and for people as a page.

    GET  /api/openapi.json
    GET  /api/v1/docs            see `described`

It says which key opens each operation, and how a request without one is refused.
"""

# No `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.
from typing import TYPE_CHECKING, Any

from assistant.web.described import described
from assistant.web.keyed import needed
from assistant.web.prefix import base_of
from assistant.web.shapes import ErrorOut

if TYPE_CHECKING:
    from fastapi import FastAPI

_METHODS = ("get", "put", "post", "patch", "delete")
_FAULTS = {401: "No key or password", 403: "A key that cannot do this", 429: "Too many questions"}


def serve_description(app: "FastAPI") -> None:
    """Make the description say what opens each operation and how it is refused, and serve it."""
    from fastapi import Request
    from fastapi.openapi.utils import get_openapi
    from fastapi.responses import HTMLResponse

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {}).setdefault(
                "ErrorOut", ErrorOut.model_json_schema()
            )
            components["securitySchemes"] = {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of `dateline key create`, or the page's password; needed "
                    "where the page has one",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "dateline_session"},
            }
            for path, methods in schema["paths"].items():
                for method, operation in methods.items():
                    if method in _METHODS:
                        _describe(operation, method, path)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = description  # type: ignore[method-assign]  # as FastAPI's own documentation does it

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> dict[str, Any]:
        # Without the path, programs made from this would ask at the host's root.
        return {**app.openapi(), "servers": [{"url": base_of(request.scope) or "/"}]}

    @app.get("/api/v1/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(described(app.openapi(), "../openapi.json"))


def _describe(operation: dict[str, Any], method: str, path: str) -> None:
    if path == "/healthz":
        operation["security"] = []
        return
    wanted = needed(method.upper(), path)
    operation["security"] = [{"bearer": []}, {"session": []}]
    opens = f"A key that can `{wanted}` opens this." if wanted else "No key opens this."
    operation["description"] = f"{operation.get('description', '')}\n\n{opens}".strip()
    shape = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
    for status, told in _FAULTS.items():
        operation["responses"].setdefault(str(status), {"description": told, "content": shape})
