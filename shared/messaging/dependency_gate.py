"""The gate that a fault of our own closes: work waits behind it until a ping of what failed succeeds."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog

from shared.errors import DependencyUnavailable
from shared.observability import Health

Ping = Callable[[], Awaitable[None]]
"""Returns if the dependency answers, raises DependencyUnavailable if it does not."""

_PING_INTERVAL_SECONDS = 1.0

log = structlog.get_logger(__name__)


class DependencyGate:
    """Open while every dependency answers. `pings` names them as `DependencyUnavailable.dependency` does.

    `unready_without`: those whose loss makes the process unready; all unless it can do a part of its work without.
    `behind`: a gate that must be open as well, for work that needs more than other work of the process does. A fault
    of what that one pings closes that one, so that each dependency has one state in the process and in `health`.
    """

    def __init__(
        self,
        pings: Mapping[str, Ping],
        health: Health,
        unready_without: Collection[str] | None = None,
        behind: "DependencyGate | None" = None,
    ) -> None:
        self._probes = pings
        self._health = health
        self._behind = behind
        self._open = asyncio.Event()
        self._open.set()
        self._probing: dict[str, asyncio.Task[None]] = {}
        self._unready_without = set(pings if unready_without is None else unready_without)
        for dependency in self._unready_without:
            health.set_ready(dependency, True)

    @property
    def is_open(self) -> bool:
        return self._open.is_set() and (self._behind is None or self._behind.is_open)

    async def open_unless(self, stop: asyncio.Event) -> bool:
        """Wait until the gate is open; False if `stop` is set, now or before it opens.

        Others may have closed it again by the time that the caller goes on.
        """
        if self._behind is not None:
            await self._behind.open_unless(stop)
        if not (self._open.is_set() or stop.is_set()):
            waits = [asyncio.create_task(self._open.wait()), asyncio.create_task(stop.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in waits:
                task.cancel()
        return not stop.is_set()

    def close(self, fault: DependencyUnavailable) -> None:
        """Close the gate, turn unready, and open again once the faulty dependency answers a ping."""
        if self._behind is not None and fault.dependency in self._behind._probes:
            self._behind.close(fault)
            return
        if fault.dependency in self._probing:
            return
        log.error("dependency_lost", dependency=fault.dependency, error=str(fault))
        if fault.dependency in self._unready_without:
            self._health.set_ready(fault.dependency, False, str(fault))
        self._open.clear()
        self._probing[fault.dependency] = asyncio.create_task(self._ping_until_it_answers(fault.dependency))

    async def _ping_until_it_answers(self, dependency: str) -> None:
        ping = self._probes.get(dependency)
        while ping is not None:
            await asyncio.sleep(_PING_INTERVAL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 (jitter)
            try:
                await ping()
            except DependencyUnavailable as fault:
                log.warning("dependency_still_lost", dependency=dependency, error=str(fault))
            except Exception:  # were this the end of the task, the gate would never open again
                log.exception("probe_broke", dependency=dependency)
            else:
                break
        log.info("dependency_answers_again", dependency=dependency)
        if dependency in self._unready_without:
            self._health.set_ready(dependency, True)
        del self._probing[dependency]
        if not self._probing:
            self._open.set()
