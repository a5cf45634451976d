"""Tasks that must last until the process stops, and unrequested cancellations.

aiormq cancels every task that waits for a connection that dies. Such a CancelledError looks like a request to stop:
`except Exception` does not catch it, and a TaskGroup ignores a task that ends with it. A loop would end without a
trace.
"""

import asyncio
from collections.abc import Awaitable


class EndedUnasked(Exception):
    """A task that must last ended although the process was not asked to stop."""


class Stalled(Exception):
    """The process cannot work although its dependencies answer. Only a new process may help."""


def is_asked_to_stop() -> bool:
    """Whether a caller cancelled the current task. If not, a CancelledError came from inside a library."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def lasting(name: str, work: Awaitable[None], stop: asyncio.Event) -> None:
    """Wait for `work`, which may end only after `stop` was set. Raises EndedUnasked if it ends before."""
    try:
        await work
    except asyncio.CancelledError as error:
        if is_asked_to_stop():
            raise
        raise EndedUnasked(f"{name} was cancelled by a library") from error
    if not stop.is_set():
        raise EndedUnasked(f"{name} ended before the process was asked to stop")
