"""Messages that nobody should send: late copies, and rubbish."""

import random

import aio_pika

from shared.messaging import COMMANDS_EXCHANGE, Queue
from tests.chaos.amqp import Raw, with_channel
from tests.chaos.faults.fault import Fault
from tests.chaos.world import RUBBISH, World

_REPLAYED = 300
_RUBBISH = 5
_TYPES = ("ImageCompressed", "ImageFailed", "ImageDeferred", "DownloadImage", "CompressImage", "FinishRequest")
_QUEUES = (Queue.DOWNLOAD, Queue.COMPRESS, Queue.RESULTS, Queue.FINISH, Queue.WEBHOOKS)


async def _replay(world: World, dice: random.Random) -> None:
    heard = list(world.tap.heard)
    chosen = dice.sample(heard, min(_REPLAYED, len(heard)))
    async with with_channel(world.servers.rabbitmq_url) as channel:
        exchange = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        for message in chosen:
            copy = aio_pika.Message(message.body, type=message.type, delivery_mode=2, content_type="application/json")
            await exchange.publish(copy, message.queue, mandatory=False)
            world.tally.replayed += 1


async def _rubbish_bodies(world: World, dice: random.Random) -> None:
    await _publish_rubbish(world, dice, [_body(dice) for _ in range(_RUBBISH)])


async def _rubbish_properties(world: World, dice: random.Random) -> None:
    raw = Raw("type")
    await _publish_rubbish(
        world,
        dice,
        [
            aio_pika.Message(RUBBISH, type=raw, delivery_mode=2),
            aio_pika.Message(RUBBISH, type="ImageFailed", content_type=Raw("json"), delivery_mode=2),
            aio_pika.Message(RUBBISH, type="ImageFailed", correlation_id=Raw("id"), message_id=raw, delivery_mode=2),
        ],
    )


def _body(dice: random.Random) -> aio_pika.Message:
    kind = dice.choice(_TYPES)
    body = dice.choice(
        [
            RUBBISH,
            b'{"request_id": "' + RUBBISH + b'"}',
            b"\xff\xfe" + RUBBISH + dice.randbytes(50),
            b'{"note": "' + RUBBISH + b'", "round": 99999999999999999999999}',
            b"[" * 2_000 + RUBBISH,
        ]
    )
    return aio_pika.Message(body, type=kind, delivery_mode=2, content_type="application/json")


async def _publish_rubbish(world: World, dice: random.Random, messages: list[aio_pika.Message]) -> None:
    async with with_channel(world.servers.rabbitmq_url) as channel:
        exchange = await channel.get_exchange(COMMANDS_EXCHANGE, ensure=False)
        for message in messages:
            await exchange.publish(message, dice.choice(_QUEUES), mandatory=False)
            world.tally.rubbish += 1


MESSAGE_FAULTS = (
    Fault("replay 300 messages", _replay, "messages", weight=3),
    Fault("rubbish in bodies", _rubbish_bodies, "messages"),
    Fault("rubbish in AMQP properties", _rubbish_properties, "messages"),
)
