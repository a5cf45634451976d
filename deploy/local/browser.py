"""Debian's Chromium and its driver, for tests of the documentation page and of pictures."""

from pathlib import Path

from deploy.local.packages import Missing, install

BROWSER = Path("/usr/bin/chromium")
DRIVER = Path("/usr/bin/chromedriver")


def find_browser() -> tuple[Path, Path]:
    """The browser and its driver. Installs them together if one is missing, so that their versions match.

    Raises:
        Missing: they cannot be installed.
    """
    if not _present():
        install("chromium", "chromium-driver")
        if not _present():
            raise Missing(f"chromium and chromium-driver are installed, but not as {BROWSER} and {DRIVER}")
    return BROWSER, DRIVER


def _present() -> bool:
    return BROWSER.exists() and DRIVER.exists()
