"""Reads the body of a response: without its content codings, and within limits of size and time."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx

from services.downloader.content_coding import CodingError, ContentDecoder, ExpandsTooMuch
from services.downloader.fetch_error import FetchError, as_fetch_error
from services.downloader.outcomes import FetchFailure
from services.downloader.pace import Pace
from services.downloader.picture_end import ends_whole
from shared.outbound import BadResponse, IncompleteBody


class Body:
    """The body of `response`, read once.

    declared: its length as it is sent; None if the host does not declare it.
    coded: whether a content coding is undone, so that `declared` is not the size of the image.
    cut_off: once all pieces were read, why others may be missing; None if the end of the body was received.
    """

    cut_off: FetchError | None = None

    def __init__(self, response: httpx.Response, max_bytes: int, pace: Pace) -> None:
        """max_bytes: limit for the bytes that are sent, and for those that they decode to. Raises FetchError."""
        length = response.headers.get("Content-Length")
        self.declared = int(length) if length else None  # the parser accepts only digits
        if self.declared is not None and self.declared > max_bytes:
            raise too_large(self.declared, max_bytes)
        self._response = response
        self._max_bytes = max_bytes
        self._pace = pace
        try:
            self._decoder = ContentDecoder(response.headers.get("Content-Encoding", ""), max_bytes)
        except CodingError as error:
            raise FetchError(FetchFailure.BAD_RESPONSE, str(error)) from error

    @property
    def coded(self) -> bool:
        return self._decoder.needed

    def pieces(self) -> AsyncIterator[bytes]:
        """All that can be read. Raises FetchError, and httpx.TransportError except IncompleteBody and BadResponse."""
        return self._decoded() if self.coded else self._received()

    def check_end(self, head: bytes, tail: bytes, size: int) -> None:
        """Raise `cut_off` if an image of `size` bytes, with these first and last ones, lacks its end.

        The declared length says nothing about an image that was coded, unless it is the image's own, as some hosts send
        it; browsers accept that too.
        """
        if self.cut_off is None:
            return
        length_is_the_images = self.declared is not None and not self.coded
        if length_is_the_images or not (size == self.declared or ends_whole(head, tail, size)):
            raise self.cut_off

    async def _decoded(self) -> AsyncIterator[bytes]:
        try:
            async for received in self._received():
                async for piece in _one_by_one(self._decoder.decode(received)):
                    yield piece
            async for piece in _one_by_one(self._decoder.finish()):
                yield piece
        except CodingError as error:
            raise FetchError(FetchFailure.BAD_RESPONSE, str(error)) from error
        except ExpandsTooMuch:
            raise self._beyond_limit() from None
        if not self._decoder.complete and self.cut_off is None:
            self.cut_off = FetchError(FetchFailure.INCOMPLETE_BODY, "the compressed body ends too early")

    async def _received(self) -> AsyncIterator[bytes]:
        """The bytes that are sent. Only the time that the host lets us wait counts for its speed."""
        pace, size = self._pace, 0
        asked_at = time.monotonic()
        try:
            async for piece in self._response.aiter_raw():
                size += len(piece)
                if size > self._max_bytes:
                    raise self._beyond_limit()
                if pace.too_slow(len(piece), time.monotonic() - asked_at):
                    detail = f"{pace.behind:.0f} s behind the minimum of {pace.min_speed} bytes per second"
                    raise FetchError(FetchFailure.TOO_SLOW, detail)
                yield piece
                asked_at = time.monotonic()
        except (IncompleteBody, BadResponse) as error:
            self.cut_off = as_fetch_error(error)

    def _beyond_limit(self) -> FetchError:
        return FetchError(FetchFailure.TOO_LARGE, f"more than the limit of {self._max_bytes} bytes")


async def _one_by_one(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`pieces` that are not empty. Other tasks run after each, since a few bytes can expand to very many."""
    for piece in pieces:
        if piece:
            yield piece
        await asyncio.sleep(0)


def too_large(size: int, max_bytes: int) -> FetchError:
    """The error for an image whose declared size exceeds the limit."""
    return FetchError(FetchFailure.TOO_LARGE, f"{size} bytes, the limit is {max_bytes}")
