"""A look at where a URL leads: type and size of the image that is there, or why there is none. Nothing is kept."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

import httpx
import structlog

from services.downloader.fetch import checked_type, too_large
from services.downloader.fetch_error import FetchError
from services.downloader.http_requester import HEADERS, WHOLE, HttpRequester
from services.downloader.outcomes import FetchFailure, outcome_of
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.file_types import HEAD_BYTES
from shared.messaging import Reply

Look = Callable[[str, float], Awaitable[ProbedImage]]
"""At a URL, within so many seconds."""

# Not HEAD: some hosts refuse it or lie to it, and it shows no bytes by which to tell an image from an error page.
_RANGED: Mapping[str, str] = {**HEADERS, "Range": f"bytes=0-{HEAD_BYTES - 1}"}
_CONTENT_RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")
_BUSY_SECONDS = 4.0  # a host that has this many requests of ours for so long is said to be busy
_BUSY_PAUSE_SECONDS = 0.05
_ANSWERING_SECONDS = 0.5  # before answer_by, for the reply's way

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    content_type: str
    size: int | None


class ImageProbe:
    """Looks at URLs by the rules of a download: `seconds` for each, and no image of more than `max_bytes`."""

    def __init__(self, requester: HttpRequester, seconds: float, max_bytes: int) -> None:
        self._requester = requester
        self._seconds = seconds
        self._max_bytes = max_bytes

    async def look(self, url: str, seconds_left: float) -> ProbedImage:
        """What is at `url`. It is not known if the host is busy with us, or `seconds_left` are over too soon to say."""
        answer = partial(_answer, url, time.monotonic())
        try:
            async with asyncio.timeout(seconds_left):
                seen = await self._seen(url)
        except TimeoutError:
            return answer(error_detail="too little time was left to look")
        except FetchError as fault:
            if fault.cause is FetchFailure.HOST_BUSY:
                return answer(error_detail="the host is busy with other requests of ours")
            return answer(error_code=outcome_of(fault.cause).code, error_detail=fault.detail)
        except Exception as error:
            log.exception("probe_failed_unexpectedly")
            return answer(error_code=ErrorCode.INTERNAL, error_detail=type(error).__name__)
        return answer(content_type=seen.content_type, size=seen.size)

    async def _seen(self, url: str) -> _Seen:
        patience_ends = time.monotonic() + _BUSY_SECONDS
        headers = _RANGED
        while True:
            try:
                return await self._requester.ask(url, headers, self._take, self._seconds)
            except FetchError as fault:
                if fault.cause is FetchFailure.HOST_BUSY and time.monotonic() < patience_ends:
                    await asyncio.sleep(_BUSY_PAUSE_SECONDS)
                elif fault.cause == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and headers is _RANGED:
                    headers = HEADERS
                else:
                    raise

    async def _take(self, response: httpx.Response) -> _Seen | None:
        if response.status_code not in {*WHOLE, HTTPStatus.PARTIAL_CONTENT}:
            return None
        size = _declared_size(response)
        if size is not None and size > self._max_bytes:
            raise too_large(size, self._max_bytes)
        head, complete = await _head(response)
        if size is None and complete and response.status_code in WHOLE:
            size = len(head)
        return _Seen(checked_type(head, response), size)


class ProbeHandler:
    """Handles ProbeImages: all its URLs at the same time. It answers in time, or not at all."""

    def __init__(self, look: Look, bounds: FetchBounds, clock: Callable[[], datetime]) -> None:
        self._look = look
        self._bounds = bounds
        self._clock = clock

    async def __call__(self, command: ProbeImages) -> Sequence[Reply]:
        left = (command.answer_by - self._clock()).total_seconds() - _ANSWERING_SECONDS
        if left <= 0:
            return []
        images = await asyncio.gather(*(self._look(url, left) for url in command.urls))
        answer = ImagesProbed(probe_id=command.probe_id, images=tuple(images), bounds=self._bounds)
        return [Reply(command.reply_to, answer)]


def _answer(
    url: str,
    begun: float,
    *,
    content_type: str | None = None,
    size: int | None = None,
    error_code: ErrorCode | None = None,
    error_detail: str | None = None,
) -> ProbedImage:
    return ProbedImage(
        url=url,
        content_type=content_type,
        size=size,
        ms=round((time.monotonic() - begun) * 1000),
        error_code=error_code,
        error_detail=error_detail,
    )


def _declared_size(response: httpx.Response) -> int | None:
    """Of the whole image, by RFC 9110 sections 14.4 and 8.6."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        complete = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        return int(complete[1]) if complete else None
    declared = response.headers.get("Content-Length")
    return int(declared) if declared else None  # h11 lets nothing but digits through


async def _head(response: httpx.Response) -> tuple[bytes, bool]:
    """The first bytes, and whether they are all."""
    head = b""
    async for piece in response.aiter_raw():
        head += piece
        if len(head) > HEAD_BYTES:  # not sooner: the connection of an answer read to its end is kept
            return head[:HEAD_BYTES], False
    return head, True
