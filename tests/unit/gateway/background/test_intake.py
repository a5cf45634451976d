"""Intake over fakes: everything gets in, once, however often it is interrupted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.intake import Intake, IntakeRules
from services.gateway.background.runtime import Runtime
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import EventType, PublicEvent
from shared.contracts.messages import FinishRequest
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image, Product, Request
from shared.contracts.states import ImageState
from shared.messaging import DependencyGate
from shared.observability import Health, Metrics
from shared.url_policy import AddressPolicy
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock, RequestRow
from tests.support.builders import NOW, REQUEST_ID, a_request
from tests.support.outbox import Outbox
from tests.support.waiting import until
from tests.support.worker_messages import failed

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
        self.clock = MovableClock(NOW)
        self.database = MemoryDatabase(self.clock)
        self.store: MemoryObjectStore = MemoryObjectStore()
        self.outbox = Outbox()
        self.stop = asyncio.Event()
        self.gate = DependencyGate({"database": self.database.ping}, Health())
        self.catalogue = catalogue
        self.images_added = asyncio.Event()

    async def accept(self, **changes: Any) -> None:
        request = a_request(**changes)
        await self.store.put_bytes(request.upload_key, self.catalogue, "text/csv")
        await self.database.requests.insert(request)

    async def run(self, lease_seconds: float = 10) -> None:
        runtime = Runtime(self.database, self.outbox.publish, self.database.tables.clock, Metrics(CollectorRegistry()))
        rules = IntakeRules(AddressPolicy((), frozenset({80, 443})), 60, "http://mill.test", lease_seconds)
        intake = Intake(runtime, self.store, rules, self.gate, self.images_added)
        await intake.step(self.stop)
        await intake.drain()

    async def request(self) -> Request:
        request = await self.database.requests.get(REQUEST_ID)
        assert request is not None
        return request

    async def stop_when_something_is_in(self) -> None:
        await self.images_added.wait()
        self.stop.set()

    def lease_ends(self) -> datetime:
        return self.database.tables.leases[f"intake:{REQUEST_ID}"].until

    async def rows_in(self) -> list[int]:
        return [product.row async for batch in self.database.products.batches(REQUEST_ID) for product in batch]


class SlowStore(MemoryObjectStore):
    """Goes on and on with an upload until it is `released`."""

    def __init__(self) -> None:
        super().__init__()
        self.read_from = asyncio.Event()
        self.released = asyncio.Event()

    async def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        while not self.released.is_set():
            yield b""
            self.read_from.set()
            await asyncio.sleep(0.01)
        async for chunk in super().read_chunks(key, start, end):
            yield chunk


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
    [event] = [
        item for item in house.outbox.sent if isinstance(item, PublicEvent) and item.type == EventType.IMAGE_FAILED
    ]
    assert event.data["input_url"] == "ftp://images.test/3.jpg"
    assert event.data["error_code"] == ErrorCode.INVALID_URL


async def test_the_request_is_announced_first_and_told_to_finish_last() -> None:
    house = House()
    await house.accept()
    await house.run()
    first, *_, last = house.outbox.sent
    assert isinstance(first, PublicEvent)
    assert first.type == EventType.REQUEST_ACCEPTED
    assert last == FinishRequest(request_id=REQUEST_ID, round=1)


async def test_a_second_run_repeats_nothing() -> None:
    house = House()
    await house.accept()
    await house.run()
    sent = len(house.outbox.sent)
    await house.run()
    assert len(house.outbox.sent) == sent


def many_rows(count: int) -> bytes:
    rows = b"".join(b"%d,P,http://images.test/%d.jpg\n" % (number, number) for number in range(1, count + 1))
    return b"S. No.,Product Name,Input Image Urls\n" + rows


@pytest.mark.parametrize("rows_in", [0, 500, 1000])
async def test_an_interrupted_intake_is_gone_on_with_where_it_was(rows_in: int) -> None:
    house = House(many_rows(1200))
    await house.accept(intake_rows=rows_in)
    await house.run()
    assert await house.rows_in() == list(range(rows_in + 1, 1201))
    assert not (await house.request()).intake_open


async def test_once_the_process_stops_nothing_is_begun() -> None:
    house = House()
    await house.accept()
    house.stop.set()
    await house.run()
    assert not house.outbox.sent
    assert (await house.request()).intake_open


async def test_a_stop_lets_the_batch_under_way_finish_and_the_next_process_go_on() -> None:
    house = House(many_rows(1200))
    await house.accept()
    stopper = asyncio.create_task(house.stop_when_something_is_in())
    await house.run()
    await stopper
    assert (await house.request()).intake_rows == 500
    assert (await house.request()).intake_open
    house.stop.clear()
    await house.run()
    assert await house.rows_in() == list(range(1, 1201))
    assert not (await house.request()).intake_open


async def test_a_stop_ends_the_copying_of_an_upload() -> None:
    house, store = House(), SlowStore()
    house.store = store
    await house.accept()
    async with asyncio.timeout(5), asyncio.TaskGroup() as work:
        work.create_task(house.run())
        await store.read_from.wait()
        house.stop.set()
    assert (await house.request()).intake_open
    assert not await house.rows_in()


async def test_the_lease_is_renewed_while_the_upload_is_copied() -> None:
    house, store = House(), SlowStore()
    house.store = store
    await house.accept()
    other = house.database.another_process().lease(f"intake:{REQUEST_ID}", 30)
    async with asyncio.timeout(5), asyncio.TaskGroup() as work:
        work.create_task(house.run(lease_seconds=0.15))
        await store.read_from.wait()
        for _ in range(3):
            now = house.clock.advance(0.1)
            await until(lambda now=now: house.lease_ends() > now + timedelta(seconds=0.1))  # type: ignore[misc]
            assert not await other.acquire()
        store.released.set()
    assert not (await house.request()).intake_open
    assert await other.acquire()


async def test_whoever_lost_the_lease_leaves_the_upload_to_its_holder() -> None:
    house, store = House(), SlowStore()
    house.store = store
    await house.accept()
    other = house.database.another_process().lease(f"intake:{REQUEST_ID}", 30)
    async with asyncio.timeout(5), asyncio.TaskGroup() as work:
        work.create_task(house.run(lease_seconds=0.03))
        await store.read_from.wait()
        house.database.tables.leases.clear()
        assert await other.acquire()
    assert (await house.request()).intake_open
    assert not await house.rows_in()
    assert not await house.database.lease(f"intake:{REQUEST_ID}", 30).acquire()


async def test_wide_rows_are_recorded_a_few_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = [[f"http://images.test/{row}/{number}.jpg" for number in range(2500)] for row in range(3)]
    rows = "".join(f'{row},P,"{",".join(urls[row])}"\n' for row in range(3))
    house = House(b"S. No.,Product Name,Input Image Urls\n" + rows.encode())
    await house.accept()
    insert_products, insert_images = house.database.products.insert_many, house.database.images.insert_many
    products_at_once, images_at_once = [], []

    async def count_products(products: Sequence[Product]) -> None:
        products_at_once.append(len(products))
        await insert_products(products)

    async def count_images(images: Sequence[Image]) -> None:
        images_at_once.append(len(images))
        await insert_images(images)

    monkeypatch.setattr(house.database.products, "insert_many", count_products)
    monkeypatch.setattr(house.database.images, "insert_many", count_images)
    await house.run()
    assert products_at_once == [1, 1, 1]
    assert max(images_at_once) <= 1000
    request = await house.request()
    assert (request.intake_rows, request.progress.total) == (3, 7500)


async def test_an_upload_that_cannot_be_read_any_more_does_not_keep_its_request_open() -> None:
    house = House()
    await house.accept()
    lines = (await house.store.get_bytes((await house.request()).upload_key)).splitlines(keepends=True)
    await house.store.put_bytes((await house.request()).upload_key, b"".join([*lines[:4], b'4,"Lamp']), "text/csv")
    await house.run()
    assert await house.rows_in() == [1, 2, 3]  # the numbers of those that could be read
    assert not (await house.request()).intake_open
    assert house.outbox.sent[-1] == FinishRequest(request_id=REQUEST_ID, round=1)


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


async def test_in_a_later_round_the_failed_images_are_moved_and_the_upload_is_not_read() -> None:
    house = House()
    await house.accept()
    await house.run()
    image = (await house.database.images.find(REQUEST_ID, [image_id("http://images.test/1.jpg")])).popitem()[1]
    await house.database.images.record(failed(image))
    await house.store.delete([a_request().upload_key])
    request = await house.request()
    house.database.tables.requests[REQUEST_ID] = RequestRow(replace(request, round=2, intake_open=True), NOW)
    house.outbox.sent.clear()
    house.clock.advance(5)
    house.stop.clear()
    await house.run()
    moved = (await house.database.images.find(REQUEST_ID, [image.image_id]))[image.image_id]
    assert (moved.state, moved.round, moved.deadline) == (ImageState.PENDING, 2, NOW + timedelta(seconds=65))
    assert not (await house.request()).intake_open
    assert FinishRequest(request_id=REQUEST_ID, round=2) in house.outbox.sent
