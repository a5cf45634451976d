"""Settings that more than one service reads, in frozen blocks. A service's own settings are in its settings.py.

Each field is an environment variable of the same name in capitals. `__main__` loads the blocks and passes them on;
nothing else reads the environment.
"""

import math
import sys
from datetime import timedelta
from enum import StrEnum
from types import UnionType
from typing import Any, ClassVar, Literal, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

MAX_BASE_URL_CHARS = 1_000
"""Of PUBLIC_BASE_URL: a webhook contains it several times and stays below 20 kB."""


class Settings(BaseSettings):
    """A block of settings, read from the environment when it is created; immutable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, env_ignore_empty=True)

    @field_validator("*", mode="before")
    @classmethod
    def _choice_in_any_case(cls, value: Any, info: ValidationInfo) -> Any:
        """A setting that names one of a few values accepts them in any case, as in LOG_LEVEL=warning."""
        if not isinstance(value, str) or info.field_name is None:
            return value
        choices = choices_of(cls.model_fields[info.field_name].annotation)
        return next((choice for choice in choices if choice.casefold() == value.strip().casefold()), value)

    @field_validator("*", mode="after")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        """Python's float also reads "inf" and "nan", with which no limit and no interval works."""
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("must be a finite number")
        return value


def choices_of(annotation: Any) -> tuple[str, ...]:
    """The words that a field of this type can have: those of a Literal or StrEnum, also where it is optional."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(annotation)
    if get_origin(annotation) is Literal:
        return tuple(choice for choice in get_args(annotation) if isinstance(choice, str))
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(choice for part in get_args(annotation) for choice in choices_of(part))
    return ()


class HandlerSettings(Settings):
    longest_handler: float = Field(
        default=300,
        gt=0,
        description="Maximum seconds that a worker takes for one command, once it has started. A process whose handler"
        " makes no progress for so long becomes unready, and ends after STALL_TIMEOUT more.",
    )

    HANDLER_PARTS: ClassVar[tuple[str, ...]] = ()
    """The block's time limits of parts of a handler's work in which it makes no progress."""

    @model_validator(mode="after")
    def _parts_fit_in_a_handler(self) -> Self:
        """No part takes more than half of LONGEST_HANDLER: other parts, such as calls of the store, need time too."""
        if too_long := [name for name in self.HANDLER_PARTS if getattr(self, name) > self.longest_handler / 2]:
            parts = ", ".join(f"{name.upper()} ({getattr(self, name):g})" for name in too_long)
            raise ValueError(
                f"{parts} must be at most half of LONGEST_HANDLER ({self.longest_handler:g}):"
                " else a process that works counts as hung"
            )
        return self


class RabbitSettings(HandlerSettings):
    HANDLER_PARTS = ("publish_timeout",)

    rabbitmq_url: str = Field(description="AMQP URL of RabbitMQ, with user, password and virtual host.")
    rabbitmq_heartbeat: int = Field(
        default=15,
        ge=1,
        le=300,
        description="Seconds between heartbeats of a connection; a silent one is closed after three.",
    )
    publish_timeout: float = Field(
        default=10,
        gt=0,
        description="Seconds to wait for a publisher confirm before RabbitMQ counts as unavailable; at most half of"
        " LONGEST_HANDLER.",
    )
    drain_timeout: float = Field(
        default=25,
        gt=0,
        description="Seconds after SIGTERM in which messages in progress may finish; others return to their queue.",
    )
    dead_letter_after: int = Field(
        default=10,
        ge=1,
        description="Unexpected errors of a handler for one message before the message is parked in imagemill.dead.",
    )


class MongoSettings(HandlerSettings):
    HANDLER_PARTS = ("mongodb_timeout",)

    mongodb_url: str = Field(
        description="MongoDB URL with the name of the database. The server must be a replica set; one member is enough."
    )
    mongodb_timeout: float = Field(
        default=10,
        gt=0,
        description="Maximum seconds for one database operation; at most half of LONGEST_HANDLER.",
    )


class StoreSettings(Settings):
    object_store_url: str = Field(
        description="Object store: file:///path or s3://KEY:SECRET@host:port/bucket?secure=0."
    )
    keep_originals: bool = Field(
        default=False,
        description="Keep the downloaded originals. Otherwise each is removed once its image is compressed or failed.",
    )


class PublicSettings(Settings):
    gateway_port: int = Field(default=8000, ge=0, le=65535, description="Port of the gateway's API.")
    public_base_url: str = Field(
        default="",
        max_length=MAX_BASE_URL_CHARS,
        description="Beginning of all output URLs; http://localhost:$GATEWAY_PORT if unset.",
    )

    @model_validator(mode="after")
    def _default_base_url(self) -> Self:
        if not self.public_base_url:
            object.__setattr__(self, "public_base_url", f"http://localhost:{self.gateway_port}")
        if not (self.public_base_url.isascii() and self.public_base_url.isprintable()):
            raise ValueError("PUBLIC_BASE_URL must be printable ASCII: write other characters percent-encoded")
        if "," in self.public_base_url:
            raise ValueError("PUBLIC_BASE_URL must not contain a comma: output cells list URLs with commas")
        return self


class ObservabilitySettings(Settings):
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lowest level that is logged: DEBUG, INFO, WARNING or ERROR."
    )
    metrics_port: int = Field(
        default=9000,
        ge=0,
        le=65535,
        description="Port of /livez, /readyz and /metrics in the workers; 0 for none.",
    )
    stall_timeout: float = Field(
        default=120,
        ge=10,
        description="Seconds after which a process ends itself if a loop stalls, or if it cannot consume while "
        "its dependencies answer.",
    )
    clock_skew_max: float = Field(
        default=60,
        gt=0,
        description="Seconds by which this machine's clock may differ from the database's (workers: the object store's)"
        " before the process reports unready. It continues to work, since it corrects the difference.",
    )


class ImageAgeSettings(Settings):
    image_max_age: float = Field(
        default=86400,
        gt=0,
        description="Seconds from an image's first failed try at its host to its deadline; a try after it is the last."
        " Time in which the image waits for Imagemill does not count.",
    )


class AttemptSettings(Settings):
    fetch_attempts: int = Field(
        default=6, ge=1, description="Attempts per image; after the last one it fails with its last error."
    )
    fetch_retry_schedule: tuple[float, ...] = Field(
        default=(5, 30, 120, 600, 1800),
        min_length=1,
        description="Seconds to wait before each further attempt, plus jitter, as a JSON list. The last entry repeats.",
    )

    def delay_after(self, attempt: int) -> timedelta:
        """The delay after failed attempt number `attempt` of an image, without jitter."""
        return timedelta(seconds=self.fetch_retry_schedule[min(attempt, len(self.fetch_retry_schedule)) - 1])


class LossSettings(Settings):
    loss_retry_schedule: tuple[float, ...] = Field(
        default=(30, 300),
        min_length=1,
        description="Seconds to wait after each loss of a worker before its image is tried again, plus jitter, as a"
        " JSON list. The last entry repeats.",
    )

    def delay_after(self, losses: int) -> timedelta:
        """The delay after loss number `losses` of an image in its round, without jitter."""
        return timedelta(seconds=self.loss_retry_schedule[min(losses, len(self.loss_retry_schedule)) - 1])


T = TypeVar("T")


def load(composition: type[T]) -> T:
    """Load a dataclass of settings blocks. If any setting is invalid, report all invalid ones and exit with 2."""
    blocks: dict[str, Settings] = {}
    errors: list[str] = []
    for name, block in get_type_hints(composition).items():
        try:
            blocks[name] = block()
        except (ValidationError, SettingsError) as error:
            errors += _describe(error)
    if errors:
        sys.stderr.write("Invalid settings:\n" + "".join(f"  {line}\n" for line in dict.fromkeys(errors)))
        raise SystemExit(2)
    return composition(**blocks)


def _describe(error: ValidationError | SettingsError) -> list[str]:
    if isinstance(error, SettingsError):
        return [str(error)]
    return [
        f"{'.'.join(str(part) for part in detail['loc']).upper() or 'settings'}: {detail['msg']}"
        for detail in error.errors(include_input=False, include_url=False)
    ]
