"""A request whose images are all compressed or failed is finished once, and each of its rounds is announced."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.aggregator.announce_request import RequestAnnouncer
from services.aggregator.finish_request import RequestFinisher
from services.aggregator.outputs import CsvRules, OutputWriter
from services.aggregator.remove_originals import OriginalsRemover
from shared.catalogue import Dialect
from shared.contracts.deliveries import DeliveryState
from shared.contracts.events import PublicEvent, request_finished_event
from shared.contracts.messages import DeliverWebhook, FinishRequest
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image, Product, Request
from shared.contracts.states import ImageState, RequestError, RequestStatus
from shared.errors import BrokerUnavailable, StorageUnavailable
from shared.observability import Metrics
from tests.fakes import MemoryDatabase, MemoryObjectStore, OutputsRow
from tests.support.aggregating import (
    BASE_URL,
    a_cancelled_image,
    a_compressed_image,
    a_failed_image,
    a_product,
    a_request,
    a_result,
    an_image,
)
from tests.support.builders import NOW, REQUEST_ID, a_catalogue_format, an_attempt
from tests.support.recording_publisher import RecordingPublisher
from tests.support.waiting import until

FINISH = FinishRequest(request_id=REQUEST_ID, round=1)
OUTPUT = f"outputs/{REQUEST_ID}/1/spring-catalogue-compressed.csv"
REPORT = f"outputs/{REQUEST_ID}/1/spring-catalogue-report.csv"
FAILED = f"outputs/{REQUEST_ID}/1/spring-catalogue-failed.csv"
SUMMARY = f"outputs/{REQUEST_ID}/1/spring-catalogue-report.json"
EVENT_ID = f"{REQUEST_ID}:1:request.completed"
GOOD, BAD, LATE = "http://i/good.jpg", "http://i/bad.jpg", "http://i/late.jpg"
LEASE = f"finish:{REQUEST_ID}:1"


class FinishHarness:
    """The handler over the in-memory database and store; `publisher.sent` is what it announced."""

    def __init__(self, *, keep_originals: bool = False) -> None:
        self.database = MemoryDatabase(lambda: NOW)
        self.store = MemoryObjectStore()
        self.publisher = RecordingPublisher()
        self.keep_originals = keep_originals
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.finish = self.finisher(self.database)

    def finisher(self, database: MemoryDatabase, store: Any = None, lease_seconds: float = 15) -> RequestFinisher:
        outputs = OutputWriter(database, store or self.store, BASE_URL, CsvRules())
        remove_originals = OriginalsRemover(self.store, keep_originals=self.keep_originals)
        announcer = RequestAnnouncer(database, self.publisher.publish, BASE_URL)
        return RequestFinisher(
            database, outputs, remove_originals, announcer, self.metrics, lease_seconds=lease_seconds
        )

    async def insert_request(self, request: Request, products: Sequence[Product], images: Sequence[Image]) -> None:
        await self.database.requests.insert(request)
        await self.database.products.insert_many(products)
        await self.database.images.insert_many(images)

    async def request(self) -> Request:
        request = await self.database.requests.get(REQUEST_ID)
        assert request is not None
        return request

    async def rows(self, key: str) -> list[list[str]]:
        is_report = key.endswith("-report.csv")  # the others have their upload's encoding
        assert self.store.objects[key].content_type == ("text/csv; charset=utf-8" if is_report else "text/csv")
        return list(csv.reader(io.StringIO((await self.store.get_bytes(key)).decode(), newline=""), strict=True))


@pytest.fixture
def harness() -> FinishHarness:
    return FinishHarness()


PRODUCTS = [a_product(1, GOOD, BAD, GOOD), a_product(2, BAD), a_product(3)]
IMAGES = [a_compressed_image(GOOD), a_failed_image(BAD)]


async def test_the_files_are_written_the_request_is_completed_and_announced(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)

    assert await harness.finish(FINISH) == []

    request = await harness.request()
    assert (request.status, request.output_key, request.report_key) == (RequestStatus.COMPLETED, OUTPUT, REPORT)
    assert (request.progress.total, request.progress.compressed, request.progress.failed) == (2, 1, 1)
    assert harness.publisher.sent == [request_finished_event(request, BASE_URL)]
    assert request.announcements == ()
    url = f"{BASE_URL}/results/{REQUEST_ID}/{image_id(GOOD)[:8]}-0123456789abcdef.jpg"
    assert [row[-1] for row in await harness.rows(OUTPUT)] == ["Output Image Urls", f"{url},,{url}", "", ""]
    assert (request.failed_key, request.report_json_key) == (FAILED, SUMMARY)
    assert [row[:2] + row[3:5] for row in await harness.rows(FAILED)][1:] == [
        ["1", "Product 1", BAD, "http_404"],
        ["2", "Product 2", BAD, "http_404"],
    ]
    assert [row[2:5] for row in await harness.rows(REPORT)][1:] == [
        ["1", GOOD, url],
        ["2", BAD, ""],
        ["3", GOOD, url],
        ["1", BAD, ""],
    ]
    assert harness.database.tables.outputs == {
        (REQUEST_ID, 1): OutputsRow(1, (url, "", url)),
        (REQUEST_ID, 2): OutputsRow(1, ("",)),
        (REQUEST_ID, 3): OutputsRow(1, ()),
    }
    assert harness.database.tables.leases == {}


async def test_without_a_failed_image_there_is_no_failed_csv(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), [a_product(1, GOOD)], [a_compressed_image(GOOD)])

    await harness.finish(FINISH)

    assert (await harness.request()).failed_key is None
    assert sorted(harness.store.objects) == [OUTPUT, REPORT, SUMMARY]


async def test_report_json_has_the_counts_and_the_final_status(harness: FinishHarness) -> None:
    reused = a_compressed_image(LATE, result=a_result(reused="unchanged"))
    await harness.insert_request(a_request(round=2), [*PRODUCTS, a_product(4, LATE)], [*IMAGES, reused])

    await harness.finish(FinishRequest(request_id=REQUEST_ID, round=2))

    key = SUMMARY.replace("/1/", "/2/")
    assert harness.store.objects[key].content_type == "application/json"
    report = json.loads(await harness.store.get_bytes(key))
    assert (report["status"], report["round"], report["rows"], report["slots"]) == ("Completed", 2, 4, 5)
    assert report["images"]["reused"] == {"unchanged": 1, "same_bytes": 0}
    (event,) = harness.publisher.sent
    assert isinstance(event, PublicEvent)
    assert event.data["images"] == {"total": 3, "compressed": 2, "failed": 1, "cancelled": 0, "reused": 1}
    assert event.data["report_json_url"] == f"{BASE_URL}/{key}"


async def test_a_repeated_finish_writes_the_same_bytes(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    await harness.finish(FINISH)
    first = {key: stored.data for key, stored in harness.store.objects.items()}
    row = harness.database.tables.requests[REQUEST_ID]
    harness.database.tables.requests[REQUEST_ID] = replace(row, request=a_request())

    await harness.finish(FINISH)

    assert {key: stored.data for key, stored in harness.store.objects.items()} == first
    assert len(first) == 4


async def test_an_output_has_its_upload_s_encoding_and_escapes_other_characters(harness: FinishHarness) -> None:
    dialect = Dialect(";", "cp1252", bom=False, line_end="\r\n")
    catalogue_format = a_catalogue_format(dialect=dialect, header="No;Größe;Image Url\r\n")
    failed = a_failed_image(BAD, error_detail="it says \u201c\u4e2d\u201d")
    await harness.insert_request(
        a_request(catalogue_format=catalogue_format), [a_product(1, BAD, record=f"1;groß;{BAD}\r\n")], [failed]
    )

    await harness.finish(FINISH)

    header, row, _ = (await harness.store.get_bytes(FAILED)).split(b"\r\n")
    assert header.startswith("No;Größe;Image Url;".encode("cp1252"))
    assert row == f"1;groß;{BAD};{BAD};http_404;it says \u201c\\u4e2d\u201d".encode("cp1252")
    assert (await harness.store.get_bytes(OUTPUT)).endswith(f"1;groß;{BAD};\r\n".encode("cp1252"))
    assert "\u4e2d" in (await harness.store.get_bytes(REPORT)).decode()


@pytest.mark.parametrize(
    ("products", "images"),
    [([a_product(1, BAD)], [a_failed_image(BAD)]), ([a_product(1), a_product(2)], [])],
    ids=["every image failed", "a catalogue without a URL"],
)
async def test_a_request_without_a_compressed_image_fails_and_still_has_its_files(
    harness: FinishHarness, products: list[Product], images: list[Image]
) -> None:
    await harness.insert_request(a_request(), products, images)

    await harness.finish(FINISH)

    (event,) = harness.publisher.sent
    assert isinstance(event, PublicEvent)
    assert event.type == "request.failed"
    assert (await harness.request()).status is RequestStatus.FAILED
    assert len(await harness.rows(OUTPUT)) == 1 + len(products)
    assert len(await harness.rows(REPORT)) == 1 + len(images)


async def test_a_request_with_missing_rows_fails_with_its_error_code(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(error_code=RequestError.UPLOAD_LOST), PRODUCTS, IMAGES)

    await harness.finish(FINISH)

    (event,) = harness.publisher.sent
    assert isinstance(event, PublicEvent)
    assert (event.type, event.data["error_code"], event.data["images"]["compressed"]) == (
        "request.failed",
        "upload_lost",
        1,
    )
    assert (await harness.request()).status is RequestStatus.FAILED
    assert json.loads(await harness.store.get_bytes(SUMMARY))["error_code"] == "upload_lost"


@pytest.mark.parametrize(
    ("request_", "images"),
    [
        (a_request(intake_open=True), IMAGES),
        (a_request(), [a_compressed_image(GOOD), an_image(BAD)]),
        (a_request(), [a_compressed_image(GOOD), an_image(BAD, state=ImageState.PENDING)]),
        (a_request(round=2), IMAGES),
        (a_request(request_id="another"), IMAGES),
    ],
    ids=["intake is open", "an image is dispatched", "an image is pending", "another round", "unknown"],
)
async def test_a_request_that_is_not_ready_is_not_finished(
    harness: FinishHarness, request_: Request, images: list[Image]
) -> None:
    await harness.insert_request(request_, PRODUCTS, images)

    await harness.finish(FINISH)

    assert harness.publisher.sent == []
    assert harness.store.objects == {}


async def test_a_repeated_message_changes_and_announces_nothing(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(webhook_url="http://shop/hook"), PRODUCTS, IMAGES)
    await harness.finish(FINISH)
    harness.store.objects.clear()
    harness.publisher.sent.clear()
    finished = await harness.request()

    await harness.finish(FINISH)

    assert harness.publisher.sent == []
    assert await harness.request() == finished
    assert harness.store.objects == {}


async def test_the_announcement_records_the_webhook_and_returns_its_message(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(webhook_url="http://shop/hook"), PRODUCTS, IMAGES)

    await harness.finish(FINISH)

    event, deliver = harness.publisher.sent
    delivery = await harness.database.deliveries.get(EVENT_ID)
    assert isinstance(event, PublicEvent)
    assert delivery is not None
    assert (delivery.url, delivery.request_id, delivery.due_at) == ("http://shop/hook", REQUEST_ID, NOW)
    assert deliver == DeliverWebhook(delivery_id=EVENT_ID)


async def test_an_announcement_that_was_not_confirmed_is_repeated_without_a_change(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(webhook_url="http://shop/hook"), PRODUCTS, IMAGES)
    harness.publisher.broken = True
    with pytest.raises(BrokerUnavailable):
        await harness.finish(FINISH)
    harness.publisher.broken = False

    await harness.finish(FINISH)

    event, deliver = harness.publisher.sent[:2]
    assert deliver == DeliverWebhook(delivery_id=EVENT_ID)
    assert harness.publisher.sent == [event, deliver] * 2
    assert (await harness.request()).announcements == ()


async def test_a_delivery_that_was_attempted_keeps_its_schedule(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(webhook_url="http://shop/hook"), PRODUCTS, IMAGES)
    harness.publisher.broken = True
    with pytest.raises(BrokerUnavailable):
        await harness.finish(FINISH)
    await harness.database.deliveries.record_attempt(EVENT_ID, 1, an_attempt(), state=DeliveryState.PENDING, due_at=NOW)
    harness.publisher = RecordingPublisher()

    await harness.finisher(harness.database)(FINISH)

    (event,) = harness.publisher.sent
    assert isinstance(event, PublicEvent)


async def test_the_finish_removes_only_the_originals_of_its_request(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    for number in range(1200):
        await harness.store.put_bytes(f"originals/{REQUEST_ID}/{number}", b"", "image/jpeg")
    await harness.store.put_bytes("originals/another/1", b"", "image/jpeg")

    await harness.finish(FINISH)

    assert [key for key in harness.store.objects if key.startswith("originals/")] == ["originals/another/1"]


async def test_the_originals_are_removed_before_a_retry_can_store_new_ones(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    await harness.finish(FINISH)
    progress = (await harness.request()).progress
    assert await harness.database.requests.retry(REQUEST_ID, 1, progress) is not None
    await harness.store.put_bytes(f"originals/{REQUEST_ID}/1", b"", "image/jpeg")

    await harness.finish(FINISH)

    assert f"originals/{REQUEST_ID}/1" in harness.store.objects


async def test_originals_are_kept_if_the_setting_says_so() -> None:
    harness = FinishHarness(keep_originals=True)
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    await harness.store.put_bytes(f"originals/{REQUEST_ID}/1", b"", "image/jpeg")

    await harness.finish(FINISH)

    assert f"originals/{REQUEST_ID}/1" in harness.store.objects


class SlowStore(MemoryObjectStore):
    """Does not store a file before `proceed` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = asyncio.Event()
        self.proceed = asyncio.Event()
        self.puts = 0

    async def put_file(self, *args: Any, **kwargs: Any) -> None:
        self.puts += 1
        self.writing.set()
        await self.proceed.wait()
        await super().put_file(*args, **kwargs)


async def test_two_messages_in_one_process_write_once(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    store = SlowStore()
    finish = harness.finisher(harness.database, store)

    async with asyncio.timeout(10):
        first = asyncio.create_task(finish(FINISH))
        await store.writing.wait()
        await finish(FINISH)
        assert harness.publisher.sent == []
        store.proceed.set()
        await first
    assert len(harness.publisher.sent) == 1
    assert store.puts == 3  # output, report and failed.csv


async def test_a_second_process_waits_for_the_first_and_then_announces(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    store = SlowStore()

    async with asyncio.timeout(10):
        first = asyncio.create_task(harness.finisher(harness.database, store)(FINISH))
        await store.writing.wait()
        second = asyncio.create_task(harness.finisher(harness.database.another_process(), store)(FINISH))
        await asyncio.wait([second], timeout=0.05)
        assert not second.done()
        store.proceed.set()
        await asyncio.gather(first, second)
    assert len(set(map(str, harness.publisher.sent))) == 1
    assert (await harness.request()).announcements == ()
    assert store.puts == 3


async def test_a_message_is_dropped_while_another_process_holds_the_lease(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    await harness.database.another_process().lease(LEASE, 1000).acquire()

    async with asyncio.timeout(10):
        await harness.finisher(harness.database, lease_seconds=0.05)(FINISH)
    assert harness.publisher.sent == []
    assert (await harness.request()).status is RequestStatus.PENDING


async def test_a_dead_process_s_lease_runs_out_and_the_next_one_finishes() -> None:
    harness = FinishHarness()
    times = iter([NOW] * 4)  # then the clock is past the lease's end
    harness.database = MemoryDatabase(lambda: next(times, NOW.replace(hour=13)))
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    await harness.database.another_process().lease(LEASE, 15).acquire()

    async with asyncio.timeout(10):
        await harness.finisher(harness.database, lease_seconds=1)(FINISH)
    assert len(harness.publisher.sent) == 1


async def test_the_lease_is_renewed_while_the_files_are_written(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    store = SlowStore()

    async with asyncio.timeout(10):
        writing = asyncio.create_task(harness.finisher(harness.database, store, lease_seconds=0.03)(FINISH))
        await store.writing.wait()
        del harness.database.tables.leases[LEASE]
        await until(lambda: LEASE in harness.database.tables.leases)
        store.proceed.set()
        await writing
    assert harness.database.tables.leases == {}


async def test_a_finish_that_lost_its_lease_continues_and_acquires_the_free_lease_again(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    store, other = SlowStore(), harness.database.another_process().lease(LEASE, 1000)

    async with asyncio.timeout(10):
        writing = asyncio.create_task(harness.finisher(harness.database, store, lease_seconds=0.03)(FINISH))
        await store.writing.wait()
        harness.database.tables.leases.clear()
        assert await other.acquire()
        before = harness.database.tables.lease_requests
        await until(lambda: harness.database.tables.lease_requests >= before + 2)
        await other.release()
        await until(lambda: LEASE in harness.database.tables.leases)
        assert not await other.acquire()
        store.proceed.set()
        await writing
    assert len(harness.publisher.sent) == 1
    assert harness.database.tables.leases == {}


async def test_an_unavailable_store_leaves_the_request_pending_for_the_next_message(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    harness.store.available = False
    with pytest.raises(StorageUnavailable):
        await harness.finish(FINISH)
    assert (await harness.request()).status is RequestStatus.PENDING

    harness.store.available = True
    await harness.finish(FINISH)
    assert len(harness.publisher.sent) == 1


class RetriedMeanwhile(MemoryDatabase):
    """Simulates a finish and a retry of the failed image just after the check that no image is open."""

    async def retry(self) -> None:
        row = self.tables.images[REQUEST_ID, image_id(BAD)]
        retried = replace(row.image, state=ImageState.PENDING, round=2)
        self.tables.images[REQUEST_ID, image_id(BAD)] = replace(row, image=retried)


async def test_a_superseded_round_writes_nothing() -> None:
    harness = FinishHarness()
    database = RetriedMeanwhile(lambda: NOW)
    harness.database = database
    await harness.insert_request(a_request(), PRODUCTS, IMAGES)
    batches = database.products.batches

    async def batches_after_a_retry(request_id: str, size: int = 1000) -> AsyncIterator[list[Product]]:
        await database.retry()
        async for batch in batches(request_id, size):
            yield batch

    database.products.batches = batches_after_a_retry  # type: ignore[method-assign]

    await harness.finisher(database)(FINISH)
    assert harness.publisher.sent == []
    assert harness.store.objects == {}
    assert (await harness.request()).status is RequestStatus.PENDING


async def test_images_are_read_in_batches_however_long_the_cells_are(harness: FinishHarness) -> None:
    urls = [f"http://i/{number}.jpg" for number in range(9000)]
    products = [a_product(row, *urls[(row - 1) * 30 : row * 30]) for row in range(1, 301)]
    await harness.insert_request(a_request(), products, [a_compressed_image(url) for url in urls])
    batch_sizes = []
    find = harness.database.images.find

    async def counted_find(request_id: str, image_ids: Collection[str]) -> dict[str, Image]:
        batch_sizes.append(len(image_ids))
        return await find(request_id, image_ids)

    harness.database.images.find = counted_find  # type: ignore[method-assign]
    await harness.finish(FINISH)

    assert sum(batch_sizes) == 9000
    assert max(batch_sizes) < 2100
    assert [row[0] for row in await harness.rows(OUTPUT)][1:] == [str(row) for row in range(1, 301)]
    assert [row[3] for row in await harness.rows(REPORT)][1:] == urls


async def test_a_url_without_a_record_keeps_its_slot(harness: FinishHarness) -> None:
    await harness.insert_request(a_request(), [a_product(1, GOOD, LATE)], [a_compressed_image(GOOD)])

    await harness.finish(FINISH)
    assert (await harness.rows(OUTPUT))[1][-1].endswith(".jpg,")
    assert (await harness.rows(REPORT))[2][5:8] == ["failed", "internal", "no record of this image"]


CANCELLED_REQUEST = a_request(webhook_url="https://shop.test/hook", cancelling=True)


async def test_a_cancelled_request_keeps_its_results_and_its_files_say_what_was_cancelled(
    harness: FinishHarness,
) -> None:
    products = [a_product(1, GOOD, LATE, BAD), a_product(2, LATE)]
    await harness.insert_request(CANCELLED_REQUEST, products, [*IMAGES, a_cancelled_image(LATE)])

    await harness.finish(FINISH)

    request = await harness.request()
    assert (request.status, request.cancelling) == (RequestStatus.CANCELLED, False)
    assert (request.progress.compressed, request.progress.failed, request.progress.cancelled) == (1, 1, 1)
    url = f"{BASE_URL}/results/{REQUEST_ID}/{image_id(GOOD)[:8]}-0123456789abcdef.jpg"
    assert [row[-1] for row in await harness.rows(OUTPUT)][1:] == [f"{url},,", ""]
    assert [row[3:] for row in await harness.rows(FAILED)][1:] == [
        [f"{LATE} | {BAD}", "cancelled | http_404", "the request was cancelled | the host answered 404"],
        [LATE, "cancelled", "the request was cancelled"],
    ]
    lines = [dict(zip((await harness.rows(REPORT))[0], row, strict=True)) for row in (await harness.rows(REPORT))[1:]]
    assert [(line["State"], line["Error Code"], line["Owner"], line["Retryable"]) for line in lines] == [
        ("compressed", "", "", ""),
        ("cancelled", "cancelled", "client", "yes"),
        ("failed", "http_404", "csv", "no"),
        ("cancelled", "cancelled", "client", "yes"),
    ]
    report = json.loads(await harness.store.get_bytes(SUMMARY))
    assert (report["status"], report["images"]["cancelled"], report["images"]["total"]) == ("Cancelled", 1, 3)
    assert [error["code"] for error in report["errors"]] == ["http_404"]
    event, delivery = harness.publisher.sent
    assert isinstance(event, PublicEvent)
    assert (event.type, event.event_id) == ("request.cancelled", f"{REQUEST_ID}:1:request.cancelled")
    assert event.data["images"] == {"total": 3, "compressed": 1, "failed": 1, "cancelled": 1, "reused": 0}
    assert delivery == DeliverWebhook(delivery_id=event.event_id)


@pytest.mark.parametrize(
    ("images", "status"),
    [
        ([a_compressed_image(GOOD), a_compressed_image(BAD)], RequestStatus.COMPLETED),
        ([a_failed_image(GOOD), a_failed_image(BAD)], RequestStatus.FAILED),
        ([a_compressed_image(GOOD), a_cancelled_image(BAD)], RequestStatus.CANCELLED),
        ([a_failed_image(GOOD), a_cancelled_image(BAD)], RequestStatus.CANCELLED),
        ([a_cancelled_image(GOOD), a_cancelled_image(BAD)], RequestStatus.CANCELLED),
    ],
)
async def test_a_cancellation_decides_the_status_only_if_it_had_an_effect(
    harness: FinishHarness, images: list[Image], status: RequestStatus
) -> None:
    await harness.insert_request(CANCELLED_REQUEST, PRODUCTS, images)

    await harness.finish(FINISH)

    request = await harness.request()
    assert (request.status, request.cancelling) == (status, False)
    [event, _] = harness.publisher.sent
    assert isinstance(event, PublicEvent)
    assert event.type == f"request.{status.lower()}"


async def test_cancelled_images_are_counted_when_their_request_finishes(harness: FinishHarness) -> None:
    await harness.insert_request(CANCELLED_REQUEST, PRODUCTS, [a_cancelled_image(GOOD), a_cancelled_image(BAD)])

    for _ in range(2):
        await harness.finish(FINISH)

    labels = {"outcome": "cancelled", "error_code": "none"}
    assert harness.registry.get_sample_value("imagemill_images_total", labels) == 2
    assert harness.registry.get_sample_value("imagemill_requests_finished_total", {"status": "Cancelled"}) == 1
