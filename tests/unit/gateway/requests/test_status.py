"""What the status says of a request, and when to ask again."""

from dataclasses import asdict

import pytest

from services.gateway.requests.status import request_details, retry_after
from services.gateway.web.schemas import PausedHost
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.contracts.records import Progress
from tests.support.builders import NOW, REQUEST_ID, a_request, output_keys


@pytest.mark.parametrize(("pending", "seconds"), [(0, 1), (1, 1), (500, 10), (1_000_000, 30)])
def test_a_client_is_asked_to_come_back_the_later_the_more_there_is_left(pending: int, seconds: int) -> None:
    assert retry_after(Progress(total=pending, compressed=0, failed=0, pending=pending, as_of=NOW)) == seconds


def test_all_options_that_apply_are_shown() -> None:
    options = CompressOptions(percent=40, format="auto")

    shown = request_details(a_request(options=options), "https://mill.test").model_dump(mode="json")["options"]

    assert shown == options.model_dump(mode="json")
    assert (shown["percent"], shown["format"], shown["mode"], shown["max_width"]) == (40, "auto", "size", None)


def test_files_are_told_by_their_urls_once_they_are_there() -> None:
    told = request_details(a_request(**asdict(output_keys()), round=2), "https://mill.test/").model_dump(mode="json")

    files = f"https://mill.test/outputs/{REQUEST_ID}/1/products"
    assert told["round"] == 2
    assert told["output_csv_url"] == f"{files}-compressed.csv"
    assert told["report_url"] == f"{files}-report.csv"
    assert told["failed_csv_url"] == f"{files}-failed.csv"
    assert told["report_json_url"] == f"{files}-report.json"


def test_without_failed_images_there_is_no_file_of_them() -> None:
    finished = asdict(output_keys()) | {"failed_key": None}

    assert request_details(a_request(**finished), "https://mill.test").failed_csv_url is None


def test_hosts_that_a_request_waits_for_are_told() -> None:
    host = PausedHost(host="a.test", images=3, until=NOW, error_code=ErrorCode.HTTP_5XX)

    told = request_details(a_request(), "https://mill.test", [host]).model_dump(mode="json")

    assert told["paused_hosts"] == [
        {"host": "a.test", "images": 3, "until": "2026-01-05T12:00:00.000Z", "error_code": "http_5xx"}
    ]
