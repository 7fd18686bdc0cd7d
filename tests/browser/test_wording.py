"""Text shows as it is meant: Markdown's characters, right-to-left lines, dates, what is copied."""

from __future__ import annotations

from dataclasses import replace

from selenium.webdriver.common.keys import Keys

from assistant.render.plain import to_text
from tests.browser.axe import faults
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_assistant import ANSWERS, COST, FakeAssistant, MemoryIndex, answered, cite
from vectorstore.articles import Article, Origin, Summary

HEBREW = "חומת הנמל תעלה 48 מיליון."
ARABIC = "سيكلف جدار الميناء 48 مليونا."
MIXED = Article("mixed", "חומת הנמל", f"{HEBREW}\n\nThe wall costs 48 million.\n\n{ARABIC}", "Wire")
SIGNS = (
    "## The *harbour* wall\n\n"
    "It will cost **€48 million**, [the port](https://port.example/x) said \\[on Monday\\].\n\n"
    "2 * 3 * 4 and snake_case_names stay; so does 5\\% of it."
)
SEEN = (
    "The harbour wall\n\n"
    "It will cost €48 million, the port said [on Monday].\n\n"
    "2 * 3 * 4 and snake_case_names stay; so does 5% of it."
)
NOTES = Article("notes", "The harbour wall", SIGNS, "Notes")
QUOTE = "It will cost **€48 million**, [the port](https://port.example/x) said \\[on Monday\\]."

RUNS = "return getComputedStyle(document.querySelector(arguments[0])).direction"
BEGINS = "return getComputedStyle(document.querySelector(arguments[0])).textAlign"


class Files(MemoryIndex):
    """Articles that came from files."""

    def summary(self, article_id: str) -> Summary:
        found = super().summary(article_id)
        return replace(found, origins=(Origin(f"/articles/{article_id}.md", article_id),))


def copied(page: Page) -> str:
    """What the page copies, caught in place of the clipboard, which a test does not have."""
    page.run(
        "Object.defineProperty(navigator, 'clipboard', {configurable: true, value:"
        " {writeText: async (text) => { window.copied = text; }}})"
    )
    page.click(".dl-copy")
    text: str = page.until(lambda: page.run("return window.copied"))
    return text


# ------------------------------------------------------------------------------------------- dates


def test_a_date_that_is_none_is_told_at_its_field_and_keeps_the_other_filters(page: Page) -> None:
    page.click("#dl-narrow button")
    page.write("#dl-dates input", "2025-07-01", Keys.ENTER)
    page.until(lambda: page.chips() == ["from 1 Jul 2025"])
    page.write("#dl-dates input", "26 July", Keys.TAB, at=1)
    told = "“26 July” is not a date: write it as 2025-07-26."
    page.until(lambda: page.text("#dl-dates .dl-error") == told)
    invalid = page.one("#dl-dates [aria-invalid=true]")
    assert page.text(f"#{invalid.get_attribute('aria-describedby')}") == told
    assert page.chips() == ["from 1 Jul 2025"]
    assert faults(page.driver) == []
    page.write("#dl-dates input", Keys.CONTROL, "a", at=1)
    page.write("#dl-dates input", "2025-06-01", Keys.TAB, at=1)
    page.until(lambda: page.text("#dl-dates .dl-error").startswith("This is before “From”"))
    page.write("#dl-dates input", Keys.CONTROL, "a", at=1)
    page.write("#dl-dates input", "2025-08-01", Keys.TAB, at=1)
    page.until(lambda: page.text("#dl-dates .dl-error") == "")
    page.until(lambda: page.chips() == ["from 1 Jul 2025", "to 1 Aug 2025"])


# --------------------------------------------------------------------------------- right to left


def test_paragraphs_run_as_their_language_does(opened: Opened) -> None:
    told = answered("?", f"{HEBREW} [1]\n\nIn short.", cite(MIXED, ARABIC))
    assistant = FakeAssistant([MIXED], answers={"כמה": told})
    with opened.served(assistant, []) as address:
        page = opened(address)
        page.ask("כמה עולה החומה?")
        for css, direction in (
            (".dl-question", "rtl"),
            (".dl-text", "rtl"),
            (".dl-text:nth-of-type(2)", "ltr"),
            (".dl-sources .dl-quote", "rtl"),
            ("#dl-box textarea", "ltr"),
        ):
            assert page.run(RUNS, css) == direction, css
            assert page.run(BEGINS, css) == "start", css
        assert page.one(".dl-text:nth-of-type(2)").get_attribute("dir") == "auto"
        assert page.box.get_attribute("dir") == "auto"
        page.cite()
        assert page.reader_marked() == ARABIC
        assert page.run(RUNS, "#dl-reader-text") == "rtl"
        begins = (
            "const bounds = (css) => document.querySelector(css).getBoundingClientRect();"
            " return bounds('#dl-reader h2').right - bounds('#dl-reader h2 bdi').right;"
        )
        assert page.run(RUNS, "#dl-reader h2 bdi") == "rtl"
        assert abs(page.run(begins)) < 8  # at the right, like the text below it
        # Within an article, each paragraph by itself: the English one begins at the left.
        left = (
            "const text = document.querySelector('#dl-reader-text'), node = text.firstChild,"
            " range = document.createRange(), at = node.textContent.indexOf('The wall');"
            " range.setStart(node, at); range.setEnd(node, at + 3);"
            " return range.getBoundingClientRect().left - text.getBoundingClientRect().left;"
        )
        assert page.run(left) < 40


# ------------------------------------------------------------------------------- Markdown's signs


def test_what_is_copied_is_plain_words_with_the_sources(page: Page) -> None:
    page.ask("what does the harbour wall cost?")
    text = copied(page)
    assert text == f"what does the harbour wall cost?\n\n{to_text(COST)}\n"
    assert "\\" not in text
    assert "**" not in text


def test_the_reader_hides_the_signs_of_markdown_and_keeps_every_quote_in_its_place(
    opened: Opened,
) -> None:
    told = answered("?", "€48 million [1].", cite(NOTES, QUOTE))
    assistant = FakeAssistant(answers={**ANSWERS, "notes": told})
    assistant.index = Files([NOTES])
    with opened.served(assistant, []) as address:
        page = opened(address)
        page.ask("what do the notes say?")
        page.cite()
        assert page.reader_marked() == QUOTE
        assert page.words("#dl-reader-text") == [SIGNS]
        assert page.run("return document.querySelector('#dl-reader-text').innerText") == SEEN
        page.keys(Keys.ESCAPE)
