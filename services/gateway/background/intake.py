"""Intake: a round's images into the database, behind the 202: an upload's rows, or the failed ones of a retry.

Every piece may be done again: ids follow from the upload, what is recorded stays as it is, the request remembers how
many rows are in for certain, and an image how far it was retried. So any gateway may go on where another one was
killed, and one that comes late, even by a round, changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import structlog
from structlog.contextvars import bound_contextvars

from services.gateway.background.upload_reader import copied_upload, read_batches
from services.gateway.catalogue.findings import CatalogueRefused
from services.gateway.catalogue.reading import CatalogueRow
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import image_event, request_accepted_event
from shared.contracts.messages import FinishRequest
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image, Product, Request
from shared.contracts.states import END_STATES, ImageState
from shared.errors import DependencyUnavailable, ObjectMissing
from shared.messaging import DependencyGate, Publish
from shared.persistence import Database, renewing
from shared.storage import ObjectStore
from shared.url_policy import AddressPolicy, host_name, url_fault

LEASE_SECONDS = 10.0
_IMAGES_AT_ONCE = 1_000
_AT_ONCE = 16
_IDLE_SECONDS = 1.0
_AFTER_A_FAULT_SECONDS = 5.0

log = structlog.get_logger(__name__)


class _Interrupted(Exception):
    """The process stops, or the lease is lost: whoever takes the request up next goes on from here."""


class Intake:
    """Takes in requests whose intake is open, side by side, so that none waits behind a large one."""

    def __init__(  # noqa: PLR0913 (a composition root calls this, by name)
        self,
        *,
        database: Database,
        store: ObjectStore,
        publish: Publish,
        policy: AddressPolicy,
        image_max_age: float,
        public_base_url: str,
        clock: Callable[[], datetime],
        gate: DependencyGate,
        taken_in: asyncio.Event,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """`image_max_age` is in seconds. `taken_in` is set whenever there may be something new to dispatch."""
        self._database = database
        self._store = store
        self._publish = publish
        self._policy = policy
        self._image_max_age = timedelta(seconds=image_max_age)
        self._public_base_url = public_base_url
        self._clock = clock
        self._gate = gate
        self._taken_in = taken_in
        self._lease_seconds = lease_seconds
        self._running: dict[str, asyncio.Task[None]] = {}

    async def step(self, stop: asyncio.Event) -> float:
        """Begin with open intakes that nobody is at, side by side. Returns when to look again, in seconds."""
        for request in await self._database.requests.open_intakes():
            if stop.is_set():
                break
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
        lease = self._database.lease(f"intake:{request.request_id}", self._lease_seconds)
        with bound_contextvars(request_id=request.request_id):
            try:
                if await lease.acquire():
                    async with renewing(lease, self._lease_seconds) as lost:
                        await self._take_in(request, partial(_go_on_unless_set, stop, lost))
            except _Interrupted:
                log.info("intake_interrupted")
            except DependencyUnavailable as fault:
                self._gate.close(fault)
            except Exception:
                log.exception("intake_failed")  # the request stays open, and a later step begins again
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _AFTER_A_FAULT_SECONDS)

    async def _take_in(self, request: Request, go_on: Callable[[], None]) -> None:
        if request.round == 1:
            await self._record_upload(request, go_on)
        else:
            await self._retry_failed(request, go_on)
        await self._database.requests.close_intake(
            request.request_id, request.round, await self._database.images.count(request.request_id)
        )
        await self._publish([FinishRequest(request_id=request.request_id, round=request.round)])
        log.info("intake_closed", round=request.round)

    async def _retry_failed(self, request: Request, go_on: Callable[[], None]) -> None:
        deadline = self._clock() + self._image_max_age
        images = self._database.images.retry_failed(request.request_id, request.round, deadline)
        async with aclosing(images) as moved:
            async for _ in moved:
                self._taken_in.set()
                go_on()

    async def _record_upload(self, request: Request, go_on: Callable[[], None]) -> None:
        await self._publish([request_accepted_event(request)])
        try:
            async with copied_upload(self._store, request.upload_key, go_on) as upload:
                async for batch in read_batches(upload, request.catalogue_format, request.intake_rows, go_on):
                    await self._record(request, batch)
                    await self._database.requests.save_intake(request.request_id, request.round, batch[-1].row)
                    self._taken_in.set()
        except ObjectMissing:  # nothing more can be had; what is recorded gets its answer
            log.exception("upload_lost")
        except CatalogueRefused:  # nor will it be another one next time
            log.exception("accepted_upload_refused")

    async def _record(self, request: Request, rows: list[CatalogueRow]) -> None:
        await self._database.products.insert_many([_product(request, row) for row in rows])
        urls = iter(dict.fromkeys(url for row in rows for url in row.urls))
        while some := list(islice(urls, _IMAGES_AT_ONCE)):
            await self._record_images(request, await asyncio.to_thread(self._images, request, some))

    async def _record_images(self, request: Request, images: list[Image]) -> None:
        await self._database.images.insert_many(images)
        refused = [image.image_id for image in images if image.state is ImageState.FAILED]
        if refused:
            recorded = await self._database.images.find(request.request_id, refused)
            ended = [image for image in recorded.values() if image.state in END_STATES]  # unless it is retried by now
            await self._publish([image_event(image, self._public_base_url) for image in ended])

    def _images(self, request: Request, urls: Iterable[str]) -> list[Image]:
        now = self._clock()
        return [self._image(request, url, now) for url in urls]

    def _image(self, request: Request, url: str, now: datetime) -> Image:
        fault = url_fault(url, self._policy)
        return Image(
            request_id=request.request_id,
            image_id=image_id(url),
            url=url,
            host="" if fault and fault.code is ErrorCode.INVALID_URL else host_name(url),
            state=ImageState.FAILED if fault else ImageState.PENDING,
            round=request.round,
            dispatch=0,
            attempts=0,
            deadline=now + self._image_max_age,
            error_code=fault.code if fault else None,
            error_detail=fault.detail if fault else None,
            ended_at=now if fault else None,
        )


def _go_on_unless_set(stop: asyncio.Event, lost: asyncio.Event) -> None:
    if stop.is_set() or lost.is_set():
        raise _Interrupted


def _product(request: Request, row: CatalogueRow) -> Product:
    return Product(
        request_id=request.request_id,
        row=row.row,
        serial_number=row.serial_number,
        product_name=row.product_name,
        input_image_urls=row.urls,
        slots=row.slots,
        record=row.record,
    )
