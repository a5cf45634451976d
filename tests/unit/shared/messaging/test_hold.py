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


@pytest.mark.parametrize("error", [None, ZeroDivisionError()], ids=repr)
async def test_of_many_calls_one_goes_at_a_time(
    store: Store, gate: DependencyGate, error: ZeroDivisionError | None
) -> None:
    hold, end = Hold(gate, asyncio.Event()), asyncio.Queue[None]()

    async def put() -> str:
        await store.put()
        await end.get()
        if error is not None:
            raise error
        return "stored"

    holding = [asyncio.create_task(hold(put)) for _ in range(10)]
    await until(lambda: store.pings >= 1)
    assert store.puts == 10
    store.works = True
    for puts in range(11, 21):
        await until(lambda: store.puts == puts)  # noqa: B023 (awaited in the same pass)
        await asyncio.sleep(0.02)  # shows that no other follows
        assert store.puts == puts
        end.put_nowait(None)
    assert await asyncio.gather(*holding, return_exceptions=True) == [error or "stored"] * 10
    assert not gate.is_open


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
