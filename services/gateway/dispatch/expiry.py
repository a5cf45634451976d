"""Fails the images whose deadline has passed at hosts whose circuit is not closed: few or none are sent there."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from services.gateway.background import BackgroundParts, FailingItems
from services.gateway.dispatch.commands import built, send
from shared.contracts.messages import ImageFailed
from shared.contracts.records import HostCircuit, Image, Outage
from shared.processing_time import aged_until

UNBUILDABLE_PAUSE = timedelta(minutes=15)
"""Of an image of which no message can be made: another version, or a change of its record, may help."""

_INTERVAL = timedelta(seconds=1)
_MAX_HOSTS = 100
_BATCH = 200
_MAX_BATCHES = 10  # per host


class Expiry:
    """Publishes ImageFailed for expired images, then marks them dispatched."""

    def __init__(self, parts: BackgroundParts, max_age: timedelta, failing: FailingItems) -> None:
        self._parts = parts
        self._images = parts.database.images
        self._clock: Callable[[], datetime] = parts.clock
        self._max_age = max_age
        self._failing = failing
        self._random = random.Random()  # noqa: S311 (a fair order, not a secret)
        self._checked_at: datetime | None = None

    async def step(self, circuits: Sequence[HostCircuit], outages: Sequence[Outage]) -> None:
        """At most once a second, at a random part of the hosts."""
        now = self._clock()
        if self._checked_at and now - self._checked_at < _INTERVAL:
            return
        self._checked_at = now
        for circuit in self._random.sample(circuits, min(len(circuits), _MAX_HOSTS)):
            for _ in range(_MAX_BATCHES):
                if not await self._fail_batch(circuit, outages):
                    break

    async def _fail_batch(self, circuit: HostCircuit, outages: Sequence[Outage]) -> bool:
        """Whether there were any."""
        expired = await self._expired_images(circuit, outages)
        failed, unbuildable = built(expired, lambda image: _failure(image, circuit), self._failing)
        await send(self._parts, failed)
        await self._images.postpone_expiry(unbuildable, self._clock() + UNBUILDABLE_PAUSE)
        return bool(expired)

    async def _expired_images(self, circuit: HostCircuit, outages: Sequence[Outage]) -> list[Image]:
        """Images whose deadline had passed when the host last failed: that fault counts as their last try.

        An image that was never tried has no deadline. At a host that fails it has the maximum age too, from when it
        began to wait or the host to fail; otherwise it could wait for ever.
        """
        fault_at, since = circuit.last_fault_at, circuit.paused_since
        if fault_at is None or since is None:  # recorded by an earlier version
            return []
        deadline_by = aged_until(fault_at, self._max_age, outages)
        oldest = deadline_by - self._max_age
        return await self._images.expired(
            circuit.host,
            deadline_by=deadline_by,
            untried_since=oldest if since <= oldest else None,
            limit=_BATCH,
        )


def _failure(image: Image, circuit: HostCircuit) -> ImageFailed:
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
