"""Intake: from an accepted upload to its products and images in the database, behind the 202.

Every piece may be done again: ids follow from the upload, what is recorded stays as it is, and the request remembers
how many rows are in for certain. So any gateway may go on where another one was killed.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import BinaryIO
from urllib.parse import urlsplit

import structlog
from structlog.contextvars import bound_contextvars

from services.gateway.csv_input import CatalogueLimits, CatalogueRow, open_catalogue
from services.gateway.held_lease import HeldLease
from services.gateway.image_urls import slot_fault
from shared.contracts.events import image_event, request_accepted_event
from shared.contracts.messages import FinishRequest
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image, Product, Request
from shared.contracts.states import ImageState
from shared.errors import ObjectMissing, OwnFault
from shared.messaging import DependencyGate, Publish
from shared.outbound.address_guard import AddressPolicy
from shared.persistence import Database
from shared.storage.object_store import ObjectStore

_LEASE_SECONDS = 10.0
_BATCH_ROWS = 500
_CHUNK_BYTES = 1 << 20
_AT_ONCE = 16
_IDLE_SECONDS = 1.0
_AFTER_A_FAULT_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Intake:
    """Takes in uploads whose intake is open, side by side, so that none waits behind a large one."""

    def __init__(  # noqa: PLR0913 (a composition root calls this, by name)
        self,
        *,
        database: Database,
        store: ObjectStore,
        publish: Publish,
        limits: CatalogueLimits,
        policy: AddressPolicy,
        image_max_age: float,
        public_base_url: str,
        clock: Callable[[], datetime],
        gate: DependencyGate,
        taken_in: asyncio.Event,
    ) -> None:
        """`image_max_age` is in seconds. `taken_in` is set whenever there may be something new to dispatch."""
        self._database = database
        self._store = store
        self._publish = publish
        self._limits = limits
        self._policy = policy
        self._image_max_age = timedelta(seconds=image_max_age)
        self._public_base_url = public_base_url
        self._clock = clock
        self._gate = gate
        self._taken_in = taken_in
        self._running: dict[str, asyncio.Task[None]] = {}

    async def step(self, stop: asyncio.Event) -> float:
        """Begin with open uploads that nobody is at, side by side. Returns when to look again, in seconds."""
        for request in await self._database.requests.open_intakes():
            if len(self._running) < _AT_ONCE and request.request_id not in self._running:
                task = asyncio.create_task(self._take_in_if_ours(request, stop))
                self._running[request.request_id] = task
                task.add_done_callback(partial(self._forget, request.request_id))
        return _IDLE_SECONDS

    def _forget(self, request_id: str, _: asyncio.Task[None]) -> None:
        del self._running[request_id]

    async def drain(self) -> None:
        """Wait for the batches under way, after `stop` was set."""
        await asyncio.gather(*self._running.values())

    async def _take_in_if_ours(self, request: Request, stop: asyncio.Event) -> None:
        lease = HeldLease(self._database.lease(f"intake:{request.request_id}", _LEASE_SECONDS), _LEASE_SECONDS)
        with bound_contextvars(request_id=request.request_id):
            try:
                if await lease.held():
                    await self._take_in(request, lease, stop)
                    await lease.release()
            except OwnFault as fault:
                self._gate.close(fault)
            except Exception:
                log.exception("intake_failed")  # the request stays open, and the next step begins again
                await asyncio.sleep(_AFTER_A_FAULT_SECONDS)

    async def _take_in(self, request: Request, lease: HeldLease, stop: asyncio.Event) -> None:
        await self._publish([request_accepted_event(request)])
        try:
            async with self._upload(request) as upload:
                rows = open_catalogue(iter(lambda: upload.read(_CHUNK_BYTES), b""), self._limits).rows()
                if not await self._record_all(request, rows, lease, stop):
                    return
        except ObjectMissing:  # nothing more can be had; what is recorded gets its answer
            log.exception("upload_lost")
        await self._database.requests.close_intake(
            request.request_id, await self._database.images.count(request.request_id)
        )
        await self._publish([FinishRequest(request_id=request.request_id, round=request.round)])
        log.info("intake_closed")

    @asynccontextmanager
    async def _upload(self, request: Request) -> AsyncIterator[BinaryIO]:
        """The upload on the local disk, since it is read more slowly than the store likes to wait."""
        with tempfile.TemporaryFile() as file:
            async for chunk in self._store.read_chunks(request.upload_key):
                await asyncio.to_thread(file.write, chunk)
            file.seek(0)
            yield file

    async def _record_all(
        self, request: Request, rows: Iterator[CatalogueRow], lease: HeldLease, stop: asyncio.Event
    ) -> bool:
        """Record the rows behind those that are in already; False if interrupted, and another gateway may go on."""
        rows = (row for row in rows if row.row > request.intake_rows)
        while batch := list(islice(rows, _BATCH_ROWS)):
            await self._record(request, batch)
            await self._database.requests.save_intake(request.request_id, batch[-1].row)
            self._taken_in.set()
            if stop.is_set() or not await lease.held():
                return False
        return True

    async def _record(self, request: Request, rows: list[CatalogueRow]) -> None:
        await self._database.products.insert_many([_product(request, row) for row in rows])
        images = self._images(request, (url for row in rows for url in row.urls))
        await self._database.images.insert_many(images)
        refused = [image.image_id for image in images if image.state is ImageState.FAILED]
        if refused:
            recorded = await self._database.images.find(request.request_id, refused)
            await self._publish([image_event(image, self._public_base_url) for image in recorded.values()])

    def _images(self, request: Request, urls: Iterable[str]) -> list[Image]:
        now = self._clock()
        return [self._image(request, url, now) for url in dict.fromkeys(urls)]

    def _image(self, request: Request, url: str, now: datetime) -> Image:
        fault = slot_fault(url, self._policy)
        return Image(
            request_id=request.request_id,
            image_id=image_id(url),
            url=url,
            host="" if fault else (urlsplit(url).hostname or ""),
            state=ImageState.FAILED if fault else ImageState.PENDING,
            round=request.round,
            dispatch=0,
            attempts=0,
            deadline=now + self._image_max_age,
            error_code=fault[0] if fault else None,
            error_detail=fault[1] if fault else None,
            ended_at=now if fault else None,
        )


def _product(request: Request, row: CatalogueRow) -> Product:
    return Product(
        request_id=request.request_id,
        row=row.row,
        serial_number=row.serial_number,
        product_name=row.product_name,
        input_image_urls=row.urls,
        cells=row.cells,
    )
