"""The aggregator's own settings, and the blocks that it shares with other services."""

import base64
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from standardwebhooks import Webhook

from services.aggregator.webhook_policy import WebhookRetryPolicy
from shared.settings import (
    HandlerSettings,
    ImageAgeSettings,
    LossSettings,
    MongoSettings,
    ObservabilitySettings,
    PublicSettings,
    RabbitSettings,
    Settings,
    StoreSettings,
)
from shared.url_policy import WebhookTargetSettings

_SECRET_BYTES = range(24, 65)  # by the Standard Webhooks specification


class ResultSettings(Settings):
    results_concurrency: int = Field(
        default=100,
        ge=1,
        description="How many results are recorded at the same time; up to ten times as many in a second.",
    )


class HostSettings(Settings):
    host_faults: int = Field(
        default=10, ge=1, description="Images of a host that fail in a row before the host is paused."
    )
    host_pause: float = Field(
        default=30,
        gt=0,
        description="Length of a host's first pause in seconds, plus jitter; each further pause is twice as long.",
    )
    host_pause_max: float = Field(
        default=900, gt=0, description="The longest pause of a host, in seconds, before jitter."
    )


class FinishSettings(Settings):
    finish_concurrency: int = Field(
        default=16,
        ge=1,
        description="How many requests are finished at the same time. They take turns: small ones are not delayed.",
    )
    csv_formula_guard: bool = Field(
        default=True,
        description="Put a ' before text in the CSV files that a spreadsheet would run as a formula.",
    )
    csv_bom: Literal["as_uploaded", "always"] = Field(
        default="as_uploaded",
        description="Which CSV files begin with a byte order mark, by which spreadsheets recognise UTF-8: those of a"
        " catalogue that has one, or all in UTF-8 and UTF-16.",
    )


class WebhookSettings(WebhookTargetSettings, HandlerSettings):
    HANDLER_PARTS = ("webhook_timeout",)

    webhook_secret: SecretStr = Field(
        description="Secret that signs webhooks: whsec_ and the base64 of 24 to 64 bytes. "
        "To change it, set the new and the old one, separated by a space: both sign."
    )
    webhook_schedule: tuple[float, ...] = Field(
        default=(5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400),
        max_length=100,
        description="Seconds to wait after each failed attempt, plus jitter; after the last entry there is one more "
        "attempt. A JSON list.",
    )
    webhook_jitter: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The largest share of a wait that is added to it at random, so that retries are spread out.",
    )
    webhook_retry_after_max: float = Field(
        default=86400,
        ge=0,
        description="Maximum wait, in seconds, that a receiver's Retry-After can impose; a longer one is cut to it.",
    )
    webhook_concurrency: int = Field(
        default=64, ge=1, description="How many webhooks one aggregator sends at the same time."
    )
    webhook_per_receiver: int = Field(
        default=4,
        ge=1,
        description="How many of these go to the same host. A host that does not answer occupies no more; its other"
        " deliveries wait in the database.",
    )

    @field_validator("webhook_secret")
    @classmethod
    def _valid_secrets(cls, secrets: SecretStr) -> SecretStr:
        if not secrets.get_secret_value().split():
            raise ValueError("no secret is given")
        for secret in secrets.get_secret_value().split():
            _signer(secret)
        return secrets

    @property
    def retry_policy(self) -> WebhookRetryPolicy:
        return WebhookRetryPolicy(self.webhook_schedule, self.webhook_jitter, self.webhook_retry_after_max)

    def signers(self) -> tuple[Webhook, ...]:
        """One signer for each secret."""
        return tuple(map(_signer, self.webhook_secret.get_secret_value().split()))


def _signer(secret: str) -> Webhook:
    """Stricter than the library, which ignores characters that are not base64 and signs with the rest."""
    text = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("a secret must be whsec_ followed by base64") from None
    if len(key) not in _SECRET_BYTES:
        raise ValueError(f"a secret must have 24 to 64 bytes, this one has {len(key)}")
    return Webhook(key)


@dataclass(frozen=True)
class AggregatorSettings:
    rabbit: RabbitSettings
    mongo: MongoSettings
    store: StoreSettings
    public: PublicSettings
    observability: ObservabilitySettings
    results: ResultSettings
    losses: LossSettings
    hosts: HostSettings
    age: ImageAgeSettings
    finish: FinishSettings
    webhooks: WebhookSettings
