"""Runs a process until SIGTERM or SIGINT; then it drains and exits with 0.

If it cannot continue, it exits with 1 after a last log line with the reason. Its supervisor starts it again.
"""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import structlog
import uvloop

from shared.errors import StoppedWhileStarting
from shared.long_lived import EndedUnasked, Stalled
from shared.scheduling import do_not_preempt

_GC_THRESHOLD = 20_000  # new containers between collections; a few messages create Python's default of 700
_EXIT_SECONDS = 10.0  # for what is left after `main`: a task of a library, a thread

Main = Callable[[asyncio.Event], Awaitable[None]]

log = structlog.get_logger(__name__)


def run(main: Main) -> None:
    """Run `main(stop)` on uvloop. `stop` is set by the first SIGTERM or SIGINT; `main` then drains and returns."""
    # Loaded modules are never garbage; scanning them in every collection cost 6 % of the services' CPU.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 50)
    do_not_preempt()
    try:
        uvloop.run(_until_stopped(main))
    except (Exception, asyncio.CancelledError) as error:
        causes = list(_causes(error))
        explained = all(isinstance(cause, EndedUnasked | Stalled) for cause in causes)
        log.critical("process_failed", reason="; ".join(map(_describe, causes)), exc_info=None if explained else error)
        sys.exit(1)


async def _until_stopped(main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    status = 1
    try:
        with suppress(StoppedWhileStarting):
            await main(stop)
        status = 0
    finally:
        _exit_within(_EXIT_SECONDS, status)


def _exit_within(seconds: float, status: int) -> None:
    """End the process with `status` if it still exists after `seconds`."""

    def end() -> None:
        log.warning("exit_took_too_long", seconds=seconds)
        os._exit(status)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _causes(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _causes(member)
    else:
        yield error


def _describe(error: BaseException) -> str:
    return str(error) if isinstance(error, EndedUnasked | Stalled) else repr(error)
