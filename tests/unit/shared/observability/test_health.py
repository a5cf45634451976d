"""The health endpoints: /livez, /readyz and /metrics."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from shared.observability.health import Health, HealthEndpoints
from shared.observability.health_server import health_app, serve_health, serve_health_on_socket
from shared.observability.metrics import Metrics


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


@pytest.fixture
def health(metrics: Metrics) -> Health:
    return Health(metrics.ready)


@pytest.fixture
async def client(health: Health, registry: CollectorRegistry) -> AsyncIterator[httpx.AsyncClient]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with serve_health_on_socket(listener, health, registry), httpx.AsyncClient(base_url=base_url) as client:
            yield client


async def ready_of(client: httpx.AsyncClient) -> dict[str, float]:
    families = text_string_to_metric_families((await client.get("/metrics")).text)
    return {
        sample.labels["dependency"]: sample.value
        for family in families
        for sample in family.samples
        if family.name == "imagemill_ready"
    }


async def test_the_gauge_shows_stalled_loops_as_readyz_does(metrics: Metrics, registry: CollectorRegistry) -> None:
    health = Health(metrics.ready, stall_timeout=0.02)
    app: Any = health_app(HealthEndpoints(health, registry))
    health.set_ready("consuming results", True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        with health.loop("dispatch") as beat, health.loop("consuming results") as beat_too:
            await asyncio.sleep(0.05)  # the loops stall
            assert (await client.get("/readyz")).json()["not_ready"].keys() == {"dispatch", "consuming results"}
            assert await ready_of(client) == {"dispatch": 0, "consuming results": 0}
            health.stall_timeout = 100
            beat()
            beat_too()
            assert (await client.get("/readyz")).status_code == 200
            assert await ready_of(client) == {"consuming results": 1}


async def test_a_process_without_recorded_dependencies_is_not_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).status_code == 503


async def test_a_process_is_ready_while_every_dependency_answers(client: httpx.AsyncClient, health: Health) -> None:
    health.set_ready("broker", True)
    health.set_ready("storage", True)
    response = await client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"ready": True, "not_ready": {}}


async def test_unready_dependencies_are_listed_until_they_recover(client: httpx.AsyncClient, health: Health) -> None:
    health.set_ready("broker", True)
    health.set_ready("storage", False, "s3://key:hunter2@store refused")
    health.set_ready("database", False)
    response = await client.get("/readyz")

    assert response.status_code == 503
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "ready": False,
        "not_ready": {"storage": "s3://***@store refused", "database": "unavailable"},
    }

    health.set_ready("storage", True)
    health.set_ready("database", True)
    assert (await client.get("/readyz")).status_code == 200


async def test_an_unready_process_is_alive(client: httpx.AsyncClient, health: Health) -> None:
    health.set_ready("broker", False, "gone")

    assert (await client.get("/livez")).status_code == 200


async def test_a_blocked_event_loop_does_not_answer_livez(client: httpx.AsyncClient) -> None:
    host, port = client.base_url.host, client.base_url.port

    def request_while_blocked() -> None:
        with socket.create_connection((host, port), timeout=5) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(1)

    request_while_blocked()  # in the loop's own thread, so nothing else runs meanwhile
    assert (await client.get("/livez")).status_code == 200


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient, health: Health, metrics: Metrics) -> None:
    health.set_ready("broker", True)
    health.set_ready("storage", False)
    metrics.upload_bytes.inc(1234)
    response = await client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}

    assert response.headers["content-type"].startswith("text/plain; version=")
    assert families["imagemill_upload_bytes"].samples[0].value == 1234
    ready = {sample.labels["dependency"]: sample.value for sample in families["imagemill_ready"].samples}
    assert ready == {"broker": 1, "storage": 0}


async def test_other_paths_and_methods_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 404
    assert (await client.post("/livez")).status_code == 405
    head = await client.head("/readyz")
    assert (head.status_code, head.content) == (503, b"")


async def test_the_port_is_free_again_afterwards(health: Health, registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for _ in range(2):
        async with serve_health(port, health, registry, host="127.0.0.1"), httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200


async def test_a_port_in_use_raises_at_once(health: Health, registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with serve_health(taken.getsockname()[1], health, registry, host="127.0.0.1"):
            pass


@pytest.mark.parametrize("port", [0, None])
async def test_without_a_port_there_is_no_server(port: int | None, health: Health, registry: CollectorRegistry) -> None:
    tasks = asyncio.all_tasks()
    async with serve_health(port, health, registry):
        assert asyncio.all_tasks() == tasks


async def test_the_process_keeps_its_signal_handlers(client: httpx.AsyncClient) -> None:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, received.set)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await received.wait()
        assert (await client.get("/livez")).status_code == 200
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def test_the_server_stops_even_if_the_block_raises(health: Health, registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(RuntimeError, match="its own"):
            async with serve_health_on_socket(listener, health, registry):
                raise RuntimeError("its own")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_a_recovered_dependency_is_not_listed() -> None:
    health = Health()
    health.set_ready("broker", False, "gone")
    health.set_ready("broker", True, "gone")

    assert health.ready
    assert json.dumps(dict(health.problems)) == "{}"


async def test_a_stalled_loop_fails_livez_before_the_watchdog_ends_the_process(
    client: httpx.AsyncClient, health: Health
) -> None:
    health.stall_timeout = 0.2
    with health.loop("dispatch") as beat, health.loop("retention", allowance=60):
        assert (await client.get("/livez")).status_code == 200
        await asyncio.sleep(0.15)
        response = await client.get("/livez")
        assert (response.status_code, response.text) == (503, "dispatch: no progress for 0 s\n")
        beat()
        assert (await client.get("/livez")).status_code == 200
    await asyncio.sleep(0.15)
    assert (await client.get("/livez")).status_code == 200, "a loop that has ended is not silent"
