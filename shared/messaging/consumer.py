"""Receives the messages of one queue and passes them to workers.

aiormq runs one task per delivery and cancels it when the connection is lost. Here that task only puts the delivery
into an inbox, and `concurrency` worker tasks process it. A lost connection therefore interrupts no handler: the
acknowledgement fails, and the broker delivers the message again, which every handler must accept.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from aiormq.abc import AbstractChannel, ConsumerCallback, DeliveredMessage

from shared.errors import BrokerUnavailable
from shared.long_lived import lasting
from shared.messaging.acknowledgements import Acknowledgements
from shared.messaging.broker import Broker
from shared.messaging.connection import RPC_SECONDS, Connection, open_channel
from shared.messaging.dependency_gate import DependencyGate
from shared.messaging.faults import broker_faults
from shared.messaging.publisher import Publisher
from shared.messaging.received_message import ReceivedMessage
from shared.messaging.sessions import TURN_SECONDS, Activity, QueueWatch, Sessions
from shared.messaging.subscription import Subscription
from shared.messaging.topology import binding_of
from shared.messaging.work import Work
from shared.observability import Health, Metrics

_CANCEL_SECONDS = 5.0
_BEAT_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Consumer:
    """Runs one subscription until it is stopped; then finishes the messages in progress.

    `health` shows "consuming <queue>": whether the consumer is registered, and its channel answers.
    """

    def __init__(
        self,
        subscription: Subscription,
        broker: Broker,
        publisher: Publisher,
        gate: DependencyGate,
        health: Health,
        metrics: Metrics,
    ) -> None:
        self._subscription = subscription
        self._gate = gate
        self._health = health
        self._work = Work(subscription, broker.settings, publisher, gate, metrics)
        self._inbox: asyncio.Queue[ReceivedMessage | None] = asyncio.Queue()
        self._activity = Activity()
        self._stop = asyncio.Event()
        self.name = f"consuming {subscription.queue}"
        self._sessions = Sessions(broker, self.name, health.stall_timeout, gate.close)
        health.set_ready(self.name, False, "starting")

    async def run(self, stop: asyncio.Event, drain_timeout: float) -> None:
        """Consume until `stop` is set; then take nothing new and wait `drain_timeout` seconds for messages in progress.

        A message that is not acknowledged by then returns to its queue when the connection closes.
        """
        self._stop = stop
        count = self._subscription.concurrency
        with self._health.loop(self.name, TURN_SECONDS) as beat:
            async with asyncio.TaskGroup() as tasks:
                workers = [
                    tasks.create_task(lasting(f"a worker of {self.name}", self._take_from_inbox(), stop))
                    for _ in range(count)
                ]

                async def session(connection: Connection) -> None:
                    async with open_channel(connection, publisher_confirms=False) as channel:
                        acknowledgements = Acknowledgements(channel)
                        await self._consume(channel, acknowledgements, beat)
                        await self._drain(workers, drain_timeout, beat)
                        await acknowledgements.flush()

                await self._sessions.keep(session, stop, beat)
                await self._drain(workers, drain_timeout, beat)

    async def _take_from_inbox(self) -> None:
        while (received := await self._inbox.get()) is not None:
            try:
                await self._work.do(received)
            finally:
                self._activity.held -= 1

    async def _consume(
        self, channel: AbstractChannel, acknowledgements: Acknowledgements, beat: Callable[[], None]
    ) -> None:
        async def receive(message: DeliveredMessage) -> None:
            self._activity.received += 1
            self._activity.held += 1
            self._inbox.put_nowait(ReceivedMessage(message, acknowledgements))

        watch = QueueWatch(channel, binding_of(self._subscription.queue), self._sessions, beat, self._activity)
        try:
            while not self._stop.is_set():
                tag = await self._register(channel, receive)
                self._health.set_ready(self.name, True)
                await self._until_stopped_or_held(watch)
                await self._cancel(channel, tag)
                if not self._stop.is_set():
                    await self._give_back_until_open(watch)
        except BrokerUnavailable as fault:
            self._health.set_ready(self.name, False, str(fault))
            raise
        finally:
            self._empty_inbox()  # these deliveries return to the queue

    async def _register(self, channel: AbstractChannel, receive: ConsumerCallback) -> str:
        with broker_faults(f"registering a consumer of {self._subscription.queue}"):
            async with asyncio.timeout(RPC_SECONDS):
                await channel.basic_qos(prefetch_count=self._subscription.concurrency)
                consuming = await channel.basic_consume(self._subscription.queue, receive)
        return consuming.consumer_tag or ""

    async def _cancel(self, channel: AbstractChannel, tag: str) -> None:
        try:
            with broker_faults("ending a consumer"):
                async with asyncio.timeout(_CANCEL_SECONDS):
                    await channel.basic_cancel(tag)
        except BrokerUnavailable as fault:
            if not self._stop.is_set():
                raise
            log.debug("cancel_failed", queue=self._subscription.queue, error=str(fault))  # we stop anyway

    async def _until_stopped_or_held(self, watch: QueueWatch) -> None:
        """Until `stop` is set, or the gate was closed for as long as messages may be held."""
        now = asyncio.get_running_loop().time
        open_at = now()
        while not self._stop.is_set() and now() - open_at < self._subscription.hold:
            await watch.look(self._stop)
            if self._gate.is_admitting:
                open_at = now()

    async def _give_back_until_open(self, watch: QueueWatch) -> None:
        """Return every message that waits for the gate, since the broker limits how long one may be held."""
        self._health.set_ready(self.name, False, "messages were given back: a dependency does not answer")
        log.warning("messages_given_back", queue=self._subscription.queue)
        self._work.gives_back = True
        self._work.release.set()
        try:
            while not (self._stop.is_set() or self._gate.is_admitting):
                await watch.look(self._stop, consuming=False)
        finally:
            self._work.gives_back = False
            self._work.release.clear()

    def _empty_inbox(self) -> None:
        while not self._inbox.empty():
            self._inbox.get_nowait()
            self._activity.held -= 1

    async def _drain(self, workers: Sequence[asyncio.Task[None]], seconds: float, beat: Callable[[], None]) -> None:
        if not self._stop.is_set():
            return
        self._empty_inbox()
        self._work.release.set()
        for _ in workers:
            self._inbox.put_nowait(None)
        now = asyncio.get_running_loop().time
        ends_at, late = now() + seconds, set(workers)
        while late and (left := ends_at - now()) > 0:
            beat()
            _, late = await asyncio.wait(late, timeout=min(left, _BEAT_SECONDS))
        beat()
        if late:
            log.warning("drain_timed_out", queue=self._subscription.queue, messages=len(late))
        for worker in late:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
