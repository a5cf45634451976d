"""An httpx transport for HTTP/1.1 with keep-alive connections.

A host can close an idle connection just when it is reused. A GET is then sent again, once, on a new connection, if
nothing of its response was received. Other requests must not be sent twice, so they always have a new connection.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx

from shared.outbound.connection import Connection
from shared.outbound.dialer import GuardedDialer
from shared.outbound.idle_connections import IdleConnections, Origin
from shared.outbound.response_parser import Head
from shared.url_policy import WebUrl

TARGET = "target"
"""A request's extension: its WebUrl."""
_REPEATABLE_METHODS = {"GET", "HEAD"}
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class KeepAliveTransport(httpx.AsyncBaseTransport):
    """One connection per concurrent request, opened by `dialer`. At most `max_idle` idle ones are kept."""

    def __init__(self, dialer: GuardedDialer, *, max_idle: int, idle_seconds: float) -> None:
        self._dialer = dialer
        self._idle = IdleConnections(max_idle, idle_seconds)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response with an unread body. Raises httpx.TransportError and the exceptions of the dialer.

        The request's content must be bytes. Its extension TARGET is the WebUrl; httpx's own reading of it is not used.
        Its extension `timeout` is that of httpx.
        """
        url: WebUrl = request.extensions[TARGET]
        origin = (url.scheme, url.host, url.port)
        message = _message(request)
        connection = self._idle.take(origin) if request.method in _REPEATABLE_METHODS else None
        if connection is not None:
            try:
                head = await self._exchange(connection, request, message)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if connection.answered:
                    raise
                connection = None
        if connection is None:
            connection = await self._dialer.dial(url, _seconds(request, "connect"))
            head = await self._exchange(connection, request, message)
        body = _Body(connection, _seconds(request, "read"), origin, self._idle)
        return httpx.Response(head.status, headers=head.headers, stream=body, extensions={"reason_phrase": head.reason})

    async def _exchange(self, connection: Connection, request: httpx.Request, message: bytes) -> Head:
        try:
            return await connection.request(request.method, message, _seconds(request, "read"))
        except BaseException:
            connection.abort()
            raise

    async def aclose(self) -> None:
        """Close the idle connections."""
        self._idle.close()
        await asyncio.sleep(0)  # lets them close their sockets before the loop can end


def _seconds(request: httpx.Request, name: str) -> float | None:
    timeout: dict[str, float | None] = request.extensions.get("timeout", {})
    return timeout.get(name)


def _message(request: httpx.Request) -> bytes:
    """The request as it is sent. Raises httpx.LocalProtocolError if a value could end its line."""
    start = b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.extensions[TARGET].target.encode("ascii"))
    lines = [start, *(b"%b: %b" % header for header in request.headers.raw)]
    if _CONTROL.search(b"".join(lines)):
        raise httpx.LocalProtocolError("a control character in the request")
    return b"\r\n".join([*lines, b"", request.content])


class _Body(httpx.AsyncByteStream):
    def __init__(self, connection: Connection, seconds: float | None, origin: Origin, idle: IdleConnections) -> None:
        self._connection = connection
        self._seconds = seconds
        self._origin = origin
        self._idle = idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := await self._connection.read(self._seconds):
            yield part

    async def aclose(self) -> None:
        if self._connection.release():
            self._idle.keep(self._origin, self._connection)
