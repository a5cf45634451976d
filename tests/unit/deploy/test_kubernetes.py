"""The Kubernetes base uses existing settings and gives each service its required ones."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from dev.docs.env_example import SERVICE_SETTINGS, settings_of
from tests.support.tree import ROOT

BASE = ROOT / "deploy" / "kubernetes" / "base"
SECRETS = set(yaml.safe_load((BASE / "secret.example.yaml").read_text())["stringData"])


def _resources(file: str) -> Iterator[dict[str, Any]]:
    return iter(yaml.safe_load_all((BASE / file).read_text()))


def _pod(service: str) -> dict[str, Any]:
    deployment = next(found for found in _resources(f"{service}.yaml") if found["kind"] == "Deployment")
    return dict(deployment["spec"]["template"]["spec"])


def _environment(service: str) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in _pod(service)["containers"][0]["env"]}


def _shared_settings() -> set[str]:
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    return {literal.partition("=")[0] for literal in kustomization["configMapGenerator"][0]["literals"]}


@pytest.mark.parametrize("service", SERVICE_SETTINGS)
def test_each_service_gets_its_required_settings_and_no_unknown_one(service: str) -> None:
    required = {name for name, field in settings_of(service).items() if field.is_required()}
    assert required <= set(_environment(service)) | _shared_settings()
    assert set(_environment(service)) <= set(settings_of(service))


def test_every_shared_setting_belongs_to_a_service() -> None:
    assert _shared_settings() <= set().union(*(settings_of(service) for service in SERVICE_SETTINGS))


@pytest.mark.parametrize("service", SERVICE_SETTINGS)
def test_secrets_come_from_the_template_s_secret(service: str) -> None:
    from_secret = {name for name, entry in _environment(service).items() if "secretKeyRef" in entry["valueFrom"]}
    assert from_secret == SECRETS & set(settings_of(service))


@pytest.mark.parametrize("service", SERVICE_SETTINGS)
def test_there_is_time_to_drain(service: str) -> None:
    assert _pod(service)["terminationGracePeriodSeconds"] > settings_of(service)["DRAIN_TIMEOUT"].default + 10


@pytest.mark.parametrize("service", SERVICE_SETTINGS)
def test_probes_use_the_service_s_port(service: str) -> None:
    (container,) = _pod(service)["containers"]
    (port,) = container["ports"]
    setting = "GATEWAY_PORT" if service == "gateway" else "METRICS_PORT"
    assert port["containerPort"] == settings_of(service)[setting].default
    probes = [container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert [(probe["path"], probe["port"]) for probe in probes] == [
        ("/livez", port["name"]),
        ("/livez", port["name"]),
        ("/readyz", port["name"]),
    ]


@pytest.mark.parametrize("service", SERVICE_SETTINGS)
def test_pods_pass_the_restricted_pod_security_standard(service: str) -> None:
    pod = _pod(service)
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_job_that_makes_the_store_is_as_restricted_and_can_run_again() -> None:
    (job,) = _resources("init-store.yaml")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (of_gateway,) = _pod("gateway")["containers"]
    assert container["image"] == of_gateway["image"]
    assert container["command"] == ["python", "-m", "services.gateway.admin", "init-store"]
    assert {entry["name"] for entry in container["env"]} == {"MONGODB_URL", "OBJECT_STORE_URL"}
    assert container["securityContext"] == of_gateway["securityContext"]
    assert pod["securityContext"] == _pod("gateway")["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


def test_network_policies_deny_by_default_for_every_pod() -> None:
    specs = {policy["metadata"]["name"]: policy["spec"] for policy in _resources("network-policies.yaml")}
    assert specs["imagemill-refuse"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "imagemill"}},
        "policyTypes": ["Ingress", "Egress"],
    }
