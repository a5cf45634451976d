"""The house's own messages: commands are imperative, results past tense. They carry ids and keys, never image bytes.

A reader ignores fields it does not know, so that a newer sender may add some; it never guesses a missing one.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.error_codes import ErrorCode


class Message(BaseModel):
    """One message on `imagemill.commands`; its type on the wire is the name of its class."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Mode = Literal["size", "quality", "dimensions"]
OutputFormat = Literal["keep", "jpeg", "webp", "avif", "auto"]
MetadataPolicy = Literal["strip", "copyright", "keep"]


class CompressOptions(BaseModel):
    """What the client wants of each image. The fields' descriptions are for users; the gateway publishes them.

    `min_quality` and `allow_resize` apply to mode "size" only, `max_width` and `max_height` to every mode.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    percent: int = Field(default=50, ge=1, le=99, description="Target in per cent; `mode` says of what.")
    mode: Mode = Field(
        default="size",
        description="What `percent` means. `size`: each result has at most that share of its original's bytes, at the"
        " highest quality that fits; the search stops once a result fills about nine tenths of the target. `quality`:"
        " `percent` is the encoder's quality. `dimensions`: width and height are that share of the original's.",
    )
    format: OutputFormat = Field(
        default="keep",
        description="Format of the results. `keep`: each original's own. `auto`: the smallest of the formats that"
        " browsers show and that keep alpha and animation. A result's URL and content type follow its format.",
    )
    max_width: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Maximum width in pixels. A larger image is scaled down in proportion; none is enlarged.",
    )
    max_height: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Maximum height in pixels. A larger image is scaled down in proportion; none is enlarged.",
    )
    min_quality: int = Field(default=30, ge=1, le=95, description="Lowest encoder quality that mode `size` may use.")
    allow_resize: bool = Field(
        default=True,
        description="Whether mode `size` scales an image down that does not fit at `min_quality`. If not, the result"
        " stays above the target and the report says so.",
    )
    metadata: MetadataPolicy = Field(
        default="strip",
        description="Metadata that the results keep. `strip`: only the colour profile. `copyright`: also author and"
        " copyright notice, from EXIF, XMP, IPTC or PNG text. `keep`: these and all of EXIF and XMP except the"
        " thumbnail. The orientation is always applied. A JPEG cannot hold EXIF or XMP above 64 kB each: it is left"
        " out.",
    )


class ImageMessage(Message):
    """What every message about one image carries.

    image_id: see `object_keys.image_id`; unique within its request.
    round: 1, and one more for each retry of a finished request.
    dispatch: the number of this run through the workers; a deferral counts only for the dispatch it answers.
    attempt: 1 for the first; runs that were deferred through no fault of the image's host do not count.
    """

    request_id: str
    image_id: str
    round: int = Field(ge=1)
    dispatch: int = Field(ge=1)
    attempt: int = Field(ge=1)


def about(command: ImageMessage) -> dict[str, Any]:
    """The fields by which an answer to `command` names its image, round, dispatch and attempt."""
    return {name: getattr(command, name) for name in ImageMessage.model_fields}


class ImageResult(BaseModel):
    """What became of one image. Sizes are bytes, times milliseconds, `percent` aims at `bytes_in`.

    format: of the result, as is `content_type`; the original's if it was kept.
    width, height: of the result, upright, in pixels.
    original_width, original_height: of the original, upright; None in results of earlier versions.
    quality: the encoder's quality, None where the format has none or the original was kept.
    target_met: mode "size": whether `bytes_out` is at most the percentage asked for; always true in the other modes.
    encodes: how many full encodings it took.
    reused: it was copied: "unchanged" from an earlier request whose original the host says is still the same,
        "same_bytes" from an image of this request whose original has the same bytes. None if it was made.
    ssim: how much the result looks like the original, 1.0 being the same; None where it was not measured.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    content_type: str
    action: Literal["compressed", "kept_original"]
    format: str
    width: int
    height: int
    original_width: int | None = None
    original_height: int | None = None
    quality: int | None
    target_met: bool
    encodes: int
    ssim: float | None = None
    reused: Literal["unchanged", "same_bytes"] | None = None
    bytes_in: int
    bytes_out: int
    fetch_ms: int
    compress_ms: int


class KnownResult(BaseModel):
    """What an earlier request made of the same URL with the same options, and how to ask whether that still holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    etag: str | None
    last_modified: str | None
    result: ImageResult


class DownloadImage(ImageMessage):
    """To the downloader: fetch `url`. Dropped unread after `start_by`: the dispatcher will send it again."""

    url: str
    options: CompressOptions
    start_by: datetime
    known: KnownResult | None = None


class CompressImage(ImageMessage):
    """To the compressor: shrink the object `original_key`, `original_bytes` long.

    original_sha256: in hex; None from a sender of an earlier version. etag, last_modified: as its host gave them.
    """

    url: str
    options: CompressOptions
    start_by: datetime
    original_key: str
    original_bytes: int
    fetch_ms: int
    original_sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None


class ImageCompressed(ImageMessage):
    """From the compressor, or from the downloader for one that is reused: the result is stored and can be read.

    original_key: None where no original was stored.
    etag, last_modified: what the host said of the original; `reuse_key` is given along with either of them.
    """

    original_key: str | None
    result: ImageResult
    etag: str | None = None
    last_modified: str | None = None
    reuse_key: str | None = None


class ImageFailed(ImageMessage):
    """From a worker: this image has reached its end without a result.

    attempt: 0 if its time was over before any attempt counted.
    host_fault, host_until: see ImageDeferred.
    """

    attempt: int = Field(ge=0)
    error_code: ErrorCode
    error_detail: str
    host_fault: bool = False
    host_until: datetime | None = None
    original_key: str | None = None


class ImageDeferred(ImageMessage):
    """From a worker: not now. The image waits in the database until `not_before`.

    counts: whether this run used up one of the image's attempts.
    host_fault: the error says that the image's host is in trouble, not only this image.
    host_until: the host asked to be left alone until then, by Retry-After.
    """

    error_code: ErrorCode
    error_detail: str
    not_before: datetime
    counts: bool = True
    host_fault: bool = False
    host_until: datetime | None = None
    original_key: str | None = None


class FinishRequest(Message):
    """To the aggregator: intake is closed and no image is left; write the outputs and end the request."""

    request_id: str
    round: int = Field(ge=1)


class DeliverWebhook(Message):
    """To the aggregator: this delivery is due."""

    delivery_id: str


MAX_PROBE_SECONDS = 120
"""A probe that takes longer has nobody waiting for its reply."""


class ProbeImages(Message):
    """To any downloader: look at these URLs without keeping them. Dropped unread after `answer_by`.

    probe_id: names the answer. reply_to: the queue that waits for it.
    """

    probe_id: str
    reply_to: str
    urls: tuple[str, ...]
    answer_by: datetime


class ProbedImage(BaseModel):
    """What a URL leads to. Sizes are bytes, None if not told; `ms` is how long it took to see it.

    content_type: of the image that is there. error_code: why there is none. Where both are None it is not known, for
    a reason that says nothing of the image; `error_detail` tells it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    content_type: str | None = None
    size: int | None = None
    ms: int
    error_code: ErrorCode | None = None
    error_detail: str | None = None


class FetchBounds(BaseModel):
    """What one downloader does at most: requests at a time, and to one host at a time, and to one host in a second."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at_once: int
    per_host: int
    per_second: float | None = None


class ImagesProbed(Message):
    """To the gateway that asked: one answer for each URL, in their order, and what bounds the downloader's work."""

    probe_id: str
    images: tuple[ProbedImage, ...]
    bounds: FetchBounds
