"""How a process lives: it runs until SIGTERM or SIGINT, is asked to stop, and exits 0 once it has drained."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvloop

from shared.errors import StoppedWhileStarting

Main = Callable[[asyncio.Event], Awaitable[None]]


def run(main: Main) -> None:
    """Run `main(stop)` on uvloop. `stop` is set by the first SIGTERM or SIGINT; `main` then drains and returns."""
    uvloop.run(_until_stopped(main))


async def _until_stopped(main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with suppress(StoppedWhileStarting):
        await main(stop)
