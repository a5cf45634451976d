"""Messages to and from the workers about an image, for its latest dispatch."""

from datetime import timedelta
from typing import Any

from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    CompressOptions,
    DownloadImage,
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
)
from shared.contracts.records import Image
from tests.support.builders import NOW, a_result


def _about(image: Image, changes: dict[str, Any]) -> dict[str, Any]:
    known = {
        "request_id": image.request_id,
        "image_id": image.image_id,
        "round": image.round,
        "dispatch": image.dispatch or 1,
        "attempt": image.attempts + 1,
    }
    return known | changes


def download(image: Image, **changes: Any) -> DownloadImage:
    usual = {"url": image.url, "options": CompressOptions(), "start_by": NOW + timedelta(minutes=15)}
    return DownloadImage(**_about(image, usual | changes))


def compress(image: Image, **changes: Any) -> CompressImage:
    original = {"original_key": f"originals/{image.request_id}/{image.image_id}-0", "original_bytes": 1, "fetch_ms": 1}
    usual = {"url": image.url, "options": CompressOptions(), "start_by": NOW + timedelta(minutes=15)}
    return CompressImage(**_about(image, usual | original | changes))


def compressed(image: Image, **changes: Any) -> ImageCompressed:
    original_key = f"originals/{image.request_id}/{image.image_id}-0"
    return ImageCompressed(**_about(image, {"original_key": original_key, "result": a_result()} | changes))


def failed(image: Image, **changes: Any) -> ImageFailed:
    usual = {"error_code": ErrorCode.HTTP_404, "error_detail": "the host answered 404"}
    return ImageFailed(**_about(image, usual | changes))


def deferred(image: Image, **changes: Any) -> ImageDeferred:
    """A deferral by one minute because of the image's host."""
    usual = {
        "error_code": ErrorCode.HTTP_5XX,
        "error_detail": "the host answered 503",
        "delay": 60,
    }
    return ImageDeferred(**_about(image, usual | changes))
