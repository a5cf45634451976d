"""The details of a request in its status, and the time until a client should ask again."""

from dataclasses import asdict

import pytest

from services.gateway.requests.status import request_details, retry_after
from services.gateway.web.schemas import PausedHost
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.contracts.records import Progress
from tests.support.builders import NOW, REQUEST_ID, a_request, output_keys


@pytest.mark.parametrize(("pending", "seconds"), [(0, 1), (1, 1), (500, 10), (1_000_000, 30)])
def test_retry_after_grows_with_the_pending_images(pending: int, seconds: int) -> None:
    assert retry_after(Progress(total=pending, compressed=0, failed=0, pending=pending, as_of=NOW)) == seconds


def test_the_status_has_all_options_that_apply() -> None:
    options = CompressOptions(percent=40, format="auto")

    shown = request_details(a_request(options=options), "https://gateway.test").model_dump(mode="json")["options"]

    assert shown == options.model_dump(mode="json")
    assert (shown["percent"], shown["format"], shown["mode"], shown["max_width"]) == (40, "auto", "size", None)


def test_existing_files_have_urls() -> None:
    details = request_details(a_request(**asdict(output_keys()), round=2), "https://gateway.test/").model_dump(
        mode="json"
    )

    files = f"https://gateway.test/outputs/{REQUEST_ID}/1/products"
    assert details["round"] == 2
    assert details["output_csv_url"] == f"{files}-compressed.csv"
    assert details["report_url"] == f"{files}-report.csv"
    assert details["failed_csv_url"] == f"{files}-failed.csv"
    assert details["report_json_url"] == f"{files}-report.json"


def test_without_failed_images_failed_csv_url_is_null() -> None:
    finished = asdict(output_keys()) | {"failed_key": None}

    assert request_details(a_request(**finished), "https://gateway.test").failed_csv_url is None


def test_the_status_lists_paused_hosts() -> None:
    host = PausedHost(host="a.test", images=3, until=NOW, error_code=ErrorCode.HTTP_5XX)

    details = request_details(a_request(), "https://gateway.test", [host]).model_dump(mode="json")

    assert details["paused_hosts"] == [
        {"host": "a.test", "images": 3, "until": "2026-01-05T12:00:00.000Z", "error_code": "http_5xx"}
    ]
