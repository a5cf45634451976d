"""The dispatcher: keeps a bounded window of images in the broker, shared by all requests and capped per host.

So no request waits behind another's million images, and a slow host delays only its own images. One gateway dispatches
at a time, under a lease. Should two do so for a moment, commands are sent twice, which is harmless.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.parts import WITHOUT_LEASE_SECONDS, BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.messages import CompressOptions, DownloadImage, ImageFailed, KnownResult, Message
from shared.contracts.object_keys import reuse_key
from shared.contracts.records import HostCircuit, Image, Outage
from shared.errors import UnreadableRecord
from shared.persistence import RenewableLease
from shared.processing_time import OUTAGE, aged_until
from shared.settings import ImageAgeSettings

ALONE_SHARE = 0.1
"""The share of the window for images that lost a worker: they are processed one at a time, and so stay longer."""
_BUSY_SECONDS = 0.2
_IDLE_SECONDS = 0.5  # images become due, and other gateways add some, without waking this task
_MAX_REQUESTS_PER_PASS = 100  # each costs a query
_EXPIRY_INTERVAL = timedelta(seconds=1)
_MAX_EXPIRY_HOSTS = 100
_EXPIRY_BATCH = 200
_MAX_EXPIRY_BATCHES = 10  # per host
_OBSERVATION_INTERVAL = timedelta(seconds=5)
_TRY_OUT_TIME = timedelta(minutes=2)
"""A half-open host gets another try-out if the last one has no answer by then: its command may be lost."""
_UNBUILDABLE_PAUSE = timedelta(minutes=15)
"""Of an image of which no message can be made: another version, or a change of its record, may help."""

M = TypeVar("M", bound=Message)

log = structlog.get_logger(__name__)


class Dispatcher:
    """Publishes DownloadImage for pending images that are due, then marks them dispatched."""

    def __init__(
        self,
        parts: BackgroundParts,
        lease: RenewableLease,
        settings: DispatchSettings,
        age: ImageAgeSettings,
        workers_clock: Callable[[], datetime],
    ) -> None:
        """`workers_clock`: the clock by which the workers read `start_by`."""
        self._database = parts.database
        self._publish = parts.publish
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._lease = lease
        self._window = settings.dispatch_window
        self._per_host = settings.dispatch_per_host
        self._max_alone = max(1, int(settings.dispatch_window * ALONE_SHARE))
        self._start_within = timedelta(seconds=settings.command_start_by)
        self._workers_clock = workers_clock
        self._max_age = timedelta(seconds=age.image_max_age)
        self._reuse = timedelta(days=settings.reuse_days)
        self._random = random.Random()  # noqa: S311 (a fair order, not a secret)
        self._options: dict[str, CompressOptions] = {}
        self._circuits: dict[str, HostCircuit] = {}
        self._caps: dict[str, int] = {}
        self._free_alone = 0
        self._expiry_checked_at: datetime | None = None
        self._failing = FailingItems("dispatch", parts.metrics, _UNBUILDABLE_PAUSE.total_seconds())
        self._outages: Sequence[Outage] = ()
        self._left_in_flight = 0
        self._working = False
        self._observed_at: datetime | None = None

    async def step(self) -> float:
        """Fill the window with images that are due. Returns the seconds until the next step."""
        if not await self._lease.held():
            self._metrics.dispatched_images.set(0)
            return WITHOUT_LEASE_SECONDS
        in_flight = await self._database.images.in_flight()
        self._free_alone = self._max_alone - await self._database.images.in_flight_alone()
        request_ids = await self._not_cancelled(await self._database.images.requests_with_pending())
        self._forget_options_except(request_ids)
        sent = sum(in_flight.values())
        await self._observe_outages(sent)
        circuits = await self._database.hosts.not_closed()
        self._caps = await self._caps_of(circuits, in_flight)
        await self._fail_expired(circuits)
        while request_ids:
            images = await self._next_images(request_ids, in_flight)
            if not images:
                break
            request_ids = await self._not_cancelled(request_ids)
            sent += await self._dispatch([image for image in images if image.request_id in set(request_ids)])
        self._left_in_flight = sent
        self._metrics.dispatched_images.set(self._left_in_flight)
        return _BUSY_SECONDS if request_ids else _IDLE_SECONDS

    async def _observe_outages(self, in_flight: int) -> None:
        """Images do not age in an outage. They are processed if some left the flight, or none has to be."""
        now = self._clock()
        self._working = self._working or in_flight == 0 or in_flight < self._left_in_flight
        if self._observed_at and now - self._observed_at < _OBSERVATION_INTERVAL:
            return
        working, self._working, self._observed_at = self._working, False, now
        self._outages = await self._database.outages.observe(working=working, longer_than=OUTAGE)

    async def _not_cancelled(self, request_ids: Sequence[str]) -> list[str]:
        """Those that are not being cancelled now."""
        cancelled = {each.request_id for each in await self._database.cancellations.in_progress()}
        return [request_id for request_id in request_ids if request_id not in cancelled]

    async def _next_images(self, request_ids: Sequence[str], in_flight: dict[str, int]) -> list[Image]:
        """Up to one quota of images for each request, in random order, so that no request is always last."""
        free = self._window - sum(in_flight.values())
        quota = math.ceil(free / len(request_ids))
        chosen: list[Image] = []
        for request_id in self._random.sample(request_ids, min(len(request_ids), _MAX_REQUESTS_PER_PASS)):
            if len(chosen) >= free:
                break
            if not await self._has_readable_options(request_id):
                continue
            limit = min(quota, free - len(chosen))
            chosen += await self._images_of(request_id, limit, len(request_ids), in_flight)
        return chosen

    async def _images_of(self, request_id: str, limit: int, requests: int, in_flight: dict[str, int]) -> list[Image]:
        """Due images of one request at hosts below their cap; they are added to `in_flight`, even if sending fails.

        All `requests` may want the same host, so each takes only its share of what the host's cap leaves.
        """
        full = [host for host in {*in_flight, *self._caps} if in_flight.get(host, 0) >= self._cap(host)]
        chosen: list[Image] = []
        shares: dict[str, int] = {}
        none_alone = self._free_alone <= 0
        due = await self._database.images.due(request_id, limit, without_hosts=full, without_losses=none_alone)
        for image in due:
            if image.losses and self._free_alone <= 0:
                continue
            host, flying = image.host, in_flight.get(image.host, 0)
            share = shares.setdefault(host, math.ceil((self._cap(host) - flying) / requests))
            if share > 0:
                shares[host] = share - 1
                in_flight[host] = flying + 1
                self._free_alone -= image.losses > 0
                chosen.append(image)
        return chosen

    def _cap(self, host: str) -> int:
        """Images of a host that may be in flight."""
        return self._caps.get(host, self._per_host)

    async def _caps_of(self, circuits: Sequence[HostCircuit], in_flight: Mapping[str, int]) -> dict[str, int]:
        """Of hosts whose circuit is not closed: none while it is open; while it is half-open, one that is not late."""
        now = self._clock()
        half_open = [circuit.host for circuit in circuits if circuit.paused_until and circuit.paused_until <= now]
        tried = [host for host in half_open if host in in_flight]
        recent = await self._database.images.dispatched_since(tried, now - _TRY_OUT_TIME) if tried else {}
        late = {host: in_flight[host] - recent.get(host, 0) for host in tried}
        return dict.fromkeys((circuit.host for circuit in circuits), 0) | {
            host: 1 + late.get(host, 0) for host in half_open
        }

    async def _fail_expired(self, circuits: Sequence[HostCircuit]) -> None:
        """Fail the images past their deadline at hosts whose circuit is not closed: few or none are sent there."""
        now = self._clock()
        if self._expiry_checked_at and now - self._expiry_checked_at < _EXPIRY_INTERVAL:
            return
        self._expiry_checked_at = now
        for circuit in self._random.sample(circuits, min(len(circuits), _MAX_EXPIRY_HOSTS)):
            for _ in range(_MAX_EXPIRY_BATCHES):
                expired = await self._expired_images(circuit)
                if not expired:
                    break
                failed, unbuildable = self._built(expired, lambda image: _expired(image, circuit))  # noqa: B023 (called at once)
                await self._send(failed)
                await self._database.images.postpone_expiry(unbuildable, self._clock() + _UNBUILDABLE_PAUSE)

    async def _expired_images(self, circuit: HostCircuit) -> list[Image]:
        """Images whose deadline had passed when the host last failed: that fault counts as their last try.

        An image that was never tried has no deadline. At a host that fails it has the maximum age too, from when it
        began to wait or the host to fail; otherwise it could wait for ever.
        """
        fault_at, since = circuit.last_fault_at, circuit.paused_since
        if fault_at is None or since is None:  # recorded by an earlier version
            return []
        deadline_by = aged_until(fault_at, self._max_age, self._outages)
        oldest = deadline_by - self._max_age
        return await self._database.images.expired(
            circuit.host,
            deadline_by=deadline_by,
            untried_since=oldest if since <= oldest else None,
            limit=_EXPIRY_BATCH,
        )

    async def _dispatch(self, images: Sequence[Image]) -> int:
        """The number of images dispatched. Those of which no command can be made are due again after a pause."""
        options = {image.request_id: await self._options_of(image.request_id) for image in images}
        keys = {_item(image): reuse_key(image.url, options[image.request_id]) for image in images}
        known = await self._known_results(list(keys.values()))
        commands, unbuildable = self._built(
            images, lambda image: self._command(image, options[image.request_id], known.get(keys[_item(image)]))
        )
        await self._send(commands)
        await self._database.images.postpone(unbuildable, self._clock() + _UNBUILDABLE_PAUSE)
        return len(commands)

    async def _send(self, messages: Sequence[tuple[Image, Message]]) -> None:
        # Publish first, then mark: after a crash between the two the messages are sent again, none is lost.
        await self._publish([message for _, message in messages])
        await self._database.images.mark_dispatched([image for image, _ in messages])

    def _built(self, images: Sequence[Image], build: Callable[[Image], M]) -> tuple[list[tuple[Image, M]], list[Image]]:
        """Each image with its message, and the images of which none can be made."""
        built: dict[str, tuple[Image, M]] = {}
        for image in images:
            with self._failing.attempt(_item(image)):
                built[_item(image)] = image, build(image)
        return list(built.values()), [image for image in images if _item(image) not in built]

    async def _known_results(self, keys: Sequence[str]) -> dict[str, KnownResult]:
        """By reuse key: the result of an earlier request for the same URL with the same options."""
        if not self._reuse:
            return {}
        reusable = await self._database.images.reusable(set(keys), self._clock() - self._reuse)
        known = {}
        for key, image in reusable.items():
            if image.result is not None and key not in self._failing:
                with self._failing.attempt(key):
                    known[key] = KnownResult(
                        etag=image.etag, last_modified=image.last_modified, result=image.result, reuse_key=key
                    )
        return known

    def _command(self, image: Image, options: CompressOptions, known: KnownResult | None) -> DownloadImage:
        now = self._clock()
        return DownloadImage(
            request_id=image.request_id,
            image_id=image.image_id,
            round=image.round,
            dispatch=image.dispatch + 1,
            attempt=image.attempts + 1,
            url=image.url,
            options=options,
            start_by=self._workers_clock() + self._start_within,
            known=known,
            losses=image.losses,
            last=image.deadline is not None and image.deadline <= aged_until(now, self._max_age, self._outages),
        )

    async def _options_of(self, request_id: str) -> CompressOptions:
        if request_id not in self._options:
            request = await self._database.requests.get(request_id)
            self._options[request_id] = request.options if request else CompressOptions()
        return self._options[request_id]

    async def _has_readable_options(self, request_id: str) -> bool:
        """False for a request that another version has to dispatch."""
        try:
            await self._options_of(request_id)
        except UnreadableRecord:
            return False
        return True

    def _forget_options_except(self, request_ids: Sequence[str]) -> None:
        keep = set(request_ids)
        self._options = {request_id: options for request_id, options in self._options.items() if request_id in keep}


def _item(image: Image) -> str:
    return f"{image.request_id}:{image.image_id}"


def _expired(image: Image, circuit: HostCircuit) -> ImageFailed:
    """The failure of an image past its deadline: with its own last error, or its host's if it was never tried."""
    last = f"; last error: {image.error_detail}" if image.error_detail else ""
    return ImageFailed(
        request_id=image.request_id,
        image_id=image.image_id,
        round=image.round,
        dispatch=image.dispatch + 1,
        attempt=image.attempts,
        error_code=image.error_code or circuit.error_code,
        error_detail=f"its host failed until the image's deadline{last}",
    )
