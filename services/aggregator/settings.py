"""The aggregator's own settings, and the blocks it shares with others."""

import base64
from dataclasses import dataclass

from pydantic import Field, SecretStr, field_validator
from standardwebhooks import Webhook

from shared.settings import (
    MongoSettings,
    ObservabilitySettings,
    PublicSettings,
    RabbitSettings,
    Settings,
    StoreSettings,
)
from shared.url_policy import WebhookTargetSettings

_SECRET_BYTES = range(24, 65)  # as the Standard Webhooks specification has it


class ResultSettings(Settings):
    results_concurrency: int = Field(default=100, ge=1, description="Results recorded at a time.")
    keep_originals: bool = Field(
        default=False, description="Keep the downloaded originals; else each goes as soon as its image has its end."
    )


class HostSettings(Settings):
    host_faults: int = Field(
        default=10, ge=1, description="Images of a host that failed in a row, after which it is left alone."
    )
    host_pause: float = Field(
        default=30, gt=0, description="Seconds for which it is left alone, jittered; twice as long each further time."
    )
    host_pause_max: float = Field(default=900, gt=0, description="The longest such pause, in seconds.")


class FinishSettings(Settings):
    finish_concurrency: int = Field(
        default=16, ge=1, description="Requests finished at a time. They take turns, so a small one is done soon."
    )
    csv_formula_guard: bool = Field(
        default=True,
        description="Put a ' before text in output CSV and report that a spreadsheet would run as a formula.",
    )


class WebhookSettings(WebhookTargetSettings):
    webhook_secret: SecretStr = Field(
        description="What webhooks are signed with: whsec_ and base64 of 24 to 64 bytes. "
        "While secrets change, several with spaces between: each signs."
    )
    webhook_schedule: tuple[float, ...] = Field(
        default=(5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400),
        description="Seconds to wait after each attempt in vain, jittered; after the last entry's the delivery ends. "
        "A JSON list.",
    )
    webhook_timeout: float = Field(default=20, gt=0, description="Seconds one attempt may take.")
    webhook_retry_after_max: float = Field(
        default=86400, ge=0, description="The longest wait, in seconds, that a receiver's Retry-After may ask for."
    )
    webhook_concurrency: int = Field(default=16, ge=1, description="Webhooks under way at a time.")

    @field_validator("webhook_secret")
    @classmethod
    def _usable(cls, secrets: SecretStr) -> SecretStr:
        if not secrets.get_secret_value().split():
            raise ValueError("there is no secret")
        for secret in secrets.get_secret_value().split():
            _signer(secret)
        return secrets

    def signers(self) -> tuple[Webhook, ...]:
        """What signs, one for each secret."""
        return tuple(map(_signer, self.webhook_secret.get_secret_value().split()))


def _signer(secret: str) -> Webhook:
    """Stricter than the library, which skips what is no base64 and would sign with what is left."""
    text = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("a secret is whsec_ and base64") from None
    if len(key) not in _SECRET_BYTES:
        raise ValueError(f"a secret has 24 to 64 bytes, this one {len(key)}")
    return Webhook(key)


@dataclass(frozen=True)
class AggregatorSettings:
    rabbit: RabbitSettings
    mongo: MongoSettings
    store: StoreSettings
    public: PublicSettings
    observability: ObservabilitySettings
    results: ResultSettings
    hosts: HostSettings
    finish: FinishSettings
    webhooks: WebhookSettings
