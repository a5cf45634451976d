"""A background task is repeated whatever its step raises, and cannot end unnoticed."""

import asyncio

import pytest

from services.gateway.background.loop import repeat
from shared.errors import DatabaseUnavailable, StorageUnavailable
from shared.long_lived import Stalled
from shared.messaging import DependencyGate
from shared.observability import Health
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.background.loop._AFTER_ERROR_SECONDS", 0.01)
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_INTERVAL_SECONDS", 0.01)


async def answers() -> None:
    pass


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), DatabaseUnavailable("gone"), asyncio.CancelledError()], ids=repr
)
async def test_a_step_is_repeated_after_an_error(error: BaseException) -> None:
    stop, steps = asyncio.Event(), 0

    async def step() -> float:
        nonlocal steps
        steps += 1
        if steps == 1:
            raise error
        return 0.01

    gate = DependencyGate({"database": answers}, Health())
    task = asyncio.create_task(repeat("dispatch", step, gate, stop, asyncio.Event()))
    await until(lambda: steps >= 3)
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_a_loop_beats_during_its_pauses_and_while_its_gate_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.background.loop._BEAT_SECONDS", 0.02)
    monkeypatch.setattr("services.gateway.background.loop._MAX_STEP_SECONDS", 0)
    health, stop = Health(), asyncio.Event()
    down = True

    async def ping() -> None:
        if down:
            raise DatabaseUnavailable("gone")

    async def step() -> float:
        return 60

    gate = DependencyGate({"database": ping}, health)
    gate.close(DatabaseUnavailable("gone"))
    task = asyncio.create_task(repeat("dispatch", step, gate, stop, asyncio.Event()))
    await silent_never(health)
    down = False
    await until(lambda: gate.is_admitting)
    await silent_never(health)
    stop.set()
    await asyncio.wait_for(task, 5)


async def silent_never(health: Health) -> None:
    for _ in range(20):
        await asyncio.sleep(0.01)
        assert not health.silent_loops(0.15)


async def test_a_step_that_does_not_return_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.background.loop._MAX_STEP_SECONDS", 0)
    health, hangs = Health(), asyncio.Event()

    async def step() -> float:
        hangs.set()
        await asyncio.Event().wait()
        return 0

    gate = DependencyGate({"database": answers}, health)
    task = asyncio.create_task(repeat("dispatch", step, gate, asyncio.Event(), asyncio.Event()))
    await hangs.wait()
    await until(lambda: list(health.silent_loops(0.05)) == ["dispatch"])
    task.cancel()
    await asyncio.wait([task])


async def test_a_loop_whose_every_step_fails_is_unready_and_then_ends_the_process() -> None:
    health = Health(stall_timeout=3)
    gate = DependencyGate({}, health)

    async def step() -> float:
        raise ZeroDivisionError

    task = asyncio.create_task(repeat("sweep", step, gate, asyncio.Event(), asyncio.Event()))
    await until(lambda: "sweep" in health.problems)
    with pytest.raises(Stalled, match=r"the loop sweep: every step failed for 3 s; last: ZeroDivisionError\(\)"):
        await asyncio.wait_for(task, 15)


@pytest.mark.parametrize("between", [None, DatabaseUnavailable("gone")], ids=repr)
async def test_failures_with_a_success_or_an_outage_between_them_do_not_end_the_process(
    between: Exception | None,
) -> None:
    health, stop, steps = Health(stall_timeout=1), asyncio.Event(), 0

    async def step() -> float:
        nonlocal steps
        steps += 1
        if steps % 2:
            raise ZeroDivisionError
        if between is not None:
            raise between
        return 0.01

    gate = DependencyGate({"database": answers}, health)
    task = asyncio.create_task(repeat("sweep", step, gate, stop, asyncio.Event()))
    await asyncio.sleep(1.5)  # longer than STALL_TIMEOUT
    assert not task.done()
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_a_step_does_not_open_a_half_open_gate_since_it_may_have_had_nothing_to_do() -> None:
    stop, steps = asyncio.Event(), 0

    async def step() -> float:
        nonlocal steps
        steps += 1
        return 0.01

    gate = DependencyGate({"storage": answers}, Health())
    gate.close(StorageUnavailable("gone"))
    task = asyncio.create_task(repeat("dispatch", step, gate, stop, asyncio.Event()))
    await until(lambda: steps >= 3)  # steps go on, since none holds the only admission
    assert not gate.is_open
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_a_step_that_fails_unexpectedly_after_an_outage_holds_up_no_other_loop() -> None:
    stop, steps = asyncio.Event(), 0

    async def fail() -> float:
        raise ZeroDivisionError

    async def step() -> float:
        nonlocal steps
        steps += 1
        return 0.01

    gate = DependencyGate({"storage": answers}, Health())
    gate.close(StorageUnavailable("gone"))
    loops = [asyncio.create_task(repeat(each.__name__, each, gate, stop, asyncio.Event())) for each in (fail, step)]
    await until(lambda: steps >= 3, 2)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*loops), 5)


async def test_a_stop_abandons_a_step_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.background.loop._END_SECONDS", 0.1)
    stop, hangs = asyncio.Event(), asyncio.Event()

    async def step() -> float:
        hangs.set()
        await asyncio.Event().wait()
        return 0

    gate = DependencyGate({"database": answers}, Health())
    task = asyncio.create_task(repeat("dispatch", step, gate, stop, asyncio.Event()))
    await hangs.wait()
    stop.set()
    await asyncio.wait_for(task, 5)
