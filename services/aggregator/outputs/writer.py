"""Writes a request's output files and stores them. Memory does not grow with the number of rows or of requests."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import structlog

from services.aggregator.outputs.csv_rules import CsvRules
from services.aggregator.outputs.open_files import OpenFiles, ProductImages
from services.aggregator.outputs.report_json import report_json
from shared.catalogue import Batch, BatchLimits
from shared.contracts.error_codes import ErrorCode
from shared.contracts.image_summary import ImageSummary
from shared.contracts.object_keys import image_id, outputs_key
from shared.contracts.records import Image, OutputKeys, Product, Request
from shared.contracts.states import OPEN_STATES, ImageState, RequestStatus
from shared.long_lived import progress
from shared.persistence import Database
from shared.storage import ObjectStore
from shared.workspace import disk_faults

_MAX_PRODUCTS_READ = 25  # at once; a row may have megabytes
_MAX_BATCHES_IN_MEMORY = 4
_BATCH_LIMITS = BatchLimits(rows=250, slots=2_000, chars=1_000_000)
_CSV = "text/csv"  # without a charset: output CSV and failed.csv have the upload's encoding

log = structlog.get_logger(__name__)


class RoundSuperseded(Exception):
    """An image is open or belongs to a later round: this round's files exist already, and a retry has begun."""


class OutputWriter:
    """Reads products and images in batches, writes the files to a temporary folder, then stores them.

    All requests share a small number of batches in memory and take turns after each batch, so that a small request
    does not wait for large ones.
    """

    def __init__(self, database: Database, store: ObjectStore, public_base_url: str, rules: CsvRules) -> None:
        self._database = database
        self._store = store
        self._base_url = public_base_url
        self._rules = rules
        self._batches_in_memory = asyncio.Semaphore(_MAX_BATCHES_IN_MEMORY)

    async def write(self, request: Request, status: RequestStatus, summary: ImageSummary) -> OutputKeys:
        """Store the files, record the products' output URLs and return the files' keys.

        status, summary: of the request's images, for report.json. Repeatable: it writes the same bytes each time.
        Raises RoundSuperseded, DependencyUnavailable.
        """
        keys = _keys(request)
        with disk_faults(), tempfile.TemporaryDirectory(prefix="outputs-") as folder:
            with OpenFiles(Path(folder), request.catalogue_format, self._base_url, self._rules) as files:
                await self._write_rows(files, request)
            report = report_json(request, status, summary, files.rows, files.slots)
            await self._store.put_bytes(keys.report_json_key, report, "application/json")
            await self._store.put_file(keys.report_key, files.report, f"{_CSV}; charset=utf-8")
            if keys.failed_key and files.failed_rows:
                await self._store.put_file(keys.failed_key, files.failed, _CSV)
            await self._store.put_file(keys.output_key, files.output, _CSV)
        return keys if files.failed_rows else replace(keys, failed_key=None)

    async def _write_rows(self, files: OpenFiles, request: Request) -> None:
        products = self._database.products.batches(request.request_id, _MAX_PRODUCTS_READ)
        batch = Batch[Product](_BATCH_LIMITS)
        while await self._write_next(files, request, products, batch):
            pass

    async def _write_next(
        self,
        files: OpenFiles,
        request: Request,
        products: AsyncIterator[Sequence[Product]],
        batch: Batch[Product],
    ) -> bool:
        """Read the next products into `batch` and write it when it is full, or when there are no more (False)."""
        progress()
        async with self._batches_in_memory:
            read = await anext(products, None)
            for product in read or ():
                if full := batch.add(product):
                    await self._write_batch(files, request, full)
            if read is None and (rest := batch.take()):
                await self._write_batch(files, request, rest)
        return read is not None

    async def _write_batch(self, files: OpenFiles, request: Request, products: Sequence[Product]) -> None:
        with_images = await self._with_images(request, products)
        outputs = await asyncio.to_thread(files.write, with_images)
        await self._database.products.save_outputs(request.request_id, request.round, outputs)

    async def _with_images(self, request: Request, products: Sequence[Product]) -> list[ProductImages]:
        ids = {url: image_id(url) for product in products for url in product.input_image_urls}
        found = await self._finished_images(request, set(ids.values()))
        return [
            (product, [found.get(ids[url]) or _missing_image(request, url) for url in product.input_image_urls])
            for product in products
        ]

    async def _finished_images(self, request: Request, ids: Collection[str]) -> dict[str, Image]:
        found: dict[str, Image] = {}
        remaining = iter(ids)
        while some := list(islice(remaining, _BATCH_LIMITS.slots)):
            found |= await self._database.images.find(request.request_id, some)
        for image in found.values():
            if image.state in OPEN_STATES or image.round > request.round:
                raise RoundSuperseded(f"image {image.image_id} is {image.state} in round {image.round}")
        return found


def _keys(request: Request) -> OutputKeys:
    def key(kind: str, extension: str = "csv") -> str:
        return outputs_key(request.request_id, request.round, request.filename, kind, extension)

    return OutputKeys(key("compressed"), key("report"), report_json_key=key("report", "json"), failed_key=key("failed"))


def _missing_image(request: Request, url: str) -> Image:
    """A failed image for a URL that intake did not record, which is a bug; the request must still end."""
    log.error("image_record_missing", request_id=request.request_id, url=url)
    return Image(
        request_id=request.request_id,
        image_id=image_id(url),
        url=url,
        host="",
        state=ImageState.FAILED,
        round=request.round,
        dispatch=0,
        attempts=0,
        deadline=request.created_at,
        error_code=ErrorCode.INTERNAL,
        error_detail="no record of this image",
    )
