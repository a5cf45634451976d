"""Hosts that flood their connections, each in a process of its own."""

import asyncio
import multiprocessing
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import cast

import uvloop

_CONTEXT = multiprocessing.get_context("spawn")
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\n\xff\xd8\xff\xe0\r\n"


def _deflated() -> tuple[bytes, bytes]:
    """The beginning of a compressed JPEG, and a part that can follow any number of times: a megabyte of zeros."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    begin = deflater.compress(b"\xff\xd8\xff\xe0") + deflater.flush(zlib.Z_FULL_FLUSH)
    return begin, deflater.compress(bytes(1_048_576)) + deflater.flush(zlib.Z_FULL_FLUSH)


_DEFLATED, _DEFLATED_ZEROS = _deflated()

FLOODS = {
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2500),
    "chunks of one byte": (_CHUNKED, b"1\r\nx\r\n" * 10_000),
    "header lines": (_OK, b"a: b\r\n" * 10_000),
    "compressed zeros": (_OK + b"Content-Encoding: deflate\r\n\r\n" + _DEFLATED, _DEFLATED_ZEROS * 60),
    "trailers": (_CHUNKED + b"0\r\n", b"a: b\r\n" * 10_000),
}
"""For each kind of flood, how a response begins and what follows without end."""


@contextmanager
def flooding_host(kind: str) -> Iterator[str]:
    """Answers each request with the flood of this name. Yields its base URL."""
    with host_in_own_process(partial(_Flood, kind)) as url:
        yield url


@contextmanager
def host_in_own_process(protocol: Callable[[], asyncio.Protocol]) -> Iterator[str]:
    """Serves on loopback by `protocol`, which is pickled. Yields its base URL."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_run, args=(protocol, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def _run(protocol: Callable[[], asyncio.Protocol], pipe: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


class _Flood(asyncio.Protocol):
    def __init__(self, kind: str) -> None:
        self._begin, self._piece = FLOODS[kind]
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, _data: bytes) -> None:
        self._transport.write(self._begin)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        while not self._paused and not self._transport.is_closing():
            self._transport.write(self._piece)
