"""What results say of hosts, and images that do not fail while theirs is left alone."""

from datetime import timedelta

import pytest

from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.pause_policy import PausePolicy
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageDeferred, ImageFailed
from shared.contracts.records import Image
from tests.fakes.clock import MovableClock
from tests.fakes.memory_database import MemoryDatabase
from tests.support.builders import NOW, an_image
from tests.support.worker_messages import compressed, deferred

HOST = "images.test"


class Mill:
    def __init__(self, image: Image, *, faults: int = 2) -> None:
        self.clock = MovableClock(NOW)
        self.database = MemoryDatabase(self.clock)
        self.image = image
        self.hosts = HostCircuitBreaker(self.database, PausePolicy(faults, 30, 900, lambda: 0.0), self.clock)

    def failure(self, code: ErrorCode = ErrorCode.CONNECT, *, host_fault: bool = True, attempt: int = 1) -> ImageFailed:
        return ImageFailed(
            request_id=self.image.request_id,
            image_id=self.image.image_id,
            round=1,
            dispatch=1,
            attempt=attempt,
            error_code=code,
            error_detail="refused",
            host_fault=host_fault,
        )


@pytest.fixture
async def mill() -> Mill:
    mill = Mill(an_image())
    await mill.database.images.insert_many([mill.image])
    return mill


async def test_a_failure_stands_until_its_host_is_left_alone_and_is_a_deferral_then(mill: Mill) -> None:
    assert await mill.hosts.judge(mill.failure()) == mill.failure()
    spared = await mill.hosts.judge(mill.failure())
    assert isinstance(spared, ImageDeferred)
    assert not spared.counts
    assert spared.not_before == NOW + timedelta(seconds=30)
    [host] = await mill.database.hosts.tripped()
    assert (host.host, host.paused_until) == (HOST, spared.not_before)


async def test_an_image_that_never_works_does_not_count_again_and_again(mill: Mill) -> None:
    for attempt in range(1, 20):
        assert await mill.hosts.judge(mill.failure(attempt=attempt)) == mill.failure(attempt=attempt)
    [host] = await mill.database.hosts.circuits()
    assert (host.failures, host.paused_until) == (1, None)


async def test_a_further_failure_of_an_image_makes_no_trouble_of_a_host_that_has_none(mill: Mill) -> None:
    assert await mill.hosts.judge(mill.failure(attempt=2)) == mill.failure(attempt=2)
    assert await mill.database.hosts.circuits() == []


async def test_any_failure_after_a_pause_begins_the_next(mill: Mill) -> None:
    for _ in range(2):
        await mill.hosts.judge(mill.failure())
    mill.clock.advance(31)
    assert isinstance(await mill.hosts.judge(mill.failure(attempt=4)), ImageDeferred)
    [host] = await mill.database.hosts.tripped()
    assert host.pauses == 2


async def test_an_image_is_not_spared_beyond_its_time(mill: Mill) -> None:
    mill = Mill(an_image(deadline=NOW + timedelta(seconds=10)), faults=1)
    await mill.database.images.insert_many([mill.image])
    spared = await mill.hosts.judge(mill.failure())
    assert isinstance(spared, ImageDeferred)
    assert spared.not_before == mill.image.deadline
    mill.clock.advance(10)
    assert await mill.hosts.judge(mill.failure()) == mill.failure()


async def test_a_host_s_own_wish_defers_an_image_until_its_deadline_at_most(mill: Mill) -> None:
    wish = NOW + timedelta(days=7)
    asked = deferred(mill.image, error_code=ErrorCode.HTTP_429, not_before=wish, host_fault=True, host_until=wish)
    judged = await mill.hosts.judge(asked)
    assert judged == asked.model_copy(update={"not_before": mill.image.deadline})
    [host] = await mill.database.hosts.tripped()
    assert host.paused_until == wish


async def test_a_deferral_within_its_image_s_time_is_recorded_as_it_came(mill: Mill) -> None:
    asked = deferred(mill.image, host_fault=True)
    assert await mill.hosts.judge(asked) == asked


@pytest.mark.parametrize("code", [ErrorCode.TLS, ErrorCode.DNS, ErrorCode.EXPIRED, ErrorCode.CONNECT])
async def test_what_is_not_the_host_s_fault_is_nothing_to_it(mill: Mill, code: ErrorCode) -> None:
    for _ in range(5):
        failure = mill.failure(code, host_fault=False)
        assert await mill.hosts.judge(failure) == failure
        await mill.hosts.recorded(failure, mill.image)
    assert await mill.database.hosts.circuits() == []


@pytest.mark.parametrize("code", [None, ErrorCode.HTTP_404, ErrorCode.DECODE_ERROR])
async def test_a_host_that_works_is_in_trouble_no_more(mill: Mill, code: ErrorCode | None) -> None:
    for _ in range(2):
        await mill.hosts.judge(mill.failure())
    unrelated = mill.failure(ErrorCode.CONNECT, host_fault=False)
    await mill.hosts.recorded(unrelated, mill.image)
    assert await mill.database.hosts.get(HOST) is not None
    works = mill.failure(code, host_fault=False) if code else compressed(mill.image)
    await mill.hosts.recorded(works, mill.image)
    assert await mill.database.hosts.get(HOST) is None


async def test_a_success_sees_the_fault_that_another_process_recorded_a_moment_ago(mill: Mill) -> None:
    await mill.hosts.recorded(compressed(mill.image), mill.image)
    other = HostCircuitBreaker(mill.database.another_process(), PausePolicy(2, 30, 900, lambda: 0.0), mill.clock)
    await other.judge(mill.failure())
    mill.clock.advance(1.1)
    await mill.hosts.recorded(compressed(mill.image), mill.image)
    assert await mill.database.hosts.circuits() == []


async def test_successes_cost_no_query_while_no_host_is_in_trouble(mill: Mill) -> None:
    await mill.hosts.recorded(compressed(mill.image), mill.image)
    mill.database.available = False
    await mill.hosts.recorded(compressed(mill.image), mill.image)
