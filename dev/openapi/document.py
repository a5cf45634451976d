"""Writes the OpenAPI document without a running server: `python -m dev.openapi.document FILE`."""

import json
import sys
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from services.gateway.api import ApiParts, build_app
from services.gateway.catalogue import CatalogueLimits
from services.gateway.upload import BodyLimits, RetentionPolicy, UploadOptions, UploadValidator, ValidationRules
from shared.messaging import DependencyGate
from shared.observability import Health, HealthEndpoints
from shared.url_policy import AddressPolicy

_UNUSED: Any = None  # only requests need it


def openapi_document() -> dict[str, Any]:
    """The document of a gateway with default settings."""
    rules = ValidationRules(
        limits=CatalogueLimits(),
        body_limits=BodyLimits(1, 1, 1),
        fetch_policy=AddressPolicy(),
        webhook_policy=AddressPolicy(),
        defaults=UploadOptions(),
        retention=RetentionPolicy(None, None),
    )
    parts = ApiParts(
        validator=UploadValidator(rules, at_once=1),
        acceptor=_UNUSED,
        probes=_UNUSED,
        database=_UNUSED,
        cancellations=_UNUSED,
        retries=_UNUSED,
        deliveries=_UNUSED,
        webhook_tester=_UNUSED,
        objects=_UNUSED,
        public_base_url="https://images.shop.test",
        clock=_UNUSED,
    )
    health = Health()
    return build_app(parts, HealthEndpoints(health, CollectorRegistry()), DependencyGate({}, health)).openapi()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(openapi_document(), indent=2) + "\n", encoding="utf-8")
