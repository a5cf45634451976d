"""report.json has the figures of a request, and advice on its failures."""

import json
import re
from typing import Any

from services.aggregator.outputs.report_json import report_json
from shared.catalogue import Profile
from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.contracts.image_summary import HostSummary, ImageSummary
from shared.contracts.states import RequestStatus
from tests.support.aggregating import a_request
from tests.support.builders import REQUEST_ID, a_catalogue_format
from tests.support.tree import ROOT

GUIDE = ROOT / "docs" / "output.md"
X = HostSummary("x.test", 4, compressed=3, failed=1, cancelled=0, bytes_in=6000, bytes_out=2700, fetch_ms_mean=16)
Z = HostSummary("z.test", 2, compressed=0, failed=1, cancelled=1, bytes_in=0, bytes_out=0, fetch_ms_mean=None)
SUMMARY = ImageSummary(
    compressed=3,
    failed=2,
    cancelled=1,
    kept_original=1,
    unchanged=1,
    same_bytes=2,
    target_missed=1,
    bytes_in=6000,
    bytes_out=2700,
    hosts=(X, Z),
    more_hosts=7,
    slowest_hosts=(X,),
    errors=((ErrorCode.HTTP_403, 2),),
    kept_original_urls=("http://x.test/ü.jpg",),
)


def report(status: RequestStatus = RequestStatus.COMPLETED) -> dict[str, Any]:
    request = a_request(round=2, catalogue_format=a_catalogue_format(profile=Profile.SHOPIFY))
    document: dict[str, Any] = json.loads(report_json(request, status, SUMMARY, rows=6, slots=9))
    return document


def test_it_has_all_figures() -> None:
    assert report() == {
        "request_id": REQUEST_ID,
        "round": 2,
        "status": "Completed",
        "error_code": None,
        "profile": "shopify",
        "rows": 6,
        "slots": 9,
        "images": {
            "total": 6,
            "compressed": 3,
            "failed": 2,
            "cancelled": 1,
            "kept_original": 1,
            "reused": {"unchanged": 1, "same_bytes": 2},
            "target_missed": 1,
        },
        "bytes": {"in": 6000, "out": 2700, "saved": 3300, "saved_percent": 55.0},
        "hosts": [
            {
                "host": "x.test",
                "images": 4,
                "compressed": 3,
                "failed": 1,
                "cancelled": 0,
                "bytes_in": 6000,
                "bytes_out": 2700,
                "saved_percent": 55.0,
                "fetch_ms_mean": 16,
            },
            {
                "host": "z.test",
                "images": 2,
                "compressed": 0,
                "failed": 1,
                "cancelled": 1,
                "bytes_in": 0,
                "bytes_out": 0,
                "saved_percent": 0.0,
                "fetch_ms_mean": None,
            },
        ],
        "more_hosts": 7,
        "slowest_hosts": [{"host": "x.test", "images": 4, "fetch_ms_mean": 16}],
        "errors": [
            {
                "code": "http_403",
                "images": 2,
                "retryable": False,
                "owner": "host",
                "advice": ERROR_GUIDES[ErrorCode.HTTP_403].advice,
            }
        ],
        "kept_originals": {"count": 1, "urls": ["http://x.test/ü.jpg"]},
    }


def test_it_has_the_final_status_of_the_request() -> None:
    assert report(RequestStatus.FAILED)["status"] == "Failed"


def test_the_example_in_the_documentation_has_the_same_fields() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)

    assert field_names(json.loads(block)) == field_names(report())


def field_names(value: Any) -> Any:
    """The field names of a document in their order, without the values."""
    if isinstance(value, dict):
        return [(name, field_names(member)) for name, member in value.items()]
    return field_names(value[0]) if isinstance(value, list) and value else None
