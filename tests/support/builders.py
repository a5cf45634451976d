"""Builders of test data: a test sets what it is about, all other values are plausible defaults."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from shared.catalogue import CatalogueFormat, Dialect, ImageColumn, Profile, raw_cell
from shared.contracts.deliveries import Delivery, DeliveryAttempt
from shared.contracts.messages import CompressOptions, ImageResult
from shared.contracts.object_keys import image_id, upload_key
from shared.contracts.records import Announcement, Image, OutputKeys, Product, Progress, Request
from shared.contracts.states import ImageState, RequestStatus

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
REQUEST_ID = "01KDA7ZZ00000000000000TEST"


def a_catalogue_format(**changes: Any) -> CatalogueFormat:
    """A plain catalogue: UTF-8, commas, CRLF."""
    known: dict[str, Any] = {
        "profile": Profile.GENERIC,
        "dialect": Dialect(",", "utf-8", bom=False, line_end="\r\n"),
        "header": "S. No.,Product Name,Input Image Urls\r\n",
        "width": 3,
        "image_columns": (ImageColumn(2, many=True),),
    }
    return CatalogueFormat(**known | changes)


def a_request(request_id: str = REQUEST_ID, **changes: Any) -> Request:
    """A Pending request whose intake is open."""
    known: dict[str, Any] = {
        "request_id": request_id,
        "status": RequestStatus.PENDING,
        "round": 1,
        "options": CompressOptions(),
        "webhook_url": None,
        "filename": "products.csv",
        "upload_key": upload_key(request_id),
        "catalogue_format": a_catalogue_format(),
        "intake_open": True,
        "intake_rows": 0,
        "created_at": NOW,
        "updated_at": NOW,
        "progress": Progress(0, 0, 0, 0, NOW),
    }
    return Request(**known | changes)


def finished(request: Request, progress: Progress, status: RequestStatus = RequestStatus.COMPLETED) -> Request:
    """`request` as it is at the end of its round, when `progress` was counted."""
    keys = asdict(output_keys(request.request_id, request.round))
    ended: dict[str, Any] = {"updated_at": progress.as_of, "finished_at": progress.as_of, "intake_open": False}
    expires_at = request.expires_after(progress.as_of)
    return replace(request, status=status, progress=progress, expires_at=expires_at, **ended, **keys)


def an_announcement(request: Request, **changes: Any) -> Announcement:
    """That of a finished request."""
    known: dict[str, Any] = {
        "event_id": f"{request.request_id}:{request.round}:request.completed",
        "type": "request.completed",
        "time": request.finished_at,
        "data": {"request_id": request.request_id, "images": {"total": 1}, "failed_csv_url": None},
        "webhook_url": request.webhook_url,
    }
    return Announcement(**known | changes)


def output_keys(request_id: str = REQUEST_ID, round_: int = 1) -> OutputKeys:
    """The files of a finished round in which an image failed."""
    name = f"outputs/{request_id}/{round_}/products"
    return OutputKeys(f"{name}-compressed.csv", f"{name}-report.csv", f"{name}-report.json", f"{name}-failed.csv")


def an_image(url: str = "http://images.test/1.jpg", request_id: str = REQUEST_ID, **changes: Any) -> Image:
    """A pending image that has never been dispatched."""
    known: dict[str, Any] = {
        "request_id": request_id,
        "image_id": image_id(url),
        "url": url,
        "host": url.split("/")[2],
        "state": ImageState.PENDING,
        "round": 1,
        "dispatch": 0,
        "attempts": 0,
    }
    return Image(**known | changes)


def a_result(**changes: Any) -> ImageResult:
    known: dict[str, Any] = {
        "key": f"results/{REQUEST_ID}/1-0123456789abcdef.jpg",
        "content_type": "image/jpeg",
        "action": "compressed",
        "format": "jpeg",
        "width": 800,
        "height": 600,
        "original_width": 1600,
        "original_height": 1200,
        "quality": 71,
        "target_met": True,
        "encodes": 2,
        "ssim": 0.9731,
        "bytes_in": 100_000,
        "bytes_out": 49_000,
        "fetch_ms": 12,
        "compress_ms": 34,
    }
    return ImageResult(**known | changes)


def a_product(row: int, urls: tuple[str, ...], request_id: str = REQUEST_ID) -> Product:
    return Product(
        request_id=request_id,
        row=row,
        serial_number=str(row),
        product_name=f"Product {row}",
        input_image_urls=urls,
        slots=(len(urls),),
        record=f"{row},Product {row},{raw_cell(','.join(urls), ',')}\r\n",
    )


def a_delivery(delivery_id: str = f"{REQUEST_ID}:1:request.completed", **changes: Any) -> Delivery:
    """A delivery that is due now. The request's id is the first part of its id."""
    known: dict[str, Any] = {
        "request_id": delivery_id.partition(":")[0],
        "event_type": "request.completed",
        "url": "https://shop.test/hook",
        "receiver": "shop.test",
        "body": '{"type": "request.completed"}',
        "created_at": NOW,
        "due_at": NOW,
    }
    return Delivery(delivery_id=delivery_id, **known | changes)


def an_attempt(error: str | None = "the receiver answered 503", **changes: Any) -> DeliveryAttempt:
    known: dict[str, Any] = {"at": NOW, "duration_ms": 12, "status": 503 if error else 204, "response": ""}
    return DeliveryAttempt(error=error, **known | changes)
