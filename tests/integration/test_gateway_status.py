"""GET /status, and the problems of any path."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from shared.contracts.messages import CompressOptions
from shared.contracts.records import Progress
from shared.contracts.states import RequestStatus
from tests.fakes import RequestRow
from tests.support.builders import NOW, REQUEST_ID, a_request, output_keys
from tests.support.running_gateway import (
    BASE_URL,
    RESULT_KEY,
    Gateway,
    problem,
)


async def test_the_status_of_a_new_request_is_pending(gateway: Gateway) -> None:
    await gateway.database.requests.insert(a_request())

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID})

    assert answer.status_code == 200
    assert answer.json() == {
        "request_id": REQUEST_ID,
        "status": "Pending",
        "error_code": None,
        "cancelling": False,
        "round": 1,
        "profile": "generic",
        "options": CompressOptions().model_dump(),
        "output_csv_url": None,
        "report_url": None,
        "failed_csv_url": None,
        "report_json_url": None,
        "created_at": "2026-01-05T12:00:00.000Z",
        "updated_at": "2026-01-05T12:00:00.000Z",
        "expires_at": None,
        "progress": {
            "total": 0,
            "compressed": 0,
            "failed": 0,
            "cancelled": 0,
            "pending": 0,
            "reused": None,
            "as_of": "2026-01-05T12:00:00.000Z",
        },
        "paused_hosts": [],
        "webhook": None,
    }
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_status_of_a_finished_request(gateway: Gateway) -> None:
    later = NOW + timedelta(minutes=3)
    finished = replace(
        a_request(),
        status=RequestStatus.COMPLETED,
        intake_open=False,
        updated_at=later,
        finished_at=later,
        expires_at=NOW + timedelta(days=7),
        progress=Progress(total=3, compressed=2, failed=1, pending=0, as_of=later, reused=1),
        **asdict(output_keys()),
    )
    gateway.database.tables.requests[REQUEST_ID] = RequestRow(finished, later)

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID})

    details = answer.json()
    assert details["status"] == "Completed"
    assert details["output_csv_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-compressed.csv"
    assert details["report_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-report.csv"
    assert details["failed_csv_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-failed.csv"
    assert details["report_json_url"] == f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-report.json"
    assert (details["progress"]["failed"], details["progress"]["reused"]) == (1, 1)
    assert details["expires_at"] == "2026-01-12T12:00:00.000Z"
    assert "Retry-After" not in answer.headers


async def test_an_expired_request_is_not_found(gateway: Gateway) -> None:
    expired = a_request(status=RequestStatus.COMPLETED, intake_open=False, finished_at=NOW, expires_at=NOW)
    gateway.database.tables.requests[REQUEST_ID] = RequestRow(expired, NOW)
    document = problem(await gateway.http.get("/status", params={"request_id": REQUEST_ID}), 404)
    assert document["type"] == "urn:imagemill:problem:unknown-request"


@pytest.mark.parametrize("request_id", [REQUEST_ID, "", "x", "../../etc", "\0", "x" * 5000])
async def test_an_unknown_request_is_not_found(gateway: Gateway, request_id: str) -> None:
    document = problem(await gateway.http.get("/status", params={"request_id": request_id}), 404)

    assert document["type"] == "urn:imagemill:problem:unknown-request"


async def test_a_status_without_a_request_id_is_refused(gateway: Gateway) -> None:
    document = problem(await gateway.http.get("/status"), 422)

    assert document["type"] == "urn:imagemill:problem:parameter"
    assert document["errors"] == [{"detail": "request_id is missing", "parameter": "request_id"}]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/upload", 405),
        ("PUT", "/upload", 405),
        ("POST", "/status", 405),
        ("DELETE", f"/{RESULT_KEY}", 405),
        ("POST", "/livez", 405),
        ("GET", "/static/swagger-ui/nothing.js", 404),
    ],
)
async def test_unknown_paths_and_wrong_methods_are_problems(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    answer = await gateway.http.request(method, path)

    problem(answer, status)
    assert ("Allow" in answer.headers) == (status == 405)


async def test_the_problem_of_an_unexpected_exception_contains_no_secrets(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: str) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(gateway.database.requests, "current", fails)

    answer = await gateway.http.get("/status", params={"request_id": REQUEST_ID})

    problem(answer, 500)
    assert "hunter2" not in answer.text
