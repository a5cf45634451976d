import pytest
from prometheus_client import CollectorRegistry, generate_latest

from shared.observability.declarations import Declaration
from shared.observability.metrics import Metrics, process_registry

DECLARATIONS = Metrics(CollectorRegistry()).declarations


@pytest.mark.parametrize("metric", DECLARATIONS, ids=lambda metric: metric.name)
def test_every_metric_has_a_meaning_and_a_unit(metric: Declaration) -> None:
    assert metric.name.startswith("imagemill_")
    assert metric.meaning.endswith(".")
    assert len(metric.meaning.split()) >= 4
    assert metric.unit in metric.name or metric.unit == "boolean"
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_seconds") or metric.kind != "histogram"


def test_every_metric_of_the_process_is_declared() -> None:
    registry = CollectorRegistry()
    declared = {metric.name.removesuffix("_total") for metric in Metrics(registry).declarations}

    assert {family.name for family in registry.collect()} == declared


def test_two_registries_in_one_interpreter_are_independent() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    Metrics(first).images.labels(outcome="failed", error_code="http_404").inc()
    Metrics(second)

    sample = b'imagemill_images_total{error_code="http_404",outcome="failed"} 1.0'
    assert sample in generate_latest(first)
    assert sample not in generate_latest(second)


def test_the_process_registry_has_cpu_time_and_memory() -> None:
    page = generate_latest(process_registry())

    assert b"process_cpu_seconds_total" in page
    assert b"process_resident_memory_bytes" in page
