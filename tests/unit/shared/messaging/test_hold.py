"""A call that fails while a dependency is unavailable is repeated behind the gate, within a limit."""

import asyncio

import pytest

from shared.errors import StorageUnavailable
from shared.messaging import DependencyGate, Hold
from shared.observability import Health
from tests.support.waiting import until


class Store:
    """Its puts and pings fail until `works`."""

    def __init__(self) -> None:
        self.works = False
        self.puts = self.pings = 0

    async def put(self) -> str:
        self.puts += 1
        self._check()
        return "stored"

    async def ping(self) -> None:
        self.pings += 1
        self._check()

    def _check(self) -> None:
        if not self.works:
            raise StorageUnavailable("no space left")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr("shared.messaging.hold._RETRY_FOR_SECONDS", 0)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def gate(store: Store) -> DependencyGate:
    return DependencyGate({"storage": store.ping}, Health())


async def test_the_call_is_repeated_once_the_gate_opens(store: Store, gate: DependencyGate) -> None:
    hold = Hold(gate, asyncio.Event())
    holding = asyncio.create_task(hold(store.put))
    await until(lambda: store.pings >= 3)
    assert store.puts == 1
    store.works = True
    assert await holding == "stored"
    assert store.puts == 2


async def test_of_many_calls_one_goes_first(store: Store, gate: DependencyGate) -> None:
    hold = Hold(gate, asyncio.Event())
    holding = [asyncio.create_task(hold(store.put)) for _ in range(10)]
    await until(lambda: store.pings >= 1)
    assert store.puts == 10
    store.works = True
    await until(lambda: store.puts == 11)
    await asyncio.sleep(0.05)  # shows that the others wait for a report
    assert store.puts == 11
    gate.succeeded()
    assert await asyncio.gather(*holding) == ["stored"] * 10


async def test_a_short_fault_does_not_close_the_gate(
    store: Store, gate: DependencyGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.hold._RETRY_FOR_SECONDS", 5)
    holding = asyncio.create_task(Hold(gate, asyncio.Event())(store.put))
    await until(lambda: store.puts >= 1)
    store.works = True
    assert await holding == "stored"
    assert gate.is_open
    assert store.pings == 0


async def test_it_gives_up_after_its_limit(store: Store, gate: DependencyGate) -> None:
    with pytest.raises(StorageUnavailable):
        await Hold(gate, asyncio.Event(), seconds=0.1)(store.put)
    assert not gate.is_open
    store.works = True


async def test_it_gives_up_when_the_process_stops(store: Store, gate: DependencyGate) -> None:
    stop = asyncio.Event()
    holding = asyncio.create_task(Hold(gate, stop)(store.put))
    await until(lambda: store.pings >= 1)
    stop.set()
    with pytest.raises(StorageUnavailable):
        await holding
    store.works = True


async def test_other_errors_are_raised_at_once(gate: DependencyGate) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Hold(gate, asyncio.Event())(fail)
    assert gate.is_open
