"""The aggregator starts only with valid settings."""

import base64
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook

from services.aggregator.settings import AggregatorSettings, FinishSettings, WebhookSettings
from shared.settings import load
from shared.url_policy import AddressPolicy

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(64)).decode()


def webhooks(monkeypatch: pytest.MonkeyPatch, **variables: str) -> WebhookSettings:
    for name, value in ({"WEBHOOK_SECRET": SECRET} | variables).items():
        monkeypatch.setenv(name, value)
    return WebhookSettings()


def test_the_defaults_are_those_of_standard_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = webhooks(monkeypatch)

    assert sum(settings.webhook_schedule) == 5 + 300 + 1800 + 7200 + 18000 + 36000 + 50400 + 72000 + 86400
    assert settings.webhook_timeout == 20
    assert settings.webhook_allow_networks == ()
    assert FinishSettings().csv_formula_guard


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), OTHER_SECRET, OTHER_SECRET.rstrip("=")])
def test_signatures_equal_those_of_the_library_with_the_same_secret(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    (signer,) = webhooks(monkeypatch, WEBHOOK_SECRET=secret).signers()

    now = datetime.now(UTC)
    assert signer.sign("id", now, "{}") == Webhook(secret).sign("id", now, "{}")


def test_each_of_several_secrets_has_a_signer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(webhooks(monkeypatch, WEBHOOK_SECRET=f" {SECRET}  {OTHER_SECRET} ").signers()) == 2


@pytest.mark.parametrize(
    "secret", [" ", "whsec_", "whsec_c2hvcnQ=", "secret!", f"{SECRET} whsec_c2hvcnQ=", "whsec_" + "A" * 200, "ß" * 40]
)
def test_an_invalid_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        webhooks(monkeypatch, WEBHOOK_SECRET=secret)

    assert "c2hvcnQ" not in str(refusal.value.errors(include_input=False))


def test_repr_does_not_show_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SECRET not in repr(webhooks(monkeypatch))


def test_networks_and_ports_become_the_address_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = webhooks(monkeypatch, WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8, fd00::/8", WEBHOOK_PORTS="443,8443")

    assert settings.policy == AddressPolicy((ip_network("127.0.0.0/8"), ip_network("fd00::/8")), frozenset({443, 8443}))


def test_all_missing_settings_are_reported_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("RABBITMQ_URL", "MONGODB_URL", "OBJECT_STORE_URL", "WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SystemExit) as ended:
        load(AggregatorSettings)

    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert all(name in error for name in ("RABBITMQ_URL", "MONGODB_URL", "OBJECT_STORE_URL", "WEBHOOK_SECRET"))
