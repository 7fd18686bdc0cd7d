"""Headless Chromium with a fresh profile, and what it logged about the page.

    with chromium() as driver:
        driver.get(address)
        violations(driver)        what the Content-Security-Policy refused, and script errors
        requested(driver)         every address the page asked for

It drives the system's Chromium; `missing()` names what is not installed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

BROWSER = Path("/usr/bin/chromium")
DRIVER = Path("/usr/bin/chromedriver")

_PATIENCE = 90  # seconds for an asynchronous script

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    # Pages share one process in turn, and none is cached: half the processor time of loading them.
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
    "--disable-features=BackForwardCache",
    "--disable-extensions",
    "--disable-breakpad",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    # The animation policy and the clock are the system's; the language is fixed.
    "--lang=en-GB",
)


def missing() -> str:
    """What the browser tests lack here, or "" if they can run."""
    absent = [str(path) for path in (BROWSER, DRIVER) if not path.exists()]
    return f"not installed: {', '.join(absent)}" if absent else ""


@contextmanager
def chromium(
    width: int = 1280, height: int = 900, *, dark: bool = False, still: bool = True
) -> Iterator[WebDriver]:
    """A browser whose page has exactly this size; `still` asks for reduced motion."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = str(BROWSER)
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # Only the requests in the log are looked at.
        options.add_experimental_option(
            "perfLoggingPrefs", {"enableNetwork": True, "enablePage": False}
        )
        driver = Chrome(options=options, service=Service(str(DRIVER)))
        try:
            driver.set_script_timeout(_PATIENCE)
            resize(driver, width, height)
            prefer(driver, dark=dark, still=still)
            yield driver
        finally:
            driver.quit()


def resize(driver: WebDriver, width: int, height: int) -> None:
    """Give the page this size, even narrower than a window can be."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(driver: WebDriver, *, dark: bool = False, still: bool = True, medium: str = "") -> None:
    """What the system asks of the page: dark colours, and reduced motion if `still`; with "print" as
    the `medium`, it looks as it is printed."""
    features = [
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": features})


def violations(driver: WebDriver) -> list[str]:
    """The console's errors since the last call: refused, thrown, not found."""
    return [
        entry["message"]
        for entry in _log(driver, "browser")
        if entry["level"] == "SEVERE" or "Content Security Policy" in entry["message"]
    ]


def requested(driver: WebDriver) -> list[str]:
    """Every address the page requested since the last call, of any kind."""
    sent = []
    for entry in _log(driver, "performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            sent.append(message["params"]["request"]["url"])
    return sent


def _log(driver: WebDriver, kind: str) -> list[dict[str, Any]]:
    """What the browser logged of this kind since the last call."""
    read: Callable[[str], list[dict[str, Any]]] = driver.get_log
    return read(kind)
