"""Messages that no service sends: late copies, and invalid ones."""

import random

import aio_pika

from shared.messaging import COMMANDS_EXCHANGE, Queue
from tests.chaos.amqp import Raw, with_channel
from tests.chaos.faults.fault import Fault
from tests.chaos.world import INVALID, World

_REPLAYED = 300
_COUNT = 5
_TYPES = ("ImageCompressed", "ImageFailed", "ImageDeferred", "DownloadImage", "CompressImage", "FinishRequest")
_QUEUES = (Queue.DOWNLOAD, Queue.COMPRESS, Queue.RESULTS, Queue.FINISH, Queue.WEBHOOKS)


async def _replay(world: World, dice: random.Random) -> None:
    seen = list(world.tap.messages)
    chosen = dice.sample(seen, min(_REPLAYED, len(seen)))
    async with with_channel(world.servers.rabbitmq_url) as channel:
        exchange = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        for message in chosen:
            copy = aio_pika.Message(message.body, type=message.type, delivery_mode=2, content_type="application/json")
            await exchange.publish(copy, message.queue, mandatory=False)
            world.tally.replayed += 1


async def _invalid_bodies(world: World, dice: random.Random) -> None:
    await _publish_invalid(world, dice, [_body(dice) for _ in range(_COUNT)])


async def _invalid_properties(world: World, dice: random.Random) -> None:
    raw = Raw("type")
    await _publish_invalid(
        world,
        dice,
        [
            aio_pika.Message(INVALID, type=raw, delivery_mode=2),
            aio_pika.Message(INVALID, type="ImageFailed", content_type=Raw("json"), delivery_mode=2),
            aio_pika.Message(INVALID, type="ImageFailed", correlation_id=Raw("id"), message_id=raw, delivery_mode=2),
        ],
    )


def _body(dice: random.Random) -> aio_pika.Message:
    kind = dice.choice(_TYPES)
    body = dice.choice(
        [
            INVALID,
            b'{"request_id": "' + INVALID + b'"}',
            b"\xff\xfe" + INVALID + dice.randbytes(50),
            b'{"note": "' + INVALID + b'", "round": 99999999999999999999999}',
            b"[" * 2_000 + INVALID,
        ]
    )
    return aio_pika.Message(body, type=kind, delivery_mode=2, content_type="application/json")


async def _publish_invalid(world: World, dice: random.Random, messages: list[aio_pika.Message]) -> None:
    async with with_channel(world.servers.rabbitmq_url) as channel:
        exchange = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        for message in messages:
            await exchange.publish(message, dice.choice(_QUEUES), mandatory=False)
            world.tally.invalid += 1


MESSAGE_FAULTS = (
    Fault("replay 300 messages", _replay, "messages", weight=3),
    Fault("invalid data in bodies", _invalid_bodies, "messages"),
    Fault("invalid data in AMQP properties", _invalid_properties, "messages"),
)
