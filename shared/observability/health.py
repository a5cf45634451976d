"""Whether a process lives and is ready, and what it measures, as answers to GET /livez, /readyz and /metrics."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from shared.observability.redaction import redact


class Health:
    """Which of a process's dependencies answer. It is ready when it knows of one or more, and all of them do."""

    def __init__(self, gauge: Gauge | None = None) -> None:
        """`gauge` is the metric imagemill_ready, if the states are to be seen there."""
        self._gauge = gauge
        self._faults: dict[str, str | None] = {}

    def set_ready(self, dependency: str, ready: bool, detail: str = "") -> None:
        """Record the dependency's state; `detail` says what is wrong with it, for /readyz to show."""
        self._faults[dependency] = None if ready else redact(detail) or "unavailable"
        if self._gauge is not None:
            self._gauge.labels(dependency=dependency).set(ready)

    @property
    def ready(self) -> bool:
        return bool(self._faults) and not self.faults

    @property
    def faults(self) -> Mapping[str, str]:
        """What is wrong, by dependency."""
        return {dependency: detail for dependency, detail in self._faults.items() if detail is not None}


class HealthResponse(NamedTuple):
    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True)
class HealthEndpoints:
    """The three answers, for whichever server gives them."""

    health: Health
    registry: CollectorRegistry

    def livez(self) -> HealthResponse:
        """That this is answered at all is the proof: it comes from the event loop that does the work."""
        return HealthResponse(HTTPStatus.OK, "text/plain; charset=utf-8", b"alive\n")

    def readyz(self) -> HealthResponse:
        """200 or 503, with what is not ready and why."""
        status = HTTPStatus.OK if self.health.ready else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"ready": self.health.ready, "not_ready": dict(self.health.faults)}
        return HealthResponse(status, "application/json", json.dumps(body).encode() + b"\n")

    def metrics(self) -> HealthResponse:
        return HealthResponse(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.registry))
