"""The loop that repeats a background task step by step until the process stops."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from typing import Any

import structlog

from shared.errors import DependencyUnavailable
from shared.first_of import first_of
from shared.long_lived import Stalled, is_asked_to_stop, lasting
from shared.messaging import DependencyGate
from shared.observability import Health

Step = Callable[[], Awaitable[float]]
"""Does a piece of work and returns the seconds until the next step."""

Beat = Callable[[], None]

_AFTER_ERROR_SECONDS = 5.0
_BEAT_SECONDS = 10.0
_END_SECONDS = 4.0
_ABANDON_SECONDS = 1.0  # the cleanup of what is cancelled may need a database that does not answer
_MAX_STEP_SECONDS = 300.0  # beyond STALL_TIMEOUT; only a step that is stuck takes longer

log = structlog.get_logger(__name__)


async def repeat(name: str, step: Step, gate: DependencyGate, stop: asyncio.Event, wake: asyncio.Event) -> None:
    """Repeat `step` until `stop` is set; `wake` ends a pause early. Raises EndedUnasked if it ends before.

    If a dependency is unavailable, the gate closes and the next step waits for it. Any other exception is logged and
    the step is repeated. No work is lost, since each step takes its work from the database. If every step fails for
    STALL_TIMEOUT, it raises Stalled: the process ends, and another one gets its lease.
    """
    await lasting(f"the loop {name}", _until_ended(name, _repeat(name, step, gate, stop, wake), stop), stop)


async def _until_ended(name: str, loop: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Wait for `loop`. Once `stop` is set, abandon a step that does not end soon: it can be repeated."""
    running, stopping = asyncio.create_task(loop), asyncio.create_task(stop.wait())
    waits: list[asyncio.Task[Any]] = [running, stopping]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        is_abandoned = bool(await end([running]))
    except asyncio.CancelledError:
        await _abandon([running])
        raise
    finally:
        stopping.cancel()
    if is_abandoned:
        log.warning("background_step_abandoned", step=name)
    else:
        running.result()


async def end(tasks: Collection[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """After `stop` was set: wait for tasks to end. Returns those that did not end soon: they are abandoned."""
    _, late = await asyncio.wait(tasks, timeout=_END_SECONDS) if tasks else (set(), set())
    await _abandon(late)
    return late


async def _abandon(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait a moment for their ends."""
    if unfinished := [task for task in tasks if task.cancel()]:
        await asyncio.wait(unfinished, timeout=_ABANDON_SECONDS)


async def _repeat(name: str, step: Step, gate: DependencyGate, stop: asyncio.Event, wake: asyncio.Event) -> None:
    failures = _Failures(name, gate.health)
    with gate.health.loop(name, _MAX_STEP_SECONDS) as beat:
        while await _is_open(gate, stop, beat):
            await _pause(await _run(name, step, gate, failures), stop, wake, beat)


class _Failures:
    """The unexpected errors of a step in a row."""

    def __init__(self, name: str, health: Health) -> None:
        self._name = name
        self._health = health
        self._since: float | None = None

    def clear(self) -> None:
        if self._since is not None:
            self._health.set_ready(self._name, True)
        self._since = None

    def count(self, error: BaseException) -> None:
        """Report unready after half of STALL_TIMEOUT. Raises Stalled after all of it."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        limit = self._health.stall_timeout
        if now - self._since >= limit:
            raise Stalled(f"the loop {self._name}: every step failed for {limit:g} s; last: {error!r}") from error
        if now - self._since >= limit / 2:
            self._health.set_ready(self._name, False, f"every step fails: {error!r}")


async def _is_open(gate: DependencyGate, stop: asyncio.Event, beat: Beat) -> bool:
    """Wait until the gate is open. False if `stop` is set before."""
    while True:
        beat()
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEAT_SECONDS):
                return await gate.wait_until_open(stop)


async def _run(name: str, step: Step, gate: DependencyGate, failures: _Failures) -> float:
    began = time.monotonic()
    try:
        seconds = await step()
    except DependencyUnavailable as fault:
        failures.clear()
        gate.close(fault, began)
        return 0
    except (Exception, asyncio.CancelledError) as error:
        if is_asked_to_stop():
            raise
        log.exception("background_step_failed", step=name)
        failures.count(error)
        return _AFTER_ERROR_SECONDS
    finally:
        gate.proved_nothing(began)  # the step may have had nothing to do, and none uses every dependency
    failures.clear()
    return seconds


async def _pause(seconds: float, stop: asyncio.Event, wake: asyncio.Event, beat: Beat) -> None:
    ends_at = asyncio.get_running_loop().time() + seconds
    while (left := ends_at - asyncio.get_running_loop().time()) > 0:
        beat()
        await first_of(stop, wake, within=min(left, _BEAT_SECONDS))
        if stop.is_set() or wake.is_set():
            break
    wake.clear()
