"""An origin of any number of distinct pictures of about the same cost, made when they are requested."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.origin import open_server
from tests.support.pictures import a_photo


def a_numbered_photo(photo: bytes, number: int) -> bytes:
    """The JPEG with the number in a comment: other bytes, same pixels."""
    comment = b"%012d" % number
    return photo[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + photo[2:]


@dataclass
class NumberedPhotos:
    """An origin that responds after `seconds`, and with 429 to requests beyond `allowed` at once.

    starts: the numbers of the pictures, in the order of their requests. at_once: the requests in progress when each
    of these began, with itself. refused: how many were refused. last_at: when the last picture was sent.
    """

    photo: bytes
    port: int = 0
    seconds: float = 0
    allowed: int | None = None
    starts: list[int] = field(default_factory=list)
    at_once: list[int] = field(default_factory=list)
    refused: int = 0
    last_at: float = 0
    _concurrent: int = 0

    def urls(self, numbers: Sequence[int]) -> list[str]:
        return [f"http://127.0.0.1:{self.port}/{number}.jpg" for number in numbers]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            number = int(head.split(b" ")[1].strip(b"/").removesuffix(b".jpg"))
            self.starts.append(number)
            self._concurrent += 1
            self.at_once.append(self._concurrent)
            try:
                writer.write(await self._response(number))
                await writer.drain()
            finally:
                self._concurrent -= 1

    async def _response(self, number: int) -> bytes:
        if self.allowed is not None and self._concurrent > self.allowed:
            self.refused += 1
            return b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
        await asyncio.sleep(self.seconds)
        body = a_numbered_photo(self.photo, number)
        self.last_at = time.monotonic()
        return b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def open_numbered_photos(
    width: int = 640, height: int = 480, seconds: float = 0, allowed: int | None = None
) -> AsyncIterator[NumberedPhotos]:
    """On loopback."""
    photos = NumberedPhotos(a_photo(1, width, height), seconds=seconds, allowed=allowed)
    async with open_server(photos.serve) as photos.port:
        yield photos
