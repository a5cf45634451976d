"""A receiver of webhooks for benchmarks: the end of a request is known at once, and without polling its status."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.support.origin import open_server

WEBHOOK_SETTINGS = {"WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
"""Of a stack that calls the receiver."""
_CHECK_SECONDS = 2.0
_PATIENCE_SECONDS = 3600


class Webhooks:
    """url: of the receiver."""

    def __init__(self, url: str, calls: asyncio.Queue[tuple[str, float]], check: Callable[[], object]) -> None:
        self.url = url
        self._calls = calls
        self._check = check

    async def of(self, location: str) -> tuple[str, float]:
        """The id of the request with this status address, and the time at which its webhook arrived.

        Raises TimeoutError after an hour, and what `check` raises.
        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                with suppress(TimeoutError):
                    request_id, received = await asyncio.wait_for(self._calls.get(), _CHECK_SECONDS)
                    if request_id in location:  # else that of an earlier request came again
                        return request_id, received
                self._check()


@asynccontextmanager
async def received_webhooks(check: Callable[[], object]) -> AsyncIterator[Webhooks]:
    """A receiver on loopback. It answers each webhook with 204.

    check: raises an exception if no webhook can arrive any more, such as LocalStack.check.
    """
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
        yield Webhooks(f"http://127.0.0.1:{port}/", calls, check)
