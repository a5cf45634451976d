"""Faults of the object store."""

import random

from tests.chaos.faults.fault import Fault
from tests.chaos.world import World


async def _remove(world: World, dice: random.Random) -> None:
    world.store.take_away()
    try:
        await world.hold(dice.uniform(2, 25))
    finally:
        world.store.bring_back()


async def _fill(world: World, dice: random.Random) -> None:
    if not world.store.has_own_disk:
        return
    world.store.fill()
    try:
        await world.hold(dice.uniform(3, 20))
    finally:
        world.store.empty()


async def _remove_originals(world: World, dice: random.Random) -> None:
    world.tally.originals_removed += world.store.remove_some("originals", 0.5, dice)


STORE_FAULTS = (
    Fault("remove the store", _remove, "store", at_least=5),
    Fault("fill the store's disk", _fill, "store", at_least=5),
    Fault("remove originals", _remove_originals, "originals", weight=2),
)
