"""The routes for a visitor's conversations: his own, exactly as kept, and nobody else's."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from io import BytesIO
from urllib.parse import quote

import docx
import pytest

from assistant.api import create_app
from assistant.errors import ModelError
from assistant.render.markdown import to_markdown
from assistant.render.quoted import reading_address
from assistant.web.conversations import Conversations, Exchange, Filters
from assistant.web.history import AskedOut, ConversationOut
from assistant.web.keys import Can, Keys
from assistant.web.reading import ANSWER, REMOVED
from assistant.web.reading import changed as told_changed
from assistant.web.sealing import Seal
from assistant.web.visitors import COOKIE, visitor_of
from tests.fake_assistant import COST, HARBOUR, FakeAssistant
from tests.test_api import HERE, Client

ANN, BOB = {COOKIE: "a" * 43}, {COOKIE: "b" * 43}


@pytest.fixture
def conversations() -> Conversations:
    return Conversations.open()


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
def site(assistant: FakeAssistant, conversations: Conversations) -> Client:
    return Client(create_app(assistant, page=False, conversations=conversations))


@pytest.fixture
def asked(conversations: Conversations) -> Exchange:
    visitor = visitor_of(ANN)
    assert visitor is not None
    exchange = conversations.begin(visitor, COST.question)
    conversations.finish(exchange.id, COST)
    return exchange


def header(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def test_a_visitor_sees_his_conversations_and_nobody_elses(site: Client, asked: Exchange) -> None:
    (row,) = site.get("/conversations", headers=header(ANN)).json()["conversations"]
    assert (row["id"], row["title"]) == (asked.conversation_id, COST.question)
    for cookies in (BOB, {}):
        assert site.get("/conversations", headers=header(cookies)).json()["conversations"] == []


def test_conversations_are_exported_to_whose_they_are(
    site: Client, asked: Exchange, conversations: Conversations
) -> None:
    visitor = visitor_of(ANN)
    assert visitor is not None
    begin = partial(conversations.begin, visitor, conversation_id=asked.conversation_id)
    failed = begin("and *why*?")
    conversations.fail(failed.id, "The model is gone.")
    stopped = begin("how?")
    conversations.finish(stopped.id, replace(COST, text="The", complete=False), stopped=True)
    waiting = begin("when?", Filters(("Echo",), date(2025, 1, 1), tags=("kelp",)))
    (listed,) = site.get("/api/v1/conversations", headers=header(ANN)).json()["conversations"]
    assert (listed["id"], listed["title"]) == (asked.conversation_id, COST.question)
    path = f"/api/v1/conversations/{listed['id']}"
    told = site.get(path, headers=header(ANN)).json()
    first, second, third, last = told["exchanges"]
    assert first["answer"] == COST.to_dict()
    assert (second["state"], second["failure"]) == ("failed", "The model is gone.")
    assert (third["state"], third["answer"]["text"]) == ("stopped", "The")
    assert (last["id"], last["state"], last["answer"]) == (waiting.id, "asked", None)
    assert last["filters"] == {
        "sources": ["Echo"],
        "after": "2025-01-01",
        "before": None,
        "authors": [],
        "tags": ["kelp"],
    }
    assert datetime.fromisoformat(last["asked"]).timestamp() == pytest.approx(waiting.asked)
    ConversationOut.model_validate(told)
    exported = site.get(f"{path}.md", headers=header(ANN))
    assert exported.headers["content-type"] == "text/markdown; charset=utf-8"
    text = exported.text
    assert text.startswith("# ")
    assert to_markdown(COST, lambda _: ()) in text
    assert "**Q:** and \\*why\\*?\n\n*The model is gone.*" in text
    assert text.index("*Stopped here.*") < text.index("**Q:** when?\n\n*Not answered yet.*")
    for cookies in (BOB, {}):
        assert site.get("/api/v1/conversations", headers=header(cookies)).json() == {
            "conversations": []
        }
        for other in (path, f"{path}.md", f"{path}.docx"):
            assert site.get(other, headers=header(cookies)).status_code == 404
    document = docx.Document(BytesIO(site.get(f"{path}.docx", headers=header(ANN)).content))
    said = [paragraph.text for paragraph in document.paragraphs]
    assert said[:3] == [COST.question, COST.question, COST.text]
    assert said[3].startswith(f"[1] “{COST.citations[0].quote}” — Harbour wall: the cost doubles, ")
    assert [
        said.index(line) for line in ("The model is gone.", "Stopped here.", "Not answered yet.")
    ]


def test_each_key_has_conversations_of_its_own(
    assistant: FakeAssistant, conversations: Conversations, asked: Exchange
) -> None:
    url = "/api/v1/conversations"
    with closing(Keys.open(seal=Seal(b"k" * 32))) as keys:
        site = Client(create_app(assistant, page=False, conversations=conversations, keys=keys))
        given: list[tuple[str, Can]] = [("one", "ask"), ("other", "ask"), ("managing", "manage")]
        one, other, managing = (
            {"Authorization": f"Bearer {keys.create(name, can, 0.0)}"} for name, can in given
        )
        first = site.post(url, json={"question": COST.question, "tags": ["kelp"]}, headers=one)
        assert first.status_code == 201
        AskedOut.model_validate(first.json())
        assert (first.json()["state"], first.json()["answer"]) == ("answered", COST.to_dict())
        assert first.json()["filters"]["tags"] == ["kelp"]
        path = f"{url}/{first.json()['conversation']}"
        second = site.post(path, json={"question": "when does work begin?"}, headers=one).json()
        assert second["conversation"] == first.json()["conversation"]
        before, after = assistant.asked
        assert (before.history, before.tags) == ((), ("kelp",))
        assert [turn.text for turn in after.history] == [COST.question, COST.text]
        exchanges = site.get(path, headers=one).json()["exchanges"]
        assert [each["id"] for each in exchanges] == [first.json()["id"], second["id"]]
        assert COST.question in site.get(f"{path}.md", headers=one).text
        assert site.get(f"{path}.docx", headers=one).status_code == 200
        read = f"/read/{quote(HARBOUR.id)}?a={first.json()['id']}"
        assert site.get(read, headers=one).status_code == 200

        # Not to another key, even one that may do more, nor to a visitor: a cookie does not help.
        both = {**other, **header(ANN)}
        for who in (other, managing, both, header(ANN), {}):
            assert site.get(path, headers=who).status_code == 404
            assert site.get(f"{path}.md", headers=who).status_code == 404
            assert site.get(f"{path}.docx", headers=who).status_code == 404
            assert site.get(read, headers=who).status_code == 404
            assert site.request("DELETE", path, headers=who).status_code == 404
        for who in (other, managing, both, header(ANN)):
            assert site.post(path, json={"question": "and?"}, headers=who).status_code == 404
        assert site.get(url, headers=both).json() == {"conversations": []}
        assert site.get(f"{url}/{asked.conversation_id}", headers=both).status_code == 404
        refused = site.post(url, json={"question": "and?"})
        assert (refused.status_code, "send a key" in refused.json()["message"]) == (400, True)
        for wrong in ({"question": " "}, {"question": "x", "history": []}, {}):
            assert site.post(url, json=wrong, headers=one).status_code == 422
        assert len(assistant.asked) == 2

        # A new key under an old name starts empty.
        keys.revoke("one")
        anew = {"Authorization": f"Bearer {keys.create('one', 'ask', 0.0)}"}
        assert site.get(url, headers=anew).json() == {"conversations": []}
        assert site.get(path, headers=one).status_code == 401


def test_a_key_removes_its_conversation_and_a_failed_question_is_kept(
    conversations: Conversations,
) -> None:
    assistant = FakeAssistant(failures={"boom": ModelError("the model is off.")})
    url = "/api/v1/conversations"
    with closing(Keys.open(seal=Seal(b"k" * 32))) as keys:
        site = Client(create_app(assistant, page=False, conversations=conversations, keys=keys))
        key = {"Authorization": f"Bearer {keys.create('one', 'ask', 0.0)}"}
        failed = site.post(url, json={"question": "boom"}, headers=key).json()
        assert (failed["state"], failed["answer"]) == ("failed", None)
        assert "the model is off" in failed["failure"]
        path = f"{url}/{failed['conversation']}"
        assert site.request("DELETE", path, headers=key).json() == {
            "removed": failed["conversation"]
        }
        assert site.get(path, headers=key).status_code == 404
        assert site.get(url, headers=key).json() == {"conversations": []}


def test_a_conversation_is_renamed_and_deleted(site: Client, asked: Exchange) -> None:
    path = f"/conversations/{asked.conversation_id}"
    renamed = site.request("PATCH", path, json={"title": "The wall"}, headers=header(ANN))
    assert renamed.status_code == 204
    listed = site.get("/conversations", headers=header(ANN)).json()["conversations"]
    assert listed[0]["title"] == "The wall"
    removed = site.request("DELETE", path, headers=header(ANN))
    assert removed.status_code == 200
    assert site.get("/conversations", headers=header(ANN)).json()["conversations"] == []
    assert site.get(f"/answer/{asked.id}.md", headers=header(ANN)).status_code == 404
    undone = {"name": removed.json()["undo"]}
    for cookies, status in ((BOB, 404), ({}, 404), (ANN, 204), (ANN, 404)):
        answered = site.post("/conversations/undo", json=undone, headers=header(cookies))
        assert answered.status_code == status
    listed = site.get("/conversations", headers=header(ANN)).json()["conversations"]
    assert listed[0]["title"] == "The wall"
    assert site.get(f"/answer/{asked.id}.md", headers=header(ANN)).text == to_markdown(COST)


def test_an_answer_is_saved_as_markdown(site: Client, asked: Exchange) -> None:
    shown = site.get(f"/answer/{asked.id}.md", headers=header(ANN))
    assert shown.text == to_markdown(COST)
    assert "content-disposition" not in shown.headers
    saved = site.get(f"/answer/{asked.id}.md?save=true", headers=header(ANN))
    assert saved.text == to_markdown(COST)
    assert "attachment" in saved.headers["content-disposition"]


def test_a_verdict_is_kept_and_taken_back(
    site: Client, conversations: Conversations, asked: Exchange
) -> None:
    path = f"/answer/{asked.id}/verdict"
    for verdict in ("helpful", "not helpful", "wrong source", None):
        reply = site.request("PUT", path, json={"verdict": verdict}, headers=header(ANN))
        assert reply.status_code == 204
        assert [rated.verdict for rated in conversations.rated()] == ([verdict] if verdict else [])
    for given, status in (
        ({"verdict": "great"}, 422),
        ({"verdict": "not helpful", "reason": "great"}, 422),
        ({"verdict": "helpful", "reason": "other"}, 400),
        ({"verdict": "not helpful", "reason": "other", "remark": "too long"}, 204),
    ):
        assert site.request("PUT", path, json=given, headers=header(ANN)).status_code == status


@pytest.mark.parametrize("cookies", [BOB, {}, {COOKIE: "short"}])
def test_anothers_conversation_answer_and_export_are_not_found(
    site: Client, conversations: Conversations, asked: Exchange, cookies: dict[str, str]
) -> None:
    talk, answer = f"/conversations/{asked.conversation_id}", f"/answer/{asked.id}"
    requests = [
        ("PATCH", talk, {"title": "mine"}),
        ("DELETE", talk, None),
        ("PUT", f"{answer}/verdict", {"verdict": "helpful"}),
        ("GET", f"{answer}.md", None),
        ("GET", reading_address(COST, COST.citations[0], asked.id), None),
    ]
    told = set()
    for method, path, body in requests:
        reply = site.request(method, path, json=body, headers=header(cookies))
        assert reply.status_code == 404, path
        assert "€48" not in reply.text
        told.add(reply.text)
    never = site.get("/answer/never-was.md", headers=header(cookies))
    assert told == {never.text}  # what belongs to another looks just like what never existed
    assert len(list(conversations.rated())) == 0
    assert site.get(f"{answer}.md", headers=header(ANN)).status_code == 200


def test_pages_of_other_origins_change_nothing(
    site: Client, conversations: Conversations, asked: Exchange
) -> None:
    talk = f"/conversations/{asked.conversation_id}"
    for sent in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        evil = {**header(ANN), **sent}
        assert site.request("DELETE", talk, headers=evil).status_code == 403
        assert site.request("PATCH", talk, json={"title": "x"}, headers=evil).status_code == 403
    own = {**header(ANN), "Origin": HERE, "Sec-Fetch-Site": "same-origin"}
    assert site.request("PATCH", talk, json={"title": "x"}, headers=own).status_code == 204


def test_a_quote_of_an_article_that_is_gone_or_changed_is_read_as_it_was_saved(
    site: Client, assistant: FakeAssistant, asked: Exchange
) -> None:
    address = reading_address(COST, COST.citations[1], asked.id)
    whole = site.get(address, headers=header(ANN)).json()
    assert not whole["removed"]
    assert [(q["found"], "saved" in q) for q in whole["quotes"]] == [(True, False)] * 2
    assistant.index.kept[HARBOUR.id] = replace(HARBOUR, text=HARBOUR.text.replace("€24", "€25"))
    changed = site.get(address, headers=header(ANN)).json()
    assert [(q["found"], q.get("saved")) for q in changed["quotes"]] == [
        (True, None),
        (False, COST.citations[1].quote),
    ]
    page = site.get(address, headers={**header(ANN), "Accept": "text/html"}).text
    assert told_changed(ANSWER) in page
    assert f'<mark id="quote">{COST.citations[1].quote}</mark>' in page
    assistant.index.remove([HARBOUR.id])
    removed = site.get(address, headers=header(ANN)).json()
    assert removed["removed"]
    assert removed["title"] == HARBOUR.title
    assert [quote["saved"] for quote in removed["quotes"]] == [c.quote for c in COST.citations]
    assert REMOVED in site.get(address, headers={**header(ANN), "Accept": "text/html"}).text
    assert site.get(reading_address(COST, COST.citations[1])).status_code == 404
