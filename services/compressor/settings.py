"""The compressor's settings: its own block, and the blocks that it shares with other services."""

from dataclasses import dataclass

from pydantic import Field

from shared.settings import (
    AttemptSettings,
    HandlerSettings,
    LossSettings,
    ObservabilitySettings,
    RabbitSettings,
    StoreSettings,
)


class CompressSettings(HandlerSettings):
    HANDLER_PARTS = ("compress_timeout",)

    compress_processes: int = Field(
        default=0,
        ge=0,
        description="Worker processes that compress; 0 means one per usable CPU core.",
    )
    compress_timeout: float = Field(
        default=60,
        gt=0,
        description="Seconds that one image may take before its worker process is killed; at most half of"
        " LONGEST_HANDLER.",
    )
    compress_max_pixels: int = Field(
        default=100_000_000,
        ge=1,
        description="Maximum width times height of an image; a larger one fails with too_many_pixels. All frames of an "
        "animation together may have 4 times as many pixels.",
    )
    compress_ssim: bool = Field(
        default=True, description="Measure how similar each result is to its original (SSIM of luminance and colour)."
    )


@dataclass(frozen=True)
class CompressorSettings:
    rabbit: RabbitSettings
    store: StoreSettings
    observability: ObservabilitySettings
    attempts: AttemptSettings
    losses: LossSettings
    compress: CompressSettings
