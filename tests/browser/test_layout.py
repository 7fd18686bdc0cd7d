"""What has to be within reach at every width, and files sent while the server is shutting down."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from assistant.web.adding import Adding
from assistant.web.library import Library
from assistant.web.sealing import Seal
from tests.browser.chromium import violations
from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from tests.browser.states import shelf
from tests.fake_assistant import FakeAssistant, MemoryIndex

BOX = "const box = document.querySelector('.picker-container').getBoundingClientRect();"


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((1280, 860), marks=pytest.mark.exhaustive),
        (1280, 560),
        pytest.param((800, 600), marks=pytest.mark.exhaustive),
        (390, 640),
    ],
    ids=str,
)
def test_the_calendar_opens_within_the_window(
    opened: Opened, address: str, size: tuple[int, int]
) -> None:
    page = opened(address, *size)
    page.until(lambda: page.all("#dl-shelf h2"))
    shelf(page)
    page.click("#dl-narrow button")
    page.click("#dl-dates button", -1)
    page.until(lambda: page.all(".picker-container"))
    page.until(lambda: page.run(f"{BOX} return box.top >= 0 && box.bottom <= innerHeight;"))
    page.click(".picker-container .day:not(.other-month)")
    page.click(".picker-container .action-button", -1)
    page.until(lambda: len(page.chips()) == 1)


@pytest.mark.parametrize(
    "width",
    [
        390,
        pytest.param(800, marks=pytest.mark.exhaustive),
        pytest.param(1280, marks=pytest.mark.exhaustive),
    ],
)
def test_a_new_question_is_one_click_away_from_any_conversation(
    opened: Opened, address: str, width: int
) -> None:
    page = opened(address, width, 844)
    page.ask("what does the harbour wall cost?")
    page.click("#dl-again" if width >= 1200 else "#dl-anew")
    page.until(lambda: not page.all(".user-row"))
    page.focuses("#dl-box textarea")


@pytest.mark.parametrize("size", [(844, 390), (640, 430)], ids=str)
def test_everything_is_scrolled_to_where_the_window_is_low(
    opened: Opened, address: str, size: tuple[int, int]
) -> None:
    """A telephone on its side; a window of 1280 by 860, magnified twice."""

    def seen(css: str) -> bool:
        box = page.run(
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            " return [box.top, innerHeight - box.bottom]",
            css,
        )
        return bool(min(box) >= 0)

    def scroll(by: int) -> None:
        wheel = {"type": "mouseWheel", "x": size[0] // 2, "y": size[1] // 2, "deltaX": 0}
        page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {**wheel, "deltaY": by})

    page = opened(address, *size)
    page.until(lambda: page.text("#dl-models"))
    scroll(-2000)
    page.until(lambda: seen("#dl-heading h1"))
    scroll(2000)
    page.until(lambda: seen("#dl-go") and seen("#dl-models"))
    page.ask("what does the harbour wall cost?")
    page.until(lambda: seen("#dl-go"))
    height = "return document.querySelector('#dl-answers').clientHeight"
    assert page.run(height) > size[1] / 2


def test_the_box_stays_above_the_keyboard_of_a_telephone(opened: Opened, address: str) -> None:
    page = opened(address, 390, 400)
    page.until(lambda: page.text("#dl-examples"))
    below = "return innerHeight - document.querySelector('#dl-box').getBoundingClientRect().bottom"
    assert page.run(below) >= 0
    page.ask("what does the harbour wall cost?")
    assert page.run(below) >= 0
    assert not page.one("#dl-anew").is_displayed()  # it would lie over the question


def test_what_is_sent_while_the_server_is_ended_goes_on_when_it_is_started_again(
    opened: Opened, tmp_path: Path
) -> None:
    folder, waiting = tmp_path / "reports", tmp_path / "waiting"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.txt").write_text(f"Report {number}\n\nSomething of its own: {number}.")
    assistant = FakeAssistant([])
    with served(assistant, [], library=library(assistant.index, waiting)) as address:
        page = opened(address)
        page.until(lambda: page.all("#dl-add-open"))
        page.one("#dl-folder").send_keys(str(folder))
        page.until(lambda: assistant.index.kept)
    page.until(lambda: "Dateline does not answer." in page.text("#dl-progress"))
    assert "not sent yet" in page.text("#dl-progress")
    assert 0 < len(assistant.index.kept) < 300
    again = library(assistant.index, waiting)
    with served(assistant, [], library=again, port=urlsplit(address).port or 0):
        page.until(lambda: len(assistant.index.kept) == 300)
        page.until(lambda: "articles added" in page.text("#dl-progress"))
        assert again.adding.status().failures == ()
        blank(page)
    assert [path.name for path in waiting.iterdir()] == ["lock"]


def library(index: MemoryIndex, waiting: Path) -> Library:
    return Library(index, Adding(index, folder=waiting, seal=Seal(bytes(32))))


def blank(page: Page) -> None:
    """Leave the page while its server answers, and discard the errors from when it did not."""
    page.driver.get("about:blank")
    violations(page.driver)
