"""Main functions of worker processes that hang at a chosen point, or start late."""

import socket
import time

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
