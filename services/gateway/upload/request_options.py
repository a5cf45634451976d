"""The options of an upload that the gateway itself acts on; the compressor's are CompressOptions. Pure."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.gateway.catalogue import ACCEPTED_ENCODINGS, codec_of
from shared.catalogue import Profile

ProfileChoice = Literal[
    "auto",
    "generic",
    "shopify",
    "woocommerce",
    "magento",
    "prestashop",
    "bigcommerce",
    "ebay",
    "amazon",
    "meta",
    "google",
    "numbered",
]
MAX_RETENTION_DAYS = 36_500
OnInvalid = Literal["skip", "reject"]


class RequestOptions(BaseModel):
    """Options about the request as a whole. The descriptions are for users: OpenAPI and the documentation show them."""

    model_config = ConfigDict(frozen=True)

    profile: ProfileChoice = Field(
        default="auto",
        description="Platform whose columns the catalogue has. `auto`: detected from the header. `generic`: serial"
        " number, product name and input image URLs. `numbered`: image columns `image_1`, `image_2` and so on.",
    )
    encoding: str | None = Field(
        default=None,
        description="Encoding of the catalogue, if the charset of its Content-Type and detection are wrong. A label of"
        f" the WHATWG Encoding Standard or Python's name. Accepted are {ACCEPTED_ENCODINGS}. A byte order mark has"
        " precedence.",
        json_schema_extra={"format": "charset"},
    )
    on_invalid: OnInvalid = Field(
        default="skip",
        description="Sets what happens when a URL cannot be used. `skip`: that image fails, the others are processed."
        " `reject`: the whole catalogue is refused.",
    )
    dry_run: bool = Field(
        default=False,
        description="Report what the upload would find and do, and store nothing, as `POST /validate` does.",
    )
    probe: int | None = Field(
        default=None,
        ge=1,
        le=20,
        description="Number of images to probe on each host. The response is then JSON lines: the validation, one line"
        " per probed image, and an estimate for the whole catalogue.",
    )
    retention_days: int | None = Field(
        default=None,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="Days from the request's finish until it is removed with all its files. `RETENTION_DAYS` of the"
        " installation by default, and at most its `RETENTION_DAYS_MAX`.",
    )
    webhook_url: str | None = Field(
        default=None,
        description="URL that receives a POST, signed by the Standard Webhooks specification, when the request"
        " finishes. It is http or https, and not at a private address unless `WEBHOOK_ALLOW_NETWORKS` allows it. A user"
        " and password in it are sent as `Authorization: Basic` and never shown.",
        json_schema_extra={"format": "uri"},
    )

    @field_validator("encoding")
    @classmethod
    def _accepted(cls, label: str | None) -> str | None:
        if label is not None and codec_of(label) is None:
            raise ValueError("not an accepted encoding")
        return label

    @property
    def named_profile(self) -> Profile | None:
        """The profile that the client chose; None if it is to be detected."""
        return None if self.profile == "auto" else Profile(self.profile)
