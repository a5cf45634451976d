"""Whether a request can be retried, and what is said if not, over the memory database."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from services.gateway.requests.retry import Retries
from services.gateway.web.problems import Problem
from services.gateway.web.schemas import ProblemDocument, RetryAccepted
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import Image, Progress, Request
from shared.contracts.states import ImageState, RequestStatus
from tests.fakes import MemoryDatabase, MovableClock
from tests.support.builders import NOW, REQUEST_ID, a_request, a_result, an_image, output_keys

KEEP_DAYS = 7.0
ENDED = Progress(total=4, compressed=1, failed=3, pending=0, as_of=NOW)
IMAGES = (
    an_image("http://x/1.jpg", state=ImageState.FAILED, error_code=ErrorCode.HTTP_404, ended_at=NOW),
    an_image("http://x/2.jpg", state=ImageState.FAILED, error_code=ErrorCode.TIMEOUT, ended_at=NOW),
    an_image("http://x/3", host="", state=ImageState.FAILED, error_code=ErrorCode.INVALID_URL, ended_at=NOW),
    an_image("http://x/4.jpg", state=ImageState.COMPRESSED, result=a_result(), ended_at=NOW),
)


class Mill:
    def __init__(self, keep_days: float = KEEP_DAYS) -> None:
        self.clock = MovableClock(NOW)
        self.database = MemoryDatabase(self.clock)
        self.arrived = asyncio.Event()
        self.retries = Retries(self.database, keep_days, self.clock, self.arrived)

    async def fill(self, *images: Image, **changes: Any) -> None:
        finished: dict[str, Any] = {
            "status": RequestStatus.COMPLETED,
            "intake_open": False,
            "finished_at": NOW,
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
        assert not self.arrived.is_set()
        return refusal.value.document


async def test_the_next_round_begins_with_the_images_that_can_be_tried_again() -> None:
    mill = Mill()
    keys = output_keys()
    await mill.fill(*IMAGES, output_key=keys.output_key, report_key=keys.report_key)

    accepted = await mill.retries.begin(REQUEST_ID)

    assert accepted == RetryAccepted(request_id=REQUEST_ID, round=2, images=2)
    assert mill.arrived.is_set()
    request = await mill.request()
    assert (request.status, request.round, request.intake_open) == (RequestStatus.PENDING, 2, True)
    assert (request.finished_at, request.output_key, request.report_key) == (None, None, None)
    assert request.progress == Progress(total=4, compressed=1, failed=1, pending=2, as_of=NOW)


async def test_a_request_that_is_not_there_cannot_be_retried() -> None:
    mill = Mill()
    assert (await mill.refused()).status == HTTPStatus.NOT_FOUND


async def test_what_retention_may_be_removing_is_not_begun_anew() -> None:
    mill = Mill()
    await mill.fill(*IMAGES)
    mill.clock.advance(timedelta(days=KEEP_DAYS).total_seconds() + 0.001)
    assert (await mill.refused()).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("keep_days", [KEEP_DAYS, 0])
async def test_what_is_kept_yet_can_be_retried(keep_days: float) -> None:
    mill = Mill(keep_days)  # 0 keeps for ever
    await mill.fill(*IMAGES)
    mill.clock.advance(timedelta(days=KEEP_DAYS).total_seconds() if keep_days else 1e8)
    assert (await mill.retries.begin(REQUEST_ID)).round == 2


async def test_a_request_under_way_is_not_retried() -> None:
    mill = Mill()
    pending = Progress(total=4, compressed=1, failed=2, pending=1, as_of=NOW)
    await mill.fill(*IMAGES, status=RequestStatus.PENDING, finished_at=None, round=3, progress=pending)
    refusal = await mill.refused()
    assert refusal.status == HTTPStatus.CONFLICT
    assert refusal.type == "urn:imagemill:problem:under-way"
    assert refusal.round == 3
    assert "1 image is pending" in refusal.detail


@pytest.mark.parametrize(
    ("images", "failed", "said"), [(IMAGES[3:], 0, "No image failed."), (IMAGES[2:], 1, "invalid_url")]
)
async def test_without_an_image_that_a_retry_can_help_none_begins(
    images: tuple[Image, ...], failed: int, said: str
) -> None:
    mill = Mill()
    await mill.fill(*images, progress=Progress(len(images), 1, failed, 0, NOW))
    refusal = await mill.refused()
    assert refusal.status == HTTPStatus.CONFLICT
    assert refusal.type == "urn:imagemill:problem:nothing-to-retry"
    assert said in refusal.detail


async def test_of_several_who_ask_at_once_one_begins_and_the_others_hear_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mill = Mill()
    await mill.fill(*IMAGES)
    everybody, count = asyncio.Barrier(5), mill.database.images.count

    async def count_together(request_id: str) -> Progress:
        await everybody.wait()  # each has seen the request finished
        return await count(request_id)

    monkeypatch.setattr(mill.database.images, "count", count_together)
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*(mill.retries.begin(REQUEST_ID) for _ in range(5)), return_exceptions=True)

    assert [answer.round for answer in answers if isinstance(answer, RetryAccepted)] == [2]
    told = [answer.document for answer in answers if isinstance(answer, Problem)]
    assert [(document.type, document.round) for document in told] == [("urn:imagemill:problem:under-way", 2)] * 4
    assert (await mill.request()).round == 2
