"""Tasks that must last until the process stops, and unrequested cancellations.

aiormq cancels every task that waits for a connection that is lost. Such a CancelledError looks like a request to stop:
`except Exception` does not catch it, and a TaskGroup ignores a task that ends with it. A loop would end
unnoticed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PROGRESS_SECONDS = 5.0
_beat: ContextVar[Callable[[], object] | None] = ContextVar("beat", default=None)


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


async def all_lasting(works: Iterable[tuple[str, Awaitable[None]]], stop: asyncio.Event) -> None:
    """Wait for all `works`, each with its name, as `lasting` does for one. An error of one ends the others."""
    async with asyncio.TaskGroup() as tasks:
        for name, work in works:
            tasks.create_task(lasting(name, work, stop))


@contextmanager
def progress_is(beat: Callable[[], object]) -> Iterator[None]:
    """Inside the block, also in the tasks that it starts, `progress` calls `beat`."""
    token = _beat.set(beat)
    try:
        yield
    finally:
        _beat.reset(token)


def progress() -> None:
    """Report progress of the current work, so that it does not count as hung. Long work calls this after each part."""
    if beat := _beat.get():
        beat()


@contextmanager
def moving() -> Iterator[None]:
    """Report progress while the block waits, for a wait that is long only because other work has to finish."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def tick() -> None:
        nonlocal timer
        progress()
        timer = loop.call_later(_PROGRESS_SECONDS, tick)

    tick()
    try:
        yield
    finally:
        timer.cancel()
