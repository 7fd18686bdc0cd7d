"""Changes in a folder are reported once they have settled, unless they concern no article."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vectorstore.errors import LoadingError
from vectorstore.loading.files import INDEX
from vectorstore.watching import watch


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Iterator[None]]:
    """The changes reported for the folder `watched`, which has been looked at once."""
    (tmp_path / "watched").mkdir()
    stop = threading.Event()
    changes = watch(tmp_path / "watched", every=1, stop=stop, quiet=100)
    next(changes)
    yield changes
    stop.set()


def test_a_change_is_told(tmp_path: Path, told: Iterator[None]) -> None:
    writing = threading.Timer(0.2, (tmp_path / "watched" / "a.txt").write_text, ["news"])
    writing.start()
    next(told)
    writing.join()
    assert (tmp_path / "watched" / "a.txt").exists()


def test_hidden_files_and_indexes_within_are_no_changes(
    tmp_path: Path, told: Iterator[None]
) -> None:
    folder = tmp_path / "watched"
    (folder / "index").mkdir()
    (folder / "index" / INDEX).touch()

    def write() -> None:
        (folder / ".hidden").write_text("x")
        (folder / "index" / "vectors").write_text("x")
        stop_at.wait(1)
        (folder / "a.txt").write_text("news")

    stop_at = threading.Event()
    next(told)  # the index folder itself
    writing = threading.Thread(target=write)
    writing.start()
    next(told)
    assert (folder / "a.txt").exists()
    writing.join()


def test_a_folder_that_is_gone_is_waited_for(tmp_path: Path, told: Iterator[None]) -> None:
    folder = tmp_path / "watched"

    def replace() -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "a.txt").write_text("news")

    replacing = threading.Timer(0.2, replace)
    replacing.start()
    next(told)
    replacing.join()
    while not (folder / "a.txt").exists():
        next(told)


def test_an_address_is_due_at_its_interval_until_it_is_stopped() -> None:
    stop = threading.Event()
    due = watch("https://example.org/feed", every=0.01, stop=stop)
    next(due)
    next(due)
    stop.set()
    assert list(due) == []


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LoadingError, match="cannot be found"):
        next(watch(tmp_path / "none", every=1))
