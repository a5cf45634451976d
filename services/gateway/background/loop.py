"""The loop that repeats a background task step by step until the process stops."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import DependencyUnavailable
from shared.messaging import DependencyGate

Step = Callable[[], Awaitable[float]]
"""Does a piece of work and returns the seconds until the next step."""

_AFTER_ERROR_SECONDS = 5.0

log = structlog.get_logger(__name__)


async def repeat(name: str, step: Step, gate: DependencyGate, stop: asyncio.Event, wake: asyncio.Event) -> None:
    """Repeat `step` until `stop` is set; `wake` ends a pause early.

    If a dependency is unavailable, the gate closes and the next step waits for it. Any other exception is logged and
    the step is repeated. No work is lost, since each step takes its work from the database.
    """
    while await gate.wait_until_open(stop):
        await _pause(await _run(name, step, gate), stop, wake)


async def _run(name: str, step: Step, gate: DependencyGate) -> float:
    try:
        seconds = await step()
    except DependencyUnavailable as fault:
        gate.close(fault)
        return 0
    except Exception:
        log.exception("background_step_failed", step=name)
        return _AFTER_ERROR_SECONDS
    gate.succeeded()
    return seconds


async def _pause(seconds: float, stop: asyncio.Event, wake: asyncio.Event) -> None:
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(wake.wait())]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
    wake.clear()
