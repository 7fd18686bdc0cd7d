"""The page of an installation with several collections: one is chosen in its header."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.support.select import Select

from tests.browser.axe import faults
from tests.browser.conftest import Opened
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
        assert page.all(".user-row, #dl-history a") == []  # what was asked of the other stays there
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
