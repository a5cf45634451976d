"""Writing a request's output CSV and report into the object store, in memory that does not grow with the request."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Self

import structlog

from services.aggregator.csv_output import OutputCsv
from services.aggregator.csv_report import ReportCsv
from services.aggregator.portion import SLOTS, Portion
from shared.catalogue.form import CatalogueForm
from shared.contracts.error_codes import ErrorCode
from shared.contracts.object_keys import image_id, outputs_key, public_url
from shared.contracts.records import Image, OutputKeys, Product, Request
from shared.contracts.states import OPEN_STATES, ImageState
from shared.persistence import Database
from shared.storage.object_store import ObjectStore

_PRODUCTS_AT_ONCE = 25  # a row may take megabytes
_BATCHES_AT_ONCE = 4
_CSV_TYPE = "text/csv; charset=utf-8"

Filled = tuple[Product, Sequence[Image]]
"""A product and the image of each of its slots."""

log = structlog.get_logger(__name__)


class RoundOver(Exception):
    """An image is on its way, or was retried: another round has begun, and this one's files are written already."""


class OutputWriter:
    """Reads products and images in batches, writes both files to a temporary folder, then stores them.

    However many requests are written at once, only a few of their batches are in memory, and each request's turn comes
    after a batch of the others', not after all of them.
    """

    def __init__(self, database: Database, store: ObjectStore, public_base_url: str, *, guard_formulas: bool) -> None:
        self._database = database
        self._store = store
        self._base_url = public_base_url
        self._guard_formulas = guard_formulas
        self._batches_in_memory = asyncio.Semaphore(_BATCHES_AT_ONCE)

    async def write(self, request: Request) -> OutputKeys:
        """Store the files and record the products' output URLs.

        Repeatable: images that have reached their end give the same bytes each time. Raises RoundOver.
        """
        output_key = outputs_key(request.request_id, request.round, request.filename, "compressed")
        report_key = outputs_key(request.request_id, request.round, request.filename, "report")
        with tempfile.TemporaryDirectory(prefix="imagemill-") as folder:
            output, report = Path(folder, "output.csv"), Path(folder, "report.csv")
            with _OpenFiles(output, report, request.form, self._base_url, self._guard_formulas) as files:
                await self._fill(files, request)
            await self._store.put_file(report_key, report, _CSV_TYPE)
            await self._store.put_file(output_key, output, _CSV_TYPE)
        return OutputKeys(output_key, report_key, summary_key=report_key, failed_key=None)

    async def _fill(self, files: "_OpenFiles", request: Request) -> None:
        batches = self._database.products.batches(request.request_id, _PRODUCTS_AT_ONCE)
        portion = Portion()
        while await self._fill_batch(files, request, batches, portion):
            pass
        await self._fill_portion(files, request, portion.take())

    async def _fill_batch(
        self, files: "_OpenFiles", request: Request, batches: AsyncIterator[Sequence[Product]], portion: Portion
    ) -> bool:
        """Write the next batch, but for what is left in `portion`. False if there is none."""
        async with self._batches_in_memory:
            batch = await anext(batches, None)
            for product in batch or ():
                portion.add(product)
                if portion.is_full:
                    await self._fill_portion(files, request, portion.take())
        return batch is not None

    async def _fill_portion(self, files: "_OpenFiles", request: Request, products: Sequence[Product]) -> None:
        filled = await self._look_up(request, products)
        outputs = await asyncio.to_thread(files.write, filled)
        await self._database.products.save_outputs(request.request_id, outputs)

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
        while some := list(islice(left, SLOTS)):
            found |= await self._database.images.find(request.request_id, some)
        for image in found.values():
            if image.state in OPEN_STATES or image.round > request.round:
                raise RoundOver(f"image {image.image_id} is {image.state} in round {image.round}")
        return found


class _OpenFiles:
    """The two files while they are written. Its methods block, so they run in a thread."""

    def __init__(self, output: Path, report: Path, form: CatalogueForm, base_url: str, guard_formulas: bool) -> None:
        self._base_url = base_url
        with ExitStack() as opened:
            sinks = [opened.enter_context(path.open("w", encoding="utf-8", newline="")) for path in (output, report)]
            self._output = OutputCsv(sinks[0], form, guard_formulas=guard_formulas)
            self._report = ReportCsv(sinks[1], base_url, guard_formulas=guard_formulas)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def write(self, filled: Iterable[Filled]) -> list[tuple[int, list[str]]]:
        """Write the products' rows and lines; the output URLs of each row, one for each slot."""
        outputs = []
        for product, images in filled:
            slots = [public_url(self._base_url, image.result.key) if image.result else "" for image in images]
            self._output.write(product, slots)
            for position, image in enumerate(images, start=1):
                self._report.write(product, position, image)
            outputs.append((product.row, slots))
        return outputs


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
