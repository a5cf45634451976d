"""The table of odd responses, by which our parser is tested, against what the browser shows."""

import asyncio

from tests.support.chromium import Chromium
from tests.support.odd_responses import ODD_RESPONSES
from tests.support.origin import Origin, Response, open_origin
from tests.support.pictures import a_photo
from tests.support.waiting import until

_LOAD = """
window.shown = {};
for (const [name, url] of Object.entries(arguments[0])) {
  const image = new Image();
  image.onload = () => { window.shown[name] = true; };
  image.onerror = () => { window.shown[name] = false; };
  image.src = url;
}
"""
_PICTURE = a_photo(1, 40, 30)


async def test_the_table_of_odd_responses_is_what_the_browser_makes_of_them(browser: Chromium) -> None:
    async with open_origin() as origin:
        shown = await _shown(browser, origin)

    assert shown == {name: odd.shown_by_browsers for name, odd in ODD_RESPONSES.items()}


async def _shown(browser: Chromium, origin: Origin) -> dict[str, bool]:
    page = origin.serve("/", Response(headers={"Content-Type": "text/html"}))
    urls = {
        name: origin.serve(f"/{number}.jpg", Response(raw=odd.build(_PICTURE)))
        for number, (name, odd) in enumerate(ODD_RESPONSES.items())
    }

    async def loaded() -> dict[str, bool]:
        found: dict[str, bool] = await asyncio.to_thread(browser.driver.execute_script, "return window.shown")
        return found

    await asyncio.to_thread(browser.driver.get, page)
    await asyncio.to_thread(browser.driver.execute_script, _LOAD, urls)

    async def all_ended() -> bool:
        return len(await loaded()) == len(urls)

    await until(all_ended, what="the end of all requests of the browser")
    return await loaded()
