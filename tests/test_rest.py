"""Version 1 of the API: it takes and returns what its own description says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest

from assistant.answers import Answer, Turn
from assistant.api import create_app
from assistant.errors import ModelError
from assistant.web.adding import Adding
from assistant.web.library import Library
from assistant.web.prefix import UnderPrefix
from assistant.web.shapes import AnswerOut
from tests.fake_assistant import (
    ANSWERS,
    ARTICLES,
    COST,
    HARBOUR,
    HOSTILE,
    MEETING,
    START,
    FakeAssistant,
    wait_until,
)
from tests.serving import served
from tests.test_naming import PORT, PRIZE
from vectorstore.articles import Article
from vectorstore.errors import FetchError
from vectorstore.fetching import Page

HERE = "http://127.0.0.1:7860"
ODD = replace(HARBOUR, id="a/b?#%20 c")


def offline(url: str) -> Page:
    raise FetchError(f"{url} cannot be fetched: there is no network here")


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant((*ARTICLES, HOSTILE, ODD))


@pytest.fixture
def app(assistant: FakeAssistant) -> Iterator[Any]:
    library = Library(assistant.index, Adding(assistant.index, fetch=offline))
    yield create_app(assistant, page=False, library=library)
    library.close()


def send(app: Any, method: str, path: str, **more: Any) -> httpx.Response:
    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            return await client.request(method, path, **more)

    return asyncio.run(sent())


def events(reply: httpx.Response) -> list[tuple[str, Any]]:
    found = []
    for block in reply.text.split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


# ------------------------------------------------------------------------------- its description

ASKED: list[tuple[str, str, str, dict[str, Any], int]] = [
    ("post", "/api/v1/answer", "", {"json": {"question": "harbour?"}}, 200),
    ("post", "/api/v1/answer", "", {"json": {"question": "when does work begin?"}}, 200),
    ("post", "/api/v1/answer", "", {"json": {"question": "anything else?"}}, 200),
    ("post", "/api/v1/answer", "", {"json": {"question": "hello"}}, 200),
    ("post", "/api/v1/answer", "", {"json": {"question": " "}}, 400),
    ("post", "/api/v1/answer", "", {"json": {"question": "x", "histroy": []}}, 422),
    ("post", "/api/answer", "", {"json": {"question": "harbour?"}}, 200),
    ("get", "/api/articles", "", {}, 200),
    ("get", "/api/v1/articles", "", {"params": {"words": "harbour"}}, 200),
    ("get", "/api/v1/names", "", {"params": {"words": "fr", "kind": "place"}}, 200),
    ("get", "/api/v1/names", "", {"params": {"kind": "ship"}}, 422),
    ("get", "/api/v1/articles", "", {"params": {"name": "Dakar"}}, 200),
    ("get", "/api/v1/search", "", {"params": {"q": "harbour"}}, 200),
    ("get", "/api/v1/search", "", {"params": {"q": "harbour", "k": 0}}, 422),
    ("get", "/api/v1/articles/{article_id}", "meeting", {}, 200),
    ("get", "/api/v1/articles/{article_id}", "gone", {}, 404),
    ("get", "/read/{article_id}", "gone", {}, 404),
    ("post", "/api/v1/articles", "", {"json": {"text": "A ferry was sold."}}, 201),
    ("patch", "/api/v1/articles/{article_id}", "meeting", {"json": {"title": "x"}}, 200),
    ("delete", "/api/v1/articles/{article_id}", "meeting", {}, 200),
    ("put", "/api/v1/files", "", {"params": {"name": "a.txt"}, "content": b"x y z"}, 202),
    ("post", "/api/v1/links", "", {"json": {"address": "example.org/story"}}, 202),
    ("get", "/api/v1/jobs", "", {}, 200),
    ("get", "/v1/models", "", {}, 200),
    (
        "post",
        "/v1/chat/completions",
        "",
        {"json": {"model": "dateline", "messages": [{"role": "user", "content": "harbour?"}]}},
        200,
    ),
    ("post", "/v1/chat/completions", "", {"json": {"model": "x", "messages": [{}]}}, 400),
]


@pytest.mark.parametrize(("method", "path", "article", "more", "status"), ASKED)
def test_what_comes_back_is_described_to_the_last_field(
    app: Any, method: str, path: str, article: str, more: dict[str, Any], status: int
) -> None:
    document = send(app, "GET", "/api/openapi.json").json()
    reply = send(app, method.upper(), path.replace("{article_id}", article), **more)
    assert reply.status_code == status, reply.text
    described = document["paths"][path][method]["responses"][str(status)]
    schema = described["content"]["application/json"]["schema"]
    jsonschema.validate(reply.json(), {**schema, "components": _closed(document["components"])})


@pytest.mark.parametrize(("root_path", "server"), [("", "/"), ("/dateline", "/dateline")])
def test_what_is_made_from_the_description_asks_below_the_proxy_s_path(
    app: Any, root_path: str, server: str
) -> None:
    document = send(UnderPrefix(app, root_path), "GET", "/api/openapi.json").json()
    assert document["servers"] == [{"url": server}]


def _closed(components: Any) -> Any:
    """The schemas, none of which allows a field that it does not name."""
    schemas = {
        name: {**schema, "additionalProperties": False} if "properties" in schema else schema
        for name, schema in components["schemas"].items()
    }
    return {**components, "schemas": schemas}


def test_every_operation_tells_its_security_its_errors_and_a_shape_of_its_success(app: Any) -> None:
    document = send(app, "GET", "/api/openapi.json").json()
    assert not [name for name in document["components"]["schemas"] if "__" in name]  # of two
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert "security" in operation, path
            if path.startswith(("/api/", "/v1/")):
                assert {"401", "403", "429", "503"} <= set(operation["responses"]), path
                (success,) = [s for s in operation["responses"] if s.startswith("2")]
                if success == "204":  # which has no content
                    continue
                for content in operation["responses"][success]["content"].values():
                    assert content["schema"] != {}, (method, path)
    add = document["paths"]["/api/v1/articles"]["post"]
    assert "A key that can `add` opens this." in add["description"]
    assert document["paths"]["/healthz"]["get"]["security"] == []


@pytest.mark.parametrize("answer", [*ANSWERS.values(), START])
def test_the_type_of_an_answer_is_the_answer(answer: Answer) -> None:
    assert AnswerOut.model_validate(answer.to_dict()).model_dump(mode="json") == answer.to_dict()


# ----------------------------------------------------------------------------------------- asking


def test_history_and_filters_reach_the_assistant(app: Any, assistant: FakeAssistant) -> None:
    asked = {
        "question": "and where?",
        "history": [{"role": "user", "text": "who?"}, {"role": "assistant", "text": "They."}],
        "as_of": "2025-07-26",
        "sources": ["Asian Lite"],
        "after": "2025-01-01",
        "before": "2025-12-31",
        "authors": ["Jane Doe"],
        "tags": ["ports", "Europe"],
    }
    for path in ("/api/v1/answer", "/api/v1/answer/stream"):
        assert send(app, "POST", path, json=asked).status_code == 200
        heard = assistant.asked.pop()
        assert heard.history == (Turn("user", "who?"), Turn("assistant", "They."))
        assert (heard.as_of, heard.sources) == (date(2025, 7, 26), ("Asian Lite",))
        assert (heard.after, heard.before) == (date(2025, 1, 1), date(2025, 12, 31))
        assert (heard.authors, heard.tags) == (("Jane Doe",), ("ports", "Europe"))


def test_a_stream_grows_to_the_answer(app: Any) -> None:
    found = events(send(app, "POST", "/api/v1/answer/stream", json={"question": COST.question}))
    assert {name for name, _ in found} == {"answer"}
    assert len(found) >= 3
    assert found[-1][1] == COST.to_dict()
    assert [answer["complete"] for _, answer in found] == [False] * (len(found) - 1) + [True]
    for _, answer in found:
        assert COST.text.startswith(answer["text"])


@pytest.mark.parametrize(
    ("failure", "kind"), [(ModelError("gone"), "ModelError"), (ZeroDivisionError("secret"), None)]
)
def test_a_stream_that_fails_in_the_middle_says_so(failure: Exception, kind: str | None) -> None:
    class Failing(FakeAssistant):
        def stream(self, question: str, **more: Any) -> Iterator[Answer]:
            yield replace(COST, text="The wall", citations=(), complete=False)
            raise failure

    app = create_app(Failing(), page=False)
    reply = send(app, "POST", "/api/v1/answer/stream", json={"question": "x"})
    name, told = events(reply)[-1]
    assert (name, told["error"]) == ("error", kind or "ServerError")
    assert "secret" not in reply.text


def test_a_stream_that_cannot_begin_is_refused_by_its_status(app: Any) -> None:
    reply = send(app, "POST", "/api/v1/answer/stream", json={"question": " "})
    assert (reply.status_code, reply.json()["error"]) == (400, "QuestionError")


# --------------------------------------------------------------------------------------- articles


def test_passages_are_found_with_their_offsets(app: Any) -> None:
    hits = send(app, "GET", "/api/v1/search", params={"q": "harbour", "k": 2}).json()["hits"]
    assert len(hits) == 2
    passage = hits[0]["passage"]
    assert MEETING.text[passage["start"] : passage["end"]] == passage["text"]
    assert passage["published"] == "2025-07-26"


def test_articles_are_narrowed_and_read_whatever_their_id_is_made_of(app: Any) -> None:
    def ids(**given: Any) -> list[str]:
        listed = send(app, "GET", "/api/v1/articles", params=given).json()
        return [article["id"] for article in listed["articles"]]

    assert ids(source="Asian Lite") == ["meeting"]
    assert ids(before="2025-07-26") == ["meeting", HOSTILE.id]
    assert ids(limit=1, skip=2) == ["meeting"]
    read = send(app, "GET", f"/api/v1/articles/{quote(ODD.id, safe='')}")
    assert (read.json()["id"], read.json()["text"]) == (ODD.id, ODD.text)


def test_names_are_listed_by_words_kind_and_filters_and_lead_to_their_articles() -> None:
    app = create_app(FakeAssistant([PORT, PRIZE]), page=False)

    def names(**given: Any) -> list[tuple[str, str, int]]:
        found = send(app, "GET", "/api/v1/names", params=given).json()
        assert (found["complete"], found["read"]) == (True, 2)
        return [(each["name"], each["kind"], each["articles"]) for each in found["names"]]

    # Complete when asked for the first time: it waits for the articles to be read.
    assert names(limit=2) == [("Ada Strake", "person", 2), ("Dakar", "place", 2)]
    assert names(words="ada", limit=9) == [("Ada Strake", "person", 2)]
    assert names(kind="organisation") == [("University of Skagen", "organisation", 1)]
    assert names(words="ada", tag="prizes") == [("Ada Strake", "person", 1)]
    assert names(skip=1, before="2025-07-26", after="2025-07-26") == [("Dakar", "place", 1)]
    for name, ids in (("dakar", ["prize", "port"]), ("University of Skagen", ["port"]), ("no", [])):
        found = send(app, "GET", "/api/v1/articles", params={"name": name}).json()
        assert [article["id"] for article in found["articles"]] == ids


def test_articles_of_a_name_are_not_listed_before_all_names_are_read(
    app: Any, assistant: FakeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.web.library._PATIENCE", 0.01)
    gated = threading.Event()
    get = assistant.index.get

    def slowly(article_id: str) -> Article:
        gated.wait(60)
        return get(article_id)

    monkeypatch.setattr(assistant.index, "get", slowly)
    reply = send(app, "GET", "/api/v1/articles", params={"name": "France"})
    assert reply.status_code == 503
    assert "names are still being read" in reply.json()["message"]
    names = send(app, "GET", "/api/v1/names").json()
    assert (names["complete"], names["read"], names["articles"]) == (False, 0, 4)
    gated.set()
    wait_until(lambda: send(app, "GET", "/api/v1/names").json()["complete"])
    assert send(app, "GET", "/api/v1/articles", params={"name": "France"}).json()["found"] == 1


def test_an_article_is_added_corrected_and_removed(app: Any, assistant: FakeAssistant) -> None:
    given = {"text": "A ferry was sold.", "title": "Ferry", "published": "2025-11-01"}
    article_id = send(app, "POST", "/api/v1/articles", json=given).json()["id"]
    path = f"/api/v1/articles/{article_id}"
    assert send(app, "GET", path).json()["published"] == "2025-11-01"
    send(app, "PATCH", path, json={"source": "Gazette"})
    article = assistant.index.get(article_id)
    assert (article.title, article.source) == ("Ferry", "Gazette")
    assert article.published == date(2025, 11, 1)
    labels = {"authors": ["Jane  Doe", " "], "tags": ["ports", "ports"]}
    assert send(app, "PATCH", path, json=labels).json()["authors"] == ["Jane Doe"]
    assert send(app, "GET", path).json()["tags"] == ["ports"]
    for filters, found in (
        ({"tag": "Ports"}, 1),
        ({"author": ["x", "JANE DOE"]}, 1),
        ({"tag": "port"}, 0),
    ):
        assert send(app, "GET", "/api/v1/articles", params=filters).json()["found"] == found
    send(app, "PATCH", path, json={"tags": []})
    assert send(app, "GET", path).json()["tags"] == []
    send(app, "PATCH", path, json={"undated": True})
    assert assistant.index.get(article_id).published is None
    assert send(app, "DELETE", path).json() == {"removed": article_id}
    assert send(app, "GET", path).status_code == 404
    assert send(app, "DELETE", path).status_code == 404


def test_several_articles_are_given_a_day_and_a_source(app: Any, assistant: FakeAssistant) -> None:
    def change(**given: Any) -> Any:
        return send(app, "PATCH", "/api/v1/articles", json={"ids": ["meeting", ODD.id], **given})

    for each in change(published="2025-07-26", source="Lowmere Post").json()["articles"]:
        assert (each["published"], each["source"]) == ("2025-07-26", "Lowmere Post")
    change(undated=True)
    article = assistant.index.get("meeting")
    assert (article.published, article.source) == (None, "Lowmere Post")
    assert change(published="26 July").status_code == 422


def test_several_articles_are_given_authors_and_tags_and_lose_them(
    app: Any, assistant: FakeAssistant
) -> None:
    def change(**given: Any) -> Any:
        return send(app, "PATCH", "/api/v1/articles", json={"ids": ["meeting", ODD.id], **given})

    told = change(add_tags=["ports", "Kelp"], add_authors=["Jane  Doe"]).json()["articles"]
    assert [(each["id"], each["authors"], each["tags"]) for each in told] == [
        ("meeting", ["Jane Doe"], ["ports", "Kelp"]),
        (ODD.id, ["Jane Doe"], ["ports", "Kelp"]),
    ]
    change(remove_tags=["PORTS"], add_tags=["kelp"], remove_authors=["nobody"])
    assert assistant.index.get("meeting").tags == ("Kelp",)
    assert assistant.index.get("meeting").authors == ("Jane Doe",)
    for refused, status in (
        ({"ids": ["meeting", "nobody"], "add_tags": ["x"]}, 404),
        ({"add_tags": ["x" * 201]}, 422),
        ({"add_tags": [f"{n}" for n in range(100)]}, 400),
        ({"ids": []}, 422),
        ({"tags": ["x"]}, 422),
    ):
        assert change(**refused).status_code == status
    assert assistant.index.get("meeting").tags == ("Kelp",)


def test_files_and_links_are_worked_on_and_told_of(app: Any, assistant: FakeAssistant) -> None:
    before = len(assistant.index.kept)
    params = {"name": "ferry.txt"}
    reply = send(app, "PUT", "/api/v1/files", params=params, content=b"A ferry was sold in May.")
    assert reply.json() == {"accepted": "ferry.txt"}
    send(app, "POST", "/api/v1/links", json={"address": "https://example.org/story"})
    wait_until(lambda: not send(app, "GET", "/api/v1/jobs").json()["running"])
    jobs = send(app, "GET", "/api/v1/jobs").json()
    assert len(assistant.index.kept) == before + 1
    assert [failure["what"] for failure in jobs["failures"]] == ["https://example.org/story"]


def test_what_is_too_large_is_refused(app: Any) -> None:
    params = {"name": "large.txt"}
    large = send(app, "PUT", "/api/v1/files", params=params, content=b"x" * 20_000_001)
    assert large.status_code == 400
    assert large.json()["message"].startswith("large.txt is larger than 20 MB")
    larger = send(app, "PUT", "/api/v1/files", params=params, content=b"x" * 21_000_001)
    assert larger.status_code == 413
    with served(app) as address:
        parts = (b"x" * 100_000 for _ in range(15))  # sent before its length is known
        unannounced = httpx.post(f"{address}/api/v1/answer", content=parts, timeout=60)
    assert unannounced.status_code == 413


@pytest.mark.parametrize("title", ["", " \t"])
def test_an_article_is_not_left_without_a_title(app: Any, title: str) -> None:
    assert send(app, "PATCH", "/api/v1/articles/meeting", json={"title": title}).status_code == 422
    assert send(app, "GET", "/api/v1/articles/meeting").json()["title"] == MEETING.title
