"""Collects the bytes of one download, in memory up to a limit, then in a temporary file."""

import asyncio
import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from services.downloader.picture_end import TAIL_BYTES
from shared.file_types import HEAD_BYTES
from shared.workspace import disk_faults

MEMORY_BYTES = 1024 * 1024


class Spool:
    """Collects pieces into one body with its size and SHA-256. As a context manager it deletes its file at the end.

    head, tail: the first bytes, at most `HEAD_BYTES`, and the last ones, at most `TAIL_BYTES`.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self.size = 0
        self.head = self.tail = b""
        self._memory_bytes = memory_bytes
        self._digest = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._in_memory = 0
        self._file: IO[bytes] | None = None

    async def write(self, piece: bytes) -> None:
        """Append. Raises DiskUnavailable if the temporary file cannot be written."""
        self.size += len(piece)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
        self.tail = (piece if len(piece) >= TAIL_BYTES else self.tail + piece)[-TAIL_BYTES:]
        self._digest.update(piece)
        self._pieces.append(piece)
        self._in_memory += len(piece)
        if self._in_memory > self._memory_bytes:
            await self._flush()

    async def finish(self) -> bytes | Path:
        """Everything written: the bytes, or the path of the file with them."""
        if self._file is None:
            return b"".join(self._pieces)
        await self._flush()
        return Path(self._file.name)

    @property
    def sha256(self) -> str:
        """The digest of everything written so far, in hex."""
        return self._digest.hexdigest()

    async def _flush(self) -> None:
        data = b"".join(self._pieces)
        self._pieces, self._in_memory = [], 0
        with disk_faults():
            await asyncio.to_thread(self._append, data)

    def _append(self, data: bytes) -> None:
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(prefix="download-")  # noqa: SIM115 (closed on exit)
        self._file.write(data)
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._file is not None:
            with suppress(OSError):  # it writes again what a full disk refused; the file is discarded anyway
                self._file.close()
