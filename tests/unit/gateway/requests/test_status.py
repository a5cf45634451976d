"""The details of a request in its status, and the time until a client should ask again."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from services.gateway.requests.status import request_details, retry_after
from services.gateway.web import PausedHost
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.contracts.records import Progress, Request
from tests.support.builders import NOW, REQUEST_ID, a_request, output_keys


def pending_request(pending: int, *, intake_open: bool = False) -> Request:
    progress = Progress(total=pending, compressed=0, failed=0, pending=pending, as_of=NOW)
    return a_request(progress=progress, intake_open=intake_open)


def a_paused_host(images: int, seconds: float | None) -> PausedHost:
    until = None if seconds is None else NOW + timedelta(seconds=seconds)
    return PausedHost(host=f"{seconds}.test", images=images, until=until, error_code=ErrorCode.HTTP_5XX)


@pytest.mark.parametrize(("pending", "seconds"), [(0, 1), (1, 1), (500, 10), (1_000_000, 30)])
def test_retry_after_grows_with_the_pending_images(pending: int, seconds: int) -> None:
    assert retry_after(pending_request(pending), [], NOW) == seconds


@pytest.mark.parametrize(
    ("hosts", "seconds"),
    [
        ([a_paused_host(500, 42.5)], 43),
        ([a_paused_host(300, 200), a_paused_host(200, 90)], 90),
        ([a_paused_host(500, 3600)], 300),
        ([a_paused_host(500, 0.1)], 1),
        ([a_paused_host(600, 42.5)], 43),  # the progress was counted earlier than the images at the host
    ],
)
def test_retry_after_is_the_first_end_of_a_pause_if_all_images_wait(hosts: list[PausedHost], seconds: int) -> None:
    assert retry_after(pending_request(500), hosts, NOW) == seconds


@pytest.mark.parametrize(
    ("hosts", "intake_open", "seconds"),
    [
        ([a_paused_host(400, 200)], False, 2),  # 100 images are being processed
        ([a_paused_host(500, None)], False, 10),  # one at a time
        ([a_paused_host(400, 200), a_paused_host(100, None)], False, 2),
        ([a_paused_host(500, 200)], True, 1),  # more images of other hosts may follow
    ],
)
def test_retry_after_ignores_pauses_while_some_images_proceed(
    hosts: list[PausedHost], intake_open: bool, seconds: int
) -> None:
    assert retry_after(pending_request(500, intake_open=intake_open), hosts, NOW) == seconds


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


def test_while_a_request_is_being_cancelled_its_status_changes_soon() -> None:
    assert retry_after(replace(pending_request(1_000_000), cancelling=True), [], NOW) == 1


def test_the_status_shows_that_a_request_is_being_cancelled_and_counts_cancelled_images() -> None:
    progress = Progress(total=5, compressed=1, failed=1, pending=1, as_of=NOW, cancelled=2)

    details = request_details(a_request(progress=progress, cancelling=True), "https://gateway.test")

    assert (details.status, details.cancelling, details.progress.cancelled) == ("Pending", True, 2)
