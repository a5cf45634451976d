"""The runtime of message handlers: decode, handle, publish the resulting messages, then acknowledge.

aio-pika runs one task per delivery and cancels it when the connection is lost. Here that task only puts the delivery
into an inbox, and `concurrency` worker tasks process it. A lost connection therefore interrupts no handler: the
acknowledgement fails, and the broker delivers the message again, which every handler must accept.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aio_pika.abc import AbstractIncomingMessage, AbstractMessage, AbstractQueue
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelInvalidStateError
from structlog.contextvars import bound_contextvars

from shared.contracts.messages import Message
from shared.errors import DependencyUnavailable
from shared.messaging.broker import Broker, open_channel
from shared.messaging.codec import Undecodable, decode
from shared.messaging.dependency_gate import DependencyGate
from shared.messaging.publisher import FAILURES_HEADER, Outgoing, Publisher
from shared.messaging.topology import Queue
from shared.observability import Metrics

Handler = Callable[[Any], Awaitable[Sequence[Outgoing]]]
"""Takes one message and returns the messages to publish. It may be called again with the same message at any time."""

RETRY_FOR_SECONDS = 2.0  # before an unavailable dependency closes the gate
SUSPECT_AFTER = 10
_RETRY_DELAY_SECONDS = 1.0  # slows down the repetitions of a message that fails because of a bug
_CANCEL_SECONDS = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Messages of `queue` go to `handle`, at most `concurrency` at a time.

    park_unknown: whether a message that cannot be decoded, or that failed too often, is copied to imagemill.dead, or
        just dropped.
    on_suspect: takes a message instead of `handle` once it came back without an answer `suspect_after` times: its
        workers may have died of it.
    retry_for: seconds in which the handler is called again before an unavailable dependency closes the gate.
    """

    queue: Queue
    types: tuple[type[Message], ...]
    handle: Handler
    concurrency: int
    park_unknown: bool = True
    on_suspect: Handler | None = None
    suspect_after: int = SUSPECT_AFTER
    retry_for: float = RETRY_FOR_SECONDS

    def handler_of(self, delivery: AbstractMessage) -> Handler:
        if self.on_suspect is not None and returns_of(delivery) >= self.suspect_after:
            return self.on_suspect
        return self.handle


class Consumer:
    """Runs one subscription until it is stopped; then finishes the messages in progress."""

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
        """Consume until `stop` is set; then take nothing new and wait `drain_timeout` seconds for messages in progress.

        A message that is not acknowledged by then returns to its queue when the channel closes.
        """
        self._stop = stop
        concurrency = self._subscription.concurrency
        async with open_channel(self._broker.consuming, publisher_confirms=False) as channel:
            await channel.set_qos(prefetch_count=concurrency)
            # Declared passively: after an outage aio-pika does not consume a queue from get_queue(ensure=False) again.
            queue = await channel.declare_queue(self._subscription.queue, passive=True)
            tag = await queue.consume(self._inbox.put)
            workers = [asyncio.create_task(self._work()) for _ in range(concurrency)]
            await stop.wait()
            await _cancel(queue, tag)
            self._stop_workers(concurrency)
            await self._drain(workers, drain_timeout)

    def _stop_workers(self, count: int) -> None:
        while not self._inbox.empty():  # not started: these deliveries return to the queue
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
            except CONNECTION_EXCEPTIONS as error:  # not acknowledged: the broker delivers again
                log.debug("delivery_lost", queue=self._subscription.queue, error=repr(error))
            except Exception:  # a bug in the runtime: a dead worker would go unnoticed
                log.exception("delivery_failed_unexpectedly", queue=self._subscription.queue)
                await _reject(delivery)

    async def _process(self, delivery: AbstractIncomingMessage) -> None:
        queue = self._subscription.queue
        try:
            message = decode(delivery, self._subscription.types)
        except Undecodable as error:
            await self._park_or_drop(delivery, "undecodable", str(error))
            return
        started_at = time.monotonic()
        ids = {name: getattr(message, name) for name in type(message).model_fields if name.endswith("_id")}
        with bound_contextvars(**ids):
            outcome = await self._handle(message, delivery)
        self._metrics.messages_handled.labels(queue=queue, outcome=outcome).inc()
        self._metrics.message_seconds.labels(queue=queue).observe(time.monotonic() - started_at)

    async def _handle(self, message: Message, delivery: AbstractIncomingMessage) -> str:
        retry_until = time.monotonic() + self._subscription.retry_for
        handle = self._subscription.handler_of(delivery)
        answer: Sequence[Outgoing] | None = None
        while await self._may_continue(delivery):
            try:
                if answer is None:
                    answer = await handle(message)
                await self._publisher.publish(answer)
            except DependencyUnavailable as error:
                if time.monotonic() >= retry_until or not self._gate.is_open:
                    self._gate.close(error)
                else:
                    await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 (jitter)
            except Exception as error:
                log.exception("handler_failed", queue=self._subscription.queue)
                await self._count_failure(delivery, error)
                return "failed"
            else:
                self._gate.succeeded()
                await _acknowledge(delivery)
                return "handled"
        return "returned"

    async def _may_continue(self, delivery: AbstractIncomingMessage) -> bool:
        """Wait for the gate. False if the delivery's channel is closed, or if we stop while the gate is closed."""
        admitted = self._gate.is_open or await self._gate.wait_until_open(self._stop)
        return admitted and _has_open_channel(delivery)

    async def _count_failure(self, delivery: AbstractIncomingMessage, error: Exception) -> None:
        """Send the message to its queue again with its number of failures; after the last permitted one, park it."""
        failures = failures_of(delivery) + 1
        if failures >= self._broker.settings.dead_letter_after:
            await self._park_or_drop(delivery, "failed", f"failed {failures} times; last: {error!r}")
            return
        await asyncio.sleep(_RETRY_DELAY_SECONDS)
        try:
            await self._publisher.send_again(delivery, self._subscription.queue, failures)
        except DependencyUnavailable as fault:
            self._gate.close(fault)
            await delivery.reject(requeue=True)
        else:
            await _acknowledge(delivery)

    async def _park_or_drop(self, delivery: AbstractIncomingMessage, why: str, reason: str) -> None:
        if self._subscription.park_unknown:
            try:
                await self._publisher.park(delivery, self._subscription.queue, reason)
            except DependencyUnavailable as error:
                self._gate.close(error)
                await delivery.reject(requeue=True)
                return
            log.error("message_parked", queue=self._subscription.queue, reason=reason)
            self._metrics.dead_letters.labels(queue=self._subscription.queue, reason=why).inc()
        await _acknowledge(delivery)


def returns_of(delivery: AbstractMessage) -> int:
    """How often the message returned to its queue without an answer, as the broker counts it."""
    return _count_in(delivery, "x-delivery-count")


def failures_of(delivery: AbstractMessage) -> int:
    """How often a handler failed with an unexpected exception for the message."""
    return _count_in(delivery, FAILURES_HEADER)


def _count_in(delivery: AbstractMessage, header: str) -> int:
    value = delivery.headers.get(header)
    return value if isinstance(value, int) and value > 0 else 0


def _has_open_channel(delivery: AbstractIncomingMessage) -> bool:
    try:
        return not delivery.channel.is_closed
    except ChannelInvalidStateError:
        return False


async def _reject(delivery: AbstractIncomingMessage) -> None:
    await asyncio.sleep(_RETRY_DELAY_SECONDS)
    with suppress(*CONNECTION_EXCEPTIONS):  # without its channel it is delivered again anyway
        await delivery.reject(requeue=True)  # counts towards the broker's limit, unlike a nack on RabbitMQ 4.3


async def _acknowledge(delivery: AbstractIncomingMessage) -> None:
    # `delivery.ack()` would wait until it is on the wire. If it is lost, the message is delivered again.
    await delivery.channel.basic_ack(delivery.delivery_tag or 0, wait=False)


async def _cancel(queue: AbstractQueue, tag: str) -> None:
    try:
        async with asyncio.timeout(_CANCEL_SECONDS):
            await queue.cancel(tag)
    except CONNECTION_EXCEPTIONS as error:  # the broker is unreachable: nothing to cancel
        log.debug("cancel_failed", queue=queue.name, error=repr(error))
