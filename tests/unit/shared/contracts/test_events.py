"""Public events contain what is recorded; duplicates are equal."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import PublicEvent, image_event, request_accepted_event, request_finished_event
from shared.contracts.messages import CompressOptions
from shared.contracts.records import Image, Progress, Request
from shared.contracts.states import ImageState, RequestStatus
from tests.support.builders import NOW, REQUEST_ID, a_request, a_result, an_image

BASE_URL = "https://imagemill.test"


def _compressed(**changes: Any) -> Image:
    end: dict[str, Any] = {"state": ImageState.COMPRESSED, "result": a_result(), "attempts": 2, "ended_at": NOW}
    return an_image(**end | changes)


def _failed(**changes: Any) -> Image:
    end: dict[str, Any] = {"state": ImageState.FAILED, "attempts": 1, "ended_at": NOW}
    failure = {"error_code": ErrorCode.HTTP_404, "error_detail": "the host answered 404"}
    return an_image(**end | failure | changes)


def _finished(**changes: Any) -> Request:
    end: dict[str, Any] = {
        "status": RequestStatus.COMPLETED,
        "intake_open": False,
        "progress": Progress(3, 2, 1, 0, NOW, reused=1),
        "output_key": f"outputs/{REQUEST_ID}/1/products-compressed.csv",
        "report_key": f"outputs/{REQUEST_ID}/1/products-report.csv",
        "report_json_key": f"outputs/{REQUEST_ID}/1/products-report.json",
        "failed_key": f"outputs/{REQUEST_ID}/1/products-failed.csv",
        "finished_at": NOW + timedelta(minutes=5),
        "expires_at": NOW + timedelta(days=30, minutes=5),
    }
    return a_request(**end | changes)


def test_the_event_of_a_compressed_image_contains_its_result() -> None:
    image = _compressed()
    assert image_event(image, BASE_URL) == PublicEvent(
        event_id=f"{REQUEST_ID}:1:{image.image_id}:image.compressed",
        type="image.compressed",
        subject=f"{REQUEST_ID}/{image.image_id}",
        time=NOW,
        data={
            "request_id": REQUEST_ID,
            "image_id": image.image_id,
            "round": 1,
            "input_url": image.url,
            "attempts": 2,
            "output_url": f"{BASE_URL}/results/{REQUEST_ID}/1-0123456789abcdef.jpg",
            "content_type": "image/jpeg",
            "action": "compressed",
            "format": "jpeg",
            "width": 800,
            "height": 600,
            "original_width": 1600,
            "original_height": 1200,
            "quality": 71,
            "target_met": True,
            "encodes": 2,
            "ssim": 0.9731,
            "lost": None,
            "reused": None,
            "bytes_in": 100_000,
            "bytes_out": 49_000,
            "fetch_ms": 12,
            "compress_ms": 34,
            "saved_percent": 51.0,
        },
    )


def test_the_event_of_a_failed_image_contains_the_error() -> None:
    image = _failed()
    event = image_event(image, BASE_URL)
    assert (event.type, event.event_id) == ("image.failed", f"{REQUEST_ID}:1:{image.image_id}:image.failed")
    assert event.data == {
        "request_id": REQUEST_ID,
        "image_id": image.image_id,
        "round": 1,
        "input_url": image.url,
        "attempts": 1,
        "error_code": "http_404",
        "error_detail": "the host answered 404",
    }


def test_the_event_of_an_accepted_request_contains_all_options_that_apply() -> None:
    event = request_accepted_event(a_request(options=CompressOptions(percent=40, format="auto", max_width=1200)))
    assert event == PublicEvent(
        event_id=f"{REQUEST_ID}:1:request.accepted",
        type="request.accepted",
        subject=REQUEST_ID,
        time=NOW,
        data={
            "request_id": REQUEST_ID,
            "round": 1,
            "filename": "products.csv",
            "options": {
                "percent": 40,
                "mode": "size",
                "format": "auto",
                "max_width": 1200,
                "max_height": None,
                "min_quality": 30,
                "allow_resize": True,
                "metadata": "strip",
            },
        },
    )


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (RequestStatus.COMPLETED, "request.completed"),
        (RequestStatus.FAILED, "request.failed"),
        (RequestStatus.CANCELLED, "request.cancelled"),
    ],
)
def test_the_event_of_a_finished_request_contains_counts_and_urls(status: RequestStatus, type_: str) -> None:
    event = request_finished_event(_finished(status=status), BASE_URL)
    assert event == PublicEvent(
        event_id=f"{REQUEST_ID}:1:{type_}",
        type=type_,
        subject=REQUEST_ID,
        time=NOW + timedelta(minutes=5),
        data={
            "request_id": REQUEST_ID,
            "round": 1,
            "status": status.value,
            "error_code": None,
            "images": {"total": 3, "compressed": 2, "failed": 1, "cancelled": 0, "reused": 1},
            "output_csv_url": f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-compressed.csv",
            "report_url": f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-report.csv",
            "report_json_url": f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-report.json",
            "failed_csv_url": f"{BASE_URL}/outputs/{REQUEST_ID}/1/products-failed.csv",
            "created_at": "2026-01-05T12:00:00.000Z",
            "finished_at": "2026-01-05T12:05:00.000Z",
            "expires_at": "2026-02-04T12:05:00.000Z",
        },
    )


def test_failed_csv_url_is_null_if_no_image_failed() -> None:
    assert request_finished_event(_finished(failed_key=None), BASE_URL).data["failed_csv_url"] is None


def test_each_round_has_its_own_events() -> None:
    pairs = [
        [image_event(_compressed(round=round_), BASE_URL).event_id for round_ in (1, 2)],
        [image_event(_failed(round=round_), BASE_URL).event_id for round_ in (1, 2)],
        [request_finished_event(_finished(round=round_), BASE_URL).event_id for round_ in (1, 2)],
    ]
    assert all(first != second for first, second in pairs)


@pytest.mark.parametrize(
    "event",
    [
        image_event(_compressed(), BASE_URL),
        image_event(_failed(), BASE_URL),
        request_accepted_event(a_request()),
        request_finished_event(_finished(), BASE_URL),
    ],
    ids=lambda event: event.type,
)
def test_data_is_json(event: PublicEvent) -> None:
    assert json.loads(json.dumps(event.data)) == event.data


def test_open_and_cancelled_images_and_open_requests_have_no_event() -> None:
    for image in (an_image(), an_image(state=ImageState.CANCELLED, ended_at=NOW)):
        with pytest.raises(ValueError, match="there is no event for it"):
            image_event(image, BASE_URL)
    with pytest.raises(ValueError, match="is not finished"):
        request_finished_event(_finished(status=RequestStatus.PENDING), BASE_URL)
    for changes in ({"finished_at": None}, {"output_key": None}, {"report_key": None}):
        with pytest.raises(ValueError, match="is not finished"):
            request_finished_event(_finished(**changes), BASE_URL)
