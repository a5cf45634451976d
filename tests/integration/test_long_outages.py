"""A gate that stays closed for longer than RabbitMQ waits for an answer: messages are given back in time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.local.ports import Ports, on_free_ports
from deploy.local.processes import end_leftovers
from deploy.local.rabbitmq import PORTS, RabbitMQ
from shared.contracts.messages import Message
from shared.errors import StorageUnavailable
from shared.messaging import Outgoing, Queue, list_dead
from tests.support.messaging_runtime import is_waiting, open_runtime, waiting_in
from tests.support.recorder import COMMANDS, Recorder, are_all, downloads
from tests.support.waiting import until

ANSWER_WITHIN = 4.0  # RabbitMQ's default is half an hour
HOLD = 1.0
OUTAGE = 8.0


class ImpatientBroker(RabbitMQ):
    """It closes the channel of a consumer that does not answer a message in time."""

    def _environment(self) -> Mapping[str, str]:
        environment = dict(super()._environment())
        limits = {"consumer_timeout": ANSWER_WITHIN * 1000, "channel_tick_interval": 500}
        for name, milliseconds in limits.items():
            environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] += f" -rabbit {name} {milliseconds:.0f}"
        return environment


@pytest.fixture
async def impatient_broker(tmp_path: Path) -> AsyncIterator[str]:
    ports = Ports(tmp_path / "ports.json")
    broker = ImpatientBroker(tmp_path, ports)
    await on_free_ports(ports, PORTS, broker.start, broker.stop)
    try:
        yield broker.url
    finally:
        await broker.stop()
        await end_leftovers(tmp_path, within=15)


@dataclass
class Store(Recorder):
    """A dependency that is away until `available`, and a handler that needs it."""

    available: bool = False

    async def ping(self) -> None:
        if not self.available:
            raise StorageUnavailable("away")

    async def __call__(self, message: Message) -> Sequence[Outgoing]:
        self.seen.append(message)
        await self.ping()
        self.handled.append(message)
        return []


@pytest.mark.slow
async def test_messages_behind_a_closed_gate_are_given_back_before_the_broker_takes_them(
    impatient_broker: str,
) -> None:
    store, suspects = Store(), Recorder()
    subscription = replace(
        downloads(store),
        retry_for=0.1,
        hold=HOLD,
        on_suspect=suspects,
        suspect_after=1,
    )
    async with (
        open_runtime(impatient_broker, {"storage": store.ping}, dead_letter_after=2) as runtime,
        runtime.consuming(subscription),
    ):
        await runtime.publisher.publish(COMMANDS)
        await until(lambda: not runtime.gate.is_open)
        await until(lambda: is_waiting(impatient_broker, Queue.DOWNLOAD, len(COMMANDS)), what="all messages are back")
        assert f"consuming {Queue.DOWNLOAD}" in runtime.health.problems
        calls = len(store.seen)
        await asyncio.sleep(OUTAGE)
        assert len(store.seen) == calls, "nothing is tried while the gate is closed"
        store.available = True
        await until(lambda: are_all(store.handled), within=40, what="every message")
        await until(lambda: runtime.health.ready)
        await until(lambda: is_waiting(impatient_broker, Queue.DOWNLOAD, 0))
    assert len(store.handled) == len(COMMANDS)
    assert suspects.handled == [], "a message that was given back in order has not been lost"
    assert await list_dead(impatient_broker) == []
    assert await waiting_in(impatient_broker, Queue.LOST) == 0
