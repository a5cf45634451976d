"""Example responses in the OpenAPI document, built from the models and problems that the API itself returns."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services.gateway.catalogue import CatalogueRefused, Finding
from services.gateway.probe import EstimateBasis, EstimatedBytes, EstimateLine, ProbeLine, ValidationLine
from services.gateway.upload import CSV_TYPES, FORM_TYPE
from services.gateway.web import (
    DELIVERY_ID,
    REQUEST_ID,
    CancelAccepted,
    CatalogueFinding,
    CatalogueValidation,
    DeliveryAttemptDetails,
    DeliveryDetails,
    DeliveryList,
    InputError,
    Problem,
    ProblemType,
    RequestDetails,
    RequestProgress,
    RetryAccepted,
    UploadAccepted,
    WebhookStatus,
    WebhookTestResult,
    already_finished,
    bad_catalogue,
    bad_fields,
    bad_form,
    bad_options,
    bad_parameters,
    compressed_upload,
    no_aggregator,
    no_such_object,
    no_such_part,
    nothing_to_retry,
    refused_slots,
    stalled,
    too_large,
    too_large_body,
    too_many_tests,
    too_slow,
    unavailable,
    under_way,
    unknown_delivery,
    unknown_parameter,
    unknown_request,
    unreadable_record,
    wrong_body_type,
    wrong_content_type,
)
from services.gateway.webhooks import FIELD_TYPES, MAX_BODY_BYTES
from shared.catalogue import Profile
from shared.contracts import events
from shared.contracts.deliveries import DeliveryState
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import EventType, ImageCounts, RequestFinishedData
from shared.contracts.messages import WEBHOOK_TESTS_AT_ONCE, CompressOptions
from shared.contracts.states import RequestStatus
from shared.contracts.times import rfc3339

CATALOGUE_CSV = (
    "S. No.,Product Name,Input Image Urls\n"
    '1,Oak table,"https://shop.example/oak-1.jpg,https://shop.example/oak-2.jpg"\n'
    "2,Lamp,https://shop.example/lamp.png\n"
)
_FILES = f"http://localhost:8000/outputs/{REQUEST_ID}/1/products"
_RESULTS = f"http://localhost:8000/results/{REQUEST_ID}"
OUTPUT_CSV = (
    "S. No.,Product Name,Input Image Urls,Output Image Urls\n"
    '1,Oak table,"https://shop.example/oak-1.jpg,https://shop.example/oak-2.jpg",'
    f'"{_RESULTS}/oak-1-0123456789abcdef.jpg,{_RESULTS}/oak-2-123456789abcdef0.jpg"\n'
    f"2,Lamp,https://shop.example/lamp.png,{_RESULTS}/lamp-23456789abcdef01.png\n"
)
REPORT_JSON = {  # its first members
    "request_id": REQUEST_ID,
    "round": 1,
    "status": RequestStatus.COMPLETED,
    "profile": Profile.GENERIC,
    "rows": 60,
    "slots": 91,
    "images": {
        "total": 90,
        "compressed": 89,
        "failed": 1,
        "cancelled": 0,
        "kept_original": 1,
        "reused": {"unchanged": 0, "same_bytes": 0},
        "target_missed": 0,
    },
}
_CREATED = datetime(2026, 11, 29, 19, 4, 5, 123000, tzinfo=UTC)
_FINISHED = datetime(2026, 11, 29, 19, 4, 9, 456000, tzinfo=UTC)
_EXPIRES = _FINISHED + timedelta(days=30)

_QUOTES = Finding(
    "text follows a cell's closing quote",
    "Put double quotes around the cell, and write a quote inside it twice.",
    row=7,
    line=9,
    column="Product Name",
    text='"Oak" table,https://shop.example/oak-1.jpg',
)
_NO_URL = Finding(
    "a file name, not a URL",
    "Enter the full address, with https:// and the host.",
    row=12,
    line=14,
    column="Input Image Urls",
    text="lamp.png",
    severity="slot_error",
)
_SUMMARY: Mapping[str, Any] = {
    "profile": Profile.GENERIC,
    "delimiter": ",",
    "encoding": "utf-8",
    "rows": 60,
    "products": 60,
    "slots": 91,
    "images": 90,
    "refused_slots": 1,
    "findings": [CatalogueFinding.model_validate(_NO_URL)],
    "more_findings": 0,
}
_VALIDATION = CatalogueValidation(**_SUMMARY, slots_by_host={"shop.example": 88, "cdn.example": 2}, more_hosts=0)
_LINES = (
    ValidationLine(**dict(_VALIDATION)),
    ProbeLine(url="https://shop.example/1.jpg", host="shop.example", content_type="image/jpeg", bytes=182_734, ms=84),
    ProbeLine(
        url="https://cdn.example/2.jpg",
        host="cdn.example",
        ms=51,
        error_code=ErrorCode.HTTP_404,
        error_detail="HTTP 404 Not Found",
    ),
    EstimateLine(
        images=90,
        dead_share=0.02,
        bytes_in=EstimatedBytes(low=11_900_000, mean=16_100_000, high=20_300_000),
        bytes_out=EstimatedBytes(low=5_950_000, mean=8_050_000, high=10_150_000),
        seconds=1.2,
        slowest_host="shop.example",
        basis=EstimateBasis(hosts=2, hosts_probed=2, images_share=1.0, probed=6, known=6, sized=5),
    ),
)

UPLOAD_ACCEPTED = UploadAccepted(request_id=REQUEST_ID, **_SUMMARY).model_dump(mode="json")
VALIDATION = _VALIDATION.model_dump(mode="json")
PROBED_VALIDATION = {
    name: line.model_dump(mode="json")
    for name, line in zip(("first line", "image", "missing image", "last line"), _LINES, strict=True)
}
CANCEL_ACCEPTED = CancelAccepted(
    request_id=REQUEST_ID, round=1, status=RequestStatus.PENDING, cancelling=True
).model_dump(mode="json")
RETRY_ACCEPTED = RetryAccepted(request_id=REQUEST_ID, round=2, images=3).model_dump(mode="json")
REQUEST_DETAILS = RequestDetails(
    request_id=REQUEST_ID,
    status=RequestStatus.COMPLETED,
    error_code=None,
    cancelling=False,
    round=1,
    profile=Profile.GENERIC,
    options=CompressOptions(),
    output_csv_url=f"{_FILES}-compressed.csv",
    report_url=f"{_FILES}-report.csv",
    failed_csv_url=f"{_FILES}-failed.csv",
    report_json_url=f"{_FILES}-report.json",
    created_at=_CREATED,
    updated_at=_FINISHED,
    expires_at=_EXPIRES,
    progress=RequestProgress(total=90, compressed=89, failed=1, cancelled=0, pending=0, reused=0, as_of=_FINISHED),
    paused_hosts=[],
    webhook=WebhookStatus(state=DeliveryState.DELIVERED, attempts=1, last_error=None, next_attempt_at=None),
).model_dump(mode="json")


_ENDS = {RequestStatus.COMPLETED: (89, 0), RequestStatus.FAILED: (0, 0), RequestStatus.CANCELLED: (41, 48)}
"""By status: the compressed and the cancelled images of the example, which has 90."""


_DELIVERY = DeliveryDetails(
    delivery_id=DELIVERY_ID,
    event_type=EventType.REQUEST_COMPLETED,
    url="https://shop.example/hooks?token=***",
    state=DeliveryState.PENDING,
    attempts=1,
    replays=0,
    last_error="the receiver answered 503",
    created_at=_FINISHED,
    next_attempt_at=_FINISHED + timedelta(seconds=5, milliseconds=251),
    replaying=False,
    log=[
        DeliveryAttemptDetails(
            at=_FINISHED + timedelta(milliseconds=12),
            duration_ms=84,
            status=503,
            error="the receiver answered 503",
            response="upgrading",
            replay=False,
        )
    ],
)
DELIVERIES = DeliveryList(request_id=REQUEST_ID, deliveries=[_DELIVERY]).model_dump(mode="json")
REPLAY_ACCEPTED = _DELIVERY.model_copy(update={"replaying": True}).model_dump(mode="json")


WEBHOOK_TEST = {
    "type": events.WEBHOOK_TEST,
    "timestamp": rfc3339(_FINISHED),
    "data": events.WebhookTestData().model_dump(mode="json"),
}
WEBHOOK_TESTED = WebhookTestResult(
    webhook_id="test_5f2b8c1e9a7d4f0ab3c6d8e1", delivered=True, status=204, error=None, duration_ms=84, response=""
).model_dump(mode="json")


def finished_event(status: RequestStatus) -> dict[str, Any]:
    """The body of the webhook of a request that ended with `status`."""
    compressed, cancelled = _ENDS[status]
    data = RequestFinishedData.model_validate(
        {
            "request_id": REQUEST_ID,
            "round": 1,
            "status": status,
            "images": ImageCounts(
                total=90,
                compressed=compressed,
                failed=90 - compressed - cancelled,
                cancelled=cancelled,
                reused=0,
            ),
            "output_csv_url": f"{_FILES}-compressed.csv",
            "report_url": f"{_FILES}-report.csv",
            "report_json_url": f"{_FILES}-report.json",
            "failed_csv_url": f"{_FILES}-failed.csv",
            "created_at": rfc3339(_CREATED),
            "finished_at": rfc3339(_FINISHED),
            "expires_at": rfc3339(_EXPIRES),
        }
    )
    return {
        "type": f"request.{status.lower()}",
        "timestamp": rfc3339(_FINISHED),
        "data": data.model_dump(mode="json"),
    }


def unknown_query(path: str) -> dict[ProblemType, Problem]:
    """The example for routes without query parameters; `path`: of the request that is refused."""
    return {ProblemType.PARAMETER: bad_parameters([unknown_parameter("force", path)])}


def webhook_test_problems() -> dict[ProblemType, Problem]:
    """The examples that only `POST /webhooks/test` has."""
    return {
        ProblemType.TOO_LARGE: too_large_body(MAX_BODY_BYTES),
        ProblemType.CONTENT_TYPE: wrong_body_type("text/csv", FIELD_TYPES),
        ProblemType.UNAVAILABLE: no_aggregator("no aggregator answered in time"),
        **unknown_query("/webhooks/test"),
    }


def problem_examples() -> dict[ProblemType, Problem]:
    """A problem of each type that the document describes."""
    option = InputError(detail="percent is a whole number from 1 to 99, not '0'", option="percent")
    return {
        ProblemType.CATALOGUE: bad_catalogue(CatalogueRefused((_QUOTES, _NO_URL))),
        ProblemType.IMAGE_URLS: refused_slots([_NO_URL], 0),
        ProblemType.FORM: bad_form("the form contains more than one file", "Upload one catalogue at a time."),
        ProblemType.UNKNOWN_REQUEST: unknown_request(REQUEST_ID),
        ProblemType.UNKNOWN_DELIVERY: unknown_delivery(DELIVERY_ID),
        ProblemType.NOT_FOUND: no_such_object(),
        ProblemType.STALLED: stalled(60),
        ProblemType.TOO_SLOW: too_slow(3600),
        ProblemType.UNDER_WAY: under_way(2, 3),
        ProblemType.NOTHING_TO_RETRY: nothing_to_retry(1, 0),
        ProblemType.ALREADY_FINISHED: already_finished(1, RequestStatus.COMPLETED),
        ProblemType.TOO_LARGE: too_large(2 << 30),
        ProblemType.CONTENT_TYPE: wrong_content_type("application/json", (FORM_TYPE, *CSV_TYPES)),
        ProblemType.CONTENT_ENCODING: compressed_upload("gzip"),
        ProblemType.RANGE: no_such_part(29_735),
        ProblemType.OPTIONS: bad_options([option]),
        ProblemType.PARAMETER: bad_parameters([InputError(detail="request_id is missing", parameter="request_id")]),
        ProblemType.UNREADABLE_RECORD: unreadable_record("5f2b8c1e9a7d4f0ab3c6d8e1f4a7b0c2"),
        ProblemType.FIELDS: bad_fields([InputError(detail="url is missing", parameter="url")]),
        ProblemType.TOO_MANY_TESTS: too_many_tests(WEBHOOK_TESTS_AT_ONCE),
        ProblemType.UNAVAILABLE: unavailable("database", "5f2b8c1e9a7d4f0ab3c6d8e1f4a7b0c2"),
    }
