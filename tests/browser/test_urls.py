"""The URL parser's tests against the browser itself: the recorded table, and where redirects lead."""

import asyncio

import pytest

from services.downloader import app
from services.downloader.settings import FetchSettings
from shared.url_policy import AddressPolicy
from tests.support.browser_urls import BASE, BROWSER_REFERENCES, BROWSER_URLS
from tests.support.chromium import Chromium
from tests.support.origin import image, open_origin, redirect
from tests.support.webhooks import LOOPBACK

_PARSE = """
const [texts, base] = arguments;
return texts.map((text) => {
  try { return (base === null ? new URL(text) : new URL(text, base)).href; } catch { return null; }
});
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def test_the_table_of_urls_is_what_the_browser_makes_of_them(browser: Chromium) -> None:
    for base, table in ((None, BROWSER_URLS), (BASE, BROWSER_REFERENCES)):
        parsed = browser.driver.execute_script(_PARSE, list(table), base)

        assert dict(zip(table, parsed, strict=True)) == table


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("\\m\\b.jpg", "/m/b.jpg"),
        ("..\\b.jpg?x=\\y", "/b.jpg?x=\\y"),
        ("b c.jpg", "/a/b%20c.jpg"),
        ("b|^c.jpg?|^", "/a/b%7C%5Ec.jpg?|^"),
        ("b\tc.jpg", "/a/bc.jpg"),
        ("b\xc3\xbc.jpg", "/a/b%C3%BC.jpg"),
        ("b\xfc.jpg?\xfc", "/a/b%FC.jpg?%FC"),
        ("%7Eb'(100%).jpg?'\"#part", "/a/%7Eb'(100%).jpg?%27%22"),
        ("/a/./x/%2e%2e/b.jpg", "/a/b.jpg"),
        ("http:b.jpg", "/a/b.jpg"),
        ("\\\\0x7f.1:{port}\\b.jpg", "/b.jpg"),
    ],
)
async def test_a_redirect_leads_where_the_browser_goes(browser: Chromium, location: str, path: str) -> None:
    async with open_origin() as origin:
        url = origin.serve("/a/moved", redirect(location.replace("{port}", str(origin.port))))
        origin.serve(path, image(PNG, "image/png"))
        await asyncio.to_thread(browser.driver.get, url)
        settings = FetchSettings()
        async with (
            app.open_requester(settings, AddressPolicy(allow_networks=LOOPBACK)) as requester,
            app.build_fetcher(requester, settings).fetch(url) as fetched,
        ):
            assert fetched.size == len(PNG)

        requested = {True: list[str](), False: list[str]()}
        for request in origin.requests:
            requested["imagemill" in request.headers["user-agent"]].append(request.path)
        assert requested[True] == ["/a/moved", path]
        assert [each for each in requested[False] if each != "/favicon.ico"] == requested[True]
