"""The page that describes the API: complete, and readable without scripts."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from assistant.api import create_app
from assistant.web.described import described
from tests.fake_assistant import FakeAssistant
from tests.test_api import Client


@pytest.fixture(scope="module")
def app() -> Any:
    return create_app(FakeAssistant(), page=False)


class _Read(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links |= {given["href"] or ""} if "href" in given else set()
        assert not [name for name in given if name == "src" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_operation_and_shape_is_on_the_page_and_every_link_leads_somewhere(app: Any) -> None:
    reply = Client(app).get("/api/v1/docs", headers={"Accept": "text/html"})
    assert reply.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    read = _Read(reply.text)
    document = app.openapi()
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert operations <= {*read.words}
    assert len(operations) > 20
    assert {f"shape-{name}" for name in document["components"]["schemas"]} <= {*read.ids}
    assert len(read.ids) == len({*read.ids})
    assert read.links - {f"#{each}" for each in read.ids} == {"../openapi.json"}
    assert "script" not in read.tags
    assert "A key that can `ask` opens this." in read.words


def test_what_a_description_says_is_text_and_no_markup() -> None:
    hostile = "<script>alert(1)</script>"
    page = described(
        {
            "info": {"title": hostile, "version": hostile},
            "paths": {
                f"/{hostile}": {
                    "get": {
                        "summary": hostile,
                        "description": hostile,
                        "tags": [hostile],
                        "parameters": [
                            {"name": hostile, "in": "query", "schema": {"enum": [hostile]}}
                        ],
                        "responses": {"200": {"description": hostile}},
                    }
                }
            },
            "components": {"schemas": {hostile: {"properties": {hostile: {"default": hostile}}}}},
        },
        "x",
    )
    assert "script" not in _Read(page).tags
    assert hostile not in page
