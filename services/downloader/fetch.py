"""One bounded download: so much time, so many bytes, and an image at the end, or that it is still the known one."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from services.downloader.fetch_error import FetchError
from services.downloader.http_requester import HEADERS, WHOLE, HttpRequester, Take
from services.downloader.outcomes import FetchFailure
from services.downloader.spool import Spool
from services.downloader.validators import Validators, conditions, is_not_modified
from shared.contracts.messages import KnownResult
from shared.file_types import HEAD_BYTES, file_type

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An original. A `body` on disk is gone when the context of its fetch is left. `ms` is how long it took."""

    body: bytes | Path
    size: int
    sha256: str
    content_type: str
    ms: int
    validators: Validators


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The host says that the known version still holds. `ms` is how long it took to say so."""

    validators: Validators
    ms: int


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Of one download: seconds, redirects included, and bytes."""

    total_seconds: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class _Received:
    content_type: str
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
            received = await self._ask(url, HEADERS, partial(self._receive, url, spool))
            yield await _fetched(spool, received, started)

    @asynccontextmanager
    async def fetch_if_changed(self, url: str, known: KnownResult) -> AsyncIterator[Fetched | Unchanged]:
        """The image at `url`, or that it is still the one that `known` was made of. Raises FetchError."""
        started = time.monotonic()
        with Spool() as spool:
            headers = {**HEADERS, **conditions(known)}
            received: _Received | Validators = await self._ask(url, headers, partial(self._receive_or_not, url, spool))
            if isinstance(received, Validators):
                yield Unchanged(received.or_else(known), _ms_since(started))
            else:
                yield await _fetched(spool, received, started)

    async def _ask(self, url: str, headers: Mapping[str, str], take: Take[T]) -> T:
        return await self._requester.ask(url, headers, take, self._limits.total_seconds)

    async def _receive_or_not(self, url: str, spool: Spool, response: httpx.Response) -> _Received | Validators | None:
        if is_not_modified(response):
            return Validators.of(response, url)
        return await self._receive(url, spool, response)

    async def _receive(self, url: str, spool: Spool, response: httpx.Response) -> _Received | None:
        """What the image, now in `spool`, is said to be."""
        if response.status_code not in WHOLE:
            return None
        declared = int(response.headers.get("Content-Length", 0))  # h11 lets nothing but digits through
        if declared > self._limits.max_bytes:
            raise too_large(declared, self._limits.max_bytes)
        content_type = None
        async for piece in response.aiter_raw():
            await spool.write(piece)
            if spool.size > self._limits.max_bytes:
                raise FetchError(
                    FetchFailure.TOO_LARGE, f"more than the {self._limits.max_bytes} bytes that are allowed"
                )
            if content_type is None and spool.size >= HEAD_BYTES:
                content_type = checked_type(spool.head, response)
        return _Received(content_type or checked_type(spool.head, response), Validators.of(response, url))


def too_large(size: int, max_bytes: int) -> FetchError:
    """For an image whose size is told before its bytes come."""
    return FetchError(FetchFailure.TOO_LARGE, f"{size} bytes, {max_bytes} are allowed")


def checked_type(head: bytes, response: httpx.Response) -> str:
    """The media type of the image that begins with `head`. Raises FetchError if it is none."""
    found = file_type(head)
    if found.media_type:
        return found.media_type
    declared = response.headers.get("Content-Type")
    raise FetchError(FetchFailure.NOT_AN_IMAGE, found.description + (f", declared as {declared}" if declared else ""))


async def _fetched(spool: Spool, received: _Received, started: float) -> Fetched:
    body = await spool.finish()
    return Fetched(body, spool.size, spool.sha256, received.content_type, _ms_since(started), received.validators)


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
