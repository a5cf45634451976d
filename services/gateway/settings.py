"""The settings of the gateway: its own blocks, and those it shares with other services."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from services.gateway.catalogue import CatalogueLimits
from services.gateway.host_limits_file import HostOverrides, Rate, parse_host_limits
from services.gateway.upload import (
    MAX_RETENTION_DAYS,
    OPTIONS,
    BodyLimits,
    OnInvalid,
    RequestOptions,
    RetentionPolicy,
    UploadOptions,
)
from shared.contracts.messages import MAX_PROBE_SECONDS, CompressOptions, MetadataPolicy, Mode, OutputFormat
from shared.settings import (
    HandlerSettings,
    ImageAgeSettings,
    MongoSettings,
    ObservabilitySettings,
    PublicSettings,
    RabbitSettings,
    Settings,
    StoreSettings,
)
from shared.url_policy import FetchTargetSettings, Networks, WebhookTargetSettings


class ApiSettings(Settings):
    gateway_host: str = Field(default="127.0.0.1", description="Address the API listens on; 0.0.0.0 in a container.")
    trusted_proxies: Networks = Field(
        default=(),
        description="Networks (CIDR) of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto headers are "
        "honoured; comma-separated. None by default: any client can send these headers.",
    )
    upload_max_bytes: int = Field(default=2 << 30, ge=1, description="Maximum bytes of the body of an upload.")
    upload_stall_timeout: float = Field(
        default=60, gt=0, description="Seconds without a byte after which an upload is rejected."
    )
    upload_max_seconds: float = Field(
        default=3600, gt=0, description="Maximum seconds for the whole body of an upload."
    )
    inspections_at_once: int = Field(
        default=2,
        ge=1,
        le=16,
        description="Catalogues of uploads and validations that are inspected at the same time, each in a thread;"
        " others wait.",
    )
    probe_timeout: float = Field(
        default=30,
        gt=0,
        le=MAX_PROBE_SECONDS,
        description="Seconds that POST /validate?probe=N waits for the downloaders.",
    )

    @property
    def body_limits(self) -> BodyLimits:
        return BodyLimits(self.upload_max_bytes, self.upload_stall_timeout, self.upload_max_seconds)


_LIMITS = CatalogueLimits()


class CatalogueSettings(Settings):
    """Limits of a catalogue."""

    csv_max_rows: int = Field(default=_LIMITS.rows, ge=1, description="Maximum data rows of a catalogue.")
    csv_max_columns: int = Field(default=_LIMITS.columns, ge=3, description="Maximum columns of a catalogue.")
    csv_max_cell_chars: int = Field(default=_LIMITS.cell_chars, ge=1, description="Maximum characters of a cell.")
    csv_max_row_chars: int = Field(default=_LIMITS.row_chars, ge=1, description="Maximum characters of a row.")
    csv_max_slots_per_row: int = Field(default=_LIMITS.slots_per_row, ge=1, description="Maximum image slots of a row.")

    @property
    def limits(self) -> CatalogueLimits:
        return CatalogueLimits(
            rows=self.csv_max_rows,
            columns=self.csv_max_columns,
            cell_chars=self.csv_max_cell_chars,
            row_chars=self.csv_max_row_chars,
            slots_per_row=self.csv_max_slots_per_row,
        )


class DispatchSettings(HandlerSettings):
    dispatch_window: int = Field(
        default=500,
        ge=1,
        description="Maximum images in the broker and the workers, over all requests. Far fewer are there unless hosts"
        " are slow: an image is sent when its host and the workers have room for it.",
    )
    command_start_by: float = Field(
        default=900, gt=0, description="Seconds within which a worker must start a command; later it drops the command."
    )
    reuse_days: float = Field(
        default=30,
        ge=0,
        description="Days for which other requests with the same URL and options reuse a result if the host reports the"
        " image as unchanged; 0 for never.",
    )
    sweep_interval: float = Field(
        default=5, gt=0, description="Seconds between two sweeps for lost work, stranded requests and due webhooks."
    )

    @property
    def lost_after(self) -> float:
        """Seconds after its dispatch when a command without a result is lost: no worker can still be processing it."""
        return self.command_start_by + self.longest_handler + 60


def _read_host_limits(path: Any) -> Any:
    """What the file at `path` says. Raises ValueError with all its faults."""
    if not isinstance(path, str):
        return path
    try:
        return parse_host_limits(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError("".join(f"\n    {path}: {fault}" for fault in str(error).splitlines())) from error


class HostLimitSettings(Settings):
    """Limits of the requests to one image host, over all downloaders together."""

    host_start: int = Field(
        default=8, ge=1, description="Concurrent downloads from a host of which nothing is known yet."
    )
    host_max: int = Field(
        default=64, ge=1, description="Maximum concurrent downloads from one host, over all downloaders."
    )
    host_rate: Rate = Field(
        default=0, description="Maximum downloads per second from one host, over all downloaders; 0 for no limit."
    )
    host_limits_file: Annotated[HostOverrides | None, NoDecode, BeforeValidator(_read_host_limits)] = Field(
        default=None, description="A TOML file with other limits for some hosts; see the runbook. None by default."
    )

    @model_validator(mode="after")
    def _starts_within_the_maxima(self) -> Self:
        if self.host_start > self.host_max:
            raise ValueError("HOST_START must not exceed HOST_MAX")
        for pattern, override in self.overrides.items():
            if override.max is None and override.start is not None and override.start > self.host_max:
                raise ValueError(f'HOST_LIMITS_FILE: ["{pattern}"] start must not exceed HOST_MAX: set max too')
        return self

    @property
    def overrides(self) -> HostOverrides:
        return self.host_limits_file or {}


class RetentionSettings(Settings):
    retention_days: float = Field(
        default=30,
        ge=0,
        le=MAX_RETENTION_DAYS,
        description="Days from a request's finish until it is removed with all its objects, unless its option"
        " retention_days says otherwise; 0 keeps it for ever.",
    )
    retention_days_max: float = Field(
        default=365,
        ge=0,
        le=MAX_RETENTION_DAYS,
        description="Largest value of the option retention_days; 0 for no limit. RETENTION_DAYS may not exceed it.",
    )

    @model_validator(mode="after")
    def _default_within_the_limit(self) -> Self:
        if self.retention_days > self.retention_days_max > 0:
            raise ValueError("RETENTION_DAYS must not exceed RETENTION_DAYS_MAX")
        return self

    @property
    def policy(self) -> RetentionPolicy:
        return RetentionPolicy(self.retention_days or None, self.retention_days_max or None)


def _default_of(name: str) -> Any:
    option = OPTIONS[name]
    description = option.description.replace("`", "")
    return Field(
        default=option.default,
        ge=option.schema.get("minimum"),
        le=option.schema.get("maximum"),
        description=f"Default of the option {name}. Allowed: {option.allowed}. {description}",
    )


class DefaultOptionSettings(Settings):
    """Defaults of the options that an upload leaves out; each setting is named after its option."""

    default_percent: int = _default_of("percent")
    default_mode: Mode = _default_of("mode")
    default_format: OutputFormat = _default_of("format")
    default_max_width: int | None = _default_of("max_width")
    default_max_height: int | None = _default_of("max_height")
    default_min_quality: int = _default_of("min_quality")
    default_allow_resize: bool = _default_of("allow_resize")
    default_metadata: MetadataPolicy = _default_of("metadata")
    default_on_invalid: OnInvalid = _default_of("on_invalid")

    @property
    def options(self) -> UploadOptions:
        compress = {name: getattr(self, f"default_{name}") for name in CompressOptions.model_fields}
        return UploadOptions(CompressOptions(**compress), RequestOptions(on_invalid=self.default_on_invalid))


@dataclass(frozen=True)
class GatewaySettings:
    rabbit: RabbitSettings
    mongo: MongoSettings
    store: StoreSettings
    public: PublicSettings
    observability: ObservabilitySettings
    api: ApiSettings
    catalogue: CatalogueSettings
    default_options: DefaultOptionSettings
    fetch_targets: FetchTargetSettings
    webhook_targets: WebhookTargetSettings
    dispatch: DispatchSettings
    hosts: HostLimitSettings
    retention: RetentionSettings
    age: ImageAgeSettings
