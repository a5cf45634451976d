"""Settings come from the environment; all invalid ones are reported at once, by name."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.settings import AttemptSettings, MongoSettings, ObservabilitySettings, PublicSettings, RabbitSettings, load


@dataclass(frozen=True)
class ServiceSettings:
    rabbit: RabbitSettings
    mongo: MongoSettings
    observability: ObservabilitySettings
    attempts: AttemptSettings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("RABBITMQ_URL", "MONGODB_URL", "LOG_LEVEL", "METRICS_PORT", "PUBLIC_BASE_URL", "GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_blocks_are_read_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RABBITMQ_URL", "amqp://guest:guest@broker/")
    environment.setenv("MONGODB_URL", "mongodb://database/imagemill")
    environment.setenv("METRICS_PORT", "9100")
    environment.setenv("LOG_LEVEL", "")
    environment.setenv("FETCH_RETRY_SCHEDULE", "[1, 2.5]")
    settings = load(ServiceSettings)
    assert settings.rabbit.rabbitmq_url == "amqp://guest:guest@broker/"
    assert settings.rabbit.publish_timeout == 10
    assert settings.mongo.mongodb_url == "mongodb://database/imagemill"
    assert settings.observability.metrics_port == 9100
    assert settings.observability.log_level == "INFO"
    assert settings.attempts.fetch_retry_schedule == (1, 2.5)


def test_all_invalid_settings_are_reported_at_once(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("METRICS_PORT", "many")
    environment.setenv("LOG_LEVEL", "LOUD")
    environment.setenv("FETCH_ATTEMPTS", "0")
    environment.setenv("FETCH_RETRY_SCHEDULE", "[]")
    with pytest.raises(SystemExit) as raised:
        load(ServiceSettings)
    assert raised.value.code == 2
    message = capsys.readouterr().err
    names = ("RABBITMQ_URL", "MONGODB_URL", "METRICS_PORT", "LOG_LEVEL", "FETCH_ATTEMPTS", "FETCH_RETRY_SCHEDULE")
    assert [name for name in names if f"  {name}: " not in message] == []


def test_a_list_that_is_not_json_is_reported_like_other_errors(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("FETCH_RETRY_SCHEDULE", "5, 30")
    with pytest.raises(SystemExit):
        load(ServiceSettings)
    message = capsys.readouterr().err
    assert "fetch_retry_schedule" in message.lower()
    assert "RABBITMQ_URL" in message


def test_an_invalid_value_is_not_printed(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("PUBLISH_TIMEOUT", "s3cret")
    with pytest.raises(SystemExit):
        load(ServiceSettings)
    assert "s3cret" not in capsys.readouterr().err


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ObservabilitySettings().log_level = "DEBUG"  # type: ignore[misc]


def test_the_public_url_defaults_to_the_port_of_the_gateway(environment: pytest.MonkeyPatch) -> None:
    assert PublicSettings().public_base_url == "http://localhost:8000"
    environment.setenv("GATEWAY_PORT", "8123")
    assert PublicSettings().public_base_url == "http://localhost:8123"
    environment.setenv("PUBLIC_BASE_URL", "https://imagemill.test")
    assert PublicSettings().public_base_url == "https://imagemill.test"


def test_a_public_url_with_a_comma_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PUBLIC_BASE_URL", "https://imagemill.test/a,b")
    with pytest.raises(ValidationError, match="comma"):
        PublicSettings()


def test_the_last_retry_delay_repeats() -> None:
    attempts = AttemptSettings(fetch_retry_schedule=(5, 30))
    assert [attempts.delay_after(attempt) for attempt in (1, 2, 3, 9)] == [
        timedelta(seconds=seconds) for seconds in (5, 30, 30, 30)
    ]
