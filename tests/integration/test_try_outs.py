"""The dispatcher and a half-open host, on a real database."""

import asyncio
from datetime import timedelta

from prometheus_client import CollectorRegistry

from services.gateway.background import BackgroundParts, Dispatcher
from services.gateway.settings import DispatchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.observability import Metrics
from shared.persistence import RenewableLease, open_database
from shared.settings import ImageAgeSettings, MongoSettings
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_request, an_image
from tests.support.recording_publisher import RecordingPublisher


async def test_a_lost_try_out_is_replaced_after_two_minutes(mongodb_url: str) -> None:
    clock, publisher = MovableClock(NOW), RecordingPublisher()
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event(), clock) as database:
        await database.requests.insert(a_request("r1"))
        await database.images.insert_many([an_image(f"http://sick.test/{number}", "r1") for number in range(4)])
        circuit = HostCircuit("sick.test", 10, 1, NOW, ErrorCode.CONNECT, paused_since=NOW, last_fault_at=NOW)
        await database.hosts.save(circuit, instead_of=None)
        parts = BackgroundParts(database, publisher.publish, clock, Metrics(CollectorRegistry()))
        lease = RenewableLease(database.lease("dispatch", 10), 10)
        dispatcher = Dispatcher(parts, lease, DispatchSettings(), ImageAgeSettings(), clock)
        sent = []
        for minutes in (0, 1, 1, 1, 1):
            clock.advance(timedelta(minutes=minutes).total_seconds() + minutes)
            await dispatcher.step()
            sent.append(len(publisher.downloads()))
    assert sent == [1, 1, 2, 2, 3]
