"""Intake: writes a round's images to the database after the 202: those of an upload, or the failed ones of a retry.

Every step can be repeated. Ids follow from the upload, existing records stay as they are, and progress is stored: the
request has the number of recorded rows, an image the round of its retry. So any gateway can continue where another one
was killed, and one that is late, even by a round, changes nothing.

Intake of a request that is being cancelled goes on, so that every row and every slot is in the outputs. It records
further images as cancelled; the background task `cancel` ends those recorded before.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice

import structlog
from structlog.contextvars import bound_contextvars

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.loop import end
from services.gateway.background.parts import BackgroundParts
from services.gateway.background.upload_reader import copied_upload, read_batches
from services.gateway.catalogue import CatalogueRefused, CatalogueRow
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import image_event, request_accepted_event
from shared.contracts.messages import FinishRequest
from shared.contracts.object_keys import image_id
from shared.contracts.records import CANCELLED_DETAIL, Image, Product, Request, position_of
from shared.contracts.states import EVENT_STATES, ImageState, RequestError
from shared.errors import DependencyUnavailable, ObjectMissing
from shared.messaging import DependencyGate
from shared.persistence import LEASE_SECONDS, renewing
from shared.storage import ObjectStore
from shared.url_policy import AddressPolicy, judge_url

_MAX_REQUESTS_AT_ONCE = 16
_MAX_IMAGES_PER_WRITE = 1_000
_IDLE_SECONDS = 1.0  # finds intakes that another gateway left; an upload wakes the task at once

log = structlog.get_logger(__name__)


class _Interrupted(Exception):
    """The process stops or the lease is lost. The next holder of the lease continues from here."""


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """lease_seconds: of the lease on a request's intake."""

    fetch_policy: AddressPolicy
    public_base_url: str
    lease_seconds: float = LEASE_SECONDS


class Intake:
    """Works on several requests whose intake is open at once, so that none waits behind a large one."""

    def __init__(
        self,
        parts: BackgroundParts,
        store: ObjectStore,
        rules: IntakeRules,
        gate: DependencyGate,
        images_added: Callable[[str], None],
    ) -> None:
        """`images_added` is called with the id of a request that may have new images to dispatch."""
        self._database = parts.database
        self._publish = parts.publish
        self._clock = parts.clock
        self._store = store
        self._rules = rules
        self._gate = gate
        self._images_added = images_added
        self._running: dict[str, asyncio.Task[None]] = {}
        self._failing = FailingItems("intake", parts.metrics)

    async def step(self, stop: asyncio.Event) -> float:
        """Start a task for each open intake that has none here. Returns the seconds until the next step."""
        for request in await self._database.requests.open_intakes():
            if stop.is_set():
                break
            if len(self._running) >= _MAX_REQUESTS_AT_ONCE:
                break
            if request.request_id not in self._running and request.request_id not in self._failing:
                task = asyncio.create_task(self._try_to_take_in(request, stop))
                self._running[request.request_id] = task
                task.add_done_callback(partial(self._forget, request.request_id))
        return _IDLE_SECONDS

    def _forget(self, request_id: str, _: asyncio.Task[None]) -> None:
        del self._running[request_id]

    async def drain(self) -> None:
        """After `stop` was set: wait for the batches in progress, or abandon them if the database does not answer."""
        await end(list(self._running.values()))

    async def _try_to_take_in(self, request: Request, stop: asyncio.Event) -> None:
        with bound_contextvars(request_id=request.request_id):
            try:
                with self._failing.attempt(request.request_id):  # its intake stays open
                    await self._take_in_under_lease(request, stop)
            except DependencyUnavailable as fault:
                self._gate.close(fault)

    async def _take_in_under_lease(self, request: Request, stop: asyncio.Event) -> None:
        lease = self._database.lease(f"intake:{request.request_id}", self._rules.lease_seconds)
        if not await lease.acquire():
            return
        began = time.monotonic()
        try:
            async with renewing(lease, self._rules.lease_seconds) as lost:
                await self._take_in(request, partial(_raise_if_set, stop, lost))
        except _Interrupted:
            log.info("intake_interrupted")
        else:
            if request.round == 1:  # it has read the store, and written to the disk and the database
                self._gate.succeeded(began)

    async def _take_in(self, request: Request, checkpoint: Callable[[], None]) -> None:
        error = None
        if request.round == 1:
            error = await self._record_upload(request, checkpoint)
        else:
            await self._retry_failed(request, checkpoint)
        await self._database.requests.close_intake(
            request.request_id, request.round, await self._database.images.count(request.request_id), error
        )
        await self._publish([FinishRequest(request_id=request.request_id, round=request.round)])
        log.info("intake_closed", round=request.round)

    async def _retry_failed(self, request: Request, checkpoint: Callable[[], None]) -> None:
        images = self._database.images.retry_failed(request.request_id, request.round)
        async with aclosing(images) as moved:
            async for _ in moved:
                self._images_added(request.request_id)
                checkpoint()

    async def _record_upload(self, request: Request, checkpoint: Callable[[], None]) -> RequestError | None:
        """The error, if not all rows can be read. The images recorded so far are still processed."""
        await self._publish([request_accepted_event(request)])
        try:
            async with copied_upload(self._store, request.upload_key, checkpoint) as upload:
                async for batch in read_batches(upload, request.catalogue_format, request.intake_rows, checkpoint):
                    await self._record(request, batch)
                    cancelling = await self._database.requests.save_intake(
                        request.request_id, request.round, batch[-1].row
                    )
                    request = replace(request, cancelling=cancelling)
                    self._images_added(request.request_id)
        except ObjectMissing:
            log.exception("upload_lost")
            return RequestError.UPLOAD_LOST
        except CatalogueRefused:  # reading it again would give the same result
            log.exception("accepted_upload_refused")
            return RequestError.UPLOAD_UNREADABLE
        return None

    async def _record(self, request: Request, rows: list[CatalogueRow]) -> None:
        await self._database.products.insert_many([_product(request, row) for row in rows])
        slots = ((url, position_of(row.row, slot)) for row in rows for slot, url in enumerate(row.urls))
        first_slots: dict[str, int] = {}
        for url, position in slots:
            first_slots.setdefault(url, position)
        urls = iter(first_slots.items())
        while batch := list(islice(urls, _MAX_IMAGES_PER_WRITE)):
            await self._record_images(request, await asyncio.to_thread(self._images, request, batch))

    async def _record_images(self, request: Request, images: list[Image]) -> None:
        await self._database.images.insert_many(images)
        refused = [image.image_id for image in images if image.state is ImageState.FAILED]
        if refused:
            recorded = await self._database.images.find(request.request_id, refused)
            # One may have been retried since, and is open again.
            failed = [image for image in recorded.values() if image.state in EVENT_STATES]
            await self._publish([image_event(image, self._rules.public_base_url) for image in failed])

    def _images(self, request: Request, urls: Iterable[tuple[str, int]]) -> list[Image]:
        now = self._clock()
        return [self._image(request, url, position, now) for url, position in urls]

    def _image(self, request: Request, url: str, position: int, now: datetime) -> Image:
        host, fault = judge_url(url, self._rules.fetch_policy)
        if fault:
            state, code, detail = ImageState.FAILED, fault.code, fault.detail
        elif request.cancelling:
            state, code, detail = ImageState.CANCELLED, ErrorCode.CANCELLED, CANCELLED_DETAIL
        else:
            state, code, detail = ImageState.PENDING, None, None
        return Image(
            request_id=request.request_id,
            image_id=image_id(url),
            url=url,
            host=host,
            state=state,
            round=request.round,
            dispatch=0,
            attempts=0,
            error_code=code,
            error_detail=detail,
            ended_at=None if state is ImageState.PENDING else now,
            position=position,
        )


def _raise_if_set(stop: asyncio.Event, lost: asyncio.Event) -> None:
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
