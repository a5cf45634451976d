"""Cancelling in races with the finish and with a retry."""

import asyncio

import pytest

from services.gateway.requests.cancel import RequestCanceller
from shared.contracts.records import Progress, Request
from shared.contracts.states import RequestStatus
from tests.fakes import MemoryDatabase
from tests.fakes.memory_requests import MemoryRequests
from tests.support.builders import NOW, REQUEST_ID, a_request, an_announcement, finished

DONE = Progress(total=1, compressed=1, failed=0, pending=0, as_of=NOW)

ENDED = finished(a_request(), DONE)


class _Racing(MemoryRequests):
    """Before the first read of a request, it is finished, and then retried if `retried`."""

    retried = False
    raced = False

    async def get(self, request_id: str) -> Request | None:
        if not self.raced:
            self.raced = True
            await self.finish(ENDED, an_announcement(ENDED))
            if self.retried:
                await self.retry(request_id, 1, DONE)
        return await super().get(request_id)


@pytest.fixture
def database() -> MemoryDatabase:
    database = MemoryDatabase(lambda: NOW)
    database.requests = _Racing(database.tables)
    return database


async def test_a_request_that_finishes_meanwhile_is_answered_with_its_status_each_time(
    database: MemoryDatabase,
) -> None:
    await database.requests.insert(a_request(intake_open=False))
    canceller = RequestCanceller(database, lambda: NOW, asyncio.Event())
    first, again = [await canceller.cancel(REQUEST_ID) for _ in range(2)]
    assert first == again
    assert (first.status, first.cancelling) == (RequestStatus.COMPLETED, False)


async def test_a_round_that_begins_meanwhile_is_cancelled(
    database: MemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Racing, "retried", True)
    await database.requests.insert(a_request(intake_open=False))
    begun = asyncio.Event()
    accepted = await RequestCanceller(database, lambda: NOW, begun).cancel(REQUEST_ID)
    assert (accepted.round, accepted.cancelling) == (2, True)
    assert begun.is_set()
