"""A gate that an unavailable dependency closes: work waits behind it until a ping of that dependency succeeds.

Like a circuit breaker, it is half-open after that: one piece of work goes first, since a ping may succeed where work
fails. If the work fails too, the gate closes again, for longer. Work that did not use the dependency proves nothing:
then the next piece goes, still alone. If none proves anything for a while, another ping decides. See admission.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog

from shared.errors import DependencyUnavailable
from shared.first_of import first_of
from shared.long_lived import is_asked_to_stop
from shared.messaging.admission import Admission
from shared.observability import Health

Ping = Callable[[], Awaitable[None]]
"""Returns if the dependency answers, raises DependencyUnavailable if it does not."""

_PING_SECONDS = 20.0  # a ping without an answer for so long has failed
_PING_ALLOWANCE_SECONDS = 60.0  # a ping that hangs for longer than this, beyond STALL_TIMEOUT, is a stall
_PING_INTERVAL_SECONDS = 1.0
MAX_PING_INTERVAL_SECONDS = 30.0
_QUIET_SECONDS = 60.0  # a dependency that was available for so long is pinged at the shortest interval again

log = structlog.get_logger(__name__)


class _NoAnswer(DependencyUnavailable):
    """A ping of `dependency` hangs."""

    def __init__(self, dependency: str) -> None:
        super().__init__(f"no answer to a ping within {_PING_SECONDS:g} s")
        self.dependency = dependency


class DependencyGate:
    """Open while every dependency answers. `pings` is keyed by `DependencyUnavailable.dependency`.

    `health` reports a dependency as not ready until its first ping has succeeded: see `check`.

    required: dependencies without which the process is not ready; all of `pings` by default. Exclude one if the process
        can do part of its work without it.
    outer: gates that have to be open too, for work that needs more dependencies than other work of the process. An
        error of a dependency that one of them pings closes that one, so each dependency has one state per process.
    """

    def __init__(
        self,
        pings: Mapping[str, Ping],
        health: Health,
        required: Collection[str] | None = None,
        outer: Sequence["DependencyGate"] = (),
    ) -> None:
        self._pings = pings
        self.health = health
        outer_gates = dict.fromkeys(each for gate in outer for each in gate._gates)  # each once
        self._gates: list[DependencyGate] = [*outer_gates, self]
        self._admission = Admission(self._decide)
        self._confirming: asyncio.Task[None] | None = None
        self._recovering: dict[str, asyncio.Task[None]] = {}
        self._intervals: dict[str, float] = {}
        self._recovered_at: dict[str, float] = {}
        self._pinging: dict[str, asyncio.Task[None]] = {}
        self._unchecked = set(pings)
        self._required = set(pings if required is None else required)
        for dependency in self._required:
            health.set_ready(dependency, False, "not checked yet")

    @property
    def is_open(self) -> bool:
        return all(gate._admission.is_open for gate in self._gates)

    @property
    def is_admitting(self) -> bool:
        """Open or half-open."""
        return not any(gate._recovering for gate in self._gates)

    async def check(self) -> None:
        """Ping every dependency that was not checked before, also those of outer gates: for the start of a process.

        A gate closes if one of its dependencies does not answer.
        """
        await asyncio.gather(*(gate._check_own() for gate in self._gates))

    async def _check_own(self) -> None:
        unchecked, self._unchecked = self._unchecked, set()
        await asyncio.gather(*map(self._check, unchecked))

    async def _check(self, dependency: str) -> None:
        try:
            await self._ping(dependency)
        except DependencyUnavailable as error:
            self.close(error)
        else:
            self._set_ready(dependency)

    async def _ping(self, dependency: str) -> None:
        """Raises DependencyUnavailable if there is no answer in time.

        A ping that hangs is not repeated, since each may hold a thread: its answer is awaited again.
        """
        if dependency not in self._pinging:
            self._pinging[dependency] = asyncio.ensure_future(self._pings[dependency]())
        ping = self._pinging[dependency]
        done, _ = await asyncio.wait([ping], timeout=_PING_SECONDS)
        if not done:
            raise _NoAnswer(dependency)
        if self._pinging.get(dependency) is ping:  # another task may have awaited the same one
            del self._pinging[dependency]
        ping.result()

    def _set_ready(self, dependency: str, error: DependencyUnavailable | None = None) -> None:
        if dependency in self._required:
            self.health.set_ready(dependency, error is None, str(error or ""))

    async def wait_until_open(self, stop: asyncio.Event) -> bool:
        """Wait for admission: until the gate is open, or half-open for the caller as the first.

        False if `stop` is set, now or before that. Report the end of the work: with `succeeded` or `close` if it proves
        something, else with `proved_nothing`; each with the time, after this call, when the work began.
        """
        while not stop.is_set():
            if waiting_for := next((gate for gate in self._gates if not gate._admission.admitting.is_set()), None):
                await first_of(waiting_for._admission.admitting, stop)
                continue
            for gate in self._gates:
                gate._admission.admit(time.monotonic())
            return True
        return False

    def succeeded(self, began: float) -> None:
        """Work that needs every dependency has succeeded: a gate that was half-open when it began opens."""
        for gate in self._gates:
            gate._admission.succeeded(began)

    def proved_nothing(self, began: float) -> None:
        """Work has ended. If it was the first in a half-open gate and has proved nothing, the gate admits the next one.

        Work that has already reported something else may call this too.
        """
        for gate in self._gates:
            gate._admission.ended(began)

    def close(self, error: DependencyUnavailable, began: float = math.inf) -> None:
        """Close the gate and report unready until the dependency answers a ping.

        began: when the work began that failed, by `time.monotonic`. The dependency may have recovered since: calls that
        hang in an outage fail after its end.
        """
        next((gate for gate in self._gates if error.dependency in gate._pings), self)._close(error, began)

    def _close(self, error: DependencyUnavailable, began: float) -> None:
        if error.dependency in self._recovering or began < self._recovered_at.get(error.dependency, -math.inf):
            return
        log.error("dependency_unavailable", dependency=error.dependency, error=str(error))
        self._set_ready(error.dependency, error)
        self._admission.close()
        self._recovering[error.dependency] = asyncio.create_task(
            self._recover(error.dependency, self._interval(error.dependency))
        )

    def _interval(self, dependency: str) -> float:
        """The seconds between pings: twice as long as before if the dependency has just been available."""
        now = time.monotonic()
        if now - self._recovered_at.get(dependency, -math.inf) >= _QUIET_SECONDS:
            interval = _PING_INTERVAL_SECONDS
        else:
            interval = min(2 * self._intervals[dependency], MAX_PING_INTERVAL_SECONDS)
        self._intervals[dependency] = interval
        return interval

    async def _recover(self, dependency: str, interval: float) -> None:
        with self.health.loop(f"pinging {dependency}", _PING_ALLOWANCE_SECONDS) as beat:
            while True:
                await asyncio.sleep(interval * random.uniform(0.5, 1.5))  # noqa: S311 (jitter)
                if dependency not in self._pings or await self._answers(dependency, beat):
                    break
        log.info("dependency_available_again", dependency=dependency)
        self._set_ready(dependency)
        self._recovered_at[dependency] = time.monotonic()
        del self._recovering[dependency]
        if not self._recovering:
            self._admission.half_open(time.monotonic())

    async def _answers(self, dependency: str, beat: Callable[[], None]) -> bool:
        """Whether the dependency is available. `beat` is called unless its ping hangs: only a new process may help."""
        try:
            await self._ping(dependency)
        except DependencyUnavailable as error:
            log.warning("dependency_still_unavailable", dependency=dependency, error=str(error))
            self._set_ready(dependency, error)
            if isinstance(error, _NoAnswer):
                return False
        except (Exception, asyncio.CancelledError):  # if the task ended here, the gate would never open again
            if is_asked_to_stop():
                raise
            log.exception("ping_failed_unexpectedly", dependency=dependency)
        else:
            return True
        beat()
        return False

    def _decide(self) -> None:
        if self._confirming is None or self._confirming.done():
            self._confirming = asyncio.create_task(self._confirm())

    async def _confirm(self) -> None:
        """Open if every dependency still answers; close for each that does not. Else another trial goes first."""
        try:
            await asyncio.gather(*map(self._check, self._pings))
        except (Exception, asyncio.CancelledError):
            if is_asked_to_stop():
                raise
            log.exception("ping_failed_unexpectedly")
            self._admission.admit_another()  # the trial may have ended without a report
        else:
            if not self._recovering:
                self._admission.open()
