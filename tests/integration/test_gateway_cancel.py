"""POST /requests/{id}/cancel over HTTP, with the database in memory."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from shared.contracts.records import Progress
from shared.contracts.states import RequestStatus
from tests.support.builders import NOW, REQUEST_ID, a_request, an_announcement, an_image, finished
from tests.support.running_gateway import Gateway, problem

CANCEL = f"/requests/{REQUEST_ID}/cancel"
STATUS = f"/status?request_id={REQUEST_ID}"
CANCELLING = {"request_id": REQUEST_ID, "round": 1, "status": "Pending", "cancelling": True}
COUNTED = Progress(total=3, compressed=1, failed=0, pending=0, as_of=NOW, cancelled=2)


async def _finish(gateway: Gateway, status: RequestStatus) -> None:
    ended = finished(a_request(), COUNTED, status)
    assert await gateway.database.requests.finish(ended, an_announcement(ended))


async def _document(gateway: Gateway) -> dict[str, Any]:
    document: dict[str, Any] = (await gateway.http.get(STATUS)).json()
    return document


@pytest.mark.parametrize("intake_open", [True, False])
async def test_a_pending_request_is_being_cancelled_also_during_intake(gateway: Gateway, intake_open: bool) -> None:
    await gateway.database.requests.insert(a_request(intake_open=intake_open))

    answer = await gateway.http.post(CANCEL)

    assert answer.status_code == 202
    assert answer.json() == CANCELLING
    assert answer.headers["Location"] == STATUS
    assert int(answer.headers["Retry-After"]) > 0
    assert gateway.cancel_begun.is_set()
    document = await _document(gateway)
    assert (document["status"], document["cancelling"]) == ("Pending", True)


async def test_cancelling_again_has_the_same_response_before_and_after_the_finish(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request(intake_open=False))
    answers = await asyncio.gather(*(gateway.http.post(CANCEL) for _ in range(5)))
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, CANCELLING)] * 5
    await _finish(gateway, RequestStatus.CANCELLED)

    again = await gateway.http.post(CANCEL)

    assert again.status_code == 202
    assert again.json() == CANCELLING | {"status": "Cancelled", "cancelling": False}
    assert again.headers["Location"] == STATUS
    assert "Retry-After" not in again.headers
    document = await _document(gateway)
    assert (document["status"], document["cancelling"]) == ("Cancelled", False)
    assert (document["progress"]["cancelled"], document["progress"]["pending"]) == (2, 0)
    assert document["output_csv_url"]
    assert document["failed_csv_url"]


@pytest.mark.parametrize("status", [RequestStatus.COMPLETED, RequestStatus.FAILED])
async def test_a_finished_request_is_a_conflict_with_its_status(gateway: Gateway, status: RequestStatus) -> None:
    await gateway.database.requests.insert(a_request(intake_open=False))
    await _finish(gateway, status)

    document = problem(await gateway.http.post(CANCEL), 409)

    assert document["type"] == "urn:imagemill:problem:already-finished"
    assert (document["request_status"], document["round"]) == (status.value, 1)
    assert not gateway.cancel_begun.is_set()


@pytest.mark.parametrize("status", [RequestStatus.COMPLETED, RequestStatus.FAILED])
async def test_a_cancellation_that_came_too_late_to_have_an_effect_can_be_repeated(
    gateway: Gateway, status: RequestStatus
) -> None:
    await gateway.database.requests.insert(a_request(intake_open=False))
    assert (await gateway.http.post(CANCEL)).status_code == 202
    await _finish(gateway, status)

    document = await _document(gateway)
    again = await gateway.http.post(CANCEL)

    assert (document["status"], document["cancelling"]) == (status.value, False)
    assert again.status_code == 202
    assert again.json() == CANCELLING | {"status": status.value, "cancelling": False}
    assert "Retry-After" not in again.headers
    assert (await _document(gateway))["status"] == status.value


async def test_a_cancellation_of_an_earlier_round_does_not_count_for_the_next(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request(intake_open=False))
    await gateway.database.images.insert_many([an_image()])
    await gateway.http.post(CANCEL)
    await gateway.database.cancellations.cancel_images(REQUEST_ID, 1, 10)
    await _finish(gateway, RequestStatus.CANCELLED)
    await gateway.http.post(f"/requests/{REQUEST_ID}/retry")
    await gateway.database.requests.close_intake(REQUEST_ID, 2, COUNTED)
    ended = finished(a_request(round=2), COUNTED, RequestStatus.COMPLETED)
    assert await gateway.database.requests.finish(ended, an_announcement(ended))

    assert problem(await gateway.http.post(CANCEL), 409)["round"] == 2


async def test_a_retry_of_a_cancelled_request_can_be_cancelled_too(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request(intake_open=False))
    await gateway.database.images.insert_many([an_image()])
    await gateway.http.post(CANCEL)
    await gateway.database.cancellations.cancel_images(REQUEST_ID, 1, 10)
    await _finish(gateway, RequestStatus.CANCELLED)

    retried = await gateway.http.post(f"/requests/{REQUEST_ID}/retry")

    assert (retried.status_code, retried.json()["images"]) == (202, 1)
    document = await _document(gateway)
    assert (document["status"], document["cancelling"], document["progress"]["cancelled"]) == ("Pending", False, 0)
    assert (await gateway.http.post(CANCEL)).json() == CANCELLING | {"round": 2}


@pytest.mark.parametrize("request_id", [REQUEST_ID, "x", "%00", "x" * 5000])
async def test_an_unknown_request_is_not_found(gateway: Gateway, request_id: str) -> None:
    document = problem(await gateway.http.post(f"/requests/{request_id}/cancel"), 404)

    assert document["type"] == "urn:imagemill:problem:unknown-request"


async def test_an_expired_request_is_not_found(gateway: Gateway) -> None:
    await gateway.database.requests.insert(replace(finished(a_request(), COUNTED), expires_at=NOW))

    problem(await gateway.http.post(CANCEL), 404)


async def test_the_id_may_be_in_any_case_and_a_query_parameter_is_refused(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request())

    problem(await gateway.http.post(f"{CANCEL}?force=1"), 422)
    assert (await gateway.http.post(f"/requests/{REQUEST_ID.lower()}/cancel")).json() == CANCELLING


async def test_without_the_database_a_cancellation_is_unavailable(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request())
    gateway.database.available = False

    answer = await gateway.http.post(CANCEL)

    problem(answer, 503)
    assert "Retry-After" in answer.headers
