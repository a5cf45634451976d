"""Compresses responses with gzip where the client accepts it: text and JSON, not images and not streams of lines.

An encoded response is another representation of its resource (RFC 9110, 8.8.3): its ETag is weak and it has no ranges.
"""

import asyncio
import zlib
from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COMPRESSIBLE = frozenset({"application/json", "application/problem+json", "application/javascript", "image/svg+xml"})
_STREAMS = frozenset({"text/event-stream"})  # the compressor would hold lines back; NDJSON is not compressible either
_MIN_BYTES = 500
_THREAD_BYTES = 64 << 10
_LEVEL = 6
_GZIP_WINDOW = 31  # zlib's largest window, with gzip's header
_UNENCODED = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED})


def is_compressible(content_type: str) -> bool:
    """Whether responses of this type vary with Accept-Encoding."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in _COMPRESSIBLE or (media_type.startswith("text/") and media_type not in _STREAMS)


def will_be_encoded(request: Headers, content_type: str, length: int | None) -> bool:
    """Whether a response of this type is compressed for the client that sent the `request` headers."""
    long_enough = length is None or length >= _MIN_BYTES
    return long_enough and is_compressible(content_type) and _accepts_gzip(request.getlist("Accept-Encoding"))


def weak_etag(etag: str) -> str:
    """The ETag of the encoded representation."""
    return etag if etag.startswith("W/") else f"W/{etag}"


class Compression:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = _Response(scope, send).send
        await self._app(scope, receive, send)


class _Response:
    def __init__(self, scope: Scope, send: Send) -> None:
        self._request = Headers(scope=scope)
        self._is_head = scope["method"] == "HEAD"
        self._send = send
        self._start: Message | None = None  # held until the first part of the body decides on Content-Length
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        self._encoded = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if is_compressible(headers.get("Content-Type", "")) and "Vary" not in headers:
                headers["Vary"] = "Accept-Encoding"
            self._encoded = self._may_encode(message["status"], headers)
            if self._encoded:
                self._start = message
                return
        elif self._encoded and message["type"] == "http.response.body":
            message = await self._encode(message)
        await self._send(message)

    def _may_encode(self, status: int, headers: Headers) -> bool:
        length = headers.get("Content-Length")
        return (
            status not in _UNENCODED
            and "Content-Encoding" not in headers
            and will_be_encoded(self._request, headers.get("Content-Type", ""), None if length is None else int(length))
        )

    async def _encode(self, message: Message) -> Message:
        body, more = message.get("body", b""), message.get("more_body", False)
        omitted = self._is_head and not body
        data = b"" if omitted else await self._compressed(body, more=more)
        if self._start is not None:
            headers = MutableHeaders(raw=self._start["headers"])
            headers["Content-Encoding"] = "gzip"
            del headers["Content-Length"], headers["Accept-Ranges"]
            if not more and not omitted:
                headers["Content-Length"] = str(len(data))
            if "ETag" in headers:
                headers["ETag"] = weak_etag(headers["ETag"])
            await self._send(self._start)
            self._start = None
        return {**message, "body": data}

    async def _compressed(self, body: bytes, *, more: bool) -> bytes:
        if len(body) >= _THREAD_BYTES:
            return await asyncio.to_thread(self._compress, body, more=more)
        return self._compress(body, more=more)

    def _compress(self, body: bytes, *, more: bool) -> bytes:
        return self._compressor.compress(body) + (b"" if more else self._compressor.flush())


def _accepts_gzip(accept_encoding: Iterable[str]) -> bool:
    """By RFC 9110, 12.5.3: a coding is accepted if it, or else `*`, is listed with a quality above 0."""
    qualities: dict[str, float] = {}
    for part in ",".join(accept_encoding).split(","):
        coding, _, parameter = part.partition(";")
        qualities[coding.strip().lower()] = _quality(parameter)
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _quality(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    try:
        return float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0
