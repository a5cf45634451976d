"""The dispatcher and a half-open host, on a real database."""

import asyncio
from datetime import timedelta

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.persistence import open_database
from shared.settings import MongoSettings
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_request, an_image
from tests.support.dispatching import Dispatching
from tests.support.recording_publisher import RecordingPublisher


async def test_a_lost_try_out_is_replaced_after_two_minutes(mongodb_url: str) -> None:
    clock, publisher = MovableClock(NOW), RecordingPublisher()
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event(), clock) as database:
        await database.requests.insert(a_request("r1"))
        await database.images.insert_many([an_image(f"http://sick.test/{number}", "r1") for number in range(4)])
        circuit = HostCircuit("sick.test", 10, 1, NOW, ErrorCode.CONNECT, paused_since=NOW, last_fault_at=NOW)
        await database.hosts.save(circuit, instead_of=None)
        dispatcher = Dispatching(database, publisher, clock)
        sent = []
        for minutes in (0, 1, 1, 1, 1):
            clock.advance(timedelta(minutes=minutes).total_seconds() + minutes)
            await dispatcher.step()
            sent.append(len(publisher.downloads()))
    assert sent == [1, 1, 2, 2, 3]
