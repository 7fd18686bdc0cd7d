"""What axe-core's rules say about a page, without a download.

    faults(driver)          serious and critical violations, one line each; [] where there are none
    faults(driver, COLOURS) only the rule whose result differs in dark mode

The script comes from the installed package axe-playwright-python, of which nothing else is used;
WebDriver injects it into the page, which the page's own policy would not allow.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

COLOURS = "color-contrast"

_GRAVE = ("serious", "critical")
_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"], ...arguments[0]}).then((found) => done(found.violations),
                                                       (error) => done([{id: String(error), impact: "critical", nodes: []}]));
"""


def faults(driver: WebDriver, *rules: str) -> list[str]:
    """The serious or critical violations of accessibility rules, with where they are: of all rules,
    or only of these."""
    if not driver.execute_script("return typeof axe === 'object'"):
        driver.execute_script(_script())
    found: list[dict[str, Any]] = driver.execute_async_script(
        _RUN, {"runOnly": list(rules)} if rules else {}
    )
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} {node['failureSummary'][:400]}"
        for violation in found
        if violation["impact"] in _GRAVE
        for node in violation["nodes"] or [{"html": "", "failureSummary": ""}]
    ]


@cache
def _script() -> str:
    spec = find_spec("axe_playwright_python")
    assert spec is not None, "axe-playwright-python is not installed: pip install --group dev"
    assert spec.origin is not None
    return Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8")
