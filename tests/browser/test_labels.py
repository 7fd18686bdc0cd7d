"""Authors and tags in the page: questions and the list narrowed to some, articles' own edited."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.axe import faults
from tests.browser.chromium import resize
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.fake_assistant import FakeAssistant
from vectorstore.articles import Article

BREKKE, NESS = "Ola Brekke", "Ness, Ida"
ARTICLES = [
    Article("kelp", "Kelp", "Kelp grows.", "Echo", authors=(BREKKE,), tags=("Fishing", "Kelp")),
    Article("nets", "Nets", "Nets are mended.", "Wire", authors=(NESS,), tags=("fishing",)),
    Article("snow", "Snow", "Snow falls.", "Wire", authors=(BREKKE,)),
]
MANY = [
    Article(f"{n}", f"{n}", "Text.", tags=(f"topic {n}", "<b>all</b>"), authors=(BREKKE,))
    for n in range(220)
]


def titles(page: Page) -> list[str]:
    return sorted(page.texts("#dl-shelf .dl-title"))


def offered(page: Page, kind: str) -> list[str]:
    """The names to pick, even if there are too many to query one by one."""
    boxes = f"[...document.querySelectorAll('#dl-labels input[data-kind={kind}]')]"
    return list(page.run(f"return {boxes}.map((box) => box.value)"))


def pick(page: Page, name: str) -> None:
    page.click(f"#dl-labels input[aria-label='{name}']")


def pick_tag(page: Page, name: str) -> None:
    pick(page, name)
    page.until(lambda: page.chips()[-1:] == [f"tagged {name}"])


def edit(page: Page, title: str) -> None:
    page.click(f"[aria-label='Edit {title}']")
    page.until(lambda: page.one("#dl-edit").is_displayed())


def test_questions_and_the_list_are_narrowed_to_authors_and_tags(opened: Opened) -> None:
    assistant = FakeAssistant(ARTICLES)
    with opened.served(assistant, []) as address:
        page = opened(address)
        page.click("#dl-narrow button")
        page.until(lambda: page.texts("#dl-labels h3") == ["Authors", "Tags"])
        assert page.texts("#dl-labels label") == [
            *("Ola Brekke\n2", "Ness, Ida\n1"),
            *("Fishing\n2", "Kelp\n1"),
        ]
        assert not page.one("#dl-seek-label").is_displayed()
        pick(page, BREKKE)  # quickly, one after the other: neither is lost
        pick(page, "Fishing")
        page.until(lambda: page.chips() == ["by Ola Brekke", "tagged Fishing"])
        page.until(lambda: titles(page) == ["Kelp"])
        assert faults(page.driver) == []
        page.ask("what grows?")
        asked = assistant.asked[-1]
        assert (asked.authors, asked.tags) == ((BREKKE,), ("Fishing",))
        assert "Searched only: by Ola Brekke · tagged Fishing." in page.answered()
        page.driver.refresh()
        page.loaded()
        page.until(lambda: page.chips() == ["by Ola Brekke", "tagged Fishing"])
        checked = "#dl-labels input:checked"
        page.click("#dl-narrow button")
        page.until(lambda: len(page.all(checked)) == 2)
        page.click("[aria-label='Remove the filter by Ola Brekke']")
        page.until(lambda: page.chips() == ["tagged Fishing"] and len(page.all(checked)) == 1)
        page.until(lambda: titles(page) == ["Kelp", "Nets"])
        page.ask("what grows?")
        assert (assistant.asked[-1].authors, assistant.asked[-1].tags) == (None, ("Fishing",))
        page.click("#dl-again")
        page.until(lambda: page.chips() == ["tagged Fishing"])  # like the other filters
        pick(page, "Fishing")
        page.until(lambda: page.chips() == [] and len(titles(page)) == 3)


def test_many_names_are_searched_and_none_are_not_offered(opened: Opened) -> None:
    with opened.served(FakeAssistant(MANY), []) as address:
        page = opened(address)
        page.click("#dl-narrow button")
        page.until(lambda: "21 more: search for them." in page.text("#dl-labels"))
        assert offered(page, "author") == [BREKKE]
        assert offered(page, "tag")[:2] == ["<b>all</b>", "topic 0"]
        assert page.text("#dl-labels li:last-child > ul > li:first-child bdi") == "<b>all</b>"
        page.write("#dl-seek-label", "topic 99")
        page.until(lambda: offered(page, "tag") == ["topic 199", "topic 99"])
        pick_tag(page, "topic 99")
        page.write("#dl-seek-label", "x")
        page.until(lambda: "No author or tag has" in page.text("#dl-labels"))
        page.write("#dl-seek-label", Keys.CONTROL, "a")
        page.write("#dl-seek-label", Keys.DELETE)
        # Once picked, it is listed although it is not among the first.
        page.until(lambda: offered(page, "tag")[:2] == ["topic 99", "<b>all</b>"])
        for name in ("topic 0", "topic 1", "topic 10"):
            pick_tag(page, name)
        pick(page, "topic 100")
        page.until(lambda: page.chips() == ["5 tags"])
        for width in (800, 390):
            resize(page.driver, width, 844)
            assert page.fits()
        resize(page.driver, 1280, 900)
    with opened.served(FakeAssistant(), []) as address:
        page = opened(address)
        page.click("#dl-narrow button")
        page.until(lambda: page.all("#dl-shelf .dl-title"))
        assert not page.one("#dl-labels").is_displayed()


def test_authors_and_tags_are_edited_of_one_article_and_of_several(opened: Opened) -> None:
    assistant = FakeAssistant(ARTICLES)
    kept = assistant.index.get
    with opened.served(assistant, []) as address:
        page = opened(address)
        edit(page, "Snow")
        page.until(lambda: page.texts("#dl-edit .dl-tokens bdi") == [BREKKE])
        page.write("#dl-edit [list]", "Brekke, Ola", Keys.ENTER)
        page.write("#dl-edit [list]", "weather, snow ", at=1)
        page.click("#dl-edit [aria-label='Remove Ola Brekke']")
        page.until(lambda: page.texts("#dl-edit .dl-tokens bdi") == ["Brekke, Ola", "weather"])
        assert faults(page.driver) == []
        page.click("#dl-edit [type=submit]")
        page.until(lambda: kept("snow").tags == ("weather", "snow"))
        assert kept("snow").authors == ("Brekke, Ola",)
        page.until(lambda: not page.one("#dl-edit").is_displayed())

        page.click("#dl-select")
        page.click("[aria-label='Select Kelp']")
        page.click("[aria-label='Select Nets']")
        page.click("#dl-edit-selected")
        page.until(lambda: page.text("#dl-relabel h2") == "Edit 2 articles")
        tokens = "#dl-relabel .dl-tokens li"
        assert page.texts(f"{tokens} bdi") == [BREKKE, NESS, "Fishing", "Kelp"] or page.texts(
            f"{tokens} bdi"
        ) == [NESS, BREKKE, "fishing", "Kelp"]
        assert page.texts(f"{tokens} .dl-number-of") == ["1 of 2", "1 of 2", "1 of 2"]
        page.click("#dl-relabel [aria-label='Remove fishing' i]")
        page.write("#dl-relabel [list]", "ola brekke", Keys.ENTER)  # now an author of all
        page.write("#dl-relabel [list]", "sea", at=1)
        page.until(lambda: len(page.texts(f"{tokens} .dl-number-of")) == 2)
        assert faults(page.driver) == []
        page.click("#dl-relabel [type=submit]")
        page.until(lambda: kept("nets").tags == ("sea",))
        assert kept("kelp").tags == ("Kelp", "sea")
        assert kept("kelp").authors == (BREKKE,)
        assert kept("nets").authors == (NESS, "ola brekke")
        page.click("#dl-narrow button")
        page.until(lambda: "sea\n2" in page.texts("#dl-labels label"))
        page.click("#dl-undo")
        page.until(lambda: kept("nets").tags == ("fishing",))
        assert [kept(each.id) for each in ARTICLES[:2]] == ARTICLES[:2]
        page.until(lambda: "Fishing\n2" in page.texts("#dl-labels label"))
