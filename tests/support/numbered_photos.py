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
    """`starts`: the numbers of the pictures, in the order of their requests. `last_at`: when the last one was sent."""

    photo: bytes
    port: int = 0
    starts: list[int] = field(default_factory=list)
    seconds: float = 0
    concurrent: int = 0
    max_concurrent: int = 0
    last_at: float = 0

    def urls(self, numbers: Sequence[int]) -> list[str]:
        return [f"http://127.0.0.1:{self.port}/{number}.jpg" for number in numbers]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            number = int(head.split(b" ")[1].strip(b"/").removesuffix(b".jpg"))
            self.starts.append(number)
            self.concurrent += 1
            self.max_concurrent = max(self.max_concurrent, self.concurrent)
            try:
                await asyncio.sleep(self.seconds)
            finally:
                self.concurrent -= 1
            body = a_numbered_photo(self.photo, number)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
            self.last_at = time.monotonic()


@asynccontextmanager
async def open_numbered_photos(
    width: int = 640, height: int = 480, seconds: float = 0
) -> AsyncIterator[NumberedPhotos]:
    """On loopback; each response waits for `seconds` first."""
    photos = NumberedPhotos(a_photo(1, width, height), seconds=seconds)
    async with open_server(photos.serve) as photos.port:
        yield photos
