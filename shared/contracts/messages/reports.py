"""What the workers and the aggregator report to the dispatcher, many images at a time.

Reports only let the dispatcher know at once what it would otherwise learn from the database some seconds later. A lost
report delays work and has no other effect.
"""

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.bounds import Count, Id, Ordinal
from shared.contracts.messages.base import Message

MAX_REPORTED = 1_000
"""Images in one report."""


class ReportedImage(BaseModel):
    """An image and its run through the workers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    request_id: Id = Field(description="The request's ULID.")
    image_id: Id = Field(description="Unique within its request.")
    round: Ordinal = Field(description="As in the command.")
    dispatch: Ordinal = Field(description="Number of the run in its round, as in the command.")


class EndedDownload(ReportedImage):
    """A download that no longer uses its host."""

    compresses: bool = Field(description="Whether the original is stored and its `CompressImage` is sent.")
    first_byte_ms: Count | None = Field(
        default=None,
        description="Milliseconds from the request to the first byte of the host's response; null without a response, "
        "and for a status of 500 or more.",
    )
    refused: bool = Field(
        default=False,
        description="Whether the host wants fewer requests: it answered 429 or 503, timed out or ended a connection.",
    )


class DownloadsReported(Message):
    """The downloads that ended in one downloader; without any, a sign of life."""

    worker: Id = Field(description="Name of the process, unique.")
    slots: Count = Field(description="Maximum concurrent downloads of this process.")
    ended: tuple[EndedDownload, ...] = Field(default=(), max_length=MAX_REPORTED, description="Since the last report.")


class CompressionsReported(Message):
    """What changed in one compressor; without any change, a sign of life."""

    worker: Id = Field(description="Name of the process, unique.")
    slots: Count = Field(description="Number of its worker processes for usual images.")
    slow: tuple[ReportedImage, ...] = Field(
        default=(),
        max_length=MAX_REPORTED,
        description="Images that take so long that they no longer occupy one of these worker processes.",
    )


class RecordedResult(ReportedImage):
    """An image whose result is recorded."""

    decoder_ms: Count = Field(description="Milliseconds of a compressor's worker process that the run used.")
    compressed: bool = Field(
        default=False,
        description="Whether the image is compressed. If it used no process, an earlier result was copied.",
    )


class ResultsRecorded(Message):
    """The results that an aggregator recorded together."""

    recorded: tuple[RecordedResult, ...] = Field(max_length=MAX_REPORTED, description="In any order.")


Report = DownloadsReported | CompressionsReported | ResultsRecorded
