"""Cancelled requests in the dictionaries of requests and images."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from shared.contracts.records import CancelledRound
from shared.contracts.states import OPEN_STATES, RequestStatus
from tests.fakes.memory_tables import RequestRow, Tables
from tests.fakes.memory_transitions import after_cancel


class MemoryCancellations:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def begin(self, request_id: str) -> bool:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row is None or row.request.status is not RequestStatus.PENDING or row.request.cancelling:
            return False
        self._tables.requests[request_id] = replace(
            row,
            request=replace(row.request, cancelling=True, cancelled_round=row.request.round),
            cancel_requested_at=self._tables.clock(),
        )
        return True

    async def in_progress(self) -> list[CancelledRound]:
        return self._find(lambda row: row.request.cancelling)

    async def requested_since(self, since: datetime) -> list[CancelledRound]:
        return self._find(lambda row: row.cancel_requested_at is not None and row.cancel_requested_at >= since)

    def _find(self, wanted: Callable[[RequestRow], bool]) -> list[CancelledRound]:
        self._tables.answer()
        return [
            CancelledRound(request_id, row.request.cancelled_round, row.cancel_requested_at, row.request.intake_open)
            for request_id, row in sorted(self._tables.requests.items())
            if row.request.cancelled_round and row.cancel_requested_at and wanted(row)
        ]

    async def cancel_images(self, request_id: str, round_: int, limit: int) -> int:
        self._tables.answer()
        still_open = [
            (key, row)
            for key, row in self._tables.images.items()
            if key[0] == request_id and row.image.state in OPEN_STATES
        ][:limit]
        cancelled = {
            key: after_cancel(row, self._tables.clock()) for key, row in still_open if row.image.round == round_
        }
        self._tables.images.update(cancelled)
        return len(cancelled)
