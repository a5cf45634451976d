"""`make clean`: removes the stack's data and processes."""

import asyncio
import shutil
from contextlib import ExitStack

from deploy.local.processes import end_leftovers
from deploy.local.run import HOME
from deploy.local.supervisor import lock

LEFTOVER_SECONDS = 15


def remove() -> int:
    """Remove .local and everything in it.

    Raises:
        InUse: a stack is running in it.
    """
    if not HOME.exists():
        return 0
    with ExitStack() as held:
        for home in (HOME, *(ports.parent for ports in HOME.glob("*/ports.json"))):
            held.enter_context(lock(home))
            asyncio.run(end_leftovers(home.resolve(), LEFTOVER_SECONDS))
        shutil.rmtree(HOME)
    return 0
