"""Faults of the broker and of the way to it."""

import random
import signal

from shared.messaging import Queue
from tests.chaos.amqp import with_channel
from tests.chaos.faults.fault import Fault
from tests.chaos.parties import UNCONFIRMED
from tests.chaos.world import World

BROKER = "broker"
UNCONFIRMED_FAULT = "a subscriber's queue that does not confirm"
_WORK = (Queue.DOWNLOAD, Queue.COMPRESS, Queue.RESULTS, Queue.FINISH, Queue.WEBHOOKS)


async def _kill(world: World, dice: random.Random) -> None:
    world.servers.broker.signal(signal.SIGKILL)
    await world.hold(dice.uniform(0, 5))
    await world.servers.restart_broker()


async def _stop(world: World, dice: random.Random) -> None:
    await world.servers.broker.stop()
    await world.hold(dice.uniform(2, 20))
    await world.servers.restart_broker()


async def _pause(world: World, dice: random.Random) -> None:
    await _pause_for(world, dice.uniform(5, 20))


async def _pause_long(world: World, _dice: random.Random) -> None:
    await _pause_for(world, 62)


async def _pause_for(world: World, seconds: float) -> None:
    world.servers.broker.signal(signal.SIGSTOP)
    try:
        await world.hold(seconds)
    finally:
        world.servers.broker.signal(signal.SIGCONT)


async def _close_connections(world: World, _dice: random.Random) -> None:
    await world.servers.control("close_all_connections", "chaos")


async def _abort_connections(world: World, _dice: random.Random) -> None:
    world.servers.broker_proxy.drop_connections()


async def _alarm(world: World, dice: random.Random) -> None:
    await world.servers.control("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        await world.hold(dice.uniform(3, 15))
    finally:
        await world.servers.control("set_vm_memory_high_watermark", "0.4")


async def _black_hole(world: World, dice: random.Random) -> None:
    await _black_hole_for(world, dice.uniform(5, 25))


async def _black_hole_long(world: World, _dice: random.Random) -> None:
    await _black_hole_for(world, 62)


async def _black_hole_for(world: World, seconds: float) -> None:
    world.servers.broker_proxy.hold()
    try:
        await world.hold(seconds)
    finally:
        world.servers.broker_proxy.restore()


async def _delete_queue(world: World, dice: random.Random) -> None:
    async with with_channel(world.servers.rabbitmq_url) as channel:
        await channel.queue_delete(dice.choice(_WORK))


async def _unconfirmed(world: World, dice: random.Random) -> None:
    await world.third_party.bind_unconfirmed(world.servers.rabbitmq_url)
    await world.servers.control("eval", f"sys:suspend('%2F_{UNCONFIRMED}').")
    try:
        await world.hold(dice.uniform(15, 40))
    finally:
        await world.servers.control("eval", f"sys:resume('%2F_{UNCONFIRMED}').")
        async with with_channel(world.servers.rabbitmq_url) as channel:
            await channel.queue_delete(UNCONFIRMED)


BROKER_FAULTS = (
    Fault("kill the broker", _kill, BROKER),
    Fault("stop the broker", _stop, BROKER, at_least=10),
    Fault("pause the broker (SIGSTOP)", _pause, BROKER, at_least=10),
    Fault("pause the broker for 62 s", _pause_long, BROKER, at_least=62, slow=True, weight=0.5),
    Fault("close all connections to the broker", _close_connections, BROKER, weight=2),
    Fault("abort all connections to the broker", _abort_connections, BROKER, weight=2),
    Fault("memory alarm of the broker", _alarm, BROKER, at_least=8),
    Fault("black hole before the broker", _black_hole, BROKER, at_least=10),
    Fault("black hole before the broker for 62 s", _black_hole_long, BROKER, at_least=62, slow=True, weight=0.5),
    Fault("delete a queue", _delete_queue, BROKER),
    Fault(UNCONFIRMED_FAULT, _unconfirmed, BROKER, at_least=20, slow=True),
)
