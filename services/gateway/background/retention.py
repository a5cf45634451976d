"""Retention: removes a request with all its objects once it has expired.

Each step is short, because a shutdown waits for it: a request of a million images takes a thousand steps.
"""

from datetime import timedelta

import structlog

from services.gateway.background.parts import BackgroundParts
from shared.contracts.object_keys import owned_prefixes, upload_key
from shared.persistence import RenewableLease
from shared.storage import ObjectStore, delete_some

log = structlog.get_logger(__name__)


class Retention:
    """Runs on the gateway that dispatches."""

    def __init__(
        self,
        parts: BackgroundParts,
        store: ObjectStore,
        lease: RenewableLease,
        default_days: float | None,
        interval: float,
    ) -> None:
        """default_days: for requests that an earlier version finished without a time of expiry; None keeps them.

        interval: seconds between two searches for expired requests.
        """
        self._database = parts.database
        self._clock = parts.clock
        self._store = store
        self._lease = lease
        self._interval = interval
        self._default = None if default_days is None else timedelta(days=default_days)

    async def step(self) -> float:
        """Remove some of the objects or records of the request that expired first.

        Returns the seconds until the next step.
        """
        if not await self._lease.held():
            return self._interval
        request_id = await self._database.requests.claim_expired()
        if request_id is None:
            await self._give_expiry()
            return self._interval
        # The request's record goes last: the next step finds the rest through it.
        if not await self._remove_objects(request_id) and not await self._database.delete_request(request_id):
            log.info("request_removed", request_id=request_id)
        return 0

    async def _give_expiry(self) -> None:
        """What an earlier version finished expires as if it finished now: clients have not seen a time of expiry."""
        if self._default is not None:
            given = await self._database.requests.give_expiry(self._clock() + self._default)
            if given:
                log.info("expiry_given", requests=given)

    async def _remove_objects(self, request_id: str) -> bool:
        """Whether there was any to remove."""
        for prefix in owned_prefixes(request_id):
            if await delete_some(self._store, prefix):
                return True
        await self._store.delete([upload_key(request_id)])
        return False
