"""Who answers, and where a question goes, is shown and chosen for each conversation."""

from __future__ import annotations

from selenium.webdriver.support.select import Select

from assistant import Settings
from tests.browser.axe import faults
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_assistant import FakeAssistant
from tests.test_models import OLLAMA, QWEN, models_of


def shown(page: Page) -> tuple[str, str]:
    """Who answers, and where a question goes."""
    page.until(lambda: page.text("#dl-where"))
    who = page.run("return document.querySelector('#dl-model').selectedOptions[0].text")
    return who, page.text("#dl-where")


def test_a_model_is_chosen_for_each_conversation_and_a_found_one_is_offered(opened: Opened) -> None:
    settings = Settings(models="anthropic:haiku")
    assistant = FakeAssistant(settings=settings)
    assistant.models = models_of(OLLAMA, models=settings.models)
    with opened.served(assistant) as address:
        page = opened(address)
        page.until(lambda: page.text("#dl-offers"))
        assert page.text("#dl-offers").splitlines() == [
            "Ollama runs on this computer.",
            "Use qwen3:4b",
        ]
        assert page.words("#dl-model > option") == ["Articles’ own words", "anthropic:haiku"]
        assert page.words("#dl-model optgroup option") == list(OLLAMA.models)
        own = ("Articles’ own words", "stays on this computer")
        assert shown(page) == own
        assert "Nothing leaves this computer" not in page.text("#dl-summary")
        assert faults(page.driver) == []

        Select(page.one("#dl-model")).select_by_value("anthropic:haiku")
        page.until(lambda: page.text("#dl-where") == "goes to api.anthropic.com")
        page.ask("what does the harbour wall cost?")
        assert page.text(".dl-writer") == "Written by anthropic:haiku"
        assert shown(page)[1] == "goes to api.anthropic.com"
        assert faults(page.driver) == []

        page.click("#dl-again")
        page.until(lambda: not page.all(".user-row"))
        page.click(".dl-use")
        page.until(lambda: shown(page) == ("qwen3:4b (Ollama)", "stays on this computer"))
        page.ask("who co-chairs the two-state meeting?")
        assert page.text(".dl-writer") == "Written by ollama:qwen3:4b"
        assert [each.model for each in assistant.asked] == ["anthropic:haiku", QWEN]

        # Each conversation keeps its own, even after a reload, with later changes.
        page.click("#dl-history .dl-talk", 1)
        page.until(lambda: shown(page) == ("anthropic:haiku", "goes to api.anthropic.com"))
        Select(page.one("#dl-model")).select_by_value("reader")
        page.until(lambda: shown(page) == own)
        page.click("#dl-history .dl-talk", 0)
        page.until(lambda: shown(page)[0] == "qwen3:4b (Ollama)")
        page.driver.refresh()
        page.loaded()
        page.until(lambda: shown(page)[0] == "qwen3:4b (Ollama)")
        page.click("#dl-history .dl-talk", 1)
        page.until(lambda: shown(page) == own)
        page.click(".dl-again")
        page.asked(2)
        page.finished()
        assert assistant.asked[-1].model == "reader"

        # One that was found before the program ended: no other is asked in its place.
        page.run(
            "const field = document.querySelector('#dl-chosen textarea'); field.value = 'ollama:gone';"
            " field.dispatchEvent(new Event('input', { bubbles: true }));"
        )
        page.ask("what does the harbour wall cost?")
        assert "there is no model 'ollama:gone' to choose here" in page.answered()
        assert shown(page) == ("ollama:gone", "not there any more: choose another")
        Select(page.one("#dl-model")).select_by_value("reader")
        page.click(".dl-retry")
        page.until(lambda: not page.all("#dl-answers .dl-error"))
        page.finished()
        assert "€48 million" in page.answered()

        small = opened(address, 390, 844)
        small.until(lambda: small.text("#dl-offers") and small.text("#dl-where"))
        assert small.fits()
        assert faults(small.driver) == []
