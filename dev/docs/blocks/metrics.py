"""The metrics, from shared/observability/metrics.py."""

from prometheus_client import CollectorRegistry

from dev.docs.markdown import code, table
from shared.observability import Metrics


def metrics() -> str:
    rows = [
        (code(metric.name), metric.kind, metric.unit, ", ".join(map(code, metric.labels)), metric.meaning)
        for metric in Metrics(CollectorRegistry()).declarations
    ]
    return table(("metric", "kind", "unit", "labels", "meaning"), rows)
