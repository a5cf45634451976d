"""How the gateway's background work is repeated: step by step, until the process stops."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import DependencyUnavailable
from shared.messaging import DependencyGate

Step = Callable[[], Awaitable[float]]
"""Does a piece of work and says after how many seconds the next should follow."""

_AFTER_A_FAULT_SECONDS = 5.0

log = structlog.get_logger(__name__)


async def repeat(name: str, step: Step, gate: DependencyGate, stop: asyncio.Event, wake: asyncio.Event) -> None:
    """Repeat `step` until `stop` is set; `wake` ends a pause early.

    A fault of our own closes the gate, and the next step waits for it. Anything unexpected is logged and tried again:
    each step takes its work from the database, so none is lost.
    """
    while await gate.open_unless(stop):
        await _pause(await _take(name, step, gate), stop, wake)


async def _take(name: str, step: Step, gate: DependencyGate) -> float:
    try:
        return await step()
    except DependencyUnavailable as fault:
        gate.close(fault)
        return 0
    except Exception:
        log.exception("background_step_failed", step=name)
        return _AFTER_A_FAULT_SECONDS


async def _pause(seconds: float, stop: asyncio.Event, wake: asyncio.Event) -> None:
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(wake.wait())]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
    wake.clear()
