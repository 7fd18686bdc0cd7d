"""The chat page as a person sees it: what can be read, clicked and typed.

page = Page(driver, address)        loads it and waits until a question can be typed
page.ask("what?")                   types it, presses Enter, waits for the whole answer
page.quotes()                       the marked words of the last answer
page.click("#dl-go")                as soon as it can be clicked, however often it is redrawn
page.write("#dl-search", "zebra")   as soon as it can be typed into

The page redraws when it likes, so nothing is held across a step: what is read is read in one go,
and what is to come is waited for.
"""

from __future__ import annotations

import time
from inspect import getsource
from typing import TYPE_CHECKING, Any

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.chrome.webdriver import WebDriver

PATIENCE = 90  # seconds; the cores may be busy with other things

_DRAWN_ANEW = (
    StaleElementReferenceException,
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
)


def until(true: Callable[[], Any]) -> Any:
    """Wait until `true()` holds, and return its result. It is called less and less often: each call
    costs the page as much as what it does meanwhile."""
    ends, pause = time.monotonic() + PATIENCE, 0.05
    while True:
        try:
            if value := true():
                return value
        except _DRAWN_ANEW:
            pass
        if time.monotonic() > ends:
            raise TimeoutException(f"waited in vain for {getsource(true).strip()}")
        time.sleep(pause)
        pause = min(1.3 * pause, 0.4)


class Page:
    """One load of the page in a browser; with `login` it is the page that asks for the password."""

    def __init__(self, driver: WebDriver, address: str, *, login: bool = False) -> None:
        self.driver = driver
        self.address = address
        driver.get(address)
        if login:
            self.until(lambda: self.all("#password"))
        else:
            self.loaded()

    def loaded(self) -> None:
        """Wait until a question can be typed, and everything the page shows at first is there."""
        # The summary comes last, together with the conversation and the questions to click.
        self.until(lambda: self.all("#dl-box textarea") and self.text("#dl-summary"))

    def until(self, true: Callable[[], Any]) -> Any:
        """Wait until `true()` holds, and return its result."""
        return until(true)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        """The only element of this kind, as soon as it is there."""

        def only() -> WebElement | None:
            found = self.all(css)
            return found[0] if len(found) == 1 else None

        element: WebElement = self.until(only)
        return element

    def text(self, css: str) -> str:
        """The visible text of all elements of this kind, "" where there is none."""
        return "\n".join(filter(None, self.texts(css)))

    def texts(self, css: str) -> list[str]:
        """The visible text of each element of this kind."""
        # In a tuple, since an empty list would count as not yet there.
        (read,) = self.until(lambda: ([element.text for element in self.all(css)],))
        return list(read)

    def click(self, css: str, at: int = 0) -> None:
        """Click one of the elements of this kind as soon as it is there and can be clicked."""

        def clicked() -> bool:
            found = self.all(css)
            if not -len(found) <= at < len(found):
                return False
            found[at].click()
            return True

        self.until(clicked)

    def write(self, css: str, *keys: str, at: int = 0) -> None:
        """Type into one of the elements of this kind as soon as it is there and can be typed into."""

        def written() -> bool:
            found = self.all(css)
            if not -len(found) <= at < len(found):
                return False
            found[at].send_keys(*keys)
            return True

        self.until(written)

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def run_async(self, script: str, *values: Any) -> Any:
        """What the script passes to `done`, possibly later."""
        script = f"const done = arguments[arguments.length - 1]; {script}"
        return self.driver.execute_async_script(script, *values)

    @property
    def box(self) -> WebElement:
        return self.one("#dl-box textarea")

    def type(self, question: str) -> None:
        """Type a question and press Enter."""
        self.write("#dl-box textarea", question)
        self.write("#dl-box textarea", Keys.ENTER)

    def ask(self, question: str) -> None:
        """Ask, and wait until the answer is whole."""
        before = len(self.all(".user-row"))
        self.type(question)
        self.asked(before + 1)
        self.finished()

    def asked(self, questions: int) -> None:
        """Wait until the conversation has that many questions."""
        self.until(lambda: len(self.all(".user-row")) == questions)

    def finished(self) -> None:
        """Wait until every question has its complete answer, and the next can be asked."""
        self.until(lambda: self.run(_FINISHED))

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        self.focused().send_keys(*keys)

    def answered(self) -> str:
        """All that is visible of the last answer."""
        return (self.texts(".bot-row") or [""])[-1]

    def quotes(self) -> list[str]:
        """The marked words in the last answer's sources, as they are in the page."""
        return self.words("mark", "[...document.querySelectorAll('.bot-row')].at(-1)")

    def citations(self) -> list[WebElement]:
        """The clickable numbers in the last answer's text; none while there is no answer."""
        rows = self.all(".bot-row")
        return rows[-1].find_elements(By.CSS_SELECTOR, ".dl-text a.cite") if rows else []

    def cite(self, at: int = 0) -> None:
        """Click one of the last answer's numbers."""

        def clicked() -> bool:
            found = self.citations()
            if not -len(found) <= at < len(found):
                return False
            found[at].click()
            return True

        self.until(clicked)

    def words(self, css: str, within: str = "document") -> list[str]:
        """The exact text of each element of this kind, whether visible or not."""
        script = f"return [...({within}).querySelectorAll(arguments[0])].map((e) => e.textContent)"
        return [str(text) for text in self.run(script, css)]

    def chips(self) -> list[str]:
        """The filters shown above the question box."""
        return self.words("#dl-chips .dl-chip > span:first-child")

    def reader_marked(self) -> str:
        """The words that the reader marks as the chosen quote; waits for it to open."""
        return "".join(self.until(lambda: self.words("#dl-reader mark.dl-current")))

    def steady(self, script: str) -> Any:
        """The script's result, once it has been the same for three frames in a row."""
        now = f"(() => {{ {script} }})()"
        frames = (
            "const seen = []; const look = () => {"
            f" seen.push(JSON.stringify({now}));"
            " const last = seen.slice(-3);"
            " if (last.length === 3 && new Set(last).size === 1) done(JSON.parse(last[0]));"
            " else requestAnimationFrame(look); }; look();"
        )
        return self.run_async(frames)

    def cookies(self) -> dict[str, str]:
        """The cookies of the page's address, including those that scripts cannot read."""
        return {cookie["name"]: cookie["value"] for cookie in self.driver.get_cookies()}

    def focused(self) -> WebElement:
        element = self.until(lambda: self.run("return document.activeElement"))
        assert isinstance(element, WebElement)
        return element

    def focuses(self, css: str) -> None:
        """Wait until the focus is on an element of this kind."""
        self.until(
            lambda: self.run("return document.activeElement?.matches(arguments[0]) ?? false", css)
        )

    def fits(self) -> bool:
        """Whether nothing has to be scrolled sideways, once the layout has settled."""
        width, inner = self.steady("return [document.documentElement.scrollWidth, innerWidth]")
        return bool(width <= inner)


# Every question has its answer, the last is drawn and not growing, and the button says Ask again.
_FINISHED = """
const [asked, told] = ['.user-row', '.bot-row'].map((css) => document.querySelectorAll(css));
const last = told[told.length - 1];
return Boolean(last && asked.length <= told.length && !document.querySelector('.dl-working')
  && last.querySelector('.dl-text, .dl-error, .dl-notice, .dl-actions')
  && document.querySelector('#dl-go') && !document.querySelector('#dl-stop'));
"""
