"""A network stream for httpcore, as an asyncio protocol.

httpcore's own stream uses anyio, which needs 50 % more CPU per small response. At each request it also asks the kernel
for every idle connection whether the server has closed it; an asyncio protocol is notified instead.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpcore
import httpx

_BUFFER_LIMIT = 128 * 1024


class TlsError(httpx.ConnectError):
    """The TLS handshake failed. `certificate`: the host's certificate is not valid for its name."""

    def __init__(self, message: str, *, certificate: bool) -> None:
        super().__init__(message)
        self.certificate = certificate


class Connection(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A stream that pauses reading from the socket while `_BUFFER_LIMIT` bytes are buffered."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received: deque[bytes] = deque()
        self._buffered = 0
        self._eof = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not inherit from it

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._buffered += len(data)
        if self._buffered >= _BUFFER_LIMIT:
            self._open_transport().pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._eof = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._eof = True
        self._error = exc
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # Called by httpcore.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        """Received data, b"" at the end. Raises httpcore.ReadTimeout after `timeout` seconds, or ReadError."""
        if not self._received and not self._eof:
            await self._wait_for_data(timeout)
        if self._received:
            return self._pop(max_bytes)
        if self._error is not None:
            raise httpcore.ReadError(str(self._error))
        return b""

    async def _wait_for_data(self, seconds: float | None) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._reader
        except TimeoutError:
            raise httpcore.ReadTimeout("no data received") from None
        finally:
            self._reader = None

    def _pop(self, max_bytes: int) -> bytes:
        data = self._received.popleft()
        if len(data) > max_bytes:
            self._received.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        was_full = self._buffered >= _BUFFER_LIMIT
        self._buffered -= len(data)
        if was_full and self._buffered < _BUFFER_LIMIT:
            self._open_transport().resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        """Send. Raises httpcore.WriteTimeout if the other side accepts nothing for `timeout` seconds, or WriteError."""
        transport = self._open_transport()
        if transport.is_closing():
            raise httpcore.WriteError("connection lost")
        if buffer:
            transport.write(buffer)
        if not self._writable.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._writable.wait()
            except TimeoutError:
                raise httpcore.WriteTimeout("no data accepted") from None

    async def aclose(self) -> None:
        """Abort the connection: with a regular close, an unresponsive host could keep the socket open."""
        if self._transport is not None:
            self._transport.abort()
            await asyncio.sleep(0)  # lets the transport close its socket before the loop can end

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Upgrade to TLS. Raises TlsError, or httpcore.ConnectTimeout after `timeout` seconds."""
        transport = self._open_transport()
        try:
            with _tls_errors():
                self._refuse_early_data()
                async with asyncio.timeout(timeout):
                    self._transport = await asyncio.get_running_loop().start_tls(
                        transport, self, ssl_context, server_hostname=server_hostname
                    )
        except BaseException:
            transport.abort()
            raise
        return self

    def _refuse_early_data(self) -> None:
        """Plain-text data would later be read as if the owner of the certificate had sent it."""
        if self._received or self._eof:
            raise TlsError("the host did not wait for the TLS handshake", certificate=False)

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` on an idle connection means that it can no longer be used."""
        if info == "is_readable":
            return self._eof or bool(self._received)
        if info == "ssl_object" and self._transport is not None:
            return self._transport.get_extra_info("ssl_object")
        return None

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise httpcore.WriteError("not connected")
        return self._transport


@contextmanager
def _tls_errors() -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise TlsError(error.verify_message or str(error), certificate=True) from error
    except ssl.SSLError as error:
        raise TlsError(error.reason or str(error), certificate=False) from error
    except TimeoutError as error:
        raise httpcore.ConnectTimeout("the TLS handshake took too long") from error
    except OSError as error:
        raise TlsError("connection lost in the TLS handshake", certificate=False) from error
