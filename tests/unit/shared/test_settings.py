"""Settings come from the environment; all invalid ones are reported at once, by name."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, get_type_hints

import pytest
from pydantic import ValidationError

from dev.docs.env_example import SERVICE_SETTINGS
from shared.settings import (
    AttemptSettings,
    HandlerSettings,
    MongoSettings,
    ObservabilitySettings,
    PublicSettings,
    RabbitSettings,
    Settings,
    choices_of,
    load,
)

REQUIRED = {
    "RABBITMQ_URL": "amqp://guest:guest@broker/",
    "MONGODB_URL": "mongodb://database/imagemill",
    "WEBHOOK_SECRET": "whsec_ZGV2ZWxvcG1lbnQtb25seS1kby1ub3QtdXNl",
}
"""The settings without a default in blocks with time limits of handlers."""


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


BLOCKS = {block for service in SERVICE_SETTINGS.values() for block in get_type_hints(service).values()}
FLOATS = sorted(
    ((block, name) for block in BLOCKS for name, field in block.model_fields.items() if field.annotation is float),
    key=lambda found: (found[0].__name__, found[1]),
)


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
@pytest.mark.parametrize(("settings", "name"), FLOATS, ids=[name for _, name in FLOATS])
def test_a_number_must_be_finite(
    settings: type[Settings], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for required, known in REQUIRED.items():
        monkeypatch.setenv(required, known)
    monkeypatch.setenv(name.upper(), value)
    with pytest.raises(ValidationError) as raised:
        settings()
    assert [error["loc"] for error in raised.value.errors()] == [(name,)]


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


def parts_of_handlers() -> list[tuple[type[HandlerSettings], str]]:
    blocks = {block for composition in SERVICE_SETTINGS.values() for block in get_type_hints(composition).values()}
    handlers = [block for block in blocks if issubclass(block, HandlerSettings)]
    return sorted(((block, part) for block in handlers for part in block.HANDLER_PARTS), key=lambda each: each[1])


@pytest.mark.parametrize(("block", "part"), parts_of_handlers())
def test_a_timeout_that_lets_working_handlers_count_as_hung_is_refused(
    environment: pytest.MonkeyPatch, block: type[HandlerSettings], part: str
) -> None:
    assert "at most half of LONGEST_HANDLER" in (block.model_fields[part].description or "")
    for name, value in REQUIRED.items():
        environment.setenv(name, value)
    for name in block.HANDLER_PARTS:
        environment.setenv(name.upper(), "1")
    environment.setenv("LONGEST_HANDLER", "50")
    environment.setenv(part.upper(), "25")
    block()
    environment.setenv(part.upper(), "26")
    with pytest.raises(ValidationError, match=rf"{part.upper()} \(26\) must be at most half of LONGEST_HANDLER \(50\)"):
        block()


def test_the_timeouts_of_calls_within_a_handler_are_checked() -> None:
    assert {part for _, part in parts_of_handlers()} == {
        "compress_timeout", "fetch_probe_timeout", "fetch_total_timeout", "mongodb_timeout", "publish_timeout",
        "webhook_timeout",
    }  # fmt: skip


def settings_with_choices() -> list[tuple[type[Settings], str]]:
    blocks = {block for composition in SERVICE_SETTINGS.values() for block in get_type_hints(composition).values()}
    return sorted(
        (
            (block, name)
            for block in blocks
            for name, field in block.model_fields.items()
            if choices_of(field.annotation)
        ),
        key=lambda each: each[1],
    )


@pytest.mark.parametrize(("block", "name"), settings_with_choices())
def test_a_setting_that_names_one_of_a_few_values_takes_any_case(
    environment: pytest.MonkeyPatch, block: type[Settings], name: str
) -> None:
    for choice in choices_of(block.model_fields[name].annotation):
        for written in (choice.upper(), choice.lower(), choice.title(), f" {choice} "):
            environment.setenv(name.upper(), written)
            assert getattr(block(), name) == choice


def test_every_kind_of_choice_is_recognised() -> None:
    class Colour(StrEnum):
        RED = "red"

    class Shades(Settings):
        colour: Colour = Colour.RED
        shade: Literal["Dark", "light"] | None = None

    assert {name for _, name in settings_with_choices()} >= {"log_level", "default_mode", "default_on_invalid"}
    assert Shades(colour="RED", shade="dark") == Shades(colour=Colour.RED, shade="Dark")
    with pytest.raises(ValidationError, match="'Dark' or 'light'"):
        Shades(shade="grey")
