"""Exchanges and queues as data, and the one step that declares them.

The rules hold on RabbitMQ 3.10 as well as on 4.x: durable quorum queues, an explicit delivery limit (its default
differs), dead-lettering with confirms (`at-least-once` wants `reject-publish`). Every service declares the same
topology when it connects; declaring what exists changes nothing.
"""

from enum import StrEnum

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange

from shared.contracts.messages import MAX_PROBE_SECONDS

COMMANDS_EXCHANGE = "imagemill.commands"
EVENTS_EXCHANGE = "imagemill.events"
DEAD_EXCHANGE = "imagemill.dead"

_NO_LIMIT = 1_000_000
"""Deliveries of a parked message; RabbitMQ 4 has a limit of 20 unless one is given, and 3.10 knows no negative one."""
_PROBE_DELIVERIES = 2
_PROBES_WAITING = 1_000


class Queue(StrEnum):
    DOWNLOAD = "imagemill.download"
    COMPRESS = "imagemill.compress"
    RESULTS = "imagemill.results"
    FINISH = "imagemill.finish"
    WEBHOOKS = "imagemill.webhooks"
    PROBE = "imagemill.probe"  # commands that are worthless once nobody waits for the answer
    DEAD = "imagemill.dead"  # for people: what could not be read or was delivered in vain too often
    LOST = "imagemill.lost"  # the same messages, for the aggregator: a dead command must not strand its image


WORK_QUEUES = (Queue.DOWNLOAD, Queue.COMPRESS, Queue.RESULTS, Queue.FINISH, Queue.WEBHOOKS)


async def declare_topology(channel: AbstractChannel, dead_letter_after: int) -> None:
    """Declare all exchanges and queues; `dead_letter_after` is the delivery limit of the work queues."""
    commands = await channel.declare_exchange(COMMANDS_EXCHANGE, ExchangeType.DIRECT, durable=True)
    await channel.declare_exchange(EVENTS_EXCHANGE, ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(DEAD_EXCHANGE, ExchangeType.FANOUT, durable=True)
    for name in (Queue.DEAD, Queue.LOST):
        parking = await channel.declare_queue(
            name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": _NO_LIMIT}
        )
        await parking.bind(dead)
    for name in WORK_QUEUES:
        work = await channel.declare_queue(
            name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": dead_letter_after,
                "x-dead-letter-exchange": DEAD_EXCHANGE,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
        )
        await work.bind(commands, routing_key=name)
    await _declare_probes(channel, commands)


async def _declare_probes(channel: AbstractChannel, commands: AbstractExchange) -> None:
    """Nothing of it is dead-lettered: what nobody took in time has told its sender so by its silence."""
    probes = await channel.declare_queue(
        Queue.PROBE,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": _PROBE_DELIVERIES,
            "x-message-ttl": MAX_PROBE_SECONDS * 1000,
            "x-max-length": _PROBES_WAITING,
            "x-overflow": "drop-head",  # the oldest is the one least waited for
        },
    )
    await probes.bind(commands, routing_key=Queue.PROBE)
