"""An unavailable dependency closes the gate; only a successful ping of that dependency opens it again."""

import asyncio
import time

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
    monkeypatch.setattr("shared.messaging.dependency_gate.MAX_PING_INTERVAL_SECONDS", 0.08)


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
async def gate(database: Dependency, storage: Dependency, health: Health) -> DependencyGate:
    gate = DependencyGate({"database": database.ping, "storage": storage.ping}, health)
    await gate.check()
    database.pings = storage.pings = 0
    return gate


async def _reopened(gate: DependencyGate) -> None:
    """Waits for admission after an outage, and reports that the work succeeded."""
    assert await asyncio.wait_for(gate.wait_until_open(asyncio.Event()), 5)
    gate.succeeded(time.monotonic())
    assert gate.is_open


async def _break(gate: DependencyGate, dependency: Dependency, error: DependencyUnavailable) -> None:
    dependency.error = error
    gate.close(error)


async def test_a_dependency_is_not_ready_before_its_first_ping_succeeds(database: Dependency, health: Health) -> None:
    outer = DependencyGate({"database": database.ping}, health)
    storage = Dependency()
    storage.error = StorageUnavailable("away")
    gate = DependencyGate({"storage": storage.ping}, health, outer=[outer])
    assert health.problems == {"database": "not checked yet", "storage": "not checked yet"}
    await gate.check()
    assert health.problems == {"storage": "away"}
    await outer.check()
    assert database.pings == 1
    storage.error = None
    await until(lambda: health.ready)


async def test_a_ping_that_hangs_is_an_outage_and_a_silent_loop_and_is_not_repeated(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_SECONDS", 0.01)
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_ALLOWANCE_SECONDS", 0)
    pings, answer = 0, asyncio.Event()

    async def ping() -> None:
        nonlocal pings
        pings += 1
        await answer.wait()

    gate = DependencyGate({"storage": ping}, health)
    await asyncio.wait_for(gate.check(), 1)
    assert health.problems == {"storage": "no answer to a ping within 0.01 s"}
    assert not gate.is_open
    await until(lambda: list(health.silent_loops(0.2)) == ["pinging storage"])
    answer.set()
    await _reopened(gate)
    assert (pings, health.ready) == (1, True)


async def test_pings_that_fail_are_no_silent_loop(
    gate: DependencyGate, database: Dependency, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_ALLOWANCE_SECONDS", 0)
    await _break(gate, database, DatabaseUnavailable("away"))
    for _ in range(20):
        await asyncio.sleep(0.02)
        assert not health.silent_loops(0.25)
    database.error = None
    await _reopened(gate)


async def test_a_checked_gate_is_open_and_ready(gate: DependencyGate, health: Health) -> None:
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
    await _reopened(gate)
    assert health.ready


async def test_repeated_errors_of_one_dependency_start_one_series_of_pings(
    gate: DependencyGate, database: Dependency
) -> None:
    for _ in range(5):
        await _break(gate, database, DatabaseUnavailable("away"))
    await until(lambda: database.pings >= 1)
    database.error = None
    await _reopened(gate)
    pings = database.pings
    await asyncio.sleep(0.05)  # shows that nothing pings: five intervals
    assert database.pings == pings


async def test_it_can_close_again(gate: DependencyGate, database: Dependency) -> None:
    for _ in range(3):
        await _break(gate, database, DatabaseUnavailable("away"))
        assert not gate.is_open
        database.error = None
        await _reopened(gate)


async def test_a_stop_ends_the_wait(gate: DependencyGate, database: Dependency) -> None:
    stop = asyncio.Event()
    await _break(gate, database, DatabaseUnavailable("away"))
    waiting = asyncio.create_task(gate.wait_until_open(stop))
    await until(lambda: database.pings >= 1)
    stop.set()
    assert not await waiting
    assert not gate.is_open
    database.error = None
    await _reopened(gate)
    assert not await gate.wait_until_open(stop)


async def test_a_process_is_ready_without_a_dependency_that_is_not_required(
    database: Dependency, health: Health
) -> None:
    gate = DependencyGate({"database": database.ping, "broker": database.ping}, health, ["database"])
    await gate.check()
    database.error = BrokerUnavailable("away")
    gate.close(database.error)
    assert not gate.is_open
    assert health.ready
    database.error = None
    await _reopened(gate)


async def test_an_error_of_a_dependency_without_a_ping_closes_the_gate_only_briefly(gate: DependencyGate) -> None:
    gate.close(BrokerUnavailable("not pinged here"))
    await _reopened(gate)


async def test_a_ping_that_raises_an_unexpected_exception_is_repeated(health: Health) -> None:
    errors = [KeyError("a bug in the driver"), DatabaseUnavailable("away")]

    async def ping() -> None:
        if errors:
            raise errors.pop(0)

    gate = DependencyGate({"database": ping}, health)
    gate.close(DatabaseUnavailable("away"))
    await _reopened(gate)
    assert health.ready
    assert errors == []


@pytest.fixture
def inner(gate: DependencyGate, health: Health) -> tuple[DependencyGate, Dependency]:
    """A gate inside the other one, for work that needs the cache too."""
    cache = Dependency()
    return DependencyGate({"cache": cache.ping}, health, outer=[gate]), cache


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
    await _reopened(inner_gate)
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
    assert health.problems == {"database": "away", "cache": "gone"}
    cache.error = None
    await until(lambda: "cache" not in health.problems)
    assert not health.ready
    stop = asyncio.Event()
    waiting = asyncio.create_task(inner_gate.wait_until_open(stop))
    await until(lambda: database.pings >= 3)
    assert not waiting.done()
    database.error = None
    assert await waiting
    inner_gate.succeeded(time.monotonic())
    assert inner_gate.is_open
    assert gate.is_open
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
    await _reopened(inner_gate)


async def _waiting(gate: DependencyGate, count: int) -> list[asyncio.Task[bool]]:
    """Tasks that wait for the gate; each is done when it has been admitted."""
    tasks = [asyncio.create_task(gate.wait_until_open(asyncio.Event())) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def _admitted(tasks: list[asyncio.Task[bool]]) -> int:
    return sum(task.done() for task in tasks)


async def test_after_an_outage_one_goes_first_and_the_others_follow_its_success(
    gate: DependencyGate, database: Dependency
) -> None:
    await _break(gate, database, DatabaseUnavailable("away"))
    tasks = await _waiting(gate, 5)
    database.error = None
    await until(lambda: _admitted(tasks) == 1)
    await asyncio.sleep(0.1)  # shows that no other follows
    assert _admitted(tasks) == 1
    gate.succeeded(time.monotonic())
    assert all(await asyncio.gather(*tasks))
    assert gate.is_open


async def test_the_others_wait_on_if_the_first_one_fails(gate: DependencyGate, database: Dependency) -> None:
    await _break(gate, database, DatabaseUnavailable("away"))
    tasks = await _waiting(gate, 3)
    database.error = None
    for admitted in (1, 2, 3):
        await until(lambda: _admitted(tasks) == admitted)  # noqa: B023 (awaited in the same pass)
        pings = database.pings
        gate.close(DatabaseUnavailable("it answers pings, but fails work"))
        await until(lambda: database.pings > pings)  # noqa: B023


async def test_the_others_follow_if_the_first_one_is_slow(
    gate: DependencyGate, database: Dependency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.admission._TRIAL_SECONDS", 0.1)
    await _break(gate, database, DatabaseUnavailable("away"))
    tasks = await _waiting(gate, 3)
    database.error = None
    assert all(await asyncio.wait_for(asyncio.gather(*tasks), 5))
    assert gate.is_open


async def test_an_inner_gate_lets_one_go_first_after_an_outage_of_an_outer_dependency(
    gate: DependencyGate, inner: tuple[DependencyGate, Dependency], database: Dependency
) -> None:
    inner_gate, _ = inner
    await _break(gate, database, DatabaseUnavailable("away"))
    tasks = await _waiting(inner_gate, 3)
    database.error = None
    await until(lambda: _admitted(tasks) == 1)
    inner_gate.succeeded(time.monotonic())
    assert all(await asyncio.gather(*tasks))
    assert gate.is_open


async def test_the_pauses_between_pings_grow_while_it_closes_again_soon_and_shrink_after_a_quiet_time(
    gate: DependencyGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def record(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("shared.messaging.dependency_gate.random.uniform", lambda _, __: 1.0)
    monkeypatch.setattr("shared.messaging.dependency_gate.asyncio.sleep", record)
    for _ in range(5):
        gate.close(DatabaseUnavailable("it answers pings, but fails work"))
        await _reopened(gate)
    assert pauses == [0.01, 0.02, 0.04, 0.08, 0.08]
    monkeypatch.setattr("shared.messaging.dependency_gate._QUIET_SECONDS", 0)
    gate.close(DatabaseUnavailable("away"))
    await _reopened(gate)
    assert pauses[5:] == [0.01]


async def test_a_check_closes_the_gate_for_each_dependency_that_does_not_answer(
    health: Health, database: Dependency, storage: Dependency
) -> None:
    gate = DependencyGate({"database": database.ping, "storage": storage.ping}, health)
    storage.error = StorageUnavailable("no store is there yet")
    await gate.check()
    assert not gate.is_open
    assert health.problems == {"storage": "no store is there yet"}
    storage.error = None
    await _reopened(gate)
    assert (database.pings, health.ready) == (1, True)


async def test_readiness_shows_the_latest_reason(gate: DependencyGate, health: Health, storage: Dependency) -> None:
    await _break(gate, storage, StorageUnavailable("no space left"))
    storage.error = StorageUnavailable("read-only file system")
    await until(lambda: health.problems == {"storage": "read-only file system"})
    storage.error = None
    await _reopened(gate)


async def test_a_ping_that_a_library_cancels_is_repeated(gate: DependencyGate, database: Dependency) -> None:
    answer = database.ping

    async def ping() -> None:
        if not database.pings:
            database.pings += 1
            raise asyncio.CancelledError
        await answer()

    gate._pings = {"database": ping}
    gate.close(DatabaseUnavailable("gone"))
    await until(lambda: gate.is_admitting)
    assert database.pings == 2


async def test_work_that_began_before_the_recovery_does_not_close_the_gate_again(
    gate: DependencyGate, inner: tuple[DependencyGate, Dependency], database: Dependency
) -> None:
    inner_gate, _ = inner
    began = time.monotonic()
    await _break(gate, database, DatabaseUnavailable("away"))
    database.error = None
    await _reopened(gate)
    inner_gate.close(DatabaseUnavailable("timed out, after it hung in the outage"), began)
    assert gate.is_open
    inner_gate.close(DatabaseUnavailable("away again"), time.monotonic())
    assert await asyncio.wait_for(gate.wait_until_open(asyncio.Event()), 5)
    assert database.pings == 2


async def test_work_that_proves_nothing_is_followed_by_one_other_and_does_not_open_the_gate(
    gate: DependencyGate, inner: tuple[DependencyGate, Dependency], database: Dependency
) -> None:
    inner_gate, _ = inner
    await _break(gate, database, DatabaseUnavailable("away"))
    tasks = await _waiting(inner_gate, 3)
    database.error = None
    for admitted in (1, 2):
        await until(lambda: _admitted(tasks) == admitted)  # noqa: B023 (awaited in the same pass)
        await asyncio.sleep(0.05)  # shows that no other follows
        assert _admitted(tasks) == admitted
        inner_gate.proved_nothing(time.monotonic())
    assert not gate.is_open
    inner_gate.succeeded(time.monotonic())
    assert inner_gate.is_open


@pytest.mark.parametrize("answers", [True, False])
async def test_a_ping_decides_if_no_work_proves_anything(
    gate: DependencyGate, database: Dependency, monkeypatch: pytest.MonkeyPatch, *, answers: bool
) -> None:
    monkeypatch.setattr("shared.messaging.admission._TRIAL_SECONDS", 0.1)
    await _break(gate, database, DatabaseUnavailable("away"))
    database.error = None
    assert await asyncio.wait_for(gate.wait_until_open(asyncio.Event()), 5)
    pings = database.pings
    database.error = None if answers else DatabaseUnavailable("away again")
    gate.proved_nothing(time.monotonic())
    await until(lambda: database.pings > pings)
    await until(lambda: gate.is_open if answers else not gate.is_admitting)
    database.error = None
    await until(lambda: gate.is_admitting)


UNEXPECTED: list[BaseException] = [RuntimeError("a bug in the driver"), asyncio.CancelledError("of a library")]


@pytest.mark.parametrize("error", UNEXPECTED, ids=repr)
async def test_work_is_admitted_after_a_trial_without_a_report_and_a_ping_that_fails_unexpectedly(
    health: Health, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr("shared.messaging.admission._TRIAL_SECONDS", 0.1)
    outcomes: list[BaseException | None] = [None, error]

    async def ping() -> None:
        if outcomes and (outcome := outcomes.pop(0)):
            raise outcome

    gate = DependencyGate({"database": ping}, health)
    gate.close(DatabaseUnavailable("away"))
    for _ in range(2):
        assert await asyncio.wait_for(gate.wait_until_open(asyncio.Event()), 5)
    assert outcomes == []
    await until(lambda: gate.is_open)


async def test_pings_at_the_same_time_share_one_answer(gate: DependencyGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.messaging.admission._TRIAL_SECONDS", 0.02)
    pings, answer = 0, asyncio.Event()

    async def ping() -> None:
        nonlocal pings
        pings += 1
        if pings > 1:
            await answer.wait()

    gate._pings = {"database": ping}
    gate.close(DatabaseUnavailable("away"))
    for _ in range(3):
        assert await asyncio.wait_for(gate.wait_until_open(asyncio.Event()), 5)
        await asyncio.sleep(0.04)  # longer than a trial: a ping decides, and hangs
        gate.proved_nothing(time.monotonic())
    checks = [asyncio.create_task(gate._check("database")) for _ in range(2)]
    await asyncio.sleep(0)
    answer.set()
    await asyncio.gather(*checks)
    await until(lambda: gate.is_open)
    assert pings == 2


async def test_work_that_began_before_the_outage_decides_nothing_about_the_gate(
    gate: DependencyGate, inner: tuple[DependencyGate, Dependency], database: Dependency
) -> None:
    inner_gate, _ = inner
    began = time.monotonic()
    await _break(gate, database, DatabaseUnavailable("away"))
    tasks = await _waiting(inner_gate, 30)
    database.error = None
    await until(lambda: _admitted(tasks) == 1)
    for report in (inner_gate.proved_nothing, inner_gate.succeeded, gate.proved_nothing, gate.succeeded):
        for _ in range(5):
            report(began)
            await asyncio.sleep(0.001)
    assert _admitted(tasks) == 1
    inner_gate.succeeded(time.monotonic())
    assert all(await asyncio.gather(*tasks))


async def test_gates_that_share_an_outer_gate_do_not_wait_for_their_own_trial(
    gate: DependencyGate, health: Health, database: Dependency
) -> None:
    left, right = DependencyGate({}, health, outer=[gate]), DependencyGate({}, health, outer=[gate])
    innermost = DependencyGate({}, health, outer=[left, right])
    await _break(innermost, database, DatabaseUnavailable("away"))
    tasks = await _waiting(innermost, 2)
    database.error = None
    await until(lambda: _admitted(tasks) == 1, 2)
    innermost.succeeded(time.monotonic())
    assert all(await asyncio.gather(*tasks))


async def test_work_that_waits_for_an_inner_gate_does_not_hold_up_the_outer_one(
    gate: DependencyGate, inner: tuple[DependencyGate, Dependency], database: Dependency
) -> None:
    inner_gate, cache = inner
    await _break(inner_gate, cache, CacheUnavailable("gone"))
    await _break(gate, database, DatabaseUnavailable("away"))
    waiting = await _waiting(inner_gate, 1)
    database.error = None
    await until(lambda: gate.is_admitting)
    await asyncio.sleep(0.01)
    assert await asyncio.wait_for(gate.wait_until_open(asyncio.Event()), 2)
    gate.succeeded(time.monotonic())
    assert _admitted(waiting) == 0
    cache.error = None
    assert all(await asyncio.gather(*waiting))
