"""The downloader's own settings, and the shared blocks that it loads."""

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
from shared.url_policy import FetchTargetSettings


class FetchSettings(HandlerSettings):
    HANDLER_PARTS = ("fetch_total_timeout", "fetch_probe_timeout")

    fetch_connect_timeout: float = Field(
        default=5,
        gt=0,
        description="Maximum seconds to resolve a host and connect; the TLS handshake has as many again.",
    )
    fetch_read_timeout: float = Field(
        default=15,
        gt=0,
        description="Maximum seconds until the head of a response is complete, and then without any data.",
    )
    fetch_total_timeout: float = Field(
        default=60,
        gt=0,
        description="Maximum seconds for one download, redirects included; at most half of LONGEST_HANDLER.",
    )
    fetch_min_speed: int = Field(
        default=1000,
        ge=0,
        description="Minimum bytes of an image per second; 0 for no minimum. At this speed a download reaches at most"
        " 60 kB within the default FETCH_TOTAL_TIMEOUT.",
    )
    fetch_slow_grace: float = Field(
        default=15,
        gt=0,
        description="Maximum seconds that a host may be behind FETCH_MIN_SPEED; the default is also how long it may"
        " send nothing (FETCH_READ_TIMEOUT).",
    )
    fetch_max_bytes: int = Field(default=52_428_800, ge=1, description="Maximum bytes of an image.")
    fetch_max_redirects: int = Field(default=5, ge=0, description="Maximum redirects for one image.")
    fetch_per_host: int = Field(
        default=64,
        ge=1,
        description="Maximum concurrent requests to one host, per downloader: a bound for probes and for hosts to which"
        " others redirect. HOST_MAX bounds the downloads from a host over all downloaders.",
    )
    fetch_concurrency: int = Field(
        default=128,
        ge=1,
        description="Maximum concurrent downloads, per downloader; the dispatcher sends as many. Many times HOST_START,"
        " so that slow hosts do not block others.",
    )
    fetch_retry_after_max: float = Field(
        default=3600,
        ge=0,
        description="Maximum wait, in seconds, that a host's Retry-After can impose; a longer one is cut to it.",
    )
    fetch_probe_timeout: float = Field(
        default=10,
        gt=0,
        description="Maximum seconds to probe one URL for POST /validate?probe=N; at most half of LONGEST_HANDLER.",
    )
    fetch_probes: int = Field(
        default=16,
        ge=1,
        description="Maximum concurrent probe messages, per downloader, each with a few URLs of one host. "
        "FETCH_PER_HOST applies.",
    )
    fetch_user_agent: str = Field(
        default="imagemill/0.1 (+image compression for product catalogues)",
        pattern=r"^[\x20-\x7e]+$",
        description="User-Agent header, which hosts see in their logs; include a contact.",
    )


@dataclass(frozen=True)
class DownloaderSettings:
    rabbit: RabbitSettings
    store: StoreSettings
    observability: ObservabilitySettings
    attempts: AttemptSettings
    losses: LossSettings
    targets: FetchTargetSettings
    fetch: FetchSettings
