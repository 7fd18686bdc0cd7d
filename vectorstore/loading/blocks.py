"""Documents of block editors, which are JSON: ProseMirror and TipTap, Editor.js, Draft.js.

They are written as HTML first, so that headings, lists and tables become the same text as those of
a page. Knows nothing of records.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from vectorstore.loading.markup import text_of

_TAGS = {
    "paragraph": "p",
    "heading": "h2",
    "bulletlist": "ul",
    "orderedlist": "ol",
    "listitem": "li",
    "tasklist": "ul",
    "taskitem": "li",
    "blockquote": "blockquote",
    "codeblock": "pre",
    "table": "table",
    "tablerow": "tr",
    "tablecell": "td",
    "tableheader": "th",
    "superscript": "sup",
    "subscript": "sub",
}
_OF_A_BLOCK = {
    "header": "h2",
    "header-one": "h1",
    "header-two": "h2",
    "header-three": "h3",
    "unordered-list-item": "li",
    "ordered-list-item": "li",
    "quote": "blockquote",
}
_BESIDE_BLOCKS = frozenset(["time", "version", "entitymap"])
_SHOWN = ("title", "text", "html", "message", "caption")  # in a block's data, in this order


class Document(str):
    """The text of an editor's document, plain: a "<" in it is a character of the article."""

    __slots__ = ()


def with_documents(value: dict[str, Any]) -> Any:
    """A hook for json.loads: an object as it is, or the Document that it stands for. An object with
    other fields beside its blocks keeps them, and has the Document as its text."""
    if value.get("type") == "doc" and _is_nodes(value.get("content")):
        return Document(text_of(_nodes(value["content"])))
    blocks = value.get("blocks")
    if (
        not isinstance(blocks, list)
        or not _is_nodes(blocks)
        or not all(_is_block(each) for each in blocks)
    ):
        return value
    text = Document(text_of("".join(map(_block, blocks))))
    rest = {name: each for name, each in value.items() if name != "blocks"}
    if {name.lower() for name in rest} <= _BESIDE_BLOCKS:
        return text
    return value if "text" in rest else rest | {"text": text}


def document_in(written: str) -> Document | None:
    """The document that a string holds as JSON, as in a database's column."""
    if not written.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(written, object_hook=with_documents)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Document) else None


def _is_nodes(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and isinstance(each.get("type"), str) for each in value)
    )


def _is_block(block: Mapping[str, Any]) -> bool:
    return isinstance(block.get("data"), dict)


def _nodes(nodes: Any) -> str:
    return "".join(_node(each) for each in nodes or () if isinstance(each, dict))


def _node(node: Mapping[str, Any]) -> str:
    """A node of ProseMirror's as HTML; what has no text of its own shows its label."""
    kind = str(node.get("type", "")).replace("_", "").lower()
    if kind == "hardbreak":
        return "<br>"
    if isinstance(node.get("text"), str):
        said = html.escape(node["text"], quote=False)
        for mark in node.get("marks") or ():
            if isinstance(mark, dict) and (tag := _TAGS.get(str(mark.get("type")))):
                said = _within(tag, said)
        return said
    if "content" in node:
        return _within(_TAGS.get(kind, "div"), _nodes(node["content"]))
    attributes = node.get("attrs")
    label = (
        attributes.get("label") or attributes.get("text") if isinstance(attributes, dict) else ""
    )
    return html.escape(label, quote=False) if isinstance(label, str) else ""


def _block(block: Mapping[str, Any]) -> str:
    """A block of Editor.js's, whose texts are HTML, or of Draft.js's, whose text is plain."""
    data, kind = block["data"], block["type"]
    if isinstance(block.get("text"), str):
        return _within(_OF_A_BLOCK.get(kind, "p"), html.escape(block["text"], quote=False))
    if isinstance(data.get("code"), str):
        return _within("pre", html.escape(data["code"], quote=False))
    if isinstance(data.get("items"), list):
        return _items(data["items"], "ol" if data.get("style") == "ordered" else "ul")
    if isinstance(data.get("content"), list):
        rows = (row for row in data["content"] if isinstance(row, list))
        cells = ("".join(_within("td", str(cell)) for cell in row) for row in rows)
        return _within("table", "".join(_within("tr", row) for row in cells))
    texts = [data[name] for name in _SHOWN if isinstance(data.get(name), str)]
    return "".join(_within(_OF_A_BLOCK.get(kind, "p"), text) for text in texts)


def _items(items: Sequence[Any], tag: str) -> str:
    """A list; its items are texts, or objects with one and items of their own."""
    found = ""
    for each in items:
        item = each if isinstance(each, dict) else {"content": each}
        inner = item.get("items")
        below = _items(inner, tag) if isinstance(inner, list) and inner else ""
        found += _within("li", f"{item.get('content') or item.get('text') or ''}{below}")
    return _within(tag, found)


def _within(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag}>"
