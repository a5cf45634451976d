"""Cancels a request: marks its current round. The background task `ImageCanceller` ends its images."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from services.gateway.web import CancelAccepted, already_finished, unknown_request
from shared.contracts.states import RequestStatus
from shared.persistence import Database

log = structlog.get_logger(__name__)


class RequestCanceller:
    def __init__(self, database: Database, clock: Callable[[], datetime], cancel_begun: asyncio.Event) -> None:
        """`cancel_begun` is set for each cancellation, so that the background task continues it at once."""
        self._database = database
        self._clock = clock
        self._cancel_begun = cancel_begun

    async def cancel(self, request_id: str) -> CancelAccepted:
        """Cancel the current round of the request. Cancelling it again changes nothing, also after its finish.

        Raises Problem: 404 if there is no such request; 409 if it finished before a client cancelled it.
        """
        while True:
            begun = await self._database.cancellations.begin(request_id)
            request = await self._database.requests.get(request_id)
            if request is None or request.has_expired(self._clock()):
                raise unknown_request(request_id)
            if request.status is not RequestStatus.PENDING or request.cancelling:
                break  # otherwise a retry has begun between the two calls: cancel that round
        if request.status is not RequestStatus.PENDING and not request.was_cancelled:
            raise already_finished(request.round, request.status)
        if begun:
            with bound_contextvars(request_id=request_id):
                log.info("cancel_begun", round=request.round)
            self._cancel_begun.set()
        return CancelAccepted(
            request_id=request_id, round=request.round, status=request.status, cancelling=request.cancelling
        )
