"""Alerts use existing metrics and labels."""

import re

import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry

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
