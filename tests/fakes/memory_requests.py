"""Requests in a dictionary, with the guards of the real collection."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection
from dataclasses import replace
from datetime import datetime

from shared.contracts.records import Announcement, OutputKeys, Progress, Request
from shared.contracts.states import RequestError, RequestStatus
from shared.persistence import CLAIM_AGAIN_AFTER, COUNT_EVERY
from tests.fakes.memory_images import any_open, count_images
from tests.fakes.memory_tables import RequestRow, Tables


class MemoryRequests:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def insert(self, request: Request) -> None:
        self._tables.answer()
        self._tables.requests.setdefault(request.request_id, RequestRow(request, request.created_at))

    async def get(self, request_id: str) -> Request | None:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        return row.request if row else None

    async def current(self, request_id: str) -> Request | None:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        now = self._tables.clock()
        if row and row.request.status is RequestStatus.PENDING and row.count_again_at <= now:
            request = row.request
            if request.progress.as_of < now:
                request = replace(request, progress=count_images(self._tables, request_id), updated_at=now)
            # Counting takes no time here, so the other bound, ten times its duration, never applies.
            self._tables.requests[request_id] = replace(row, request=request, count_again_at=now + COUNT_EVERY)
        return await self.get(request_id)

    async def open_intakes(self) -> list[Request]:
        self._tables.answer()
        return [request for request in self._pending() if request.intake_open]

    async def save_intake(self, request_id: str, round_: int, rows: int) -> bool:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row is None or row.request.round != round_:
            return False
        self._save(row, intake_rows=max(rows, row.request.intake_rows), updated_at=self._tables.clock())
        return row.request.cancelling

    async def close_intake(
        self, request_id: str, round_: int, progress: Progress, error: RequestError | None = None
    ) -> None:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row and row.request.round == round_ and row.request.intake_open:
            error_code = error or row.request.error_code
            now = self._tables.clock()
            self._save(row, intake_open=False, progress=progress, updated_at=now, error_code=error_code)

    async def claim_stranded(self) -> list[Request]:
        self._tables.answer()
        now = self._tables.clock()
        stranded = [
            row.request
            for _, row in sorted(self._tables.requests.items())
            if (self._could_finish(row.request) or self._is_unannounced(row.request))
            and not self._claimed_lately(row.request.request_id)
        ]
        for request in stranded:
            row = self._tables.requests[request.request_id]
            self._tables.requests[request.request_id] = replace(row, finish_sent_at=now)
        return stranded

    def _could_finish(self, request: Request) -> bool:
        waits = request.status is RequestStatus.PENDING and not request.intake_open
        return waits and not any_open(self._tables, request.request_id)

    def _is_unannounced(self, request: Request) -> bool:
        return any(each.time <= self._tables.clock() - CLAIM_AGAIN_AFTER for each in request.announcements)

    def _claimed_lately(self, request_id: str) -> bool:
        sent = self._tables.requests[request_id].finish_sent_at
        return sent is not None and sent > self._tables.clock() - CLAIM_AGAIN_AFTER

    async def finish(self, finished: Request, announcement: Announcement) -> Request | None:
        self._tables.answer()
        row = self._tables.requests.get(finished.request_id)
        if row is None or row.request.status is not RequestStatus.PENDING:
            return None
        if row.request.round != finished.round or row.request.intake_open:
            return None
        written = ("status", "progress", "updated_at", "finished_at", "expires_at", *OutputKeys.__dataclass_fields__)
        return self._save(
            replace(row, cleaned=False),
            announcements=(*row.request.announcements, announcement),
            cancelling=False,
            **{name: getattr(finished, name) for name in written},
        )

    async def add_missing_announcement(self, request_id: str, announcement: Announcement) -> Request | None:  # noqa: ARG002
        self._tables.answer()
        return None  # this version wrote every record

    async def remove_announcement(self, request_id: str, event_id: str) -> None:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row:
            kept = tuple(each for each in row.request.announcements if each.event_id != event_id)
            self._save(row, announcements=kept)

    async def retry(self, request_id: str, round_: int, progress: Progress) -> Request | None:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row is None or row.request.status is RequestStatus.PENDING or row.request.round != round_:
            return None
        now = self._tables.clock()
        if row.removing or row.request.has_expired(now):
            return None
        return self._save(
            replace(row, count_again_at=now + COUNT_EVERY, finish_sent_at=None, cleaned=True),
            status=RequestStatus.PENDING,
            round=round_ + 1,
            intake_open=True,
            progress=progress,
            updated_at=now,
            finished_at=None,
            expires_at=None,
            **dict.fromkeys(OutputKeys.__dataclass_fields__),
        )

    async def expired(self, without: Collection[str] = ()) -> AsyncGenerator[str, None]:
        self._tables.answer()
        now = self._tables.clock()
        due = [row.request for row in self._rows() if _is_due_for_removal(row, now)]
        for request in sorted(due, key=lambda request: request.expires_at or now):
            if request.request_id not in without:
                yield request.request_id

    async def begin_removal(self, request_id: str) -> bool:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row is None or not _is_due_for_removal(row, self._tables.clock()):
            return False
        self._tables.requests[request_id] = replace(row, removing=True)
        return True

    async def expire(self, request_id: str) -> bool:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row is None or not _is_finished(row):
            return False
        self._save(row, expires_at=self._tables.clock())
        return True

    async def give_retention(self, days: float) -> int:  # noqa: ARG002 (no row is of an earlier version)
        self._tables.answer()
        return 0

    async def uncleaned(self, finished_before: datetime, without: Collection[str] = ()) -> tuple[str, int] | None:
        self._tables.answer()
        found = [
            (row.request.finished_at, row.request.request_id, row.request.round)
            for row in self._rows()
            if not row.cleaned and row.request.finished_at is not None and row.request.finished_at <= finished_before
            if row.request.request_id not in without
        ]
        return min(found)[1:] if found else None

    async def mark_cleaned(self, request_id: str, round_: int) -> None:
        self._tables.answer()
        row = self._tables.requests.get(request_id)
        if row is not None and row.request.round == round_:
            self._tables.requests[request_id] = replace(row, cleaned=True)

    async def existing(self, request_ids: Collection[str]) -> set[str]:
        self._tables.answer()
        return {request_id for request_id in request_ids if request_id in self._tables.requests}

    async def finished(self) -> AsyncIterator[Request]:
        self._tables.answer()
        for row in self._rows():
            if _is_finished(row):
                yield row.request

    async def count_open(self) -> int:
        self._tables.answer()
        return len(self._pending())

    def _rows(self) -> list[RequestRow]:
        return [row for _, row in sorted(self._tables.requests.items())]

    def _pending(self) -> list[Request]:
        return [row.request for row in self._rows() if not _is_finished(row)]

    def _save(self, row: RequestRow, **changes: object) -> Request:
        request: Request = replace(row.request, **changes)  # type: ignore[arg-type]
        self._tables.requests[request.request_id] = replace(row, request=request)
        return request


def _is_finished(row: RequestRow) -> bool:
    return row.request.status is not RequestStatus.PENDING


def _is_due_for_removal(row: RequestRow, now: datetime) -> bool:
    return row.request.has_expired(now) and _is_finished(row) and not row.request.announcements
