"""Other programs on the broker: one that watches everything for the oracle, and a third party that misbehaves."""

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.messaging import COMMANDS_EXCHANGE, EVENTS_EXCHANGE, QUEUE_OF

OBSERVED = "chaos-observer"
THIRD_PARTY = "third-party-"
SILENT, FULL, UNCONFIRMED = (f"{THIRD_PARTY}{name}" for name in ("silent", "full", "unconfirmed"))
_KEPT_MESSAGES = 4_000
_ENDED = ("request.completed", "request.failed", "request.cancelled")


@dataclass
class Observer:
    """Receives every public event, and keeps what the oracle needs of it."""

    payloads: dict[str, set[str]] = field(default_factory=dict)
    copies: Counter[str] = field(default_factory=Counter)
    ended: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    compressed: dict[str, str] = field(default_factory=dict)

    async def attach(self, channel: AbstractChannel) -> None:
        await channel.set_qos(200)
        queue = await channel.declare_queue(OBSERVED, durable=True)
        await queue.bind(EVENTS_EXCHANGE, "#")
        await queue.consume(self._take)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self.add(json.loads(message.body))
        await message.ack()

    def add(self, event: dict[str, Any]) -> None:
        self.copies[event["id"]] += 1
        self.payloads.setdefault(event["id"], set()).add(sha256(json.dumps(event).encode()).hexdigest())
        if event["type"] in _ENDED and self.copies[event["id"]] == 1:
            self.ended.setdefault(event["data"]["request_id"], []).append(event)
        if event["type"] == "image.compressed":
            self.compressed[event["id"]] = event["data"]["output_url"]


@dataclass(frozen=True)
class Tapped:
    """A message between the services."""

    queue: str
    type: str | None
    body: bytes


@dataclass
class Tap:
    """Receives every message between the services, and keeps the latest for replays."""

    messages: deque[Tapped] = field(default_factory=lambda: deque(maxlen=_KEPT_MESSAGES))

    async def attach(self, channel: AbstractChannel) -> None:
        await channel.set_qos(500)
        queue = await channel.declare_queue("chaos-tap", durable=True, arguments={"x-max-length": _KEPT_MESSAGES})
        for name in set(QUEUE_OF.values()):
            await queue.bind(COMMANDS_EXCHANGE, routing_key=name)
        await queue.consume(self._take)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        if isinstance(message.type, str) and message.type.isascii():
            self.messages.append(Tapped(message.routing_key or "", message.type, message.body))
        await message.ack()


class ThirdParty:
    """A subscriber that harms others if it can: it never acknowledges, and one of its queues is full."""

    async def attach(self, channel: AbstractChannel) -> None:
        await channel.set_qos(20)
        silent = await channel.declare_queue(SILENT, durable=True, arguments={"x-max-length": 5_000})
        await silent.bind(EVENTS_EXCHANGE, "#")
        await silent.consume(_never_acknowledge)
        full: dict[str, Any] = {"x-max-length": 10, "x-overflow": "reject-publish", "x-queue-type": "quorum"}
        await (await channel.declare_queue(FULL, durable=True, arguments=full)).bind(EVENTS_EXCHANGE, "#")

    async def bind_unconfirmed(self, url: str) -> None:
        """Bind a quorum queue; the caller suspends its process, so that it never confirms."""
        async with await aio_pika.connect(url, timeout=5) as connection, connection.channel() as channel:
            queue = await channel.declare_queue(UNCONFIRMED, durable=True, arguments={"x-queue-type": "quorum"})
            await queue.bind(EVENTS_EXCHANGE, "#")


async def _never_acknowledge(_message: AbstractIncomingMessage) -> None:
    """Like a program whose database is down."""
