"""An image host in its own process on loopback, under several addresses. It knows when the last download ended."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from tests.support.origin import open_server

ADDRESSES = range(1, 21)
_CONTEXT = multiprocessing.get_context("spawn")

Pictures = Callable[[], Sequence[bytes]]
"""Makes the pictures in the host's process."""


class ImageHost:
    """The pictures at /0.jpg, /1.jpg, and so on.

    A number beyond the last picture gets an earlier picture with the number in a comment, so all bytes are distinct.
    """

    def __init__(self, port: int, times: "_Times") -> None:
        self._port = port
        self._times = times

    def url(self, number: int, address: int = 1) -> str:
        """`address`: 1 to 20, each is another host to the stack."""
        return f"http://127.0.0.{address}:{self._port}/{number}.jpg"

    @property
    def first_request(self) -> float:
        """The time of the first request since `forget`, in seconds of time.time()."""
        return self._times.first.value

    @property
    def last_response(self) -> float:
        return self._times.last.value

    @property
    def responses(self) -> int:
        return self._times.count.value

    def forget(self) -> None:
        """Start the counts and times again."""
        self._times.first.value = self._times.last.value = 0.0
        self._times.count.value = 0


class _Times:
    """Numbers in memory that both processes share."""

    def __init__(self) -> None:
        self.first: Synchronized[float] = _CONTEXT.Value("d", 0.0)
        self.last: Synchronized[float] = _CONTEXT.Value("d", 0.0)
        self.count: Synchronized[int] = _CONTEXT.Value("l", 0)


@contextmanager
def serve_files(paths: Sequence[Path]) -> Iterator[ImageHost]:
    """Serve files, which the host's process reads once."""
    with serve(_Files(list(paths))) as host:
        yield host


@contextmanager
def serve(pictures: Pictures, delay: float = 0.0) -> Iterator[ImageHost]:
    """Serve pictures, each after `delay` seconds. `pictures` is pickled."""
    ours, theirs = _CONTEXT.Pipe()
    times = _Times()
    server = _CONTEXT.Process(target=_serve, args=(theirs, times, pictures, delay), daemon=True)
    server.start()
    try:
        yield ImageHost(ours.recv(), times)
    finally:
        server.kill()
        server.join()


class _Files:
    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths

    def __call__(self) -> list[bytes]:
        return [path.read_bytes() for path in self._paths]


def _serve(pipe: Connection, times: _Times, make: Pictures, delay: float) -> None:
    pictures = make()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                times.first.value = times.first.value or time.time()
                if delay:
                    await asyncio.sleep(delay)
                body = picture(pictures, int(head.split(b" ")[1].strip(b"/").partition(b".")[0]))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body))
                writer.write(body)
                await writer.drain()
                times.last.value = time.time()
                times.count.value += 1

    async def run() -> None:
        async with AsyncExitStack() as open_things:
            port = 0
            for address in ADDRESSES:
                port = await open_things.enter_async_context(open_server(answer, host=f"127.0.0.{address}", port=port))
            pipe.send(port)
            await asyncio.Event().wait()

    asyncio.run(run())


def picture(pictures: Sequence[bytes], number: int) -> bytes:
    """The bytes of picture `number`."""
    jpeg = pictures[number % len(pictures)]
    return jpeg if number < len(pictures) else _with_comment(jpeg, b"%d" % number)


def _with_comment(jpeg: bytes, comment: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
