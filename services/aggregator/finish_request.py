"""Finishing a request: write its files, count its images, record its end with its announcement, then announce it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, replace

import structlog

from services.aggregator.announce_request import RequestAnnouncer
from services.aggregator.outputs import OutputWriter, RoundSuperseded
from services.aggregator.remove_originals import OriginalsRemover
from shared.contracts.image_summary import ImageSummary
from shared.contracts.messages import FinishRequest, Message
from shared.contracts.records import Request
from shared.contracts.states import RequestStatus
from shared.errors import UnreadableRecord
from shared.messaging import Unproven
from shared.observability import Metrics
from shared.persistence import LEASE_SECONDS, Database, Lease, renewing

_PATIENCE = 1.2  # lease times: longer than a dead holder's lease can last
_POLLS = 30

log = structlog.get_logger(__name__)


class RequestFinisher:
    """Handles FinishRequest. Repeatable: for a finished request it only publishes the announcements that are left."""

    def __init__(
        self,
        database: Database,
        outputs: OutputWriter,
        remove_originals: OriginalsRemover,
        announcer: RequestAnnouncer,
        metrics: Metrics,
        *,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._database = database
        self._outputs = outputs
        self._remove_originals = remove_originals
        self._announcer = announcer
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        self._in_progress: set[tuple[str, int]] = set()

    async def __call__(self, message: FinishRequest) -> Sequence[Message]:
        try:
            has_finished = await self._finish_and_announce(message)
        except UnreadableRecord as unreadable:  # the sweep sends the message again; a newer version can act on it
            log.warning("finish_set_aside", round=message.round, reason=str(unreadable))
            return Unproven()
        return [] if has_finished else Unproven()

    async def _finish_and_announce(self, message: FinishRequest) -> bool:
        """Whether it has finished the request, and so written to the store and the disk."""
        has_finished = False
        request = await self._database.requests.get(message.request_id)
        if request is not None and await self._is_ready(request, message.round):
            request = await self._finish_under_lease(message)
            has_finished = request is not None
        elif request is not None and request.finished_at is not None and request.round == message.round:
            announcement = self._announcer.announcement(request)
            request = (
                await self._database.requests.add_missing_announcement(request.request_id, announcement) or request
            )
        if request is not None:  # also of a later round: it still has the announcements of earlier ones
            await self._announcer.announce(request)
        return has_finished

    async def _is_ready(self, request: Request, round_: int) -> bool:
        """Whether the request is in this round and could finish it now."""
        if request.round != round_ or request.status is not RequestStatus.PENDING or request.intake_open:
            return False
        return await self._database.images.none_open(request.request_id)

    async def _finish_under_lease(self, message: FinishRequest) -> Request | None:
        """Finish the request and return it; None if another task or process is finishing it.

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
        request = await self._database.requests.get(message.request_id)
        if request is None or not await self._is_ready(request, message.round):
            return request  # the lease's last holder has finished it
        # Summarize first: if images change afterwards, the writer notices.
        summary = await self._database.images.summary(request.request_id)
        status = _final_status(request, summary)
        try:
            keys = await self._outputs.write(request, status, summary)
        except RoundSuperseded as reason:
            log.info("finish_abandoned", reason=str(reason))
            return None
        await self._remove_originals(request.request_id)  # before the finish: after it a retry may store new ones
        counted = await self._database.images.count(request.request_id)
        progress = replace(counted, reused=summary.unchanged + summary.same_bytes)
        return await self._record(
            replace(
                request,
                status=status,
                progress=progress,
                updated_at=progress.as_of,
                finished_at=progress.as_of,
                expires_at=request.expires_after(progress.as_of),
                **asdict(keys),
            )
        )

    async def _record(self, finished: Request) -> Request | None:
        recorded = await self._database.requests.finish(finished, self._announcer.announcement(finished))
        if recorded is None:  # another process has finished it
            return await self._database.requests.get(finished.request_id)
        status, progress = finished.status, finished.progress
        self._metrics.requests_finished.labels(status=status.value).inc()
        # Counted here, and not where each ends, since all cancelled images of a request belong to its last round.
        self._metrics.images.labels(outcome="cancelled", error_code="none").inc(progress.cancelled)
        log.info("request_finished", status=status, compressed=progress.compressed, failed=progress.failed)
        return recorded


def _final_status(request: Request, summary: ImageSummary) -> RequestStatus:
    """Cancelled only if the cancellation had an effect: it may arrive when every image has a result already.

    Never Completed if rows are missing.
    """
    if summary.cancelled:
        return RequestStatus.CANCELLED
    if request.error_code is not None:
        return RequestStatus.FAILED
    return RequestStatus.COMPLETED if summary.compressed else RequestStatus.FAILED


async def _acquired(lease: Lease, patience: float) -> bool:
    """Whether the lease is ours within `patience` seconds: by then a dead holder's has run out."""
    deadline = time.monotonic() + patience
    while not await lease.acquire():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(patience / _POLLS)
    return True
