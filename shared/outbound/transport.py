"""An httpx transport for HTTP/1.1 with keep-alive connections; httpcore implements the protocol."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import cast

import httpcore
import httpx

from shared.outbound.idle_connections import IdleConnections, Origin

_REPEATABLE_METHODS = {b"GET", b"HEAD"}
_DISCONNECTED = (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)
_HTTPX_ERRORS: dict[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
}


class KeepAliveTransport(httpx.AsyncBaseTransport):
    """One connection per concurrent request, opened by `dialer`. At most `max_idle` idle ones are kept."""

    def __init__(
        self, dialer: httpcore.AsyncNetworkBackend, tls: ssl.SSLContext, *, max_idle: int, idle_seconds: float
    ) -> None:
        self._dialer = dialer
        self._tls = tls
        self._idle_seconds = idle_seconds
        self._idle = IdleConnections(max_idle)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response with an unread body. Raises httpx.TransportError and the exceptions of the dialer."""
        url = request.url
        core_request = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=cast(httpx.AsyncByteStream, request.stream),
            extensions=request.extensions,
        )
        origin = (url.raw_scheme, url.raw_host, url.port)
        with _as_httpx_errors():
            connection, response = await self._send(origin, core_request)
        body = _Body(response, connection, origin, self._idle)
        return httpx.Response(response.status, headers=response.headers, stream=body, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close the idle connections."""
        await self._idle.close()

    async def _send(
        self, origin: Origin, request: httpcore.Request
    ) -> tuple[httpcore.AsyncHTTPConnection, httpcore.Response]:
        while True:
            kept = await self._idle.take(origin)
            connection = kept or self._open(request.url.origin)
            try:
                return connection, await connection.handle_async_request(request)
            except _DISCONNECTED:
                await connection.aclose()
                # A host can close an idle connection just when it is reused; that is no failure of this request.
                if kept is None or request.method not in _REPEATABLE_METHODS:
                    raise
            except BaseException:
                await connection.aclose()
                raise

    def _open(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=self._tls, keepalive_expiry=self._idle_seconds, network_backend=self._dialer
        )


class _Body(httpx.AsyncByteStream):
    def __init__(
        self,
        response: httpcore.Response,
        connection: httpcore.AsyncHTTPConnection,
        origin: Origin,
        idle: IdleConnections,
    ) -> None:
        self._response = response
        self._connection = connection
        self._origin = origin
        self._idle = idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx_errors():
            async for part in self._response.aiter_stream():
                yield part

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._idle.keep(self._origin, self._connection)


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    try:
        yield
    except tuple(_HTTPX_ERRORS) as error:
        raise _HTTPX_ERRORS[type(error)](str(error)) from error
