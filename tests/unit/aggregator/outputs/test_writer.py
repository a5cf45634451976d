"""Writing needs memory that does not grow with the catalogue, the length of its rows or the number of requests."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Collection, Iterator, Sequence

import pytest

from services.aggregator.outputs import writer as writer_module
from services.aggregator.outputs.csv_rules import CsvRules
from services.aggregator.outputs.writer import OutputWriter
from shared.catalogue import BatchLimits
from shared.contracts.object_keys import public_url
from shared.contracts.records import Image, OutputKeys, Product, Request
from shared.contracts.states import RequestStatus
from tests.fakes import MemoryDatabase, MemoryObjectStore
from tests.support.aggregating import BASE_URL, a_compressed_image, a_product, a_request
from tests.support.builders import NOW, REQUEST_ID
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def long_cells() -> Iterator[None]:
    """The csv module has one limit for the process."""
    limit = csv.field_size_limit(10_000_000)
    yield
    csv.field_size_limit(limit)


class WriterHarness:
    """A writer over the in-memory database, and its calls of the database."""

    def __init__(self) -> None:
        self.database = MemoryDatabase(lambda: NOW)
        self.store = MemoryObjectStore()
        self.writer = OutputWriter(self.database, self.store, BASE_URL, CsvRules())
        self.rows_read: list[int] = []
        self.images_read: list[int] = []
        self.rows_saved: list[int] = []
        self.concurrent_reads = self.max_concurrent_reads = 0
        self._batches = self.database.products.batches
        self._find = self.database.images.find
        self._save = self.database.products.save_outputs
        self.database.products.batches = self.batches  # type: ignore[method-assign]
        self.database.images.find = self.find  # type: ignore[method-assign]
        self.database.products.save_outputs = self.save  # type: ignore[method-assign]

    async def batches(self, request_id: str, size: int = 1000) -> AsyncIterator[list[Product]]:
        async for batch in self._batches(request_id, size):
            self.rows_read.append(len(batch))
            yield batch

    async def find(self, request_id: str, image_ids: Collection[str]) -> dict[str, Image]:
        self.images_read.append(len(image_ids))
        self.concurrent_reads += 1
        self.max_concurrent_reads = max(self.max_concurrent_reads, self.concurrent_reads)
        await asyncio.sleep(0)
        self.concurrent_reads -= 1
        return await self._find(request_id, image_ids)

    async def save(self, request_id: str, round_: int, outputs: Sequence[tuple[int, Sequence[str]]]) -> None:
        self.rows_saved += [len(outputs)] if outputs else []
        await self._save(request_id, round_, outputs)

    async def write(self, request: Request) -> OutputKeys:
        summary = await self.database.images.summary(request.request_id)
        return await self.writer.write(request, RequestStatus.COMPLETED, summary)

    async def insert_rows(self, products: Sequence[Product], request_id: str = REQUEST_ID) -> None:
        urls = {url for product in products for url in product.input_image_urls}
        await self.database.products.insert_many(products)
        await self.database.images.insert_many([a_compressed_image(url, request_id=request_id) for url in urls])

    async def written(self, key: str) -> list[list[str]]:
        text = (await self.store.get_bytes(key)).decode()
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))

    def output_urls(self, request_id: str = REQUEST_ID) -> dict[str, str]:
        images = [row.image for key, row in self.database.tables.images.items() if key[0] == request_id]
        return {image.url: public_url(BASE_URL, image.result.key) for image in images if image.result}


def rows_of(count: int, slots: int) -> list[Product]:
    """Products with `slots` URLs of their own each."""
    return [
        a_product(row, *[f"http://i/{row}/{position}.jpg" for position in range(slots)]) for row in range(1, count + 1)
    ]


async def test_narrow_rows_are_read_few_at_a_time_and_written_in_large_batches() -> None:
    harness = WriterHarness()
    await harness.insert_rows(rows_of(1030, 2))

    keys = await harness.write(a_request())

    assert max(harness.rows_read) <= 25
    assert harness.rows_saved == [250, 250, 250, 250, 30]
    assert [row[0] for row in await harness.written(keys.output_key)][1:] == [str(row) for row in range(1, 1031)]
    assert len(await harness.written(keys.report_key)) == 1 + 2 * 1030


async def test_rows_with_much_text_are_written_a_few_at_a_time() -> None:
    harness = WriterHarness()
    texts = [str(row) + "x" * 400_000 for row in range(1, 31)]
    await harness.insert_rows(
        [a_product(row, f"http://i/{row}.jpg", record=f"{text},,\r\n") for row, text in enumerate(texts, 1)]
    )

    keys = await harness.write(a_request())

    assert harness.rows_saved == [2] * 15  # of 400,000 characters each, in at most a million
    assert [row[0] for row in await harness.written(keys.output_key)][1:] == texts


async def test_the_images_of_a_row_with_many_urls_are_read_in_parts() -> None:
    harness = WriterHarness()
    products = rows_of(3, 5001)
    await harness.insert_rows(products)

    keys = await harness.write(a_request())

    assert harness.rows_saved == [1, 1, 1]
    assert max(harness.images_read) <= 2000
    assert sum(harness.images_read) == 3 * 5001
    outputs = harness.output_urls()
    wanted = [[outputs[url] for url in product.input_image_urls] for product in products]
    assert [row[-1].split(",") for row in await harness.written(keys.output_key)][1:] == wanted
    assert [row[4] for row in await harness.written(keys.report_key)][1:] == [url for slots in wanted for url in slots]


async def test_a_small_request_does_not_wait_for_the_large_ones() -> None:
    harness = WriterHarness()
    for number in range(8):
        products = [a_product(row, f"http://i/{row}.jpg", request_id=f"large-{number}") for row in range(1, 2001)]
        await harness.insert_rows(products, f"large-{number}")
    await harness.insert_rows([a_product(1, "http://i/1.jpg")])

    async with asyncio.timeout(30):
        large = [asyncio.create_task(harness.write(a_request(request_id=f"large-{n}"))) for n in range(8)]
        await until(lambda: len(harness.rows_read) >= 8, what="writing the large ones")
        await harness.write(a_request())
        assert not any(task.done() for task in large)
        await asyncio.gather(*large)


async def test_all_requests_together_have_few_batches_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_row = BatchLimits(
        rows=1, slots=100, chars=10_000
    )  # a read of images for each row, while its batch is in memory
    monkeypatch.setattr(writer_module, "_BATCH_LIMITS", one_row)
    harness = WriterHarness()
    requests = [a_request(request_id=f"request-{number}") for number in range(12)]
    for request in requests:
        products = [a_product(row, f"http://i/{row}.jpg", request_id=request.request_id) for row in range(1, 61)]
        await harness.insert_rows(products, request.request_id)

    async with asyncio.timeout(30):
        written = await asyncio.gather(*map(harness.write, requests))

    assert harness.max_concurrent_reads == 4
    for keys in written:
        assert [row[0] for row in await harness.written(keys.output_key)][1:] == [str(row) for row in range(1, 61)]
