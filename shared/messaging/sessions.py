"""Keeps a consumer connected: each session has its own connection; when one ends, the next begins."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiormq.abc import AbstractChannel

from shared.errors import BrokerUnavailable
from shared.first_of import first_of
from shared.long_lived import Stalled
from shared.messaging.broker import Broker
from shared.messaging.connection import RPC_SECONDS, Connection
from shared.messaging.faults import broker_faults
from shared.messaging.topology import Binding

Session = Callable[[Connection], Awaitable[None]]
"""Consumes until the process stops. Raises BrokerUnavailable as soon as it cannot."""

CHECK_SECONDS = 10.0
TURN_SECONDS = 60.0  # connecting, declaring the topology and pinging may take so long while the broker is silent
_FIRST_CHECK_SECONDS = 1.0
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Sessions:
    """The sessions of one consumer.

    A session that cannot be kept up although the broker answers pings raises Stalled after `stall_timeout` seconds.
    """

    def __init__(
        self, broker: Broker, name: str, stall_timeout: float, on_outage: Callable[[BrokerUnavailable], None]
    ) -> None:
        """`on_outage` is called if the broker does not answer a ping either."""
        self._broker = broker
        self._name = name
        self._stall_timeout = stall_timeout
        self._on_outage = on_outage
        self._failing_since: float | None = None
        self._lost = False

    async def keep(self, session: Session, stop: asyncio.Event, beat: Callable[[], None]) -> None:
        """Repeat `session` until `stop` is set."""
        while not stop.is_set():
            beat()
            try:
                async with self._broker.connect(self._name) as connection:
                    beat()
                    await session(connection)
            except BrokerUnavailable as fault:
                beat()
                if stop.is_set():
                    return
                await self._after(fault)
                await first_of(stop, within=_RETRY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 (jitter)

    def proven(self) -> None:
        """The session consumes: the broker answered a question about it."""
        self._failing_since = None
        if self._lost:
            log.info("session_works_again", consumer=self._name)
        self._lost = False

    async def _after(self, fault: BrokerUnavailable) -> None:
        (log.debug if self._lost else log.warning)("session_lost", consumer=self._name, error=str(fault))
        self._lost = True
        try:
            await self._broker.ping()
        except BrokerUnavailable as outage:
            self._failing_since = None
            self._on_outage(outage)
            return
        now = asyncio.get_running_loop().time()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > self._stall_timeout:
            raise Stalled(f"{self._name}: no session for {self._stall_timeout:g} s, though RabbitMQ answers: {fault}")


@dataclass(slots=True)
class Activity:
    """The deliveries of a consumer: how many it received in all, and how many it has not finished."""

    received: int = 0
    held: int = 0


class QueueWatch:
    """Notices that a consumer of a queue has ended, or that its channel is dead; and keeps the queue bound."""

    def __init__(
        self,
        channel: AbstractChannel,
        binding: Binding,
        sessions: Sessions,
        beat: Callable[[], None],
        activity: Activity | None = None,
    ) -> None:
        """`activity` is kept by the consumer; without it, undelivered messages are not noticed."""
        self._channel = channel
        self._binding = binding
        self._queue = binding.queue
        self._sessions = sessions
        self._beat = beat
        self._activity = activity
        self._received = 0
        self._starving = False
        self._ended = asyncio.Event()
        self._check_at = asyncio.get_running_loop().time() + _FIRST_CHECK_SECONDS
        channel.on_consumer_cancel_callbacks.add(lambda _: self._ended.set())
        channel.closing.add_done_callback(lambda _: self._ended.set())

    async def look(self, stop: asyncio.Event, *, consuming: bool = True) -> None:
        """Wait for a moment, or until `stop`. Raises BrokerUnavailable if the consumer is gone."""
        self._beat()
        await first_of(stop, self._ended, within=_LOOK_SECONDS)
        if self._ended.is_set():
            raise BrokerUnavailable(f"RabbitMQ ended the consumer of {self._queue}")
        now = asyncio.get_running_loop().time()
        if now >= self._check_at and not stop.is_set():
            await self._check(consuming)
            self._check_at = now + CHECK_SECONDS

    async def _check(self, consuming: bool) -> None:
        with broker_faults(f"checking the consumer of {self._queue}"):
            async with asyncio.timeout(RPC_SECONDS):
                declared = await self._channel.queue_declare(self._queue, passive=True)
                await self._channel.queue_bind(self._queue, self._binding.exchange, self._binding.routing_key)
        if consuming and not declared.consumer_count:
            raise BrokerUnavailable(f"{self._queue} has no consumer any more")
        self._notice_starvation(waiting=declared.message_count or 0, consuming=consuming)
        self._sessions.proven()

    def _notice_starvation(self, *, waiting: int, consuming: bool) -> None:
        """Messages wait, this consumer has nothing to do, and between two checks it received none.

        If a deleted queue is declared again at once, RabbitMQ 3.10 may keep its consumer without delivering to it.
        """
        if self._activity is None:
            return
        idle = not self._activity.held and self._activity.received == self._received
        starved, self._starving = self._starving, bool(consuming and waiting and idle)
        self._received = self._activity.received
        if starved and self._starving:
            raise BrokerUnavailable(f"RabbitMQ delivers none of {waiting} messages in {self._queue}")
