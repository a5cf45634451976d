"""Main functions of worker processes that hang at a chosen point, start late, or fail for marked pictures."""

import errno
import os
import socket
import time
from pathlib import Path
from typing import Any

from services.compressor import serve as serving
from services.compressor.compress import Compressed, compress
from services.compressor.frames import parts
from services.compressor.serve import serve

_FOR_EVER = 3600.0


def slow_start(service: socket.socket) -> None:
    """Starts late, then works."""
    time.sleep(1.5)
    serve(service)


def never_ready(_service: socket.socket) -> None:
    """Hangs before it reports that it is ready."""
    time.sleep(_FOR_EVER)


def answer_half(service: socket.socket) -> None:
    """Hangs after the length and some bytes of its first answer."""
    service.sendall(b"".join(parts((None, 0.0))))
    service.recv(1)
    service.sendall(b"".join(parts(None, bytes(1_000_000)))[:1000])
    time.sleep(_FOR_EVER)


def busy_for_ever(service: socket.socket) -> None:
    """Never ends its first task, and uses a processor meanwhile."""
    service.sendall(b"".join(parts((None, time.process_time()))))
    service.recv(1)
    while True:
        pass


FAULTY = b"fails always"
OUT_OF_MEMORY = b"needs too much memory"
NOT_INSTALLED = b"needs a missing library"
FULL_DISK = b"needs a full disk"
FAILS_ONCE = b"fails once:"
"""Followed by the path of a file that is made at the failure, and a colon."""


def fails_for_marked_pictures(service: socket.socket) -> None:
    """Works, but `compress` raises for pictures with one of the marks above in them."""
    vars(serving)["compress"] = _compress
    serve(service)


def _compress(original: bytes, *arguments: Any, **options: Any) -> Compressed:
    if FAULTY in original:
        raise ZeroDivisionError("division by zero")
    if OUT_OF_MEMORY in original:
        raise MemoryError
    if NOT_INSTALLED in original:
        raise ImportError("no such library")
    if FULL_DISK in original:
        raise OSError(errno.ENOSPC, "no space left")
    if FAILS_ONCE in original:
        failed = Path(os.fsdecode(original.split(FAILS_ONCE)[1].split(b":")[0]))
        if not failed.exists():
            failed.touch()
            raise KeyError("state of an earlier picture")
    return compress(original, *arguments, **options)
