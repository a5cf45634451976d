"""Main functions of worker processes that hang at a chosen point."""

import time
from multiprocessing.connection import Connection

_FOR_EVER = 3600.0
_ANSWER = bytes(1_000_000)


def never_ready(_tasks: Connection, _results: Connection) -> None:
    """Hangs before it reports that it is ready."""
    time.sleep(_FOR_EVER)


def answer_half(tasks: Connection, results: Connection) -> None:
    """Hangs after the length and some bytes of its first answer."""
    results.send(None)
    tasks.recv()
    with open(results.fileno(), "wb", buffering=0, closefd=False) as pipe:
        pipe.write(len(_ANSWER).to_bytes(4, "big"))
        pipe.write(_ANSWER[:1000])
        time.sleep(_FOR_EVER)
