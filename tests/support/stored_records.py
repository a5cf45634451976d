"""Documents as earlier versions of the services wrote them, and changes as a later one might make them."""

from datetime import timedelta
from typing import Any

from shared.persistence.documents import Document
from tests.support.builders import NOW

OPTIONS: Document = {
    "percent": 50,
    "mode": "size",
    "format": "keep",
    "max_width": None,
    "max_height": None,
    "min_quality": 30,
    "allow_resize": True,
    "metadata": "strip",
}
FORMAT: Document = {
    "profile": "generic",
    "dialect": {"delimiter": ",", "encoding": "utf-8", "bom": False, "line_end": "\r\n", "preamble": ""},
    "header": "S. No.,Product Name,Input Image Urls\r\n",
    "width": 3,
    "image_columns": [{"index": 2, "many": True}],
    "output_column": None,
}
_REQUEST: Document = {
    "status": "Completed",
    "round": 1,
    "options": OPTIONS,
    "webhook_url": None,
    "filename": "products.csv",
    "intake_open": False,
    "intake_rows": 2,
    "created_at": NOW,
    "updated_at": NOW,
    "count_again_at": NOW,
    "finished_at": NOW,
}
_PROGRESS: Document = {"total": 2, "compressed": 1, "failed": 1, "pending": 0, "as_of": NOW}

HEADER_ONLY: Document = _REQUEST | {
    "_id": "header-only",
    "upload_key": "uploads/header-only.csv",
    "header": ["S. No.", "Product Name", "Input Image Urls"],
    "progress": _PROGRESS,
    "output_key": "outputs/header-only/products.csv",
    "report_key": "outputs/header-only/report.csv",
}
"""Of 2026-11-22: without the catalogue's format, so that no output can be written again. It cannot be read."""

FORM: Document = _REQUEST | {
    "_id": "form",
    "upload_key": "uploads/form.csv",
    "form": FORMAT,
    "progress": _PROGRESS,
    "output_key": "outputs/form/1/output.csv",
    "report_key": "outputs/form/1/report.csv",
    "summary_key": "outputs/form/1/report.json",
    "failed_key": None,
}
"""Of 2026-11-23: the format is called `form`, report.json's key `summary_key`, and no reuse is counted."""

FOUR_FILES: Document = _REQUEST | {
    "_id": "four-files",
    "upload_key": "uploads/four-files.csv",
    "catalogue_format": FORMAT,
    "progress": _PROGRESS | {"reused": 1},
    "output_key": "outputs/four-files/1/output.csv",
    "report_key": "outputs/four-files/1/report.csv",
    "report_json_key": "outputs/four-files/1/report.json",
    "failed_key": None,
}
"""Of 2026-11-29: without announcements and expiry."""

IMAGE: Document = {
    "_id": "form:0123456789abcdef0123456789abcdef",
    "request_id": "form",
    "url": "http://images.test/1.jpg",
    "host": "images.test",
    "state": "compressed",
    "round": 1,
    "dispatch": 1,
    "attempts": 1,
    "deadline": NOW + timedelta(days=1),
    "error_code": None,
    "error_detail": None,
    "result": {
        "key": "results/form/1-0123456789abcdef.jpg",
        "content_type": "image/jpeg",
        "action": "compressed",
        "format": "jpeg",
        "width": 800,
        "height": 600,
        "quality": 71,
        "target_met": True,
        "encodes": 2,
        "bytes_in": 1000,
        "bytes_out": 498,
        "fetch_ms": 12,
        "compress_ms": 34,
    },
    "ended_at": NOW,
    "not_before": NOW,
    "dispatched_at": NOW,
    "answered": 1,
    "lost": 0,
}
"""Of 2026-11-22: the result has no original size, SSIM and reuse; losses are not counted."""


def by_a_later_version(value: Any) -> Any:
    """`value` with a field added to each of its documents, at every depth; an event's data is no record."""
    if isinstance(value, dict):
        parts = {name: part if name == "data" else by_a_later_version(part) for name, part in value.items()}
        return parts | {"added_later": {"a": [1]}}
    if isinstance(value, list):
        return [by_a_later_version(part) for part in value]
    return value
