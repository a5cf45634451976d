"""Waits for a condition with a deadline, and for several tasks at once."""

import asyncio
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.05


async def wait_until(condition: Callable[[], bool], within: float) -> bool:
    """Wait up to `within` seconds for `condition`, which may block. Returns whether it held."""
    clock = asyncio.get_running_loop()
    deadline = clock.time() + within
    while True:
        if await asyncio.to_thread(condition):
            return True
        if clock.time() >= deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)


async def together(*works: Awaitable[object]) -> None:
    """Run all concurrently. The first exception cancels the others and is raised unchanged."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(_run(work))
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None


async def _run(work: Awaitable[object]) -> None:
    await work
