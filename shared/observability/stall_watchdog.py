"""Ends a process that stalls, so that its supervisor starts a new one."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from shared.observability.health import Health

EXIT_STATUS = 1
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 5.0

log = structlog.get_logger(__name__)


@contextmanager
def watchdog(health: Health) -> Iterator[None]:
    """End the process with a last log line if a loop, or the event loop itself, makes no progress for `stall_timeout`.

    It watches from a thread: a blocked event loop cannot watch itself, and a process that hangs cannot shut down.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(health, ended), name="watchdog", daemon=True)
    with health.loop("the event loop") as beat, _ticking(beat):
        thread.start()
        try:
            yield
        finally:
            ended.set()


@contextmanager
def _ticking(beat: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handle: asyncio.TimerHandle

    def tick() -> None:
        nonlocal handle
        beat()
        handle = loop.call_later(_LOOK_SECONDS, tick)

    tick()
    try:
        yield
    finally:
        handle.cancel()


def _watch(health: Health, ended: threading.Event) -> None:
    looked_at = time.monotonic()
    while not ended.wait(_LOOK_SECONDS):
        slept, looked_at = time.monotonic() - looked_at, time.monotonic()
        if slept > _PAUSE_SECONDS:  # this thread did not run either: the process was paused
            health.forgive_silence()
        elif silent := health.silent_loops(health.stall_timeout):
            loops = {name: round(seconds) for name, seconds in silent.items()}
            log.critical("process_stalled", silent_seconds=loops)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(EXIT_STATUS)
