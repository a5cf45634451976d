"""A host in its own process that serves bodies of any size."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from tests.support.flooding_host import host_in_own_process

_JPEG = b"\xff\xd8\xff\xe0"
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nServer: nginx\r\n"
    b'ETag: "5f3c"\r\nCache-Control: max-age=600\r\nContent-Length: %d\r\n\r\n'
)


@contextmanager
def good_host() -> Iterator[str]:
    """Answers each request for /<bytes> with as many bytes. Yields its base URL."""
    with host_in_own_process(_Good) as url:
        yield url


class _Good(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        size = int(data.split(b" ", 2)[1][1:])
        self._transport.write(_HEAD % size + _JPEG + bytes(size - len(_JPEG)))
