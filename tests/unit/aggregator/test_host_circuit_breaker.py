"""Results open and close the circuits of hosts; while a circuit is open, images are deferred instead of failed."""

from datetime import timedelta

import pytest

from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.pause_policy import PausePolicy
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import ImageDeferred, ImageFailed
from shared.contracts.records import Image
from shared.settings import ImageAgeSettings
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, an_image
from tests.support.worker_messages import compressed, deferred

HOST = "images.test"
AGE = ImageAgeSettings(image_max_age=3600)


class BreakerHarness:
    def __init__(self, image: Image, *, faults: int = 2) -> None:
        self.clock = MovableClock(NOW)
        self.database = MemoryDatabase(self.clock)
        self.image = image
        self.breaker = HostCircuitBreaker(self.database, PausePolicy(faults, 30, 900, lambda: 0.0), AGE, self.clock)

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
async def harness() -> BreakerHarness:
    harness = BreakerHarness(an_image())
    await harness.database.images.insert_many([harness.image])
    return harness


async def test_a_failure_becomes_a_deferral_once_the_circuit_is_open(harness: BreakerHarness) -> None:
    assert await harness.breaker.register_fault(harness.failure()) == harness.failure()
    deferral = await harness.breaker.register_fault(harness.failure())
    assert isinstance(deferral, ImageDeferred)
    assert not deferral.counts
    assert deferral.delay == 30
    [host] = await harness.database.hosts.not_closed()
    assert (host.host, host.paused_until) == (HOST, NOW + timedelta(seconds=30))


async def test_only_the_first_failure_of_an_image_counts(harness: BreakerHarness) -> None:
    for attempt in range(1, 20):
        assert await harness.breaker.register_fault(harness.failure(attempt=attempt)) == harness.failure(
            attempt=attempt
        )
    [host] = await harness.database.hosts.circuits()
    assert (host.failures, host.paused_until) == (1, None)


async def test_a_repeated_failure_of_an_image_records_nothing_for_a_host_without_faults(
    harness: BreakerHarness,
) -> None:
    assert await harness.breaker.register_fault(harness.failure(attempt=2)) == harness.failure(attempt=2)
    assert await harness.database.hosts.circuits() == []


async def test_any_failure_of_a_half_open_circuit_opens_it_again(harness: BreakerHarness) -> None:
    for _ in range(2):
        await harness.breaker.register_fault(harness.failure())
    harness.clock.advance(31)
    assert isinstance(await harness.breaker.register_fault(harness.failure(attempt=4)), ImageDeferred)
    [host] = await harness.database.hosts.not_closed()
    assert host.pauses == 2


async def test_an_image_is_not_deferred_beyond_its_deadline(harness: BreakerHarness) -> None:
    harness = BreakerHarness(an_image(deadline=NOW + timedelta(seconds=10)), faults=1)
    await harness.database.images.insert_many([harness.image])
    deferral = await harness.breaker.register_fault(harness.failure())
    assert isinstance(deferral, ImageDeferred)
    assert deferral.delay == 10
    harness.clock.advance(10)
    assert await harness.breaker.register_fault(harness.failure()) == harness.failure()


async def test_the_deadline_is_later_by_our_outages(harness: BreakerHarness) -> None:
    harness = BreakerHarness(an_image(deadline=NOW + timedelta(seconds=10)), faults=1)
    await harness.database.images.insert_many([harness.image])
    await harness.database.outages.observe(working=True, longer_than=timedelta(minutes=2))
    harness.clock.advance(600)
    deferral = await harness.breaker.register_fault(harness.failure())
    assert isinstance(deferral, ImageDeferred)
    assert deferral.delay == 10


async def test_retry_after_defers_the_image_until_its_deadline_at_most(harness: BreakerHarness) -> None:
    harness = BreakerHarness(an_image(deadline=NOW + timedelta(days=1)))
    await harness.database.images.insert_many([harness.image])
    week = timedelta(days=7)
    for message in (
        deferred(harness.image, delay=week.total_seconds(), host_fault=True, host_pause=week.total_seconds()),
        deferred(harness.image, delay=None, not_before=NOW + week, host_fault=True, host_until=NOW + week),
    ):
        recorded = await harness.breaker.register_fault(message)
        assert recorded == message.model_copy(update={"delay": 86_400, "not_before": None})
        [host] = await harness.database.hosts.not_closed()
        assert host.paused_until == NOW + week


async def test_a_deferral_that_begins_after_the_deadline_is_not_shortened(harness: BreakerHarness) -> None:
    harness = BreakerHarness(an_image(deadline=NOW))
    await harness.database.images.insert_many([harness.image])
    result = deferred(harness.image, delay=30, host_fault=True)
    assert await harness.breaker.register_fault(result) == result


async def test_a_deferral_that_ends_before_the_deadline_is_recorded_unchanged(harness: BreakerHarness) -> None:
    deferred_result = deferred(harness.image, host_fault=True)
    assert await harness.breaker.register_fault(deferred_result) == deferred_result


@pytest.mark.parametrize("code", [ErrorCode.TLS, ErrorCode.DNS, ErrorCode.EXPIRED, ErrorCode.CONNECT])
async def test_a_failure_that_is_not_the_host_s_fault_records_nothing(harness: BreakerHarness, code: ErrorCode) -> None:
    for _ in range(5):
        failure = harness.failure(code, host_fault=False)
        assert await harness.breaker.register_fault(failure) == failure
        await harness.breaker.register_success(failure, harness.image)
    assert await harness.database.hosts.circuits() == []


@pytest.mark.parametrize("code", [None, ErrorCode.HTTP_404, ErrorCode.DECODE_ERROR])
async def test_a_result_that_shows_the_host_works_closes_its_circuit(
    harness: BreakerHarness, code: ErrorCode | None
) -> None:
    for _ in range(2):
        await harness.breaker.register_fault(harness.failure())
    unrelated = harness.failure(ErrorCode.CONNECT, host_fault=False)
    await harness.breaker.register_success(unrelated, harness.image)
    assert await harness.database.hosts.get(HOST) is not None
    works = harness.failure(code, host_fault=False) if code else compressed(harness.image)
    await harness.breaker.register_success(works, harness.image)
    assert await harness.database.hosts.get(HOST) is not None  # its request was sent before the pause
    harness.clock.advance(31)
    await harness.breaker.register_success(works, harness.image)
    assert await harness.database.hosts.get(HOST) is None


async def test_an_image_that_is_not_ready_closes_the_circuit_of_its_host(harness: BreakerHarness) -> None:
    for _ in range(2):
        await harness.breaker.register_fault(harness.failure())
    harness.clock.advance(31)
    await harness.breaker.register_success(deferred(harness.image, host_fault=True), harness.image)
    assert await harness.database.hosts.get(HOST) is not None
    not_ready = deferred(harness.image, error_code=ErrorCode.NOT_READY)
    assert await harness.breaker.register_fault(not_ready) == not_ready
    await harness.breaker.register_success(not_ready, harness.image)
    assert await harness.database.hosts.get(HOST) is None


async def test_a_success_removes_a_fault_that_another_process_recorded_a_second_ago(harness: BreakerHarness) -> None:
    await harness.breaker.register_success(compressed(harness.image), harness.image)
    other = HostCircuitBreaker(
        harness.database.another_process(), PausePolicy(2, 30, 900, lambda: 0.0), AGE, harness.clock
    )
    await other.register_fault(harness.failure())
    harness.clock.advance(1.1)
    await harness.breaker.register_success(compressed(harness.image), harness.image)
    assert await harness.database.hosts.circuits() == []


async def test_successes_cost_no_query_while_no_host_has_a_record(harness: BreakerHarness) -> None:
    await harness.breaker.register_success(compressed(harness.image), harness.image)
    harness.database.available = False
    await harness.breaker.register_success(compressed(harness.image), harness.image)
