"""Probes URLs: reads the start of an image to report its type and size, or why there is no image. Stores nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

import httpx
import structlog

from services.downloader.body import Body, too_large
from services.downloader.fetch import checked_type
from services.downloader.fetch_error import FetchError
from services.downloader.http_requester import REQUEST_HEADERS, HttpRequester
from services.downloader.outcomes import outcome_of
from services.downloader.pace import Pace
from services.downloader.statuses import complete_size, has_whole_content
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.file_types import HEAD_BYTES
from shared.messaging import Reply, Unproven

Probe = Callable[[str, float], Awaitable[ProbedImage]]
"""Probes a URL within a number of seconds."""

# Not HEAD: some hosts refuse it or answer it wrongly, and without bytes an error page looks like an image.
_RANGE_HEADERS: Mapping[str, str] = {**REQUEST_HEADERS, "Range": f"bytes=0-{HEAD_BYTES - 1}"}
_ANY_PACE = Pace(min_speed=0, grace=0)
_REPLY_SECONDS = 0.5  # reserved before answer_by for the reply to arrive

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _ImageInfo:
    content_type: str
    size: int | None


class UrlProber:
    """Probes URLs by the rules of a download, at most `seconds` for each. An image above `max_bytes` is an error."""

    def __init__(self, requester: HttpRequester, seconds: float, max_bytes: int) -> None:
        self._requester = requester
        self._seconds = seconds
        self._max_bytes = max_bytes

    async def probe(self, url: str, seconds_left: float) -> ProbedImage:
        """The image at `url`. Unknown after `seconds_left`, for example if others wait for the same host."""
        result = partial(_result, url, time.monotonic())
        try:
            async with asyncio.timeout(seconds_left):
                image = await self._request(url)
        except TimeoutError:
            return result(error_detail="not enough time was left for the probe")
        except FetchError as error:
            return result(error_code=outcome_of(error.cause).code, error_detail=error.detail)
        except Exception as error:
            log.exception("probe_failed_unexpectedly")
            return result(error_code=ErrorCode.INTERNAL, error_detail=type(error).__name__)
        return result(content_type=image.content_type, size=image.size)

    async def _request(self, url: str) -> _ImageInfo:
        try:
            return await self._requester.get(url, _RANGE_HEADERS, self._read_start, self._seconds)
        except FetchError as error:
            if error.cause != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
        return await self._requester.get(url, REQUEST_HEADERS, self._read_start, self._seconds)

    async def _read_start(self, response: httpx.Response) -> _ImageInfo | None:
        partial = response.status_code == HTTPStatus.PARTIAL_CONTENT
        if not partial and not has_whole_content(response.status_code, response.headers):
            return None
        body = Body(response, self._max_bytes, _ANY_PACE)
        size = complete_size(response.headers) if partial else body.declared
        if size is not None and size > self._max_bytes:
            raise too_large(size, self._max_bytes)
        head, complete = await _head(body)
        if not (partial and body.coded):  # a part of coded data always seems cut off
            body.check_end(head, head, len(head))
        if body.coded:
            size = None
        if size is None and complete and not partial:
            size = len(head)
        return _ImageInfo(checked_type(head, response), size)


class ProbeHandler:
    """Handles ProbeImages: probes all its URLs concurrently and replies before `answer_by`, or not at all."""

    def __init__(self, probe: Probe, bounds: FetchBounds, clock: Callable[[], datetime]) -> None:
        self._probe = probe
        self._bounds = bounds
        self._clock = clock

    async def __call__(self, command: ProbeImages) -> Sequence[Reply]:
        seconds_left = (command.answer_by - self._clock()).total_seconds() - _REPLY_SECONDS
        if seconds_left <= 0:
            return Unproven()
        images = await asyncio.gather(*(self._probe(url, seconds_left) for url in command.urls))
        message = ImagesProbed(probe_id=command.probe_id, images=tuple(images), bounds=self._bounds)
        return [Reply(command.reply_to, message)]


def _result(
    url: str,
    started: float,
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
        ms=round((time.monotonic() - started) * 1000),
        error_code=error_code,
        error_detail=error_detail,
    )


async def _head(body: Body) -> tuple[bytes, bool]:
    """The first bytes, and whether they are the whole body."""
    head = b""
    async for piece in body.pieces():
        head += piece
        # Not at HEAD_BYTES: only a response that was read to its end leaves its connection reusable.
        if len(head) > HEAD_BYTES:
            return head[:HEAD_BYTES], False
    return head, True
