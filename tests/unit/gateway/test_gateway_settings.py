"""The gateway's settings as operators write them."""

from ipaddress import ip_network

import pytest

from services.gateway.settings import CatalogueSettings, DispatchSettings, GatewaySettings
from shared.outbound.settings import WebhookTargetSettings
from shared.settings import load

NEEDED = {
    "RABBITMQ_URL": "amqp://localhost/",
    "MONGODB_URL": "mongodb://localhost/imagemill",
    "OBJECT_STORE_URL": "file:///tmp/objects",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_three_urls_are_all_it_needs() -> None:
    settings = load(GatewaySettings)

    assert settings.rabbit.rabbitmq_url == NEEDED["RABBITMQ_URL"]
    assert settings.api.upload_max_bytes == 2_147_483_648
    assert settings.webhook_targets.policy.allow_networks == ()


def test_networks_and_limits_are_taken_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8, 10.1.0.0/16")
    environment.setenv("CSV_MAX_ROWS", "7")

    assert WebhookTargetSettings().policy.allow_networks == (ip_network("127.0.0.0/8"), ip_network("10.1.0.0/16"))
    assert CatalogueSettings().limits.rows == 7


def test_a_command_is_lost_only_when_no_copy_of_it_can_be_alive() -> None:
    settings = DispatchSettings(command_start_by=100, longest_handler=50)

    assert settings.lost_after > 150
