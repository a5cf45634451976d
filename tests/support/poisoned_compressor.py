"""The compressor, whose worker processes kill themselves for a picture with `poison` in it.

For a picture with FAULT in it they raise an unexpected exception.

    python -m tests.support.poisoned_compressor

A worker process imports this module like its parent, so it has the replaced `compress` too.
"""

import os
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deploy.local.stack import LocalStack
from services.compressor import serve
from services.compressor.__main__ import main
from services.compressor.compress import Compressed, compress
from tests.support.own_process import own_process

FAULT = b"fault:division by zero:"
"""For a picture's comment: compressing it raises an unexpected exception."""
_POISON = re.compile(rb"poison:(\d+):([^:]+):")


def poison(times: int, counter: Path) -> bytes:
    """Bytes for a picture's comment: the first `times` processes that compress it die. `counter` counts them."""
    return f"poison:{times}:{counter}:".encode()


@asynccontextmanager
async def poisoned_compressor(stack: LocalStack, settings: Mapping[str, str]) -> AsyncIterator[Process]:
    """Runs this compressor in place of the stack's own."""
    await stack.services.stop("compressor")
    variables = {**settings, **stack.joint(), "METRICS_PORT": "0"}
    try:
        async with own_process("-m", __name__, variables=variables) as process:
            yield process
            process.terminate()
            await process.wait()
    finally:
        await stack.services.start("compressor")


def _compress(original: bytes, *arguments: Any, **options: Any) -> Compressed:
    if FAULT in original:
        raise ZeroDivisionError("division by zero")
    if found := _POISON.search(original):
        counter = Path(os.fsdecode(found[2]))
        died = len(counter.read_bytes()) if counter.exists() else 0
        if died < int(found[1]):
            counter.write_bytes(b"x" * (died + 1))
            os.kill(os.getpid(), signal.SIGKILL)  # like the kernel, when memory runs out
    return compress(original, *arguments, **options)


if __name__ in {"__main__", "__mp_main__"}:
    vars(serve)["compress"] = _compress
if __name__ == "__main__":
    main()
