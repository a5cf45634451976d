"""The compressor's own settings, and the blocks it shares with others."""

from dataclasses import dataclass

from pydantic import Field

from shared.settings import AttemptSettings, ObservabilitySettings, RabbitSettings, Settings, StoreSettings


class CompressSettings(Settings):
    compress_processes: int = Field(
        default=0, ge=0, description="Worker processes that compress; 0 is one for each core this process may use."
    )
    compress_timeout: float = Field(
        default=60, gt=0, description="Seconds one picture may take before its worker process is ended."
    )
    compress_max_pixels: int = Field(
        default=100_000_000, ge=1, description="Pixels a picture may have; a larger one fails with too_many_pixels."
    )
    compress_ssim: bool = Field(
        default=True, description="Measure how much each result looks like its original (SSIM)."
    )


@dataclass(frozen=True)
class CompressorSettings:
    rabbit: RabbitSettings
    store: StoreSettings
    observability: ObservabilitySettings
    attempts: AttemptSettings
    compress: CompressSettings
