"""The downloader's settings, from text to policy."""

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from services.downloader.settings import FetchSettings
from shared.url_policy import BlockedAddress, FetchTargetSettings


@pytest.mark.parametrize("text", ["127.0.0.0/8, fd00::/8", "127.0.0.0/8 fd00::/8", '["127.0.0.0/8", "fd00::/8"]'])
def test_networks_are_separated_by_commas_or_spaces_or_listed_as_json(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ALLOW_NETWORKS", text)
    monkeypatch.setenv("FETCH_PORTS", "8080")
    policy = FetchTargetSettings().policy
    assert policy.allow_networks == (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
    policy.check_address("127.0.0.1", 9000)
    policy.check_address("8.8.8.8", 8080)
    with pytest.raises(BlockedAddress):
        policy.check_address("8.8.8.8", 80)


def test_no_private_network_is_allowed_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETCH_ALLOW_NETWORKS", raising=False)
    assert FetchTargetSettings().policy.allow_networks == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FETCH_ALLOW_NETWORKS", "localhost"),
        ("FETCH_ALLOW_NETWORKS", "10.0.0.1/8"),
        ("FETCH_ALLOW_NETWORKS", "[not json"),
        ("FETCH_PORTS", "70000"),
    ],
)
def test_invalid_networks_and_ports_are_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        FetchTargetSettings()


def test_a_user_agent_with_a_line_break_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCH_USER_AGENT", "agent\r\nX-Other: header")
    with pytest.raises(ValidationError):
        FetchSettings()
