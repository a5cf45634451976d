"""What happens to one message: decode, handle, publish the resulting messages, then acknowledge."""

import asyncio
import random
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog
from structlog.contextvars import bound_contextvars

from shared.contracts.messages import Message
from shared.errors import BrokerUnavailable, DependencyUnavailable
from shared.long_lived import is_asked_to_stop, progress_is
from shared.messaging.codec import Undecodable, decode
from shared.messaging.dependency_gate import DependencyGate
from shared.messaging.publisher import Outgoing, Publisher
from shared.messaging.received_message import ReceivedMessage
from shared.messaging.subscription import Subscription, Unproven
from shared.observability import Metrics
from shared.settings import RabbitSettings

_RETRY_DELAY_SECONDS = 1.0  # slows down the repetitions of a message that fails because of a bug

log = structlog.get_logger(__name__)


class Work:
    """Processes the messages of one subscription.

    release: set while a message that waits for the gate is not to be held any longer. gives_back: whether it is then
        sent to its queue; otherwise it returns when its channel closes.
    """

    def __init__(
        self,
        subscription: Subscription,
        limits: RabbitSettings,
        publisher: Publisher,
        gate: DependencyGate,
        metrics: Metrics,
    ) -> None:
        self.release = asyncio.Event()
        self.gives_back = False
        self._subscription = subscription
        self._limits = limits
        self._publisher = publisher
        self._gate = gate
        self._metrics = metrics

    async def do(self, received: ReceivedMessage) -> None:
        """Process one message. Raises nothing, since a dead worker would go unnoticed."""
        try:
            await self._process(received)
        except BrokerUnavailable as error:  # not acknowledged: the broker delivers again
            log.debug("delivery_lost", queue=self._subscription.queue, error=str(error))
        except asyncio.CancelledError:
            if is_asked_to_stop():
                raise
            log.exception("delivery_cancelled_by_a_library", queue=self._subscription.queue)
            await self._give_back_later(received)
        except Exception:  # a bug in the runtime
            log.exception("delivery_failed_unexpectedly", queue=self._subscription.queue)
            await self._give_back_later(received)

    async def _process(self, received: ReceivedMessage) -> None:
        queue = self._subscription.queue
        try:
            message = decode(received, self._subscription.types)
        except Undecodable as error:
            await self._park_or_drop(received, "undecodable", str(error))
            return
        started_at = time.monotonic()
        ids = {name: getattr(message, name) for name in type(message).model_fields if name.endswith("_id")}
        with bound_contextvars(**ids):
            outcome = await self._handle(message, received)
        self._metrics.messages_handled.labels(queue=queue, outcome=outcome).inc()
        self._metrics.message_seconds.labels(queue=queue).observe(time.monotonic() - started_at)

    async def _handle(self, message: Message, received: ReceivedMessage) -> str:
        retry_until = time.monotonic() + self._subscription.retry_for
        handle = self._subscription.handler_of(received)
        answer: Sequence[Outgoing] | None = None
        while await self._may_continue(received):
            began = time.monotonic()
            try:
                with self._in_trial(began):
                    if answer is None:
                        answer = await self._watched(handle(message))
                    await self._publisher.publish(answer)
            except DependencyUnavailable as error:
                if time.monotonic() >= retry_until or not self._gate.is_open:
                    self._gate.close(error, began)
                else:
                    await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 (jitter)
            except Exception as error:
                log.exception("handler_failed", queue=self._subscription.queue)
                await self._count_failure(received, error)
                return "failed"
            else:
                if not (isinstance(answer, Unproven) or handle is self._subscription.on_suspect):
                    self._gate.succeeded(began)
                await received.acknowledge()
                return "handled"
        return "returned"

    @contextmanager
    def _in_trial(self, began: float) -> Iterator[None]:
        """However the block ends, even cancelled by a library, a half-open gate no longer waits for this work."""
        try:
            yield
        finally:
            self._gate.proved_nothing(began)

    async def _watched(self, handling: Awaitable[Sequence[Outgoing]]) -> Sequence[Outgoing]:
        """The answer of a handler. Without progress for LONGEST_HANDLER it makes the process unready, then ends it."""
        queue, limit = self._subscription.queue, self._limits.longest_handler
        with self._gate.health.loop(f"handling a message of {queue}", limit) as beat, progress_is(beat):
            return await handling

    async def _may_continue(self, received: ReceivedMessage) -> bool:
        """Wait for the gate. False if the message returns to its queue instead."""
        if self._gate.is_open or await self._gate.wait_until_open(self.release):
            if not received.can_be_answered:
                self._gate.proved_nothing(time.monotonic())
            return received.can_be_answered
        if self.gives_back and received.can_be_answered:
            await self._send_to_queue(received, received.failures)
        return False

    async def _count_failure(self, received: ReceivedMessage, error: Exception) -> None:
        """Send the message to its queue again with its number of failures; after the last permitted one, park it."""
        failures = received.failures + 1
        if failures >= self._limits.dead_letter_after:
            await self._park_or_drop(received, "failed", f"failed {failures} times; last: {error!r}")
            return
        await asyncio.sleep(_RETRY_DELAY_SECONDS)
        await self._send_to_queue(received, failures)

    async def _send_to_queue(self, received: ReceivedMessage, failures: int) -> None:
        """Return the message as a new one, so that the broker does not count it towards its delivery limit."""
        try:
            await self._publisher.send_again(received, self._subscription.queue, failures)
        except BrokerUnavailable as error:
            self._gate.close(error)
            await received.give_back()
        else:
            await received.acknowledge()

    async def _park_or_drop(self, received: ReceivedMessage, why: str, reason: str) -> None:
        if self._subscription.park_unknown:
            try:
                await self._publisher.park(received, self._subscription.queue, reason)
            except BrokerUnavailable as error:
                self._gate.close(error)
                await received.give_back()
                return
            log.error("message_parked", queue=self._subscription.queue, reason=reason)
            self._metrics.dead_letters.labels(queue=self._subscription.queue, reason=why).inc()
        await received.acknowledge()

    async def _give_back_later(self, received: ReceivedMessage) -> None:
        await asyncio.sleep(_RETRY_DELAY_SECONDS)
        with suppress(BrokerUnavailable):  # without its channel it is delivered again anyway
            await received.give_back()
