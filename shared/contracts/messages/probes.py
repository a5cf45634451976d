"""The probe of images at their hosts: a command to a downloader, and its reply to the gateway."""

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.bounds import Count, Detail, Id, Rate, Time, Url, Word
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages.base import Message

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
