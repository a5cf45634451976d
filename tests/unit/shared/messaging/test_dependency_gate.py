"""An unavailable dependency closes the gate; only a successful ping of that dependency opens it again."""

import asyncio

import pytest

from shared.errors import BrokerUnavailable, DatabaseUnavailable, DependencyUnavailable, StorageUnavailable
from shared.messaging import DependencyGate
from shared.observability import Health
from tests.support.waiting import until


class Dependency:
    """Its pings raise `error` until that is None."""

    def __init__(self) -> None:
        self.error: DependencyUnavailable | None = None
        self.pings = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.error is not None:
            raise self.error


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


async def _break(gate: DependencyGate, dependency: Dependency, error: DependencyUnavailable) -> None:
    dependency.error = error
    gate.close(error)


async def test_a_new_gate_is_open_and_ready(gate: DependencyGate, health: Health) -> None:
    assert gate.is_open
    assert health.ready
    assert await gate.wait_until_open(asyncio.Event())


async def test_it_opens_when_a_ping_succeeds(gate: DependencyGate, health: Health, database: Dependency) -> None:
    await _break(gate, database, DatabaseUnavailable("away"))
    assert not gate.is_open
    assert health.problems == {"database": "away"}
    await until(lambda: database.pings >= 3)
    assert not gate.is_open
    database.error = None
    assert await gate.wait_until_open(asyncio.Event())
    assert health.ready


async def test_it_stays_closed_until_every_failed_dependency_answers(
    gate: DependencyGate, health: Health, database: Dependency, storage: Dependency
) -> None:
    await _break(gate, database, DatabaseUnavailable("away"))
    await _break(gate, storage, StorageUnavailable("gone"))
    database.error = None
    await until(lambda: health.problems == {"storage": "gone"})
    assert not gate.is_open
    storage.error = None
    await until(lambda: gate.is_open)
    assert health.ready


async def test_repeated_errors_of_one_dependency_start_one_series_of_pings(
    gate: DependencyGate, database: Dependency
) -> None:
    for _ in range(5):
        await _break(gate, database, DatabaseUnavailable("away"))
    await until(lambda: database.pings >= 1)
    database.error = None
    await until(lambda: gate.is_open)
    pings = database.pings
    await asyncio.sleep(0.05)  # shows that nothing pings: five intervals
    assert database.pings == pings


async def test_it_can_close_again(gate: DependencyGate, database: Dependency) -> None:
    for _ in range(3):
        await _break(gate, database, DatabaseUnavailable("away"))
        assert not gate.is_open
        database.error = None
        await until(lambda: gate.is_open)


async def test_a_stop_ends_the_wait(gate: DependencyGate, database: Dependency) -> None:
    stop = asyncio.Event()
    await _break(gate, database, DatabaseUnavailable("away"))
    waiting = asyncio.create_task(gate.wait_until_open(stop))
    await until(lambda: database.pings >= 1)
    stop.set()
    assert not await waiting
    assert not gate.is_open
    database.error = None
    await until(lambda: gate.is_open)
    assert not await gate.wait_until_open(stop)


async def test_a_process_is_ready_without_a_dependency_that_is_not_required(
    database: Dependency, health: Health
) -> None:
    gate = DependencyGate({"database": database.ping, "broker": database.ping}, health, ["database"])
    database.error = BrokerUnavailable("away")
    gate.close(database.error)
    assert not gate.is_open
    assert health.ready
    database.error = None
    await until(lambda: gate.is_open)


async def test_an_error_of_a_dependency_without_a_ping_closes_the_gate_only_briefly(gate: DependencyGate) -> None:
    gate.close(BrokerUnavailable("not pinged here"))
    await until(lambda: gate.is_open)


async def test_a_ping_that_raises_an_unexpected_exception_is_repeated(health: Health) -> None:
    errors = [KeyError("a bug in the driver"), DatabaseUnavailable("away")]

    async def ping() -> None:
        if errors:
            raise errors.pop(0)

    gate = DependencyGate({"database": ping}, health)
    gate.close(DatabaseUnavailable("away"))
    await until(lambda: gate.is_open)
    assert health.ready
    assert errors == []


@pytest.fixture
def inner(gate: DependencyGate, health: Health) -> tuple[DependencyGate, Dependency]:
    """A gate inside the other one, for work that needs the cache too."""
    cache = Dependency()
    return DependencyGate({"cache": cache.ping}, health, outer=gate), cache


class CacheUnavailable(DependencyUnavailable):
    dependency = "cache"


async def test_an_error_of_the_inner_gates_own_dependency_closes_only_the_inner_gate(
    gate: DependencyGate, inner: tuple[DependencyGate, Dependency], health: Health
) -> None:
    inner_gate, cache = inner
    await _break(inner_gate, cache, CacheUnavailable("gone"))
    assert gate.is_open
    assert not inner_gate.is_open
    assert health.problems == {"cache": "gone"}
    cache.error = None
    assert await inner_gate.wait_until_open(asyncio.Event())
    await until(lambda: inner_gate.is_open)
    assert health.ready


@pytest.mark.parametrize("noticed_by", ["gate", "inner"])
async def test_an_error_of_a_shared_dependency_closes_both_gates_from_either_one(
    gate: DependencyGate,
    inner: tuple[DependencyGate, Dependency],
    health: Health,
    database: Dependency,
    noticed_by: str,
) -> None:
    inner_gate, cache = inner
    await _break(gate if noticed_by == "gate" else inner_gate, database, DatabaseUnavailable("away"))
    await _break(inner_gate, cache, CacheUnavailable("gone"))
    assert not gate.is_open
    assert health.problems == {"database": "away", "cache": "gone"}
    cache.error = None
    await until(lambda: "cache" not in health.problems)
    assert not inner_gate.is_open
    assert not health.ready
    stop = asyncio.Event()
    waiting = asyncio.create_task(inner_gate.wait_until_open(stop))
    await until(lambda: database.pings >= 3)
    assert not waiting.done()
    database.error = None
    assert await waiting
    await until(lambda: gate.is_open and inner_gate.is_open)
    assert health.ready


async def test_a_stop_ends_the_wait_for_the_outer_gate(
    gate: DependencyGate, inner: tuple[DependencyGate, Dependency], database: Dependency
) -> None:
    inner_gate, _ = inner
    await _break(gate, database, DatabaseUnavailable("away"))
    stop = asyncio.Event()
    waiting = asyncio.create_task(inner_gate.wait_until_open(stop))
    await until(lambda: database.pings >= 1)
    stop.set()
    assert not await waiting
    database.error = None
    await until(lambda: inner_gate.is_open)
