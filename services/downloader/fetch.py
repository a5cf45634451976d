"""One bounded download: so much time, so many bytes, and an image at the end."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from services.downloader.asking import HEADERS, WHOLE, Asker
from services.downloader.fetch_fault import FetchFault
from services.downloader.outcomes import Trouble
from services.downloader.sniff import describe, image_type
from services.downloader.spool import HEAD_BYTES, Spool


@dataclass(frozen=True, slots=True)
class Fetched:
    """An original. A `body` on disk is gone when the context of its fetch is left. `ms` is how long it took."""

    body: bytes | Path
    size: int
    sha256: str
    content_type: str
    ms: int


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Of one download: seconds, redirects included, and bytes."""

    total_seconds: float
    max_bytes: int


class Fetcher:
    """Downloads images."""

    def __init__(self, asker: Asker, limits: FetchLimits) -> None:
        self._asker = asker
        self._limits = limits

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncIterator[Fetched]:
        """The image at `url`. Raises FetchFault."""
        started = time.monotonic()
        with Spool() as spool:
            content_type = await self._asker.ask(
                url, HEADERS, partial(self._receive, spool), self._limits.total_seconds
            )
            body = await spool.finish()
            ms = round((time.monotonic() - started) * 1000)
            yield Fetched(body, spool.size, spool.sha256, content_type, ms)

    async def _receive(self, spool: Spool, response: httpx.Response) -> str | None:
        """The media type of the image, now in `spool`."""
        if response.status_code not in WHOLE:
            return None
        declared = int(response.headers.get("Content-Length", 0))  # h11 lets nothing but digits through
        if declared > self._limits.max_bytes:
            raise too_large(declared, self._limits.max_bytes)
        content_type = None
        async for piece in response.aiter_raw():
            await spool.write(piece)
            if spool.size > self._limits.max_bytes:
                raise FetchFault(Trouble.TOO_LARGE, f"more than the {self._limits.max_bytes} bytes that are allowed")
            if content_type is None and spool.size >= HEAD_BYTES:
                content_type = checked_type(spool.head, response)
        return content_type or checked_type(spool.head, response)


def too_large(size: int, max_bytes: int) -> FetchFault:
    """For an image whose size is told before its bytes come."""
    return FetchFault(Trouble.TOO_LARGE, f"{size} bytes, {max_bytes} are allowed")


def checked_type(head: bytes, response: httpx.Response) -> str:
    """The media type of the image that begins with `head`. Raises FetchFault if it is none."""
    if content_type := image_type(head):
        return content_type
    declared = response.headers.get("Content-Type")
    raise FetchFault(Trouble.NOT_AN_IMAGE, describe(head) + (f", declared as {declared}" if declared else ""))
