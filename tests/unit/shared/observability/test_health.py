import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from shared.observability.health import Health
from shared.observability.health_server import serve_health, serve_health_on
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
        async with serve_health_on(listener, health, registry), httpx.AsyncClient(base_url=base_url) as client:
            yield client


async def test_a_process_is_not_ready_before_it_knows_its_dependencies(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).status_code == 503


async def test_ready_while_every_dependency_answers(client: httpx.AsyncClient, health: Health) -> None:
    health.set_ready("broker", True)
    health.set_ready("storage", True)
    answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "not_ready": {}}


async def test_what_is_not_ready_is_named_until_it_recovers(client: httpx.AsyncClient, health: Health) -> None:
    health.set_ready("broker", True)
    health.set_ready("storage", False, "s3://key:hunter2@store refused")
    health.set_ready("database", False)
    answer = await client.get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "ready": False,
        "not_ready": {"storage": "s3://***@store refused", "database": "unavailable"},
    }

    health.set_ready("storage", True)
    health.set_ready("database", True)
    assert (await client.get("/readyz")).status_code == 200


async def test_a_process_that_is_not_ready_lives(client: httpx.AsyncClient, health: Health) -> None:
    health.set_ready("broker", False, "gone")

    assert (await client.get("/livez")).status_code == 200


async def test_a_loop_that_is_stuck_does_not_answer_that_it_lives(client: httpx.AsyncClient) -> None:
    host, port = client.base_url.host, client.base_url.port

    def ask_while_stuck() -> None:
        with socket.create_connection((host, port), timeout=5) as asking:
            asking.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            asking.settimeout(0.2)
            with pytest.raises(TimeoutError):
                asking.recv(1)

    ask_while_stuck()  # in the loop's own thread, and so nothing else runs meanwhile
    assert (await client.get("/livez")).status_code == 200


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient, health: Health, metrics: Metrics) -> None:
    health.set_ready("broker", True)
    health.set_ready("storage", False)
    metrics.upload_bytes.inc(1234)
    answer = await client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}

    assert answer.headers["content-type"].startswith("text/plain; version=")
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


async def test_a_taken_port_is_told_at_once(health: Health, registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with serve_health(taken.getsockname()[1], health, registry, host="127.0.0.1"):
            pass


@pytest.mark.parametrize("port", [0, None])
async def test_no_port_is_no_server(port: int | None, health: Health, registry: CollectorRegistry) -> None:
    tasks = asyncio.all_tasks()
    async with serve_health(port, health, registry):
        assert asyncio.all_tasks() == tasks


async def test_signals_stay_with_the_process(client: httpx.AsyncClient) -> None:
    got = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, got.set)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await got.wait()
        assert (await client.get("/livez")).status_code == 200
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def test_the_body_stops_the_server_also_when_it_fails(health: Health, registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(RuntimeError, match="its own"):
            async with serve_health_on(listener, health, registry):
                raise RuntimeError("its own")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_the_answers_do_not_show_a_fault_that_is_over() -> None:
    health = Health()
    health.set_ready("broker", False, "gone")
    health.set_ready("broker", True, "gone")

    assert health.ready
    assert json.dumps(dict(health.faults)) == "{}"
