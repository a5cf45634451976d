"""The messaging runtime as a service composes it, on a real broker, with a test's own handlers and pings."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aio_pika
from aio_pika.exceptions import ChannelNotFoundEntity
from prometheus_client import CollectorRegistry

from shared.messaging import (
    Broker,
    Consumer,
    DependencyGate,
    Ping,
    Publisher,
    Queue,
    Subscription,
    open_broker,
)
from shared.observability import Health, Metrics
from shared.settings import RabbitSettings
from tests.support.tcp_proxy import TcpProxy, open_proxy
from tests.support.waiting import until

STOP_WITHIN = 15.0


@dataclass(frozen=True)
class Runtime:
    """A process's messaging. Its gate pings the broker and the test's own `pings`."""

    broker: Broker
    publisher: Publisher
    gate: DependencyGate
    health: Health
    metrics: Metrics
    registry: CollectorRegistry
    drain_timeout: float

    @asynccontextmanager
    async def consuming(self, *subscriptions: Subscription) -> AsyncIterator[asyncio.Event]:
        """Consumes until the end of the block, or until the yielded event is set."""
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(self.consumer(subscription).run(stop, self.drain_timeout))
            for subscription in subscriptions
        ]
        try:
            await until(lambda: self.health.ready or any(task.done() for task in tasks), what="consuming")
            yield stop
        finally:
            stop.set()
            async with asyncio.timeout(STOP_WITHIN):
                await asyncio.gather(*tasks)

    def consumer(self, subscription: Subscription) -> Consumer:
        return Consumer(subscription, self.broker, self.publisher, self.gate, self.health, self.metrics)

    def counted(self, name: str, **labels: str) -> float:
        """The value of a metric."""
        return self.registry.get_sample_value(name, labels) or 0


@asynccontextmanager
async def open_runtime(
    url: str,
    pings: Mapping[str, Ping] | None = None,
    *,
    publish_timeout: float = 5,
    drain_timeout: float = 10,
    dead_letter_after: int = 10,
    heartbeat: int = 15,
    stall_timeout: float = 120,
    longest_handler: float = 300,
) -> AsyncIterator[Runtime]:
    settings = RabbitSettings(
        rabbitmq_url=url,
        rabbitmq_heartbeat=heartbeat,
        publish_timeout=min(publish_timeout, longest_handler / 2),
        drain_timeout=drain_timeout,
        dead_letter_after=dead_letter_after,
        longest_handler=longest_handler,
    )
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    health = Health(stall_timeout=stall_timeout)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(open_broker(settings, "test", asyncio.Event()))
        publisher = Publisher(broker, metrics)
        gate = DependencyGate({"broker": broker.ping, **(pings or {})}, health)
        stack.push_async_callback(_end_recoveries, gate)
        await gate.check()
        yield Runtime(broker, publisher, gate, health, metrics, registry, drain_timeout)


async def _end_recoveries(gate: DependencyGate) -> None:
    """The pings of a dependency that is unavailable would go on, and be logged, during the tests that follow."""
    recoveries = list(gate._recovering.values())
    for task in recoveries:
        task.cancel()
    await asyncio.gather(*recoveries, return_exceptions=True)


@asynccontextmanager
async def open_broker_proxy(url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    """A proxy in front of the broker, and the URL that leads through it."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    async with open_proxy(address.hostname, address.port) as proxy:
        yield proxy, address._replace(netloc=f"{address.username}:{address.password}@127.0.0.1:{proxy.port}").geturl()


async def waiting_in(url: str, queue: Queue) -> int:
    """The number of messages in `queue` that are ready for a consumer; unacknowledged ones are not counted."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        try:
            declared = await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity:
            return 0
        return declared.declaration_result.message_count or 0


async def is_waiting(url: str, queue: Queue, count: int) -> bool:
    """Whether exactly `count` messages are ready."""
    return await waiting_in(url, queue) == count
