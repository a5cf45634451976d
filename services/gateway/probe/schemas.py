"""The lines of the response to a validation with `probe`. Pure."""

from typing import Literal

from pydantic import Field

from services.gateway.probe.plan import MAX_HOSTS, MAX_IMAGES
from services.gateway.web import ApiModel, CatalogueValidation
from shared.contracts.error_codes import ErrorCode

NDJSON = "application/x-ndjson"


class Validation(ApiModel):
    type: Literal["validation"] = "validation"


class ValidationLine(CatalogueValidation, Validation):
    """The first line: what POST /validate returns without `probe`."""


class ProbeLine(ApiModel):
    """One probed image. It has a `content_type`, an `error_code`, or neither if the probe gave no result."""

    type: Literal["probe"] = "probe"
    url: str
    host: str
    content_type: str | None = Field(default=None, description="Type of the image, by its first bytes.")
    bytes: int | None = Field(default=None, description="Size of the whole image; null if its host does not report it.")
    ms: int | None = Field(default=None, description="Milliseconds until the first bytes of the image arrived.")
    error_code: ErrorCode | None = Field(default=None, description="Why a download would fail now.")
    error_detail: str | None = Field(
        default=None, description="Details of the error; without an error code, why the probe gave no result."
    )


class EstimatedBytes(ApiModel):
    """About 95 in 100 times the true value is between `low` and `high`. Both are null with fewer than five sizes."""

    low: int | None
    mean: int
    high: int | None


class EstimateBasis(ApiModel):
    """The data behind the estimate."""

    hosts: int = Field(description="Hosts in the catalogue.")
    hosts_probed: int = Field(
        description=f"Hosts that were probed, those with the most images first; at most {MAX_HOSTS}."
    )
    images_share: float = Field(description="Share of the images that are on the probed hosts.")
    probed: int = Field(description=f"Images that were probed; at most {MAX_IMAGES}.")
    known: int = Field(description="Probes that show whether there is an image.")
    sized: int = Field(description="Probes that show the size of the image.")


class EstimateLine(ApiModel):
    """The last line: an estimate for all images. A figure is null if no probe supports it."""

    type: Literal["estimate"] = "estimate"
    images: int = Field(description="Images that would be fetched: distinct URLs that are not refused.")
    dead_share: float | None = Field(description="Share of these images that cannot be fetched now.")
    bytes_in: EstimatedBytes | None = Field(description="Bytes of all images that can be fetched.")
    bytes_out: EstimatedBytes | None = Field(
        description="Upper bound for the bytes of all results; null in modes without a target size."
    )
    seconds: float | None = Field(
        description="Lower bound for the downloads with one downloader; compression is not included."
    )
    slowest_host: str | None = Field(description="The host whose downloads take the longest.")
    basis: EstimateBasis
