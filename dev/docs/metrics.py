"""Writes docs/metrics.md: `python -m dev.docs.metrics > docs/metrics.md`."""

import sys

from prometheus_client import CollectorRegistry

from shared.observability.declarations import Declaration
from shared.observability.metrics import Metrics

_HEAD = """\
# Metrics

Every process answers `GET /metrics` in Prometheus' text format: the gateway on its own port, the workers on
`METRICS_PORT`. Beside these there are the Prometheus client's own `process_*` and `python_gc_*`.

This page is made from `shared/observability/metrics.py`; after a change there run
`python -m dev.docs.metrics > docs/metrics.md`.

| metric | kind | unit | labels | meaning |
|---|---|---|---|---|
"""


def metrics_document() -> str:
    """The page's text, in Markdown."""
    return _HEAD + "".join(map(_row, Metrics(CollectorRegistry()).declarations))


def _row(metric: Declaration) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.meaning} |\n"


if __name__ == "__main__":
    sys.stdout.write(metrics_document())
