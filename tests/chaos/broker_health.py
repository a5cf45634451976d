"""Restarts a broker that has lost processes of its own, as an operator would. See docs/runbook.md.

RabbitMQ 3.10 loses the processes of quorum queues after a long pause of its machine, and its supervisor of dead
letters if a queue is deleted while the node starts; neither starts again before the broker restarts.
"""

import asyncio
import subprocess

from shared.messaging import Queue
from tests.chaos.world import World

_RECHECK_SECONDS = 10.0
_PROCESSES = ["rabbit_fifo_dlx_sup", *(f"'%2F_{name}'" for name in Queue)]
_MISSING = f"[N || N <- [{', '.join(_PROCESSES)}], whereis(N) =:= undefined]."


async def repair_broker(world: World) -> None:
    """Restart the broker if it lacks a process, and still does so a while later."""
    for wait in (0.0, _RECHECK_SECONDS, _RECHECK_SECONDS):
        await asyncio.sleep(wait)
        try:
            missing = (await world.servers.control("eval", _MISSING)).strip()
        except subprocess.SubprocessError:
            missing = "an answer"
        if missing == "[]":
            return
    world.tally.notes.append(f"the broker lacked {' '.join(missing.split())[:200]}, and was restarted")
    await world.servers.restart_broker()
