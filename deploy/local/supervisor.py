"""Runs a stack for a piece of work and stops it, however the work ends."""

import asyncio
import fcntl
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.console import say
from deploy.local.stack import LocalStack

WATCH_SECONDS = 0.5
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Start = Callable[[LocalStack], Awaitable[None]]
Work = Callable[[LocalStack], Awaitable[int]]


class InUse(Exception):
    """Another supervisor is running the stack of this folder."""


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """Lock `home` for one supervisor. The kernel releases the lock when the process ends.

    Raises:
        InUse: another supervisor holds the lock.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"a stack is already running in {home}: stop it first (Ctrl-C in its terminal)") from None
        yield


async def supervise(stack: LocalStack, start: Start, work: Work) -> int | None:
    """Start the stack, do the work, stop the stack. Returns the work's exit status, or None if a signal ended it.

    The first signal stops in order, a second one kills. The work is cancelled when any process of the stack ends.

    Raises:
        ProcessDied: a process of the stack ended.
    """
    signals = 0
    task = asyncio.create_task(_start_and_work(stack, start, work))

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            say("\nStopping in order. Press Ctrl-C again to kill everything.")
            task.cancel()
        else:
            stack.kill()

    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, on_signal)
    try:
        return await task
    except asyncio.CancelledError:
        return None
    finally:
        await stack.stop()


async def _start_and_work(stack: LocalStack, start: Start, work: Work) -> int:
    await start(stack)
    try:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_watch(stack))
            status = await work(stack)
            watch.cancel()
    except BaseExceptionGroup as faults:
        stack.check()  # if one of our processes ended, that caused the work's error
        raise faults.exceptions[0] from None
    return status


async def _watch(stack: LocalStack) -> None:
    while True:
        stack.check()
        await asyncio.sleep(WATCH_SECONDS)
