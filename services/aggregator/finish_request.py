"""Ending a request: its files, exact counts, the guarded update, and then the announcement."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from services.aggregator.outputs.writer import OutputWriter, RoundOver
from services.aggregator.webhook_policy import new_delivery
from shared.contracts.events import PublicEvent, request_finished_event
from shared.contracts.messages import DeliverWebhook, FinishRequest, Message
from shared.contracts.object_keys import originals_prefix
from shared.contracts.records import Request
from shared.contracts.states import RequestStatus
from shared.errors import StorageUnavailable
from shared.observability import Metrics
from shared.persistence import Database, Lease, renewing
from shared.storage import ObjectStore

LEASE_SECONDS = 10.0
_PATIENCE = 1.2  # lease times: longer than a dead holder's lease can last
_POLLS = 30
_DELETE_AT_ONCE = 500

log = structlog.get_logger(__name__)


class RequestFinisher:
    """Handles FinishRequest. Repeatable: a request that is finished already is only announced again."""

    def __init__(  # noqa: PLR0913 (the composition root calls this)
        self,
        database: Database,
        store: ObjectStore,
        outputs: OutputWriter,
        public_base_url: str,
        metrics: Metrics,
        *,
        keep_originals: bool,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._database = database
        self._store = store
        self._outputs = outputs
        self._base_url = public_base_url
        self._metrics = metrics
        self._keep_originals = keep_originals
        self._lease_seconds = lease_seconds
        self._in_hand: set[tuple[str, int]] = set()

    async def __call__(self, message: FinishRequest) -> Sequence[Message | PublicEvent]:
        request = await self._at_its_end(message)
        if request is not None and request.status is RequestStatus.PENDING:
            request = await self._finish_alone(message)
        return [] if request is None else await self._announce(request)

    async def _at_its_end(self, message: FinishRequest) -> Request | None:
        """The request if this round of it has finished or could finish now."""
        request = await self._database.requests.get(message.request_id)
        if request is None or request.round != message.round:
            log.info("finish_of_no_current_request", round=message.round)
            return None
        if request.status is not RequestStatus.PENDING:
            return request
        if request.intake_open or not await self._database.images.none_left(request.request_id):
            return None
        return request

    async def _finish_alone(self, message: FinishRequest) -> Request | None:
        """Finish under a lease; None if somebody else is at it.

        Nothing is lost with a message that is dropped here: whoever is at it acknowledges its own only when it is
        done, and the sweep sends FinishRequest again for a request that stays behind.
        """
        key = (message.request_id, message.round)
        if key in self._in_hand:  # a lease is the process's, so it does not tell its own tasks apart
            return None
        self._in_hand.add(key)
        try:
            lease = self._database.lease(f"finish:{message.request_id}:{message.round}", self._lease_seconds)
            if not await _acquired(lease, _PATIENCE * self._lease_seconds):
                return None
            async with renewing(lease, self._lease_seconds):  # if it is lost, the work is only done twice
                return await self._finish(message)
        finally:
            self._in_hand.discard(key)

    async def _finish(self, message: FinishRequest) -> Request | None:
        request = await self._at_its_end(message)  # the lease's last holder may have finished it
        if request is None or request.status is not RequestStatus.PENDING:
            return request
        # The summary comes first: if the images change meanwhile, writing them notices it.
        summary = await self._database.images.summary(request.request_id)
        status = RequestStatus.COMPLETED if summary.compressed else RequestStatus.FAILED
        try:
            keys = await self._outputs.write(request, status, summary)
        except RoundOver as reason:
            log.info("finish_given_up", reason=str(reason))
            return None
        counted = await self._database.images.count(request.request_id)
        progress = replace(counted, reused=summary.unchanged + summary.same_bytes)
        finished = await self._database.requests.finish(request.request_id, request.round, status, progress, keys)
        if finished is not None:
            self._metrics.requests_finished.labels(status=status.value).inc()
            log.info("request_finished", status=status, compressed=progress.compressed, failed=progress.failed)
        return finished

    async def _announce(self, request: Request) -> Sequence[Message | PublicEvent]:
        event = request_finished_event(request, self._base_url)
        outgoing: list[Message | PublicEvent] = [event]
        if request.webhook_url:
            await self._database.deliveries.put(new_delivery(event, request.request_id, request.webhook_url))
            delivery = await self._database.deliveries.get(event.event_id)
            if delivery and delivery.attempts == 0 and delivery.due_at is not None:
                outgoing.append(DeliverWebhook(delivery_id=delivery.delivery_id))
        if not self._keep_originals:
            await self._remove_originals(request.request_id)
        return outgoing

    async def _remove_originals(self, request_id: str) -> None:
        """Remove what interrupted runs left behind. What a store that is away keeps now stays; see the runbook."""
        keys: list[str] = []
        try:
            async for key in self._store.list_keys(originals_prefix(request_id)):
                keys.append(key)
                if len(keys) >= _DELETE_AT_ONCE:
                    await self._store.delete(keys)
                    keys.clear()
            await self._store.delete(keys)
        except StorageUnavailable as fault:
            log.warning("originals_not_removed", error=str(fault))


async def _acquired(lease: Lease, patience: float) -> bool:
    """Whether the lease is ours within `patience` seconds. A dead holder's runs out by then; a living one renews it."""
    deadline = time.monotonic() + patience
    while not await lease.acquire():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(patience / _POLLS)
    return True
