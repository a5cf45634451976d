"""The compressor with a codec that waits instead of computing. It composes the service's own parts.

    python -m benchmarks.scale.waiting_compressor

`CODEC_SECONDS`: how long each image takes in one of the service's processes (COMPRESS_PROCESSES), which are only
counted here.
"""

import asyncio
import os
from typing import Any, Self

from services.compressor import app
from services.compressor.__main__ import main
from services.compressor.compress import Compressed


class WaitingCodec:
    """In place of the pool of worker processes: as many slots, in each of which an image waits."""

    def __init__(self, processes: int, *_: Any, **__: Any) -> None:
        self._slots = asyncio.Semaphore(processes)
        self._seconds = float(os.environ["CODEC_SECONDS"])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """There is nothing to end."""

    async def compress(self, original: bytes, *_: Any, **__: Any) -> tuple[Compressed, float]:
        """The first half of the original, after the wait."""
        async with self._slots:
            await asyncio.sleep(self._seconds)
        return _half_of(original), self._seconds

    async def ping(self) -> None:
        """It is always there."""


def _half_of(original: bytes) -> Compressed:
    return Compressed(
        data=original[: len(original) // 2],
        action="compressed",
        format="jpeg",
        content_type="image/jpeg",
        extension="jpg",
        width=160,
        height=120,
        original_width=160,
        original_height=120,
        quality=50,
        target_met=True,
        encodes=1,
    )


if __name__ == "__main__":
    vars(app)["CpuPool"] = WaitingCodec
    main()
