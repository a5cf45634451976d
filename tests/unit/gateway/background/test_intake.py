"""Intake over fakes: every row and image is recorded once, however often the intake is interrupted."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.background.intake import Intake, IntakeRules
from services.gateway.background.parts import BackgroundParts
from services.gateway.catalogue import Catalogue, CatalogueRow
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import EventType, PublicEvent
from shared.contracts.messages import FinishRequest
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image, Product, Request, position_of
from shared.contracts.states import ImageState, RequestError
from shared.messaging import DependencyGate
from shared.observability import Health, Metrics
from shared.url_policy import AddressPolicy
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock, RequestRow
from tests.support.builders import NOW, REQUEST_ID, a_request
from tests.support.recording_publisher import RecordingPublisher
from tests.support.waiting import until
from tests.support.worker_messages import failed

CATALOGUE = (
    b"S. No.,Product Name,Input Image Urls\r\n"
    b'1,Shoe,"http://images.test/1.jpg,http://images.test/2.jpg"\r\n'
    b"2,Hat,http://images.test/1.jpg\r\n"
    b"3,Bag,ftp://images.test/3.jpg\r\n"
    b"4,Belt,\r\n"
)


class IntakeFixture:
    """An intake over fakes."""

    def __init__(self, catalogue: bytes = CATALOGUE) -> None:
        self.clock = MovableClock(NOW)
        self.database = MemoryDatabase(self.clock)
        self.store: MemoryObjectStore = MemoryObjectStore()
        self.publisher = RecordingPublisher()
        self.stop = asyncio.Event()
        self.gate = DependencyGate({"database": self.database.ping}, Health())
        self.catalogue = catalogue
        self.images_added = asyncio.Event()

    async def accept(self, **changes: Any) -> None:
        request = a_request(**changes)
        await self.store.put_bytes(request.upload_key, self.catalogue, "text/csv")
        await self.database.requests.insert(request)

    async def run(self, lease_seconds: float = 10) -> None:
        parts = BackgroundParts(
            self.database, self.publisher.publish, self.database.tables.clock, Metrics(CollectorRegistry())
        )
        rules = IntakeRules(AddressPolicy((), frozenset({80, 443})), "http://gateway.test", lease_seconds)
        intake = Intake(parts, self.store, rules, self.gate, lambda _: self.images_added.set())
        await intake.step(self.stop)
        await until(lambda: self.stop.is_set() or not intake._running, 60)
        await intake.drain()

    async def request(self) -> Request:
        request = await self.database.requests.get(REQUEST_ID)
        assert request is not None
        return request

    async def stop_after_the_first_batch(self) -> None:
        await self.images_added.wait()
        self.stop.set()

    def lease_ends(self) -> datetime:
        return self.database.tables.leases[f"intake:{REQUEST_ID}"].until

    async def rows_in(self) -> list[int]:
        return [product.row async for batch in self.database.products.batches(REQUEST_ID) for product in batch]


class SlowStore(MemoryObjectStore):
    """Sends empty chunks of an upload until it is `released`."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = asyncio.Event()
        self.released = asyncio.Event()

    async def read_chunks(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        while not self.released.is_set():
            yield b""
            self.reading.set()
            await asyncio.sleep(0)  # lets other tasks run
        async for chunk in super().read_chunks(key, start, end):
            yield chunk


async def test_each_row_becomes_a_product_and_each_distinct_url_an_image() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.run()
    products = [product async for batch in fixture.database.products.batches(REQUEST_ID) for product in batch]
    assert [(product.row, product.product_name, len(product.input_image_urls)) for product in products] == [
        (1, "Shoe", 2), (2, "Hat", 1), (3, "Bag", 1), (4, "Belt", 0),
    ]  # fmt: skip
    request = await fixture.database.requests.get(REQUEST_ID)
    assert request is not None
    assert not request.intake_open
    assert (request.progress.total, request.progress.failed, request.progress.pending) == (3, 1, 2)
    image = (await fixture.database.images.find(REQUEST_ID, [image_id("http://images.test/1.jpg")])).popitem()[1]
    assert (image.host, image.state, image.deadline) == ("images.test", ImageState.PENDING, None)


async def test_a_url_that_is_refused_is_recorded_as_failed_and_published() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.run()
    [event] = [
        item for item in fixture.publisher.sent if isinstance(item, PublicEvent) and item.type == EventType.IMAGE_FAILED
    ]
    assert event.data["input_url"] == "ftp://images.test/3.jpg"
    assert event.data["error_code"] == ErrorCode.INVALID_URL


async def test_the_request_is_published_first_and_its_finish_requested_last() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.run()
    first, *_, last = fixture.publisher.sent
    assert isinstance(first, PublicEvent)
    assert first.type == EventType.REQUEST_ACCEPTED
    assert last == FinishRequest(request_id=REQUEST_ID, round=1)


async def test_a_closed_intake_is_not_repeated() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.run()
    sent = len(fixture.publisher.sent)
    await fixture.run()
    assert len(fixture.publisher.sent) == sent


def many_rows(count: int) -> bytes:
    rows = b"".join(b"%d,P,http://images.test/%d.jpg\n" % (number, number) for number in range(1, count + 1))
    return b"S. No.,Product Name,Input Image Urls\n" + rows


@pytest.mark.parametrize("rows_in", [0, 500, 1000])
async def test_an_interrupted_intake_continues_after_the_recorded_rows(rows_in: int) -> None:
    fixture = IntakeFixture(many_rows(1200))
    await fixture.accept(intake_rows=rows_in)
    await fixture.run()
    assert await fixture.rows_in() == list(range(rows_in + 1, 1201))
    assert not (await fixture.request()).intake_open


async def test_the_rows_before_an_unexpected_failure_are_recorded_and_the_next_intake_continues_after_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixture = IntakeFixture(many_rows(1200))
    await fixture.accept()
    rows = Catalogue.rows

    def failing_rows(catalogue: Catalogue) -> Iterator[CatalogueRow]:
        yield from islice(rows(catalogue), 700)
        raise OSError("the disk failed")

    with monkeypatch.context() as failing:
        failing.setattr(Catalogue, "rows", failing_rows)
        failing.setattr("services.gateway.background.failing_items._FIRST_PAUSE_SECONDS", 0)
        await fixture.run()
    assert await fixture.rows_in() == list(range(1, 701))
    assert ((await fixture.request()).intake_rows, (await fixture.request()).intake_open) == (700, True)

    await fixture.run()
    assert await fixture.rows_in() == list(range(1, 1201))
    assert not (await fixture.request()).intake_open


async def test_a_stopping_process_starts_no_intake() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    fixture.stop.set()
    await fixture.run()
    assert not fixture.publisher.sent
    assert (await fixture.request()).intake_open


async def test_after_a_stop_the_batch_in_progress_is_recorded_and_the_next_process_continues() -> None:
    fixture = IntakeFixture(many_rows(1200))
    await fixture.accept()
    stopper = asyncio.create_task(fixture.stop_after_the_first_batch())
    await fixture.run()
    await stopper
    assert (await fixture.request()).intake_rows == 500
    assert (await fixture.request()).intake_open
    fixture.stop.clear()
    await fixture.run()
    assert await fixture.rows_in() == list(range(1, 1201))
    assert not (await fixture.request()).intake_open


async def test_a_stop_interrupts_the_copying_of_an_upload() -> None:
    fixture, store = IntakeFixture(), SlowStore()
    fixture.store = store
    await fixture.accept()
    async with asyncio.timeout(5), asyncio.TaskGroup() as work:
        work.create_task(fixture.run())
        await store.reading.wait()
        fixture.stop.set()
    assert (await fixture.request()).intake_open
    assert not await fixture.rows_in()


async def test_the_lease_is_renewed_while_the_upload_is_copied() -> None:
    fixture, store = IntakeFixture(), SlowStore()
    fixture.store = store
    await fixture.accept()
    other = fixture.database.another_process().lease(f"intake:{REQUEST_ID}", 30)
    async with asyncio.timeout(5), asyncio.TaskGroup() as work:
        work.create_task(fixture.run(lease_seconds=0.15))
        await store.reading.wait()
        for _ in range(3):
            now = fixture.clock.advance(0.1)
            await until(lambda now=now: fixture.lease_ends() > now + timedelta(seconds=0.1))  # type: ignore[misc]
            assert not await other.acquire()
        store.released.set()
    assert not (await fixture.request()).intake_open
    assert await other.acquire()


async def test_a_process_that_lost_the_lease_stops_its_intake() -> None:
    fixture, store = IntakeFixture(), SlowStore()
    fixture.store = store
    await fixture.accept()
    other = fixture.database.another_process().lease(f"intake:{REQUEST_ID}", 30)
    async with asyncio.timeout(5), asyncio.TaskGroup() as work:
        work.create_task(fixture.run(lease_seconds=0.03))
        await store.reading.wait()
        fixture.database.tables.leases.clear()
        assert await other.acquire()
    assert (await fixture.request()).intake_open
    assert not await fixture.rows_in()
    assert not await fixture.database.lease(f"intake:{REQUEST_ID}", 30).acquire()


async def test_an_image_has_the_place_of_its_first_slot_whichever_rows_are_read_again() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.run()
    places = {row.image.url: row.image.position for row in fixture.database.tables.images.values()}
    expected = {"1.jpg": position_of(1, 0), "2.jpg": position_of(1, 1), "3.jpg": position_of(3, 0)}
    assert {url.rpartition("/")[2]: place for url, place in places.items()} == expected
    assert sorted(expected, key=expected.__getitem__) == ["1.jpg", "2.jpg", "3.jpg"]

    continued = IntakeFixture()
    await continued.accept(intake_rows=1)
    await continued.run()
    [image] = (await continued.database.images.find(REQUEST_ID, [image_id("http://images.test/1.jpg")])).values()
    assert image.position == position_of(2, 0)


async def test_the_images_of_wide_rows_are_recorded_in_bounded_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = [[f"http://images.test/{row}/{number}.jpg" for number in range(2500)] for row in range(3)]
    rows = "".join(f'{row},P,"{",".join(urls[row])}"\n' for row in range(3))
    fixture = IntakeFixture(b"S. No.,Product Name,Input Image Urls\n" + rows.encode())
    await fixture.accept()
    insert_products, insert_images = fixture.database.products.insert_many, fixture.database.images.insert_many
    products_at_once, images_at_once = [], []

    async def count_products(products: Sequence[Product]) -> None:
        products_at_once.append(len(products))
        await insert_products(products)

    async def count_images(images: Sequence[Image]) -> None:
        images_at_once.append(len(images))
        await insert_images(images)

    monkeypatch.setattr(fixture.database.products, "insert_many", count_products)
    monkeypatch.setattr(fixture.database.images, "insert_many", count_images)
    await fixture.run()
    assert products_at_once == [1, 1, 1]
    assert max(images_at_once) <= 1000
    request = await fixture.request()
    assert (request.intake_rows, request.progress.total) == (3, 7500)


async def test_an_unreadable_upload_does_not_keep_its_request_open() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    lines = (await fixture.store.get_bytes((await fixture.request()).upload_key)).splitlines(keepends=True)
    await fixture.store.put_bytes((await fixture.request()).upload_key, b"".join([*lines[:4], b'4,"Lamp']), "text/csv")
    await fixture.run()
    assert await fixture.rows_in() == [1, 2, 3]  # the readable rows
    request = await fixture.request()
    assert (request.intake_open, request.error_code) == (False, RequestError.UPLOAD_UNREADABLE)
    assert fixture.publisher.sent[-1] == FinishRequest(request_id=REQUEST_ID, round=1)


async def test_an_outage_of_the_database_closes_the_gate_and_the_intake_continues_later() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    fixture.publisher.on_publish = lambda: setattr(fixture.database, "available", False)
    await fixture.run()
    assert not fixture.gate.is_open
    fixture.database.available = True
    fixture.publisher.on_publish = None
    await fixture.run()
    request = await fixture.database.requests.get(REQUEST_ID)
    assert request is not None
    assert not request.intake_open


async def test_an_upload_that_another_gateway_takes_in_is_skipped() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    assert await fixture.database.another_process().lease(f"intake:{REQUEST_ID}", 30).acquire()
    await fixture.run()
    assert not fixture.publisher.sent


async def test_a_missing_upload_does_not_keep_its_request_open() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.store.delete([a_request().upload_key])
    await fixture.run()
    assert fixture.publisher.sent[-1] == FinishRequest(request_id=REQUEST_ID, round=1)
    assert (await fixture.request()).error_code is RequestError.UPLOAD_LOST


async def test_a_later_round_moves_the_failed_images_and_does_not_read_the_upload() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.run()
    image = (await fixture.database.images.find(REQUEST_ID, [image_id("http://images.test/1.jpg")])).popitem()[1]
    await fixture.database.images.record(failed(image))
    await fixture.store.delete([a_request().upload_key])
    request = await fixture.request()
    fixture.database.tables.requests[REQUEST_ID] = RequestRow(replace(request, round=2, intake_open=True), NOW)
    fixture.publisher.sent.clear()
    fixture.clock.advance(5)
    fixture.stop.clear()
    await fixture.run()
    moved = (await fixture.database.images.find(REQUEST_ID, [image.image_id]))[image.image_id]
    assert (moved.state, moved.round, moved.deadline) == (ImageState.PENDING, 2, None)
    assert not (await fixture.request()).intake_open
    assert FinishRequest(request_id=REQUEST_ID, round=2) in fixture.publisher.sent


async def test_intake_of_a_cancelled_request_records_every_row_and_further_images_as_cancelled() -> None:
    fixture = IntakeFixture()
    await fixture.accept()
    await fixture.database.cancellations.begin(REQUEST_ID)
    await fixture.run()
    assert await fixture.rows_in() == [1, 2, 3, 4]
    progress = (await fixture.request()).progress
    assert (progress.total, progress.cancelled, progress.failed, progress.pending) == (3, 2, 1, 0)
    images = [row.image for row in fixture.database.tables.images.values()]
    assert [(image.state, image.error_code) for image in images] == [
        (ImageState.CANCELLED, ErrorCode.CANCELLED),
        (ImageState.CANCELLED, ErrorCode.CANCELLED),
        (ImageState.FAILED, ErrorCode.INVALID_URL),
    ]
    assert all(image.ended_at == NOW for image in images)
    events = [item.type for item in fixture.publisher.sent if isinstance(item, PublicEvent)]
    assert events == [EventType.REQUEST_ACCEPTED, EventType.IMAGE_FAILED]
    assert fixture.publisher.sent[-1] == FinishRequest(request_id=REQUEST_ID, round=1)


async def test_a_cancellation_during_the_intake_concerns_the_images_of_the_next_batch() -> None:
    rows = "".join(f"{number},Shoe,http://images.test/{number}.jpg\r\n" for number in range(1, 3001))
    fixture = IntakeFixture(b"S. No.,Product Name,Input Image Urls\r\n" + rows.encode())
    await fixture.accept()

    async def cancel_after_the_first_batch() -> None:
        await fixture.images_added.wait()
        await fixture.database.cancellations.begin(REQUEST_ID)

    await asyncio.gather(fixture.run(), cancel_after_the_first_batch())
    progress = (await fixture.request()).progress
    assert progress.total == 3000
    assert progress.pending > 0
    assert progress.cancelled > 1000
    assert len(await fixture.rows_in()) == 3000


async def test_a_stop_abandons_a_batch_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.background.loop._END_SECONDS", 0.1)
    fixture, hangs = IntakeFixture(), asyncio.Event()
    await fixture.accept()

    async def hang(_: Sequence[Product]) -> None:
        hangs.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(fixture.database.products, "insert_many", hang)
    running = asyncio.create_task(fixture.run())
    await hangs.wait()
    fixture.stop.set()
    await asyncio.wait_for(running, 5)
    assert (await fixture.request()).intake_open
