"""The composition of the gateway: how its background tasks end."""

import asyncio
from typing import Any

import pytest

from services.gateway import app
from services.gateway.settings import GatewaySettings
from shared.messaging import DependencyGate
from shared.observability import Health
from shared.settings import load
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW, a_request
from tests.support.dispatching import Dispatching
from tests.support.recording_publisher import RecordingPublisher
from tests.support.waiting import until

CATALOGUE = b"S. No.,Product Name,Input Image Urls\r\n1,Shoe,http://images.test/1.jpg\r\n"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> GatewaySettings:
    for name, value in {
        "RABBITMQ_URL": "amqp://localhost/",
        "MONGODB_URL": "mongodb://localhost/imagemill",
        "OBJECT_STORE_URL": "file:///tmp/objects",
    }.items():
        monkeypatch.setenv(name, value)
    return load(GatewaySettings)


async def test_a_stop_waits_once_for_all_background_tasks_that_hang(
    settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loops and intake for a second at the same time, then the lease for a second."""
    monkeypatch.setattr("services.gateway.background.loop._END_SECONDS", 1)
    monkeypatch.setattr("shared.persistence.lease_renewal._END_SECONDS", 1)
    clock = MovableClock(NOW)
    database, store, stop = MemoryDatabase(clock), MemoryObjectStore(), asyncio.Event()
    hanging: list[str] = []

    def hangs(name: str) -> Any:
        async def hang(*_: object, **__: object) -> None:
            hanging.append(name)
            await asyncio.Event().wait()

        return hang

    request = a_request()
    await store.put_bytes(request.upload_key, CATALOGUE, "text/csv")
    await database.requests.insert(request)
    monkeypatch.setattr(database.products, "insert_many", hangs("intake"))
    monkeypatch.setattr(database.images, "dispatched", hangs("dispatch"))
    lease = type(database.lease("any", 1))
    monkeypatch.setattr(lease, "release", hangs("release"))
    gate = DependencyGate({}, Health())
    dispatching = Dispatching(database, RecordingPublisher(), clock)
    working = asyncio.create_task(
        app._work_in_background(
            settings,
            app._BackgroundWork(dispatching.parts, store, dispatching.lease, dispatching.dispatcher),
            app._Gates(intake=gate, others=gate),
            app._Wakes(),
            stop,
        )
    )
    await until(lambda: {"intake", "dispatch"} <= set(hanging))
    loop = asyncio.get_running_loop()
    stop.set()
    asked_at = loop.time()
    await asyncio.wait_for(working, 30)
    assert loop.time() - asked_at < 2.9  # one after the other, they take 4 seconds
    assert hanging.count("release") == 1
