"""docker-compose.yml passes each service exactly its own settings."""

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from dev.docs.env_example import SERVICE_SETTINGS, settings_of
from tests.support.tree import ROOT

FIXED_IN_THE_IMAGE = {"GATEWAY_HOST", "GATEWAY_PORT", "METRICS_PORT"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])


@pytest.mark.parametrize("name", SERVICE_SETTINGS)
def test_each_service_gets_exactly_its_settings(services: dict[str, Any], name: str) -> None:
    assert set(services[name]["environment"]) == set(settings_of(name)) - FIXED_IN_THE_IMAGE


@pytest.mark.parametrize("name", SERVICE_SETTINGS)
def test_settings_without_default_have_a_value(services: dict[str, Any], name: str) -> None:
    required = {env for env, field in settings_of(name).items() if field.is_required()}
    assert {env for env in required if not services[name]["environment"][env]} == set()


@pytest.mark.parametrize("name", SERVICE_SETTINGS)
def test_there_is_time_to_drain(services: dict[str, Any], name: str) -> None:
    grace = float(services[name]["stop_grace_period"].removesuffix("s"))
    assert grace > settings_of(name)["DRAIN_TIMEOUT"].default + 10


@pytest.mark.parametrize("name", SERVICE_SETTINGS)
def test_services_run_with_least_rights(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_only_the_gateway_is_published_and_only_on_loopback(services: dict[str, Any]) -> None:
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "gateway": ["${GATEWAY_HOST:-127.0.0.1}:${GATEWAY_PORT:-8000}:8000"]
    }


def test_the_workers_cannot_reach_the_database(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "database" in service["networks"]} == {
        "gateway",
        "aggregator",
        "init-store",
        "mongo",
    }


def test_services_wait_for_healthy_servers(services: dict[str, Any]) -> None:
    for name in SERVICE_SETTINGS:
        needed = dict(services[name]["depends_on"])
        if name == "gateway":
            assert needed.pop("init-store") == {"condition": "service_completed_successfully"}
        for server, condition in needed.items():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in services[server]


def test_scalable_services_have_no_fixed_name_or_port(services: dict[str, Any]) -> None:
    for name in ("downloader", "compressor", "aggregator"):
        assert not {"container_name", "hostname", "ports"} & set(services[name])


def test_the_store_is_made_by_a_step_of_its_own(services: dict[str, Any]) -> None:
    step = services["init-store"]
    assert step["entrypoint"][-2:] == ["services.gateway.admin", "init-store"]
    assert step["restart"] == "no"
    assert step["image"] == services["gateway"]["image"]
