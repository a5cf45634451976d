"""`python -m benchmarks.fetches`"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from ipaddress import ip_network
from statistics import median

import httpx
import uvloop

from benchmarks.fetches.good_host import good_host
from services.downloader.app import build_fetcher, open_requester
from services.downloader.fetch import Fetcher
from services.downloader.fetch_error import FetchError
from services.downloader.settings import FetchSettings
from shared.url_policy import AddressPolicy
from tests.support.flooding_host import FLOODS, flooding_host

KILOBYTES = (30, 113, 240)
_AT_ONCE = 16
_FLOODING = 4
_SECONDS_TO_BEGIN = 0.2
_LOOPBACK = AddressPolicy(allow_networks=(ip_network("127.0.0.1/32"),))

Get = Callable[[str], Awaitable[object]]


async def measure(fetches: int, rounds: int) -> None:
    """Print the table of costs, and what each kind of flood does to other downloads."""
    settings = FetchSettings()
    async with AsyncExitStack() as open_things:
        requester = await open_things.enter_async_context(open_requester(settings, _LOOPBACK))
        ours = partial(_fetch, build_fetcher(requester, settings))
        limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
        plain = await open_things.enter_async_context(httpx.AsyncClient(limits=limits))
        host = open_things.enter_context(good_host())
        await _print_costs(host, ours, plain.get, fetches, rounds)
        print()
        for kind in FLOODS:
            with flooding_host(kind) as flooding:
                times = await _times_as_long(ours, host, flooding, max(_AT_ONCE, fetches // 20))
            print(f"beside {_FLOODING} connections of {kind}: {times:.1f} times as long", flush=True)


async def _print_costs(host: str, ours: Get, plain: Get, fetches: int, rounds: int) -> None:
    print(f"{fetches} fetches, {_AT_ONCE} at once, median of {rounds} rounds: CPU of the client in microseconds each\n")
    print("| kB | downloader | plain httpx | ratio |\n|---:|---:|---:|---:|")
    for kilobytes in KILOBYTES:
        costs: dict[Get, list[float]] = {ours: [], plain: []}
        for _ in range(rounds + 1):
            for get, found in costs.items():
                found.append(await _cpu_microseconds(get, _url(host, kilobytes), fetches))
        cost, of_plain = (median(found[1:]) for found in costs.values())  # the first round opens connections
        print(f"| {kilobytes} | {cost:.0f} | {of_plain:.0f} | {cost / of_plain:.2f} |", flush=True)


async def _times_as_long(get: Get, host: str, flooding: str, fetches: int) -> float:
    """The time of some fetches beside connections that flood, by their time alone."""

    async def flood() -> None:
        while True:
            with suppress(FetchError):
                await get(flooding + "/1")

    url = _url(host, KILOBYTES[0])
    alone = await _seconds(get, url, fetches)
    floods = [asyncio.create_task(flood()) for _ in range(_FLOODING)]
    await asyncio.sleep(_SECONDS_TO_BEGIN)
    try:
        return await _seconds(get, url, fetches) / alone
    finally:
        for each in floods:
            each.cancel()
        await asyncio.gather(*floods, return_exceptions=True)


def _url(host: str, kilobytes: int) -> str:
    return f"{host}/{kilobytes * 1000}"


async def _fetch(fetcher: Fetcher, url: str) -> None:
    async with fetcher.fetch(url):
        pass


async def _cpu_microseconds(get: Get, url: str, fetches: int) -> float:
    before = time.process_time()
    await _all(get, url, fetches)
    return (time.process_time() - before) / fetches * 1e6


async def _seconds(get: Get, url: str, fetches: int) -> float:
    before = time.monotonic()
    await _all(get, url, fetches)
    return time.monotonic() - before


async def _all(get: Get, url: str, fetches: int) -> None:
    left = iter(range(fetches))

    async def some() -> None:
        for _ in left:
            await get(url)

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fetches")
    parser.add_argument("--fetches", type=int, default=2000, help="downloads of each size in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    uvloop.run(measure(options.fetches, options.rounds))


if __name__ == "__main__":
    main()
