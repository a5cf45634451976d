"""Originals of finished requests are removed a while after the finish, those of running requests are not."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.leftovers import Leftovers
from services.gateway.background.parts import BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.records import Progress
from shared.observability import Metrics
from shared.persistence import RenewableLease
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW, a_request, an_announcement, finished
from tests.support.recording_publisher import RecordingPublisher

SETTINGS = DispatchSettings()
AFTER_FINISH = timedelta(seconds=SETTINGS.lost_after)
DONE = Progress(total=1, compressed=1, failed=0, pending=0, as_of=NOW)


class Fixture:
    def __init__(self, *, keep: bool = False) -> None:
        self.clock = MovableClock(NOW)
        self.database = MemoryDatabase(self.clock)
        self.store = MemoryObjectStore()
        parts = BackgroundParts(self.database, RecordingPublisher().publish, self.clock, Metrics(CollectorRegistry()))
        lease = RenewableLease(self.database.lease("dispatch", 10), 10)
        self.leftovers = Leftovers(parts, self.store, lease, SETTINGS, keep=keep)

    async def fill(self) -> None:
        for request_id in ("done", "open"):
            await self.database.requests.insert(a_request(request_id, intake_open=False))
            await self.store.put_bytes(f"originals/{request_id}/a-1", b"x", "image/jpeg")
            await self.store.put_bytes(f"results/{request_id}/a.jpg", b"x", "image/jpeg")
        await self.finish("done")

    async def finish(self, request_id: str) -> None:
        request = await self.database.requests.get(request_id)
        assert request is not None
        ended = finished(request, replace(DONE, as_of=self.clock()))
        assert await self.database.requests.finish(ended, an_announcement(ended))

    async def run(self) -> None:
        while await self.leftovers.step() == 0:
            pass


async def test_leftovers_of_finished_requests_are_removed_once_nobody_can_use_them() -> None:
    fixture = Fixture()
    await fixture.fill()
    await fixture.run()
    assert "originals/done/a-1" in fixture.store.objects
    fixture.clock.advance(AFTER_FINISH.total_seconds())
    await fixture.run()
    assert set(fixture.store.objects) == {"originals/open/a-1", "results/done/a.jpg", "results/open/a.jpg"}


async def test_leftovers_of_the_next_round_are_removed_too() -> None:
    fixture = Fixture()
    await fixture.fill()
    fixture.clock.advance(AFTER_FINISH.total_seconds())
    await fixture.run()
    await fixture.database.requests.retry("done", 1, DONE)
    await fixture.database.requests.close_intake("done", 2, DONE)
    await fixture.store.put_bytes("originals/done/b-1", b"x", "image/jpeg")
    await fixture.finish("done")
    fixture.clock.advance((AFTER_FINISH + timedelta(seconds=1)).total_seconds())
    await fixture.run()
    assert "originals/done/b-1" not in fixture.store.objects


@pytest.mark.parametrize("reason", ["KEEP_ORIGINALS", "without the lease"])
async def test_nothing_is_removed(reason: str) -> None:
    fixture = Fixture(keep=reason == "KEEP_ORIGINALS")
    await fixture.fill()
    fixture.clock.advance(AFTER_FINISH.total_seconds())
    if reason == "without the lease":
        assert await fixture.database.another_process().lease("dispatch", 10).acquire()
    await fixture.leftovers.step()
    assert "originals/done/a-1" in fixture.store.objects


async def test_a_request_that_cannot_be_cleaned_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = Fixture()
    await fixture.fill()
    fixture.clock.advance(1)
    await fixture.finish("open")
    fixture.clock.advance(AFTER_FINISH.total_seconds())
    delete = fixture.store.delete

    async def refusing(keys: Iterable[str]) -> None:
        keys = list(keys)
        if any("done" in key for key in keys):
            raise ValueError("a bug")
        await delete(keys)

    monkeypatch.setattr(fixture.store, "delete", refusing)
    await fixture.run()
    assert [key for key in fixture.store.objects if key.startswith("originals/")] == ["originals/done/a-1"]
