"""One connection to an origin, as httpcore reads and writes it.

httpcore's own stream goes through anyio, which costs half as much CPU again for each small response; it also asks
the kernel, for each idle connection at each request, whether the server has hung up, which a protocol knows anyway.
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
    """No TLS connection. `certificate`: the host showed no certificate that is valid for its name."""

    def __init__(self, message: str, *, certificate: bool) -> None:
        super().__init__(message)
        self.certificate = certificate


class Connection(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A stream that stops reading from the socket while `_BUFFER_LIMIT` bytes wait to be taken."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received: deque[bytes] = deque()
        self._waiting = 0
        self._ended = False
        self._fault: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._waiting += len(data)
        if self._waiting >= _BUFFER_LIMIT:
            self._open_transport().pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._fault = exc
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # What httpcore asks for.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        """What has arrived, b"" at the end. Raises httpcore.ReadTimeout after `timeout` seconds, or ReadError."""
        if not self._received and not self._ended:
            await self._wait_for_data(timeout)
        if self._received:
            return self._take(max_bytes)
        if self._fault is not None:
            raise httpcore.ReadError(str(self._fault))
        return b""

    async def _wait_for_data(self, seconds: float | None) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._reader
        except TimeoutError:
            raise httpcore.ReadTimeout("nothing arrived") from None
        finally:
            self._reader = None

    def _take(self, max_bytes: int) -> bytes:
        data = self._received.popleft()
        if len(data) > max_bytes:
            self._received.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        was_full = self._waiting >= _BUFFER_LIMIT
        self._waiting -= len(data)
        if was_full and self._waiting < _BUFFER_LIMIT:
            self._open_transport().resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        """Send. Raises httpcore.WriteTimeout if the other side takes nothing for `timeout` seconds, or WriteError."""
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
                raise httpcore.WriteTimeout("nothing was taken") from None

    async def aclose(self) -> None:
        """Drop the connection at once: a farewell would let a host that does not answer hold its socket open."""
        if self._transport is not None:
            self._transport.abort()
            await asyncio.sleep(0)  # let the transport close its socket before the loop may end

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Go on over TLS. Raises TlsError, or httpcore.ConnectTimeout after `timeout` seconds."""
        transport = self._open_transport()
        try:
            with _tls_faults():
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
        """Whatever came in the clear would be read later as if the certificate's holder had sent it."""
        if self._received or self._ended:
            raise TlsError("the host did not wait for the TLS handshake", certificate=False)

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` on an idle connection means that it is of no more use."""
        if info == "is_readable":
            return self._ended or bool(self._received)
        if info == "ssl_object" and self._transport is not None:
            return self._transport.get_extra_info("ssl_object")
        return None

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise httpcore.WriteError("not connected")
        return self._transport


@contextmanager
def _tls_faults() -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise TlsError(error.verify_message or str(error), certificate=True) from error
    except ssl.SSLError as error:
        raise TlsError(error.reason or str(error), certificate=False) from error
    except TimeoutError as error:
        raise httpcore.ConnectTimeout("no TLS handshake in time") from error
    except OSError as error:
        raise TlsError("connection lost in the TLS handshake", certificate=False) from error
