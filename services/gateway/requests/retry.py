"""Retries the failed and cancelled images of a finished request, in a new round under the same id.

This module only starts the round; intake moves the images to it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from services.gateway.web import RetryAccepted, nothing_to_retry, under_way, unknown_request
from shared.contracts.records import Request
from shared.contracts.states import RequestStatus
from shared.persistence import Database

log = structlog.get_logger(__name__)


class RetryStarter:
    def __init__(self, database: Database, clock: Callable[[], datetime], intake_opened: asyncio.Event) -> None:
        """`intake_opened` is set for each retry, so that its intake starts at once."""
        self._database = database
        self._clock = clock
        self._intake_opened = intake_opened

    async def begin(self, request_id: str) -> RetryAccepted:
        """Begin the next round of the request.

        Raises Problem: 404 if there is no such request; 409 if it is under way, for example because another caller has
        just begun the round, or if it has no failed or cancelled image that can be retried.
        """
        request = await self._known(request_id)
        if request.status is RequestStatus.PENDING:
            raise under_way(request.round, request.progress.pending)
        images = await self._database.images.count_retryable(request_id)
        if not images:
            raise nothing_to_retry(request.round, request.progress.failed)
        begun = await self._begin_after(request, images)
        if begun is None:  # another caller began this round, and it may even be over
            current = await self._known(request_id)
            raise under_way(current.round, current.progress.pending)
        with bound_contextvars(request_id=request_id):
            log.info("retry_begun", round=begun.round, images=images)
        self._intake_opened.set()
        return RetryAccepted(request_id=request_id, round=begun.round, images=images)

    async def _known(self, request_id: str) -> Request:
        request = await self._database.requests.get(request_id)
        if request is None or request.has_expired(self._clock()):
            raise unknown_request(request_id)
        return request

    async def _begin_after(self, request: Request, images: int) -> Request | None:
        counted = await self._database.images.count(request.request_id)
        expected = replace(  # all cancelled images are retried
            counted,
            failed=counted.failed + counted.cancelled - images,
            cancelled=0,
            pending=counted.pending + images,
        )
        return await self._database.requests.retry(request.request_id, request.round, expected)
