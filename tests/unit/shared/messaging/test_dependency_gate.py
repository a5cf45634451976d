"""The gate: closed by a fault of our own, opened by a ping of what failed, and no sooner."""

import asyncio

import pytest

from shared.errors import BrokerUnavailable, DatabaseUnavailable, DependencyUnavailable, StorageUnavailable
from shared.messaging import DependencyGate
from shared.observability import Health
from tests.support.waiting import until


class Dependency:
    """Fails its pings with `fault` until that is None."""

    def __init__(self) -> None:
        self.fault: DependencyUnavailable | None = None
        self.pings = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.fault is not None:
            raise self.fault


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_INTERVAL_SECONDS", 0.01)


@pytest.fixture
def database() -> Dependency:
    return Dependency()


@pytest.fixture
def storage() -> Dependency:
    return Dependency()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def gate(database: Dependency, storage: Dependency, health: Health) -> DependencyGate:
    return DependencyGate({"database": database.ping, "storage": storage.ping}, health)


async def _break(gate: DependencyGate, dependency: Dependency, fault: DependencyUnavailable) -> None:
    dependency.fault = fault
    gate.close(fault)


async def test_it_is_open_and_ready_at_first(gate: DependencyGate, health: Health) -> None:
    assert gate.is_open
    assert health.ready
    assert await gate.open_unless(asyncio.Event())


async def test_it_opens_when_a_probe_succeeds(gate: DependencyGate, health: Health, database: Dependency) -> None:
    await _break(gate, database, DatabaseUnavailable("away"))
    assert not gate.is_open
    assert health.faults == {"database": "away"}
    await until(lambda: database.pings >= 3)
    assert not gate.is_open
    database.fault = None
    assert await gate.open_unless(asyncio.Event())
    assert health.ready


async def test_it_waits_for_all_that_failed(
    gate: DependencyGate, health: Health, database: Dependency, storage: Dependency
) -> None:
    await _break(gate, database, DatabaseUnavailable("away"))
    await _break(gate, storage, StorageUnavailable("gone"))
    database.fault = None
    await until(lambda: health.faults == {"storage": "gone"})
    assert not gate.is_open
    storage.fault = None
    await until(lambda: gate.is_open)
    assert health.ready


async def test_a_fault_that_is_known_is_not_probed_twice_at_once(gate: DependencyGate, database: Dependency) -> None:
    for _ in range(5):
        await _break(gate, database, DatabaseUnavailable("away"))
    await until(lambda: database.pings >= 1)
    database.fault = None
    await until(lambda: gate.is_open)
    pings = database.pings
    await asyncio.sleep(0.05)
    assert database.pings == pings


async def test_it_can_close_again(gate: DependencyGate, database: Dependency) -> None:
    for _ in range(3):
        await _break(gate, database, DatabaseUnavailable("away"))
        assert not gate.is_open
        database.fault = None
        await until(lambda: gate.is_open)


async def test_a_stop_ends_the_wait(gate: DependencyGate, database: Dependency) -> None:
    stop = asyncio.Event()
    await _break(gate, database, DatabaseUnavailable("away"))
    waiting = asyncio.create_task(gate.open_unless(stop))
    await until(lambda: database.pings >= 1)
    stop.set()
    assert not await waiting
    assert not gate.is_open
    database.fault = None
    await until(lambda: gate.is_open)
    assert not await gate.open_unless(stop)


async def test_a_process_may_be_ready_without_some(database: Dependency, health: Health) -> None:
    gate = DependencyGate({"database": database.ping, "broker": database.ping}, health, ["database"])
    database.fault = BrokerUnavailable("away")
    gate.close(database.fault)
    assert not gate.is_open
    assert health.ready
    database.fault = None
    await until(lambda: gate.is_open)


async def test_a_fault_of_something_without_a_probe_passes(gate: DependencyGate) -> None:
    gate.close(BrokerUnavailable("nobody pings it here"))
    await until(lambda: gate.is_open)


async def test_a_probe_that_breaks_is_made_again(health: Health) -> None:
    faults = [KeyError("a fault in the driver"), DatabaseUnavailable("away")]

    async def ping() -> None:
        if faults:
            raise faults.pop(0)

    gate = DependencyGate({"database": ping}, health)
    gate.close(DatabaseUnavailable("away"))
    await until(lambda: gate.is_open)
    assert health.ready
    assert faults == []


@pytest.fixture
def wider(gate: DependencyGate, health: Health) -> tuple[DependencyGate, Dependency]:
    """A gate behind the other one, for work that needs the cache as well."""
    cache = Dependency()
    return DependencyGate({"cache": cache.ping}, health, behind=gate), cache


class CacheUnavailable(DependencyUnavailable):
    dependency = "cache"


async def test_what_only_the_gate_behind_needs_closes_that_one_alone(
    gate: DependencyGate, wider: tuple[DependencyGate, Dependency], health: Health
) -> None:
    behind, cache = wider
    await _break(behind, cache, CacheUnavailable("gone"))
    assert gate.is_open
    assert not behind.is_open
    assert health.faults == {"cache": "gone"}
    cache.fault = None
    assert await behind.open_unless(asyncio.Event())
    await until(lambda: behind.is_open)
    assert health.ready


@pytest.mark.parametrize("noticed_by", ["gate", "wider"])
async def test_what_both_need_closes_both_whoever_notices(
    gate: DependencyGate,
    wider: tuple[DependencyGate, Dependency],
    health: Health,
    database: Dependency,
    noticed_by: str,
) -> None:
    behind, cache = wider
    await _break(gate if noticed_by == "gate" else behind, database, DatabaseUnavailable("away"))
    await _break(behind, cache, CacheUnavailable("gone"))
    assert not gate.is_open
    assert health.faults == {"database": "away", "cache": "gone"}
    cache.fault = None
    await until(lambda: "cache" not in health.faults)
    assert not behind.is_open
    assert not health.ready
    stop = asyncio.Event()
    waiting = asyncio.create_task(behind.open_unless(stop))
    await until(lambda: database.pings >= 3)
    assert not waiting.done()
    database.fault = None
    assert await waiting
    await until(lambda: gate.is_open and behind.is_open)
    assert health.ready


async def test_a_stop_ends_the_wait_behind_another_gate(
    gate: DependencyGate, wider: tuple[DependencyGate, Dependency], database: Dependency
) -> None:
    behind, _ = wider
    await _break(gate, database, DatabaseUnavailable("away"))
    stop = asyncio.Event()
    waiting = asyncio.create_task(behind.open_unless(stop))
    await until(lambda: database.pings >= 1)
    stop.set()
    assert not await waiting
    database.fault = None
    await until(lambda: behind.is_open)
