"""Work for a worker or for the aggregator."""

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.bounds import Count, Id, Ordinal, Time, Url, Word
from shared.contracts.messages.base import ImageMessage, Message
from shared.contracts.messages.options import CompressOptions
from shared.contracts.messages.results import ImageResult


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
    spent_ms: Count = Field(
        default=0,
        description="Milliseconds of a worker process that this run has used. Such a command has a queue of its own: it"
        " takes long.",
    )


class FinishRequest(Message):
    """Intake is closed and no image is open: write the outputs, finish the request and announce it."""

    request_id: Id = Field(description="The request's ULID.")
    round: Ordinal = Field(description="The round to finish.")


class DeliverWebhook(Message):
    """This delivery is due."""

    delivery_id: Id = Field(description="The id of the event that the webhook delivers.")


MAX_WEBHOOK_SECONDS = 120
"""The longest timeout of a call of a webhook."""
