"""The sweep over the memory database: it repeats what lost messages should have caused."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.gateway.background.loop import repeat
from services.gateway.background.parts import BackgroundParts
from services.gateway.background.sweep import Sweep
from services.gateway.settings import DispatchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import DeliverWebhook, DropRounds, FinishRequest, RoundToDrop
from shared.contracts.records import HostCircuit, Request
from shared.contracts.states import ImageState
from shared.long_lived import Stalled
from shared.messaging import Broadcast, DependencyGate
from shared.observability import Health, Metrics
from shared.persistence import RenewableLease
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, a_delivery, a_request, a_result, an_image
from tests.support.recording_publisher import RecordingPublisher


def a_sweep(
    database: MemoryDatabase, publisher: RecordingPublisher, clock: MovableClock, registry: CollectorRegistry
) -> Sweep:
    settings = DispatchSettings(sweep_interval=5, command_start_by=740, longest_handler=200)
    assert settings.lost_after == 1000
    parts = BackgroundParts(database, publisher.publish, clock, Metrics(registry))
    return Sweep(parts, RenewableLease(database.lease("dispatch", 15), 15), settings)


async def test_a_lost_image_is_pending_again_after_lost_after_seconds() -> None:
    clock, publisher = MovableClock(NOW), RecordingPublisher()
    database = MemoryDatabase(clock)
    image = an_image()
    await database.images.insert_many([image])
    await database.images.mark_dispatched([image])
    sweep = a_sweep(database, publisher, clock, CollectorRegistry())
    clock.advance(999)
    await sweep.step()
    assert await database.images.count_pending() == 0
    clock.advance(2)
    await sweep.step()
    assert await database.images.count_pending() == 1


async def test_the_finish_of_a_stranded_request_is_requested_once_a_minute() -> None:
    clock, publisher = MovableClock(NOW), RecordingPublisher()
    database = MemoryDatabase(clock)
    ended: dict[str, Any] = {"state": ImageState.COMPRESSED, "result": a_result(), "ended_at": NOW}
    for request_id, intake_open, changes in (("done", False, ended), ("reading", True, ended), ("running", False, {})):
        await database.requests.insert(a_request(request_id, intake_open=intake_open))
        await database.images.insert_many([an_image(request_id=request_id, **changes)])
    sweep = a_sweep(database, publisher, clock, CollectorRegistry())
    await sweep.step()
    clock.advance(5)
    await sweep.step()  # the first FinishRequest may still be in progress
    assert publisher.sent == [FinishRequest(request_id="done", round=1)]
    clock.advance(60)
    await sweep.step()
    assert publisher.sent == [FinishRequest(request_id="done", round=1)] * 2


async def test_cancelled_rounds_are_broadcast_again_while_their_commands_can_exist() -> None:
    clock, publisher = MovableClock(NOW), RecordingPublisher()
    database = MemoryDatabase(clock)
    await database.requests.insert(a_request("a", intake_open=False))
    await database.images.insert_many([an_image(request_id="a")])
    await database.cancellations.begin("a")
    sweep = a_sweep(database, publisher, clock, CollectorRegistry())
    for seconds in (0, 600, 400, 1):
        clock.advance(seconds)
        await sweep.step()
    assert publisher.sent == [
        Broadcast(DropRounds(rounds=(RoundToDrop(request_id="a", round=1, seconds=left),))) for left in (1000, 400, 0)
    ]


async def test_a_due_webhook_delivery_is_requested_once() -> None:
    clock, publisher = MovableClock(NOW), RecordingPublisher()
    database = MemoryDatabase(clock)
    for name, due_at in (("due", NOW), ("later", NOW + timedelta(minutes=5)), ("ended", None)):
        await database.deliveries.put(a_delivery(name, due_at=due_at))
    sweep = a_sweep(database, publisher, clock, CollectorRegistry())
    await sweep.step()
    await sweep.step()
    assert publisher.sent == [DeliverWebhook(delivery_id="due")]


async def test_webhooks_that_are_long_overdue_are_counted() -> None:
    clock, registry = MovableClock(NOW), CollectorRegistry()
    database = MemoryDatabase(clock)
    await database.deliveries.put(a_delivery("due"))
    sweep = a_sweep(database, RecordingPublisher(), clock, registry)
    await sweep.step()
    assert registry.get_sample_value("imagemill_webhooks_overdue") == 0
    clock.advance(60)
    await sweep.step()
    assert registry.get_sample_value("imagemill_webhooks_overdue") == 1


async def test_paused_hosts_are_counted_while_they_have_pending_images() -> None:
    clock, registry = MovableClock(NOW), CollectorRegistry()
    database = MemoryDatabase(clock)
    ended = an_image("http://done.test/1.jpg", state=ImageState.FAILED, ended_at=NOW)
    waiting = [an_image(f"http://{host}.test/{path}") for host in ("down", "works", "shaky") for path in "12"]
    await database.images.insert_many([ended, *waiting])
    for name, until in (("down", NOW + timedelta(minutes=1)), ("done", NOW), ("shaky", None)):
        host = HostCircuit(f"{name}.test", failures=3, pauses=1, paused_until=until, error_code=ErrorCode.CONNECT)
        await database.hosts.save(host, instead_of=None)
    sweep = a_sweep(database, RecordingPublisher(), clock, registry)
    await sweep.step()
    assert registry.get_sample_value("imagemill_paused_hosts") == 1
    clock.advance(120)  # the circuit is half-open now
    await sweep.step()
    assert registry.get_sample_value("imagemill_paused_hosts") == 1
    await database.hosts.close("down.test")
    await sweep.step()
    assert registry.get_sample_value("imagemill_paused_hosts") == 0


async def test_only_the_holder_of_the_lease_reports_the_backlog() -> None:
    clock, publisher, registry = MovableClock(NOW), RecordingPublisher(), CollectorRegistry()
    database = MemoryDatabase(clock)
    await database.images.insert_many([an_image(), an_image("http://images.test/2.jpg")])
    sweep = a_sweep(database, publisher, clock, registry)
    await sweep.step()
    assert registry.get_sample_value("imagemill_backlog_images") == 2
    clock.advance(60)
    assert await database.another_process().lease("dispatch", 15).acquire()
    other = a_sweep(database, publisher, clock, second := CollectorRegistry())
    await other.step()
    assert second.get_sample_value("imagemill_backlog_images") == 0


async def test_a_part_that_fails_stops_no_other_part_and_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, publisher = MovableClock(NOW), RecordingPublisher()
    database = MemoryDatabase(clock)
    await database.deliveries.put(a_delivery("due"))

    async def fail() -> list[Request]:
        raise ValueError("a bug")

    monkeypatch.setattr(database.requests, "claim_stranded", fail)
    sweep = a_sweep(database, publisher, clock, CollectorRegistry())
    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            await sweep.step()
    assert publisher.sent == [DeliverWebhook(delivery_id="due")]


async def test_a_sweep_whose_parts_fail_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.background.loop._AFTER_ERROR_SECONDS", 0.01)
    database, health = MemoryDatabase(MovableClock(NOW)), Health(stall_timeout=1)

    async def fail() -> list[Request]:
        raise ValueError("a bug")

    monkeypatch.setattr(database.requests, "claim_stranded", fail)
    sweep = a_sweep(database, RecordingPublisher(), MovableClock(NOW), CollectorRegistry())
    with capture_logs(), pytest.raises(Stalled, match="the loop sweep: every step failed"):
        await asyncio.wait_for(
            repeat("sweep", sweep.step, DependencyGate({}, health), asyncio.Event(), asyncio.Event()), 15
        )
    assert "sweep" in health.problems


async def test_one_item_of_a_part_that_fails_stops_no_other_and_does_not_fail_the_step() -> None:
    clock, publisher, registry = MovableClock(NOW), RecordingPublisher(), CollectorRegistry()
    database = MemoryDatabase(clock)
    too_long = "x" * 10_000
    for name in (f"{too_long}:1:request.completed", "due"):
        await database.deliveries.put(a_delivery(name))
    ended: dict[str, Any] = {"state": ImageState.COMPRESSED, "result": a_result(), "ended_at": NOW}
    for request_id in (too_long, "done"):
        await database.requests.insert(a_request(request_id, intake_open=False))
        await database.images.insert_many([an_image(request_id=request_id, **ended)])
    for request_id in (too_long + "x", "cancelled"):
        await database.requests.insert(a_request(request_id, intake_open=False))
        await database.images.insert_many([an_image(request_id=request_id)])
        await database.cancellations.begin(request_id)
    sweep = a_sweep(database, publisher, clock, registry)
    with capture_logs():
        assert await sweep.step() == 5
    assert publisher.sent == [
        Broadcast(DropRounds(rounds=(RoundToDrop(request_id="cancelled", round=1, seconds=1000),))),
        FinishRequest(request_id="done", round=1),
        DeliverWebhook(delivery_id="due"),
    ]
    assert registry.get_sample_value("imagemill_background_items_failed_total", {"step": "sweep"}) == 3
