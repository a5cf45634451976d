"""Logs, metrics and health checks, the same in every process."""

from shared.observability.health import HEALTH_PATHS, Health, HealthEndpoints, HealthResponse
from shared.observability.health_server import serve_health
from shared.observability.in_process_server import InProcessServer
from shared.observability.logging import configure_logging
from shared.observability.metrics import Metrics, process_registry
from shared.observability.redaction import redact_text, redact_url
from shared.observability.stall_watchdog import watchdog

__all__ = [
    "HEALTH_PATHS",
    "Health",
    "HealthEndpoints",
    "HealthResponse",
    "InProcessServer",
    "Metrics",
    "configure_logging",
    "process_registry",
    "redact_text",
    "redact_url",
    "serve_health",
    "watchdog",
]
