"""Records with everything filled in, for tests to change what they are about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, ImageResult
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image, Product, Progress, Request
from shared.contracts.states import ImageState, RequestStatus

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BASE_URL = "http://mill.test"
REQUEST_ID = "01JD0000000000000000000000"


def a_request(**changes: Any) -> Request:
    request = Request(
        request_id=REQUEST_ID,
        status=RequestStatus.PENDING,
        round=1,
        options=CompressOptions(),
        webhook_url=None,
        filename="Spring Catalogue.csv",
        upload_key=f"uploads/{REQUEST_ID}.csv",
        header=("S. No.", "Product Name", "Input Image Urls"),
        intake_open=False,
        intake_rows=0,
        created_at=NOW - timedelta(hours=1),
        updated_at=NOW - timedelta(hours=1),
        progress=Progress(total=0, compressed=0, failed=0, pending=0, as_of=NOW),
    )
    return replace(request, **changes)


def a_product(row: int, *urls: str, **changes: Any) -> Product:
    cells = (str(row), f"Product {row}", ",".join(urls))
    return replace(Product(REQUEST_ID, row, cells[0], cells[1], urls, cells), **changes)


def an_image(url: str, **changes: Any) -> Image:
    """An image on its way."""
    image = Image(
        request_id=REQUEST_ID,
        image_id=image_id(url),
        url=url,
        host="images.test",
        state=ImageState.DISPATCHED,
        round=1,
        dispatch=1,
        attempts=1,
        deadline=NOW + timedelta(days=1),
    )
    return replace(image, **changes)


def a_result(key: str = f"results/{REQUEST_ID}/shoe-0123456789abcdef.jpg", **changes: Any) -> ImageResult:
    result = ImageResult(
        key=key,
        content_type="image/jpeg",
        action="compressed",
        format="jpeg",
        width=640,
        height=480,
        quality=71,
        target_met=True,
        encodes=5,
        bytes_in=1000,
        bytes_out=498,
        fetch_ms=12,
        compress_ms=34,
    )
    return result.model_copy(update=changes)


def a_compressed_image(url: str, **changes: Any) -> Image:
    key = f"results/{REQUEST_ID}/{image_id(url)[:8]}-0123456789abcdef.jpg"
    return an_image(url, **({"state": ImageState.COMPRESSED, "result": a_result(key), "ended_at": NOW} | changes))


def a_failed_image(url: str, **changes: Any) -> Image:
    failure = {"error_code": ErrorCode.HTTP_404, "error_detail": "the host answered 404", "ended_at": NOW}
    return an_image(url, **({"state": ImageState.FAILED} | failure | changes))
