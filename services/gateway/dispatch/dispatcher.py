"""The dispatcher: sends an image when its host, the downloaders and the compressors have room for it.

One gateway dispatches at a time, under a lease. Should two do so for a moment, commands are sent twice, which is
harmless.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from services.gateway.background import WITHOUT_LEASE_SECONDS, BackgroundParts, FailingItems
from services.gateway.dispatch.commands import CommandMaker, CommandRules, item_of, send
from services.gateway.dispatch.expiry import UNBUILDABLE_PAUSE, Expiry
from services.gateway.dispatch.host_rules import HostRulebook
from services.gateway.dispatch.in_flight import Flight
from services.gateway.dispatch.reading import Reading
from services.gateway.dispatch.room import Room
from services.gateway.dispatch.waiting import UNREAD, Queue, WaitingImages
from services.gateway.settings import DispatchSettings
from shared.contracts.messages import Report
from shared.contracts.records import DispatchedImage, HostCircuit, Image
from shared.persistence import RenewableLease
from shared.processing_time import OUTAGE
from shared.settings import ImageAgeSettings

_REFRESH_SECONDS = 0.25
_IDLE_SECONDS = 0.5  # images become due, and other gateways add some, without waking this task
_RECONCILE_SECONDS = 2.0
_TOGETHER_SECONDS = 0.01  # reports that arrive in this time are acted on together
_STEP_INTERVAL_SECONDS = 0.05  # under load: each step costs the database several queries
_OBSERVATION_INTERVAL = timedelta(seconds=5)
_BATCH = 200
_OWNER = "everyone"


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """workers_clock: the clock by which the workers read `start_by`."""

    settings: DispatchSettings
    hosts: HostRulebook
    age: ImageAgeSettings
    workers_clock: Callable[[], datetime]


class Dispatcher:
    """Publishes DownloadImage for pending images that are due, then marks them dispatched.

    wake: set when there may be something to do.
    """

    def __init__(self, parts: BackgroundParts, lease: RenewableLease, rules: DispatchRules) -> None:
        self.wake = asyncio.Event()
        self._parts = parts
        self._database = parts.database
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._lease = lease
        self._rules = rules
        self._failing = FailingItems("dispatch", parts.metrics, UNBUILDABLE_PAUSE.total_seconds())
        max_age = timedelta(seconds=rules.age.image_max_age)
        settings = rules.settings
        command_rules = CommandRules(
            start_within=timedelta(seconds=settings.command_start_by),
            reuse=timedelta(days=settings.reuse_days),
            max_age=max_age,
            workers_clock=rules.workers_clock,
        )
        self._commands = CommandMaker(parts.database, command_rules, self._failing, parts.clock)
        self._expiry = Expiry(parts, max_age, self._failing)
        self._has_lease = False
        self._stepped_at = float("-inf")
        self._forget()

    def _forget(self) -> None:
        """While another gateway has the lease, it changes what is in flight."""
        self._room = Room(self._rules.hosts, self._rules.settings.dispatch_window)
        self._waiting = WaitingImages()
        self._reading = Reading(self._database.images, self._room, self._waiting)
        self._request_ids: Sequence[str] = ()
        self._circuits: Sequence[HostCircuit] = ()
        self._refreshed_at = self._reconciled_at = float("-inf")
        self._observed_at: datetime | None = None

    def images_added(self, request_id: str) -> None:
        """There may be new images of a request in the database."""
        self._waiting.added(request_id)
        if request_id not in self._request_ids:
            self._refreshed_at = float("-inf")
        self._wake()

    def take(self, report: Report) -> None:
        """Learn from a report of a worker."""
        self._room.take(report, self._seconds())
        self._wake()

    def _wake(self) -> None:
        if self._has_lease:  # otherwise each report would make a standby ask the database for the lease
            self.wake.set()

    async def step(self) -> float:
        """Send what there is room for. Returns the seconds until the next step."""
        had_lease, self._has_lease = self._has_lease, await self._lease.held()
        if not self._has_lease:
            if had_lease:
                self._forget()
            self._metrics.dispatched_images.set(0)
            return WITHOUT_LEASE_SECONDS
        await asyncio.sleep(max(_TOGETHER_SECONDS, self._stepped_at + _STEP_INTERVAL_SECONDS - monotonic()))
        self._stepped_at = monotonic()
        self.wake.clear()
        await self._refresh_in_time()
        now = self._seconds()
        self._room.open(self._circuits, self._clock(), now)
        self._reading.begin_step()
        await self._read_new_requests()
        while batch := await self._next_batch():
            await self._dispatch(batch)
        self._metrics.dispatched_images.set(len(self._room.in_flight))
        return self._pause(self._seconds())

    def _seconds(self) -> float:
        return self._clock().timestamp()

    def _pause(self, now: float) -> float:
        if not self._request_ids:
            return _IDLE_SECONDS
        next_at = self._room.next_at({host for host, _ in self._room.shares.places() - {UNREAD}}, now)
        return _REFRESH_SECONDS if next_at is None else min(_REFRESH_SECONDS, max(0.0, next_at - now))

    async def _refresh_in_time(self) -> None:
        """Read what other tasks and processes change: several times a second, and at once for a new request."""
        now = monotonic()  # the database's time can go back
        if now - self._reconciled_at >= _RECONCILE_SECONDS:
            self._reconciled_at = now
            dispatched = await self._database.images.dispatched()
            self._room.reconcile([_flight(each) for each in dispatched])
        if now - self._refreshed_at >= _REFRESH_SECONDS:
            self._refreshed_at = now
            await self._refresh(self._seconds())

    async def _refresh(self, now: float) -> None:
        pending = await self._database.images.requests_with_pending()
        cancelled = await self._cancelled() if pending else set()
        readable = [
            request_id
            for request_id in pending
            if request_id not in cancelled and await self._commands.has_readable_options(request_id)
        ]
        self._request_ids = readable
        self._commands.forget_except(set(readable))
        self._waiting.keep(readable, now)
        self._room.shares.set_waiting(dict.fromkeys(readable, _OWNER))
        self._room.forget_except(readable, now)
        await self._observe_outages()
        if pending:
            self._circuits = await self._database.hosts.not_closed()
            await self._expiry.step(self._circuits, self._commands.outages)

    async def _cancelled(self) -> set[str]:
        """The requests that are being cancelled now."""
        return {each.request_id for each in await self._database.cancellations.in_progress()}

    async def _observe_outages(self) -> None:
        """Images do not age in an outage. They are processed if some left the flight, or none has to be."""
        now = self._clock()
        if self._observed_at and timedelta(0) <= now - self._observed_at < _OBSERVATION_INTERVAL:
            return
        working = self._room.ended > 0 or not len(self._room.in_flight)
        self._room.ended, self._observed_at = 0, now
        self._commands.outages = await self._database.outages.observe(working=working, longer_than=OUTAGE)

    async def _read_new_requests(self) -> None:
        """So that it is known which of them are small."""
        while self._reading.left and (request_id := self._waiting.next_unread()) is not None:
            await self._reading.read(request_id, self._seconds())

    async def _next_batch(self) -> list[tuple[Image, Flight]]:
        """Images for which there is room; they occupy it."""
        batch: list[tuple[Image, Flight]] = []
        if self._room.is_full:
            return batch
        shares, now = self._room.shares, self._seconds()
        self._offer_changed(now)
        shares.begin_step({queue: images for queue in shares.places() if (images := self._room_in(queue, now))})
        try:
            await self._fill(batch)
        except BaseException:
            for image, flight in reversed(batch):
                self._room.not_sent(flight)
                self._waiting.put_back(image)
            raise
        return batch

    async def _fill(self, batch: list[tuple[Image, Flight]]) -> None:
        """Add images to the batch until there is no room, or none for which there is."""
        room, shares = self._room, self._room.shares
        in_batch: set[str] = set()  # their images are still due in the database, so a query would find them again
        while not room.is_full and len(batch) < _BATCH and (request_id := shares.choose()) is not None:
            image = await self._choose_image(request_id, may_read=request_id not in in_batch)
            if image is None:
                shares.skip(request_id)
            else:
                now = self._seconds()
                batch.append((image, room.send(image, now)))
                in_batch.add(request_id)
                self._look_at({(image.host, False), (image.host, True)}, now)

    async def _choose_image(self, request_id: str, *, may_read: bool) -> Image | None:
        """The next image of the request for which there is room."""
        image, reads_left = None, self._reading.left
        if self._room.for_request(request_id):
            image = await self._next_image(request_id, self._seconds(), may_read=may_read)
        now = self._seconds()  # a query takes time, and reports may arrive meanwhile
        self._offer_changed(now)
        if self._reading.left < reads_left:  # there may be images of further hosts
            self._look_at(self._waiting.places(request_id, now) | {UNREAD}, now)
        return image

    def _look_at(self, queues: Iterable[Queue], now: float) -> None:
        """The room in these queues may have changed."""
        shares = self._room.shares
        for queue in queues:
            if not (images := self._room_in(queue, now)):
                shares.close(queue)
            elif not shares.is_open(queue):
                shares.open(queue, images)

    def _offer_changed(self, now: float) -> None:
        for each in self._waiting.changed(now):
            self._room.shares.offer(each, self._waiting.remaining(each), self._waiting.places(each, now))

    def _room_in(self, queue: Queue, now: float) -> int:
        """For how many images, or requests whose images are read, there is room."""
        if queue == UNREAD:
            return self._reading.left
        host, alone = queue
        room = self._room.at_host(host, now)
        return min(room, self._room.alone()) if alone else room

    async def _next_image(self, request_id: str, now: float, *, may_read: bool) -> Image | None:
        may_try = self._room.may_try_hosts(request_id)

        def has_room(queue: Queue) -> bool:
            return self._room_in(queue, now) > 0 and (may_try or self._room.is_prompt(queue[0]))

        image = self._waiting.take_first(request_id, has_room)
        if image is None and may_read and self._reading.left and self._waiting.may_read(request_id, now):
            await self._reading.read(request_id, now)
            image = self._waiting.take_first(request_id, has_room)
        return image

    async def _dispatch(self, batch: Sequence[tuple[Image, Flight]]) -> None:
        flights = {item_of(image): flight for image, flight in batch}
        try:
            cancelled = await self._cancelled()
            images = [image for image, _ in batch if image.request_id not in cancelled]
            commands, unbuildable = await self._commands.commands(images)
            await send(self._parts, commands)
            for image, _ in commands:
                del flights[item_of(image)]
            await self._database.images.postpone(unbuildable, self._clock() + UNBUILDABLE_PAUSE)
        finally:
            for flight in flights.values():
                self._room.not_sent(flight)
                self._waiting.added(flight.request_id)


def _flight(image: DispatchedImage) -> Flight:
    return Flight(
        image.request_id,
        image.image_id,
        (image.round, image.dispatch),
        image.host,
        image.losses > 0,
        image.dispatched_at.timestamp(),
        taken_over=True,
    )
