"""A chat model killed before an answer and in the middle of one, as a person sees it."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_model_server import ModelServer, Say, free_port
from tests.test_generating import MEETING, QUESTION, SAID, asking


def notices(page: Page) -> list[str]:
    return page.words(".dl-notice", "[...document.querySelectorAll('.bot-row')].at(-1)")


def own_words(page: Page) -> None:
    """The last answer is in the articles' own words, proved, and says why."""
    assert "France and Saudi Arabia" in page.answered()
    assert all(quote in MEETING for quote in page.quotes())
    assert page.quotes()
    assert "these are the articles' own words" in " ".join(notices(page))


def test_a_model_killed_before_and_in_the_middle_of_an_answer_leaves_the_articles_own_words(
    opened: Opened, tmp_path: Path
) -> None:
    port = free_port()
    with (
        asking(tmp_path, f"http://127.0.0.1:{port}/v1", model_timeout=600) as assistant,
        opened.served(assistant) as address,
    ):
        page = opened(address)
        page.ask(QUESTION)  # nothing is listening there
        own_words(page)
        held = Say(f"{SAID} [1]. It is held in Dakar on July 9 [1].", ends="cut", holds=14)
        with ModelServer(held, port=port):
            page.type(QUESTION)
            page.until(lambda: len(page.all(".user-row")) == 2 and page.citations())
            held.go_on.set()
            page.finished()
            own_words(page)
        with ModelServer(Say(f"{SAID} [1]."), port=port):
            page.click(".dl-again", -1)
            page.asked(3)
            page.finished()
            # No failure any more; these readers are given no answer, and say so.
            assert [told.split(" that ")[0] for told in notices(page)] == [
                "The built-in readers are not sure"
            ]
            page.cite()
            assert page.reader_marked() == f"{SAID}."
        assert page.text(".dl-question").splitlines() == [QUESTION] * 3
