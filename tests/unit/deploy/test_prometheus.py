"""Alerts use existing metrics and labels."""

import re

import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry

from shared.contracts.error_codes import ERROR_GUIDES, Owner
from shared.observability import Metrics
from tests.support.tree import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"


def _rules() -> list[dict[str, str]]:
    return list(yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"])


def test_alerts_use_existing_metrics() -> None:
    declared = {metric.name for metric in Metrics(CollectorRegistry()).declarations}
    watched = {name for rule in _rules() for name in re.findall(r"\bimagemill_\w+", rule["expr"])}
    assert watched
    assert watched <= declared


def test_the_alert_of_failed_images_watches_the_codes_that_the_operator_owns() -> None:
    [expression] = [rule["expr"] for rule in _rules() if rule["alert"] == "ImagemillFailsImages"]
    watched = re.findall(r'error_code=~"([^"]+)"', expression)[0].split("|")
    assert watched == [code for code, guide in ERROR_GUIDES.items() if guide.owner is Owner.US]


def test_alerts_use_existing_labels() -> None:
    labels = {metric.name: set(metric.labels) for metric in Metrics(CollectorRegistry()).declarations}
    selected = [
        (name, label)
        for rule in _rules()
        for name, selector in re.findall(r"\b(imagemill_\w+)\{([^}]*)\}", rule["expr"])
        for label in re.findall(r"(\w+)\s*=~?", selector)
    ]
    assert selected
    assert [(name, label) for name, label in selected if label not in labels[name]] == []
