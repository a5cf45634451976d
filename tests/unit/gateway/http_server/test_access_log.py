"""Every request is logged with its status, except those to the health endpoints, which come every few seconds."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.gateway.api.routes import health_router
from services.gateway.http_server.access_log import AccessLog
from shared.observability import HEALTH_PATHS, Health, HealthEndpoints


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def http() -> httpx.AsyncClient:
    app = FastAPI(openapi_url=None)
    app.include_router(health_router(HealthEndpoints(Health(), CollectorRegistry())))
    return httpx.AsyncClient(transport=httpx.ASGITransport(AccessLog(app)), base_url="http://imagemill.test")


async def test_a_request_is_logged(http: httpx.AsyncClient, logged: list[MutableMapping[str, Any]]) -> None:
    await http.get("/nothing")

    requests = [entry for entry in logged if entry["event"] == "http_request"]
    assert [(entry["path"], entry["status"]) for entry in requests] == [("/nothing", 404)]


@pytest.mark.parametrize("path", sorted(HEALTH_PATHS))
async def test_a_health_endpoint_is_served_and_not_logged(
    http: httpx.AsyncClient, logged: list[MutableMapping[str, Any]], path: str
) -> None:
    assert (await http.get(path)).status_code in {200, 503}
    assert [entry for entry in logged if entry["event"] == "http_request"] == []
