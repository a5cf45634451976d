"""What a client may choose for the images of a request."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
        " copyright notice, from EXIF, XMP, IPTC or PNG text. `keep`: these, all of EXIF and XMP except the"
        " thumbnail, and the density. The orientation is applied as browsers do. A JPEG cannot hold EXIF or XMP above"
        " 64 kB each: it is left out.",
    )
