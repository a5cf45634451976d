"""The messages between the services: commands are imperative, results past tense. They carry ids and keys, no images.

A reader ignores fields that it does not know, so a newer sender may add some; a missing field without a default is an
error. docs/messages.md is generated from these classes and the fields' descriptions.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.bounds import Count, Detail, Id, Ordinal, Pixels, Rate, Seconds, Share, Time, Url, Word
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

    percent: int = Field(
        default=50, ge=1, le=99, description="Target percentage. `mode` defines what it is a percentage of."
    )
    mode: Mode = Field(
        default="size",
        description="Sets what `percent` means. `size`: each result has at most that share of its original's bytes, at"
        " the highest quality that fits; the search stops once a result fills about nine tenths of the target."
        " `quality`: `percent` is the encoder's quality. `dimensions`: width and height are that share of the"
        " original's.",
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
        description="Allows mode `size` to scale down an image that does not fit at `min_quality`. If false, the result"
        " stays above the target, and the report shows it.",
    )
    metadata: MetadataPolicy = Field(
        default="strip",
        description="Metadata that the results keep. `strip`: only the colour profile. `copyright`: also author and"
        " copyright notice, from EXIF, XMP, IPTC or PNG text. `keep`: these and all of EXIF and XMP except the"
        " thumbnail. The orientation is always applied. A JPEG cannot hold EXIF or XMP above 64 kB each: it is left"
        " out.",
    )


class ImageMessage(Message):
    """What every message about one image contains."""

    request_id: Id = Field(description="The request's ULID.")
    image_id: Id = Field(description="Unique within its request; see object_keys.image_id.")
    round: Ordinal = Field(description="1, and one more for each retry of a finished request.")
    dispatch: Ordinal = Field(
        description="Number of this run through the workers. A deferral of an earlier dispatch is ignored.",
    )
    attempt: Ordinal = Field(
        description="1 for the first. A run whose deferral does not count (`counts` is false) is not an attempt.",
    )


def moment(seconds: float | None, absolute: datetime | None, now: datetime) -> datetime | None:
    """The time that a message names: `seconds` after now, or the `absolute` one of a sender of an earlier version."""
    return absolute if seconds is None else now + timedelta(seconds=seconds)


def about(command: ImageMessage) -> dict[str, Any]:
    """The fields by which an answer to `command` names its image, round, dispatch and attempt."""
    return {name: getattr(command, name) for name in ImageMessage.model_fields}


class ResultFigures(BaseModel):
    """How one image was compressed. Sizes are bytes, times milliseconds. The descriptions are for users too."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content_type: Word = Field(description="Content type of the result.")
    action: Literal["compressed", "kept_original"] = Field(
        description="`compressed`, or `kept_original` if nothing smaller could be made."
    )
    format: Word = Field(description="Format of the result; the original's if the original was kept.")
    width: Pixels = Field(description="Width of the result in pixels, as a viewer shows it.")
    height: Pixels = Field(description="Height of the result in pixels, as a viewer shows it.")
    original_width: Pixels | None = Field(
        default=None, description="Width of the original in pixels; null in results that an earlier version recorded."
    )
    original_height: Pixels | None = Field(
        default=None, description="Height of the original in pixels; null in results that an earlier version recorded."
    )
    quality: Count | None = Field(
        description="The encoder's quality; null if the format has none or the original was kept."
    )
    target_met: bool = Field(
        description="In mode `size`, whether `bytes_out` is at most the percentage of `bytes_in` that was requested;"
        " in the other modes always true."
    )
    encodes: Count = Field(description="Number of full encodings that the result took.")
    ssim: Share | None = Field(
        default=None,
        description="Similarity of the result to its original (SSIM), 1 for identical images; null if not measured.",
    )
    reused: Literal["unchanged", "same_bytes"] | None = Field(
        default=None,
        description="Why the result was copied instead of made. `unchanged`: an earlier request compressed the same URL"
        " with the same options, and the host confirmed that the original has not changed. `same_bytes`: another image"
        " of this request has the same bytes. Null if the result was made.",
    )
    bytes_in: Count = Field(description="Size of the original in bytes.")
    bytes_out: Count = Field(description="Size of the result in bytes.")
    fetch_ms: Count = Field(description="Duration of the download in milliseconds.")
    compress_ms: Count = Field(description="Duration of the compression in milliseconds.")


class ImageResult(ResultFigures):
    """The figures of a result, and where it is stored."""

    key: Word = Field(description="The result's key in the object store.")


class KnownResult(BaseModel):
    """What an earlier request made of the same URL with the same options, and the validators of its original."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    etag: Word | None = Field(description="The original's ETag.")
    last_modified: Word | None = Field(description="The original's Last-Modified.")
    result: ImageResult = Field(description="What the earlier request made of it.")
    reuse_key: Word | None = Field(
        default=None, description="Under which the result was found; null from a sender of an earlier version."
    )


class DownloadImage(ImageMessage):
    """Download the image at `url` and store it."""

    url: Url = Field(description="The image's URL.")
    options: CompressOptions = Field(description="Every option that applies; the downloader passes them on.")
    start_by: Time = Field(
        description="A worker that receives the command later, by the object store's clock, drops it: the dispatcher"
        " sends it again."
    )
    known: KnownResult | None = Field(
        default=None, description="A result that is copied if the host confirms that the original has not changed."
    )
    losses: Count = Field(
        default=0, description="How often in this round a worker was lost that had the image; see Delivery."
    )
    last: bool = Field(
        default=False,
        description="Whether the image's deadline has passed: a failure that would use up an attempt is final.",
    )


class CompressImage(ImageMessage):
    """Compress the stored original."""

    url: Url = Field(description="The image's URL; the name of the result is derived from it.")
    options: CompressOptions = Field(description="Every option that applies.")
    start_by: Time = Field(description="As in `DownloadImage`.")
    original_key: Word = Field(description="The original's key in the object store.")
    original_bytes: Count = Field(description="The original's size.")
    fetch_ms: Count = Field(description="Duration of the download in milliseconds.")
    original_sha256: Word | None = Field(default=None, description="In hex; null from a sender of an earlier version.")
    etag: Word | None = Field(default=None, description="The original's ETag, as its host sent it.")
    last_modified: Word | None = Field(default=None, description="The original's Last-Modified, as its host sent it.")
    losses: Count = Field(default=0, description="As in `DownloadImage`.")


class ImageCompressed(ImageMessage):
    """The result is stored and can be read."""

    original_key: Word | None = Field(description="Null if an earlier result was copied and no original stored.")
    result: ImageResult = Field(description="Where the result is, and its figures.")
    etag: Word | None = Field(default=None, description="The original's ETag, as its host sent it.")
    last_modified: Word | None = Field(default=None, description="The original's Last-Modified, as its host sent it.")
    reuse_key: Word | None = Field(
        default=None, description="See object_keys.reuse_key; set only with `etag` or `last_modified`."
    )


class ImageFailed(ImageMessage):
    """The image failed for good."""

    attempt: Count = Field(description="0 if no attempt counted.")
    error_code: ErrorCode = Field(description="Why the image failed; see [error codes](errors.md).")
    error_detail: Detail = Field(description="The same in more detail, for people.")
    host_fault: bool = Field(
        default=False, description="Whether the error is a fault of the image's host rather than of this image."
    )
    host_pause: Seconds | None = Field(
        default=None,
        description="Seconds for which the host asked for no further requests (Retry-After).",
    )
    host_until: Time | None = Field(
        default=None, description="The same as a time, from a sender of an earlier version."
    )
    original_key: Word | None = Field(
        default=None, description="The stored original, which is now removed; null if none."
    )


class ImageDeferred(ImageMessage):
    """The image is to be tried again later. It waits in the database for `delay` seconds."""

    error_code: ErrorCode = Field(description="Why the run failed.")
    error_detail: Detail = Field(description="The same in more detail, for people.")
    delay: Seconds | None = Field(
        default=None,
        description="Seconds from the recording of this message to the earliest time of the next dispatch.",
    )
    not_before: Time | None = Field(
        default=None, description="That time, from a sender of an earlier version, which sends no `delay`."
    )
    counts: bool = Field(default=True, description="Whether this run used up one of the image's attempts.")
    lost: bool = Field(default=False, description="Whether the run ended because its worker was lost.")
    host_fault: bool = Field(default=False, description="As in `ImageFailed`.")
    host_pause: Seconds | None = Field(default=None, description="As in `ImageFailed`.")
    host_until: Time | None = Field(default=None, description="As in `ImageFailed`.")
    original_key: Word | None = Field(default=None, description="As in `ImageFailed`.")

    @property
    def tried_host(self) -> bool:
        """Whether the try at its host failed, so that the image's age counts from the first such run.

        Once there is an original, the try has succeeded; only a fault of the host can still follow from it.
        """
        return self.host_fault or (self.counts and self.original_key is None)


class FinishRequest(Message):
    """Intake is closed and no image is open: write the outputs, finish the request and announce it."""

    request_id: Id = Field(description="The request's ULID.")
    round: Ordinal = Field(description="The round to finish.")


class RoundToDrop(BaseModel):
    """A round of a request, which was cancelled."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    request_id: Id = Field(description="The request's ULID.")
    round: Ordinal = Field(description="The cancelled round.")
    seconds: Seconds = Field(description="How long its commands can still be in the broker or in a worker.")


class DropRounds(Message):
    """Drop the commands for images of these rounds, which were cancelled. Broadcast again until none can be left."""

    rounds: tuple[RoundToDrop, ...] = Field(max_length=1_000, description="Recently cancelled rounds.")


class DeliverWebhook(Message):
    """This delivery is due."""

    delivery_id: Id = Field(description="The id of the event that the webhook delivers.")


MAX_WEBHOOK_SECONDS = 120
"""The longest timeout of a call of a webhook."""

WEBHOOK_TESTS_AT_ONCE = 8
"""How many tests of webhooks a gateway accepts, and an aggregator makes, at the same time."""

MAX_TEST_WAIT_SECONDS = 10
"""How long a `SendTestWebhook` waits for an aggregator; then the gateway has stopped waiting."""


class SendTestWebhook(Message):
    """Call the webhook at this URL once with an event `webhook.test`, and reply to `reply_to`."""

    test_id: Id = Field(description="Matches the reply to its command, and is the `webhook-id` of the call.")
    reply_to: Word = Field(description="Name of the queue that receives the reply.")
    url: Url = Field(description="The webhook's URL.")


class WebhookTested(Message):
    """How the receiver responded to a `SendTestWebhook`."""

    test_id: Id = Field(description="As in the command.")
    status: Count | None = Field(description="Status of the response; null if there was none.")
    error: Detail | None = Field(description="Why the call failed; null if the receiver accepted it.")
    duration_ms: Count = Field(description="Duration of the call in milliseconds.")
    response: Detail = Field(description="The start of the response's body, without credentials.")


MAX_PROBE_SECONDS = 120
"""No client waits longer for the replies to its probe."""


class ProbeImages(Message):
    """Fetch the start of the images at these URLs, store nothing, and reply to `reply_to`."""

    probe_id: Id = Field(description="Matches a reply to its command.")
    reply_to: Word = Field(description="Name of the queue that receives the reply.")
    urls: tuple[Url, ...] = Field(max_length=1_000, description="URLs of one host.")
    answer_by: Time = Field(
        description="A downloader that receives the command later, by the object store's clock, drops it."
    )


class ProbedImage(BaseModel):
    """What is at a URL.

    Either `content_type` or `error_code` is set. If neither is, nothing is known about the image, and `error_detail`
    gives the reason.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: Url = Field(description="As in the command.")
    content_type: Word | None = Field(default=None, description="By the image's first bytes.")
    size: Count | None = Field(default=None, description="In bytes; null if the host does not send it.")
    ms: Count = Field(description="Duration of the probe in milliseconds.")
    error_code: ErrorCode | None = Field(default=None, description="Why a download would fail.")
    error_detail: Detail | None = Field(default=None, description="The same, or why nothing is known, for people.")


class FetchBounds(BaseModel):
    """The limits of one downloader."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at_once: Count = Field(description="Downloads at once.")
    per_host: Count = Field(description="Of these, downloads from one host.")
    per_second: Rate | None = Field(default=None, description="Requests per second to one host; null if unlimited.")


class ImagesProbed(Message):
    """What was found at the URLs of a `ProbeImages`."""

    probe_id: Id = Field(description="As in the command.")
    images: tuple[ProbedImage, ...] = Field(
        max_length=1_000, description="One for each URL of the command, in the same order."
    )
    bounds: FetchBounds = Field(description="The limits of the downloader, for estimating how long a request takes.")
