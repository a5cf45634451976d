"""Ends the images of cancelled rounds, in short steps, however many there are."""

import random
import time
from collections.abc import Iterable
from datetime import datetime

import structlog

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.parts import WITHOUT_LEASE_SECONDS, BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.messages import DropRounds, FinishRequest, RoundToDrop
from shared.contracts.records import CancelledRound
from shared.messaging import Broadcast
from shared.persistence import RenewableLease

_IDLE_SECONDS = 0.5  # finds rounds whose intake has closed; a new cancellation wakes the task at once
_MAX_IMAGES_PER_WRITE = 5_000  # which take the database about a tenth of a second
_MAX_SECONDS_PER_STEP = 0.5  # a shutdown waits for the step
_MAX_ROUNDS_PER_BROADCAST = 500

log = structlog.get_logger(__name__)


def drop_rounds(
    rounds: Iterable[CancelledRound], now: datetime, lost_after: float, failing: FailingItems
) -> list[Broadcast]:
    """Broadcasts for the workers. `lost_after`: seconds for which commands of a cancelled round can exist."""

    def to_be_dropped(cancelled: CancelledRound) -> RoundToDrop:
        seconds = max(0.0, lost_after - (now - cancelled.requested_at).total_seconds())
        return RoundToDrop(request_id=cancelled.request_id, round=cancelled.round, seconds=seconds)

    to_drop = failing.built(rounds, lambda each: each.request_id, to_be_dropped)
    return [
        Broadcast(DropRounds(rounds=tuple(to_drop[start : start + _MAX_ROUNDS_PER_BROADCAST])))
        for start in range(0, len(to_drop), _MAX_ROUNDS_PER_BROADCAST)
    ]


class ImageCanceller:
    """Runs on the gateway that dispatches. The dispatcher skips these rounds itself, without waiting for this task.

    A round is complete when its intake is closed and none of its images is open; then the request can be finished.
    """

    def __init__(self, parts: BackgroundParts, lease: RenewableLease, settings: DispatchSettings) -> None:
        self._database = parts.database
        self._publish = parts.publish
        self._clock = parts.clock
        self._lease = lease
        self._lost_after = settings.lost_after
        self._broadcast: set[tuple[str, int]] = set()
        self._complete: set[CancelledRound] = set()
        self._failing = FailingItems("cancel", parts.metrics)

    async def step(self) -> float:
        """End some images of some cancelled rounds. Returns the seconds until the next step."""
        if not await self._lease.held():
            return WITHOUT_LEASE_SECONDS
        rounds = set(await self._database.cancellations.in_progress())
        await self._broadcast_cancelled_rounds(rounds)
        self._complete &= rounds
        incomplete = sorted(self._to_end(rounds), key=lambda each: each.request_id)
        until, ended = time.monotonic() + _MAX_SECONDS_PER_STEP, 0
        for round_ in random.sample(incomplete, len(incomplete)):  # so that none is always last
            with self._failing.attempt(round_.request_id):
                ended += await self._end_images(round_)
            if time.monotonic() > until:
                return 0
        return 0 if ended else _IDLE_SECONDS

    def _to_end(self, rounds: set[CancelledRound]) -> list[CancelledRound]:
        return [each for each in rounds - self._complete if each.request_id not in self._failing]

    async def _broadcast_cancelled_rounds(self, rounds: set[CancelledRound]) -> None:
        """Broadcast new rounds at once; the sweep repeats them."""
        new = [each for each in rounds if (each.request_id, each.round) not in self._broadcast]
        if new:
            await self._publish(drop_rounds(new, self._clock(), self._lost_after, self._failing))
        self._broadcast = {(each.request_id, each.round) for each in rounds}

    async def _end_images(self, cancelled: CancelledRound) -> int:
        ended = await self._database.cancellations.cancel_images(
            cancelled.request_id, cancelled.round, _MAX_IMAGES_PER_WRITE
        )
        if not ended and not cancelled.intake_open and await self._database.images.none_open(cancelled.request_id):
            await self._publish([FinishRequest(request_id=cancelled.request_id, round=cancelled.round)])
            self._complete.add(cancelled)  # if the message is lost, the sweep sends it again
            log.info("round_cancelled", request_id=cancelled.request_id, round=cancelled.round)
        return ended
