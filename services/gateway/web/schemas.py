"""The JSON documents that the API returns, as the OpenAPI document describes them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from services.gateway.catalogue import MAX_FINDINGS, MIN_WARNINGS, Severity
from shared.catalogue import Profile
from shared.contracts.deliveries import DeliveryState
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions
from shared.contracts.states import RequestError, RequestStatus
from shared.contracts.times import rfc3339

REQUEST_ID = "01KAP2Y3Q4R5S6T7V8W9XAYBZC"
_TIME = "2026-11-29T19:04:05.123Z"

Timestamp = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [_TIME]}, mode="serialization"),
]


class ApiModel(BaseModel):
    model_config = ConfigDict(frozen=True)


class CatalogueFinding(ApiModel):
    """One finding in a catalogue. `row`, `line`, `column` and `text` are null if it concerns the whole file."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    severity: Severity = Field(
        description="error: the file is refused. slot_error: that slot fails, the rest is processed."
        " warning: it was corrected, or looks odd.",
        examples=["slot_error"],
    )
    row: int | None = Field(description="Row as a spreadsheet counts: the header is usually row 1.", examples=[3])
    line: int | None = Field(
        description="Line of the text; it differs from the row where cells contain line breaks.", examples=[4]
    )
    column: str | None = Field(description="The column's name.", examples=["Input Image Urls"])
    text: str | None = Field(description="The text at this place, shortened.", examples=["lamp.png"])
    problem: str = Field(examples=["a file name, not a URL"])
    advice: str = Field(examples=["Enter the full address, with https:// and the host."])


class CatalogueSummary(ApiModel):
    """The format of a usable catalogue, its counts and its findings."""

    profile: Profile = Field(description="The platform whose columns the catalogue has.", examples=["generic"])
    delimiter: str = Field(description="The character between cells.", examples=[","])
    encoding: str = Field(
        description="utf-8, utf-8-sig (UTF-8 with a byte order mark), utf-16 (with a byte order mark), utf-16-le or"
        " utf-16-be (without), or Python's name of another encoding, such as cp1252.",
        examples=["utf-8-sig"],
    )
    rows: int = Field(description="Data rows.", examples=[60])
    products: int = Field(description="Rows, or handles where several rows make a product.", examples=[60])
    slots: int = Field(
        description="Places of image URLs. A URL counts as often as it occurs in the catalogue.", examples=[91]
    )
    images: int = Field(description="Distinct URLs. Each is downloaded and compressed once.", examples=[90])
    refused_slots: int = Field(description="Slots whose URL cannot be used. They fail.", examples=[1])
    findings: list[CatalogueFinding] = Field(
        description=f"Refused slots and warnings. At most {MAX_FINDINGS:,} are listed; {MIN_WARNINGS} of these places"
        " are kept for warnings."
    )
    more_findings: int = Field(description="How many findings are not listed.", examples=[0])


class CatalogueValidation(CatalogueSummary):
    """What an upload of this catalogue would find and do. Nothing was stored."""

    slots_by_host: dict[str, int] = Field(
        description="Slots per host, the largest first.", examples=[{"shop.example": 88, "cdn.example": 2}]
    )
    more_hosts: int = Field(description="How many hosts are not listed.", examples=[0])


class AcceptedRequest(ApiModel):
    request_id: str = Field(description="The request's id. Pass it to /status.", examples=[REQUEST_ID])
    status: Literal["Pending"] = "Pending"


class UploadAccepted(CatalogueSummary, AcceptedRequest):
    """The catalogue is stored, and its images will be processed."""


class RetryAccepted(AcceptedRequest):
    """The failed and cancelled images will be processed again."""

    round: int = Field(description="The round that has begun.", examples=[2])
    images: int = Field(description="How many images are retried.", examples=[3])


class CancelAccepted(ApiModel):
    """The cancellation is accepted, now or before."""

    request_id: str = Field(description="The request's id.", examples=[REQUEST_ID])
    round: int = Field(description="The round that is cancelled.", examples=[1])
    status: RequestStatus = Field(
        description="Pending until the outputs are written, then Cancelled; Completed or Failed if every image had"
        " ended before the cancellation took effect."
    )
    cancelling: bool = Field(description="Whether the cancellation is not complete yet.", examples=[True])


class RequestProgress(ApiModel):
    """How many images (distinct URLs) of the request are in each state."""

    total: int = Field(description="Images; it grows while the catalogue is being read.", examples=[90])
    compressed: int = Field(description="Images that have a result.", examples=[41])
    failed: int = Field(description="Images that failed.", examples=[1])
    cancelled: int = Field(
        description="Images that were not processed because the request was cancelled.", examples=[0]
    )
    pending: int = Field(description="Images that are in none of these states yet.", examples=[48])
    reused: int | None = Field(
        description="Compressed images whose result was copied: unchanged since an earlier request, or the same"
        " bytes as another image. Counted when the request finishes; null until then.",
        examples=[None],
    )
    as_of: Timestamp = Field(description="When the images were counted.")


class PausedHost(ApiModel):
    """A host that failed several times in a row or sent a Retry-After. Nothing is sent to it until the pause ends, then
    one image at a time until one succeeds.
    """

    host: str = Field(examples=["images.shop.example"])
    images: int = Field(description="Images of this request that wait for the host.", examples=[12])
    until: Timestamp | None = Field(
        description="No image is fetched from the host until then; null while its images are tried one at a time."
    )
    error_code: ErrorCode = Field(description="Its last failure.", examples=["http_5xx"])


LAST_ERROR = "Why the last attempt of the schedule failed, or why the webhook is disabled; null if it is neither."
NEXT_ATTEMPT_AT = (
    "When the next attempt of the schedule is due; during an attempt, when it is repeated if its outcome is never"
    " recorded. Null if there is none."
)


class WebhookStatus(ApiModel):
    """The webhook of the request's current round. GET /requests/{request_id}/deliveries has the log of its attempts."""

    state: DeliveryState = Field(
        description="pending: the request has not finished, or an attempt is due, now or later. delivered: the receiver"
        " accepted it. abandoned: every attempt failed, or it was disabled before. disabled: the receiver answered 410"
        " Gone to a webhook of the request.",
        examples=[DeliveryState.DELIVERED],
    )
    attempts: int = Field(description="Attempts of the schedule, without replays.", examples=[1])
    last_error: str | None = Field(description=LAST_ERROR)
    next_attempt_at: Timestamp | None = Field(description=NEXT_ATTEMPT_AT)


class RequestDetails(ApiModel):
    """A request's state. Completed: at least one image was compressed. Failed: no image was, or rows of the upload
    could not be read. Cancelled: a client cancelled it before all its images were processed.
    """

    request_id: str = Field(examples=[REQUEST_ID])
    status: RequestStatus
    error_code: RequestError | None = Field(
        description="Why rows of the upload are in no output: `upload_lost` or `upload_unreadable`; null if all were"
        " read. Such a request ends as Failed, or as Cancelled, but never as Completed; upload the catalogue again."
    )
    cancelling: bool = Field(
        description="Whether the request is Pending and a client has cancelled it.", examples=[False]
    )
    round: int = Field(description="1, and one more for each retry.", examples=[1])
    profile: Profile = Field(description="The platform whose columns the catalogue has.")
    options: CompressOptions = Field(description="The options that apply to the request's images, defaults included.")
    output_csv_url: str | None = Field(
        description="The catalogue with the output URLs; null until it is available.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-compressed.csv"],
    )
    report_url: str | None = Field(
        description="A CSV with a line per slot: its image's state and error; null until it is available.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-report.csv"],
    )
    failed_csv_url: str | None = Field(
        description="The catalogue's rows with a failed or cancelled image, and the reasons; null until it is"
        " available, and if there are none.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-failed.csv"],
    )
    report_json_url: str | None = Field(
        description="The report's totals, by host and by error code; null until it is available.",
        examples=[f"http://localhost:8000/outputs/{REQUEST_ID}/1/products-report.json"],
    )
    created_at: Timestamp
    updated_at: Timestamp
    expires_at: Timestamp | None = Field(
        description="When the request is removed with all its files, unless it is retried; null while it is Pending,"
        " and if it is kept."
    )
    progress: RequestProgress
    paused_hosts: list[PausedHost] = Field(description="The paused hosts that images of the request wait for.")
    webhook: WebhookStatus | None = Field(
        description="The state of the webhook in this round; null if the upload named no `webhook_url`."
    )


class InputError(ApiModel):
    """One error in a request's parameters, options or form."""

    detail: str = Field(examples=["percent is a whole number from 1 to 99, not '0'"])
    advice: str | None = Field(default=None, examples=["Upload one catalogue at a time."])
    option: str | None = Field(default=None, description="The option's name.", examples=["percent"])
    parameter: str | None = Field(
        default=None, description="The name of the query parameter, or of the body's field.", examples=["request_id"]
    )


class ProblemDocument(ApiModel):
    """Why a request was refused or failed, by RFC 9457.

    All errors are listed at once: those of the request in `errors`, those of the catalogue in `findings`. Members
    without a value are omitted.
    """

    type: str = Field(
        description="The problem's type: a URN that stays the same, or about:blank.",
        examples=["urn:imagemill:problem:catalogue"],
    )
    title: str = Field(examples=["The catalogue cannot be used"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["1 finding; nothing was stored or processed."])
    errors: list[InputError] | None = None
    findings: list[CatalogueFinding] | None = Field(
        default=None,
        description=f"At most {MAX_FINDINGS:,} are listed; {MIN_WARNINGS} of these places are kept for warnings unless"
        " errors need them.",
    )
    more_findings: int | None = Field(default=None, description="How many findings are not listed.", examples=[0])
    round: int | None = Field(default=None, description="The round that the request is in.")
    request_status: RequestStatus | None = Field(default=None, description="The status of the request.")
    http_request_id: str | None = Field(
        default=None,
        description="X-Request-ID of the response, where the cause is in the service's log (status 500 and 503).",
        examples=["5f2b8c1e9a7d4f0ab3c6d8e1f4a7b0c2"],
    )
