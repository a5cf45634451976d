"""The settings that define which addresses may be dialled."""

import json
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.contracts.messages import MAX_WEBHOOK_SECONDS
from shared.settings import Settings
from shared.url_policy.address_guard import AddressPolicy, Network


def _as_list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else re.split(r"[\s,]+", value.strip())


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_as_list)]
"""Networks in CIDR notation, separated by commas or spaces, or as a JSON list."""

Ports = Annotated[frozenset[Annotated[int, Field(ge=1, le=65535)]], NoDecode, BeforeValidator(_as_list)]
"""Ports, separated by commas or spaces, or as a JSON list."""


class FetchTargetSettings(Settings):
    fetch_allow_networks: Networks = Field(
        default=(),
        description="Private networks (CIDR) from which images may be downloaded, on any port; comma-separated.",
    )
    fetch_ports: Ports = Field(
        default=frozenset({80, 443}),
        description="Ports from which images may be downloaded in all other networks; comma-separated.",
    )

    @property
    def policy(self) -> AddressPolicy:
        return AddressPolicy(allow_networks=self.fetch_allow_networks, ports=self.fetch_ports)


class WebhookTargetSettings(Settings):
    """The gateway applies them to webhook URLs in uploads, the aggregator when it calls webhooks."""

    webhook_allow_networks: Networks = Field(
        default=(), description="Private networks (CIDR) that webhooks may reach, on any port; comma-separated."
    )
    webhook_ports: Ports = Field(
        default=frozenset({80, 443}),
        description="Ports that webhooks may reach in all other networks; comma-separated.",
    )
    webhook_timeout: float = Field(
        default=20,
        gt=0,
        le=MAX_WEBHOOK_SECONDS,
        description="Timeout of one call of a webhook, in seconds; at most half of LONGEST_HANDLER.",
    )

    @property
    def policy(self) -> AddressPolicy:
        return AddressPolicy(allow_networks=self.webhook_allow_networks, ports=self.webhook_ports)
