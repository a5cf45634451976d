"""What a process uses: resident memory, asyncio tasks, file descriptors."""

import asyncio
import re
import signal
from contextlib import suppress
from pathlib import Path

from tests.chaos.copies import Copies, signal_quietly

_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.05
_RSS = re.compile(r"VmRSS:\s+(\d+) kB")


async def measure(copies: Copies) -> dict[str, dict[str, int]]:
    """By copy. A figure that cannot be read is left out."""
    figures = await asyncio.gather(*(_of(copies, copy) for copy in copies.names))
    return dict(zip(copies.names, figures, strict=True))


async def _of(copies: Copies, copy: str) -> dict[str, int]:
    pid = copies.pid(copy)
    if pid is None:
        return {}
    found: dict[str, int] = {}
    with suppress(OSError):
        if match := _RSS.search(Path(f"/proc/{pid}/status").read_text()):
            found["memory"] = int(match[1]) * 1024
        found["descriptors"] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    if (tasks := await _tasks(copies.tasks_file(copy), pid)) is not None:
        found["tasks"] = tasks
    return found


async def _tasks(file: Path, pid: int) -> int | None:
    file.unlink(missing_ok=True)
    signal_quietly(pid, signal.SIGUSR1)
    with suppress(TimeoutError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            while not file.exists():
                await asyncio.sleep(_POLL_SECONDS)
            return sum(int(line.split()[0]) for line in file.read_text().splitlines())
    return None
