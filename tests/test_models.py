"""Which models can be chosen, what is found on this computer, and who may start using it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant import Settings, SettingsError
from assistant.api import create_app
from assistant.errors import ModelError, UnknownModelError
from assistant.web.access import Access
from assistant.web.asking import Desk
from assistant.web.conversations import Conversations
from assistant.web.keys import Keys
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from assistant.writing.choosing import Choice, Models, Offer
from assistant.writing.providers import PROVIDERS, Provider
from assistant.writing.servers import Server, servers_on
from tests.fake_assistant import FakeAssistant, _no_writer, wait_until
from tests.fake_model_server import Fail, ModelServer, Say, Send, free_port
from tests.test_generating import QUESTION, SAID, asking

HERE = "http://127.0.0.1:7860"
OLLAMA = Server("Ollama", "ollama", "http://127.0.0.1:11434", ("qwen3:4b", "gemma3:1b"))
LLAMA = Server("llama.cpp", "openai", "http://127.0.0.1:8080/v1", ("small.gguf",))
QWEN = "ollama:qwen3:4b@http://127.0.0.1:11434"


# -- settings ----------------------------------------------------------------------------------


def test_the_models_to_choose_from_are_those_of_the_settings_and_none() -> None:
    given = Settings(
        model="openai:local",
        base_url="http://127.0.0.1:8080/v1",
        api_key="sk-secret",
        models="anthropic:haiku, openai:big@https://models.example/v1,openai:local@http://127.0.0.1:8080/v1",
    )
    found = given.choices
    assert list(found) == [
        "openai:local",
        "anthropic:haiku",
        "openai:big@https://models.example/v1",
        "reader",
    ]
    assert {name: each.goes_to for name, each in found.items()} == {
        "openai:local": (),
        "anthropic:haiku": ("api.anthropic.com",),
        "openai:big@https://models.example/v1": ("models.example",),
        "reader": (),
    }
    assert found["openai:big@https://models.example/v1"].server == "https://models.example/v1"
    # One server's key is sent to no other.
    assert [each.key for each in found.values()] == ["sk-secret", None, None, None]
    assert not given.local
    assert Settings(models="ollama:qwen3").local
    assert list(Settings(models="ollama:qwen3").choices) == ["reader", "ollama:qwen3"]


def test_where_a_question_goes_is_known_of_everything_that_sees_it() -> None:
    given = Settings(model="openai:x", chroma_url="https://vectors.example", tracing=True)
    assert given.goes_to == ("api.openai.com", "vectors.example", "LangSmith")
    assert given.choices["reader"].goes_to == ("vectors.example", "LangSmith")
    assert Settings(model="ollama:gpt-oss:120b-cloud").goes_to == ("ollama.com",)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"models": "gpt-9"}, "give each chat model as one of"),
        ({"models": "openai:x@http:8080"}, "give a server after the @"),
        ({"models": "openai:x@http://ann:pw@host/v1"}, "without a password in it"),
        ({"model_ports": "8080, x"}, 'give ports such as 11434, 8080, or "none"'),
        ({"model_ports": "70000"}, "give ports"),
        ({"model_ports": ","}, "give ports"),
    ],
)
def test_what_is_no_model_and_no_port_is_refused(setting: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Settings(**setting)


def test_ports_are_looked_at_or_none() -> None:
    assert Settings(model_ports="8081").ports == (8081,)
    assert Settings(model_ports="None").ports == ()
    assert Settings.model_fields["model_ports"].default == "11434, 8080, 1234, 8000"


# -- servers on this computer ------------------------------------------------------------------


def test_servers_are_found_by_the_ports_they_listen_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy from the environment is not used: nothing listens there.
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")
    listed = (
        "qwen3:4b",
        "nomic-embed-text",
        "gpt-oss:120b-cloud",
        "a b",
        "x@http://evil",
        "y" * 201,
    )
    with (
        ModelServer(Say(""), models=listed, owner="library") as ollama,
        ModelServer(Say(""), models=("small.gguf",), owner="llamacpp") as llama,
    ):
        found = servers_on((ollama.port, free_port(), llama.port))
    assert found == [
        Server("Ollama", "ollama", ollama.root, ("qwen3:4b",)),
        Server("llama.cpp", "openai", llama.url, ("small.gguf",)),
    ]
    assert ollama.looked == llama.looked == ["/v1/models"]
    assert ollama.requests == llama.requests == []  # no model is asked anything


def endless() -> Iterator[bytes]:
    while True:
        yield b" " * 65_536


@pytest.mark.parametrize(
    "listed",
    [
        Send([b"<html>It works!</html>"]),
        Send([b'{"data": 5}']),
        Send([b'{"data": []}']),
        Send([b'{"data": [{"name": "x"}]}']),
        Send([b'{"data": [{"id": 5}]}']),
        Send([b'["x"]']),
        Send([b"[" * 200_000]),
        Send([b"\xff\xfe"]),
        Send([b"{}"], status=404),
        Send([json.dumps({"data": [{"id": "dateline", "owned_by": "dateline"}]}).encode()]),
        Send(endless()),
    ],
)
def test_what_serves_no_chat_models_is_not_found(listed: Send) -> None:
    with ModelServer(Say(""), listed=listed) as server:
        assert servers_on([server.port], patience=20) == []
        assert server.looked == ["/v1/models"]


def test_a_redirection_is_not_followed() -> None:
    with ModelServer(Say("")) as other:
        away = Send([b""], status=302, headers={"location": f"{other.url}/models"})
        with ModelServer(Say(""), listed=away) as server:
            assert servers_on([server.port]) == []
        assert other.looked == []


def test_a_server_that_takes_too_long_is_not_waited_for() -> None:
    import threading

    held = threading.Event()

    def late() -> Iterator[bytes]:
        held.wait(60)
        yield b"{}"

    with ModelServer(Say(""), listed=Send(late())) as server:
        begun = time.monotonic()
        assert servers_on([server.port], patience=0.3) == []
        assert time.monotonic() - begun < 30
        held.set()


# -- choosing ----------------------------------------------------------------------------------


def found_here(*found: Server) -> Any:
    def find(ports: Sequence[int]) -> list[Server]:
        assert ports == (11434,)
        return list(found)

    return find


def models_of(*found: Server, **settings: Any) -> Models:
    given = Settings(model_ports="11434", **settings)
    return Models(given, _no_writer, find=found_here(*found))


def searched(models: Models) -> Models:
    models.search()
    wait_until(lambda: not models.searching)
    return models


def test_what_is_found_is_offered_and_used_only_once_somebody_says_so() -> None:
    models = models_of(OLLAMA)
    assert models.offered() == []  # nobody has looked yet
    searched(models)
    assert [choice.name for choice in models.choices()] == ["reader"]
    assert models.offered() == [
        Offer(QWEN, "qwen3:4b", "Ollama"),
        Offer("ollama:gemma3:1b@http://127.0.0.1:11434", "gemma3:1b", "Ollama"),
    ]
    with pytest.raises(UnknownModelError, match="there is no model 'ollama:qwen3:4b@http"):
        models.settings_of(QWEN)
    assert models.use(QWEN) == Choice(QWEN, "qwen3:4b (Ollama)")
    assert models.use(QWEN) == Choice(QWEN, "qwen3:4b (Ollama)")  # clicked twice
    assert [choice.name for choice in models.choices()] == ["reader", QWEN]
    assert [offer.label for offer in models.offered()] == ["gemma3:1b"]
    assert models.settings_of(QWEN).server == "http://127.0.0.1:11434"
    with pytest.raises(UnknownModelError, match="there are ollama:gemma3"):
        models.use("ollama:other@http://127.0.0.1:11434")
    with pytest.raises(UnknownModelError):
        models.use("openai:x@http://models.example/v1")  # one that was not found


def test_what_is_set_already_is_not_offered() -> None:
    set_ = {"model": "ollama:qwen3:4b", "models": "openai:local@http://localhost:8080/v1/"}
    models = searched(models_of(OLLAMA, LLAMA, **set_))
    assert [offer.label for offer in models.offered()] == ["gemma3:1b"]


def test_a_model_whose_package_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = Provider("no_such_module_of_ours", "ollama")
    monkeypatch.setitem(PROVIDERS, "ollama", missing)
    models = searched(models_of(OLLAMA))
    remedy = "Run `pip install 'dateline[ollama]'`."
    assert [offer.remedy for offer in models.offered()] == [remedy] * 2
    with pytest.raises(ModelError, match="qwen3:4b needs a package"):
        models.use(QWEN)
    assert [choice.name for choice in models.choices()] == ["reader"]


def test_switched_off_nothing_is_looked_for() -> None:
    def never(ports: Sequence[int]) -> list[Server]:
        raise AssertionError

    models = Models(Settings(model_ports="none"), _no_writer, find=never)
    models.search()
    assert not models.searching


def test_each_question_is_answered_by_the_model_that_was_chosen_for_it(tmp_path: Path) -> None:
    with (
        ModelServer(Say(f"{SAID} [1].")) as one,
        ModelServer(Say(f"{SAID} [1].")) as two,
    ):
        second = f"openai:second@{two.url}"
        with asking(tmp_path, one.url, models=second) as assistant:
            assert assistant.answer(QUESTION).model == "openai:scripted"
            assert assistant.answer(QUESTION, model="openai:scripted").model == "openai:scripted"
            assert assistant.answer(QUESTION, model=second).model == "openai:second"
            assert assistant.answer(QUESTION, model="reader").model == "fake"
            assert [*assistant.stream(QUESTION, model=second)][-1].model == "openai:second"
            assert asyncio.run(assistant.aanswer(QUESTION, model="reader")).model == "fake"
            with pytest.raises(UnknownModelError, match="there are openai:scripted, openai:second"):
                assistant.answer(QUESTION, model="openai:third")
        assert (len(one.requests), len(two.requests)) == (2, 2)
        assert set(one.keys) == {"Bearer sk-very-secret-0123456789"}
        assert set(two.keys) == {"Bearer none"}  # the key of the first is not sent there


def test_a_model_that_fails_is_told_by_its_own_name(tmp_path: Path) -> None:
    with ModelServer(Say(f"{SAID} [1].")) as one, ModelServer(Fail(500)) as two:
        second = f"openai:second@{two.url}"
        with asking(tmp_path, one.url, models=second) as assistant:
            answer = assistant.answer(QUESTION, model=second)
    assert "The server of openai:second failed" in answer.notices[-1]


# -- conversations -----------------------------------------------------------------------------


def test_a_conversation_keeps_its_model_and_a_question_asked_again_takes_the_one_of_now() -> None:
    assistant = FakeAssistant(settings=Settings(models="ollama:a,ollama:b"))
    kept = Conversations.open()
    desk = Desk(assistant, kept)

    def done(asked: Any) -> Any:
        wait_until(lambda: desk.progress(asked.id) is None)
        return kept.exchange("ann", asked.id)

    first = done(desk.ask("ann", "harbour?", model="ollama:a"))
    assert (first.model, first.answer.model) == ("ollama:a", "ollama:a")
    assert kept.get("ann", first.conversation_id).model == "ollama:a"
    kept.narrow("ann", first.conversation_id, first.filters, "reader")
    assert kept.get("ann", first.conversation_id).model == "reader"
    kept.narrow("ann", first.conversation_id, first.filters)
    assert kept.get("ann", first.conversation_id).model == "reader"
    assert done(desk.retry("ann", first.id)).model == "ollama:a"
    again = done(desk.retry("ann", first.id, model="ollama:b"))
    assert (again.model, again.answer.model) == ("ollama:b", "ollama:b")
    # One that was found once and is no longer there: no other is asked in its place.
    gone = done(desk.ask("ann", "harbour?", model=QWEN))
    assert gone.state == "failed"
    assert "there are reader, ollama:a, ollama:b" in gone.failure
    assert done(desk.ask("ann", "harbour?")).answer.model == "reader"
    assert [each.model for each in assistant.asked] == ["ollama:a", "ollama:a", "ollama:b", None]
    desk.close()
    kept.close()


# -- the API -----------------------------------------------------------------------------------


def send(app: Any, method: str, path: str, **more: Any) -> httpx.Response:
    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            return await client.request(method, path, **more)

    return asyncio.run(sent())


def found_by(assistant: FakeAssistant) -> FakeAssistant:
    assistant.models = searched(models_of(OLLAMA, models="anthropic:haiku"))
    return assistant


def test_programs_list_the_models_choose_one_and_begin_to_use_a_found_one() -> None:
    assistant = found_by(FakeAssistant())
    app = create_app(assistant, page=False)
    told = send(app, "GET", "/api/v1/models").json()
    assert told["models"] == [
        {"name": "reader", "label": "the articles' own words", "goes_to": []},
        {"name": "anthropic:haiku", "label": "anthropic:haiku", "goes_to": ["api.anthropic.com"]},
    ]
    assert told["offered"][0] == {
        "name": QWEN,
        "label": "qwen3:4b",
        "program": "Ollama",
        "remedy": "",
    }
    assert told["may_use"]
    asked = {"question": "harbour?", "model": QWEN}
    refused = send(app, "POST", "/api/v1/answer", json=asked)
    assert refused.status_code == 422
    assert refused.json()["error"] == "UnknownModelError"
    assert send(app, "POST", "/api/v1/models", json={"name": QWEN}).status_code == 201
    assert send(app, "POST", "/api/v1/answer", json=asked).json()["model"] == "ollama:qwen3:4b"
    assert send(app, "POST", "/api/v1/models", json={"name": "ollama:x"}).status_code == 422
    assert send(app, "POST", "/api/v1/models/search").status_code == 202
    wait_until(lambda: not assistant.models.searching)


def test_visitors_of_a_shared_page_choose_among_what_is_set_and_begin_nothing() -> None:
    keys = Keys.open(seal=Seal(bytes(32)))
    manage = keys.create("boss", "manage", time.time())
    ask = keys.create("bot", "ask", time.time())
    access = Access("four words of mine", Sessions.open())
    app = create_app(found_by(FakeAssistant()), page=False, access=access, keys=keys)
    for who in ("four words of mine", ask):
        headers = {"Authorization": f"Bearer {who}"}
        told = send(app, "GET", "/api/v1/models", headers=headers).json()
        assert [each["name"] for each in told["models"]] == ["reader", "anthropic:haiku"]
        assert told["offered"] == []
        assert not any(told[may] for may in ("searching", "may_use", "may_search"))
        for path, body in (("models", {"name": QWEN}), ("models/search", None)):
            reply = send(app, "POST", f"/api/v1/{path}", headers=headers, json=body)
            assert reply.status_code == 403, (who, path)
    boss = {"Authorization": f"Bearer {manage}"}
    assert len(send(app, "GET", "/api/v1/models", headers=boss).json()["offered"]) == 2
    reply = send(app, "POST", "/api/v1/models", headers=boss, json={"name": QWEN})
    assert reply.status_code == 201
