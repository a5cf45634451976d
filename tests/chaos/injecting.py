"""Carries out a schedule of faults."""

import asyncio
import random
from collections.abc import Sequence

from tests.chaos.broker_health import repair_broker
from tests.chaos.faults import BROKER, FAULTS, Fault
from tests.chaos.schedule import Injection
from tests.chaos.world import World

REMOVAL_SECONDS = 120.0


async def inject_all(world: World, injections: Sequence[Injection], seconds: float) -> None:
    """Inject the faults for `seconds`; then set `world.over`, and return when all faults are removed."""
    clock = asyncio.get_running_loop()
    began = clock.time()
    locks = {fault.of: asyncio.Lock() for fault in FAULTS.values()}
    tasks = []
    for injection in injections:
        await asyncio.sleep(max(0, began + injection.at - clock.time()))
        fault = FAULTS[injection.kind]
        work = _inject(world, fault, random.Random(injection.seed), locks[fault.of])
        tasks.append(asyncio.create_task(work, name=fault.name))
    await asyncio.sleep(max(0, began + seconds - clock.time()))
    world.over.set()
    late = (await asyncio.wait(tasks, timeout=REMOVAL_SECONDS))[1] if tasks else set()
    for task in late:
        task.cancel()
        world.tally.failed_injections.append(f"{task.get_name()}: not removed after {REMOVAL_SECONDS:.0f} s")


async def _inject(world: World, fault: Fault, dice: random.Random, lock: asyncio.Lock) -> None:
    async with lock:
        if world.over.is_set():
            return
        world.tally.injected[fault.name] += 1
        try:
            await fault.act(world, dice)
            if fault.of == BROKER:
                await repair_broker(world)
        except Exception as error:  # for example because another fault has stopped the broker
            world.tally.failed_injections.append(f"{fault.name}: {error!r}"[:200])
