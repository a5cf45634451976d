"""What the database records of a request, independent of the database. Times are aware datetimes in UTC."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.catalogue import CatalogueFormat
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, ImageResult
from shared.contracts.states import ImageState, RequestError, RequestStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """The number of images (distinct URLs of the request) by state, counted at `as_of`.

    reused: how many results were copied, see ImageResult.reused; counted only when the request finishes.
    """

    total: int
    compressed: int
    failed: int
    pending: int
    as_of: datetime
    reused: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class OutputKeys:
    """The keys of a finished round's files; see Request."""

    output_key: str
    report_key: str
    report_json_key: str
    failed_key: str | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """The end of a round that is still to be announced: its public event, and its webhook if it has one.

    It is recorded together with the end and removed once it is published, so a later round cannot replace it.
    """

    event_id: str
    type: str
    time: datetime
    data: dict[str, Any]
    webhook_url: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """One upload. Finishing a round sets the keys of its files; a retry clears them.

    output_key, report_key, report_json_key: the output CSV, and the report as CSV and as JSON.
    failed_key: failed.csv; None if no image failed.
    intake_open: whether intake is still writing to the database: in round 1 the upload's rows, in a later round the
        failed images that are to be retried.
    intake_rows: number of the upload's data rows that are in the database; a resumed intake continues after them.
    catalogue_format: how the upload is written; the outputs are written in the same way.
    announcements: of ended rounds, not yet published, in order.
    retention_days: time from the finish to the removal; None for a request that is kept.
    expires_at: when the request and its files are removed; None while it is Pending, and if it is kept.
    cancelling: whether a client has cancelled this round, which is not finished yet.
    cancelled_round: the round that a client cancelled last, even if that came too late to have an effect.
    error_code: why rows after the first `intake_rows` could not be read; None if all were.
    """

    request_id: str
    status: RequestStatus
    round: int
    options: CompressOptions
    webhook_url: str | None
    filename: str | None
    upload_key: str
    catalogue_format: CatalogueFormat
    intake_open: bool
    intake_rows: int
    created_at: datetime
    updated_at: datetime
    progress: Progress
    output_key: str | None = None
    report_key: str | None = None
    failed_key: str | None = None
    report_json_key: str | None = None
    finished_at: datetime | None = None
    announcements: tuple[Announcement, ...] = ()
    retention_days: float | None = None
    expires_at: datetime | None = None
    cancelling: bool = False
    cancelled_round: int | None = None
    error_code: RequestError | None = None

    @property
    def was_cancelled(self) -> bool:
        """Whether a client has cancelled this round, finished or not, with effect or not."""
        return self.cancelled_round == self.round

    def expires_after(self, finished_at: datetime) -> datetime | None:
        """When it expires if it finishes then; None if it is kept for ever."""
        return None if self.retention_days is None else finished_at + timedelta(days=self.retention_days)

    def has_expired(self, now: datetime) -> bool:
        """Whether it is due for removal. To clients it then no longer exists."""
        return self.expires_at is not None and self.expires_at <= now


CANCELLED_DETAIL = "the request was cancelled"
"""The error detail of an image whose code is `cancelled`."""
_MORE_THAN_SLOTS_IN_A_ROW = 2**20


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which no images were processed, because of Imagemill or what it depends on."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class CancelledRound:
    """A round that a client cancelled at `requested_at`.

    intake_open: whether images may still be added to it.
    """

    request_id: str
    round: int
    requested_at: datetime
    intake_open: bool


@dataclass(frozen=True, slots=True)
class Product:
    """One data row of an upload.

    row: 1 for the first data row.
    input_image_urls: one per slot, in the order of the image columns and of the lists in their cells.
    slots: the number of slots in each image column of the catalogue format.
    record: the row's text as uploaded, with its line end if it had one; repaired if it had not as many cells as the
        header.
    """

    request_id: str
    row: int
    serial_number: str
    product_name: str
    input_image_urls: tuple[str, ...]
    slots: tuple[int, ...]
    record: str


@dataclass(frozen=True, slots=True)
class Image:
    """One distinct URL of a request. See `messages.ImageMessage` for round, dispatch and attempts.

    host: the URL's host name, see url_policy.host_name; "" if the URL is invalid.
    round: the round in which it was last tried; `dispatch` and `attempts` count within it.
    deadline: a run through the workers that begins then or later is the last one. None before the image's first try at
        its host: what waits for us does not age.
    error_code, error_detail: why the image failed, or the reason of the last try at its host.
    losses: how often in this round a worker was lost that had the image.
    position: its place in the catalogue, see `position_of`. 0 if an earlier version recorded it.
    etag, last_modified: validators of the original, as its host sent them.
    reuse_key: see object_keys.reuse_key; None without `etag` and `last_modified`.
    """

    request_id: str
    image_id: str
    url: str
    host: str
    state: ImageState
    round: int
    dispatch: int
    attempts: int
    deadline: datetime | None = None
    error_code: ErrorCode | None = None
    error_detail: str | None = None
    result: ImageResult | None = None
    ended_at: datetime | None = None
    reuse_key: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    losses: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class DispatchedImage:
    """What the dispatcher has to know of an image that is with the workers."""

    request_id: str
    image_id: str
    host: str
    round: int
    dispatch: int
    losses: int
    dispatched_at: datetime


def position_of(row: int, slot: int) -> int:
    """The place of a slot in its catalogue, as a number that orders them. Both are counted from any first number."""
    return row * _MORE_THAN_SLOTS_IN_A_ROW + slot


def saved_percent(bytes_in: int, bytes_out: int) -> float:
    """The share of the bytes that was saved, in per cent to one decimal place; 0.0 if there were none."""
    return round(100 * (1 - bytes_out / bytes_in), 1) if bytes_in else 0.0


@dataclass(frozen=True, slots=True)
class HostCircuit:
    """The circuit breaker of a host whose images failed lately, or that asked for a pause. A success removes it.

    failures: since the host's last success; an image counts only with its first failure.
    pauses: since the host's last success.
    paused_until: None while the circuit is closed. Until then it is open, and nothing is dispatched to the host; after
        that it is half-open, and one image at a time is dispatched.
    error_code: of the last failure.
    paused_since: when the first of these pauses began.
    last_fault_at: when the last fault was recorded that began or prolonged a pause.
    """

    host: str
    failures: int
    pauses: int
    paused_until: datetime | None
    error_code: ErrorCode
    paused_since: datetime | None = None
    last_fault_at: datetime | None = None
