"""Serves the health endpoints over HTTP, in the process's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry

from shared.observability.health import LIVEZ, METRICS, READYZ, Health, HealthEndpoints, HealthResponse
from shared.observability.in_process_server import InProcessServer

Event = dict[str, Any]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Event, Callable[[], Awaitable[Event]], Send], Awaitable[None]]

_TEXT = "text/plain; charset=utf-8"
_NOT_FOUND = HealthResponse(404, _TEXT, f"the endpoints are {LIVEZ}, {READYZ} and {METRICS}\n".encode())
_NOT_ALLOWED = HealthResponse(405, _TEXT, b"use GET or HEAD\n")


@asynccontextmanager
async def serve_health(
    port: int | None,
    health: Health,
    registry: CollectorRegistry,
    host: str = "0.0.0.0",  # noqa: S104 - Kubernetes and Prometheus connect from outside the container
) -> AsyncIterator[None]:
    """Serve on `port` while the block runs; 0 or None for no server. Raises OSError if the port is in use."""
    if not port:
        yield
        return
    with socket.create_server((host, port)) as listener:
        async with serve_health_on_socket(listener, health, registry):
            yield


@asynccontextmanager
async def serve_health_on_socket(
    listener: socket.socket, health: Health, registry: CollectorRegistry
) -> AsyncIterator[None]:
    """Serve on a listening socket."""
    server = InProcessServer(
        uvicorn.Config(
            health_app(HealthEndpoints(health, registry)),
            lifespan="off",
            http="h11",  # not whichever parser is installed
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="health-server")
    serving.add_done_callback(lambda _: server.listening.set())
    try:
        await server.listening.wait()
        if serving.done():
            serving.result()
        yield
    finally:
        server.should_exit = True
        await serving


def health_app(endpoints: HealthEndpoints) -> App:
    paths = endpoints.by_path

    async def app(scope: Event, _receive: Callable[[], Awaitable[Event]], send: Send) -> None:
        response = paths.get(scope["path"], lambda: _NOT_FOUND)()
        if scope["method"] not in {"GET", "HEAD"}:
            response = _NOT_ALLOWED
        await _send(response, send)

    return app


async def _send(response: HealthResponse, send: Send) -> None:
    headers = [
        (b"content-type", response.media_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
