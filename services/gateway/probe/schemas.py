"""The lines that a validation with `probe` is answered with."""

from typing import Literal

from pydantic import Field

from services.gateway.web.schemas import ApiModel, CatalogueValidation
from shared.contracts.error_codes import ErrorCode

NDJSON = "application/x-ndjson"


class Validation(ApiModel):
    type: Literal["validation"] = "validation"


class ValidationLine(CatalogueValidation, Validation):
    """The first line: what POST /validate answers without `probe`."""


class ProbeLine(ApiModel):
    """A URL that was looked at. `content_type` is null if no image was seen, `error_code` if no fault was."""

    type: Literal["probe"] = "probe"
    url: str
    host: str
    content_type: str | None = Field(default=None, description="By the image's first bytes.")
    bytes: int | None = Field(default=None, description="Of the whole image, if its host tells.")
    ms: int | None = Field(default=None, description="Milliseconds until its head was seen.")
    error_code: ErrorCode | None = None
    error_detail: str | None = Field(
        default=None, description="What is wrong; without an error code, why nothing is known."
    )


class EstimatedBytes(ApiModel):
    """low, high: the truth lies in between about 95 in 100 times; null if fewer than five images tell their size."""

    low: int | None
    mean: int
    high: int | None


class EstimateBasis(ApiModel):
    """What the estimate rests on."""

    hosts: int = Field(description="Hosts that were looked at, the largest first; at most 50.")
    hosts_in_all: int
    slots_share: float = Field(description="Their share of the image slots.")
    probed: int = Field(description="Images that were probed; at most 200.")
    known: int = Field(description="Those of which is known whether they give an image.")
    sized: int = Field(description="Images whose size is known.")


class EstimateLine(ApiModel):
    """The last line: what is to be expected of all images. A figure is null if nothing was seen that tells it."""

    type: Literal["estimate"] = "estimate"
    images: int = Field(description="Distinct URLs.")
    dead_share: float | None = Field(description="Share of the URLs that give no image now.")
    bytes_in: EstimatedBytes | None = Field(description="Of all images that are there.")
    bytes_out: EstimatedBytes | None = Field(description="Of all results at most; null in modes that aim at no size.")
    seconds: float | None = Field(
        description="The downloads take at least so long with one downloader; compressing is not in it."
    )
    slowest_host: str | None = Field(description="The host that makes it so.")
    basis: EstimateBasis
