"""Carries out a schedule of faults."""

import asyncio
import random
from collections.abc import Sequence

from tests.chaos.broker_health import repair_broker
from tests.chaos.faults import BROKER, FAULTS, Fault
from tests.chaos.schedule import Strike
from tests.chaos.world import World

HEAL_SECONDS = 120.0


async def strike_all(world: World, strikes: Sequence[Strike], seconds: float) -> None:
    """Let the faults strike for `seconds`; then set `world.over`, and return when all faults are removed."""
    clock = asyncio.get_running_loop()
    began = clock.time()
    locks = {fault.of: asyncio.Lock() for fault in FAULTS.values()}
    tasks = []
    for strike in strikes:
        await asyncio.sleep(max(0, began + strike.at - clock.time()))
        fault = FAULTS[strike.kind]
        work = _strike(world, fault, random.Random(strike.seed), locks[fault.of])
        tasks.append(asyncio.create_task(work, name=fault.name))
    await asyncio.sleep(max(0, began + seconds - clock.time()))
    world.over.set()
    late = (await asyncio.wait(tasks, timeout=HEAL_SECONDS))[1] if tasks else set()
    for task in late:
        task.cancel()
        world.tally.failed_strikes.append(f"{task.get_name()}: not healed in {HEAL_SECONDS:.0f} s")


async def _strike(world: World, fault: Fault, dice: random.Random, lock: asyncio.Lock) -> None:
    async with lock:
        if world.over.is_set():
            return
        world.tally.struck[fault.name] += 1
        try:
            await fault.act(world, dice)
            if fault.of == BROKER:
                await repair_broker(world)
        except Exception as error:  # for example because another fault has taken the broker away
            world.tally.failed_strikes.append(f"{fault.name}: {error!r}"[:200])
