"""A receiver of webhooks for benchmarks: the end of a request is known at once, and without polling its status."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.origin import open_server

WEBHOOK_SETTINGS = {"WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
"""Of a stack that calls the receiver."""


class Webhooks:
    """url: of the receiver."""

    def __init__(self, url: str, calls: asyncio.Queue[tuple[str, float]]) -> None:
        self.url = url
        self._calls = calls

    async def of(self, location: str, within: float) -> tuple[str, float]:
        """The id of the request with this status address, and the time at which its webhook arrived.

        Raises TimeoutError after `within` seconds, and RuntimeError if another request's webhook comes first.
        """
        request_id, received = await asyncio.wait_for(self._calls.get(), within)
        if request_id not in location:
            raise RuntimeError(f"the webhook of {request_id} came instead of that of {location}")
        return request_id, received


@asynccontextmanager
async def received_webhooks() -> AsyncIterator[Webhooks]:
    """A receiver on loopback. It answers each webhook with 204."""
    calls: asyncio.Queue[tuple[str, float]] = asyncio.Queue()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length:")[2].split()[0])
        body = await reader.readexactly(size)
        received = time.time()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        calls.put_nowait((json.loads(body)["data"]["request_id"], received))

    async with open_server(handle) as port:
        yield Webhooks(f"http://127.0.0.1:{port}/", calls)
