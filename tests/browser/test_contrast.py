"""The page in the few colours of a system set to high contrast."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.browser.page import Page
from tests.fake_assistant import COST


@pytest.mark.parametrize(
    "css", [".dl-source > .dl-keep", ".dl-actions .dl-copy", ".dl-actions .dl-again"]
)
def test_icons_are_seen_in_colours_that_the_system_prescribes(page: Page, css: str) -> None:
    page.ask(COST.question)
    page.until(lambda: page.all(css))
    features = [{"name": "forced-colors", "value": "active"}]
    try:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        assert page.run("return matchMedia('(forced-colors: active)').matches")
        picture = Image.open(io.BytesIO(page.all(css)[0].screenshot_as_png)).convert("RGB")
        # The left edge, where no label is.
        icon = picture.crop((8, 0, min(26, picture.width), picture.height))
        assert len(icon.getcolors(10_000) or ()) > 1
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
