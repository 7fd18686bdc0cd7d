"""Documents of block editors are read as the text that their editor shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vectorstore.loading.draft import Draft
from vectorstore.loading.records import parse_json, parse_lines, parse_table


def words(said: str, *marks: str) -> dict[str, Any]:
    return {"type": "text", "text": said, "marks": [{"type": mark} for mark in marks]}


def node(kind: str, *content: dict[str, Any], **attrs: Any) -> dict[str, Any]:
    return {"type": kind, "attrs": attrs, "content": list(content)}


PROSEMIRROR = node(
    "doc",
    node("heading", words("Harbour"), level=2),
    node(
        "paragraph",
        words("The quay holds 40 m"),
        words("2", "superscript"),
        words(" of "),
        words("ice", "bold"),
        words(", if 3 < 4 & <b> is no tag."),
    ),
    node(
        "bulletList",
        node("listItem", node("paragraph", words("crates"))),
        node("listItem", node("paragraph", words("nets"))),
    ),
    node(
        "blockquote",
        node("paragraph", words("Asked by "), {"type": "mention", "attrs": {"label": "Vold"}}),
    ),
)
EDITOR_JS = {
    "time": 1741000000000,
    "version": "2.30.0",
    "blocks": [
        {"id": "a", "type": "header", "data": {"text": "Harbour", "level": 2}},
        {
            "id": "b",
            "type": "paragraph",
            "data": {"text": "The <b>quay</b> holds&nbsp;ice &amp; salt."},
        },
        {
            "id": "c",
            "type": "list",
            "data": {
                "style": "unordered",
                "items": [
                    "crates",
                    {"content": "nets", "items": [{"content": "lines", "items": []}]},
                ],
            },
        },
        {"id": "d", "type": "quote", "data": {"text": "Never again", "caption": "Ingrid Vold"}},
        {"id": "e", "type": "table", "data": {"content": [["Year", "Tonnes"], ["2024", "310"]]}},
        {"id": "f", "type": "code", "data": {"code": "if a < b: <i>stay</i>"}},
        {"id": "g", "type": "delimiter", "data": {}},
    ],
}
DRAFT_JS = {
    "blocks": [
        {"key": "1", "text": "Harbour", "type": "header-two", "data": {}},
        {"key": "2", "text": "The quay holds ice, if 3 < 4.", "type": "unstyled", "data": {}},
    ],
    "entityMap": {},
}
SAYS = {
    "prosemirror": (
        PROSEMIRROR,
        ("Harbour\n\n", " ice, if 3 < 4 & <b> is no tag.", "crates\n", "nets", "Asked by Vold"),
    ),
    "editor.js": (
        EDITOR_JS,
        (
            "Harbour\n\nThe quay holds ice & salt.\n\n",
            "crates\n",
            "nets",
            "lines",
            "Never again\n\nIngrid Vold",
            "Tonnes",
            "310",
            "if a < b: <i>stay</i>",
        ),
    ),
    "draft.js": (DRAFT_JS, ("Harbour\n\nThe quay holds ice, if 3 < 4.",)),
}


def only(found: Any) -> Draft:
    (draft,) = found
    assert isinstance(draft, Draft), draft
    return draft


@pytest.mark.parametrize("editor", SAYS)
def test_an_editors_document_is_one_text_however_it_is_kept(editor: str) -> None:
    document, parts = SAYS[editor]
    kept_as_text = {"title": "Ice", "body": json.dumps(document), "comments": [{"text": "First!"}]}
    within = {"title": "Ice", "content": document, "comments": [{"text": "First!"}]}
    drafts = [
        only(parse_json(json.dumps(document).encode(), "a.json")),
        only(parse_json(json.dumps([document]).encode(), "a.json")),
        only(parse_json(json.dumps(within).encode(), "a.json")),
        only(parse_json(json.dumps(kept_as_text).encode(), "a.json")),
        only(parse_lines(json.dumps(within).encode(), "a.jsonl")),
        only(parse_lines(json.dumps(document).encode(), "a.jsonl")),
    ]
    assert len({draft.text for draft in drafts}) == 1
    text = drafts[0].text
    at = [text.find(part) for part in parts]
    assert -1 not in at, text
    assert at == sorted(at), text
    assert [draft.title for draft in drafts[2:5]] == ["Ice"] * 3


def test_a_document_in_a_tables_column_is_read() -> None:
    cell = json.dumps(DRAFT_JS).replace('"', '""')
    draft = only(parse_table(f'title,text\nIce,"{cell}"\n'.encode(), "a.csv"))
    assert (draft.title, draft.text) == ("Ice", "Harbour\n\nThe quay holds ice, if 3 < 4.")


def test_a_record_keeps_what_it_says_beside_its_blocks() -> None:
    record = {"title": "Ice", "date": "2025-03-03", "blocks": EDITOR_JS["blocks"]}
    draft = only(parse_json(json.dumps(record).encode(), "a.json"))
    assert draft.title == "Ice"
    assert draft.published is not None
    assert draft.text.startswith("Harbour\n\nThe quay")


def test_a_text_that_only_begins_like_json_stays_as_it_is() -> None:
    for said in ('{"type": "doc"} is how it begins', '{"a": 1}', "{draft}"):
        assert only(parse_json(json.dumps({"text": said}).encode(), "a.json")).text == said
