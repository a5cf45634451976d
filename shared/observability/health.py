"""The health of a process, and its responses to GET /livez, /readyz and /metrics."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from shared.observability.redaction import redact

LIVEZ, READYZ, METRICS = "/livez", "/readyz", "/metrics"
HEALTH_PATHS = frozenset({LIVEZ, READYZ, METRICS})

STALL_TIMEOUT_SECONDS = 120.0


@dataclass(slots=True)
class _Loop:
    name: str
    allowance: float
    beat_at: float


class Health:
    """Whether a process can work (ready), and whether its loops make progress (alive).

    It is ready if at least one dependency is recorded, all of them answer, and no loop has stalled.
    """

    def __init__(self, gauge: Gauge | None = None, stall_timeout: float = STALL_TIMEOUT_SECONDS) -> None:
        """`gauge`: the metric imagemill_ready, if it should show the states. `stall_timeout`: see its setting."""
        self.stall_timeout = stall_timeout
        self._gauge = gauge
        self._problems: dict[str, str | None] = {}
        self._loops: dict[int, _Loop] = {}
        self._shown_loops: set[str] = set()

    def set_ready(self, dependency: str, ready: bool, detail: str = "") -> None:
        """Record the dependency's state. /readyz shows `detail`, the reason why it is not ready."""
        self._problems[dependency] = None if ready else redact(detail) or "unavailable"
        if self._gauge is not None:
            self._gauge.labels(dependency=dependency).set(ready)

    @contextmanager
    def loop(self, name: str, allowance: float = 0) -> Iterator[Callable[[], None]]:
        """A loop of the process. It calls what is yielded in each turn; `allowance`: how long one turn may take."""
        loop = _Loop(name, allowance, time.monotonic())
        self._loops[id(loop)] = loop

        def beat() -> None:
            loop.beat_at = time.monotonic()

        try:
            yield beat
        finally:
            del self._loops[id(loop)]

    def silent_loops(self, seconds: float) -> Mapping[str, float]:
        """The loops without progress for more than `seconds` beyond their allowance, and for how long."""
        now = time.monotonic()
        loops = list(self._loops.values())
        return {loop.name: now - loop.beat_at for loop in loops if now - loop.beat_at > seconds + loop.allowance}

    def forgive_silence(self) -> None:
        """Count every loop's silence from now on: the whole process was paused."""
        for loop in list(self._loops.values()):
            loop.beat_at = time.monotonic()

    def show(self) -> None:
        """Set the gauge by `problems` as they are now: a loop stalls, and moves again, without a call."""
        if self._gauge is None:
            return
        problems, stalled = self.problems, self.stalled.keys() - self._problems.keys()
        for name in self._shown_loops - stalled:
            self._gauge.remove(name)
        for name in {*self._problems, *stalled}:
            self._gauge.labels(dependency=name).set(name not in problems)
        self._shown_loops = set(stalled)

    @property
    def ready(self) -> bool:
        return bool(self._problems) and not self.problems

    @property
    def problems(self) -> Mapping[str, str]:
        """The reason for each dependency that is not ready, and for each loop that has stalled."""
        recorded = {dependency: detail for dependency, detail in self._problems.items() if detail is not None}
        return {name: f"no progress for {seconds:.0f} s" for name, seconds in self.stalled.items()} | recorded

    @property
    def stalled(self) -> Mapping[str, float]:
        """The loops that were silent for half of the time after which the watchdog ends the process."""
        return self.silent_loops(self.stall_timeout / 2)


_TEXT = "text/plain; charset=utf-8"


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
        """200 while the event loop runs and every loop makes progress, else 503."""
        silent = self.health.stalled
        if not silent:
            return HealthResponse(HTTPStatus.OK, _TEXT, b"alive\n")
        lines = "".join(f"{name}: no progress for {seconds:.0f} s\n" for name, seconds in silent.items())
        return HealthResponse(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, lines.encode())

    def readyz(self) -> HealthResponse:
        """200 or 503, with the dependencies that are not ready and the reasons."""
        status = HTTPStatus.OK if self.health.ready else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"ready": self.health.ready, "not_ready": dict(self.health.problems)}
        return HealthResponse(status, "application/json", json.dumps(body).encode() + b"\n")

    def metrics(self) -> HealthResponse:
        self.health.show()
        return HealthResponse(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.registry))
