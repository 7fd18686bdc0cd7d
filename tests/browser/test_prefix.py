"""The page below a path that a proxy strips: everything that it requests is below that path too."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.web.access import Access
from assistant.web.sessions import Sessions
from tests.browser.chromium import requested, violations
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_assistant import CO_CHAIRS, FakeAssistant
from tests.prefix_proxy import below

PREFIX = "/news/dateline"
PASSWORD = "four words of mine"  # noqa: S105  # of these tests
_FRAMES = "/static/js/iframeResizer"
QUESTION = "who co-chairs the two-state meeting?"


def stays_below(page: Page, address: str, missed: list[str], *, left: bool = False) -> None:
    """Nothing was requested outside the path, and nothing was refused by the page's policy or,
    unless the page was `left` by logging out, by the server."""
    # Gradio's script for pages in frames, which ours never is: named by Gradio's code, not needed.
    asked = [u for u in requested(page.driver) if u.startswith("http") and _FRAMES not in u]
    assert asked
    assert [url for url in asked if not url.startswith(address)] == []
    assert [path for path in missed if _FRAMES not in path] == []
    told = [one for one in violations(page.driver) if _FRAMES not in one]
    assert [one for one in told if not (left and "401" in one)] == []


@pytest.mark.parametrize(
    "tells",
    [pytest.param({}, marks=pytest.mark.exhaustive), {"X-Forwarded-Host": "elsewhere.example"}],
)
def test_asking_reading_and_coming_back_work_below_a_path(
    opened: Opened, tells: dict[str, str]
) -> None:
    missed: list[str] = []
    with opened.served(FakeAssistant()) as server, below(PREFIX, server, tells, missed) as address:
        page = opened(address)
        page.until(lambda: page.words("#dl-shelf li"))
        page.ask(QUESTION)
        page.cite()
        assert page.reader_marked() == CO_CHAIRS.citations[0].quote
        page.until(lambda: "conversation=" in page.driver.current_url)
        assert page.driver.current_url.startswith(f"{address}?conversation=")
        page.until(lambda: page.all("#dl-history a"))
        links = page.run(
            "return [...document.querySelectorAll('#dl-page a, #dl-history a')].map((a) => a.href)"
        )
        assert any("/read/" in link for link in links)
        assert any(".md?" in link for link in links)
        assert [link for link in links if not link.startswith(address)] == []
        stays_below(page, address, missed)
        again = Page(page.driver, page.driver.current_url)
        again.finished()
        assert CO_CHAIRS.citations[0].quote in again.quotes()
        stays_below(again, address, missed)
        (read,) = [link for link in links if "/read/" in link and "?c=" in link][:1]
        page.driver.get(read)
        assert page.text("#quote") == CO_CHAIRS.citations[0].quote
        stays_below(page, address, missed)
        opened.leave()


def test_logging_in_and_out_stays_below_the_path(opened: Opened, tmp_path: Path) -> None:
    missed: list[str] = []
    access = Access(PASSWORD, Sessions.open(tmp_path / "sessions.sqlite"))
    with (
        opened.served(FakeAssistant(), access=access) as server,
        below(PREFIX, server, {}, missed) as address,
    ):
        page = opened(f"{address}read/meeting?c=1", login=True)
        page.write("#password", PASSWORD)
        page.click("button")
        page.until(lambda: page.all(".dl-article"))
        assert page.driver.current_url == f"{address}read/meeting?c=1"
        page.driver.get(address)
        page.loaded()
        page.ask(QUESTION)
        page.click("#dl-leave button")
        page.until(lambda: page.all("#password"))
        assert page.driver.current_url.startswith(f"{address}login")
        stays_below(page, address, missed, left=True)
        opened.leave()
