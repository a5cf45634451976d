"""POST /requests/{id}/retry over HTTP, with the database in memory."""

from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import Image, Progress
from shared.contracts.states import ImageState, RequestStatus
from tests.support.builders import NOW, REQUEST_ID, a_request, an_image
from tests.support.running_gateway import Gateway, problem

RETRY = f"/requests/{REQUEST_ID}/retry"


def failed(number: int = 1, **changes: Any) -> Image:
    known: dict[str, Any] = {"state": ImageState.FAILED, "error_code": ErrorCode.HTTP_404, "ended_at": NOW}
    return an_image(f"http://images.test/{number}.jpg", **known | changes)


async def insert_finished_request(gateway: Gateway, *images: Image, **changes: Any) -> None:
    finished: dict[str, Any] = {
        "status": RequestStatus.FAILED,
        "intake_open": False,
        "finished_at": NOW,
        "progress": Progress(total=len(images), compressed=0, failed=len(images), pending=0, as_of=NOW),
    }
    await gateway.database.requests.insert(a_request(**finished | changes))
    await gateway.database.images.insert_many(images)


async def test_a_retry_is_accepted_and_the_status_shows_the_new_round(gateway: Gateway) -> None:
    await insert_finished_request(gateway, failed(1), failed(2))

    answer = await gateway.http.post(RETRY)

    assert answer.status_code == 202
    assert answer.json() == {"request_id": REQUEST_ID, "status": "Pending", "round": 2, "images": 2}
    assert answer.headers["Location"] == f"/status?request_id={REQUEST_ID}"
    assert int(answer.headers["Retry-After"]) > 0
    assert gateway.intake_opened.is_set()
    status = (await gateway.http.get(answer.headers["Location"])).json()
    assert (status["status"], status["round"]) == ("Pending", 2)


async def test_a_second_retry_is_a_conflict_with_the_new_round(gateway: Gateway) -> None:
    await insert_finished_request(gateway, failed())
    assert (await gateway.http.post(RETRY)).status_code == 202

    document = problem(await gateway.http.post(RETRY), 409)

    assert (document["type"], document["round"]) == ("urn:imagemill:problem:under-way", 2)


async def test_a_retry_without_retryable_images_is_a_conflict(gateway: Gateway) -> None:
    await insert_finished_request(gateway, failed(host="", error_code=ErrorCode.INVALID_URL))

    document = problem(await gateway.http.post(RETRY), 409)

    assert (document["type"], document["round"]) == ("urn:imagemill:problem:nothing-to-retry", 1)
    assert not gateway.intake_opened.is_set()


@pytest.mark.parametrize("request_id", [REQUEST_ID, "x", "%00", "x" * 5000])
async def test_an_unknown_request_is_not_found(gateway: Gateway, request_id: str) -> None:
    document = problem(await gateway.http.post(f"/requests/{request_id}/retry"), 404)

    assert document["type"] == "urn:imagemill:problem:unknown-request"


async def test_a_request_that_is_due_for_removal_is_not_found(gateway: Gateway) -> None:
    await insert_finished_request(gateway, failed(), expires_at=NOW)

    document = problem(await gateway.http.post(RETRY), 404)

    assert document["type"] == "urn:imagemill:problem:unknown-request"


async def test_without_the_database_a_retry_is_unavailable(gateway: Gateway) -> None:
    await insert_finished_request(gateway, failed())
    gateway.database.available = False

    answer = await gateway.http.post(RETRY)

    problem(answer, 503)
    assert "Retry-After" in answer.headers
