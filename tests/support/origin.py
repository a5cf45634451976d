"""An HTTP origin on loopback that behaves, or misbehaves, as its script says.

    async with open_origin() as origin:
        origin.serve("/a.jpg", Answer(status=503), Answer(photo))   # the last answer repeats
        origin.url("/a.jpg")
        origin.requests, origin.connections, origin.most_at_once

Paths without a script answer 404.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_PIECE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One response.

    declared: the Content-Length to claim; the true one if None.
    until: answer only once this event is set.
    byte_interval: seconds between single bytes of the body.
    endless: repeat the body in chunks until the client has enough.
    raw: the whole response as it goes over the wire, before hanging up.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    declared: int | None = None
    until: asyncio.Event | None = None
    byte_interval: float = 0
    endless: bool = False
    raw: bytes | None = None


def image(body: bytes, content_type: str = "image/jpeg", **version: str) -> Answer:
    """A picture as hosts serve them; `version` may be etag and last_modified, by which it answers 304."""
    names = {"etag": "ETag", "last_modified": "Last-Modified"}
    said = {names[name]: value for name, value in version.items()}
    return Answer(body=body, headers={"Content-Type": content_type} | said)


def redirect(location: str, status: int = 302) -> Answer:
    """To `location`, with the little page that hosts send along."""
    return Answer(status=status, headers={"Location": location}, body=b"<html>moved</html>")


@dataclass(frozen=True)
class Request:
    """What a client asked for; header names are lower-case. Connections count from 1."""

    path: str
    headers: Mapping[str, str]
    connection: int


class Origin:
    """See the module."""

    def __init__(self) -> None:
        self.base_url = ""
        self.port = 0
        self.requests: list[Request] = []
        self.connections = 0
        self.open_connections = 0
        self.most_at_once = 0
        self._at_once = 0
        self._scripts: dict[str, tuple[Answer, ...]] = {}
        self._asked: Counter[str] = Counter()

    def serve(self, path: str, *answers: Answer) -> str:
        """Script `path`, which may carry a query; returns its URL."""
        self._scripts[path] = answers
        return self.url(path)

    def url(self, path: str) -> str:
        """The absolute URL of `path`."""
        return self.base_url + path

    def asked(self, path: str) -> int:
        """How often `path` was requested."""
        return self._asked[path]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side hangs up."""
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
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await _send(writer, _if_changed(self._next_answer(path), headers))
        finally:
            self._at_once -= 1

    def _next_answer(self, path: str) -> Answer:
        script = self._scripts.get(path)
        turn = self._asked[path]
        self._asked[path] += 1
        if not script:
            return Answer(status=404, body=b"no such page")
        return script[min(turn, len(script) - 1)]


def _if_changed(answer: Answer, asked: Mapping[str, str]) -> Answer:
    """304 instead of what the client has already, for answers that say of which version they are."""
    for header, condition in (("ETag", "if-none-match"), ("Last-Modified", "if-modified-since")):
        if header in answer.headers and condition in asked:
            if answer.headers[header] != asked[condition]:
                return answer
            version = {name: value for name, value in answer.headers.items() if name in {"ETag", "Last-Modified"}}
            return Answer(status=304, headers=version)
    return answer


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    """Whether the connection can be used again."""
    if answer.until is not None:
        await answer.until.wait()
    if answer.raw is not None:
        writer.write(answer.raw)
        await writer.drain()
        return False
    writer.write(_head(answer))
    if answer.endless:
        while True:
            await _write_chunk(writer, answer.body)
    elif answer.byte_interval:
        for byte in answer.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(answer.byte_interval)
    else:
        for start in range(0, len(answer.body), _PIECE):
            writer.write(answer.body[start : start + _PIECE])
            await writer.drain()
    return answer.declared is None or answer.declared <= len(answer.body)


def _head(answer: Answer) -> bytes:
    reason = HTTPStatus(answer.status).phrase
    lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in answer.headers.items())]
    if answer.endless:
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append(f"Content-Length: {len(answer.body) if answer.declared is None else answer.declared}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _write_chunk(writer: asyncio.StreamWriter, piece: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    await writer.drain()


@asynccontextmanager
async def open_origin(
    tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Origin]:
    """Run an origin on loopback, on a free port unless one is named. What is still open when it ends is cut."""
    origin = Origin()
    async with open_server(origin.handle, tls, host, port) as origin.port:
        address = f"[{host}]" if ":" in host else host
        origin.base_url = f"{'https' if tls else 'http'}://{address}:{origin.port}"
        yield origin


@asynccontextmanager
async def open_server(
    talk: Talk, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Let `talk` have each connection; yields the port. Conversations that go on when it ends are cancelled."""
    talks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_converse(talk, reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(accept, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


async def _converse(talk: Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer)
    finally:
        writer.close()
