"""A webhook receiver on loopback that sends scripted responses.

async with open_receiver(Reply(500), Reply(200)) as receiver:   # the last reply repeats
    receiver.url, receiver.calls
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.origin import open_server


@dataclass(frozen=True)
class Reply:
    """One response. until: respond only once this event is set. drip: send the body byte by byte and never finish."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    until: asyncio.Event | None = None
    drip: bool = False


@dataclass(frozen=True)
class Call:
    """One POST. Header names are in lower case. time: of the event loop."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    time: float


class ScriptedReceiver:
    """calls: so far. most_open: how many were open at the same time at most."""

    def __init__(self, replies: tuple[Reply, ...]) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self.called = asyncio.Event()
        self.most_open = 0
        self._open = 0
        self._replies = replies

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = await _read(reader)
        self.calls.append(call)
        self.called.set()
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        try:
            await _until_closed(reader, _respond(writer, self._replies[min(len(self.calls), len(self._replies)) - 1]))
        finally:
            self._open -= 1


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.split("\r\n")
    method, path, _ = request_line.split(" ")
    assert method == "POST"
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Call(path, headers, body, asyncio.get_running_loop().time())


async def _until_closed(reader: asyncio.StreamReader, responding: Coroutine[None, None, None]) -> None:
    """Respond, but stop when the client closes the connection."""
    tasks = [asyncio.create_task(responding), asyncio.create_task(reader.read())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _respond(writer: asyncio.StreamWriter, reply: Reply) -> None:
    if reply.until is not None:
        await reply.until.wait()
    length = len(reply.body) + int(reply.drip)
    headers = {"Content-Length": str(length), "Connection": "close", **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if reply.drip:
        for byte in reply.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)
        await asyncio.Event().wait()
    writer.write(reply.body)
    await writer.drain()


@asynccontextmanager
async def open_receiver(*replies: Reply) -> AsyncIterator[ScriptedReceiver]:
    """Receive on a free port of loopback. On leaving, connections that are still open are closed."""
    receiver = ScriptedReceiver(replies or (Reply(),))
    async with open_server(receiver.handle) as port:
        receiver.url = f"http://127.0.0.1:{port}/hook"
        yield receiver
