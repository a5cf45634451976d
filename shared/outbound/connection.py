"""A connection for HTTP/1.1, as an asyncio protocol.

One event-loop callback handles at most `BLOCK_BYTES`, whatever they contain, and wakes the reader at most once. So a
host that sends many tiny parts slows down nobody else.
"""

import asyncio
from typing import cast

import httpx

from shared.outbound.malformed import BodyCutOff, MalformedResponse, NoResponse
from shared.outbound.response_parser import Head, ResponseParser

BLOCK_BYTES = 64 * 1024
_BUFFER_LIMIT = 128 * 1024
"""Bytes of a body in memory at which reading from the socket pauses, until they are taken."""


class BadResponse(httpx.RemoteProtocolError):
    """The host answers, but this response cannot be read."""


class IncompleteBody(httpx.RemoteProtocolError):
    """The host closed the connection before the end of the body. All that it sent was read."""


class Connection(asyncio.BufferedProtocol):
    """Sends one request at a time, and receives its response.

    answered: whether any of the response to the last request was received.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._view = memoryview(bytearray(BLOCK_BYTES))
        self._parser: ResponseParser | None = None
        self._error: httpx.TransportError | None = None
        self._closed = False
        self._paused = False
        self._waiting: asyncio.Future[None] | None = None

    @property
    def answered(self) -> bool:
        return self._parser is not None and self._parser.started

    @property
    def usable(self) -> bool:
        """Whether it can have another request: not once its host closed it, or wrote to it while it was idle."""
        return not self._closed

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not inherit from it

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """A view: asyncio's TLS reads into slices of it, and a slice of a bytearray would be a copy."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self._parser is None:
            self.abort()  # nothing was requested
            return
        try:
            self._parser.feed(self._view[:nbytes])
        except MalformedResponse as error:
            self._error = _as_transport_error(error)
            self.abort()
        if self._parser.buffered >= _BUFFER_LIMIT and not self._closed:
            self._paused = True
            self._open_transport().pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._closed:
            return
        if exc is not None:
            self._error = httpx.ReadError(str(exc))
        elif self._parser is not None:
            try:
                self._parser.feed_end()
            except MalformedResponse as error:
                self._error = _as_transport_error(error)
        self.abort()
        self._wake()

    def _wake(self) -> None:
        """Wake the reader; one that waits for the head is not woken before it is complete."""
        if self._waiting is None or self._waiting.done():
            return
        if self._closed or self._parser is None or self._parser.head is not None:
            self._waiting.set_result(None)

    # Called by the transport for httpx.

    async def request(self, method: str, message: bytes, seconds: float | None) -> Head:
        """Send a request, and receive the head of its response.

        seconds: limit for the whole head, however its parts are sent.
        Raises httpx.WriteError, ReadError, ReadTimeout, BadResponse, or RemoteProtocolError without a response.
        """
        parser = self._parser = ResponseParser(method)
        if self._closed:
            raise httpx.WriteError("connection lost")
        self._open_transport().write(message)
        await self._wait(seconds)
        if parser.head is None:
            raise self._error or httpx.ReadError("connection lost")
        return parser.head

    async def read(self, seconds: float | None) -> bytes:
        """Received bytes of the body, b"" at its end.

        seconds: limit for the wait for data. Raises httpx.ReadError, ReadTimeout, BadResponse or IncompleteBody.
        """
        parser = self._parser
        while parser is not None:
            if parser.buffered:
                return self._take(parser)
            if parser.complete:
                return b""
            if self._closed:
                break
            await self._wait(seconds)
        raise self._error or httpx.ReadError("connection lost")

    def _take(self, parser: ResponseParser) -> bytes:
        if self._paused and not self._closed:
            self._paused = False
            self._open_transport().resume_reading()
        return parser.take()

    async def _wait(self, seconds: float | None) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._waiting
        except TimeoutError:
            raise httpx.ReadTimeout("no data received") from None
        finally:
            self._waiting = None

    def release(self) -> bool:
        """End the use for one request. Whether the connection can have another one; otherwise it is closed."""
        parser, self._parser = self._parser, None
        reusable = parser is not None and parser.complete and parser.reusable and not self._paused
        if parser is not None:
            parser.close()
        if not reusable:
            self.abort()
        return reusable and not self._closed

    def abort(self) -> None:
        """Close at once: with a regular close, an unresponsive host could keep the socket open."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise httpx.WriteError("not connected")
        return self._transport


def _as_transport_error(error: MalformedResponse) -> httpx.RemoteProtocolError:
    match error:
        case NoResponse():
            return httpx.RemoteProtocolError(str(error))
        case BodyCutOff():
            return IncompleteBody(str(error))
        case _:
            return BadResponse(str(error))
