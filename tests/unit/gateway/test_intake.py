"""Intake over fakes: everything gets in, once, however often it is interrupted."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.csv_input import CatalogueLimits
from services.gateway.intake import Intake
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import IMAGE_FAILED, REQUEST_ACCEPTED, PublicEvent
from shared.contracts.messages import FinishRequest
from shared.contracts.object_keys import image_id
from shared.contracts.states import ImageState
from shared.messaging import DependencyGate
from shared.observability.health import Health
from shared.outbound.address_guard import AddressPolicy
from shared.testing.clock import MovableClock
from shared.testing.memory_database import MemoryDatabase
from shared.testing.memory_object_store import MemoryObjectStore
from tests.builders import NOW, REQUEST_ID, a_request
from tests.unit.gateway.outbox import Outbox

CATALOGUE = (
    b"S. No.,Product Name,Input Image Urls\r\n"
    b'1,Shoe,"http://images.test/1.jpg,http://images.test/2.jpg"\r\n'
    b"2,Hat,http://images.test/1.jpg\r\n"
    b"3,Bag,ftp://images.test/3.jpg\r\n"
    b"4,Belt,\r\n"
)


class House:
    """An intake over fakes."""

    def __init__(self, catalogue: bytes = CATALOGUE) -> None:
        self.database = MemoryDatabase(MovableClock(NOW))
        self.store = MemoryObjectStore()
        self.outbox = Outbox()
        self.stop = asyncio.Event()
        self.gate = DependencyGate({"database": self.database.probe}, Health())
        self.catalogue = catalogue

    async def accept(self, **changes: Any) -> None:
        request = a_request(**changes)
        await self.store.put_bytes(request.upload_key, self.catalogue, "text/csv")
        await self.database.requests.insert(request)

    async def run(self, database: MemoryDatabase | None = None) -> None:
        intake = Intake(
            database=database or self.database,
            store=self.store,
            publish=self.outbox.publish,
            limits=CatalogueLimits(),
            policy=AddressPolicy((), frozenset({80, 443})),
            image_max_age=60,
            public_base_url="http://mill.test",
            clock=self.database.tables.clock,
            gate=self.gate,
            taken_in=asyncio.Event(),
        )
        await intake.step(self.stop)
        await intake.drain()


async def test_each_row_becomes_a_product_and_each_distinct_url_an_image() -> None:
    house = House()
    await house.accept()
    await house.run()
    products = [product async for batch in house.database.products.batches(REQUEST_ID) for product in batch]
    assert [(product.row, product.product_name, len(product.input_image_urls)) for product in products] == [
        (1, "Shoe", 2), (2, "Hat", 1), (3, "Bag", 1), (4, "Belt", 0),
    ]  # fmt: skip
    request = await house.database.requests.get(REQUEST_ID)
    assert request is not None
    assert not request.intake_open
    assert (request.progress.total, request.progress.failed, request.progress.pending) == (3, 1, 2)
    image = (await house.database.images.find(REQUEST_ID, [image_id("http://images.test/1.jpg")])).popitem()[1]
    assert (image.host, image.state, image.deadline) == ("images.test", ImageState.PENDING, NOW + timedelta(seconds=60))


async def test_a_slot_that_can_never_be_fetched_is_born_failed_and_announced() -> None:
    house = House()
    await house.accept()
    await house.run()
    [failed] = [item for item in house.outbox.sent if isinstance(item, PublicEvent) and item.type == IMAGE_FAILED]
    assert failed.data["input_url"] == "ftp://images.test/3.jpg"
    assert failed.data["error_code"] == ErrorCode.INVALID_URL


async def test_the_request_is_announced_first_and_told_to_finish_last() -> None:
    house = House()
    await house.accept()
    await house.run()
    first, *_, last = house.outbox.sent
    assert isinstance(first, PublicEvent)
    assert first.type == REQUEST_ACCEPTED
    assert last == FinishRequest(request_id=REQUEST_ID, round=1)


async def test_a_second_run_repeats_nothing() -> None:
    house = House()
    await house.accept()
    await house.run()
    sent = len(house.outbox.sent)
    await house.run()
    assert len(house.outbox.sent) == sent


@pytest.mark.parametrize("rows_in", [0, 500, 1000])
async def test_an_interrupted_intake_is_gone_on_with_where_it_was(rows_in: int) -> None:
    rows = b"".join(b"%d,P,http://images.test/%d.jpg\n" % (number, number) for number in range(1, 1201))
    house = House(b"S. No.,Product Name,Input Image Urls\n" + rows)
    await house.accept(intake_rows=rows_in)
    house.stop.set()
    await house.run()  # begins nothing: the process is stopping
    request = await house.database.requests.get(REQUEST_ID)
    assert request is not None
    assert request.intake_open
    house.stop.clear()
    await house.run()
    products = [product async for batch in house.database.products.batches(REQUEST_ID) for product in batch]
    assert [product.row for product in products] == list(range(rows_in + 1, 1201))


async def test_a_lost_database_closes_the_gate_and_nothing_is_lost() -> None:
    house = House()
    await house.accept()
    house.outbox.on_publish = lambda: setattr(house.database, "available", False)
    await house.run()
    assert not house.gate.is_open
    house.database.available = True
    house.outbox.on_publish = None
    await house.run()
    request = await house.database.requests.get(REQUEST_ID)
    assert request is not None
    assert not request.intake_open


async def test_an_upload_another_gateway_is_at_is_left_to_it() -> None:
    house = House()
    await house.accept()
    assert await house.database.another_process().lease(f"intake:{REQUEST_ID}", 30).acquire()
    await house.run()
    assert not house.outbox.sent


async def test_an_upload_that_vanished_does_not_keep_its_request_open() -> None:
    house = House()
    await house.accept()
    await house.store.delete([a_request().upload_key])
    await house.run()
    assert house.outbox.sent[-1] == FinishRequest(request_id=REQUEST_ID, round=1)
