"""Broadcasts over a real broker: every worker drops the commands of a cancelled round, also after a reconnect."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from shared.contracts.messages import DropRounds, RoundToDrop
from shared.messaging import Broadcast, DroppedRounds, Publish, Queue
from tests.support.messaging_runtime import Runtime, is_waiting, open_broker_proxy, open_runtime
from tests.support.recorder import COMMANDS, Recorder, downloads
from tests.support.waiting import until

CANCELLED = COMMANDS[0].request_id
OTHERS = [command.model_copy(update={"request_id": "another"}) for command in COMMANDS]


@dataclass
class Listener:
    runtime: Runtime
    cancelled: DroppedRounds


@asynccontextmanager
async def a_listener(url: str) -> AsyncIterator[Listener]:
    stop, cancelled = asyncio.Event(), DroppedRounds()
    async with open_runtime(url) as runtime, asyncio.TaskGroup() as tasks:
        tasks.create_task(cancelled.receive(runtime.broker, runtime.health, stop))
        yield Listener(runtime, cancelled)
        stop.set()


def drop(round_: int = 1) -> Broadcast:
    return Broadcast(DropRounds(rounds=(RoundToDrop(request_id=CANCELLED, round=round_, seconds=60),)))


def is_known(publish: Publish, *listeners: Listener, round_: int = 1) -> Callable[[], Awaitable[bool]]:
    """Broadcasts, as the sweep does repeatedly, and returns whether all listeners know the round."""

    async def all_know() -> bool:
        await publish([drop(round_)])
        return all((CANCELLED, round_) in listener.cancelled for listener in listeners)

    return all_know


async def test_every_process_drops_queued_commands_of_a_cancelled_round_and_no_others(rabbitmq_url: str) -> None:
    async with a_listener(rabbitmq_url) as one, a_listener(rabbitmq_url) as other:
        publish = one.runtime.publisher.publish
        await until(is_known(publish, one, other), what="every process knows the round")
        await publish([*COMMANDS, *OTHERS])
        recorder = Recorder()
        subscription = replace(downloads(recorder), handle=other.cancelled.dropping(recorder))
        async with other.runtime.consuming(subscription):
            await until(lambda: is_waiting(rabbitmq_url, Queue.DOWNLOAD, 0), what="empty queue")
            await until(lambda: len(recorder.handled) == len(OTHERS), what="the others are handled")
        assert all(message in OTHERS for message in recorder.handled)


async def test_a_broadcast_without_listeners_is_dropped(rabbitmq_url: str) -> None:
    async with open_runtime(rabbitmq_url) as runtime:
        await runtime.publisher.publish([drop()])


async def test_after_a_lost_connection_a_repeated_broadcast_arrives(rabbitmq_url: str) -> None:
    async with (
        open_broker_proxy(rabbitmq_url) as (proxy, url),
        a_listener(url) as listener,
        open_runtime(rabbitmq_url) as gateway,
    ):
        publish = gateway.publisher.publish
        await until(is_known(publish, listener), what="the process knows the round")
        proxy.cut()
        await publish([drop(round_=2)])
        proxy.restore()
        await until(is_known(publish, listener, round_=2), what="the process knows the next round")
