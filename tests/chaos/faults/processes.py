"""Faults of our own processes: killed, stopped, paused, with a wrong clock; and of the encoder processes."""

import random
import signal

from deploy.local.services import NAMES
from tests.chaos.copies import COPIES, encoders, signal_quietly
from tests.chaos.faults.fault import Fault
from tests.chaos.world import World

_LONGEST_PAUSE = 62.0
_CLOCK_AHEAD = 1_200.0


async def _kill_one(world: World, dice: random.Random) -> None:
    copy = dice.choice(world.copies.names)
    await world.copies.kill(copy)
    await world.hold(dice.uniform(0, 4))
    world.copies.release(copy)


async def _kill_both(world: World, dice: random.Random) -> None:
    both = _both(dice.choice(NAMES))
    for copy in both:
        await world.copies.kill(copy)
    await world.hold(dice.uniform(0, 6))
    for copy in both:
        world.copies.release(copy)


async def _terminate(world: World, dice: random.Random) -> None:
    copy = dice.choice(world.copies.names)
    await world.copies.stop(copy)
    world.copies.release(copy)


async def _pause(world: World, dice: random.Random) -> None:
    await _pause_for(world, dice.choice(world.copies.names), dice.uniform(3, 30))


async def _pause_long(world: World, dice: random.Random) -> None:
    await _pause_for(world, dice.choice(world.copies.names), _LONGEST_PAUSE)


async def _pause_for(world: World, copy: str, seconds: float) -> None:
    pid = world.copies.pid(copy)
    if pid is None:
        return
    signal_quietly(pid, signal.SIGSTOP)
    try:
        await world.hold(seconds)
    finally:
        signal_quietly(pid, signal.SIGCONT)


async def _kill_encoders(world: World, _dice: random.Random) -> None:
    for copy in _both("compressor"):
        for pid in _encoders_of(world, copy):
            signal_quietly(pid, signal.SIGKILL)


async def _pause_encoder(world: World, dice: random.Random) -> None:
    pids = _encoders_of(world, dice.choice(_both("compressor")))
    chosen = dice.sample(pids, min(1, len(pids)))
    for pid in chosen:
        signal_quietly(pid, signal.SIGSTOP)
    try:
        await world.hold(dice.uniform(2, 15))
    finally:
        for pid in chosen:
            signal_quietly(pid, signal.SIGCONT)


async def _clock_ahead(world: World, dice: random.Random) -> None:
    copy = dice.choice(_both("downloader"))
    await world.copies.replace(copy, _CLOCK_AHEAD)
    try:
        await world.hold(dice.uniform(10, 25))
    finally:
        await world.copies.replace(copy, 0)


def _both(service: str) -> list[str]:
    return [f"{service}-{index}" for index in range(COPIES)]


def _encoders_of(world: World, copy: str) -> list[int]:
    pid = world.copies.pid(copy)
    return [] if pid is None else encoders(pid)


PROCESS_FAULTS = (
    Fault("kill one copy", _kill_one, "copies", weight=3),
    Fault("kill both copies", _kill_both, "copies", weight=2),
    Fault("stop one copy (SIGTERM)", _terminate, "copies", weight=2),
    Fault("pause one copy (SIGSTOP)", _pause, "paused copy", at_least=5),
    Fault("pause one copy for 62 s", _pause_long, "paused copy", at_least=_LONGEST_PAUSE, slow=True),
    Fault("kill the encoder processes", _kill_encoders, "encoders", weight=2),
    Fault("pause an encoder process", _pause_encoder, "encoders", at_least=3),
    Fault("clock of a downloader 20 minutes ahead", _clock_ahead, "copies", at_least=20, slow=True),
)
