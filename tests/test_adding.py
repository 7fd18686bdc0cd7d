"""Adding in the background: progress, failures, trying again, limits, and the end."""

from __future__ import annotations

import errno
import shutil
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.web.adding import OFFLINE, Adding, Limits, Status
from tests.fake_assistant import MEETING, MemoryIndex, wait_until
from vectorstore.articles import AddReport, Article
from vectorstore.errors import FetchError, LoadingError, StoreError
from vectorstore.fetching import Page
from vectorstore.index import OnProgress

ADDRESS = "https://news.example/harbour"
LINE = "You can ask now; unfinished articles are not searched yet."


class GatedIndex(MemoryIndex):
    """Stores nothing before its gate is open, and nothing whose title is in `refused`."""

    def __init__(self, articles: Iterable[Article] = ()) -> None:
        super().__init__(articles)
        self.gate = threading.Event()
        self.gate.set()
        self.refused: set[str] = set()

    def add_articles(
        self, articles: Iterable[Article], *, progress: OnProgress | None = None
    ) -> AddReport:
        self.gate.wait(20)
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
    """Closed at the end, as the program does it."""
    try:
        yield adding
    finally:
        adding.close()


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
    assert adding.wait(20)
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
        assert adding.wait(20)
    assert len(index.kept) == 2
    assert {article.source for article in index.kept.values()} == {"notes/report.txt"}


def test_what_cannot_be_read_is_listed_with_its_reason_and_stops_nothing(
    index: GatedIndex, adding: Adding
) -> None:
    adding.file("picture.exe", b"MZ")
    adding.file("empty.txt", b" \n")
    adding.file("good.txt", text("good"))
    assert adding.wait(20)
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
    assert adding.wait(20)
    (failure,) = adding.status().failures
    assert (failure.what, failure.reason, failure.again) == (
        "bad.txt",
        "the disk is full; make room and try again.",
        True,
    )
    assert {a.title for a in index.kept.values()} == {"good", "better"}
    index.refused = set()
    assert adding.again(failure.name)
    assert adding.wait(20)
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
    assert adding.wait(20)
    status = adding.status()
    assert (status.done, status.total, status.added) == (3, 3, 2)
    assert "three.xyz" in status.failures[0].what


def test_a_link_is_fetched_in_the_background(index: GatedIndex, adding: Adding) -> None:
    index.gate.clear()
    adding.link(ADDRESS)
    assert adding.status().fetching == (ADDRESS,)
    assert adding.status().line == "Fetching…"
    index.gate.set()
    assert adding.wait(20)
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
        assert adding.wait(20)
        (failure,) = adding.status().failures
        assert (failure.what, failure.reason, failure.again) == (ADDRESS, reason, True)
    finally:
        adding.close()


def test_closing_stops_after_what_is_being_stored(index: GatedIndex) -> None:
    adding = Adding(index)
    index.gate.clear()
    for number in range(40):
        adding.file(f"{number}.txt", text(str(number)), upload="u", of=40)
    closing = threading.Thread(target=adding.close)
    closing.start()

    def ending() -> bool:
        try:
            adding.file("late.txt", b"late")
        except StoreError as error:
            return "Dateline is ending" in str(error)
        return False

    wait_until(ending)
    index.gate.set()
    closing.join(20)
    assert not closing.is_alive()
    assert len(index.kept) < 40


def test_what_waits_when_the_program_ends_is_added_by_the_next(
    index: GatedIndex, tmp_path: Path
) -> None:
    adding = Adding(index, folder=tmp_path / "waiting")
    assert (tmp_path / "waiting").stat().st_mode & 0o777 == 0o700
    index.gate.clear()
    names = {f"Title {number}" for number in range(40)}
    for number in range(40):
        adding.file(f"{number}.txt", text(f"Title {number}"), upload="u", of=40)
    as_if_killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "waiting", as_if_killed)
    closing = threading.Thread(target=adding.close)
    closing.start()
    index.gate.set()
    closing.join(60)
    assert len(index.kept) < 40
    for folder in (tmp_path / "waiting", as_if_killed):
        with ended(Adding(index, folder=folder)) as later:
            assert later.wait(60)
            assert {article.title for article in index.kept.values()} == names
            assert later.status().failures == ()
        assert [path.name for path in folder.iterdir()] == ["lock"]


def test_a_link_and_a_failure_wait_for_the_next_program_too(
    index: GatedIndex, tmp_path: Path
) -> None:
    with ended(Adding(index, fetch=refusing(TimeoutError()), folder=tmp_path)) as adding:
        adding.link(ADDRESS)
        adding.file("empty.txt", b" ")
        assert adding.wait(60)
        assert len(adding.status().failures) == 2
    with ended(Adding(index, fetch=fetched, folder=tmp_path)) as later:
        assert later.wait(60)
        (article,) = index.kept.values()
        assert article.url == ADDRESS
        assert [failure.what for failure in later.status().failures] == ["empty.txt"]
        later.dismiss()
        assert list(tmp_path.glob("*.waits")) == []


def test_a_folder_that_another_program_works_on_is_left_to_it(
    index: GatedIndex, tmp_path: Path
) -> None:
    index.gate.clear()
    with (
        ended(Adding(index, folder=tmp_path)) as first,
        ended(Adding(index, folder=tmp_path)) as second,
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
    assert adding.wait(20)
    assert sum(steps) == 20
    assert max(steps) > 1


def test_nothing_was_given_nothing_is_said() -> None:
    adding = Adding(MemoryIndex([MEETING]))
    assert adding.status().line == ""
    assert not adding.status().running
    adding.close()
