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
# 64 KiB for each response in progress instead of zlib's 256: many clients may download large CSVs slowly at once.
# An output CSV of 7 MB becomes 2 % smaller with it; Swagger UI's script becomes 9 % larger.
_WINDOW_BITS = 13
_MEMORY_LEVEL = 6
_GZIP_HEADER = 16  # added to the window's bits
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
    """ASGI middleware, to be installed in an app and not around it.

    It sends the start of an encoded response with the first part of the body. An app whose response fails in between
    can still answer the error then, and its own error handler does so if it is outside this middleware.
    """

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
        self._encoded = False
        self._gzip: _Gzip | None = None  # created with the first bytes to encode: most responses need none

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if is_compressible(headers.get("Content-Type", "")):
                _add_accept_encoding_to_vary(headers)
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
        self._gzip = self._gzip or _Gzip()
        if len(body) >= _THREAD_BYTES:
            return await asyncio.to_thread(self._gzip.encode, body, more=more)
        return self._gzip.encode(body, more=more)


class _Gzip:
    """Encodes the parts of one body."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS + _GZIP_HEADER, _MEMORY_LEVEL)

    def encode(self, part: bytes, *, more: bool) -> bytes:
        encoded = self._compressor.compress(part)
        return encoded if more else encoded + self._compressor.flush()  # which also frees the compressor's memory


def _add_accept_encoding_to_vary(headers: MutableHeaders) -> None:
    present = {field.strip().lower() for field in ",".join(headers.getlist("Vary")).split(",")}
    if not present & {"accept-encoding", "*"}:
        headers.add_vary_header("Accept-Encoding")


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
