"""Downloads one image within limits of time and size, or finds that the known version is unchanged."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from services.downloader.body import Body
from services.downloader.content_coding import unknown_codings
from services.downloader.fetch_error import FetchError
from services.downloader.http_requester import (
    FIRST_BYTE_MS,
    REDIRECTED,
    REQUEST_HEADERS,
    HttpRequester,
    ReadBody,
)
from services.downloader.outcomes import FetchFailure
from services.downloader.pace import Pace
from services.downloader.spool import Spool
from services.downloader.statuses import has_whole_content
from services.downloader.validators import Validators, conditions, is_not_modified
from shared.contracts.messages import KnownResult
from shared.file_types import HEAD_BYTES, file_type

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An original. A `body` on disk is deleted when the context of its fetch ends.

    ms: duration of the download. first_byte_ms: until the head of the response.
    """

    body: bytes | Path
    size: int
    sha256: str
    content_type: str
    ms: int
    first_byte_ms: int
    validators: Validators


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The host reports that the known version is still current. `ms`: duration of the request."""

    validators: Validators
    ms: int

    @property
    def first_byte_ms(self) -> int:
        """Such a response has only a head."""
        return self.ms


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Limits of one download.

    total_seconds: redirects included. min_speed, slow_grace: see Pace.
    """

    total_seconds: float
    max_bytes: int
    min_speed: int
    slow_grace: float


@dataclass(frozen=True, slots=True)
class _Received:
    content_type: str
    first_byte_ms: int
    validators: Validators


class Fetcher:
    """Downloads images."""

    def __init__(self, requester: HttpRequester, limits: FetchLimits) -> None:
        self._requester = requester
        self._limits = limits

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncIterator[Fetched]:
        """The image at `url`. Raises FetchError."""
        started = time.monotonic()
        with Spool() as spool:
            received = await self._get(url, REQUEST_HEADERS, partial(self._receive, spool))
            yield await _fetched(spool, received, started)

    @asynccontextmanager
    async def fetch_if_changed(self, url: str, known: KnownResult) -> AsyncIterator[Fetched | Unchanged]:
        """The image at `url`, or Unchanged if it is still the one from which `known` was made. Raises FetchError."""
        started = time.monotonic()
        with Spool() as spool:
            headers = {**REQUEST_HEADERS, **conditions(known)}
            received: _Received | Validators = await self._get(url, headers, partial(self._receive_if_changed, spool))
            if isinstance(received, Validators):
                yield Unchanged(received.or_else(known), _ms_since(started))
            else:
                yield await _fetched(spool, received, started)

    async def _get(self, url: str, headers: Mapping[str, str], read_body: ReadBody[T]) -> T:
        return await self._requester.get(url, headers, read_body, self._limits.total_seconds)

    async def _receive_if_changed(self, spool: Spool, response: httpx.Response) -> _Received | Validators | None:
        if is_not_modified(response.status_code, response.request.headers):
            return _validators(response)
        return await self._receive(spool, response)

    async def _receive(self, spool: Spool, response: httpx.Response) -> _Received | None:
        """Write the image to `spool`; None if the response has none."""
        if not has_whole_content(response.status_code, response.headers):
            return None
        body = Body(response, self._limits.max_bytes, Pace(self._limits.min_speed, self._limits.slow_grace))
        content_type = None
        async for piece in body.pieces():
            await spool.write(piece)
            if content_type is None and spool.size >= HEAD_BYTES:
                content_type = checked_type(spool.head, response)
        body.check_end(spool.head, spool.tail, spool.size)
        checked = content_type or checked_type(spool.head, response)
        return _Received(checked, response.extensions[FIRST_BYTE_MS], _validators(response))


def checked_type(head: bytes, response: httpx.Response) -> str:
    """The media type of the image that begins with `head`. Raises FetchError if it is not an image."""
    found = file_type(head)
    if found.media_type:
        return found.media_type
    if unknown := unknown_codings(response.headers.get("Content-Encoding", "")):
        detail = f"compressed with {', '.join(unknown)}, although no compression was asked for"
        raise FetchError(FetchFailure.BAD_RESPONSE, detail)
    declared = response.headers.get("Content-Type")
    raise FetchError(FetchFailure.NOT_AN_IMAGE, found.description + (f", declared as {declared}" if declared else ""))


def _validators(response: httpx.Response) -> Validators:
    """The response's validators; none after a redirect, since the next request may be redirected elsewhere."""
    return Validators() if response.extensions[REDIRECTED] else Validators.from_headers(response.headers)


async def _fetched(spool: Spool, received: _Received, started: float) -> Fetched:
    body = await spool.finish()
    return Fetched(
        body,
        spool.size,
        spool.sha256,
        received.content_type,
        _ms_since(started),
        received.first_byte_ms,
        received.validators,
    )


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
