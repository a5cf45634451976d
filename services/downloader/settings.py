"""The downloader's own settings, and the blocks it shares with others."""

from dataclasses import dataclass

from pydantic import Field

from shared.settings import AttemptSettings, ObservabilitySettings, RabbitSettings, Settings, StoreSettings
from shared.url_policy import FetchTargetSettings


class FetchSettings(Settings):
    fetch_connect_timeout: float = Field(
        default=5, gt=0, description="Seconds for the look-up of a host and connecting to it; TLS has as many again."
    )
    fetch_read_timeout: float = Field(default=15, gt=0, description="Seconds that a host may send nothing.")
    fetch_total_timeout: float = Field(
        default=60, gt=0, description="Seconds one download may take, redirects included."
    )
    fetch_max_bytes: int = Field(default=52_428_800, ge=1, description="Bytes an image may have.")
    fetch_max_redirects: int = Field(default=5, ge=0, description="Redirects that are followed for one image.")
    fetch_per_host: int = Field(default=8, ge=1, description="Requests to one host at a time, in each downloader.")
    fetch_host_rate: float = Field(
        default=50,
        ge=0,
        description="Requests to one host in a second, in each downloader, a fifth of them at once; 0 for no limit. "
        "A shop's own server bears the default; raise it for catalogues whose images all come from one CDN.",
    )
    fetch_concurrency: int = Field(
        default=128,
        ge=1,
        description="Downloads at a time, in each downloader; many times FETCH_PER_HOST, so slow hosts leave room.",
    )
    fetch_host_wait: float = Field(
        default=1, ge=0, description="Seconds to wait for a busy host before its image is put back."
    )
    fetch_retry_after_max: float = Field(
        default=3600, ge=0, description="The longest wait, in seconds, that a host's Retry-After may ask for."
    )
    fetch_probe_timeout: float = Field(
        default=10, gt=0, description="Seconds that a look at one URL may take for POST /validate?probe=N."
    )
    fetch_probes: int = Field(
        default=16,
        ge=1,
        description="Probes at a time, in each downloader, each at up to five URLs of one host; FETCH_PER_HOST holds.",
    )
    fetch_user_agent: str = Field(
        default="imagemill/0.1 (+image compression for product catalogues)",
        pattern=r"^[\x20-\x7e]+$",
        description="What hosts see in their logs; put a contact there.",
    )


@dataclass(frozen=True)
class DownloaderSettings:
    rabbit: RabbitSettings
    store: StoreSettings
    observability: ObservabilitySettings
    attempts: AttemptSettings
    targets: FetchTargetSettings
    fetch: FetchSettings
