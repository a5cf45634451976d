"""The gateway's settings, read from the environment."""

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from services.gateway.settings import CatalogueSettings, DispatchSettings, GatewaySettings, RetentionSettings
from services.gateway.upload import RequestOptions, UploadOptions
from shared.contracts.messages import CompressOptions
from shared.settings import load
from shared.url_policy import WebhookTargetSettings

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
def test_three_urls_are_the_only_required_settings() -> None:
    settings = load(GatewaySettings)

    assert settings.rabbit.rabbitmq_url == NEEDED["RABBITMQ_URL"]
    assert settings.api.upload_max_bytes == 2_147_483_648
    assert settings.webhook_targets.policy.allow_networks == ()


def test_networks_and_limits_are_read_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8, 10.1.0.0/16")
    environment.setenv("CSV_MAX_ROWS", "7")

    assert WebhookTargetSettings().policy.allow_networks == (ip_network("127.0.0.0/8"), ip_network("10.1.0.0/16"))
    assert CatalogueSettings().limits.rows == 7


@pytest.mark.usefixtures("environment")
def test_without_settings_the_options_have_their_built_in_defaults() -> None:
    assert load(GatewaySettings).default_options.options == UploadOptions()


def test_the_default_options_are_read_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    options = CompressOptions(
        percent=70,
        mode="quality",
        format="webp",
        max_width=2000,
        max_height=1500,
        min_quality=40,
        allow_resize=False,
        metadata="copyright",
    )
    for name, value in options.model_dump(mode="json").items():
        environment.setenv(f"DEFAULT_{name.upper()}", str(value))
    environment.setenv("DEFAULT_ON_INVALID", "reject")

    assert load(GatewaySettings).default_options.options == UploadOptions(options, RequestOptions(on_invalid="reject"))


@pytest.mark.parametrize("option", [*CompressOptions.model_fields, "on_invalid"])
def test_a_default_that_is_invalid_for_the_option_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    environment.setenv(f"DEFAULT_{option.upper()}", "100000")

    with pytest.raises(SystemExit) as ended:
        load(GatewaySettings)

    assert ended.value.code == 2
    assert f"DEFAULT_{option.upper()}: " in capsys.readouterr().err


def test_a_command_is_lost_only_after_every_worker_has_finished_or_dropped_it() -> None:
    settings = DispatchSettings(command_start_by=100, longest_handler=50)

    assert settings.lost_after > 150


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"RETENTION_DAYS": "40000"}, "less than or equal to 36500"),
        ({"RETENTION_DAYS_MAX": "40000"}, "less than or equal to 36500"),
        ({"RETENTION_DAYS": "400"}, "must not exceed RETENTION_DAYS_MAX"),
    ],
)
def test_a_retention_that_no_date_can_hold_or_above_the_limit_is_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=message):
        RetentionSettings()


def test_a_default_beyond_a_year_is_allowed_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "4000")
    monkeypatch.setenv("RETENTION_DAYS_MAX", "0")
    assert RetentionSettings().policy.days(None) == 4000
