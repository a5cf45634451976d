"""Settings that more than one service reads, as frozen blocks; a service's own stand in its settings.py.

Every setting is an environment variable named like its field, in capitals. Blocks are loaded in `__main__`
and passed down; nothing else reads the environment.
"""

import sys
from datetime import timedelta
from typing import Self, TypeVar, get_type_hints

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError


class Settings(BaseSettings):
    """A block of settings, read from the environment when it is made and never changed."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, env_ignore_empty=True)


class RabbitSettings(Settings):
    rabbitmq_url: str = Field(description="AMQP URL of RabbitMQ, with user, password and virtual host.")
    publish_timeout: float = Field(
        default=10, gt=0, description="Seconds to wait for a publisher confirm before the broker counts as gone."
    )
    drain_timeout: float = Field(
        default=25, gt=0, description="Seconds that messages in hand get to finish after SIGTERM; the rest go back."
    )
    dead_letter_after: int = Field(
        default=10,
        ge=1,
        description="Deliveries of one message before it is parked in imagemill.dead. Fixed per queue.",
    )


class MongoSettings(Settings):
    mongodb_url: str = Field(description="MongoDB URL with the database's name; a replica set, of one member at least.")
    mongodb_timeout: float = Field(default=10, gt=0, description="Seconds one database operation may take.")


class StoreSettings(Settings):
    object_store_url: str = Field(
        description="Where objects live: file:///path or s3://KEY:SECRET@host:port/bucket?secure=0."
    )


class PublicSettings(Settings):
    gateway_port: int = Field(default=8000, ge=0, le=65535, description="Port of the gateway's API.")
    public_base_url: str = Field(
        default="", description="What output URLs begin with; http://localhost:$GATEWAY_PORT if unset."
    )

    @model_validator(mode="after")
    def _default_base_url(self) -> Self:
        if not self.public_base_url:
            object.__setattr__(self, "public_base_url", f"http://localhost:{self.gateway_port}")
        if "," in self.public_base_url:
            raise ValueError("PUBLIC_BASE_URL must not contain a comma: output cells list URLs with commas")
        return self


class ObservabilitySettings(Settings):
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR."
    )
    metrics_port: int = Field(
        default=9000,
        ge=0,
        le=65535,
        description="Port of /livez, /readyz and /metrics of the workers; 0 switches it off.",
    )


class AttemptSettings(Settings):
    fetch_attempts: int = Field(
        default=6, ge=1, description="Attempts at one image before it fails with its last error."
    )
    fetch_retry_schedule: tuple[float, ...] = Field(
        default=(5, 30, 120, 600, 1800),
        min_length=1,
        description="Seconds to wait before each further attempt, jittered; the last entry repeats. A JSON list.",
    )

    def delay_after(self, attempt: int) -> timedelta:
        """How long an image waits after its attempt number `attempt` was in vain, before jitter."""
        return timedelta(seconds=self.fetch_retry_schedule[min(attempt, len(self.fetch_retry_schedule)) - 1])


T = TypeVar("T")


def load(composition: type[T]) -> T:
    """Make a service's settings: a dataclass whose fields are blocks. Reports every fault at once and exits with 2."""
    blocks: dict[str, Settings] = {}
    faults: list[str] = []
    for name, block in get_type_hints(composition).items():
        try:
            blocks[name] = block()
        except (ValidationError, SettingsError) as error:
            faults += _describe(error)
    if faults:
        sys.stderr.write("The settings cannot be used:\n" + "".join(f"  {fault}\n" for fault in dict.fromkeys(faults)))
        raise SystemExit(2)
    return composition(**blocks)


def _describe(error: ValidationError | SettingsError) -> list[str]:
    if isinstance(error, SettingsError):
        return [str(error)]
    return [
        f"{'.'.join(str(part) for part in fault['loc']).upper() or 'settings'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    ]
