"""Clocks that follow a reference, so that processes agree on the time although their machines' clocks differ.

Gateway and aggregator follow the database. Times in commands to the workers are read by the object store's clock, since
workers reach no database.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog

from shared.errors import DependencyUnavailable
from shared.observability import Health, Metrics

_MAX_ROUND_TRIP = 2.0  # seconds; the error of a measurement is at most half its round trip
_INTERVAL_SECONDS = 15.0  # monotonic clocks drift by milliseconds in this time

log = structlog.get_logger(__name__)


def machine_time() -> datetime:
    """The time by this machine's clock. Use it only where there is no reference."""
    return datetime.now(UTC)


class ReferenceClock:
    """A call returns the reference's time.

    Between measurements it runs by the monotonic clock: a jump of the machine's clock does not change it. Before the
    first measurement it is the machine's clock.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[datetime | None]],
        machine: Callable[[], datetime] = machine_time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read`: asks the reference for its time; None if it does not report one."""
        self._read = read
        self._machine = machine
        self._monotonic = monotonic
        self._measured: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        if self._measured is None:
            return self._machine()
        reference, at = self._measured
        return reference + timedelta(seconds=self._monotonic() - at)

    @property
    def skew(self) -> float:
        """Seconds by which the machine's clock is ahead of the reference."""
        return (self._machine() - self()).total_seconds()

    async def measure(self) -> None:
        """Ask the reference for its time. Raises DependencyUnavailable."""
        sent = self._monotonic()
        reference = await self._read()
        round_trip = self._monotonic() - sent
        if reference is not None and (self._measured is None or round_trip <= _MAX_ROUND_TRIP):
            self._measured = reference, sent + round_trip / 2

    def measured_by(self, ping: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """A ping that also measures, for a gate: so the time is known before work begins."""

        async def ping_and_measure() -> None:
            await ping()
            await self.measure()

        return ping_and_measure


class SkewReport:
    """Reports the skew of the machine's clock: as a metric, in the log and, beyond a limit, as unready."""

    def __init__(
        self, clock: ReferenceClock, reference: str, limit: float, metrics: Metrics, health: Health | None
    ) -> None:
        self._clock = clock
        self._reference = reference
        self._limit = limit
        self._gauge = metrics.clock_skew.labels(reference=reference)
        self._health = health
        self._is_beyond = False

    def update(self) -> None:
        skew = self._clock.skew
        self._gauge.set(skew)
        beyond = abs(skew) > self._limit
        direction = "ahead of" if skew > 0 else "behind"
        detail = f"this machine's clock is {abs(skew):.1f} s {direction} that of the {self._reference}"
        if self._health is not None:
            self._health.set_ready("clock", not beyond, detail)
        if beyond != self._is_beyond:
            self._is_beyond = beyond
            report = log.error if beyond else log.info
            report("clock_skewed" if beyond else "clock_right_again", skew=round(skew, 1), reference=self._reference)


@asynccontextmanager
async def watched(
    clock: ReferenceClock, reference: str, limit: float, metrics: Metrics, health: Health | None = None
) -> AsyncIterator[None]:
    """Measure regularly while the block runs, and report the skew of the machine's clock.

    reference: whose clock it is, "database" or "storage". limit: of the skew, in seconds; beyond it `health` is
    unready.
    """
    report = SkewReport(clock, reference, limit, metrics, health)
    watching = asyncio.create_task(_watch(clock, report), name="clock")
    try:
        yield
    finally:
        watching.cancel()


async def _watch(clock: ReferenceClock, report: SkewReport) -> None:
    while True:
        try:
            await clock.measure()
            report.update()
        except DependencyUnavailable as error:
            log.debug("clock_not_measured", error=str(error))
        except Exception:  # without this loop, drift would go unnoticed
            log.exception("clock_not_measured")
        await asyncio.sleep(_INTERVAL_SECONDS)
