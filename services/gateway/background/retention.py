"""Retention: removes a request with all its objects some days after it has finished."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from shared.contracts.object_keys import owned_prefixes, upload_key
from shared.persistence import Database, RenewableLease
from shared.storage import ObjectStore

_INTERVAL_SECONDS = 60.0
_KEYS_AT_ONCE = 1_000

log = structlog.get_logger(__name__)


class Retention:
    """Runs on the gateway that dispatches."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        lease: RenewableLease,
        retention_days: float,
        clock: Callable[[], datetime],
    ) -> None:
        """`retention_days`: days from a request's finish to its removal; 0 keeps everything."""
        self._database = database
        self._store = store
        self._lease = lease
        self._retention = timedelta(days=retention_days)
        self._clock = clock

    async def step(self) -> float:
        """Remove some of the requests that are due, oldest first. Returns the seconds until the next step."""
        if not self._retention or not await self._lease.held():
            return _INTERVAL_SECONDS
        due = await self._database.requests.finished_before(self._clock() - self._retention)
        for request in due:
            await self._remove_objects(request.request_id)
            # The record goes last: the next attempt finds the objects through it.
            await self._database.delete_request(request.request_id)
            log.info("request_removed", request_id=request.request_id)
        return 0 if due else _INTERVAL_SECONDS

    async def _remove_objects(self, request_id: str) -> None:
        keys = [upload_key(request_id)]
        for prefix in owned_prefixes(request_id):
            async for key in self._store.list_keys(prefix):
                keys.append(key)
                if len(keys) == _KEYS_AT_ONCE:
                    await self._store.delete(keys)
                    keys = []
        await self._store.delete(keys)
