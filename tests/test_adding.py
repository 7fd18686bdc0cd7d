"""Adding in the background: progress, failures, retries, limits, and shutdown."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import filelock
import pytest

from assistant.web.adding import Adding, Limits
from assistant.web.sealing import Seal
from assistant.web.status import Status
from assistant.web.storing import OFFLINE
from tests.fake_assistant import MEETING, MemoryIndex, wait_until
from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import AddReport, Article
from vectorstore.errors import FetchError, LoadingError, StoreError, StoreFormatError
from vectorstore.fetching import Page
from vectorstore.index import Index, OnProgress
from vectorstore.local import LocalIndex

ROOT = Path(__file__).parent.parent
SEAL = Seal(bytes(32))
ADDRESS = "https://news.example/harbour"
LINE = "You can ask now; unfinished articles are not searched yet."


FILES = {
    "ferry.txt": b"The ferry\n\nIt will cost twelve million crowns.",
    "ferry.md": b"---\ntitle: The ferry\ndate: 2025-07-17\n---\nIt will cost twelve million crowns.",
    "ferry.html": b"<html lang='en'><title>The ferry</title><article><p>The new ferry will cost the town "
    b"twelve million crowns, the council said on Monday.</p></article></html>",
}


class GatedIndex(MemoryIndex):
    """Stores nothing until its gate is open, and never anything whose title is in `refused`."""

    def __init__(self, articles: Iterable[Article] = ()) -> None:
        super().__init__(articles)
        self.gate = threading.Event()
        self.gate.set()
        self.refused: set[str] = set()

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        self.gate.wait(60)
        given = list(articles)
        if any(article.title in self.refused for article in given):
            raise StoreError("the disk is full; make room and try again.")
        return super().add_articles(given, progress=progress)


@pytest.fixture
def index() -> GatedIndex:
    return GatedIndex()


@pytest.fixture
def adding(index: GatedIndex) -> Iterator[Adding]:
    adding = Adding(index, fetch=fetched)
    yield adding
    index.gate.set()
    adding.close()


@contextmanager
def ended(adding: Adding) -> Iterator[Adding]:
    """Closed at the end, as the program does."""
    try:
        yield adding
    finally:
        adding.close()


def sealed(index: Index, **more: Any) -> Adding:
    """With the seal of one computer: each continues as a restart of the one before."""
    return Adding(index, seal=SEAL, **more)


def ending(adding: Adding) -> bool:
    """Whether it accepts nothing any more; tries by giving it one of its files again."""
    try:
        adding.file("0.txt", text("Title 0"))
    except StoreError as error:
        return "Dateline is ending" in str(error)
    return False


def fetched(url: str) -> Page:
    return Page(
        url, url, b"<title>Harbour</title><p>The wall costs more than it did.</p>", "text/html"
    )


def text(name: str) -> bytes:
    return f"{name}\n\nThe article called {name} says something of its own.".encode()


def test_files_are_read_one_after_another_and_counted(index: GatedIndex, adding: Adding) -> None:
    index.gate.clear()
    for number in range(3):
        adding.file(f"file {number}.txt", text(f"Title {number}"), upload="u", of=3)
    assert adding.status().line == f"Reading 1 of 3. {LINE}"
    index.gate.set()
    assert adding.wait(60)
    status = adding.status()
    assert (status.done, status.total, status.added, status.failures) == (3, 3, 3, ())
    assert status.line == "3 articles added."
    assert {a.title for a in index.kept.values()} == {"Title 0", "Title 1", "Title 2"}


def test_an_upload_is_counted_whole_when_its_first_file_comes(adding: Adding) -> None:
    adding.file("a.txt", text("a"), upload="u", of=60)
    assert adding.status().total == 60
    assert adding.status().running


def test_the_same_file_again_is_unchanged_and_another_of_its_name_replaces_nothing(
    index: GatedIndex, adding: Adding
) -> None:
    for content in ("one", "one", "two"):
        adding.file("notes/report.txt", text(content))
        assert adding.wait(60)
    assert len(index.kept) == 2
    assert {article.source for article in index.kept.values()} == {"Report"}


def test_what_cannot_be_read_is_listed_with_its_reason_and_stops_nothing(
    index: GatedIndex, adding: Adding
) -> None:
    adding.file("picture.exe", b"MZ")
    adding.file("empty.txt", b" \n")
    adding.file("good.txt", text("good"))
    assert adding.wait(60)
    reasons = {failure.what: failure.reason for failure in adding.status().failures}
    assert "is of a kind that cannot be read (.exe)" in reasons["picture.exe"]
    assert reasons["empty.txt"] == "is empty"
    assert len(index.kept) == 1
    adding.dismiss()
    assert adding.status() == Status()


def test_one_articles_failure_does_not_sink_those_stored_with_it_and_can_be_tried_again(
    index: GatedIndex, adding: Adding
) -> None:
    index.gate.clear()
    index.refused = {"bad"}
    for name in ("good", "bad", "better"):
        adding.file(f"{name}.txt", text(name), upload="u", of=3)
    index.gate.set()
    assert adding.wait(60)
    (failure,) = adding.status().failures
    assert (failure.what, failure.reason, failure.again) == (
        "bad.txt",
        "the disk is full; make room and try again.",
        True,
    )
    assert {a.title for a in index.kept.values()} == {"good", "better"}
    index.refused = set()
    assert adding.again(failure.name)
    assert adding.wait(60)
    assert adding.status().failures == ()
    assert {a.title for a in index.kept.values()} == {"good", "bad", "better"}
    assert not adding.again(failure.name)


def test_too_large_too_many_and_too_much_at_once_are_refused(index: GatedIndex) -> None:
    adding = Adding(index, limits=Limits(size=1_000_000, files=2, waiting=1_500_000))
    index.gate.clear()
    try:
        with pytest.raises(LoadingError, match="is larger than 1 MB; split it"):
            adding.file("big.txt", b"x" * 1_000_001)
        with pytest.raises(LoadingError, match="is one of 3 files; add at most 2 at once"):
            adding.file("a.txt", b"x", upload="u", of=3)
        adding.file("a.txt", b"x" * 1_000_000)
        with pytest.raises(LoadingError, match="wait until the files before it are read"):
            adding.file("b.txt", b"x" * 1_000_000)
        adding.refused("big.txt", "is larger than 1 MB; split it")
        assert [failure.again for failure in adding.status().failures] == [False]
    finally:
        index.gate.set()
        adding.close()


def test_a_folder_is_read_in_the_background(
    index: GatedIndex, adding: Adding, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_bytes(text(name))
    (tmp_path / "three.xyz").write_text("three")
    adding.folder(tmp_path)
    assert adding.wait(60)
    status = adding.status()
    assert (status.done, status.total, status.added) == (3, 3, 2)
    assert "three.xyz" in status.failures[0].what


def test_a_link_is_fetched_in_the_background(index: GatedIndex, adding: Adding) -> None:
    index.gate.clear()
    adding.link(ADDRESS)
    assert adding.status().fetching == (ADDRESS,)
    assert adding.status().line == "Fetching…"
    index.gate.set()
    assert adding.wait(60)
    assert adding.status().line == "1 article added."
    assert [article.url for article in index.kept.values()] == [ADDRESS]


def refusing(cause: Exception) -> Callable[[str], Page]:
    def fetch(url: str) -> Page:
        raise FetchError(f"{url} cannot be fetched: the server answers 404 Not Found") from cause

    return fetch


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "again"), OFFLINE),
        (OSError(errno.ENETUNREACH, "unreachable"), OFFLINE),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            f"{OFFLINE} If you are online: no such address was found; check it.",
        ),
        (TimeoutError(), "cannot be fetched: the server answers 404 Not Found"),
    ],
)
def test_a_link_that_fails_says_why_and_without_a_network_what_to_do_instead(
    index: GatedIndex, cause: Exception, reason: str
) -> None:
    adding = Adding(index, fetch=refusing(cause))
    try:
        adding.link(ADDRESS)
        assert adding.wait(60)
        (failure,) = adding.status().failures
        assert (failure.what, failure.reason, failure.again) == (ADDRESS, reason, True)
    finally:
        adding.close()


def test_a_link_that_failed_and_is_given_again_is_listed_once(index: GatedIndex) -> None:
    with ended(Adding(index, fetch=refusing(TimeoutError()))) as adding:
        for address in (ADDRESS, ADDRESS, f"{ADDRESS}2"):
            adding.link(address)
            assert adding.wait(20)
        assert [failure.what for failure in adding.status().failures] == [ADDRESS, f"{ADDRESS}2"]


def test_closing_stops_after_what_is_being_stored(index: GatedIndex) -> None:
    adding = Adding(index)
    index.gate.clear()
    for number in range(40):
        adding.file(f"{number}.txt", text(f"Title {number}"), upload="u", of=40)
    closing = threading.Thread(target=adding.close)
    closing.start()
    wait_until(lambda: ending(adding))
    index.gate.set()
    closing.join(60)
    assert not closing.is_alive()
    assert len(index.kept) < 40


def test_what_waits_when_the_program_ends_is_added_by_the_next(
    index: GatedIndex, tmp_path: Path
) -> None:
    adding = sealed(index, folder=tmp_path / "waiting")
    assert (tmp_path / "waiting").stat().st_mode & 0o777 == 0o700
    index.gate.clear()
    names = {f"Title {number}" for number in range(40)}
    for number in range(40):
        adding.file(f"{number}.txt", text(f"Title {number}"), upload="u", of=40)
    as_if_killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "waiting", as_if_killed)
    closing = threading.Thread(target=adding.close)
    closing.start()
    wait_until(lambda: ending(adding))
    index.gate.set()
    closing.join(60)
    assert len(index.kept) < 40
    for folder in (tmp_path / "waiting", as_if_killed):
        with ended(sealed(index, folder=folder)) as later:
            assert later.wait(60)
            assert {article.title for article in index.kept.values()} == names
            assert later.status().failures == ()
        assert [path.name for path in folder.iterdir()] == ["lock"]


def test_a_link_and_a_failure_wait_for_the_next_program_too(
    index: GatedIndex, tmp_path: Path
) -> None:
    with ended(sealed(index, fetch=refusing(TimeoutError()), folder=tmp_path)) as adding:
        adding.link(ADDRESS)
        adding.file("empty.txt", b" ")
        assert adding.wait(60)
        assert len(adding.status().failures) == 2
    with ended(sealed(index, fetch=fetched, folder=tmp_path)) as later:
        assert later.wait(60)
        (article,) = index.kept.values()
        assert article.url == ADDRESS
        assert [failure.what for failure in later.status().failures] == ["empty.txt"]
        later.dismiss()
        assert list(tmp_path.glob("*.waits")) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\n", b"3\n", b'{"file": 3}\n', b"[" * 200_000, b'{"upload": "u"}\n'],
    ids=range(6),
)
def test_what_waits_and_cannot_be_read_is_listed_once_and_set_aside(
    index: GatedIndex, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "7.waits").write_bytes(content)
    with ended(sealed(index, folder=tmp_path)) as adding:
        (failure,) = adding.status().failures
        assert "can no longer be read" in failure.reason
        assert str(tmp_path / "7.unreadable") in failure.reason
        assert not failure.again
        assert not adding.status().running
        adding.file("a.txt", text("a"))
        assert adding.wait(60)
    assert (tmp_path / "7.unreadable").read_bytes() == content
    with ended(sealed(index, folder=tmp_path)) as later:
        assert later.status().failures == ()
    assert {article.title for article in index.kept.values()} == {"a"}


def test_a_folder_that_was_being_read_when_the_program_ended_is_taken_up_by_the_next(
    index: GatedIndex, tmp_path: Path
) -> None:
    articles, waiting = tmp_path / "articles", tmp_path / "waiting"
    articles.mkdir()
    titles = {f"Title {number}" for number in range(80)}
    for title in titles:
        (articles / f"{title}.txt").write_bytes(text(title))
    adding = sealed(index, folder=waiting)
    index.gate.clear()
    adding.folder(articles)
    closing = threading.Thread(target=adding.close)
    closing.start()
    wait_until(lambda: adding._ledger.closing)
    index.gate.set()
    closing.join(60)
    assert len(index.kept) < 80
    with ended(sealed(index, folder=waiting)) as later:
        assert later.status().total == 80
        assert later.wait(60)
        assert {article.title for article in index.kept.values()} == titles
        status = later.status()
        assert (status.done, status.total, status.failures) == (80, 80, ())
    assert [path.name for path in waiting.iterdir()] == ["lock"]


READING = """
    import sys, time
    from pathlib import Path
    from assistant.web.adding import Adding
    from assistant.web.sealing import Seal
    from tests.fake_embedding import FakeEmbedding
    from vectorstore.local import LocalIndex

    index, waiting, articles = map(Path, sys.argv[1:])
    adding = Adding(LocalIndex(index, FakeEmbedding), folder=waiting, seal=Seal(bytes(32)))
    adding.folder(articles)
    while not adding.status().done:
        time.sleep(0.005)
    print("reading", flush=True)
    time.sleep(600)
"""


def test_kill_9_while_a_folder_is_read_loses_none_of_it(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("index", "waiting", "articles")]
    places[2].mkdir()
    for number in range(300):
        (places[2] / f"{number}.txt").write_bytes(text(f"Title {number}"))
    command = [sys.executable, "-c", textwrap.dedent(READING), *map(str, places)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        process.kill()
    with closing(LocalIndex(places[0], FakeEmbedding)) as index:
        with ended(sealed(index, folder=places[1])) as later:
            assert later.status().total == 300
            assert later.wait(120)
            assert later.status().failures == ()
        assert len(index.articles()) == 300
    assert [path.name for path in places[1].iterdir()] == ["lock"]


def test_a_folder_that_is_gone_at_the_next_start_is_told_and_can_be_tried_again(
    index: GatedIndex, tmp_path: Path
) -> None:
    articles, waiting = tmp_path / "articles", tmp_path / "waiting"
    waiting.mkdir()
    (waiting / "1.waits").write_text(json.dumps(SEAL.on({"folder": str(articles)})) + "\n")
    with ended(sealed(index, folder=waiting)) as adding:
        assert adding.wait(60)
        (failure,) = adding.status().failures
        assert failure.what == str(articles)
        assert failure.again
        articles.mkdir()
        (articles / "one.txt").write_bytes(text("one"))
        (articles / "two.txt").write_bytes(text("two"))
        assert adding.again(failure.name)
        assert adding.wait(60)
        status = adding.status()
        assert (status.done, status.added, status.failures) == (2, 2, ())
    assert [path.name for path in waiting.iterdir()] == ["lock"]


def test_an_upload_that_was_cut_off_by_the_end_goes_on_at_the_next_start(
    index: GatedIndex, tmp_path: Path
) -> None:
    with ended(sealed(index, folder=tmp_path)) as adding:
        adding.file("reports/a.txt", text("a"), upload="u", of=3)
    with ended(sealed(index, folder=tmp_path)) as later:
        assert later.status().running
        for name in ("b", "c"):  # by the page, which was open all along
            later.file(f"reports/{name}.txt", text(name), upload="u", of=3)
        assert later.wait(60)
        assert (later.status().done, later.status().failures) == (later.status().total, ())
    assert {article.title for article in index.kept.values()} == {"a", "b", "c"}
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_files_that_were_announced_and_never_came_are_told_until_they_are_dismissed(
    index: GatedIndex, tmp_path: Path
) -> None:
    now = [0.0]

    def opened() -> Adding:
        return sealed(index, folder=tmp_path, clock=lambda: now[0])

    with ended(opened()) as adding:
        adding.file("reports/a.txt", text("a"), upload="u", of=3)
    for _ in range(2):  # the page is closed, and the program is ended again
        with ended(opened()) as later:
            now[0] += 61
            (failure,) = later.status().failures
            assert failure.what == "reports"
            assert failure.reason == (
                "2 of 3 files never came. Choose them again: what is here already is not added twice."
            )
            assert not failure.again
            assert not later.again(failure.name)
            assert later.wait(60)
    with ended(opened()) as last:
        now[0] += 61
        assert len(last.status().failures) == 1
        last.dismiss()
        assert last.status() == Status()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_folder_that_another_program_works_on_is_left_to_it(
    index: GatedIndex, tmp_path: Path
) -> None:
    index.gate.clear()
    with (
        ended(sealed(index, folder=tmp_path)) as first,
        ended(sealed(index, folder=tmp_path)) as second,
    ):
        first.file("a.txt", text("a"))
        second.file("b.txt", text("b"))
        assert len(list(tmp_path.glob("*.waits"))) == 1
        index.gate.set()
        assert first.wait(60)
        assert second.wait(60)
    assert {article.title for article in index.kept.values()} == {"a", "b"}


def test_several_files_are_stored_in_one_step(index: GatedIndex, adding: Adding) -> None:
    steps: list[int] = []
    store = index.add_articles

    def counted(articles: Iterable[Article], *, progress: OnProgress | None = None) -> AddReport:
        given = list(articles)
        steps.append(len(given))
        return store(given)

    index.add_articles = counted  # type: ignore[method-assign]
    index.gate.clear()
    for number in range(20):
        adding.file(f"{number}.txt", text(str(number)), upload="u", of=20)
    wait_until(lambda: bool(steps))
    index.gate.set()
    assert adding.wait(60)
    assert sum(steps) == 20
    assert max(steps) > 1


# -- what others have put into the folder ----------------------------------------------------------


def test_a_folder_that_a_handed_over_index_asks_for_is_not_read(
    index: GatedIndex, tmp_path: Path
) -> None:
    private, waiting = tmp_path / "private", tmp_path / "waiting"
    private.mkdir()
    waiting.mkdir()
    (private / "letter.txt").write_bytes(text("Private"))
    for number, seal in enumerate(("", "0" * 64, Seal().of({"folder": str(private)}))):
        line = json.dumps({"folder": str(private), "seal": seal})
        (waiting / f"{number}.waits").write_text(f"{line}\n")
    with ended(sealed(index, folder=waiting)) as adding:
        assert not adding.status().running
        failures = adding.status().failures
        assert [failure.what for failure in failures] == 3 * [str(private)]
        assert "it is not read" in failures[0].reason
        assert not any(failure.again or adding.again(failure.name) for failure in failures)
        assert adding.wait(60)
    assert index.kept == {}
    with ended(sealed(index, folder=waiting)) as later:  # and it was reported once
        assert later.status().failures == ()


def test_a_link_that_a_handed_over_index_asks_for_is_fetched_only_when_somebody_wants_it(
    index: GatedIndex, tmp_path: Path
) -> None:
    asked: list[str] = []

    def asking(url: str) -> Page:
        asked.append(url)
        return fetched(url)

    (tmp_path / "1.waits").write_text(json.dumps({"link": ADDRESS}) + "\n")
    with ended(sealed(index, fetch=asking, folder=tmp_path)) as adding:
        (failure,) = adding.status().failures
        assert failure.what == ADDRESS
        assert failure.reason == (
            "was waiting in this index when it was opened here, and was not given on this computer. "
            "Retry fetches it."
        )
        assert asked == []
        assert adding.again(failure.name)
        assert adding.wait(60)
        assert asked == [ADDRESS]
    assert [article.url for article in index.kept.values()] == [ADDRESS]
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_file_that_waits_in_a_handed_over_index_is_read_only_when_somebody_wants_it(
    index: GatedIndex, tmp_path: Path
) -> None:
    index.gate.clear()
    here, there = tmp_path / "here", tmp_path / "there"
    with ended(Adding(index, folder=there, seal=Seal())) as adding:
        adding.file("a.txt", text("a"))
        shutil.copytree(there, here)
        index.gate.set()
        assert adding.wait(60)
    index.kept.clear()
    for _ in range(2):  # without an answer, the question is asked again at the next start
        with ended(sealed(index, folder=here)) as later:
            (failure,) = later.status().failures
            assert (failure.what, failure.again) == ("a.txt", True)
            assert index.kept == {}
    with ended(sealed(index, folder=here)) as last:
        assert last.again(last.status().failures[0].name)
        assert last.wait(60)
    assert {article.title for article in index.kept.values()} == {"a"}


def test_what_is_not_asked_about_because_too_much_fails_is_not_lost(
    index: GatedIndex, tmp_path: Path
) -> None:
    for number in range(250):
        (tmp_path / f"{number}.waits").write_text(json.dumps({"link": f"{ADDRESS}{number}"}) + "\n")
    with ended(sealed(index, folder=tmp_path)) as adding:
        status = adding.status()
        assert (len(status.failures), status.more_failures) == (200, 50)
    assert len(list(tmp_path.glob("*.waits"))) == 250


def test_a_file_that_was_changed_while_it_waited_is_not_read(
    index: GatedIndex, tmp_path: Path
) -> None:
    index.gate.clear()
    with ended(sealed(index, folder=tmp_path)) as adding:
        adding.file("first.txt", text("first"), whose="ann")
        adding.file("a.txt", text("a"), whose="ann")
        (waits,) = [path for path in tmp_path.glob("*.waits") if b'"a.txt"' in path.read_bytes()]
        waits.write_bytes(waits.read_bytes().replace(b"something", b"s0mething"))
        index.gate.set()
        assert adding.wait(60)
        (failure,) = adding.status().failures
    assert failure.reason == "was changed while it waited to be read; add it again"
    assert {article.title for article in index.kept.values()} == {"first"}


@pytest.mark.parametrize("trap", ["link", "pipe"])
def test_a_trap_in_place_of_what_waits_is_set_aside(
    index: GatedIndex, tmp_path: Path, trap: str
) -> None:
    private, waiting = tmp_path / "private", tmp_path / "waiting"
    private.write_bytes(json.dumps(SEAL.on({"file": "a.txt"})).encode() + b"\n" + text("Private"))
    waiting.mkdir()
    if trap == "link":
        (waiting / "1.waits").symlink_to(private)
    else:
        os.mkfifo(waiting / "1.waits")
    with ended(sealed(index, folder=waiting)) as adding:
        (failure,) = adding.status().failures
        assert "can no longer be read" in failure.reason
        assert adding.wait(60)
    assert index.kept == {}
    assert private.exists()


def test_a_folder_of_what_waits_that_is_a_link_to_elsewhere_is_refused(
    index: GatedIndex, tmp_path: Path
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "draft.part").write_text("mine")
    (tmp_path / "waiting").symlink_to(tmp_path / "private")
    with pytest.raises(StoreFormatError, match=r"waiting is a link to .*private.*Remove the link"):
        sealed(index, folder=tmp_path / "waiting")
    assert (tmp_path / "private" / "draft.part").exists()


def test_what_waits_is_read_and_removed_where_it_was_put_whatever_its_path_leads_to(
    index: GatedIndex, tmp_path: Path
) -> None:
    private, waiting = tmp_path / "private", tmp_path / "waiting"
    private.mkdir()
    index.gate.clear()
    with ended(sealed(index, folder=waiting)) as adding:
        adding.file("first.txt", text("first"))
        wait_until(lambda: not adding._lots)
        adding.file("second.txt", text("second"))
        for each in waiting.iterdir():
            (private / each.name).write_bytes(b"private")
        waiting.rename(tmp_path / "moved")
        waiting.symlink_to(private)
        adding.file("third.txt", text("third"))
        index.gate.set()
        assert adding.wait(60)
        assert adding.status().failures == ()
    assert {article.title for article in index.kept.values()} == {"first", "second", "third"}
    assert {each.read_bytes() for each in private.iterdir()} == {b"private"}
    assert [each.name for each in (tmp_path / "moved").iterdir()] == ["lock"]


def test_a_folder_that_becomes_a_link_just_before_it_is_opened_is_refused(
    index: GatedIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "1.part").write_text("mine")
    made = Path.mkdir

    def swapped(path: Path, *given: Any, **named: Any) -> None:
        made(path, *given, **named)
        if path.name == "waiting":
            path.rmdir()
            path.symlink_to(tmp_path / "private")

    monkeypatch.setattr(Path, "mkdir", swapped)
    with pytest.raises(StoreFormatError, match="waiting is a link to"):
        sealed(index, folder=tmp_path / "waiting")
    assert [each.name for each in (tmp_path / "private").iterdir()] == ["1.part"]


def test_a_folder_that_becomes_a_link_before_it_is_locked_is_refused(
    index: GatedIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "1.part").write_text("mine")
    acquire = filelock.FileLock.acquire

    def swapped(lock: Any, *given: Any, **named: Any) -> Any:
        (tmp_path / "waiting").rmdir()
        (tmp_path / "waiting").symlink_to(tmp_path / "private")
        return acquire(lock, *given, **named)

    monkeypatch.setattr(filelock.FileLock, "acquire", swapped)
    with pytest.raises(StoreFormatError, match="waiting is a link to"):
        sealed(index, folder=tmp_path / "waiting")
    assert (tmp_path / "private" / "1.part").read_text() == "mine"


def test_a_lock_that_is_a_link_to_elsewhere_is_told_and_its_target_left_alone(
    index: GatedIndex, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "waiting").mkdir()
    (tmp_path / "waiting" / "lock").symlink_to(tmp_path / "mine.txt")
    with pytest.raises(StoreError, match=r"waiting/lock cannot be locked .*Remove it"):
        sealed(index, folder=tmp_path / "waiting")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_the_key_of_the_seal_is_its_owners_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "state" / "secret"
    about = {"link": ADDRESS}
    line = Seal.kept(file).on(about)
    assert Seal.kept(file).holds(line)
    assert not Seal.kept(tmp_path / "other").holds(line)
    assert not Seal.kept(file).holds({**line, "link": f"{ADDRESS}2"})
    assert not Seal.kept(file).holds(about)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_can_read_or_have_put_there_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    line = Seal.kept(file).on({"link": ADDRESS})
    file.chmod(0o644)
    assert not Seal.kept(file).holds(line)
    file.chmod(0o600)
    assert Seal.kept(file).holds(line)
    (tmp_path / "link").symlink_to(file)
    assert not Seal.kept(tmp_path / "link").holds(line)
    (tmp_path / "short").write_text("00")
    (tmp_path / "short").chmod(0o600)
    assert not Seal.kept(tmp_path / "short").holds(Seal(b"\0").on({"link": ADDRESS}))
    assert not Seal.kept(None).holds(line)


# -- several at once -----------------------------------------------------------------------------


class HeldIndex(GatedIndex):
    """Only articles titled "long" wait at the gate."""

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        given = list(articles)
        if any(article.title.startswith("long") for article in given):
            self.reached.set()
            self.gate.wait(60)
        return MemoryIndex.add_articles(self, given)

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.gate.clear()


def test_what_one_visitor_gives_does_not_wait_for_anothers_long_work() -> None:
    index = HeldIndex()
    with ended(Adding(index)) as adding:
        for number in range(40):
            adding.file(f"{number}.txt", text(f"long {number}"), upload="u", of=40, whose="ann")
        assert index.reached.wait(60)
        for name in ("short", "shorter"):
            adding.file(f"{name}.txt", text(name), whose="bob")
        wait_until(lambda: len(index.kept) == 2)
        assert {article.title for article in index.kept.values()} == {"short", "shorter"}
        index.gate.set()
        assert adding.wait(60)
        assert len(index.kept) == 42


def test_each_visitor_has_his_turns(tmp_path: Path) -> None:
    """A visitor with much to add holds one reader; the others share the rest, a step each."""
    index = HeldIndex()
    order: list[str] = []
    store = index.add_articles

    def noted(articles: Iterable[Article], *, progress: OnProgress | None = None) -> AddReport:
        given = list(articles)
        order.extend(article.title.split()[0] for article in given)
        return store(given)

    index.add_articles = noted  # type: ignore[method-assign]
    with ended(Adding(index)) as adding:
        for whose in ("ann", "bob"):
            adding.file(f"{whose}.txt", text(f"long {whose}"), whose=whose)
        wait_until(lambda: len(order) == 2)
        for number in range(60):
            adding.file(f"{number}.txt", text(f"cyd {number}"), upload="u", of=60, whose="cyd")
        adding.file("dan.txt", text("dan"), whose="dan")
        index.gate.set()
        assert adding.wait(60)
    assert order.index("dan") < len(order) - 20


def test_the_same_bytes_from_two_visitors_at_a_time_are_one_article(real: LocalIndex) -> None:
    with ended(Adding(real)) as adding:
        for number in range(30):
            content = text(f"Number {number}")
            adding.file(f"{number}-a.txt", content, upload="a", of=30, whose="ann")
            adding.file(f"{number}-b.txt", content, upload="b", of=30, whose="bob")
        assert adding.wait(60)
        assert adding.status().failures == ()
    articles = real.articles()
    assert len(articles) == 30
    assert {len(article.sources) for article in articles} == {2}


def test_closing_does_not_wait_for_what_takes_long_and_loses_none_of_it(tmp_path: Path) -> None:
    index = HeldIndex()
    adding = sealed(index, folder=tmp_path / "waiting")
    adding.file("long.txt", text("long"))
    assert index.reached.wait(60)
    began = time.monotonic()
    adding.close()
    assert time.monotonic() - began < 10
    shutil.copytree(tmp_path / "waiting", tmp_path / "later")
    index.gate.set()
    other = GatedIndex()
    with ended(sealed(other, folder=tmp_path / "later")) as later:
        assert later.wait(60)
    assert {article.title for article in other.kept.values()} == {"long"}


def test_a_link_that_hangs_does_not_keep_the_program_from_ending(index: GatedIndex) -> None:
    hanging = threading.Event()

    def hang(url: str) -> Page:
        hanging.wait(60)
        raise FetchError(f"{url} cannot be fetched: too slow")

    adding = Adding(index, fetch=hang)
    adding.link(ADDRESS)
    began = time.monotonic()
    adding.close()
    assert time.monotonic() - began < 10
    hanging.set()


# -- a full disk -----------------------------------------------------------------------------------

FULL = """
    import asyncio, json, resource, sys
    from pathlib import Path
    import httpx
    from assistant.api import create_app
    from tests.fake_assistant import FakeAssistant

    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def main():
        app = create_app(FakeAssistant([]), page=False, examples=(), waiting=Path(sys.argv[1]))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
        ):
            async def put(name):
                reply = await client.put(
                    f"/library/files?name={name}&upload=u&of=3", content=b"The ferry " * 2_000
                )
                return reply.status_code, reply.json()
            async def adding():
                return (await client.get("/library")).json()["adding"]
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
            print(json.dumps([await put("a.txt"), await put("b.txt"), await adding()]))
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
            print(json.dumps([await put("c.txt")]))
            for _ in range(500):
                if not (await adding())["running"]:
                    break
                await asyncio.sleep(0.02)
            print(json.dumps(await adding()))

    asyncio.run(main())
"""


@pytest.mark.parametrize("room", [0, 10_000])
def test_a_full_disk_is_told_and_the_counter_goes_on(tmp_path: Path, room: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path / "waiting"), str(room)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    full, later, end = map(json.loads, ended.stdout.splitlines())
    for status, told in full[:2]:
        assert status == 503
        assert told["error"] == "StoreError"
        assert (
            "could not be kept until it is read: File too large. Free some space" in told["message"]
        )
    # Of the three announced, one is still to come.
    assert (full[2]["done"], full[2]["total"], full[2]["failures"]) == (0, 1, [])
    assert later == [[202, {}]]
    assert (end["done"], end["total"], end["line"]) == (1, 1, "1 article added.")
    assert [path.name for path in (tmp_path / "waiting").iterdir()] == ["lock"]


# -- articles the index has from elsewhere -------------------------------------------------------


@pytest.fixture
def real(tmp_path: Path) -> Iterator[LocalIndex]:
    with LocalIndex(tmp_path / "index", FakeEmbedding) as index:
        yield index


@pytest.mark.parametrize("bring", ["add", "sync"])
@pytest.mark.parametrize("name", ["ferry.txt", "ferry.md", "ferry.html"])
def test_a_file_given_first_to_the_page_and_then_in_a_folder_is_one_article_with_two_sources(
    real: LocalIndex, tmp_path: Path, name: str, bring: str
) -> None:
    content = FILES[name]
    with ended(Adding(real)) as adding:
        adding.file(name, content)
        assert adding.wait(60)
        assert adding.status().line == "1 article added."
    (uploaded,) = real.articles()
    file = tmp_path / "desk" / name
    file.parent.mkdir()
    file.write_bytes(content)
    getattr(real, bring)(file.parent)
    (article,) = real.articles()
    assert article.id == uploaded.id
    assert article.sources == (uploaded.source, *{"Ferry"} - {uploaded.source})
    assert len(article.origins) == 2
    file.unlink()
    assert real.sync(file.parent, prune=True, yes=True).removed == ()  # the page's copy stays
    assert len(real.articles()) == 1


@pytest.mark.parametrize("name", ["ferry.txt", "ferry.md", "ferry.html"])
def test_a_file_of_a_folder_that_is_then_given_to_the_page_is_one_article_with_two_sources(
    real: LocalIndex, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "desk" / name
    file.parent.mkdir()
    file.write_bytes(FILES[name])
    (synced,) = real.sync(file.parent).new
    with ended(Adding(real)) as adding:
        adding.file(f"mine/{name}", FILES[name])
        assert adding.wait(60)
        assert adding.status().line == "1 article unchanged."
        (article,) = real.articles()
        assert (article.id, len(article.origins)) == (synced, 2)
        # Other bytes under the same name are another article, and replace nothing.
        adding.dismiss()
        adding.file(f"mine/{name}", FILES[name].replace(b"twelve", b"thirteen"))
        assert adding.wait(60)
        assert adding.status().line == "1 article added."
    assert len(real.articles()) == 2
    assert real.sync(file.parent).unchanged == (synced,)


def test_dates_that_could_mean_two_days_are_told_on_the_page(real: LocalIndex) -> None:
    with ended(Adding(real)) as adding:
        adding.file("rows.csv", b"text,date\nThe quay is open.,03/04/2024\n")
        assert adding.wait(60)
        (notice,) = adding.status().notices
        assert (notice.source, adding.status().line) == ("rows.csv", "1 article added.")
        assert "date '03/04/2024' names no day for certain" in notice.text


def test_the_same_bytes_twice_in_one_upload_are_one_article(real: LocalIndex) -> None:
    with ended(Adding(real)) as adding:
        for name in ("a.txt", "b.txt"):
            adding.file(name, FILES["ferry.txt"], upload="u", of=2)
        assert adding.wait(60)
        assert adding.status().failures == ()
    (article,) = real.articles()
    assert article.sources == ("A", "B")


def test_an_archive_given_again_gives_no_second_articles_and_records_keep_their_ids(
    real: LocalIndex, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.txt", text("one"))
        archive.writestr("all.jsonl", '{"id": "r1", "text": "Record one."}')
    file = tmp_path / "desk" / "all.zip"
    file.parent.mkdir()
    file.write_bytes(packed.getvalue())
    with ended(Adding(real)) as adding:
        adding.file("all.zip", packed.getvalue())
        assert adding.wait(60)
        ids = {article.id for article in real.articles()}
        assert len(ids) == 2
        assert "r1" in ids
        real.sync(file.parent)
        assert {article.id for article in real.articles()} == ids
        assert {len(article.origins) for article in real.articles()} == {2}


@pytest.mark.parametrize("together", [True, False])
def test_records_of_two_uploads_with_the_same_ids_are_articles_of_their_own(
    real: LocalIndex, together: bool
) -> None:
    uploads = {
        "weekly.jsonl": b'{"id": 1, "title": "The ferry", "text": "It costs more."}',
        "herald.jsonl": b'{"id": 1, "title": "The strike", "text": "Dockers walked out."}',
    }
    with ended(Adding(real)) as adding:
        for name, content in uploads.items():
            adding.file(name, content)
            assert together or adding.wait(60)
        assert adding.wait(60)
        for name, content in uploads.items():  # given again, they are known
            adding.file(name, content)
            assert adding.wait(60)
            assert "unchanged" in adding.status().line
    assert {article.title for article in real.articles()} == {"The ferry", "The strike"}


def test_what_cannot_be_read_leaves_no_trace_in_the_index(real: LocalIndex) -> None:
    with ended(Adding(real)) as adding:
        adding.file("empty.txt", b" ")
        adding.file("cut.docx", b"PK\x03\x04 cut off")
        assert adding.wait(60)
        assert len(adding.status().failures) == 2
    assert real.source_files(under="upload:/") == []


def test_a_copy_of_a_file_that_could_not_be_stored_is_not_said_to_be_there(
    index: GatedIndex, adding: Adding
) -> None:
    index.gate.clear()
    index.refused = {"bad"}
    adding.file("first.txt", text("first"))
    wait_until(lambda: adding.status().total == 1)
    for name in ("bad.txt", "copy.txt"):
        adding.file(name, text("bad"), upload="u", of=2)
    index.gate.set()
    assert adding.wait(60)
    assert [failure.what for failure in adding.status().failures] == ["bad.txt", "copy.txt"]
    assert {article.title for article in index.kept.values()} == {"first"}


def test_nothing_was_given_nothing_is_said() -> None:
    adding = Adding(MemoryIndex([MEETING]))
    assert adding.status().line == ""
    assert not adding.status().running
    adding.close()
