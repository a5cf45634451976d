"""Debian's Chromium and its driver, for tests of the documentation page and of pictures."""

from pathlib import Path

from deploy.local.packages import install_programs

BROWSER = Path("/usr/bin/chromium")
DRIVER = Path("/usr/bin/chromedriver")


def find_browser() -> tuple[Path, Path]:
    """The browser and its driver. Installs both if one is missing, so that their versions match.

    Raises:
        Missing: they cannot be installed.
    """
    install_programs((BROWSER, DRIVER), "chromium", "chromium-driver")
    return BROWSER, DRIVER
