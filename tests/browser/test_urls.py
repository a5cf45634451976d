"""The recorded table of URLs, by which the URL parser is tested, against the browser itself."""

from tests.support.browser_urls import BASE, BROWSER_REFERENCES, BROWSER_URLS
from tests.support.chromium import Chromium

_PARSE = """
const [texts, base] = arguments;
return texts.map((text) => {
  try { return (base === null ? new URL(text) : new URL(text, base)).href; } catch { return null; }
});
"""


def test_the_table_of_urls_is_what_the_browser_makes_of_them(browser: Chromium) -> None:
    for base, table in ((None, BROWSER_URLS), (BASE, BROWSER_REFERENCES)):
        parsed = browser.driver.execute_script(_PARSE, list(table), base)

        assert dict(zip(table, parsed, strict=True)) == table
