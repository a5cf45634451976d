"""A headless browser for tests, with the log of its console and of its network requests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from deploy.local.browser import find_browser

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root cannot use the sandbox, and the page is our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--window-size=1300,3000",
    # The browser contacts no server but the gateway.
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_LOGS = {"browser": "ALL", "performance": "ALL"}


class Chromium:
    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def requested_urls(self, page_url: str) -> list[str]:
        """The URLs that the page requested since the last call, without those that carry their own data.

        page_url: the beginning of the page's URL. The browser's own start page makes requests too.
        """
        entries = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
        urls = [each["request"]["url"] for each in sent if each["documentURL"].startswith(page_url)]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]

    def console(self) -> list[str]:
        """Messages of scripts and of the browser itself since the last call: errors, warnings, failed requests."""
        return [f"{entry['level']}: {entry['message']}" for entry in self._log("browser")]

    def _log(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.get_log(name)  # type: ignore[no-untyped-call]  # Selenium's gap
        return entries


@contextmanager
def a_chromium(profile: Path, *, logs: bool = True) -> Iterator[Chromium]:
    """A running browser that keeps its data in the new folder `profile`.

    logs: keep what `requested_urls` and `console` return, whole requests with their bodies.

    Raises:
        Missing: the browser is missing and cannot be installed.
    """
    browser, driver = find_browser()
    options = ChromeOptions()
    options.binary_location = str(browser)
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    if logs:
        options.set_capability("goog:loggingPrefs", _LOGS)
    # With the path of the driver Selenium downloads nothing.
    running = Chrome(options, Service(str(driver)))
    try:
        yield Chromium(running)
    finally:
        running.quit()
