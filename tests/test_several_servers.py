"""Servers on several machines sharing one PostgreSQL database: what one keeps, all have.

Each server here has its own connections, folder and secret, as it would on another machine.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.api import create_app
from assistant.databases import CONVERSATIONS, KEYS, POSTGRES, SESSIONS, SUBSCRIPTIONS
from assistant.errors import AccessKeyError, ConversationNotFoundError
from assistant.settings import Settings
from assistant.web.access import COOKIE, Access
from assistant.web.carrying import Carried, carry
from assistant.web.conversations import Conversations, Filters
from assistant.web.keeping import beside, opened
from assistant.web.keys import Keys, seal_of
from assistant.web.sealing import NoSeal, Seal
from assistant.web.sessions import Sessions
from assistant.web.subscriptions import Subscriptions
from tests.conftest import in_database
from tests.fake_assistant import COST, HARBOUR, FakeAssistant, cite
from tests.postgres_server import PASSWORD, PostgresServer
from tests.test_api import Client
from tests.test_history import ANN, header
from tests.test_several_machines import KILL
from tests.test_stores import in_postgres
from vectorstore.errors import StoreBusyError, StoreError, StoreFormatError

NOW = 1_800_000_000.0
WORDS = "four words of mine"


@dataclass
class Server:
    """What is kept beside the articles, as opened by one machine."""

    conversations: Conversations
    keys: Keys
    sessions: Sessions
    subscriptions: Subscriptions

    def site(self, *, locked: bool = False) -> Client:
        assistant = FakeAssistant()
        access = Access(WORDS, self.sessions) if locked else None
        kept, keys = self.conversations, self.keys
        return Client(
            create_app(assistant, page=False, conversations=kept, keys=keys, access=access)
        )


class Starting:
    """Starts servers on one database, and ends them after the test."""

    def __init__(self, database: str, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._stack = ExitStack()
        self._number = 0

    def settings(self) -> Settings:
        self._number += 1
        return in_database(self._database, self._folder / f"machine {self._number}")

    def __call__(self) -> Server:
        settings = self.settings()
        rows_of = self._stack.enter_context(opened(settings))
        seal = Seal(bytes([self._number]) * 32)
        return Server(
            Conversations(rows_of(CONVERSATIONS)),
            Keys(rows_of(KEYS), seal_of(settings, seal)),
            Sessions(rows_of(SESSIONS)),
            Subscriptions(rows_of(SUBSCRIPTIONS), seal),
        )

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Starting]:
    with closing(Starting(database, tmp_path)) as starting:
        yield starting


# -- what is shared ----------------------------------------------------------------------------


def test_a_key_opens_every_server_until_it_is_revoked_on_any(start: Starting) -> None:
    one, two = start(), start()
    token = one.keys.create("newsletter", "ask", NOW)
    sites = [one.site(locked=True), two.site(locked=True)]
    bearer = {"Authorization": f"Bearer {token}"}
    for site in sites:
        assert site.get("/api/v1/articles", headers=bearer).status_code == 200
    assert [key.ours for key in two.keys.all()] == [True]
    two.keys.revoke("newsletter")
    for site in sites:
        assert site.get("/api/v1/articles", headers=bearer).status_code == 401
    assert one.keys.all() == []


def test_a_conversation_is_gone_on_with_on_another_server(start: Starting) -> None:
    one, two = start(), start()
    token = one.keys.create("newsletter", "ask", NOW)
    bearer = {"Authorization": f"Bearer {token}"}
    url = "/api/v1/conversations"
    begun = one.site().post(url, json={"question": COST.question}, headers=bearer).json()
    path = f"{url}/{begun['conversation']}"
    there = two.site()
    (before,) = there.get(path, headers=bearer).json()["exchanges"]
    assert before["answer"] == COST.to_dict()
    assert there.post(path, json={"question": "why?"}, headers=bearer).status_code == 201
    asked = [e["question"] for e in one.site().get(path, headers=bearer).json()["exchanges"]]
    assert asked == [COST.question, "why?"]
    assert there.request("DELETE", path, headers=bearer).status_code == 200
    assert one.site().get(path, headers=bearer).status_code == 404


def test_who_has_logged_in_is_known_to_all_servers(start: Starting) -> None:
    one, two = start(), start()
    sites = [one.site(locked=True), two.site(locked=True)]
    given = sites[0].post("/login", data={"password": WORDS}).headers.get_list("set-cookie")
    (session,) = (line.partition(";")[0] for line in given if line.startswith(COOKIE))
    cookie = {"Cookie": session}
    assert [site.get("/api/v1/articles", headers=cookie).status_code for site in sites] == [200] * 2
    assert sites[1].post("/logout", headers=cookie).status_code == 303
    assert [site.get("/api/v1/articles", headers=cookie).status_code for site in sites] == [401] * 2


def test_quotes_verdicts_and_notes_are_shared(start: Starting) -> None:
    one, two = start().conversations, start().conversations
    saved = one.quotes.save("ann", cite(HARBOUR, "€48"), note="for the lead")
    asked = one.begin("ann", COST.question)
    one.finish(asked.id, COST)
    assert two.quotes.all("ann") == [saved]
    assert two.quotes.save("ann", cite(HARBOUR, "€48")) == saved
    two.rate("ann", asked.id, "helpful")
    assert [rated.exchange.answer for rated in one.rated()] == [COST]
    assert two.quoting([HARBOUR.id]) == 1
    two.note("questions", "kept")
    assert one.noted("questions") == "kept"
    two.quotes.remove("ann", saved.id)
    assert one.quotes.all("ann") == []


def test_a_subscription_is_seen_by_all_and_refreshed_by_whom_it_was_told(start: Starting) -> None:
    one, two = start().subscriptions, start().subscriptions
    each = one.add("https://news.example/feed", 3600.0)
    assert [(kept.source, kept.ours) for kept in two.all()] == [(each.source, False)]
    two.wish(each.id)
    assert one.get(each.id).wished
    with one.turn(each), pytest.raises(StoreBusyError, match="being refreshed"), two.turn(each):
        raise AssertionError("two at once")
    with two.turn(each):
        pass


# -- at once -----------------------------------------------------------------------------------


def test_servers_that_write_to_one_conversation_at_once_lose_nothing(start: Starting) -> None:
    servers = [start().conversations for _ in range(3)]
    begun = servers[0].begin("ann", "first?")

    def ask(number: int) -> str:
        server = servers[number % 3]
        asked = server.begin("ann", f"{number}?", Filters(), begun.conversation_id)
        server.finish(asked.id, COST)
        return asked.id

    with ThreadPoolExecutor(6) as pool:
        ids = [*pool.map(ask, range(30))]
    kept = servers[1].get("ann", begun.conversation_id).exchanges
    assert sorted(each.id for each in kept[1:]) == sorted(ids)
    assert {each.state for each in kept[1:]} == {"answered"}
    assert servers[2].quoting([HARBOUR.id]) == 30


def test_of_two_that_make_or_revoke_a_key_at_once_one_does(start: Starting) -> None:
    servers = [start().keys for _ in range(2)]

    def done(act: Callable[[Keys], object]) -> list[bool]:
        def tried(keys: Keys) -> bool:
            with suppress(AccessKeyError):
                act(keys)
                return True
            return False

        with ThreadPoolExecutor(2) as pool:
            return sorted(pool.map(tried, servers))

    for _ in range(5):
        assert done(lambda keys: keys.create("newsletter", "ask", NOW)) == [False, True]
        assert done(lambda keys: keys.revoke("newsletter")) == [False, True]


def test_who_asks_does_not_wait_for_who_adds_articles(start: Starting, database: str) -> None:
    server = start()
    with closing(in_postgres(database)) as catalog, catalog.turn:
        asked = server.conversations.begin("ann", "who?")
        later = start()  # nor does one that starts a server
        assert later.conversations.exchange("ann", asked.id).question == "who?"
        assert later.keys.find(server.keys.create("one", "ask", NOW), NOW) is not None


def test_what_is_undone_in_a_transaction_has_not_happened(start: Starting) -> None:
    one, two = start().conversations, start().conversations
    asked = one.begin("ann", "who?")

    def renamed_in_vain() -> None:
        with one._db.transaction():
            one.rename("ann", asked.conversation_id, "another")
            assert one.headings("ann")[0].title == "another"
            assert two.headings("ann")[0].title == "who?"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        renamed_in_vain()
    assert one.headings("ann")[0].title == "who?"


# -- moving ------------------------------------------------------------------------------------


def test_what_lies_beside_the_articles_is_moved_there_and_back(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.web.carrying._A_BATCH", 2)
    ours, theirs = Seal(b"k" * 32), Seal(b"o" * 32)
    folder, back = tmp_path / "index", tmp_path / "back"
    for each in (folder, back):
        each.mkdir()
    with (
        closing(Conversations.open(folder / CONVERSATIONS.name)) as conversations,
        closing(Keys.open(folder / KEYS.name, ours)) as keys,
        closing(Keys.open(folder / KEYS.name, theirs)) as strange,
        closing(Subscriptions.open(folder / SUBSCRIPTIONS.name, ours)) as subscriptions,
    ):
        conversations.remove("ann", conversations.begin("ann", "gone?").conversation_id)
        begun = conversations.begin("ann", "who? \x00 \x1a0")
        for number in range(4):
            asked = conversations.begin("ann", f"{number}?", Filters(), begun.conversation_id)
            conversations.finish(asked.id, COST)
        conversations.rate("ann", asked.id, "helpful")
        saved = conversations.quotes.save("ann", cite(HARBOUR, "€48"), note="n")
        token, foreign = keys.create("one", "add", NOW), strange.create("theirs", "manage", NOW)
        subscribed = subscriptions.add("https://news.example/feed", 3600.0)
        expected = conversations.get("ann", begun.conversation_id)
    assert carry(str(folder), database, ours) == Carried(1, 1, 1, 1)
    assert carry(str(folder), database, ours) == Carried()
    with beside(database) as rows_of:
        kept = Conversations(rows_of(CONVERSATIONS))
        assert kept.get("ann", begun.conversation_id) == expected
        keys = Keys(rows_of(KEYS), NoSeal())
        assert keys.find(token, NOW) is not None
        assert keys.find(foreign, NOW) is None  # it gave no access in the folder either
        later = kept.begin("ann", "later?", Filters(), begun.conversation_id)
        name = kept.remove("ann", begun.conversation_id)
        kept.undo("ann", name)
        expected = kept.get("ann", begun.conversation_id)
        assert [each.question for each in expected.exchanges][-2:] == ["3?", "later?"]
        assert later.id == expected.exchanges[-1].id
    assert carry(database, str(back), ours) == Carried(1, 1, 1, 1)
    with (
        closing(Conversations.open(back / CONVERSATIONS.name)) as conversations,
        closing(Keys.open(back / KEYS.name, ours)) as keys,
        closing(Subscriptions.open(back / SUBSCRIPTIONS.name, ours)) as subscriptions,
    ):
        assert conversations.get("ann", begun.conversation_id) == expected
        assert conversations.quotes.all("ann") == [saved]
        assert conversations.quoting([HARBOUR.id]) == 4
        assert [rated.exchange.answer for rated in conversations.rated()] == [COST]
        found = keys.find(token, NOW)
        assert found is not None
        assert (found.name, found.can, found.created) == ("one", "add", NOW)
        (again,) = subscriptions.all()
        assert (again.source, again.every, again.ours) == (subscribed.source, 3600.0, True)


def test_from_a_folder_with_articles_alone_nothing_is_made_beside_them(tmp_path: Path) -> None:
    for each in ("one", "two"):
        (tmp_path / each).mkdir()
    assert carry(str(tmp_path / "one"), str(tmp_path / "two"), Seal()) == Carried()
    assert list(tmp_path.glob("*/*")) == []


# -- what can fail -----------------------------------------------------------------------------


def test_a_connection_that_was_lost_is_made_anew(start: Starting, postgres: PostgresServer) -> None:
    server = start()
    asked = server.conversations.begin("ann", "who?")
    assert server.conversations.exchange("ann", asked.id)
    postgres.psql(KILL)
    assert server.conversations.exchange("ann", asked.id)
    server.conversations.finish(asked.id, COST)
    assert server.conversations.exchange("ann", asked.id).answer == COST


def test_a_server_that_stands_still_keeps_nobody_waiting_for_long(
    start: Starting, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = start().conversations
    monkeypatch.setattr("vectorstore.stores.postgres._PATIENCE_BESIDE", 200)  # milliseconds
    still = start().conversations

    def stand_still() -> None:
        with still._db.transaction():
            other.begin("ann", "meanwhile?")

    with pytest.raises(StoreError, match=r"connection .* was lost .*idle-in-transaction"):
        stand_still()
    still.begin("ann", "again?")
    assert {each.title for each in still.headings("ann")} == {"meanwhile?", "again?"}
    with other._db.transaction(), pytest.raises(StoreBusyError, match="another program"):
        still.begin("ann", "too long?")


def test_a_server_that_is_gone_is_told_without_its_password(
    start: Starting, postgres: PostgresServer
) -> None:
    server = start()
    token = server.keys.create("one", "ask", NOW)
    site = server.site(locked=True)
    bearer = {"Authorization": f"Bearer {token}"}
    postgres.stop()
    try:
        for act in (
            lambda: server.conversations.begin("ann", "who?"),
            lambda: server.conversations.headings("ann"),
            lambda: server.keys.find(token, NOW),
            start,
        ):
            with pytest.raises(StoreError, match=r"PostgreSQL server .* at 127\.0\.0\.1") as told:
                act()
            said = "".join(traceback.format_exception_only(told.value))
            assert PASSWORD not in said
        for headers in (bearer, {"Cookie": f"{COOKIE}={'x' * 43}"}):
            reply = site.get("/api/v1/articles", headers=headers)
            assert reply.status_code == 503
            assert PASSWORD not in reply.text
    finally:
        postgres.start()
    assert server.keys.find(token, NOW) is not None
    assert site.get("/api/v1/articles", headers=bearer).status_code == 200


def test_an_index_of_before_gets_the_tables_and_newer_ones_are_refused(
    start: Starting, database: str, postgres: PostgresServer
) -> None:
    index = database.partition("?index=")[2]
    with closing(in_postgres(database)) as catalog:  # all that there used to be
        catalog.notes.put(kept="as it was")
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{}'"
        before = postgres.psql(tables.format(index))
        server = start()
        assert postgres.psql(tables.format(index)) > before
        server.conversations.note("kept", "another's")
        assert catalog.notes.get("kept") == "as it was"
    postgres.psql(f"UPDATE {index}.beside_format SET version = version + 1")  # noqa: S608
    newer = rf"format {len(POSTGRES) + 1}, and this release reads up to {len(POSTGRES)}"
    with pytest.raises(StoreFormatError, match=newer):
        start()
    with pytest.raises(StoreFormatError, match=newer):  # it was open when the other was upgraded
        server.conversations.begin("ann", "who?")
    with closing(in_postgres(database)) as catalog:  # its articles can still be found
        assert catalog.notes.get("kept") == "as it was"


def test_servers_that_start_at_once_make_the_tables_once(start: Starting) -> None:
    with ThreadPoolExecutor(4) as pool:
        servers = [*pool.map(lambda _: start(), range(4))]
    asked = servers[0].conversations.begin("ann", "who?")
    assert servers[3].conversations.exchange("ann", asked.id) == asked


def test_anothers_is_nobodys_on_any_server(start: Starting) -> None:
    one, two = start(), start()
    asked = one.conversations.begin("ann", "who?")
    with pytest.raises(ConversationNotFoundError):
        two.conversations.get("bob", asked.conversation_id)
    assert two.site().get("/conversations", headers=header(ANN)).json()["conversations"] == []
