"""Removes originals that no image needs: a late or repeated command can store one after its request has finished."""

from datetime import timedelta

import structlog

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.parts import BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.object_keys import originals_prefix
from shared.persistence import RenewableLease
from shared.storage import ObjectStore, delete_some

_INTERVAL_SECONDS = 60.0  # nothing waits for the space

log = structlog.get_logger(__name__)


class Leftovers:
    """Runs on the gateway that dispatches. Each request is cleaned once after each of its finishes."""

    def __init__(
        self,
        parts: BackgroundParts,
        store: ObjectStore,
        lease: RenewableLease,
        settings: DispatchSettings,
        *,
        keep: bool,
    ) -> None:
        """`keep`: whether `KEEP_ORIGINALS` is set."""
        self._database = parts.database
        self._clock = parts.clock
        self._store = store
        self._lease = lease
        self._after = timedelta(seconds=settings.lost_after)  # of the finish: then no worker has a command of the round
        self._keep = keep
        self._failing = FailingItems("leftovers", parts.metrics)

    async def step(self) -> float:
        """Remove some of the originals of one finished request. Returns the seconds until the next step."""
        if self._keep or not await self._lease.held():
            return _INTERVAL_SECONDS
        found = await self._database.requests.uncleaned(self._clock() - self._after, self._failing.passed_over())
        if found is None:
            return _INTERVAL_SECONDS
        request_id, round_ = found
        with self._failing.attempt(request_id):
            await self._clean(request_id, round_)
        return 0

    async def _clean(self, request_id: str, round_: int) -> None:
        if removed := await delete_some(self._store, originals_prefix(request_id)):
            log.info("leftovers_removed", request_id=request_id, objects=removed)
        else:
            await self._database.requests.mark_cleaned(request_id, round_)
