"""The runtime that handlers live in: decode, handle, publish what follows, and only then acknowledge.

aio-pika runs one task for each delivery and cancels it when the connection is lost. So a delivery is only put into an
inbox, and worker tasks of our own, as many as `concurrency`, take it from there: a lost connection interrupts nothing,
the acknowledgement fails, and the broker delivers again what the handlers, being repeatable, take without harm.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelInvalidStateError
from structlog.contextvars import bound_contextvars

from shared.contracts.messages import Message
from shared.errors import DependencyUnavailable
from shared.messaging.broker import Broker, open_channel
from shared.messaging.codec import Undecodable, decode
from shared.messaging.dependency_gate import DependencyGate
from shared.messaging.publisher import Outgoing, Publisher
from shared.messaging.topology import Queue
from shared.observability import Metrics

Handler = Callable[[Any], Awaitable[Sequence[Outgoing]]]
"""From one message to the messages that follow from it. It may be called again with the same message at any time."""

_RETRY_FOR_SECONDS = 2.0  # a fault of our own that is over by then goes unnoticed
_REJECT_AFTER_SECONDS = 1.0  # slows down a message that fails by a fault in the code, on its way to the limit
_CANCEL_SECONDS = 5.0
_SAID_IN_LOGS = ("request_id", "image_id", "probe_id")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which messages of `queue` go to `handle`, at most `concurrency` at a time.

    park_unknown: whether what cannot be decoded is parked for people to see, or dropped because it is parked already.
    """

    queue: Queue
    types: tuple[type[Message], ...]
    handle: Handler
    concurrency: int
    park_unknown: bool = True


class Consumer:
    """Runs one subscription until it is told to stop; then finishes what is in hand."""

    def __init__(
        self, subscription: Subscription, broker: Broker, publisher: Publisher, gate: DependencyGate, metrics: Metrics
    ) -> None:
        self._subscription = subscription
        self._broker = broker
        self._publisher = publisher
        self._gate = gate
        self._metrics = metrics
        self._inbox: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event, drain_timeout: float) -> None:
        """Consume until `stop` is set; then take nothing new and give what is in hand `drain_timeout` seconds.

        What is not acknowledged by then goes back to its queue when the channel closes.
        """
        self._stop = stop
        concurrency = self._subscription.concurrency
        async with open_channel(self._broker.consuming, publisher_confirms=False) as channel:
            await channel.set_qos(prefetch_count=concurrency)
            # Declared, if passively: a queue from get_queue(ensure=False) is not consumed again after an outage.
            queue = await channel.declare_queue(self._subscription.queue, passive=True)
            tag = await queue.consume(self._inbox.put)
            workers = [asyncio.create_task(self._work()) for _ in range(concurrency)]
            await stop.wait()
            await _cancel(queue, tag)
            self._dismiss_workers(concurrency)
            await self._drain(workers, drain_timeout)

    def _dismiss_workers(self, count: int) -> None:
        while not self._inbox.empty():  # not begun: back to the queue, for somebody else
            self._inbox.get_nowait()
        for _ in range(count):
            self._inbox.put_nowait(None)

    async def _drain(self, workers: Sequence[asyncio.Task[None]], seconds: float) -> None:
        _, late = await asyncio.wait(workers, timeout=seconds)
        if late:
            log.warning("drain_timed_out", queue=self._subscription.queue, messages=len(late))
        for worker in late:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        while (delivery := await self._inbox.get()) is not None:
            try:
                await self._process(delivery)
            except CONNECTION_EXCEPTIONS as error:  # the acknowledgement came too late: the broker delivers again
                log.debug("delivery_lost", queue=self._subscription.queue, error=repr(error))
            except Exception:  # of the runtime itself: a worker that ended here would be missed by nobody
                log.exception("delivery_broke", queue=self._subscription.queue)
                await _reject(delivery)

    async def _process(self, delivery: AbstractIncomingMessage) -> None:
        queue = self._subscription.queue
        try:
            message = decode(delivery, self._subscription.types)
        except Undecodable as fault:
            await self._put_aside(delivery, str(fault))
            return
        begun = time.monotonic()
        about = {name: getattr(message, name) for name in _SAID_IN_LOGS if hasattr(message, name)}
        with bound_contextvars(**about):
            outcome = await self._handle(message, delivery)
        self._metrics.messages_handled.labels(queue=queue, outcome=outcome).inc()
        self._metrics.message_seconds.labels(queue=queue).observe(time.monotonic() - begun)

    async def _handle(self, message: Message, delivery: AbstractIncomingMessage) -> str:
        patience_ends = time.monotonic() + _RETRY_FOR_SECONDS
        while await self._may_go_on(delivery):
            try:
                await self._publisher.publish(await self._subscription.handle(message))
            except DependencyUnavailable as fault:
                if time.monotonic() >= patience_ends:
                    self._gate.close(fault)
                else:
                    await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 (jitter)
            except Exception:
                log.exception("handler_failed", queue=self._subscription.queue)
                await _reject(delivery)
                return "rejected"
            else:
                await _acknowledge(delivery)
                return "handled"
        return "returned"

    async def _may_go_on(self, delivery: AbstractIncomingMessage) -> bool:
        """Wait for the gate. False if the delivery is no longer ours, or if we stop while the gate is closed."""
        # Of those who wait, the first to go on may close it again before the next one looks.
        while not self._gate.is_open and await self._gate.open_unless(self._stop):
            pass
        return self._gate.is_open and _is_ours(delivery)

    async def _put_aside(self, delivery: AbstractIncomingMessage, reason: str) -> None:
        if self._subscription.park_unknown:
            try:
                await self._publisher.park(delivery, self._subscription.queue, reason)
            except DependencyUnavailable as fault:
                self._gate.close(fault)
                await delivery.reject(requeue=True)
                return
            log.error("message_parked", queue=self._subscription.queue, reason=reason)
            self._metrics.dead_letters.labels(queue=self._subscription.queue, reason="undecodable").inc()
        await _acknowledge(delivery)


def _is_ours(delivery: AbstractIncomingMessage) -> bool:
    try:
        return not delivery.channel.is_closed
    except ChannelInvalidStateError:
        return False


async def _reject(delivery: AbstractIncomingMessage) -> None:
    await asyncio.sleep(_REJECT_AFTER_SECONDS)
    with suppress(*CONNECTION_EXCEPTIONS):  # with its channel gone, it is delivered again anyway
        await delivery.reject(requeue=True)  # counts towards the delivery limit, unlike a nack on RabbitMQ 4.3


async def _acknowledge(delivery: AbstractIncomingMessage) -> None:
    # Without waiting until it is on the wire, as `delivery.ack()` does: one that is lost brings the message again.
    await delivery.channel.basic_ack(delivery.delivery_tag or 0, wait=False)


async def _cancel(queue: AbstractQueue, tag: str) -> None:
    try:
        async with asyncio.timeout(_CANCEL_SECONDS):
            await queue.cancel(tag)
    except CONNECTION_EXCEPTIONS as error:  # the broker is away: nothing is left to cancel
        log.debug("cancel_failed", queue=queue.name, error=repr(error))
