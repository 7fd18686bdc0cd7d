"""The page of an installation with several collections: one is chosen in its header."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.browser.axe import faults
from tests.browser.chromium import violations
from tests.browser.conftest import Opened
from tests.browser.page import Page
from tests.serving import served
from tests.test_collections import QUESTION, World


def test_a_collection_is_chosen_in_the_header_where_there_are_several(
    opened: Opened, tmp_path: Path
) -> None:
    world = World(tmp_path, page=True)
    with served(world.app) as address:
        page = opened(f"{address}/")
        page.until(lambda: page.all("#dl-collection option"))
        assert page.texts("#dl-collection option") == ["Main collection", "press", "sport"]
        page.ask(QUESTION)
        assert "main" in page.answered()
        Select(page.one("#dl-collection")).select_by_visible_text("press")
        page.until(lambda: page.driver.current_url == f"{address}/collections/press/")
        page.loaded()
        page.until(lambda: page.all("#dl-collection option"))
        assert page.run(
            "return document.querySelector('#dl-collection').selectedOptions[0].text"
        ) == ("press")
        assert page.all(".user-row, #dl-history a") == []  # what the other was asked stays there
        page.until(lambda: "press:" in page.text("#dl-shelf li"))
        page.ask(QUESTION)
        assert "press" in page.answered()
        page.cite()
        page.until(lambda: page.text("#dl-reader-title").startswith("press:"))
        assert faults(page.driver) == []
        Select(page.one("#dl-collection")).select_by_visible_text("sport")
        page.until(lambda: page.driver.current_url == f"{address}/collections/sport/")
        page.loaded()
        page.until(lambda: page.all("#dl-collection option"))
        Select(page.one("#dl-collection")).select_by_visible_text("Main collection")
        page.until(lambda: page.driver.current_url == f"{address}/")
        page.loaded()
        page.until(lambda: len(page.all("#dl-history li")) == 1)
        asked = [[each.question for each in fake.asked] for fake in world.fakes.values()]
        assert [questions.count(QUESTION) for questions in asked] == [1, 1, 0, 0]
        opened.leave()
    for name in ("press", "sport"):
        world.installation.remove(name)
    with served(world.app) as address:
        page = opened(f"{address}/")
        page.until(lambda: page.texts("#dl-shelf li"))
        assert page.all("#dl-collection") == []
        opened.leave()


def test_collections_are_made_renamed_and_removed_in_the_page(
    opened: Opened, tmp_path: Path
) -> None:
    world = World(tmp_path, page=True)
    world.fakes["desk"] = world.fakes["new"]
    lines = "#dl-collections li"

    def create(page: Page, name: str) -> None:
        page.write("#dl-collection-name", Keys.CONTROL, "a")
        page.write("#dl-collection-name", name, Keys.ENTER)

    with served(world.app) as address:
        page = opened(f"{address}/")
        page.click("#dl-collections-open")
        page.until(lambda: page.texts(f"{lines} a") == ["press", "sport"])
        create(page, "a b")
        page.until(
            lambda: "is not a valid name for a collection" in page.text("#dl-collections .dl-error")
        )
        create(page, "press")
        page.until(lambda: "There is a collection 'press'" in page.text("#dl-collections"))
        assert faults(page.driver) == []
        create(page, "new")
        page.until(lambda: page.driver.current_url == f"{address}/collections/new/")
        page.loaded()
        assert world.installation.names() == ("new", "press", "sport")

        page.click("#dl-collections-open")
        page.click("[aria-label='Rename new']")
        page.write("#dl-collections li input", Keys.CONTROL, "a")
        page.write("#dl-collections li input", "sport", Keys.ENTER)
        page.until(lambda: "'sport' already" in page.text(f"{lines} .dl-error"))
        page.write("#dl-collections li input", Keys.CONTROL, "a")
        page.write("#dl-collections li input", "desk", Keys.ENTER)
        page.until(lambda: page.driver.current_url == f"{address}/collections/desk/")
        page.loaded()

        page.click("#dl-collections-open")
        page.click("[aria-label='Remove sport']")
        page.until(lambda: "with its 1 article, conv" in page.text(f"{lines} .dl-field"))
        page.write("#dl-collections li input", "spor", Keys.ENTER)
        page.until(lambda: "Nothing was removed" in page.text(f"{lines} .dl-error"))
        assert faults(page.driver) == []
        page.write("#dl-collections li input", "t", Keys.ENTER)
        page.until(lambda: page.texts(f"{lines} a") == ["desk", "press"])
        page.until(lambda: page.words("#dl-collection option")[1:] == ["desk", "press"])
        page.click("[aria-label='Remove desk']")
        page.write("#dl-collections li input", "desk", Keys.ENTER)
        page.until(lambda: page.driver.current_url == f"{address}/")
        page.loaded()
        assert world.installation.names() == ("press",)
        # The browser itself logs the two names that were already taken.
        assert [said for said in violations(page.driver) if "409" not in said] == []
        opened.leave()
