"""The gateway's settings, read from the environment."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.gateway.host_limits_file import HostOverride
from services.gateway.settings import (
    CatalogueSettings,
    DispatchSettings,
    GatewaySettings,
    HostLimitSettings,
    RetentionSettings,
)
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


def test_limits_of_some_hosts_are_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert HostLimitSettings().overrides == {}
    file = tmp_path / "hosts.toml"
    file.write_text('["*.shop.example"]\nmax = 4\n["shop.example"]\nstart = 20\nrate = 0.5\n', encoding="utf-8")
    monkeypatch.setenv("HOST_LIMITS_FILE", str(file))
    assert HostLimitSettings().overrides == {
        "*.shop.example": HostOverride(max=4),
        "shop.example": HostOverride(start=20, rate=0.5),
    }


@pytest.mark.usefixtures("environment")
def test_all_faults_of_the_host_limits_file_are_reported_beside_other_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text('["a.example"]\nmax = 0\n["b.example"]\nrates = 4\n', encoding="utf-8")
    monkeypatch.setenv("HOST_LIMITS_FILE", str(file))
    monkeypatch.setenv("HOST_RATE", "-1")
    monkeypatch.setenv("CSV_MAX_ROWS", "0")
    with pytest.raises(SystemExit) as ended:
        load(GatewaySettings)
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert f'    {file}: ["a.example"] max: Input should be greater than or equal to 1\n' in message
    assert f'    {file}: ["b.example"] rates: Extra inputs are not permitted\n' in message
    assert [name for name in ("HOST_LIMITS_FILE", "HOST_RATE", "CSV_MAX_ROWS") if f"  {name}: " not in message] == []


@pytest.mark.parametrize(
    ("content", "fault"), [(None, "No such file or directory"), ("[", "is not TOML"), ("\xff", "can't decode")]
)
def test_a_missing_or_broken_file_of_host_limits_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, fault: str
) -> None:
    file = tmp_path / "hosts.toml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    monkeypatch.setenv("HOST_LIMITS_FILE", str(file))
    with pytest.raises(ValidationError, match=rf"{file}: .*{fault}"):
        HostLimitSettings()


@pytest.mark.parametrize(
    ("table", "is_refused"), [("start = 65", True), ("start = 65\nmax = 65", False), ("max = 1", False)]
)
def test_a_host_starts_within_its_maximum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: str, is_refused: bool
) -> None:
    monkeypatch.setenv("HOST_START", "65")
    with pytest.raises(ValidationError, match="HOST_START must not exceed HOST_MAX"):
        HostLimitSettings()
    monkeypatch.delenv("HOST_START")
    file = tmp_path / "hosts.toml"
    file.write_text(f'["a.example"]\n{table}\n', encoding="utf-8")
    monkeypatch.setenv("HOST_LIMITS_FILE", str(file))
    if is_refused:
        with pytest.raises(ValidationError, match="must not exceed HOST_MAX"):
            HostLimitSettings()
    else:
        assert "a.example" in HostLimitSettings().overrides
