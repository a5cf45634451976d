"""report.json: totals of a request, by host and by error code. Pure: the same figures give the same bytes."""

import json
from collections.abc import Sequence
from typing import Any

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.contracts.image_summary import HostSummary, ImageSummary
from shared.contracts.records import Request, saved_percent
from shared.contracts.states import RequestStatus


def report_json(request: Request, status: RequestStatus, summary: ImageSummary, rows: int, slots: int) -> bytes:
    """The document, in UTF-8. `status` is the request's final status; `rows` and `slots` count its catalogue."""
    report = {
        "request_id": request.request_id,
        "round": request.round,
        "status": status.value,
        "error_code": request.error_code and request.error_code.value,
        "profile": request.catalogue_format.profile.value,
        "rows": rows,
        "slots": slots,
        "images": _images(summary),
        "bytes": {
            "in": summary.bytes_in,
            "out": summary.bytes_out,
            "saved": summary.bytes_in - summary.bytes_out,
            "saved_percent": saved_percent(summary.bytes_in, summary.bytes_out),
        },
        "hosts": [_host(host) for host in summary.hosts],
        "more_hosts": summary.more_hosts,
        "slowest_hosts": [_slow_host(host) for host in summary.slowest_hosts],
        "errors": _errors(summary.errors),
        "kept_originals": {"count": summary.kept_original, "urls": list(summary.kept_original_urls)},
    }
    return json.dumps(report, indent=2, ensure_ascii=False).encode() + b"\n"


def _images(summary: ImageSummary) -> dict[str, Any]:
    return {
        "total": summary.compressed + summary.failed + summary.cancelled,
        "compressed": summary.compressed,
        "failed": summary.failed,
        "cancelled": summary.cancelled,
        "kept_original": summary.kept_original,
        "reused": {"unchanged": summary.unchanged, "same_bytes": summary.same_bytes},
        "target_missed": summary.target_missed,
    }


def _host(host: HostSummary) -> dict[str, Any]:
    return {
        "host": host.host,
        "images": host.images,
        "compressed": host.compressed,
        "failed": host.failed,
        "cancelled": host.cancelled,
        "bytes_in": host.bytes_in,
        "bytes_out": host.bytes_out,
        "saved_percent": saved_percent(host.bytes_in, host.bytes_out),
        "fetch_ms_mean": host.fetch_ms_mean,
    }


def _slow_host(host: HostSummary) -> dict[str, Any]:
    return {"host": host.host, "images": host.images, "fetch_ms_mean": host.fetch_ms_mean}


def _errors(errors: Sequence[tuple[ErrorCode, int]]) -> list[dict[str, Any]]:
    return [
        {
            "code": code.value,
            "images": images,
            "retryable": ERROR_GUIDES[code].retryable,
            "owner": ERROR_GUIDES[code].owner.value,
            "advice": ERROR_GUIDES[code].advice,
        }
        for code, images in errors
    ]
