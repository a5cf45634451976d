"""The health of a process, and its responses to GET /livez, /readyz and /metrics."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from shared.observability.redaction import redact

LIVEZ, READYZ, METRICS = "/livez", "/readyz", "/metrics"
HEALTH_PATHS = frozenset({LIVEZ, READYZ, METRICS})


class Health:
    """Which dependencies of a process answer. It is ready if at least one is recorded and all of them answer."""

    def __init__(self, gauge: Gauge | None = None) -> None:
        """`gauge`: the metric imagemill_ready, if it should show the states."""
        self._gauge = gauge
        self._problems: dict[str, str | None] = {}

    def set_ready(self, dependency: str, ready: bool, detail: str = "") -> None:
        """Record the dependency's state. /readyz shows `detail`, the reason why it is not ready."""
        self._problems[dependency] = None if ready else redact(detail) or "unavailable"
        if self._gauge is not None:
            self._gauge.labels(dependency=dependency).set(ready)

    @property
    def ready(self) -> bool:
        return bool(self._problems) and not self.problems

    @property
    def problems(self) -> Mapping[str, str]:
        """The reason for each dependency that is not ready."""
        return {dependency: detail for dependency, detail in self._problems.items() if detail is not None}


class HealthResponse(NamedTuple):
    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True)
class HealthEndpoints:
    """The responses of the three endpoints, independent of the HTTP server."""

    health: Health
    registry: CollectorRegistry

    @property
    def by_path(self) -> Mapping[str, Callable[[], HealthResponse]]:
        return {LIVEZ: self.livez, READYZ: self.readyz, METRICS: self.metrics}

    def livez(self) -> HealthResponse:
        """Always 200: any response shows that the event loop runs."""
        return HealthResponse(HTTPStatus.OK, "text/plain; charset=utf-8", b"alive\n")

    def readyz(self) -> HealthResponse:
        """200 or 503, with the dependencies that are not ready and the reasons."""
        status = HTTPStatus.OK if self.health.ready else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"ready": self.health.ready, "not_ready": dict(self.health.problems)}
        return HealthResponse(status, "application/json", json.dumps(body).encode() + b"\n")

    def metrics(self) -> HealthResponse:
        return HealthResponse(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.registry))
