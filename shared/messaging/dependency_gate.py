"""A gate that an unavailable dependency closes: work waits behind it until a ping of that dependency succeeds."""

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
    """Open while every dependency answers. `pings` is keyed by `DependencyUnavailable.dependency`.

    required: dependencies without which the process is not ready; all of `pings` by default. Exclude one if the process
        can do part of its work without it.
    outer: a gate that has to be open too, for work that needs more dependencies than other work of the process. An
        error of a dependency that `outer` pings closes `outer`, so each dependency has one state per process.
    """

    def __init__(
        self,
        pings: Mapping[str, Ping],
        health: Health,
        required: Collection[str] | None = None,
        outer: "DependencyGate | None" = None,
    ) -> None:
        self._pings = pings
        self._health = health
        self._outer = outer
        self._open = asyncio.Event()
        self._open.set()
        self._recovering: dict[str, asyncio.Task[None]] = {}
        self._required = set(pings if required is None else required)
        for dependency in self._required:
            health.set_ready(dependency, True)

    @property
    def is_open(self) -> bool:
        return self._open.is_set() and (self._outer is None or self._outer.is_open)

    async def wait_until_open(self, stop: asyncio.Event) -> bool:
        """Wait until the gate is open; False if `stop` is set, now or before it opens.

        Another task may close the gate again before the caller resumes.
        """
        if self._outer is not None:
            await self._outer.wait_until_open(stop)
        if not (self._open.is_set() or stop.is_set()):
            waits = [asyncio.create_task(self._open.wait()), asyncio.create_task(stop.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in waits:
                task.cancel()
        return not stop.is_set()

    def close(self, error: DependencyUnavailable) -> None:
        """Close the gate and report unready until the dependency answers a ping."""
        if self._outer is not None and error.dependency in self._outer._pings:
            self._outer.close(error)
            return
        if error.dependency in self._recovering:
            return
        log.error("dependency_unavailable", dependency=error.dependency, error=str(error))
        if error.dependency in self._required:
            self._health.set_ready(error.dependency, False, str(error))
        self._open.clear()
        self._recovering[error.dependency] = asyncio.create_task(self._recover(error.dependency))

    async def _recover(self, dependency: str) -> None:
        ping = self._pings.get(dependency)
        while ping is not None:
            await asyncio.sleep(_PING_INTERVAL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 (jitter)
            try:
                await ping()
            except DependencyUnavailable as error:
                log.warning("dependency_still_unavailable", dependency=dependency, error=str(error))
            except Exception:  # if the task ended here, the gate would never open again
                log.exception("ping_failed_unexpectedly", dependency=dependency)
            else:
                break
        log.info("dependency_available_again", dependency=dependency)
        if dependency in self._required:
            self._health.set_ready(dependency, True)
        del self._recovering[dependency]
        if not self._recovering:
            self._open.set()
