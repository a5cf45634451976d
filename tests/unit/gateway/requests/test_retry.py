"""Which requests can be retried, and the problem if one cannot, over the memory database."""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from services.gateway.requests.retry import RetryStarter
from services.gateway.web import Problem, ProblemDocument, RetryAccepted
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import Image, Progress, Request
from shared.contracts.states import ImageState, RequestStatus
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, REQUEST_ID, a_request, a_result, an_image, output_keys

RETENTION_DAYS = 7.0
ENDED = Progress(total=4, compressed=1, failed=3, pending=0, as_of=NOW)
IMAGES = (
    an_image("http://x/1.jpg", state=ImageState.FAILED, error_code=ErrorCode.HTTP_404, ended_at=NOW),
    an_image("http://x/2.jpg", state=ImageState.FAILED, error_code=ErrorCode.TIMEOUT, ended_at=NOW),
    an_image("http://x/3", host="", state=ImageState.FAILED, error_code=ErrorCode.INVALID_URL, ended_at=NOW),
    an_image("http://x/4.jpg", state=ImageState.COMPRESSED, result=a_result(), ended_at=NOW),
)


class RetryFixture:
    def __init__(self) -> None:
        self.clock = MovableClock(NOW)
        self.database = MemoryDatabase(self.clock)
        self.intake_opened = asyncio.Event()
        self.retries = RetryStarter(self.database, self.clock, self.intake_opened)

    async def insert_finished_request(self, *images: Image, **changes: Any) -> None:
        finished: dict[str, Any] = {
            "status": RequestStatus.COMPLETED,
            "intake_open": False,
            "finished_at": NOW,
            "expires_at": NOW + timedelta(days=RETENTION_DAYS),
            "progress": ENDED,
        }
        await self.database.requests.insert(a_request(**finished | changes))
        await self.database.images.insert_many(images)

    async def request(self) -> Request:
        request = await self.database.requests.get(REQUEST_ID)
        assert request is not None
        return request

    async def refused(self) -> ProblemDocument:
        before = dict(self.database.tables.requests)
        with pytest.raises(Problem) as refusal:
            await self.retries.begin(REQUEST_ID)
        assert self.database.tables.requests == before
        assert not self.intake_opened.is_set()
        return refusal.value.document


async def test_a_retry_starts_a_round_with_the_images_that_can_be_retried() -> None:
    fixture = RetryFixture()
    keys = output_keys()
    await fixture.insert_finished_request(*IMAGES, output_key=keys.output_key, report_key=keys.report_key)

    accepted = await fixture.retries.begin(REQUEST_ID)

    assert accepted == RetryAccepted(request_id=REQUEST_ID, round=2, images=2)
    assert fixture.intake_opened.is_set()
    request = await fixture.request()
    assert (request.status, request.round, request.intake_open) == (RequestStatus.PENDING, 2, True)
    assert (request.finished_at, request.output_key, request.report_key) == (None, None, None)
    assert request.progress == Progress(total=4, compressed=1, failed=1, pending=2, as_of=NOW)


async def test_an_unknown_request_is_not_found() -> None:
    fixture = RetryFixture()
    assert (await fixture.refused()).status == HTTPStatus.NOT_FOUND


async def test_a_request_that_is_due_for_removal_is_not_found() -> None:
    fixture = RetryFixture()
    await fixture.insert_finished_request(*IMAGES)
    fixture.clock.advance(timedelta(days=RETENTION_DAYS).total_seconds())
    assert (await fixture.refused()).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("expires_at", [NOW + timedelta(days=RETENTION_DAYS), None])
async def test_a_request_can_be_retried_until_it_expires(expires_at: datetime | None) -> None:
    fixture = RetryFixture()
    await fixture.insert_finished_request(*IMAGES, expires_at=expires_at)
    fixture.clock.advance(timedelta(days=RETENTION_DAYS).total_seconds() - 0.001 if expires_at else 1e8)
    assert (await fixture.retries.begin(REQUEST_ID)).round == 2


async def test_a_pending_request_cannot_be_retried() -> None:
    fixture = RetryFixture()
    pending = Progress(total=4, compressed=1, failed=2, pending=1, as_of=NOW)
    await fixture.insert_finished_request(
        *IMAGES, status=RequestStatus.PENDING, finished_at=None, round=3, progress=pending
    )
    refusal = await fixture.refused()
    assert refusal.status == HTTPStatus.CONFLICT
    assert refusal.type == "urn:imagemill:problem:under-way"
    assert refusal.round == 3
    assert "1 image is pending" in refusal.detail


@pytest.mark.parametrize(
    ("images", "failed", "detail"),
    [(IMAGES[3:], 0, "No image failed or was cancelled."), (IMAGES[2:], 1, "invalid_url")],
)
async def test_a_request_without_retryable_images_cannot_be_retried(
    images: tuple[Image, ...], failed: int, detail: str
) -> None:
    fixture = RetryFixture()
    await fixture.insert_finished_request(*images, progress=Progress(len(images), 1, failed, 0, NOW))
    refusal = await fixture.refused()
    assert refusal.status == HTTPStatus.CONFLICT
    assert refusal.type == "urn:imagemill:problem:nothing-to-retry"
    assert detail in refusal.detail


async def test_of_several_simultaneous_retries_one_starts_the_round_and_the_others_get_a_conflict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixture = RetryFixture()
    await fixture.insert_finished_request(*IMAGES)
    all_callers, count = asyncio.Barrier(5), fixture.database.images.count

    async def count_together(request_id: str) -> Progress:
        await all_callers.wait()  # each caller has read the request as finished
        return await count(request_id)

    monkeypatch.setattr(fixture.database.images, "count", count_together)
    async with asyncio.timeout(10):
        results = await asyncio.gather(*(fixture.retries.begin(REQUEST_ID) for _ in range(5)), return_exceptions=True)

    assert [result.round for result in results if isinstance(result, RetryAccepted)] == [2]
    conflicts = [result.document for result in results if isinstance(result, Problem)]
    assert [(document.type, document.round) for document in conflicts] == [("urn:imagemill:problem:under-way", 2)] * 4
    assert (await fixture.request()).round == 2
