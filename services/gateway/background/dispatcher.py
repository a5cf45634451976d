"""The dispatcher: keeps a bounded window of images in the broker, dealt over all requests and capped per host.

So no request waits behind another's million images, and no host's trouble holds up another host's. One gateway at a
time dispatches, by a lease; that two might for a moment does no harm, since commands may arrive twice.
"""

import math
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, DownloadImage, ImageFailed, KnownResult, Message
from shared.contracts.object_keys import reuse_key
from shared.contracts.records import HostCircuit, Image
from shared.messaging import Publish
from shared.observability import Metrics
from shared.persistence import Database, RenewableLease

_BUSY_SECONDS = 0.2
_IDLE_SECONDS = 0.5
_NOT_OURS_SECONDS = 2.0
_REQUESTS_A_DEAL = 100  # each costs a query
_LOOK_EVERY = timedelta(seconds=1)  # for images of hosts in trouble whose time is over
_HOSTS_A_LOOK = 100
_IMAGES_A_LOOK = 200
_LOOKS_AT_ONCE = 10

log = structlog.get_logger(__name__)


class Dispatcher:
    """Publishes DownloadImage for pending images that are due, then marks them dispatched."""

    def __init__(  # noqa: PLR0913 (a composition root calls this, by name)
        self,
        *,
        database: Database,
        publish: Publish,
        lease: RenewableLease,
        window: int,
        per_host: int,
        start_by: float,
        reuse_days: float,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        """`window` and `per_host` count images in the broker and the workers; `start_by` is in seconds.

        reuse_days: how old a result of an earlier request may be to be reused; 0 for none.
        """
        self._database = database
        self._publish = publish
        self._lease = lease
        self._window = window
        self._per_host = per_host
        self._start_by = timedelta(seconds=start_by)
        self._reuse = timedelta(days=reuse_days)
        self._clock = clock
        self._metrics = metrics
        self._random = random.Random()  # noqa: S311 (a fair order, not a secret)
        self._options: dict[str, CompressOptions] = {}
        self._circuits: dict[str, HostCircuit] = {}
        self._looked_at: datetime | None = None

    async def step(self) -> float:
        """Fill the window as far as there is something due. Returns when to look again, in seconds."""
        if not await self._lease.held():
            self._metrics.dispatched_images.set(0)
            return _NOT_OURS_SECONDS
        in_flight = await self._database.images.in_flight()
        waiting = await self._database.images.requests_with_pending()
        await self._forget_all_but(waiting)
        self._circuits = {host.host: host for host in await self._database.hosts.tripped()}
        await self._end_expired(waiting)
        while waiting:
            dealt = await self._deal(waiting, in_flight)
            if not dealt:
                break
            await self._dispatch(dealt)
        self._metrics.dispatched_images.set(sum(in_flight.values()))
        return _BUSY_SECONDS if waiting else _IDLE_SECONDS

    async def _deal(self, waiting: Sequence[str], in_flight: dict[str, int]) -> list[Image]:
        """One hand for each request while there is room; the order is drawn, so that nobody always comes last."""
        room = self._window - sum(in_flight.values())
        hand = math.ceil(room / len(waiting))
        dealt: list[Image] = []
        for request_id in self._random.sample(waiting, min(len(waiting), _REQUESTS_A_DEAL)):
            if len(dealt) >= room:
                break
            dealt += await self._take(request_id, min(hand, room - len(dealt)), len(waiting), in_flight)
        return dealt

    async def _take(self, request_id: str, hand: int, sharers: int, in_flight: dict[str, int]) -> list[Image]:
        """Images of hosts that are not at their cap, counted as in flight.

        All requests may want the same host, so no hand takes more than its share of what that host has left.
        """
        full = [host for host in {*in_flight, *self._circuits} if in_flight.get(host, 0) >= self._cap(host)]
        taken: list[Image] = []
        shares: dict[str, int] = {}
        for image in await self._database.images.due(request_id, hand, without_hosts=full):
            flying = in_flight.get(image.host, 0)
            left = shares.setdefault(image.host, math.ceil((self._cap(image.host) - flying) / sharers))
            if left > 0:
                shares[image.host] = left - 1
                in_flight[image.host] = flying + 1
                taken.append(image)
        return taken

    def _cap(self, host: str) -> int:
        """None while it is left alone, then one at a time until it is known to work."""
        circuits = self._circuits.get(host)
        if circuits is None or circuits.until is None:
            return self._per_host
        return 0 if circuits.until > self._clock() else 1

    async def _end_expired(self, waiting: Sequence[str]) -> None:
        """Images of hosts in trouble, to which little is sent, have their end in time all the same.

        Those that are due longest are looked at, since they are the oldest; the rest of a request follows within
        the time that its intake took.
        """
        if not self._circuits or (self._looked_at and self._clock() - self._looked_at < _LOOK_EVERY):
            return
        self._looked_at = self._clock()
        hosts = self._random.sample(sorted(self._circuits), min(len(self._circuits), _HOSTS_A_LOOK))
        for request_id in waiting:
            for _ in range(_LOOKS_AT_ONCE):
                expired = await self._expired_at(request_id, hosts)
                if not expired:
                    break
                await self._publish([_expired(image, self._circuits[image.host].error_code) for image in expired])
                await self._database.images.mark_dispatched(expired)

    async def _expired_at(self, request_id: str, hosts: Sequence[str]) -> list[Image]:
        oldest = await self._database.images.due_at_hosts(request_id, hosts, _IMAGES_A_LOOK)
        return [image for image in oldest if image.deadline <= self._clock()]

    async def _dispatch(self, images: Sequence[Image]) -> None:
        # Published first, marked afterwards: a crash between the two sends them twice, never not at all.
        options = [await self._options_of(image.request_id) for image in images]
        keys = [reuse_key(image.url, asked) for image, asked in zip(images, options, strict=True)]
        known = await self._known(keys)
        commands = zip(images, options, map(known.get, keys), strict=True)
        await self._publish([self._command(*command) for command in commands])
        await self._database.images.mark_dispatched(images)

    async def _known(self, keys: Sequence[str]) -> dict[str, KnownResult]:
        """By key, what an earlier request made of the same URL with the same options."""
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
        if image.deadline <= now and image.dispatch > 0:  # after an outage of our own, each still gets its one try
            return _expired(image, ErrorCode.EXPIRED)
        return DownloadImage(
            request_id=image.request_id,
            image_id=image.image_id,
            round=image.round,
            dispatch=image.dispatch + 1,
            attempt=image.attempts + 1,
            url=image.url,
            options=options,
            start_by=now + self._start_by,
            known=known,
        )

    async def _options_of(self, request_id: str) -> CompressOptions:
        if request_id not in self._options:
            request = await self._database.requests.get(request_id)
            self._options[request_id] = request.options if request else CompressOptions()
        return self._options[request_id]

    async def _forget_all_but(self, waiting: Sequence[str]) -> None:
        keep = set(waiting)
        self._options = {key: value for key, value in self._options.items() if key in keep}


def _expired(image: Image, code: ErrorCode) -> ImageFailed:
    """It had its time: it fails with what kept it waiting, by the same way as any other failure."""
    last = f"; last: {image.error_detail}" if image.error_detail else ""
    return ImageFailed(
        request_id=image.request_id,
        image_id=image.image_id,
        round=image.round,
        dispatch=image.dispatch + 1,
        attempt=image.attempts,
        error_code=image.error_code or code,
        error_detail=f"no end was reached in time{last}",
    )
