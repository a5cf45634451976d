"""Finishing a request: write its files, count its images, record its status, then announce it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from services.aggregator.announce_request import RequestAnnouncer
from services.aggregator.outputs import OutputWriter, RoundSuperseded
from shared.contracts.events import PublicEvent
from shared.contracts.messages import FinishRequest, Message
from shared.contracts.records import Request
from shared.contracts.states import RequestStatus
from shared.observability import Metrics
from shared.persistence import LEASE_SECONDS, Database, Lease, renewing

_PATIENCE = 1.2  # lease times: longer than a dead holder's lease can last
_POLLS = 30

log = structlog.get_logger(__name__)


class RequestFinisher:
    """Handles FinishRequest. Repeatable: for a finished request it only returns the announcement again."""

    def __init__(
        self,
        database: Database,
        outputs: OutputWriter,
        announcer: RequestAnnouncer,
        metrics: Metrics,
        *,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._database = database
        self._outputs = outputs
        self._announce = announcer
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        self._in_progress: set[tuple[str, int]] = set()

    async def __call__(self, message: FinishRequest) -> Sequence[Message | PublicEvent]:
        request = await self._finished_or_ready(message)
        if request is not None and request.status is RequestStatus.PENDING:
            request = await self._finish_under_lease(message)
        return [] if request is None else await self._announce(request)

    async def _finished_or_ready(self, message: FinishRequest) -> Request | None:
        """The request, if the message's round is the current one and is finished or could finish now."""
        request = await self._database.requests.get(message.request_id)
        if request is None or request.round != message.round:
            log.info("finish_ignored", round=message.round, reason="no such request in this round")
            return None
        if request.status is not RequestStatus.PENDING:
            return request
        if request.intake_open or not await self._database.images.none_open(request.request_id):
            return None
        return request

    async def _finish_under_lease(self, message: FinishRequest) -> Request | None:
        """Finish the request; None if another task or process is finishing it.

        The message can be dropped then: the other one acknowledges its own message only when the request is finished,
        and the sweep sends FinishRequest again for a request that is not.
        """
        key = (message.request_id, message.round)
        if key in self._in_progress:  # a lease belongs to the process and does not exclude its other tasks
            return None
        self._in_progress.add(key)
        try:
            lease = self._database.lease(f"finish:{message.request_id}:{message.round}", self._lease_seconds)
            if not await _acquired(lease, _PATIENCE * self._lease_seconds):
                return None
            # A lease that is lost meanwhile means double work and no harm: the finish continues without it.
            async with renewing(lease, self._lease_seconds):
                return await self._finish(message)
        finally:
            self._in_progress.discard(key)

    async def _finish(self, message: FinishRequest) -> Request | None:
        request = await self._finished_or_ready(message)  # the lease's last holder may have finished it
        if request is None or request.status is not RequestStatus.PENDING:
            return request
        # Summarize first: if images change afterwards, the writer notices.
        summary = await self._database.images.summary(request.request_id)
        status = RequestStatus.COMPLETED if summary.compressed else RequestStatus.FAILED
        try:
            keys = await self._outputs.write(request, status, summary)
        except RoundSuperseded as reason:
            log.info("finish_abandoned", reason=str(reason))
            return None
        counted = await self._database.images.count(request.request_id)
        progress = replace(counted, reused=summary.unchanged + summary.same_bytes)
        finished = await self._database.requests.finish(request.request_id, request.round, status, progress, keys)
        if finished is not None:
            self._metrics.requests_finished.labels(status=status.value).inc()
            log.info("request_finished", status=status, compressed=progress.compressed, failed=progress.failed)
        return finished


async def _acquired(lease: Lease, patience: float) -> bool:
    """Whether the lease is ours within `patience` seconds: by then a dead holder's has run out."""
    deadline = time.monotonic() + patience
    while not await lease.acquire():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(patience / _POLLS)
    return True
