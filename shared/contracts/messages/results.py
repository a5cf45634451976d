"""What the workers report about an image."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.bounds import Count, Detail, Pixels, Seconds, Share, Time, Word
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages.base import ImageMessage


class ResultFigures(BaseModel):
    """How one image was compressed. Sizes are bytes, times milliseconds. The descriptions are for users too."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content_type: Word = Field(description="Content type of the result.")
    action: Literal["compressed", "kept_original"] = Field(
        description="`compressed`, or `kept_original` if nothing smaller could be made: only metadata was removed."
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
        description="Similarity of the result to its original (SSIM of luminance and colour), 1 for identical images;"
        " null if not measured.",
    )
    lost: Literal["hdr", "gain_map"] | None = Field(
        default=None,
        description="What the result no longer has. `hdr`: high dynamic range; the result is tone-mapped."
        " `gain_map`: a gain map (Ultra HDR), which brightens the picture on HDR screens. Null if neither was lost.",
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
    decoder_ms: Count = Field(default=0, description="Milliseconds of a worker process that the run used.")


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
    decoder_ms: Count = Field(default=0, description="As in `ImageFailed`.")

    @property
    def tried_host(self) -> bool:
        """Whether the try at its host failed, so that the image's age counts from the first such run.

        Once there is an original, the try has succeeded; only a fault of the host can still follow from it.
        """
        return self.host_fault or (self.counts and self.original_key is None)


def decoder_ms(result: ImageCompressed | ImageFailed | ImageDeferred) -> int:
    """Milliseconds of a worker process that the run used."""
    return result.result.compress_ms if isinstance(result, ImageCompressed) else result.decoder_ms
