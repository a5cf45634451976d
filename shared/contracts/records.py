"""What the database records of a request, in the field's own terms. Times are aware UTC datetimes."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, ImageResult
from shared.contracts.states import ImageState, RequestStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """How many images (distinct URLs of the request) stand where, counted at `as_of`."""

    total: int
    compressed: int
    failed: int
    pending: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """One upload. `output_key` and `report_key` are set by the finish of the round that wrote them.

    intake_open: rows of the upload are still being written to the database.
    intake_rows: data rows of the upload that are in the database for certain; a resumed intake goes on behind them.
    header: the upload's own header cells.
    """

    request_id: str
    status: RequestStatus
    round: int
    options: CompressOptions
    webhook_url: str | None
    filename: str | None
    upload_key: str
    header: tuple[str, ...]
    intake_open: bool
    intake_rows: int
    created_at: datetime
    updated_at: datetime
    progress: Progress
    output_key: str | None = None
    report_key: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """One data row of an upload.

    row: 1 for the first data row. input_image_urls: one per slot, in the cell's order. cells: the row as given.
    """

    request_id: str
    row: int
    serial_number: str
    product_name: str
    input_image_urls: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """One distinct URL of a request. See `messages.ImageMessage` for round, dispatch and attempts.

    host: the URL's host, lower-case, or "" where the URL has none.
    deadline: the image fails with its last error if it has no end by then.
    """

    request_id: str
    image_id: str
    url: str
    host: str
    state: ImageState
    round: int
    dispatch: int
    attempts: int
    deadline: datetime
    error_code: ErrorCode | None = None
    error_detail: str | None = None
    result: ImageResult | None = None
    ended_at: datetime | None = None


def saved_percent(result: ImageResult) -> float:
    """How many per cent of the original's bytes are no longer there, to one place: 100 * (1 - out / in)."""
    return round(100 * (1 - result.bytes_out / result.bytes_in), 1) if result.bytes_in else 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook on its way. `delivery_id` is the event's id and the `webhook-id` of every attempt.

    body: the exact text that is signed and sent each time. due_at is None when it has ended.
    """

    delivery_id: str
    request_id: str
    url: str
    body: str
    attempts: int
    due_at: datetime | None
    delivered: bool = False
    last_error: str | None = None
