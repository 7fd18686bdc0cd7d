"""Pictures of the page, to be looked at: every state, four widths, light and dark.

    python -m tests.browser.screenshots OUTDIR [STATE ...]      those states, or all
    python -m tests.browser.screenshots --readme docs/page.png  the picture for the README

Needs Chromium. The README's is of the real assistant over the sample articles.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from assistant import Assistant, Settings
from assistant.resources import SAMPLES, seeds_folder
from tests.browser.chromium import chromium, resize
from tests.browser.conftest import served
from tests.browser.page import Page
from tests.browser.states import STATES, staged

SIZES = ((390, 844), (800, 1000), (1280, 860), (1920, 1080))


def main(folder: Path, chosen: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with staged() as stage:
        for dark in (False, True):
            with chromium(dark=dark) as driver:
                for width, height in SIZES:
                    resize(driver, width, height)
                    for name in chosen or STATES:
                        STATES[name](stage.before(driver))
                        shade = "dark" if dark else "light"
                        driver.save_screenshot(f"{folder / name}-{width}-{shade}.png")
                        stage.after()


def readme(file: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as index,
        Assistant.open(Settings(index=Path(index))) as assistant,
    ):
        assistant.index.add(seeds_folder())
        with (
            served(assistant, [s.question for s in SAMPLES]) as address,
            chromium(1280, 800) as driver,
        ):
            page = Page(driver, address)
            page.ask(SAMPLES[1].question)
            page.cite()
            page.reader_marked()
            driver.save_screenshot(str(file))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--readme", file]:
            readme(Path(file))
        case [folder, *names] if folder[0] != "-" and set(names) <= set(STATES):
            main(Path(folder), names)
        case _:
            sys.exit(f"{__doc__}\nStates: {', '.join(STATES)}")
