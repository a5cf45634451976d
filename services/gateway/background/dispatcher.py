"""The dispatcher: keeps a bounded window of images in the broker, shared by all requests and capped per host.

So no request waits behind another's million images, and a slow host delays only its own images. One gateway dispatches
at a time, under a lease. Should two do so for a moment, commands are sent twice, which is harmless.
"""

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from services.gateway.background.parts import WITHOUT_LEASE_SECONDS, BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, DownloadImage, ImageFailed, KnownResult, Message
from shared.contracts.object_keys import reuse_key
from shared.contracts.records import HostCircuit, Image
from shared.persistence import RenewableLease

_BUSY_SECONDS = 0.2
_IDLE_SECONDS = 0.5
_MAX_REQUESTS_PER_PASS = 100  # each costs a query
_EXPIRY_INTERVAL = timedelta(seconds=1)
_MAX_EXPIRY_HOSTS = 100
_EXPIRY_BATCH = 200
_MAX_EXPIRY_BATCHES = 10  # per request

log = structlog.get_logger(__name__)


class Dispatcher:
    """Publishes DownloadImage for pending images that are due, then marks them dispatched."""

    def __init__(self, parts: BackgroundParts, lease: RenewableLease, settings: DispatchSettings) -> None:
        self._database = parts.database
        self._publish = parts.publish
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._lease = lease
        self._window = settings.dispatch_window
        self._per_host = settings.dispatch_per_host
        self._start_within = timedelta(seconds=settings.command_start_by)
        self._reuse = timedelta(days=settings.reuse_days)
        self._random = random.Random()  # noqa: S311 (a fair order, not a secret)
        self._options: dict[str, CompressOptions] = {}
        self._circuits: dict[str, HostCircuit] = {}
        self._expiry_checked_at: datetime | None = None

    async def step(self) -> float:
        """Fill the window with images that are due. Returns the seconds until the next step."""
        if not await self._lease.held():
            self._metrics.dispatched_images.set(0)
            return WITHOUT_LEASE_SECONDS
        in_flight = await self._database.images.in_flight()
        request_ids = await self._database.images.requests_with_pending()
        self._forget_options_except(request_ids)
        self._circuits = {circuit.host: circuit for circuit in await self._database.hosts.not_closed()}
        await self._fail_expired(request_ids)
        while request_ids:
            images = await self._next_images(request_ids, in_flight)
            if not images:
                break
            await self._dispatch(images)
        self._metrics.dispatched_images.set(sum(in_flight.values()))
        return _BUSY_SECONDS if request_ids else _IDLE_SECONDS

    async def _next_images(self, request_ids: Sequence[str], in_flight: dict[str, int]) -> list[Image]:
        """Up to one quota of images for each request, in random order, so that no request is always last."""
        free = self._window - sum(in_flight.values())
        quota = math.ceil(free / len(request_ids))
        chosen: list[Image] = []
        for request_id in self._random.sample(request_ids, min(len(request_ids), _MAX_REQUESTS_PER_PASS)):
            if len(chosen) >= free:
                break
            limit = min(quota, free - len(chosen))
            chosen += await self._images_of(request_id, limit, len(request_ids), in_flight)
        return chosen

    async def _images_of(self, request_id: str, limit: int, requests: int, in_flight: dict[str, int]) -> list[Image]:
        """Due images of one request at hosts below their cap; they are added to `in_flight`.

        All `requests` may want the same host, so each takes only its share of what the host's cap leaves.
        """
        full = [host for host in {*in_flight, *self._circuits} if in_flight.get(host, 0) >= self._cap(host)]
        chosen: list[Image] = []
        shares: dict[str, int] = {}
        for image in await self._database.images.due(request_id, limit, without_hosts=full):
            host, flying = image.host, in_flight.get(image.host, 0)
            share = shares.setdefault(host, math.ceil((self._cap(host) - flying) / requests))
            if share > 0:
                shares[host] = share - 1
                in_flight[host] = flying + 1
                chosen.append(image)
        return chosen

    def _cap(self, host: str) -> int:
        """Images of a host that may be in flight: none while its circuit is open, one while it is half-open."""
        circuit = self._circuits.get(host)
        if circuit is None or circuit.paused_until is None:
            return self._per_host
        return 0 if circuit.paused_until > self._clock() else 1

    async def _fail_expired(self, request_ids: Sequence[str]) -> None:
        """Fail the images past their deadline at hosts whose circuit is not closed, since few or none are sent there.

        Only the images that have been due the longest are read. The rest of a request expires within the time that its
        intake took.
        """
        now = self._clock()
        if not self._circuits or (self._expiry_checked_at and now - self._expiry_checked_at < _EXPIRY_INTERVAL):
            return
        self._expiry_checked_at = now
        hosts = self._random.sample(sorted(self._circuits), min(len(self._circuits), _MAX_EXPIRY_HOSTS))
        for request_id in request_ids:
            for _ in range(_MAX_EXPIRY_BATCHES):
                expired = await self._expired_images(request_id, hosts)
                if not expired:
                    break
                await self._publish([_expired(image, self._circuits[image.host].error_code) for image in expired])
                await self._database.images.mark_dispatched(expired)

    async def _expired_images(self, request_id: str, hosts: Sequence[str]) -> list[Image]:
        oldest = await self._database.images.due_at_hosts(request_id, hosts, _EXPIRY_BATCH)
        return [image for image in oldest if image.deadline <= self._clock()]

    async def _dispatch(self, images: Sequence[Image]) -> None:
        # Publish first, then mark: after a crash between the two the commands are sent again, none is lost.
        options = [await self._options_of(image.request_id) for image in images]
        keys = [reuse_key(image.url, wanted) for image, wanted in zip(images, options, strict=True)]
        known = await self._known_results(keys)
        commands = zip(images, options, map(known.get, keys), strict=True)
        await self._publish([self._command(*command) for command in commands])
        await self._database.images.mark_dispatched(images)

    async def _known_results(self, keys: Sequence[str]) -> dict[str, KnownResult]:
        """By reuse key: the result of an earlier request for the same URL with the same options."""
        if not self._reuse:
            return {}
        reusable = await self._database.images.reusable(set(keys), self._clock() - self._reuse)
        return {
            key: KnownResult(etag=image.etag, last_modified=image.last_modified, result=image.result)
            for key, image in reusable.items()
            if image.result is not None
        }

    def _command(self, image: Image, options: CompressOptions, known: KnownResult | None) -> Message:
        now = self._clock()
        # An image that was never sent gets one attempt even after its deadline: an outage of ours kept it waiting.
        if image.deadline <= now and image.dispatch > 0:
            return _expired(image, ErrorCode.EXPIRED)
        return DownloadImage(
            request_id=image.request_id,
            image_id=image.image_id,
            round=image.round,
            dispatch=image.dispatch + 1,
            attempt=image.attempts + 1,
            url=image.url,
            options=options,
            start_by=now + self._start_within,
            known=known,
            losses=image.losses,
        )

    async def _options_of(self, request_id: str) -> CompressOptions:
        if request_id not in self._options:
            request = await self._database.requests.get(request_id)
            self._options[request_id] = request.options if request else CompressOptions()
        return self._options[request_id]

    def _forget_options_except(self, request_ids: Sequence[str]) -> None:
        keep = set(request_ids)
        self._options = {request_id: options for request_id, options in self._options.items() if request_id in keep}


def _expired(image: Image, code: ErrorCode) -> ImageFailed:
    """The failure of an image past its deadline: with its own last error, or `code` if it has none."""
    last = f"; last error: {image.error_detail}" if image.error_detail else ""
    return ImageFailed(
        request_id=image.request_id,
        image_id=image.image_id,
        round=image.round,
        dispatch=image.dispatch + 1,
        attempt=image.attempts,
        error_code=image.error_code or code,
        error_detail=f"not finished before its deadline{last}",
    )
