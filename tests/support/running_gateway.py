"""A gateway's API for tests: served over HTTP on the loopback, with store and database in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.gateway.api import ApiParts, build_app, build_starting_app
from services.gateway.catalogue import CatalogueLimits
from services.gateway.files import ObjectServer
from services.gateway.http_server import HttpServer, listen
from services.gateway.probe import ProbeClient, ProbeStream
from services.gateway.requests import RequestCanceller, RetryStarter
from services.gateway.settings import HostLimitSettings
from services.gateway.upload import (
    BodyLimits,
    RetentionPolicy,
    UploadAcceptor,
    UploadOptions,
    UploadValidator,
    ValidationRules,
)
from services.gateway.webhooks import AggregatorClient, DeliveryLog, WebhookTester
from shared.contracts.messages import CompressOptions
from shared.messaging import DependencyGate
from shared.observability import Health, HealthEndpoints, Metrics
from shared.url_policy import AddressPolicy
from tests.fakes import MemoryDatabase, MemoryObjectStore, MovableClock
from tests.support.builders import NOW, REQUEST_ID

CSV = b"S. No.,Product Name,Input Image Urls\r\n1,Lamp,https://images.test/1.jpg\r\n"
MAX_BYTES = 300_000
STALL_SECONDS = 2.0  # a busy machine may need half a second for a few bytes
MAX_SECONDS = 6.0
PROBE_SECONDS = 5.0
TEST_SECONDS = 5.0
NO_PRIVATE_NETWORKS = AddressPolicy()
RETENTION = RetentionPolicy(default=7, longest=90)
BASE_URL = "https://imagemill.test"
RESULT_KEY = f"results/{REQUEST_ID}/oak-table-0123456789abcdef.jpg"
DEFAULTS = CompressOptions(min_quality=35)


ServerAndClient = tuple[HttpServer, int, httpx.AsyncClient]
"""A server, its port and a client of it."""


@dataclass
class Gateway:
    """A running API. spool: the folder of temporary uploads.

    probe_client, aggregator: not connected until a test connects them.
    """

    http: httpx.AsyncClient
    server: HttpServer
    port: int
    store: MemoryObjectStore
    database: MemoryDatabase
    intake_opened: asyncio.Event
    cancel_begun: asyncio.Event
    health: Health
    registry: CollectorRegistry
    spool: Path
    aggregator: AggregatorClient = field(default_factory=lambda: AggregatorClient(TEST_SECONDS))
    probe_client: ProbeClient = field(default_factory=lambda: ProbeClient(PROBE_SECONDS, MovableClock()))

    def holds_nothing(self) -> bool:
        return not (self.store.objects or self.database.tables.requests or any(self.spool.iterdir()))


@asynccontextmanager
async def a_server(health: HealthEndpoints) -> AsyncIterator[tuple[HttpServer, int]]:
    """A server and its port; its app is the one of a starting gateway."""
    server = HttpServer(build_starting_app(health), drain_timeout=5)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    await server.start(listener)
    yield server, port
    await server.stop()


@asynccontextmanager
async def a_server_and_client() -> AsyncIterator[ServerAndClient]:
    """One server for several tests, since starting it is slow; `a_gateway` installs the app of each test."""
    async with (
        a_server(HealthEndpoints(Health(), CollectorRegistry())) as (server, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http,
    ):
        yield server, port, http


def a_gateway(shared_server: ServerAndClient, spool: Path) -> Gateway:
    """A gateway without any requests, which the server serves from now on."""
    server, port, http = shared_server
    clock = MovableClock(NOW)
    gateway = Gateway(
        http=http,
        server=server,
        port=port,
        store=MemoryObjectStore(clock),
        database=MemoryDatabase(clock),
        intake_opened=asyncio.Event(),
        cancel_begun=asyncio.Event(),
        health=Health(),
        registry=CollectorRegistry(),
        spool=spool,
    )
    server.app = an_app(gateway, clock)
    return gateway


def an_app(
    gateway: Gateway,
    clock: MovableClock,
    public_base_url: str = BASE_URL,
    webhook_policy: AddressPolicy = NO_PRIVATE_NETWORKS,
) -> FastAPI:
    rules = ValidationRules(
        limits=CatalogueLimits(rows=1000),
        body_limits=BodyLimits(MAX_BYTES, STALL_SECONDS, MAX_SECONDS),
        fetch_policy=AddressPolicy(),
        webhook_policy=webhook_policy,
        defaults=UploadOptions(DEFAULTS),
        retention=RETENTION,
    )
    validator = UploadValidator(rules, at_once=2)
    metrics = Metrics(gateway.registry)
    acceptor = UploadAcceptor(gateway.database, gateway.store, clock, gateway.intake_opened, metrics, RETENTION)
    needed = {"database": gateway.database.ping, "storage": gateway.store.ping}
    parts = ApiParts(
        validator=validator,
        acceptor=acceptor,
        probes=ProbeStream(gateway.probe_client, gateway.database.hosts, metrics, clock, HostLimitSettings()),
        database=gateway.database,
        cancellations=RequestCanceller(gateway.database, clock, gateway.cancel_begun),
        retries=RetryStarter(gateway.database, clock, gateway.intake_opened),
        webhook_tester=WebhookTester(gateway.aggregator, webhook_policy),
        deliveries=DeliveryLog(gateway.database, gateway.aggregator.send_due, clock),
        objects=ObjectServer(gateway.store),
        public_base_url=public_base_url,
        clock=clock,
    )
    gate = DependencyGate(needed, gateway.health)
    for dependency in needed:
        gateway.health.set_ready(dependency, True)  # as its check does
    return build_app(parts, HealthEndpoints(gateway.health, gateway.registry), gate)


def a_form(*parts: tuple[str, str | None, bytes]) -> dict[str, Any]:
    """A form of `(name, file name, content)`, in this order."""
    body = b""
    for name, filename, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        body += f"--edge\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"
    return {"content": body + b"--edge--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=edge"}}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert {"type", "title", "detail"} <= document.keys()
    return document


async def send(port: int, head: str, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a raw request, whose body may be incomplete or malformed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("\n", "\r\n").encode() + body)
    await writer.drain()
    return reader, writer
