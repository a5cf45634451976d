"""The dispatcher over the memory database: window, fairness, caps per host, and repetition after a crash."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.dispatcher import Dispatcher
from services.gateway.background.parts import BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, ImageDeferred, ImageFailed, KnownResult
from shared.contracts.object_keys import reuse_key
from shared.contracts.records import HostCircuit
from shared.contracts.states import ImageState
from shared.errors import BrokerUnavailable
from shared.observability import Metrics
from shared.persistence import RenewableLease
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, a_request, a_result, an_image
from tests.support.recording_publisher import RecordingPublisher
from tests.support.worker_messages import compressed


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOW)


@pytest.fixture
def database(clock: MovableClock) -> MemoryDatabase:
    return MemoryDatabase(clock)


@pytest.fixture
def publisher() -> RecordingPublisher:
    return RecordingPublisher()


def a_dispatcher(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, **changes: int
) -> Dispatcher:
    parts = BackgroundParts(database, publisher.publish, clock, Metrics(CollectorRegistry()))
    settings = DispatchSettings(
        dispatch_window=changes.get("window", 10),
        dispatch_per_host=changes.get("per_host", 10),
        command_start_by=900,
        reuse_days=changes.get("reuse_days", 0),
    )
    return Dispatcher(parts, RenewableLease(database.lease("dispatch", 15), 15), settings)


async def insert_request(database: MemoryDatabase, request_id: str, urls: Sequence[str], **changes: Any) -> None:
    await database.requests.insert(a_request(request_id, **changes))
    await database.images.insert_many([an_image(url, request_id) for url in urls])


def urls_of(host: str, count: int) -> list[str]:
    return [f"http://{host}/{number}.jpg" for number in range(count)]


async def test_a_command_has_all_that_the_worker_needs(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", ["http://images.test/1.jpg"], options=CompressOptions(percent=40))
    await a_dispatcher(database, publisher, clock).step()
    [command] = publisher.downloads()
    assert (command.dispatch, command.attempt, command.round) == (1, 1, 1)
    assert command.url == "http://images.test/1.jpg"
    assert command.options.percent == 40
    assert command.start_by == NOW + timedelta(seconds=900)
    assert await database.images.in_flight() == {"images.test": 1}


async def test_the_window_bounds_the_images_in_the_broker(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("images.test", 30))
    dispatcher = a_dispatcher(database, publisher, clock, window=7)
    await dispatcher.step()
    await dispatcher.step()
    assert len(publisher.downloads()) == 7


async def test_large_and_small_requests_share_the_window_equally(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    for number in range(4):
        await insert_request(database, f"large-{number}", urls_of(f"host-{number}.test", 100))
    await insert_request(database, "small", urls_of("small.test", 2))
    await a_dispatcher(database, publisher, clock, window=10).step()
    assert Counter(command.request_id for command in publisher.downloads()) == {
        "large-0": 2, "large-1": 2, "large-2": 2, "large-3": 2, "small": 2,
    }  # fmt: skip


async def test_what_one_request_cannot_use_of_the_window_goes_to_the_others(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "large", urls_of("large.test", 100))
    await insert_request(database, "small", urls_of("small.test", 1))
    await a_dispatcher(database, publisher, clock, window=10).step()
    assert Counter(command.request_id for command in publisher.downloads()) == {"large": 9, "small": 1}


async def test_a_host_at_its_cap_does_not_delay_the_other_hosts_of_its_request(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("a-slow.test", 50) + urls_of("b-quick.test", 3))
    await a_dispatcher(database, publisher, clock, window=20, per_host=5).step()
    hosts = Counter(command.url.split("/")[2] for command in publisher.downloads())
    assert hosts == {"a-slow.test": 5, "b-quick.test": 3}


async def test_requests_share_the_cap_of_a_busy_host(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    """Twenty requests keep the host at its cap; a later small one is served at once."""
    for number in range(20):
        await insert_request(database, f"large-{number:02}", urls_of(f"images.test/{number}", 50))
    dispatcher = a_dispatcher(database, publisher, clock, window=100, per_host=20)
    await dispatcher.step()
    await insert_request(database, "small", urls_of("images.test/small", 3))
    for _ in range(10):
        await end_all_in_flight(database, publisher)
        await dispatcher.step()
    assert sum(command.request_id == "small" for command in publisher.downloads()) == 3


async def end_all_in_flight(database: MemoryDatabase, publisher: RecordingPublisher) -> None:
    for command in publisher.downloads():
        about = command.model_dump(include={"request_id", "image_id", "round", "dispatch", "attempt"})
        await database.images.record(ImageFailed(**about, error_code=ErrorCode.HTTP_404, error_detail="404"))


async def test_a_deferred_image_is_dispatched_again_when_it_is_due(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", ["http://images.test/1.jpg"])
    dispatcher = a_dispatcher(database, publisher, clock)
    await dispatcher.step()
    [first] = publisher.downloads()
    await database.images.record(
        ImageDeferred(
            request_id=first.request_id,
            image_id=first.image_id,
            round=1,
            dispatch=1,
            attempt=1,
            error_code=ErrorCode.HTTP_5XX,
            error_detail="503",
            not_before=NOW + timedelta(seconds=5),
        )
    )
    await dispatcher.step()
    assert len(publisher.downloads()) == 1
    clock.advance(5)
    await dispatcher.step()
    assert [(command.dispatch, command.attempt) for command in publisher.downloads()] == [(1, 1), (2, 2)]


async def test_an_unconfirmed_command_is_sent_again_with_the_same_dispatch_number(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", ["http://images.test/1.jpg"])
    dispatcher = a_dispatcher(database, publisher, clock)
    publisher.broken = True
    with pytest.raises(BrokerUnavailable):
        await dispatcher.step()
    publisher.broken = False
    await dispatcher.step()
    assert [command.dispatch for command in publisher.downloads()] == [1, 1]
    assert await database.images.in_flight() == {"images.test": 1}


async def test_an_image_past_its_deadline_fails_with_its_last_error(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await database.requests.insert(a_request("r1"))
    waiting = an_image(
        request_id="r1", deadline=NOW, error_code=ErrorCode.HTTP_429, error_detail="slow down", attempts=3, dispatch=3
    )
    unanswered = an_image("http://images.test/2.jpg", "r1", deadline=NOW, dispatch=1)
    await database.images.insert_many([waiting, unanswered])
    await a_dispatcher(database, publisher, clock).step()
    failures = [item for item in publisher.sent if isinstance(item, ImageFailed)]
    assert {(failure.error_code, failure.attempt) for failure in failures} == {
        (ErrorCode.HTTP_429, 3),
        (ErrorCode.EXPIRED, 0),
    }
    assert not publisher.downloads()
    for failure in failures:
        await database.images.record(failure)
    states = {image.state for image in (await database.images.find("r1", [f.image_id for f in failures])).values()}
    assert states == {ImageState.FAILED}


async def test_an_image_that_was_never_sent_gets_one_attempt_after_its_deadline(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", ["http://images.test/1.jpg"])
    clock.advance(30 * 86400)  # an outage of this service
    await a_dispatcher(database, publisher, clock).step()
    [command] = publisher.downloads()
    assert (command.dispatch, command.attempt, command.start_by) == (1, 1, clock() + timedelta(seconds=900))
    assert publisher.sent == [command]
    await database.images.return_lost(clock() + timedelta(seconds=1))
    await a_dispatcher(database, publisher, clock).step()
    assert isinstance(publisher.sent[-1], ImageFailed)


async def test_only_the_holder_of_the_lease_dispatches(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("images.test", 3))
    assert await database.another_process().lease("dispatch", 15).acquire()
    await a_dispatcher(database, publisher, clock).step()
    assert not publisher.sent


def an_open_circuit(host: str, until: datetime) -> HostCircuit:
    return HostCircuit(host, failures=10, pauses=1, paused_until=until, error_code=ErrorCode.CONNECT)


async def test_an_open_circuit_stops_dispatch_and_a_half_open_one_allows_one_image_at_a_time(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    for request_id in ("r1", "r2"):
        await insert_request(database, request_id, urls_of("dead.test", 4) + urls_of("well.test", 2))
    await database.hosts.save(an_open_circuit("dead.test", NOW + timedelta(seconds=30)), instead_of=None)
    dispatcher = a_dispatcher(database, publisher, clock, window=20)
    await dispatcher.step()
    assert [command.url.split("/")[2] for command in publisher.downloads()] == ["well.test"] * 4
    clock.advance(30)
    await dispatcher.step()
    await dispatcher.step()
    assert await database.images.in_flight() == {"well.test": 4, "dead.test": 1}
    await database.hosts.remove("dead.test")
    await dispatcher.step()
    assert await database.images.in_flight() == {"well.test": 4, "dead.test": 8}


async def test_images_of_a_host_with_an_open_circuit_fail_at_their_deadline(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await database.requests.insert(a_request("r1"))
    tried = an_image("http://dead.test/1", "r1", deadline=NOW, error_code=ErrorCode.TIMEOUT, dispatch=2, attempts=2)
    never_sent = an_image("http://dead.test/2", "r1", deadline=NOW)
    young = an_image("http://dead.test/3", "r1")
    await database.images.insert_many([tried, never_sent, young])
    await database.hosts.save(an_open_circuit("dead.test", NOW + timedelta(hours=1)), instead_of=None)
    await a_dispatcher(database, publisher, clock).step()
    failures = [item for item in publisher.sent if isinstance(item, ImageFailed)]
    assert {(failure.image_id, failure.error_code) for failure in failures} == {
        (tried.image_id, ErrorCode.TIMEOUT),
        (never_sent.image_id, ErrorCode.CONNECT),
    }
    assert not any(failure.host_fault for failure in failures)
    assert len(publisher.sent) == 2


async def test_a_command_has_the_known_result_of_an_earlier_request(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    """Only a result for the same URL with the same options, no older than REUSE_DAYS."""
    urls = urls_of("images.test", 2)
    await insert_request(database, "a", urls)
    made = {"etag": '"v1"', "result": a_result(key="results/a/0.jpg")}
    for image, key in zip(
        [an_image(url, "a") for url in urls],
        [reuse_key(urls[0], CompressOptions()), reuse_key(urls[1], CompressOptions(percent=40))],
        strict=True,
    ):
        await database.images.record(compressed(image, **made, reuse_key=key))
    known = KnownResult(etag='"v1"', last_modified=None, result=a_result(key="results/a/0.jpg"))
    clock.advance(86_400)

    for request_id, days, first in (("b", 2, known), ("c", 0, None)):
        await insert_request(database, request_id, urls)
        await a_dispatcher(database, publisher, clock, reuse_days=days).step()
        commands = [command for command in publisher.downloads() if command.request_id == request_id]
        assert {command.url: command.known for command in commands} == {urls[0]: first, urls[1]: None}
