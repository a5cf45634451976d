"""A connection to the broker that falls silent, at every await: all goes on when it is over, and nothing is lost.

aiormq gives such a connection up after three heartbeats and cancels every task that waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.gateway.probe import probe_replies
from shared.contracts.messages import DeliverWebhook, FetchBounds, FinishRequest, ImagesProbed, Message
from shared.errors import BrokerUnavailable
from shared.messaging import Queue, Replies, Reply, Subscription, list_dead
from tests.support.messaging_runtime import Runtime, is_waiting, open_broker_proxy, open_runtime, waiting_in
from tests.support.recorder import COMMANDS, FOLLOW_UP, Recorder, are_all, downloads
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

BOUNDS = FetchBounds(at_once=10, per_host=2)
HEARTBEAT = 1
SILENCE = 7.0  # seconds: more than three heartbeats
RECOVERY = 40.0
FINISHES = [FinishRequest(request_id=f"request-{number}", round=1) for number in range(4)]
DELIVERIES = [DeliverWebhook(delivery_id=f"delivery-{number}") for number in range(4)]


@dataclass
class Process:
    """A runtime in which everything that waits for the broker waits: consumers, a publisher, a gate, replies."""

    runtime: Runtime
    proxy: TcpProxy
    replies: Replies[ImagesProbed]
    answering: Recorder = field(default_factory=lambda: Recorder(answer=[FOLLOW_UP], hold=asyncio.Event()))
    acknowledging: Recorder = field(default_factory=lambda: Recorder(hold=asyncio.Event()))
    idle: Recorder = field(default_factory=Recorder)

    def subscriptions(self) -> list[Subscription]:
        return [
            downloads(self.answering),
            Subscription(Queue.FINISH, (FinishRequest,), self.acknowledging, len(FINISHES)),
            Subscription(Queue.WEBHOOKS, (DeliverWebhook,), self.idle, 1),
        ]

    def release(self) -> None:
        """Every handler ends: four wait for a confirm, four acknowledge."""
        for recorder in (self.answering, self.acknowledging):
            assert recorder.hold is not None
            recorder.hold.set()

    async def publish(self, message: Message) -> bool:
        try:
            await self.runtime.publisher.publish([message])
        except BrokerUnavailable:
            return False
        return True

    async def receives_replies(self) -> bool:
        try:
            to = self.replies.queue
        except BrokerUnavailable:
            return False
        with self.replies.inbox("probe") as inbox:
            await self.runtime.publisher.publish([Reply(to, ImagesProbed(probe_id="probe", images=(), bounds=BOUNDS))])
            try:
                async with asyncio.timeout(1):
                    return await inbox.get() is not None
            except TimeoutError:
                return False


@asynccontextmanager
async def a_process(url: str) -> AsyncIterator[Process]:
    stop = asyncio.Event()
    async with (
        open_broker_proxy(url) as (proxy, proxied_url),
        open_runtime(proxied_url, publish_timeout=2, heartbeat=HEARTBEAT) as runtime,
        asyncio.TaskGroup() as tasks,
    ):
        process = Process(runtime, proxy, probe_replies())
        tasks.create_task(process.replies.receive(runtime.broker, runtime.health, stop))
        async with runtime.consuming(*process.subscriptions()):
            await until(process.receives_replies)
            yield process
            stop.set()


async def _restores(proxy: TcpProxy) -> None:
    """The held connections come back, too late."""
    proxy.hold()
    await asyncio.sleep(SILENCE)
    proxy.restore()


async def _strands(proxy: TcpProxy) -> None:
    """The held connections never come back; new ones work at once."""
    proxy.strand()


async def _reconnects_in_silence(proxy: TcpProxy) -> None:
    """The connections are lost, and those that are opened instead are silent while the topology is declared."""
    accepted = proxy.accepted
    proxy.drop_connections()
    await until(lambda: proxy.accepted > accepted + 2)
    await _restores(proxy)


SLOW = [pytest.param(silence, marks=pytest.mark.slow) for silence in (_strands, _reconnects_in_silence)]


@pytest.mark.parametrize("silence", [_restores, *SLOW])
async def test_everything_goes_on_after_the_broker_was_silent(
    rabbitmq_url: str, silence: Callable[[TcpProxy], asyncio.Future[None]]
) -> None:
    async with a_process(rabbitmq_url) as process:
        runtime = process.runtime
        await runtime.publisher.publish([*COMMANDS, *FINISHES])
        await until(lambda: len(process.answering.seen) == 4)
        await until(lambda: len(process.acknowledging.seen) == len(FINISHES))

        ending = asyncio.ensure_future(silence(process.proxy))
        await asyncio.sleep(0.1)
        process.release()
        runtime.gate.close(BrokerUnavailable("as a publisher noticed"))  # so that a gate pings meanwhile
        await until(lambda: process.publish(DELIVERIES[0]), within=RECOVERY, what="publishing")
        await ending

        await until(lambda: runtime.health.ready, within=RECOVERY, what=lambda: f"ready: {runtime.health.problems}")
        await until(lambda: process.publish(DELIVERIES[1]), within=RECOVERY, what="publishing again")
        await until(lambda: DELIVERIES[1] in process.idle.handled, what="the idle consumer")
        await until(lambda: are_all(process.answering.handled), what="every message")
        await until(process.receives_replies, what="replies")
        for queue in (Queue.DOWNLOAD, Queue.FINISH, Queue.WEBHOOKS):
            await until(lambda queue=queue: is_waiting(rabbitmq_url, queue, 0), what=queue)  # type: ignore[misc]
    assert await waiting_in(rabbitmq_url, Queue.COMPRESS) >= len(COMMANDS)
    assert [await waiting_in(rabbitmq_url, queue) for queue in (Queue.DOWNLOAD, Queue.FINISH, Queue.WEBHOOKS)] == [
        0
    ] * 3
    assert await list_dead(rabbitmq_url) == []


async def test_a_silent_connection_makes_its_consumer_unready_before_the_heartbeat_ends_it(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("CHECK_SECONDS", "RPC_SECONDS"):
        monkeypatch.setattr(f"shared.messaging.sessions.{limit}", 1)
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, url),
        open_runtime(url, heartbeat=300) as runtime,
        runtime.consuming(downloads(Recorder())),
    ):
        proxy.strand()
        name = f"consuming {Queue.DOWNLOAD}"
        await until(lambda: name in runtime.health.problems, what="unready")
        await until(lambda: runtime.health.ready, what="ready over a new connection")
