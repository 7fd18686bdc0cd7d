"""One index, several programs: real processes, real sockets, a fake index."""

from __future__ import annotations

import inspect
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from assistant.errors import QuestionError
from tests.fake_index import FakeIndex
from vectorstore import calls
from vectorstore.articles import Article, Origin, Progress, Skipped, SourceFile
from vectorstore.errors import (
    ArticleError,
    ArticleNotFoundError,
    DatelineError,
    EmbeddingError,
    SearchError,
    StoreBusyError,
    StoreError,
    StoreFormatError,
)
from vectorstore.holding import Hold, hold, holder_of
from vectorstore.index import Index
from vectorstore.shared import SharedIndex, open_shared

ROOT = Path(__file__).parent.parent
PATIENCE = 90.0

MEETING = Article(
    id="meeting",
    title="A meeting",
    text="France and Saudi Arabia\r\nco-chair the “two-state” meeting 😀",
    source="paper",
    url="https://example.org/1",
    published=date(2025, 7, 26),
    authors=("A. Writer", "B. Reporter"),
    language="en",
    pages=(0, 10),
)
UNDATED = Article(id="undated", title="", text="a meeting without a date")


# -- two programs at once ----------------------------------------------------------------------


def test_works_through_the_process_that_holds_the_index(folder: Path) -> None:
    with program(folder) as other, opened(folder) as index:
        assert not index.here
        assert index.holder.pid == other.pid
        assert index.holder.program == "the other"
        assert index.add_articles([MEETING]).added == ("meeting",)
        assert other.ask("print(index.get('meeting').title)") == "A meeting"


def test_serves_other_processes_while_it_holds_the_index(folder: Path) -> None:
    with opened(folder) as index, program(folder) as other:
        assert index.here
        assert other.ask("print(index.here, index.add_articles([article('x')]).added)") == (
            "False ('x',)"
        )
        assert index.get("x").text == "text of x"


def test_every_method_of_the_index_can_be_called_from_another_process() -> None:
    abstract = {
        name
        for name, member in inspect.getmembers(Index)
        if getattr(member, "__isabstractmethod__", False)
    }
    assert {call.method for call in calls.CALLS} == abstract - {"close"}


def test_answers_are_the_same_here_and_there(folder: Path, tmp_path: Path) -> None:
    file = SourceFile(
        "/news/a.txt",
        size=3,
        digest="d",
        origins=(Origin("/news/a.txt", "of a file", "paper"),),
        skipped=(Skipped("line 2", "has no text"),),
    )

    def everything(index: Index) -> list[object]:
        progress: list[Progress] = []
        results: list[object] = [
            index.add_articles([MEETING, UNDATED], progress=progress.append),
            index.add_articles(iter([replace(MEETING, title="Another title"), UNDATED])),
            index.search("meeting"),
            index.search("meeting", 1, "words", sources=["paper"], articles=["meeting"]),
            index.search("meeting", after=date(2025, 7, 26), before=date(2025, 7, 26)),
            index.search("meeting", after=date(2025, 7, 27)),
            index.get("meeting"),
            index.articles(),
            index.summary("meeting"),
            index.near_copies("meeting"),
            index.store_files([file], [replace(MEETING, id="of a file")], forget=["/none"]),
            index.source_files(under="/news", digests=["d"], articles=["of a file"]),
            index.remove(["of a file"]),
            index.edit("meeting", title="Third", published="none", source="desk"),
            index.edit("meeting", published=date(2024, 2, 29)),
            index.get("meeting"),
            index.statistics(),
            index.check(),
            index.remove(["undated", "undated"]),
            index.articles(),
        ]
        index.rebuild(progress=progress.append)
        assert progress[-1].done == progress[-1].total
        return results

    with opened(folder) as holder, opened(folder) as index:
        assert holder.here
        assert not index.here
        assert everything(index) == everything(FakeIndex(tmp_path / "local.json"))


def test_twenty_threads_share_one_connection_to_another_process(folder: Path) -> None:
    def work(index: SharedIndex, number: int) -> str:
        for turn in range(5):
            name = f"{number}-{turn}"
            index.add_articles([Article(id=name, title="", text=f"word{name} and more")])
            (hit,) = index.search(f"word{name}")
            assert hit.passage.article_id == name
        return name

    with program(folder) as other, opened(folder) as index, ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: work(index, number), range(20)))
        assert other.ask("print(len(index.articles()))") == "100"


def test_threads_of_one_process_may_open_it_several_times(folder: Path) -> None:
    def work(number: int) -> bool:
        with opened(folder) as index:
            index.add_articles([Article(id=str(number), title="", text="text")])
            return index.get(str(number)).text == "text"

    with opened(folder) as first, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(24)))
        assert len(first.articles()) == 24


def test_a_long_call_keeps_no_other_waiting(folder: Path, gate: Path) -> None:
    with (
        opened(folder, gate=gate),
        opened(folder) as index,
        ThreadPoolExecutor(1) as pool,
        opening(gate),
    ):
        index.add_articles([MEETING])
        adding = pool.submit(index.add_articles, [Article(id="slow", title="", text="text")])
        wait_until(reached(gate).exists)
        assert len(index.search("meeting")) == 1
        assert not adding.done()
        gate.touch()
        assert adding.result(PATIENCE).added == ("slow",)


# -- when the holder ends ----------------------------------------------------------------------


def test_a_killed_holder_is_replaced_by_whoever_calls_next(folder: Path) -> None:
    with program(folder) as other, opened(folder) as index:
        index.add_articles([MEETING])
        other.kill()
        assert index.get("meeting") == MEETING
        assert index.here
        assert index.holder.pid == os.getpid()


def test_a_call_that_the_holders_death_cut_off_is_made_again(folder: Path, gate: Path) -> None:
    with (
        program(folder, gate=gate) as other,
        opened(folder) as index,
        ThreadPoolExecutor(1) as pool,
    ):
        articles = (a for a in [MEETING, Article(id="slow", title="", text="text")])
        adding = pool.submit(index.add_articles, articles)
        wait_until(reached(gate).exists)
        other.kill()
        assert adding.result(PATIENCE).added == ("meeting", "slow")
        assert index.here
        assert index.get("slow").text == "text"


def test_an_article_that_the_cut_off_call_had_removed_counts_as_removed(
    folder: Path, gate: Path
) -> None:
    with (
        program(folder, gate=gate) as other,
        opened(folder) as index,
        ThreadPoolExecutor(1) as pool,
    ):
        other.ask("index.add_articles([article('kept'), article('gone')]); print()")
        FakeIndex(folder / "articles.json").add_articles(
            [Article(id="slow", title="", text="text")]
        )
        removing = pool.submit(index.remove, ["gone", "slow"])
        wait_until(reached(gate).exists)
        other.kill()
        assert removing.result(PATIENCE) == 2
        assert [summary.id for summary in index.articles()] == ["kept"]
        with pytest.raises(ArticleNotFoundError):
            index.remove(["gone"])


def test_of_many_that_lose_their_holder_one_takes_over_and_serves_the_rest(folder: Path) -> None:
    with (
        program(folder) as other,
        program(folder) as second,
        opened(folder) as index,
        opened(folder) as another,
    ):
        indexes = [index, another]
        other.kill()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: indexes[n % 2].add_articles([numbered(n)]), range(16)))
        assert second.ask("print(len(index.articles()), index.here)") == "16 False"
        assert sorted([index.here, another.here]) == [False, True]


def test_a_holder_that_closes_hands_over(folder: Path) -> None:
    with program(folder) as other:
        with opened(folder) as index:
            assert index.add_articles([MEETING]).added == ("meeting",)
            assert other.ask("index.close(); print('closed')") == "closed"
            assert index.get("meeting") == MEETING
            assert index.here
        assert other.ask("index = reopened(); print(index.here, len(index.articles()))") == "True 1"


def test_a_closing_holder_lets_running_calls_finish(folder: Path, gate: Path) -> None:
    holder = opened(folder, gate=gate, grace=PATIENCE)
    with opened(folder) as index, ThreadPoolExecutor(2) as pool, opening(gate):
        adding = pool.submit(index.add_articles, [Article(id="slow", title="", text="text")])
        wait_until(reached(gate).exists)
        probe = address(holder, "holder?nonce=1")
        closed = pool.submit(holder.close)
        wait_until(lambda: httpx.get(probe, trust_env=False).status_code == 503)
        assert not closed.done()
        gate.touch()
        closed.result(PATIENCE)
        assert adding.result(PATIENCE).added == ("slow",)
        assert index.get("slow").text == "text"
        assert index.here


def test_a_call_that_outlasts_the_grace_is_made_by_the_next_holder(
    folder: Path, gate: Path
) -> None:
    holder = opened(folder, gate=gate, grace=0.0)
    with opened(folder) as index, ThreadPoolExecutor(1) as pool, opening(gate):
        adding = pool.submit(index.add_articles, [Article(id="slow", title="", text="text")])
        wait_until(reached(gate).exists)
        holder.close()
        assert adding.result(PATIENCE).added == ("slow",)
        assert index.here


def test_what_a_dead_process_left_behind_is_harmless(folder: Path) -> None:
    with program(folder) as other:
        other.kill()
    assert holder_of(folder) is not None
    with opened(folder) as index:
        assert index.here
        assert index.holder.pid == os.getpid()


def test_a_program_that_closes_at_exit_ends_quietly_after_serving(folder: Path) -> None:
    with program(folder) as other:
        other.ask("import atexit; atexit.register(index.close); print()")
        with opened(folder) as index:
            index.add_articles([MEETING])
            assert other.end() == (0, "")
            assert not (folder / "holder.json").exists()
            assert index.get("meeting") == MEETING


def test_a_program_that_forgets_to_close_ends_quietly_after_serving(folder: Path) -> None:
    with program(folder) as other, opened(folder) as index:
        index.add_articles([MEETING])
        assert other.end() == (0, "")
        assert index.get("meeting") == MEETING


def test_what_a_program_forgot_to_close_is_closed_when_it_ends(folder: Path) -> None:
    with opened(folder) as index:
        index.add_articles([MEETING])
    for _ in range(2):
        with program(folder) as other:
            other.ask("print(len(index.search('two-state meeting', 1)))")
            assert other.end() == (0, "")
        assert [file.name for file in folder.glob("holder.json")] == []


def test_closed_is_closed(folder: Path) -> None:
    with opened(folder) as first, opened(folder) as second:
        for index in (second, first):
            index.close()
            index.close()
            with pytest.raises(StoreError, match="has been closed"):
                index.articles()
    assert [file.name for file in folder.iterdir()] == ["lock"]


def test_a_forked_child_neither_uses_the_index_nor_keeps_it_from_others(folder: Path) -> None:
    with program(folder) as other:
        child = other.ask(
            """
            import os, time, warnings
            warnings.simplefilter("ignore")  # Python 3.12 warns of forking beside threads
            child = os.fork()
            if child == 0:
                try:
                    index.articles()
                except Exception as error:
                    (folder / "child").write_text(f"{type(error).__name__}: {error}")
                index.close()
                (folder / "child.closed").touch()
                time.sleep(60)
                os._exit(0)
            print(child)
            """
        )
        try:
            wait_until((folder / "child.closed").exists)
            said = (folder / "child").read_text()
            assert said.startswith("StoreError")
            assert "after the fork" in said
            with opened(folder) as index:
                assert index.holder.pid == other.pid  # the child took nothing from its parent
                index.add_articles([MEETING])
                other.kill()
                os.kill(int(child), 0)  # still there
                assert index.get("meeting") == MEETING
                assert index.here
        finally:
            os.kill(int(child), signal.SIGKILL)


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (ArticleNotFoundError, lambda index: index.get("none")),
        (ArticleNotFoundError, lambda index: index.remove(["none"])),
        (ArticleNotFoundError, lambda index: index.edit("none", title="x")),
        (ArticleError, lambda index: index.add_articles([replace(MEETING, text="")])),
        (ArticleError, lambda index: index.add_articles([replace(MEETING, text="half \ud83d")])),
        (SearchError, lambda index: index.search("x", mode="both")),
    ],
)
def test_errors_keep_their_class_and_message(
    folder: Path, kind: type[DatelineError], call: Callable[[Index], object]
) -> None:
    with opened(folder) as holder, opened(folder) as index:
        with pytest.raises(DatelineError) as here:
            call(holder)
        with pytest.raises(DatelineError) as there:
            call(index)
    assert type(here.value) is type(there.value) is kind
    assert str(here.value) == str(there.value)


def test_errors_of_the_assistant_travel_too_and_unknown_ones_become_store_errors() -> None:
    asked = calls.decode_error(calls.encode_error(QuestionError("ask something")))
    assert type(asked) is QuestionError
    assert str(asked) == "ask something"
    unknown = calls.decode_error(b'{"error": "SystemExit", "message": "of a newer version"}')
    assert type(unknown) is StoreError
    assert str(unknown) == "of a newer version"


def test_values_of_a_wrong_type_are_refused_by_the_article_they_are_in(folder: Path) -> None:
    number: object = 5
    wrong = replace(MEETING, text=number)  # type: ignore[arg-type]
    with opened(folder), opened(folder) as index:
        with pytest.raises(ArticleError, match="the article 'meeting' cannot be stored: text"):
            index.add_articles([UNDATED, wrong])
        assert index.articles() == []


def test_a_fault_in_the_holder_is_reported_without_what_it_was_about(folder: Path) -> None:
    with opened(folder), opened(folder) as index:
        with pytest.raises(StoreError, match="ZeroDivisionError at fake_index") as caught:
            index.search("a bug")
        assert "what an article says" not in str(caught.value)
        assert index.articles() == []


def test_an_index_that_cannot_be_opened_leaves_the_folder_free(folder: Path) -> None:
    def fail() -> Index:
        raise EmbeddingError("no such model")

    with pytest.raises(EmbeddingError, match="no such model"):
        open_shared(folder, fail)
    assert list(folder.iterdir()) == []
    with opened(folder) as index:
        assert index.here


def test_a_removed_folder_is_not_made_again_behind_the_callers_back(folder: Path) -> None:
    with opened(folder), opened(folder) as index:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        with pytest.raises(StoreError, match="has been removed"):
            index.articles()
        assert not folder.exists()


# -- strangers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, "Bearer wrong", "Bearer", "Bearer é"])
def test_nothing_is_answered_without_the_secret(folder: Path, secret: str | None) -> None:
    headers = {} if secret is None else {b"authorization": secret.encode()}
    with opened(folder) as index, httpx.Client(trust_env=False, headers=headers) as client:
        for call in calls.CALLS:
            reply = client.post(address(index, call.method), content=b"{}")
            assert reply.status_code == 401, call.method


def test_a_foreign_host_is_refused(folder: Path) -> None:
    with opened(folder) as index:
        secret = {"Authorization": f"Bearer {index.holder.secret}"}
        for host, status in (("127.0.0.1:80", 200), ("evil.example", 400), ("", 400)):
            reply = httpx.post(
                address(index, "articles"),
                content=b"{}",
                headers=secret | {"Host": host},
                trust_env=False,
            )
            assert reply.status_code == status


@pytest.mark.parametrize(
    ("method", "body"),
    [("articles", b"nonsense"), ("get", b"[]"), ("search", b'{"query": 1}'), ("close", b"{}")],
)
def test_a_call_that_is_none_is_refused_as_an_error_of_the_tree(
    folder: Path, method: str, body: bytes
) -> None:
    with opened(folder) as index:
        secret = {"Authorization": f"Bearer {index.holder.secret}"}
        reply = httpx.post(address(index, method), content=body, headers=secret, trust_env=False)
        assert isinstance(calls.decode_error(reply.content), DatelineError)


def test_folder_lock_and_secret_are_their_owners_alone(folder: Path) -> None:
    previous = os.umask(0)
    try:
        with opened(folder):
            modes = {path: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}
    finally:
        os.umask(previous)
    assert modes == {folder: 0o700, folder / "lock": 0o600, folder / "holder.json": 0o600}


def test_an_empty_folder_is_closed_to_others_and_a_full_one_left_as_it_is(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    with opened(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o750)
    with opened(folder):
        assert folder.stat().st_mode & 0o777 == 0o750


def test_the_holder_listens_on_loopback_only(folder: Path) -> None:
    with held_elsewhere(folder) as held:
        assert held.listener.getsockname() == ("127.0.0.1", held.holder.port)
        assert held.holder.secret not in repr(held.holder)


def test_answers_are_not_held_back_by_the_network(folder: Path) -> None:
    """asyncio turns off Nagle's algorithm only for sockets that declare themselves TCP."""
    with held_elsewhere(folder) as held:
        assert held.listener.proto == socket.IPPROTO_TCP


def test_a_holder_that_nobody_asks_imports_no_web_server(folder: Path) -> None:
    heavy = "{'fastapi', 'starlette', 'uvicorn', 'httpx', 'asyncio', 'ssl'}"
    with program(folder) as other:
        loaded = f"print(index.here, sorted({heavy} & set(sys.modules) - before))"
        assert other.ask(loaded) == "True []"
        assert other.ask("index.close(); print()") == ""
        assert other.ask(loaded.replace("index.here, ", "")) == "[]"


def test_neither_questions_nor_articles_nor_the_secret_are_logged(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with opened(folder) as holder, opened(folder) as index:
        index.add_articles([MEETING])
        index.search("who co-chairs it")
        with pytest.raises(StoreError):
            index.search("a bug")
        secret = holder.holder.secret
    for private in ("co-chair", "an article says", secret):
        assert private not in caplog.text


# -- when it is impossible ---------------------------------------------------------------------


def test_a_lock_without_an_address_is_refused_with_the_way_to_find_its_holder(
    folder: Path,
) -> None:
    folder.mkdir()
    silent = """
        import fcntl
        lock = open(folder / "lock", "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        print("locked")
    """
    with program(folder, open_index=False) as other:
        assert other.ask(silent) == "locked"
        with pytest.raises(StoreBusyError, match=r"lsof .*lock"):
            opened(folder, wait=0.2)
        other.kill()
        with opened(folder) as index:
            assert index.here


def test_a_holder_that_is_late_with_its_address_is_waited_for(folder: Path) -> None:
    folder.mkdir()
    with program(folder, open_index=False) as other, ThreadPoolExecutor(1) as pool:
        other.ask(
            "import fcntl; lock = open(folder / 'lock', 'w'); fcntl.flock(lock, fcntl.LOCK_EX)\n"
            "print()"
        )
        opening_it = pool.submit(opened, folder)
        assert not opening_it.done()
        other.ask("lock.close(); index = reopened(); print()")
        with opening_it.result(PATIENCE) as index:
            assert index.articles() == []


def test_a_holder_that_does_not_answer_is_named(folder: Path) -> None:
    with program(folder) as other:
        os.kill(other.pid, signal.SIGSTOP)
        with pytest.raises(StoreBusyError) as refused:
            opened(folder, wait=0.2)
        os.kill(other.pid, signal.SIGCONT)
        assert f"the other (process {other.pid} on {socket.gethostname()}, since 20" in str(
            refused.value
        )
        with opened(folder) as index:
            assert index.holder.pid == other.pid


def test_a_holder_on_another_machine_is_named(folder: Path) -> None:
    with held_elsewhere(folder) as held, closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
        unused.close()
        publish(folder, held, port=port, machine="desk", program="dateline", pid=4711)
        with pytest.raises(StoreBusyError, match=r"dateline \(process 4711 on desk, since .*one m"):
            opened(folder, wait=0.2)


def test_who_took_over_a_dead_holders_port_learns_nothing(folder: Path) -> None:
    heard: list[bytes] = []

    def pretend(listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                request = connection.recv(65536)
                if not request:
                    return
                heard.append(request)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with (
        held_elsewhere(folder) as held,
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        pretending = pool.submit(pretend, listener)
        port = listener.getsockname()[1]
        publish(folder, held, port=port)
        with pytest.raises(StoreBusyError, match="does not answer"):
            opened(folder, wait=0.2)
        socket.create_connection(("127.0.0.1", port)).close()
        pretending.result(PATIENCE)
    assert heard
    assert held.holder.secret.encode() not in b"".join(heard)


def test_a_holder_of_another_version_is_refused_as_that(folder: Path) -> None:
    with held_elsewhere(folder) as held:
        publish(folder, held, protocol=0)
        with pytest.raises(StoreBusyError, match="another version"):
            opened(folder, wait=0.2)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"protocol": 1, "started": "now"}'])
def test_an_address_that_cannot_be_understood_is_none(folder: Path, content: bytes) -> None:
    with held_elsewhere(folder):
        (folder / "holder.json").write_bytes(content)
        with pytest.raises(StoreBusyError, match="does not say where"):
            opened(folder, wait=0.2)


def test_a_read_only_folder_is_refused_with_the_remedy(folder: Path) -> None:
    with opened(folder) as index:
        index.add_articles([MEETING])
    with as_ordinary_user(folder, owning=True):
        folder.chmod(0o500)
        with pytest.raises(StoreError, match=r"is read-only.*Make the folder writable"):
            opened(folder)
        folder.chmod(0o700)
        with opened(folder) as index:
            assert index.get("meeting") == MEETING


def test_a_folder_that_cannot_be_made_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o500)
    with (
        as_ordinary_user(folder, owning=True),
        pytest.raises(StoreError, match="cannot be made or read"),
    ):
        opened(folder / "index")


@pytest.mark.parametrize("below", ["", "index"])
def test_a_file_is_no_index(tmp_path: Path, below: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(StoreFormatError, match=r"notes\.txt is a file"):
        opened(file / below)
    assert file.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of two users")
@pytest.mark.parametrize("name", ["lock", "holder.json"])
def test_another_users_index_is_refused_as_that(folder: Path, name: str) -> None:
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    held = hold(folder)
    assert held is not None
    with closing_hold(held):
        folder.chmod(0o777)
        if name == "holder.json":
            (folder / "lock").chmod(0o666)
        with (
            as_ordinary_user(folder),
            pytest.raises(StoreBusyError, match="user with the id 0") as busy,
        ):
            opened(folder, wait=0.2)
        assert name in str(busy.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of two users")
def test_an_address_that_another_user_planted_is_not_trusted(folder: Path) -> None:
    held = hold(folder)
    assert held is not None
    with closing_hold(held):
        os.chown(folder / "holder.json", 12345, 12345)
        (folder / "holder.json").chmod(0o644)
        folder.chmod(0o777)
        (folder / "lock").chmod(0o666)
        with (
            as_ordinary_user(folder),
            pytest.raises(StoreBusyError, match=r"another user \(id 12345\)"),
        ):
            opened(folder, wait=0.2)


# -- helpers -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


def opened(
    folder: Path, *, gate: Path | None = None, wait: float = 10.0, grace: float = 10.0
) -> SharedIndex:
    return open_shared(
        folder, lambda: FakeIndex(folder / "articles.json", gate=gate), wait=wait, grace=grace
    )


def numbered(number: int) -> Article:
    return Article(id=str(number), title="", text=f"text of {number}")


def address(index: SharedIndex, method: str) -> str:
    return f"http://{index.holder.host}:{index.holder.port}/{method}"


def reached(gate: Path) -> Path:
    return gate.with_name(gate.name + ".reached")


@contextmanager
def opening(gate: Path) -> Iterator[None]:
    """Open the gate at the end, whatever happened: nothing may be left waiting at it."""
    try:
        yield
    finally:
        gate.touch()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@contextmanager
def closing_hold(held: Hold) -> Iterator[None]:
    try:
        yield
    finally:
        held.release()


@contextmanager
def held_elsewhere(folder: Path) -> Iterator[Hold]:
    """A hold whose listener is not served: what it publishes can be replaced."""
    held = hold(folder)
    assert held is not None
    with closing_hold(held):
        yield held


def publish(folder: Path, held: Hold, **changes: object) -> None:
    values = {
        name: getattr(held.holder, name)
        for name in (
            "host",
            "port",
            "secret",
            "pid",
            "program",
            "started",
            "machine",
            "protocol",
        )
    }
    (folder / "holder.json").write_text(json.dumps(values | changes))


@contextmanager
def as_ordinary_user(folder: Path, *, owning: bool = False) -> Iterator[None]:
    """Run as a user bound by file modes, as root is not: one who can reach `folder` and, if
    `owning`, owns it."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    for path in [folder, *folder.iterdir()] if owning else []:
        os.chown(path, nobody, nobody)
    for parent in folder.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(0)


class Program:
    """Another process, with `index` open, that runs the Python code sent to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def ask(self, code: str) -> str:
        """Run `code` there and return the line it prints."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(textwrap.dedent(code)) + "\n")
        self._process.stdin.flush()
        return self.line()

    def line(self) -> str:
        output = self._process.stdout
        assert output is not None
        ready, _, _ = select.select([output], [], [], PATIENCE)
        assert ready, "the other process says nothing"
        line = output.readline()
        assert line, f"the other process ended: {self._errors()}"
        return line.rstrip("\n")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def end(self) -> tuple[int, str]:
        """Let it finish; returns its exit status and what it wrote to standard error."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(PATIENCE), self._errors()

    def _errors(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read()


@contextmanager
def program(
    folder: Path, *, gate: Path | None = None, open_index: bool = True
) -> Iterator[Program]:
    arguments = [str(folder), "" if gate is None else str(gate), "open" if open_index else ""]
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _OTHER, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        other = Program(process)
        try:
            assert other.line() == "ready"
            yield other
        finally:
            process.kill()


_OTHER = """
import json, sys
from pathlib import Path
from tests.fake_index import FakeIndex
from vectorstore.articles import Article
before = set(sys.modules)
from vectorstore.shared import open_shared

folder = Path(sys.argv[1])
gate = Path(sys.argv[2]) if sys.argv[2] else None

def reopened():
    local = lambda: FakeIndex(folder / "articles.json", gate=gate)
    return open_shared(folder, local, program="the other")

def article(name):
    return Article(id=name, title="", text=f"text of {name}")

if sys.argv[3]:
    index = reopened()
print("ready", flush=True)
for line in sys.stdin:
    exec(json.loads(line))
    sys.stdout.flush()
"""
