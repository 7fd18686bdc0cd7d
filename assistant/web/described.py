"""The API's own OpenAPI description as a readable page: no script, and nothing from elsewhere.

    page = described(app.openapi(), "../openapi.json")

It works from the document alone: a route that is added there appears on the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_METHODS = ("get", "put", "post", "patch", "delete")
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
section { border-top: 1px solid GrayText; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.95em; }
h3 code { font-weight: 600; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; }
td:first-child { white-space: nowrap; }
@media (max-width: 40rem) { td:first-child { white-space: normal; } }
"""


def described(document: Mapping[str, Any], source: str) -> str:
    """The page. `source` is the address of the document itself, relative to the page."""
    title = escape(document["info"]["title"])
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                name = (operation.get("tags") or ["Others"])[0]
                groups.setdefault(name, []).append((method, path, operation))
    contents = "".join(
        f"<li>{escape(name)}<ul>{''.join(map(_entry, found))}</ul></li>"
        for name, found in groups.items()
    )
    sections = "".join(
        f"<h2>{escape(name)}</h2>{''.join(map(_operation, found))}"
        for name, found in groups.items()
    )
    schemas = document.get("components", {}).get("schemas", {})
    shapes = "".join(_shape(name, schema) for name, schema in sorted(schemas.items()))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} API</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{title} API {escape(document['info']['version'])}</h1>"
        f'<p>For programs, the same as <a href="{escape(source)}">OpenAPI</a>.</p>'
        f"<nav><ul>{contents}<li><a href='#shapes'>Shapes</a></li></ul></nav>"
        f'{sections}<h2 id="shapes">Shapes</h2>{shapes}</main></body></html>'
    )


def _entry(found: tuple[str, str, Mapping[str, Any]]) -> str:
    method, path, operation = found
    told = escape(operation.get("summary", ""))
    return (
        f'<li><a href="#{_anchor(method, path)}"><code>{method.upper()} {escape(path)}</code></a> '
        f"{told}</li>"
    )


def _operation(found: tuple[str, str, Mapping[str, Any]]) -> str:
    method, path, operation = found
    parts = [
        f'<section id="{_anchor(method, path)}">',
        f"<h3><code>{method.upper()} {escape(path)}</code></h3>",
        f"<p>{escape(operation.get('summary', ''))}</p>",
        *(f"<p>{escape(each)}</p>" for each in operation.get("description", "").split("\n\n")),
    ]
    if parameters := operation.get("parameters"):
        rows = [
            (
                f"<code>{escape(each['name'])}</code>",
                f"in the {escape(each['in'])}",
                _required(each.get("required", False)),
                _type(each.get("schema", {})),
            )
            for each in parameters
        ]
        parts.append(_table(("Parameter", "Where", "", "Type"), rows))
    if body := operation.get("requestBody"):
        kinds = " or ".join(_contents(body.get("content", {})))
        parts.append(f"<p>Takes {kinds}.</p>")
    statuses = [
        (
            f"<code>{escape(status)}</code>",
            escape(response.get("description", "")),
            " or ".join(_contents(response.get("content", {}))),
        )
        for status, response in operation.get("responses", {}).items()
    ]
    parts.append(_table(("Status", "Meaning", "Body"), statuses))
    return "".join(parts) + "</section>"


def _contents(content: Mapping[str, Any]) -> Iterator[str]:
    for kind, what in content.items():
        yield f"<code>{escape(kind)}</code> {_type(what.get('schema', {}))}".strip()


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(field)}</code>",
            _type(what),
            _required(field in required),
            escape(what.get("description", "")),
        )
        for field, what in schema.get("properties", {}).items()
    ]
    told = f"<p>{escape(schema['description'])}</p>" if schema.get("description") else ""
    body = _table(("Field", "Type", "", ""), rows) if rows else f"<p>{_type(schema)}</p>"
    return f'<section id="shape-{escape(name)}"><h3>{escape(name)}</h3>{told}{body}</section>'


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to the shapes it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    for joined in ("anyOf", "oneOf", "allOf"):
        if joined in schema:
            return " or ".join(dict.fromkeys(map(_type, schema[joined])))
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(one))}</code>" for one in schema["enum"])
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {_type(schema.get('items', {})) or 'anything'}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    named = (
        "nothing"
        if kind == "null"
        else escape(" or ".join([kind] if isinstance(kind, str) else kind))
    )
    form = f" ({escape(schema['format'])})" if "format" in schema else ""
    bounds = [
        f"{told} {schema[name]:,}"
        for name, told in (
            ("minimum", "from"),
            ("maximum", "up to"),
            ("minLength", "from"),
            ("maxLength", "up to"),
        )
        if name in schema
    ]
    unit = " characters" if bounds and kind == "string" else ""
    limits = f", {' '.join(bounds)}{unit}" if bounds else ""
    default = schema.get("default")
    given = f", else <code>{escape(json.dumps(default))}</code>" if default is not None else ""
    return f"{named}{form}{limits}{given}"


def _required(required: bool) -> str:
    return "needed" if required else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _anchor(method: str, path: str) -> str:
    return f"{method}-{re.sub(r'[^a-z0-9]+', '-', path.lower()).strip('-')}"
