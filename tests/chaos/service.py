"""Starts a service for a chaos run: python -m tests.chaos.service downloader.

It is the real service, with two additions: on SIGUSR1 it writes the numbers of its asyncio tasks to a file, and its
clock can be ahead. Without them the oracle could not count tasks, and only the whole machine's clock could be moved.
"""

import asyncio
import importlib
import os
import signal
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import FrameType

TASKS_FILE = "CHAOS_TASKS_FILE"
CLOCK_AHEAD = "CHAOS_CLOCK_AHEAD_SECONDS"
LAUNCHER = ("-m", "tests.chaos.service")


def main(service: str) -> None:
    entry = importlib.import_module(f"services.{service}.__main__")
    if ahead := float(os.environ.get(CLOCK_AHEAD, "0")):
        _move_clock(ahead)
    signal.signal(signal.SIGUSR1, _write_tasks)
    entry.main()


def _write_tasks(_number: int, _frame: FrameType | None) -> None:
    try:
        tasks = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    except RuntimeError:  # no loop runs yet
        return
    file = Path(os.environ[TASKS_FILE])
    new = file.with_suffix(".new")
    new.write_text("".join(f"{count} {name}\n" for name, count in tasks.most_common()))
    new.replace(file)


def _move_clock(seconds: float) -> None:
    """Move every clock that the service's modules read."""
    real_now, real_time = datetime.now, time.time

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return real_now(tz) + timedelta(seconds=seconds)

    time.time = lambda: real_time() + seconds
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"services", "shared"} and getattr(module, "datetime", None) is datetime:
            module.datetime = Ahead  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1])
