"""The chat page as a person sees it: what can be read, clicked and typed.

page = Page(driver, address)        loads it and waits until a question can be typed
page.ask("what?")                   types it, presses Enter, waits for the whole answer
page.quotes()                       the marked words of the last answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.chrome.webdriver import WebDriver

PATIENCE = 30  # seconds; the two cores may be busy with other tests


def until(driver: WebDriver, true: Callable[[], Any]) -> Any:
    """Wait until `true()` is, and return what it gave."""
    ignored = [StaleElementReferenceException]
    wait = WebDriverWait(driver, PATIENCE, poll_frequency=0.05, ignored_exceptions=ignored)
    return wait.until(lambda _: true())


class Page:
    """One load of the page in a browser."""

    def __init__(self, driver: WebDriver, address: str) -> None:
        self.driver = driver
        self.address = address
        driver.get(address)
        self.until(lambda: self.all("#dl-box textarea") and self.text("#dl-summary"))

    def until(self, true: Callable[[], Any]) -> Any:
        """Wait until `true()` is, and return what it gave."""
        return until(self.driver, true)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        found = self.all(css)
        assert len(found) == 1, f"{len(found)} of {css}"
        return found[0]

    def text(self, css: str) -> str:
        """The visible text of all elements of this kind, "" where there is none."""
        return "\n".join(element.text for element in self.all(css))

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def run_async(self, script: str, *values: Any) -> Any:
        """What the script hands to `done`, which it may do later."""
        script = f"const done = arguments[arguments.length - 1]; {script}"
        return self.driver.execute_async_script(script, *values)

    @property
    def box(self) -> WebElement:
        return self.one("#dl-box textarea")

    def type(self, question: str) -> None:
        """Type a question and press Enter."""
        self.box.send_keys(question)
        self.box.send_keys(Keys.ENTER)

    def ask(self, question: str) -> None:
        """Ask, and wait until the answer is whole."""
        before = len(self.all(".user-row"))
        self.type(question)
        self.until(lambda: len(self.all(".user-row")) == before + 1)
        self.finished()

    def finished(self) -> None:
        """Wait until the last answer is whole."""
        self.until(lambda: self.all(".bot-row") and not self.all(".dl-working"))
        self.until(lambda: self.run("return document.querySelector('#dl-go') !== null"))

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        self.run("return document.activeElement").send_keys(*keys)

    def answer(self) -> WebElement:
        return self.all(".bot-row")[-1]

    def quotes(self) -> list[str]:
        """The marked words of the last answer's sources, as they are in the page."""
        return self.contents(self.answer().find_elements(By.CSS_SELECTOR, "mark"))

    def citations(self) -> list[WebElement]:
        """The numbers to click in the last answer's text, none while there is no answer."""
        rows = self.all(".bot-row")
        return rows[-1].find_elements(By.CSS_SELECTOR, ".dl-text a.cite") if rows else []

    def contents(self, elements: list[WebElement]) -> list[str]:
        return [str(element.get_property("textContent")) for element in elements]

    def chips(self) -> list[str]:
        """The filters that stand above the question's box."""
        return self.contents(self.all("#dl-chips .dl-chip > span:first-child"))

    def reader_marked(self) -> str:
        """The words that the reader marks as the chosen quote; waits for it to open."""
        self.until(lambda: self.all("#dl-reader mark.dl-current"))
        return "".join(self.contents(self.all("#dl-reader mark.dl-current")))

    def cookies(self) -> dict[str, str]:
        """The cookies of the page's address, also those that scripts cannot read."""
        return {cookie["name"]: cookie["value"] for cookie in self.driver.get_cookies()}

    def focused(self) -> WebElement:
        element = self.run("return document.activeElement")
        assert isinstance(element, WebElement)
        return element

    def fits(self) -> bool:
        """Whether nothing has to be scrolled sideways."""
        width, inner = self.run("return [document.documentElement.scrollWidth, innerWidth]")
        return bool(width <= inner)
