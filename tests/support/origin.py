"""A scripted HTTP origin on loopback, for well-behaved and misbehaving hosts.

    async with open_origin() as origin:
        origin.serve("/a.jpg", Response(status=503), Response(photo))   # the last response repeats
        origin.url("/a.jpg")
        origin.requests, origin.connections, origin.max_concurrent

Paths without a script respond with 404.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http.client import responses

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_PIECE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Response:
    """One response.

    declared: the Content-Length to send; the true one if None.
    until: respond only once this event is set.
    byte_interval: seconds between single bytes of the body.
    endless: repeat the body in chunks until the client disconnects.
    raw: the whole response as bytes, after which the connection closes.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    declared: int | None = None
    until: asyncio.Event | None = None
    byte_interval: float = 0
    endless: bool = False
    raw: bytes | None = None


def image(body: bytes, content_type: str = "image/jpeg", **version: str) -> Response:
    """A normal image. `version` can be etag and last_modified; a matching conditional request gets 304."""
    names = {"etag": "ETag", "last_modified": "Last-Modified"}
    validators = {names[name]: value for name, value in version.items()}
    return Response(body=body, headers={"Content-Type": content_type} | validators)


def redirect(location: str, status: int = 302) -> Response:
    """A redirect to `location`, with the short page that hosts usually send."""
    return Response(status=status, headers={"Location": location}, body=b"<html>moved</html>")


@dataclass(frozen=True)
class Request:
    """A client's request. Header names are lower-case; connections are numbered from 1."""

    path: str
    headers: Mapping[str, str]
    connection: int


class Origin:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.base_url = ""
        self.port = 0
        self.requests: list[Request] = []
        self.connections = 0
        self.open_connections = 0
        self.max_concurrent = 0
        self._concurrent = 0
        self._scripts: dict[str, tuple[Response, ...]] = {}
        self._request_counts: Counter[str] = Counter()

    def serve(self, path: str, *responses: Response) -> str:
        """Set the responses of `path`, which may have a query; return its URL."""
        self._scripts[path] = responses
        return self.url(path)

    def url(self, path: str) -> str:
        """The absolute URL of `path`."""
        return self.base_url + path

    def request_count(self, path: str) -> int:
        """The number of requests for `path`."""
        return self._request_counts[path]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        self.connections += 1
        connection = self.connections
        self.open_connections += 1
        try:
            while await self._handle_one(reader, writer, connection):
                pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.open_connections -= 1

    async def _handle_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.split("\r\n")
        path = request_line.split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        self.requests.append(Request(path, headers, connection))
        self._concurrent += 1
        self.max_concurrent = max(self.max_concurrent, self._concurrent)
        try:
            return await _send(writer, _if_changed(self._next_response(path), headers))
        finally:
            self._concurrent -= 1

    def _next_response(self, path: str) -> Response:
        script = self._scripts.get(path)
        turn = self._request_counts[path]
        self._request_counts[path] += 1
        if not script:
            return Response(status=404, body=b"no such page")
        return script[min(turn, len(script) - 1)]


def _if_changed(response: Response, request_headers: Mapping[str, str]) -> Response:
    """304 if the client already has this version of the response; otherwise the response."""
    for header, condition in (("ETag", "if-none-match"), ("Last-Modified", "if-modified-since")):
        if header in response.headers and condition in request_headers:
            if response.headers[header] != request_headers[condition]:
                return response
            version = {name: value for name, value in response.headers.items() if name in {"ETag", "Last-Modified"}}
            return Response(status=304, headers=version)
    return response


async def _send(writer: asyncio.StreamWriter, response: Response) -> bool:
    """Send it; return whether the connection can be reused."""
    if response.until is not None:
        await response.until.wait()
    if response.raw is not None:
        writer.write(response.raw)
        await writer.drain()
        return False
    writer.write(_head(response))
    if response.endless:
        while True:
            await _write_chunk(writer, response.body)
    elif response.byte_interval:
        for byte in response.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(response.byte_interval)
    else:
        for start in range(0, len(response.body), _PIECE):
            writer.write(response.body[start : start + _PIECE])
            await writer.drain()
    return response.declared is None or response.declared <= len(response.body)


def _head(response: Response) -> bytes:
    reason = responses.get(response.status, "Unknown")
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in response.headers.items())]
    if response.endless:
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append(f"Content-Length: {len(response.body) if response.declared is None else response.declared}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _write_chunk(writer: asyncio.StreamWriter, piece: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    await writer.drain()


@asynccontextmanager
async def open_origin(
    tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Origin]:
    """Run an origin on loopback, on a free port by default. At the end, open connections are closed."""
    origin = Origin()
    async with open_server(origin.handle, tls, host, port) as origin.port:
        address = f"[{host}]" if ":" in host else host
        origin.base_url = f"{'https' if tls else 'http'}://{address}:{origin.port}"
        yield origin


@asynccontextmanager
async def open_server(
    serve: Serve, tls: ssl.SSLContext | None = None, host: str | Sequence[str] = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Run `serve` for each connection; yields the port. At the end, running calls are cancelled.

    Several hosts have the same port, which is free at the first of them.
    """
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(serve, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    if not isinstance(host, str) and not port:
        with socket.create_server((host[0], 0)) as probe:
            port = probe.getsockname()[1]
    server = await asyncio.start_server(accept, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _serve(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
    finally:
        writer.close()
