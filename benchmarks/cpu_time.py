"""CPU time of all processes of a stack, as the kernel accounts it."""

import os
from contextlib import suppress
from pathlib import Path

from deploy.local.processes import MARKER

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(home: Path) -> dict[str, float]:
    """User and system seconds by program: every process of the stack at `home`, and their ended children."""
    seconds: dict[str, float] = {}
    mark = f"{MARKER}={home}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                name = _program((process / "cmdline").read_bytes())
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                seconds[name] = seconds.get(name, 0.0) + sum(map(int, fields[11:15])) / _TICKS
    return seconds


def _program(command: bytes) -> str:
    """The service's name, "codec" for the compressor's workers, or the server's name."""
    text = command.replace(b"\0", b" ").decode()
    for name in ("gateway", "downloader", "compressor", "aggregator"):
        if f"services.{name}" in text:
            return name
    if "celery" in text:
        return "celery"
    if "waiting_compressor" in text:
        return "compressor"
    if "multiprocessing" in text:
        return "codec"
    return "mongodb" if "mongod" in text else "rabbitmq"
