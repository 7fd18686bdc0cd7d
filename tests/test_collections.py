"""Several collections of articles in one installation: each separate, whoever asks and however."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from mcp import Client, MCPError
from typer.testing import CliRunner, Result

from assistant import Assistant, Settings
from assistant.cli import app
from assistant.errors import CollectionError, SettingsError, UnknownCollectionError
from assistant.installation import Installation
from assistant.mcp.server import server_of
from assistant.sites import with_collections
from assistant.web.access import Access
from assistant.web.beside import Beside
from assistant.web.choosing import Choice, Desk
from assistant.web.keys import CANS, Keys
from assistant.web.keys import FILE as KEYS
from assistant.web.library import Library
from assistant.web.programs import Programs
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from assistant.web.several import Several, Site
from tests.fake_assistant import CO_CHAIRS, MEETING, FakeAssistant
from tests.fake_embedding import FakeEmbedding
from tests.serving import served
from tests.test_loading import pdf, written
from tests.test_mcp import over_http
from vectorstore.errors import StoreDamagedError
from vectorstore.holding import hold
from vectorstore.local import LocalIndex

PASSWORD = "four words of mine"  # noqa: S105  # of these tests
SEAL = Seal(b"k" * 32)
_get, _post, _delete, _request = (
    partial(call, timeout=60)  # the cores may be busy with other things
    for call in (httpx.get, httpx.post, httpx.delete, httpx.request)
)
QUESTION = "who co-chairs the two-state meeting?"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(Settings(index=tmp_path / "index"))


# ------------------------------------------------------------------------------- folders and names


def test_a_collection_is_a_folder_of_its_owner_beside_the_index(
    installation: Installation, tmp_path: Path
) -> None:
    assert installation.names() == ()
    settings = installation.create("press")
    installation.create("Archive_2-x")
    assert installation.names() == ("Archive_2-x", "press")
    assert settings.index == tmp_path / "collections" / "press"
    assert settings.index.stat().st_mode & 0o777 == 0o700
    with pytest.raises(CollectionError, match="a collection 'press' already"):
        installation.create("press")
    (settings.index / "catalog.sqlite").write_bytes(b"")
    installation.remove("press")
    assert [each.name for each in (tmp_path / "collections").iterdir()] == ["Archive_2-x"]


@pytest.mark.parametrize(
    "name", ["", "../x", "..", "a/b", "a\\b", ".x", "-x", "a b", "ä", "x\n", "x" * 61, "x\0"]
)
def test_what_is_no_name_makes_no_folder(
    installation: Installation, tmp_path: Path, name: str
) -> None:
    with pytest.raises(CollectionError, match="is not a valid name for a collection"):
        installation.create(name)
    with pytest.raises(UnknownCollectionError):
        installation.remove(name)
    assert list(tmp_path.iterdir()) == []
    if name:
        with pytest.raises(SettingsError, match=r"letters, digits, - and _|NUL|path"):
            Settings(collection=name)


def test_an_unknown_name_is_told_with_those_there_are(installation: Installation) -> None:
    with pytest.raises(UnknownCollectionError, match="there is none yet"):
        installation.settings_of("press")
    installation.create("press")
    installation.create("sport")
    with pytest.raises(UnknownCollectionError, match="'pres'; there are press, sport"):
        installation.settings_of("pres")


def test_a_collection_in_use_is_not_removed(installation: Installation) -> None:
    folder = installation.create("press").index
    held = hold(folder, program="dateline chat")
    assert held is not None
    with pytest.raises(CollectionError, match="in use by dateline chat"):
        installation.remove("press")
    assert installation.names() == ("press",)
    held.release()
    installation.remove("press")
    assert installation.names() == ()


def test_a_collection_is_renamed_where_the_name_is_free_and_nobody_uses_it(
    installation: Installation,
) -> None:
    (installation.create("press").index / "catalog.sqlite").write_bytes(b"kept")
    installation.create("sport")
    with pytest.raises(CollectionError, match="is not a valid name"):
        installation.rename("press", "../x")
    with pytest.raises(CollectionError, match="a collection 'sport' already"):
        installation.rename("press", "sport")
    with pytest.raises(UnknownCollectionError):
        installation.rename("nope", "desk")
    held = hold(installation.folder / "press", program="dateline chat")
    assert held is not None
    with pytest.raises(CollectionError, match="in use by dateline chat"):
        installation.rename("press", "desk")
    held.release()
    settings = installation.rename("press", "desk")
    assert (settings.index / "catalog.sqlite").read_bytes() == b"kept"
    assert installation.names() == ("desk", "sport")


def test_a_setting_names_the_collection_and_an_index_in_the_call_decides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATELINE_INDEX", str(tmp_path / "index"))
    assert Settings(collection="press").index == tmp_path / "collections" / "press"
    monkeypatch.setenv("DATELINE_COLLECTION", "sport")
    assert Settings().index == tmp_path / "collections" / "sport"
    assert Settings().collections == tmp_path / "collections"
    assert Settings(collection="press").index == tmp_path / "collections" / "press"
    other = Settings(index=tmp_path / "other")
    assert (other.index, other.collection) == (tmp_path / "other", "")
    with pytest.raises(SettingsError, match="exclude each other"):
        Settings(index=tmp_path, collection="press")
    with pytest.raises(UnknownCollectionError):
        Assistant.open()
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------- the command line


def test_commands_work_on_the_collection_that_they_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})

    monkeypatch.setenv("DATELINE_INDEX", str(tmp_path / "index"))
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text("The ferry to Skennay sails on Monday.\n", "utf-8")
    assert run("collections").stderr.startswith("no collections yet")
    assert run("collections", "create", "press").exit_code == 0
    assert run("collections", "create", "../x").exit_code == 1
    assert run("collections", "create", "sport").exit_code == 0
    unknown = run("add", str(folder), "--collection", "pres")
    assert (unknown.exit_code, "there are press, sport" in unknown.stderr) == (1, True)
    assert run("list", "--collection", "press", "--index", str(folder)).exit_code == 2
    both = run("--index", str(folder), "--collection", "press", "list")
    assert (both.exit_code, "exclude each other" in both.stderr) == (2, True)
    assert run("subscriptions", "add", str(folder), "--collection", "press").exit_code == 0
    assert (
        run("collections", "--json").stdout
        == json.dumps(
            [{"name": "press", "articles": 1}, {"name": "sport", "articles": 0}], indent=2
        )
        + "\n"
    )
    assert "ferry" in run("--collection", "press", "list").stdout
    assert run("list", "--collection", "sport").stdout == ""
    assert "articles" in run("subscriptions", "--collection", "press").stdout
    assert run("subscriptions", "list", "--collection", "sport").stdout == ""
    assert run("list").exit_code == 1  # the unnamed index does not exist
    press = Installation(Settings()).settings_of("press")
    with Assistant.open(press):
        used = run("collections", "remove", "press", "--yes")
        assert (used.exit_code, "in use by" in used.stderr) == (1, True)
    assert run("collections", "remove", "press").exit_code == 2
    assert run("collections", "rename", "press", "sport").exit_code == 1
    assert run("collections", "rename", "press", "desk").stdout.startswith("Renamed: press to desk")
    assert "ferry" in run("list", "--collection", "desk").stdout
    assert run("collections", "remove", "desk", "--yes").stdout == "Removed: desk\n"
    assert run("collections").stdout == "sport: 0 articles\n"
    assert (folder / "a.txt").exists()


def test_a_new_collection_may_have_keys_and_subscriptions_before_articles(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATELINE_INDEX", str(installation.settings.index))
    folder = installation.create("press").index
    for given in (("key", "create", "x"), ("subscriptions", "add", str(tmp_path))):
        done = CliRunner().invoke(app, [*given, "--collection", "press"])
        assert done.exit_code == 0, done.output
    with closing(LocalIndex(folder, FakeEmbedding)) as index:
        index.add_articles([MEETING])
    (folder / "catalog.sqlite").unlink()
    with pytest.raises(StoreDamagedError, match=r"catalog\.sqlite is missing"):
        LocalIndex(folder, FakeEmbedding)


def test_collections_share_the_models_and_no_article(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.reading import network
    from vectorstore import embedding

    loaded: list[str] = []

    def counted(name: str, call: Any) -> Any:
        def called(*given: Any) -> Any:
            loaded.append(name)
            return call(*given)

        return called

    monkeypatch.setattr(network, "_onnx", counted("reader", network._onnx))
    monkeypatch.setattr(embedding, "open_embedding", counted("embedding", embedding.open_embedding))
    installation = Installation(Settings(index=tmp_path / "index"))
    press = installation.create("press")
    with Assistant.open(installation.settings) as main:
        beside = main.beside(press)
        main.index.add_articles([MEETING])
        moved = MEETING.text.replace("France", "Norway")
        beside.index.add_articles([replace(MEETING, text=moved)])
        assert "France" in main.answer(QUESTION).text
        assert "Norway" in beside.answer(QUESTION).text
        beside.index.remove([MEETING.id])
        assert main.index.get(MEETING.id) == MEETING
        beside.index.close()
    assert sorted(loaded) == ["embedding", "reader", "reader"]


# -------------------------------------------------------------------------------------- the server


def said(text: str) -> FakeAssistant:
    """An assistant with the same article under another title, which answers with this text."""
    answer = replace(CO_CHAIRS, text=f"{text} [1].", short=text)
    article = replace(MEETING, title=f"{text}: {MEETING.title}")
    return FakeAssistant((article,), answers={"co-chairs": answer})


class World:
    """A main index and the collections press and sport, served."""

    def __init__(self, root: Path, *, password: str | None = None, page: bool = False) -> None:
        self.installation = Installation(Settings(index=root / "index"))
        self.fakes = {name: said(name or "main") for name in ("", "press", "sport", "new")}
        self.tokens: dict[str, str] = {}
        for name in ("press", "sport"):
            folder = self.installation.create(name).index
            self.tokens[name] = self.key(Keys.open(folder / KEYS, SEAL))
        self.own = Keys.open(root / "keys.sqlite", SEAL)
        self.tokens[""] = self.own.create("program", "manage", 0.0)
        access = None if password is None else Access(password, Sessions.open())
        self.shared: dict[str, Any] = {"page": page, "access": access, "seal": SEAL}

        async def made() -> Several:
            return with_collections(
                self.fakes[""],
                self.installation,
                lambda settings: self.fakes[settings.collection],
                self.shared,
                keys=self.own,
            )

        self.app = asyncio.run(made())  # Gradio makes a loop of its own where none runs

    def key_for_asking(self) -> str:
        return f"Bearer {self.own.create('asker', 'ask', 0.0)}"

    def key(self, keys: Keys) -> str:
        with closing(keys):
            return keys.create("program", "manage", 0.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with served(world.app) as found:
        yield found


def ask(address: str, model: str, token: str = "") -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return _post(f"{address}/v1/chat/completions", json=body, headers=headers)


def test_the_pages_of_a_collections_pdf_are_its_own(
    world: World, address: str, tmp_path: Path
) -> None:
    index = LocalIndex(tmp_path / "filled", FakeEmbedding)
    (article_id,) = index.add(written(tmp_path / "mill.pdf", pdf("The mill turns again."))).added
    world.fakes["press"].index = index  # type: ignore[assignment]
    path = f"picture/{article_id}?page=1"
    key = {"Authorization": f"Bearer {world.tokens['press']}"}
    assert _get(f"{address}/collections/press/{path}").status_code == 200
    assert _get(f"{address}/collections/press/{path}", headers=key).status_code == 200
    assert _get(f"{address}/{path}").status_code == 404
    assert _get(f"{address}/collections/sport/{path}").status_code == 404
    assert _get(f"{address}/{path}", headers=key).status_code == 403


def test_two_collections_with_the_same_article_do_not_mix(world: World, address: str) -> None:
    for below, name in (
        ("", "main"),
        ("/collections/press", "press"),
        ("/collections/sport", "sport"),
    ):
        site = f"{address}{below}"
        reply = _post(f"{site}/api/v1/answer", json={"question": QUESTION}).json()
        assert reply["short"] == name
        read = _get(f"{site}/api/v1/articles/{MEETING.id}").json()
        assert read["title"].startswith(name)
        names = _get(f"{site}/api/v1/names").json()
        assert names["articles"] == _get(f"{site}/api/v1/articles").json()["total"]
    gone = _delete(f"{address}/collections/press/api/v1/articles/{MEETING.id}")
    assert gone.json() == {"removed": MEETING.id}
    assert _get(f"{address}/collections/press/read/{MEETING.id}").status_code == 404
    for below in ("", "/collections/sport"):
        assert _get(f"{address}{below}/read/{MEETING.id}").status_code == 200
    assert [len(fake.asked) for fake in world.fakes.values()] == [1, 1, 1, 0]


def test_an_unknown_collection_is_told_with_those_there_are(address: str) -> None:
    for path in ("/collections/pres/", "/collections/pres/api/v1/answer", "/collections/..%2fx/"):
        reply = _get(f"{address}{path}")
        assert reply.status_code == 404
        assert "there are press, sport" in reply.json()["message"]
    within = _get(f"{address}/collections/press")
    assert (within.status_code, within.headers["location"]) == (308, "press/")
    nested = _get(f"{address}/collections/press/collections/sport/healthz")
    assert nested.status_code == 404
    assert _get(f"{address}/collections/press/api/v1/collections").status_code == 404


def test_each_collection_is_a_model(world: World, address: str) -> None:
    models = [one["id"] for one in _get(f"{address}/v1/models").json()["data"]]
    assert models == [
        *("dateline", "dateline-plain", "dateline/press", "dateline-plain/press"),
        *("dateline/sport", "dateline-plain/sport"),
    ]
    assert _get(f"{address}/v1/models/dateline/press").json()["id"] == "dateline/press"
    below = _get(f"{address}/collections/press/v1/models").json()["data"]
    assert [one["id"] for one in below] == ["dateline", "dateline-plain"]
    world.fakes["press"].answers = {
        "co-chairs": replace(
            CO_CHAIRS, citations=tuple(replace(one, url="") for one in CO_CHAIRS.citations)
        )
    }
    for reply in (
        ask(address, "dateline/press"),
        ask(f"{address}/collections/press", "dateline"),
    ):
        (note,) = reply.json()["choices"][0]["message"]["annotations"]
        link = note["url_citation"]["url"]
        assert link.startswith(f"{address}/collections/press/read/")
        assert _get(link).status_code == 200
    assert ask(address, "dateline").json()["dateline"]["short"] == "main"
    wrong = ask(address, "dateline/pres")
    assert wrong.status_code == 404
    assert "dateline/press, " in wrong.json()["error"]["message"]
    response = _post(f"{address}/v1/responses", json={"model": "dateline/sport", "input": QUESTION})
    assert response.json()["dateline"]["short"] == "sport"


def test_tools_of_the_protocol_take_the_collection(world: World, address: str) -> None:
    async def talking(client: Client) -> None:
        listed = await client.list_tools()
        field = listed.tools[0].input_schema["properties"]["collection"]
        assert field["enum"] == ["", "press", "sport"]
        given: list[tuple[dict[str, Any], str]] = [
            ({}, "main"),
            ({"collection": None}, "main"),  # as models write what they leave out
            ({"collection": "press"}, "press"),
        ]
        for arguments, name in given:
            asked = await client.call_tool("ask", {"question": QUESTION, **arguments})
            assert asked.structured_content["short"] == name
            uri = asked.structured_content["citations"][0]["uri"]
            read = await client.read_resource(uri)
            listed_articles = await client.call_tool("list_articles", arguments)
            (article,) = listed_articles.structured_content["articles"]
            assert article["uri"] == uri
            assert article["title"].startswith(name)
            assert read.contents[0].model_dump()["text"] == MEETING.text
        assert uri == f"dateline://collections/press/articles/{MEETING.id}"
        wrong = await client.call_tool("ask", {"question": QUESTION, "collection": "../x"})
        assert wrong.is_error
        assert "there are press, sport" in str(wrong.content[0])
        with pytest.raises(MCPError, match="there are press, sport"):
            await client.read_resource("dateline://collections/x/articles/meeting")

    async def talked(server: Any) -> None:
        async with Client(server) as client:
            await talking(client)

    asyncio.run(talked(over_http(address)))
    main = world.fakes[""]
    beside = Beside(world.installation, lambda settings: world.fakes[settings.collection])
    with closing(beside):  # as over stdio
        own = Desk(main, Library(main.index), Programs(main))
        asyncio.run(talked(server_of(Choice(own, beside), lambda _: CANS, lambda _: "")))


def test_where_there_is_one_collection_tools_are_as_they_were() -> None:
    main = said("main")
    own = Desk(main, Library(main.index), Programs(main))

    async def talked() -> None:
        async with Client(server_of(Choice(own), lambda _: CANS, lambda _: "")) as client:
            for tool in (await client.list_tools()).tools:
                assert "collection" not in tool.input_schema["properties"]
            refused = await client.call_tool("ask", {"question": "x", "collection": ""})
            assert refused.is_error

    asyncio.run(talked())


def test_a_key_of_one_collection_opens_no_other(tmp_path: Path) -> None:
    world = World(tmp_path, password=PASSWORD)
    with served(world.app) as address, closing(world.own):
        press, main = world.tokens["press"], world.tokens[""]

        def get(path: str, token: str, method: str = "GET", **more: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}"}
            return _request(method, f"{address}{path}", headers=headers, **more)

        assert ask(address, "dateline/press", press).json()["dateline"]["short"] == "press"
        assert ask(f"{address}/collections/press", "dateline", press).status_code == 200
        for model in ("dateline", "dateline/sport"):
            refused = ask(address, model, press)
            assert refused.status_code == 404
            assert "sport" not in refused.json()["error"]["message"].partition("there are")[2]
        elsewhere = get("/api/v1/articles", press)
        assert elsewhere.status_code == 403
        assert "/collections/press/api/v1/articles" in elsewhere.json()["message"]
        assert get("/collections/sport/api/v1/articles", press).status_code == 401
        assert get("/collections/sport/api/v1/articles", main).status_code == 401
        assert ask(address, "dateline/press", main).status_code == 404
        assert get("/api/v1/collections", press).json() == {
            "collections": [{"name": "press", "articles": 1}]
        }
        for method, path in (("POST", ""), ("DELETE", "/sport"), ("DELETE", "/press")):
            more = {"json": {"name": "new"}} if method == "POST" else {}
            told = get(f"/api/v1/collections{path}", press, method, **more)
            assert told.status_code == 403
        for path in ("/collections/nope/api/v1/articles", "/collections/nope"):
            nowhere = get(path, main)
            assert nowhere.status_code == 401
            assert "for another collection" in nowhere.json()["message"]
        assert _get(f"{address}/collections/press/api/v1/articles").status_code == 401
        assert _get(f"{address}/collections/nope/api/v1/articles").status_code == 401
        # Nor is it revealed without the password which collections exist.
        there, nowhere = (_get(f"{address}/collections/{name}") for name in ("press", "nope"))
        assert (there.status_code, there.headers.get("location")) == (
            nowhere.status_code,
            nowhere.headers.get("location"),
        )

        async def talked() -> None:
            async with Client(over_http(address, press)) as client:
                asked = await client.call_tool("ask", {"question": QUESTION})
                assert asked.structured_content["short"] == "press"
                for name in ("", "sport"):
                    other = {"question": QUESTION, "collection": name}
                    assert (await client.call_tool("ask", other)).is_error
            async with Client(over_http(address, main)) as client:
                other = {"question": QUESTION, "collection": "press"}
                assert (await client.call_tool("ask", other)).is_error

        asyncio.run(talked())
    assert world.installation.names() == ("press", "sport")


def test_collections_are_made_listed_and_removed_over_http(world: World, address: str) -> None:
    url = f"{address}/api/v1/collections"
    assert _post(url, json={"name": "../x"}).status_code == 422
    assert _post(url, json={"name": "new"}).json() == {"name": "new", "articles": 0}
    assert _post(url, json={"name": "new"}).status_code == 409
    assert _get(f"{address}/collections/new/healthz").json() == {"status": "ok"}
    names = [one["name"] for one in _get(url).json()["collections"]]
    assert names == ["", "new", "press", "sport"]
    assert _get(f"{address}/collections/new/collections").json() == {
        "here": "new",
        "names": ["new", "press", "sport"],
        "managed": True,
    }
    assert _delete(f"{url}/new").json() == {"removed": "new"}  # while it is open
    assert _get(f"{address}/collections/new/healthz").status_code == 404
    held = hold(world.installation.folder / "sport", program="another")
    assert held is not None
    refused = _delete(f"{url}/sport")
    assert (refused.status_code, "in use by another" in refused.json()["message"]) == (409, True)
    held.release()
    assert _get(f"{address}/collections/sport/healthz").status_code == 200
    assert _delete(f"{url}/nope").status_code == 404


def test_a_collection_is_renamed_over_http_with_all_that_it_holds(
    world: World, address: str
) -> None:
    url = f"{address}/api/v1/collections"
    world.fakes["desk"] = world.fakes["press"]
    question = {"question": QUESTION}
    assert _post(f"{address}/collections/press/api/v1/answer", json=question).is_success  # open
    for wrong, status in (("../x", 422), ("sport", 409), ("press", 409)):
        refused = _request("PATCH", f"{url}/press", json={"name": wrong})
        assert refused.status_code == status
    assert _request("PATCH", f"{url}/nope", json={"name": "desk"}).status_code == 404
    renamed = _request("PATCH", f"{url}/press", json={"name": "desk"})
    assert renamed.json() == {"name": "desk", "articles": 1}
    assert world.installation.names() == ("desk", "sport")
    assert _get(f"{address}/collections/press/healthz").status_code == 404
    headers = {"Authorization": f"Bearer {world.tokens['press']}"}  # its keys move with it
    reply = _post(f"{address}/collections/desk/api/v1/answer", json=question, headers=headers)
    assert reply.json()["short"] == "press"
    own = _request("PATCH", f"{url}/sport", json={"name": "x"}, headers=headers)
    assert own.status_code == 403
    asking = world.key_for_asking()
    for method, path in (("POST", url), ("PATCH", f"{url}/sport"), ("DELETE", f"{url}/sport")):
        told = _request(method, path, json={"name": "x"}, headers={"Authorization": asking})
        assert told.status_code == 403
    assert world.installation.names() == ("desk", "sport")


# -------------------------------------------------------------------------------- opened and closed


def test_a_site_is_opened_once_closed_when_idle_and_kept_while_it_is_busy(
    installation: Installation,
) -> None:
    for name in ("press", "sport", "work"):
        installation.create(name)
    now, busy, events = [0.0], {"sport"}, list[str]()

    def open_site(name: str) -> Site:
        events.append(f"open {name}")

        @asynccontextmanager
        async def living(_: FastAPI) -> Any:
            events.append(f"begin {name}")
            yield
            events.append(f"end {name}")

        own = said(name)
        return Site(
            FastAPI(lifespan=living),
            Desk(own, Library(own.index), Programs(own)),
            lambda: name in busy,
            lambda: events.append(f"close {name}"),
        )

    async def lived() -> None:
        several = Several(
            installation,
            open_site,
            lambda name: name == "work",
            count=lambda _: 0,
            clock=lambda: now[0],
        )
        await asyncio.gather(*(several.desk("press") for _ in range(3)), several.desk("sport"))
        assert sorted(events) == ["begin press", "begin sport", "open press", "open sport"]
        await several.look()
        assert several.open == ["press", "sport", "work"]  # nobody asked for "work"
        now[0] = 10_000.0
        await several.desk("work")
        await several.look()
        assert several.open == ["sport", "work"]
        assert events[-2:] == ["end press", "close press"]
        await several.desk("press")
        async with several.running():
            pass
        assert several.open == []

    asyncio.run(lived())
    for name in ("press", "sport", "work"):
        assert events.count(f"open {name}") == events.count(f"close {name}")


def test_a_key_hears_why_its_collection_cannot_be_opened(tmp_path: Path) -> None:
    world = World(tmp_path, password=PASSWORD)
    fake = world.fakes["press"]

    def fails(settings: Settings) -> FakeAssistant:
        if settings.collection == "press":
            raise StoreDamagedError("the catalog is torn")
        return fake

    app = with_collections(fake, world.installation, fails, world.shared, keys=world.own)
    with served(app) as address, closing(world.own):
        headers = {"Authorization": f"Bearer {world.tokens['press']}"}
        for path in ("/collections/press/api/v1/articles", "/collections/press"):
            refused = _get(f"{address}{path}", headers=headers)
            assert (refused.status_code, refused.json()["message"]) == (503, "the catalog is torn")


def test_a_collection_that_cannot_be_opened_says_why_and_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = world.fakes.pop("press")
    with served(world.app) as address:
        keys = world.installation.folder / "press" / KEYS
        good = keys.read_bytes()
        world.fakes["press"] = fake
        keys.write_bytes(b"not a database, but long enough to be looked at as one" * 100)
        refused = _get(f"{address}/collections/press/healthz")
        assert refused.status_code == 503
        assert "keys.sqlite" in refused.json()["message"]
        assert _get(f"{address}/healthz").status_code == 200
        keys.write_bytes(good)
        assert _get(f"{address}/collections/press/healthz").status_code == 200
