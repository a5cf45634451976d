"""The dispatcher over the memory database: window, fairness, caps per host, and repetition after a crash."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.gateway.dispatch import download_room
from services.gateway.dispatch import expiry as expiry_module
from services.gateway.dispatch.reading import READ_AHEAD
from services.gateway.dispatch.waiting import LONGEST_PAUSE
from services.gateway.host_limits_file import HostOverride
from services.gateway.settings import DispatchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressOptions,
    DownloadsReported,
    EndedDownload,
    ImageDeferred,
    ImageFailed,
    KnownResult,
)
from shared.contracts.object_keys import reuse_key
from shared.contracts.records import HostCircuit, Image
from shared.errors import BrokerUnavailable, DatabaseUnavailable
from shared.processing_time import OUTAGE
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, a_request, a_result, an_image
from tests.support.dispatching import SLOTS, Dispatching
from tests.support.recording_publisher import RecordingPublisher
from tests.support.worker_messages import compressed, deferred


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOW)


@pytest.fixture
def database(clock: MovableClock) -> MemoryDatabase:
    return MemoryDatabase(clock)


@pytest.fixture
def publisher() -> RecordingPublisher:
    return RecordingPublisher()


@pytest.fixture(autouse=True)
def all_places_for_unknown_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests here have small windows, and hosts of which nothing is known."""
    monkeypatch.setattr(download_room, "TRIAL_SHARE", 1_000)


def a_dispatcher(
    database: MemoryDatabase,
    publisher: RecordingPublisher,
    clock: MovableClock,
    workers_clock: MovableClock | None = None,
    registry: CollectorRegistry | None = None,
    **changes: int,
) -> Dispatching:
    settings = DispatchSettings(
        dispatch_window=changes.get("window", 10), command_start_by=900, reuse_days=changes.get("reuse_days", 0)
    )
    return Dispatching(
        database,
        publisher,
        clock,
        per_host=changes.get("per_host", 10),
        settings=settings,
        workers_clock=workers_clock,
        registry=registry,
    )


async def in_flight(database: MemoryDatabase) -> dict[str, int]:
    return dict(Counter(image.host for image in await database.images.dispatched()))


async def insert_request(database: MemoryDatabase, request_id: str, urls: Sequence[str], **changes: Any) -> None:
    await database.requests.insert(a_request(request_id, **changes))
    images = [an_image(url, request_id, position=position) for position, url in enumerate(urls)]
    await database.images.insert_many(images)


def urls_of(host: str, count: int) -> list[str]:
    return [f"http://{host}/{number}.jpg" for number in range(count)]


async def test_a_command_has_all_that_the_worker_needs(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", ["http://images.test/1.jpg"], options=CompressOptions(percent=40))
    ahead = MovableClock(NOW + timedelta(hours=1))
    await a_dispatcher(database, publisher, clock, ahead).step()
    [command] = publisher.downloads()
    assert (command.dispatch, command.attempt, command.round) == (1, 1, 1)
    assert command.url == "http://images.test/1.jpg"
    assert command.options.percent == 40
    assert command.start_by == ahead() + timedelta(seconds=900)
    assert await in_flight(database) == {"images.test": 1}


async def test_the_window_bounds_the_images_in_the_broker(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    for number in range(30):
        await insert_request(database, f"r{number}", urls_of("images.test", 1))
    dispatcher = a_dispatcher(database, publisher, clock, window=7)
    await dispatcher.step()
    await dispatcher.step()
    assert len(publisher.downloads()) == 7


async def test_images_that_are_processed_alone_have_a_share_of_the_window(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    for number in range(3):
        await insert_request(database, f"healthy-{number}", urls_of("healthy.test", 60))
    await database.requests.insert(a_request("r1"))
    lost = [an_image(url, "r1", losses=1) for url in urls_of("deadly.test", 30)]
    await database.images.insert_many(lost)
    dispatcher = a_dispatcher(database, publisher, clock, window=40, per_host=60)
    for _ in range(3):
        await dispatcher.step()
    sent = Counter(command.losses for command in publisher.downloads())
    assert sent[1] == 4
    assert sent[0] > 30
    await end_all_in_flight(database, publisher)
    await dispatcher.step()
    assert Counter(command.losses for command in publisher.downloads())[1] == 8


async def test_a_small_request_ends_early_and_the_others_get_at_least_half_of_a_fair_share(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    for number in range(4):
        await insert_request(database, f"large-{number}", urls_of(f"host-{number}.test", 100))
    await insert_request(database, "small", urls_of("small.test", 2))
    await a_dispatcher(database, publisher, clock, window=10).step()
    sent = Counter(command.request_id for command in publisher.downloads())
    assert sent["small"] == 2
    assert all(sent[f"large-{number}"] >= 1 for number in range(4))


async def test_what_one_request_cannot_use_of_the_window_goes_to_the_others(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "large", urls_of("large.test", 100))
    await insert_request(database, "small", urls_of("small.test", 1))
    await a_dispatcher(database, publisher, clock, window=10).step()
    assert Counter(command.request_id for command in publisher.downloads()) == {"large": 7, "small": 1}


async def test_a_host_at_its_cap_does_not_delay_the_other_hosts_of_its_request(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("a-slow.test", 50) + urls_of("b-quick.test", 3))
    await a_dispatcher(database, publisher, clock, window=20, per_host=5).step()
    hosts = Counter(command.url.split("/")[2] for command in publisher.downloads())
    assert hosts == {"a-slow.test": 5, "b-quick.test": 3}


@pytest.mark.parametrize("dead", [[], ["dead.test"], ["z-first.test"]], ids=["none", "elsewhere", "the first host"])
async def test_images_start_in_the_catalogues_order_also_with_open_circuits(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, dead: list[str]
) -> None:
    urls = urls_of("z-first.test", 300) + [f"http://{'cab'[number % 3]}.test/{number}" for number in range(300)]
    await insert_request(database, "r1", urls)
    for host in dead:
        await database.hosts.save(an_open_circuit(host, NOW + timedelta(hours=1)), instead_of=None)
    dispatcher = a_dispatcher(database, publisher, clock, window=50, per_host=100)
    for _ in range(25):
        await dispatcher.step()
        await end_all_in_flight(database, publisher)
        clock.advance(0.2)
    expected = [url for url in urls if not any(host in url for host in dead)]
    assert [command.url for command in publisher.downloads()] == expected


async def test_a_request_gets_all_its_room_in_one_step_however_many_images_one_query_returns(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    urls = [f"http://host-{number % 8}.test/{number}.jpg" for number in range(3 * READ_AHEAD + 1)]
    await insert_request(database, "r1", urls)
    await a_dispatcher(database, publisher, clock, window=1000, per_host=len(urls)).step()
    assert [command.url for command in publisher.downloads()] == urls


async def test_hosts_that_hang_do_not_stop_the_prompt_host_behind_them(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    hanging = [f"http://hangs-{number}.test/1.jpg" for number in range(2 * READ_AHEAD)]
    await insert_request(database, "r1", ["http://good.test/first.jpg", *hanging, *urls_of("good.test", 500)])
    dispatcher = a_dispatcher(database, publisher, clock, window=80, per_host=5)
    clock.advance(0.1)
    await dispatcher.step()
    assert len(publisher.downloads()) == 45, "nine sixteenths of the window"
    for _ in range(20):
        await end_all_at(database, publisher, dispatcher, "good.test")
        clock.advance(0.1)
        await dispatcher.step()
    sent = Counter(command.url.split("/")[2] for command in publisher.downloads())
    assert sent.pop("good.test") > 80
    assert await in_flight(database) == {"good.test": 5} | sent


async def test_an_image_that_was_chosen_when_a_query_failed_is_the_next_of_its_request(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await insert_request(database, "r1", urls_of("a.test", 300))
    await insert_request(database, "r2", urls_of("b.test", 300))
    dispatcher = a_dispatcher(database, publisher, clock, window=50, per_host=10)
    await dispatcher.step()
    await end_all_at(database, publisher, dispatcher, "a.test")
    clock.advance(1)

    async def failing(*_: Any, **__: Any) -> list[Image]:  # it looks for images of r2 at other hosts
        raise DatabaseUnavailable("once")

    with monkeypatch.context() as patched:
        patched.setattr(database.images, "due_by_host", failing)
        with pytest.raises(DatabaseUnavailable):
            await dispatcher.step()
    assert len(publisher.downloads()) == 20
    await dispatcher.step()
    urls = [command.url for command in publisher.downloads() if command.request_id == "r1"]
    assert urls == urls_of("a.test", 20)


async def test_an_empty_bucket_of_a_rate_does_not_delay_the_other_hosts_of_its_request(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("a-polite.test", 1_500) + urls_of("b.test", 400))
    dispatcher = Dispatching(database, publisher, clock, overrides={"a-polite.test": HostOverride(rate=1)})
    for _ in range(40):
        await dispatcher.step()
        await end_all_in_flight(database, publisher)
        clock.advance(0.05)
    sent = Counter(command.url.split("/")[2] for command in publisher.downloads())
    assert sent == {"a-polite.test": 2, "b.test": 400}


async def test_an_image_that_becomes_due_is_found_while_others_of_its_request_wait(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("busy.test", 20))
    dispatcher = a_dispatcher(database, publisher, clock, per_host=1)
    await dispatcher.step()
    await database.images.insert_many([an_image("http://well.test/1.jpg", "r1", position=99)])  # by another gateway
    clock.advance(LONGEST_PAUSE)
    await dispatcher.step()
    assert await in_flight(database) == {"busy.test": 1, "well.test": 1}


async def test_a_healthy_host_behind_many_dead_ones_of_its_request_is_found(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bounded queries, although the dead hosts have more images than are looked at in the catalogue's order."""
    hosts_left_out: list[int] = []
    by_host = database.images.due_by_host

    async def counted(*arguments: Any, **filters: Any) -> list[Image]:
        hosts_left_out.append(len(filters["without_hosts"]))
        return await by_host(*arguments, **filters)

    monkeypatch.setattr(database.images, "due_by_host", counted)
    dead = [f"dead-{number:04}.test" for number in range(1_200)]
    await insert_request(database, "r1", [f"http://{host}/1.jpg" for host in dead] + urls_of("well.test", 5))
    for host in dead:
        await database.hosts.save(an_open_circuit(host, NOW + timedelta(hours=1)), instead_of=None)
    dispatcher = a_dispatcher(database, publisher, clock)
    for _ in range(20):
        await dispatcher.step()
        clock.advance(0.05)
    assert [command.url for command in publisher.downloads()] == urls_of("well.test", 5)
    assert len(hosts_left_out) <= 60
    assert max(hosts_left_out) <= 400


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


async def end_all_at(
    database: MemoryDatabase, publisher: RecordingPublisher, dispatcher: Dispatching, host: str
) -> None:
    """The host answers 404 at once."""
    for command in publisher.downloads():
        if f"//{host}/" in command.url:
            run = command.model_dump(include={"request_id", "image_id", "round", "dispatch"})
            await database.images.record(
                ImageFailed(**run, attempt=1, error_code=ErrorCode.HTTP_404, error_detail="404")
            )
            ended = EndedDownload(**run, compresses=False, first_byte_ms=5)
            dispatcher.dispatcher.take(DownloadsReported(worker="downloader", slots=SLOTS, ended=(ended,)))


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
            delay=5,
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
    assert await in_flight(database) == {"images.test": 1}


async def test_an_image_past_its_deadline_gets_a_last_try(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await database.requests.insert(a_request("r1"))
    changes = {"error_code": ErrorCode.HTTP_429, "error_detail": "slow down", "attempts": 3, "dispatch": 3}
    past = an_image("http://images.test/1.jpg", "r1", deadline=NOW, **changes)
    young = an_image("http://images.test/2.jpg", "r1", deadline=NOW + timedelta(seconds=1), **changes)
    await database.images.insert_many([past, young])
    await a_dispatcher(database, publisher, clock).step()
    assert {command.image_id: (command.attempt, command.last) for command in publisher.downloads()} == {
        past.image_id: (4, True),
        young.image_id: (4, False),
    }
    assert len(publisher.sent) == 2


async def test_an_image_that_waits_for_us_never_expires(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    """Before its first try at its host: lost commands, outages and our own limits do not age it."""
    await insert_request(database, "r1", ["http://images.test/1.jpg"])
    dispatcher = a_dispatcher(database, publisher, clock)
    for _ in range(3):
        clock.advance(30 * 86400)
        await dispatcher.step()
        await database.images.return_lost(clock() + timedelta(seconds=1))
    clock.advance(30 * 86400)
    await dispatcher.step()
    command = publisher.downloads()[-1]
    busy = deferred(an_image(command.url, "r1", dispatch=4), counts=False, delay=5)
    await database.images.record(busy, deadline=clock())
    clock.advance(30 * 86400)
    await dispatcher.step()
    assert [(sent.dispatch, sent.attempt, sent.last) for sent in publisher.downloads()] == [
        (dispatch, 1, False) for dispatch in (1, 2, 3, 4, 5)
    ]
    assert publisher.sent == publisher.downloads()


async def test_a_database_whose_time_goes_back_is_read_as_often_as_before(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = a_dispatcher(database, publisher, clock)
    await dispatcher.step()
    clock.advance(-3600)
    await insert_request(database, "r1", urls_of("images.test", 1))
    monkeypatch.setattr("services.gateway.dispatch.dispatcher.monotonic", lambda: monotonic() + 2)
    await dispatcher.dispatcher.step()
    assert len(publisher.downloads()) == 1
    assert dispatcher.dispatcher._reconciled_at > monotonic()


async def test_a_refusal_that_is_reported_while_the_database_is_read_is_older_than_what_is_sent_then(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise those downloads would count as sent before it, and neither halve the limit nor let it grow."""
    await insert_request(database, "r1", urls_of("a.test", 2))
    await insert_request(database, "r2", urls_of("b.test", 2))
    due = database.images.due

    async def slowly(*arguments: Any, **filters: Any) -> list[Image]:
        images = await due(*arguments, **filters)
        clock.advance(1)
        return images

    monkeypatch.setattr(database.images, "due", slowly)
    dispatcher = a_dispatcher(database, publisher, clock)
    await dispatcher.step()
    sent_at = {flight.sent_at for flight in dispatcher.dispatcher._room.in_flight}
    assert min(sent_at) >= (NOW + timedelta(seconds=2)).timestamp()


async def test_only_the_holder_of_the_lease_dispatches(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("images.test", 3))
    assert await database.another_process().lease("dispatch", 15).acquire()
    await a_dispatcher(database, publisher, clock).step()
    assert not publisher.sent


async def test_reports_wake_only_the_dispatcher_that_has_the_lease(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    """A standby asks for the lease with each step."""
    other = database.another_process().lease("dispatch", 15)
    assert await other.acquire()
    dispatcher = a_dispatcher(database, publisher, clock).dispatcher
    await dispatcher.step()
    dispatcher.take(DownloadsReported(worker="downloader", slots=8))
    dispatcher.images_added("r1")
    assert not dispatcher.wake.is_set()
    await other.release()
    await dispatcher.step()
    dispatcher.take(DownloadsReported(worker="downloader", slots=8))
    assert dispatcher.wake.is_set()


def an_open_circuit(host: str, until: datetime, since: datetime = NOW, fault: datetime = NOW) -> HostCircuit:
    return HostCircuit(host, 10, 1, until, ErrorCode.CONNECT, paused_since=since, last_fault_at=fault)


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
    assert await in_flight(database) == {"well.test": 4, "dead.test": 1}
    del database.tables.hosts["dead.test"]
    clock.advance(2)
    await dispatcher.step()
    assert await in_flight(database) == {"well.test": 4, "dead.test": 8}


async def test_a_lost_try_out_stalls_its_host_for_two_minutes_only(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", urls_of("sick.test", 4))
    await database.hosts.save(an_open_circuit("sick.test", NOW), instead_of=None)
    dispatcher = a_dispatcher(database, publisher, clock)
    for sent, seconds in ((1, 119), (1, 2), (2, 119), (2, 2), (3, 0)):
        await dispatcher.step()
        assert len(publisher.downloads()) == sent
        clock.advance(seconds)


async def test_images_of_a_failing_host_fail_once_it_has_failed_after_their_deadline(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await database.requests.insert(a_request("r1"))
    changes: dict[str, Any] = {"error_code": ErrorCode.TIMEOUT, "error_detail": "slow", "dispatch": 2, "attempts": 2}
    past = an_image("http://dead.test/1", "r1", deadline=NOW, **changes)
    later = an_image("http://dead.test/2", "r1", deadline=NOW + timedelta(seconds=1), **changes)
    await database.images.insert_many([past, later])
    await database.hosts.save(an_open_circuit("dead.test", NOW + timedelta(hours=9)), instead_of=None)
    dispatcher = a_dispatcher(database, publisher, clock)
    clock.advance(3600)  # an outage of ours: the host was not asked meanwhile
    await dispatcher.step()
    assert [(failure.image_id, failure.error_code) for failure in failures_in(publisher)] == [
        (past.image_id, ErrorCode.TIMEOUT)
    ]
    assert "slow" in failures_in(publisher)[0].error_detail
    assert not failures_in(publisher)[0].host_fault
    assert len(publisher.sent) == 1


async def test_images_that_were_never_tried_do_not_wait_for_a_dead_host_for_ever(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    """They fail when the host has failed for the maximum age, and they have waited for as long."""
    day = timedelta(days=1)
    await insert_request(database, "r1", urls_of("dead.test", 1))
    clock.advance(1)
    await insert_request(database, "r2", urls_of("dead.test", 1))
    await insert_request(database, "r3", urls_of("sick.test", 1))
    for host, since in (("dead.test", NOW), ("sick.test", NOW + timedelta(seconds=1))):
        circuit = an_open_circuit(host, NOW + 9 * day, since, fault=NOW + day)
        await database.hosts.save(circuit, instead_of=None)
    clock.advance(2 * 86400)
    await a_dispatcher(database, publisher, clock).step()
    assert [(failure.request_id, failure.error_code, failure.attempt) for failure in failures_in(publisher)] == [
        ("r1", ErrorCode.CONNECT, 0)
    ]
    assert not publisher.downloads()


async def test_expired_images_cost_one_query_for_each_failing_host_and_none_without(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    expired = database.images.expired

    async def counted(host: str, **rest: Any) -> list[Image]:
        asked.append(host)
        return await expired(host, **rest)

    monkeypatch.setattr(database.images, "expired", counted)
    for number in range(50):
        await insert_request(database, f"r{number}", urls_of("dead.test", 2))
    await a_dispatcher(database, publisher, clock).step()
    assert asked == []
    await database.hosts.save(an_open_circuit("dead.test", NOW + timedelta(hours=9)), instead_of=None)
    await a_dispatcher(database, publisher, clock).step()
    assert asked == ["dead.test"]


def failures_in(publisher: RecordingPublisher) -> list[ImageFailed]:
    return [item for item in publisher.sent if isinstance(item, ImageFailed)]


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
    key = reuse_key(urls[0], CompressOptions())
    known = KnownResult(etag='"v1"', last_modified=None, result=a_result(key="results/a/0.jpg"), reuse_key=key)
    clock.advance(86_400)

    for request_id, days, first in (("b", 2, known), ("c", 0, None)):
        await insert_request(database, request_id, urls)
        await a_dispatcher(database, publisher, clock, reuse_days=days).step()
        commands = [command for command in publisher.downloads() if command.request_id == request_id]
        assert {command.url: command.known for command in commands} == {urls[0]: first, urls[1]: None}


async def test_a_cancelled_request_is_not_dispatched(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "cancelled", urls_of("images.test", 3))
    await insert_request(database, "other", urls_of("other.test", 3))
    await database.cancellations.begin("cancelled")
    await a_dispatcher(database, publisher, clock).step()
    assert {command.request_id for command in publisher.downloads()} == {"other"}


async def test_a_request_that_is_cancelled_while_its_images_are_chosen_is_not_dispatched(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await insert_request(database, "r1", urls_of("images.test", 3))
    due = database.images.due

    async def due_and_cancelled(*arguments: Any, **filters: Any) -> Any:
        await database.cancellations.begin("r1")
        return await due(*arguments, **filters)

    monkeypatch.setattr(database.images, "due", due_and_cancelled)
    await a_dispatcher(database, publisher, clock).step()
    assert publisher.sent == []


async def test_images_that_were_dispatched_and_cancelled_free_their_places(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "cancelled", urls_of("images.test", 4))
    dispatcher = a_dispatcher(database, publisher, clock, per_host=4)
    await dispatcher.step()
    await insert_request(database, "other", urls_of("images.test", 3))
    await dispatcher.step()
    assert {command.request_id for command in publisher.downloads()} == {"cancelled"}
    await database.cancellations.begin("cancelled")
    assert await database.cancellations.cancel_images("cancelled", 1, 100) == 4
    clock.advance(2)
    await dispatcher.step()
    assert [command.request_id for command in publisher.downloads()[4:]] == ["other"] * 3


@pytest.fixture
def logs() -> Iterator[object]:
    """Without it, each logged error takes a test a second."""
    with capture_logs() as logs:
        yield logs


def unbuildable_urls(host: str, count: int) -> list[str]:
    """No command holds such a URL."""
    return [f"{url}{'a' * 10_000}" for url in urls_of(host, count)]


@pytest.mark.usefixtures("logs")
async def test_an_image_of_which_no_command_can_be_made_delays_no_other(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    await insert_request(database, "r1", unbuildable_urls("a.test", 1) + urls_of("b.test", 4))
    dispatcher = a_dispatcher(database, publisher, clock)
    for _ in range(3):
        await dispatcher.step()
    assert {command.url for command in publisher.downloads()} == set(urls_of("b.test", 4))
    assert await database.images.count_pending() == 1


@pytest.mark.parametrize(("unbuildable", "others", "window"), [(8, 0, 8), (30, 0, 8), (3, 10, 10)])
@pytest.mark.usefixtures("logs")
async def test_more_images_without_a_command_than_the_quota_of_their_request_delay_no_other(
    database: MemoryDatabase,
    publisher: RecordingPublisher,
    clock: MovableClock,
    unbuildable: int,
    others: int,
    window: int,
) -> None:
    await insert_request(database, "r1", unbuildable_urls("a.test", unbuildable) + urls_of("b.test", 5))
    for number in range(others):  # with so many requests as the window has images, the quota of each is 1
        await insert_request(database, f"other-{number}", urls_of(f"{number}.test", 60))
    dispatcher = a_dispatcher(database, publisher, clock, window=window)
    for _ in range(40):
        await dispatcher.step()
        await end_all_in_flight(database, publisher)
        clock.advance(0.2)
    sent = {command.url for command in publisher.downloads() if command.request_id == "r1"}
    assert sent == set(urls_of("b.test", 5))


async def test_an_image_of_which_no_command_can_be_made_is_tried_again_after_15_minutes(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await insert_request(database, "r1", urls_of("a.test", 1))
    dispatcher = a_dispatcher(database, publisher, clock)
    with monkeypatch.context() as patch:
        patch.setattr(dispatcher.dispatcher._commands, "_command", lambda *_: 1 / 0)
        await dispatcher.step()
    clock.advance(15 * 60 - 1)
    await dispatcher.step()
    assert not publisher.downloads()
    clock.advance(1)
    await dispatcher.step()
    assert len(publisher.downloads()) == 1


@pytest.mark.usefixtures("logs")
async def test_an_outage_is_recorded_although_no_command_can_be_made_of_an_image(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock
) -> None:
    registry = CollectorRegistry()
    await insert_request(database, "r1", urls_of("b.test", 5))
    dispatcher = a_dispatcher(database, publisher, clock, registry=registry)
    await dispatcher.step()
    for number in range(20):  # 20 minutes without any worker
        await insert_request(database, f"bad-{number}", unbuildable_urls(f"{number}.test", 1))
        for _ in range(12):
            clock.advance(5)
            await dispatcher.step()
            assert registry.get_sample_value("imagemill_dispatched_images") == 5
    [outage] = await database.outages.observe(working=False, longer_than=OUTAGE)
    assert outage.until - outage.since > timedelta(minutes=19)


@pytest.mark.usefixtures("logs")
async def test_expired_images_of_which_no_failure_can_be_made_delay_no_other(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbuildable = [f"http://a.test/bad/{number}" for number in range(30)]
    await insert_request(database, "r1", unbuildable + urls_of("a.test", 3))
    for url in unbuildable + urls_of("a.test", 3):
        await database.images.record(deferred(an_image(url, "r1"), dispatch=1, delay=3600), deadline=NOW)
    later = clock.advance(60)
    circuit = HostCircuit(
        "a.test", failures=9, pauses=1, paused_until=later + timedelta(hours=1), error_code=ErrorCode.CONNECT,
        last_fault_at=later, paused_since=NOW,
    )  # fmt: skip
    await database.hosts.save(circuit, instead_of=None)
    module = "services.gateway.dispatch.expiry"
    expired = expiry_module._failure

    def failure(image: Image, circuit: HostCircuit) -> ImageFailed:
        if "/bad/" in image.url:
            raise ZeroDivisionError
        return expired(image, circuit)

    monkeypatch.setattr(f"{module}._failure", failure)
    monkeypatch.setattr(f"{module}._BATCH", 10)
    await a_dispatcher(database, publisher, clock).step()
    assert len([message for message in publisher.sent if isinstance(message, ImageFailed)]) == 3
    assert await database.images.count_pending() == 30
