"""Writing a request's outputs into the object store, in memory that does not grow with the request."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import structlog

from services.aggregator.outputs.open_files import Filled, OpenFiles
from services.aggregator.outputs.report_json import json_report
from shared.catalogue import Batch, BatchLimits
from shared.contracts.error_codes import ErrorCode
from shared.contracts.object_keys import image_id, outputs_key
from shared.contracts.records import Image, OutputKeys, Product, Request
from shared.contracts.states import OPEN_STATES, ImageState, RequestStatus
from shared.persistence import Database, ImageSummary
from shared.storage import ObjectStore

_PRODUCTS_AT_ONCE = 25  # a row may take megabytes
_BATCHES_AT_ONCE = 4
_BATCH_LIMITS = BatchLimits(rows=250, slots=2_000, chars=1_000_000)
_CSV = "text/csv"  # output and failed.csv are in the upload's encoding

log = structlog.get_logger(__name__)


class RoundOver(Exception):
    """An image is on its way, or was retried: another round has begun, and this one's files are written already."""


class OutputWriter:
    """Reads products and images in batches, writes the files to a temporary folder, then stores them.

    However many requests are written at once, only a few of their batches are in memory, and each request's turn comes
    after a batch of the others', not after all of them.
    """

    def __init__(self, database: Database, store: ObjectStore, public_base_url: str, *, guard_formulas: bool) -> None:
        self._database = database
        self._store = store
        self._base_url = public_base_url
        self._guard_formulas = guard_formulas
        self._batches_in_memory = asyncio.Semaphore(_BATCHES_AT_ONCE)

    async def write(self, request: Request, status: RequestStatus, summary: ImageSummary) -> OutputKeys:
        """Store the files and record the products' output URLs. `status` and `summary` are what the report tells.

        Repeatable: images that have reached their end give the same bytes each time. Raises RoundOver.
        """
        keys = _keys(request)
        with tempfile.TemporaryDirectory(prefix="imagemill-") as folder:
            with OpenFiles(
                Path(folder), request.catalogue_format, self._base_url, guard_formulas=self._guard_formulas
            ) as files:
                await self._fill(files, request)
            told = json_report(request, status, summary, files.rows, files.slots)
            await self._store.put_bytes(keys.report_json_key, told, "application/json")
            await self._store.put_file(keys.report_key, files.report, f"{_CSV}; charset=utf-8")
            if keys.failed_key and files.failed_rows:
                await self._store.put_file(keys.failed_key, files.failed, _CSV)
            await self._store.put_file(keys.output_key, files.output, _CSV)
        return keys if files.failed_rows else replace(keys, failed_key=None)

    async def _fill(self, files: OpenFiles, request: Request) -> None:
        products = self._database.products.batches(request.request_id, _PRODUCTS_AT_ONCE)
        batch = Batch[Product](_BATCH_LIMITS)
        while await self._read_on(files, request, products, batch):
            pass

    async def _read_on(
        self,
        files: OpenFiles,
        request: Request,
        products: AsyncIterator[Sequence[Product]],
        batch: Batch[Product],
    ) -> bool:
        """Read the next products into `batch` and write it when it is full, or when there are no more (False)."""
        async with self._batches_in_memory:
            some = await anext(products, None)
            for product in some or ():
                if full := batch.add(product):
                    await self._fill_batch(files, request, full)
            if some is None and (rest := batch.take()):
                await self._fill_batch(files, request, rest)
        return some is not None

    async def _fill_batch(self, files: OpenFiles, request: Request, products: Sequence[Product]) -> None:
        filled = await self._look_up(request, products)
        outputs = await asyncio.to_thread(files.write, filled)
        await self._database.products.save_outputs(request.request_id, request.round, outputs)

    async def _look_up(self, request: Request, products: Sequence[Product]) -> list[Filled]:
        ids = {url: image_id(url) for product in products for url in product.input_image_urls}
        found = await self._ended_images(request, set(ids.values()))
        return [
            (product, [found.get(ids[url]) or _unrecorded(request, url) for url in product.input_image_urls])
            for product in products
        ]

    async def _ended_images(self, request: Request, ids: Collection[str]) -> dict[str, Image]:
        found: dict[str, Image] = {}
        left = iter(ids)
        while some := list(islice(left, _BATCH_LIMITS.slots)):
            found |= await self._database.images.find(request.request_id, some)
        for image in found.values():
            if image.state in OPEN_STATES or image.round > request.round:
                raise RoundOver(f"image {image.image_id} is {image.state} in round {image.round}")
        return found


def _keys(request: Request) -> OutputKeys:
    def key(kind: str, extension: str = "csv") -> str:
        return outputs_key(request.request_id, request.round, request.filename, kind, extension)

    return OutputKeys(key("compressed"), key("report"), report_json_key=key("report", "json"), failed_key=key("failed"))


def _unrecorded(request: Request, url: str) -> Image:
    """What stands in the report for a URL without a record, which intake should have made: a request must end."""
    log.error("image_without_record", request_id=request.request_id, url=url)
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
