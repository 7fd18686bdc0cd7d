"""A page served from this process, and one browser to look at it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from assistant.api import create_app
from assistant.web.access import Access
from assistant.web.asking import AT_ONCE, Answering
from assistant.web.library import Library
from tests.browser.chromium import chromium, missing, prefer, requested, resize, violations
from tests.browser.page import Page
from tests.fake_assistant import ARTICLES, HOSTILE, FakeAssistant, wait_until

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

EXAMPLES = ("Who co-chairs the two-state meeting?", "What does the harbour wall cost?")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder drives the browser, or is skipped by name if there is none."""
    lacking = missing()
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            # Gradio's queue uses deprecated features of pandas.
            for message in (".*no_silent_downcasting", "The copy keyword is deprecated"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{message}"))
            if lacking:
                item.add_marker(pytest.mark.skip(reason=f"needs Chromium, {lacking}"))


@contextmanager
def served(
    assistant: Answering,
    examples: Sequence[str] | None = EXAMPLES,
    library: Library | None = None,
    access: Access | None = None,
    at_once: int = AT_ONCE,
    port: int = 0,
) -> Iterator[str]:
    """The address of the page over this assistant, served from a thread."""
    import uvicorn

    listening = socket.create_server(("127.0.0.1", port))
    servers: list[uvicorn.Server] = []

    async def run() -> None:
        app = create_app(
            assistant, examples=examples, library=library, access=access, at_once=at_once
        )
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
        servers.append(uvicorn.Server(config))
        await servers[0].serve([listening])

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    wait_until(lambda: bool(servers and servers[0].started), 300)  # a cold start on busy cores
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        servers[0].should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture(scope="session")
def driver() -> Iterator[WebDriver]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="session")
def assistant() -> FakeAssistant:
    return FakeAssistant((*ARTICLES, HOSTILE), failures={"boom": RuntimeError("secret")})


@pytest.fixture(scope="session")
def address(assistant: FakeAssistant) -> Iterator[str]:
    with served(assistant) as address:
        yield address


class Opened:
    """Opens pages; until they are left, they must not have broken their policy or phoned out."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver
        self._pages: list[Page] = []

    def __call__(
        self,
        address: str,
        width: int = 1280,
        height: int = 900,
        *,
        dark: bool = False,
        login: bool = False,
    ) -> Page:
        self._blank()
        resize(self.driver, width, height)
        prefer(self.driver, dark=dark)
        page = Page(self.driver, address, login=login)
        self._pages.append(page)
        return page

    @contextmanager
    def served(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """Like `served`, but the browser leaves the page before the server stops."""
        with served(*args, **kwargs) as address:
            yield address
            self.leave()

    def leave(self) -> None:
        """Check the pages opened so far, and go to an empty one."""
        broken, asked = violations(self.driver), requested(self.driver)
        servers = (urlsplit(page.address) for page in self._pages)
        own = (*(f"http://{server.netloc}/" for server in servers), "data:", "blob:", "about:")
        self._pages.clear()
        self._blank()
        assert broken == []
        assert [url for url in asked if not url.startswith(own)] == []

    def _blank(self) -> None:
        self.driver.get("about:blank")  # leaving a page cuts its streams off, and logs it
        requested(self.driver), violations(self.driver)  # earlier entries belong to no later page


@pytest.fixture
def opened(driver: WebDriver) -> Iterator[Opened]:
    # Each test is a new visitor to every server: history, limits and cookies are never shared.
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    opened = Opened(driver)
    yield opened
    opened.leave()


@pytest.fixture
def page(opened: Opened, address: str, assistant: FakeAssistant) -> Iterator[Page]:
    """The page over the fake assistant, freshly loaded in a wide window."""
    assistant.go_on.clear()
    assistant.stopped.clear()
    assistant.asked.clear()
    yield opened(address)
    assistant.go_on.set()
