"""Keeps a stack running for a piece of work, and alone orders its stop, whatever ends the work."""

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
    """Another supervisor runs the stack of this folder."""


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """Hold `home` for one supervisor; let go by the kernel whatever ends it.

    Raises:
        InUse: another holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"a stack is running in {home} already: stop it first (Ctrl-C where it runs)") from None
        yield


async def supervise(stack: LocalStack, start: Start, work: Work) -> int | None:
    """Start the stack, do the work, stop the stack; the work's exit status, None if a signal ended it.

    The first signal orders the stop, a second one does it by force. The end of any process of the stack ends the work.

    Raises:
        ProcessDied: a process of the stack ended.
    """
    signals = 0
    task = asyncio.create_task(_start_and_work(stack, start, work))

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            say("\nStopping in order; once more stops by force.")
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
        stack.check()  # where a process of ours has ended, that is the reason and not what the work met with
        raise faults.exceptions[0] from None
    return status


async def _watch(stack: LocalStack) -> None:
    while True:
        stack.check()
        await asyncio.sleep(WATCH_SECONDS)
