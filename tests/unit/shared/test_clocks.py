"""A clock that follows a reference, and what is reported about the machine's."""

from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from shared.clocks import ReferenceClock, SkewReport, watched
from shared.errors import StorageUnavailable
from shared.observability import Health, Metrics
from tests.fakes import MemoryObjectStore, MovableClock
from tests.support.builders import NOW


class Bench:
    """A reference, a machine whose clock is `ahead` of it, and a monotonic clock. Reading the reference takes time."""

    def __init__(self, ahead: float = 0, reading_seconds: float = 0) -> None:
        self.seconds = 0.0
        self.ahead = ahead
        self.reading_seconds = reading_seconds
        self.answers = True
        self.clock = ReferenceClock(self._read, self._machine, lambda: self.seconds)

    def reference(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    async def _read(self) -> datetime | None:
        self.seconds += self.reading_seconds / 2
        read = self.reference()
        self.seconds += self.reading_seconds / 2
        return read if self.answers else None

    def _machine(self) -> datetime:
        return self.reference() + timedelta(seconds=self.ahead)


@pytest.mark.parametrize("ahead", [1200, -1200])
async def test_it_follows_its_reference_whatever_the_machine_says(ahead: float) -> None:
    bench = Bench(ahead, reading_seconds=1)
    assert bench.clock() == bench.reference() + timedelta(seconds=ahead), "not measured yet"
    await bench.clock.measure()
    assert bench.clock() == bench.reference()
    assert bench.clock.skew == ahead
    bench.ahead = 0  # the machine's clock jumps
    bench.seconds += 100
    assert bench.clock() == bench.reference()
    assert bench.clock.skew == 0


async def test_a_slow_measurement_replaces_no_better_one() -> None:
    bench = Bench()
    await bench.clock.measure()
    bench.reading_seconds = 60
    bench.clock._read = lambda: _late(bench)
    await bench.clock.measure()
    assert bench.clock() == bench.reference()


async def _late(bench: Bench) -> datetime:
    read = bench.reference()
    bench.seconds += 60
    return read


async def test_without_a_time_from_the_reference_the_machines_clock_is_used() -> None:
    bench = Bench(ahead=5)
    bench.answers = False
    await bench.clock.measure()
    assert bench.clock() == bench.reference() + timedelta(seconds=5)


async def test_a_ping_of_the_reference_measures_too() -> None:
    store = MemoryObjectStore(MovableClock(NOW))
    clock = ReferenceClock(store.time, lambda: NOW + timedelta(seconds=9))
    await clock.measured_by(store.ping)()
    assert clock.skew == pytest.approx(9, abs=1)
    store.available = False
    with pytest.raises(StorageUnavailable):
        await clock.measured_by(store.ping)()


async def test_a_skew_beyond_the_limit_is_a_metric_and_makes_unready() -> None:
    bench, health, registry = Bench(ahead=-75), Health(), CollectorRegistry()
    report = SkewReport(bench.clock, "database", 60, Metrics(registry), health)
    await bench.clock.measure()
    report.update()
    assert registry.get_sample_value("imagemill_clock_skew_seconds", {"reference": "database"}) == -75
    assert health.problems == {"clock": "this machine's clock is 75.0 s behind that of the database"}
    bench.ahead = 60
    report.update()
    assert not health.problems


async def test_a_reference_that_is_unavailable_at_the_start_delays_nothing() -> None:
    store = MemoryObjectStore(MovableClock(NOW))
    store.available = False
    health = Health()
    async with watched(ReferenceClock(store.time), "storage", 60, Metrics(CollectorRegistry()), health):
        assert not health.problems
