"""Faults of the database, of the way to it, and of what is in it."""

import random
import signal
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from tests.chaos.faults.fault import Database, Fault
from tests.chaos.replica_set import ReplicaSet
from tests.chaos.world import World

UNREADABLE = "01CHAOS"
"""Begins the ids of the records that no version can read."""


async def _kill(world: World, dice: random.Random) -> None:
    world.servers.signal_database(signal.SIGKILL)
    await world.hold(dice.uniform(0, 8))
    await world.servers.restart_database()


async def _pause(world: World, dice: random.Random) -> None:
    world.servers.signal_database(signal.SIGSTOP)
    try:
        await world.hold(dice.uniform(3, 20))
    finally:
        world.servers.signal_database(signal.SIGCONT)


async def _black_hole(world: World, dice: random.Random) -> None:
    proxy = world.servers.database_proxy
    assert proxy
    proxy.hold()
    try:
        await world.hold(dice.uniform(3, 20))
    finally:
        proxy.restore()


async def _abort_connections(world: World, _dice: random.Random) -> None:
    assert world.servers.database_proxy
    world.servers.database_proxy.drop_connections()


async def _step_down(world: World, _dice: random.Random) -> None:
    assert isinstance(world.servers.database, ReplicaSet)
    await world.servers.database.step_down()


async def _kill_primary(world: World, dice: random.Random) -> None:
    assert isinstance(world.servers.database, ReplicaSet)
    await world.servers.database.kill_primary()
    await world.hold(dice.uniform(2, 10))
    await world.servers.database.start()


async def _unreadable_record(world: World, dice: random.Random) -> None:
    async with AsyncMongoClient[dict[str, Any]](world.servers.mongodb_url) as client:
        database: AsyncDatabase[dict[str, Any]] = client.get_default_database()
        known = await database["requests"].find_one({})
        if known is None:
            return
        known["_id"] = f"{UNREADABLE}{dice.randrange(10**9):09d}AAAAAAAAAA"
        known |= {"status": "Pending", "intake_open": True}
        breaks: list[dict[str, Any]] = [
            {"status": "Unknown"},
            {"progress": {"of": "another version"}},
            {"catalogue_format": None},
            {"options": 7},
        ]
        await database["requests"].insert_one(known | dice.choice(breaks))


DATABASE_FAULTS = (
    Fault("kill mongod", _kill, "database"),
    Fault("pause mongod (SIGSTOP)", _pause, "database", at_least=5),
    Fault("black hole before mongod", _black_hole, "database", at_least=5, only=Database.SINGLE),
    Fault("abort all connections to mongod", _abort_connections, "database", weight=2, only=Database.SINGLE),
    Fault("the primary steps down", _step_down, "database", weight=4, only=Database.REPLICA_SET),
    Fault("kill the primary", _kill_primary, "database", at_least=5, weight=2, only=Database.REPLICA_SET),
    Fault("an unreadable record", _unreadable_record, "database", weight=0.5),
)
