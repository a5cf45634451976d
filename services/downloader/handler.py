"""Handles DownloadImage: stores the original, or defers or fails the image."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Protocol, TypeVar

import structlog

from services.downloader.fetch import Fetched, Unchanged
from services.downloader.fetch_error import FetchError
from services.downloader.outcomes import Defer, FetchFailure, FetchRetryPolicy
from shared.contracts.messages import (
    CompressImage,
    DownloadImage,
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    KnownResult,
    Message,
    about,
)
from shared.contracts.object_keys import copied_key, original_key
from shared.errors import DependencyUnavailable, ObjectMissing
from shared.long_lived import progress
from shared.messaging import Unproven
from shared.storage import ObjectStore

T = TypeVar("T")


class ImageFetcher(Protocol):
    """The interface of Fetcher. Both methods raise FetchError."""

    def fetch(self, url: str) -> AbstractAsyncContextManager[Fetched]: ...

    def fetch_if_changed(self, url: str, known: KnownResult) -> AbstractAsyncContextManager[Fetched | Unchanged]: ...


log = structlog.get_logger(__name__)


class DownloadHandler:
    """Handles DownloadImage. Raises DependencyUnavailable if the store fails; other errors defer or fail the image.

    observe: called with the seconds of each fetch, successful or not.
    responded: called with a command, the milliseconds until its host responded, and the status if it is an error.
    """

    def __init__(
        self,
        fetcher: ImageFetcher,
        store: ObjectStore,
        retries: FetchRetryPolicy,
        clock: Callable[[], datetime],
        observe: Callable[[float], object],
        responded: Callable[[DownloadImage, int, int | None], object],
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._retries = retries
        self._clock = clock
        self._observe = observe
        self._responded = responded

    async def __call__(self, command: DownloadImage) -> Sequence[Message]:
        if self._clock() > command.start_by:
            return Unproven()
        try:
            return [await self._download(command)]
        except DependencyUnavailable:
            raise
        except FetchError as error:
            if error.first_byte_ms is not None:
                self._responded(command, error.first_byte_ms, error.cause if isinstance(error.cause, int) else None)
            return Unproven([self._failure(command, error)])
        except Exception as error:
            log.exception("download_failed_unexpectedly")
            return Unproven([self._failure(command, FetchError(FetchFailure.INTERNAL, type(error).__name__))])

    async def _download(self, command: DownloadImage) -> CompressImage | ImageCompressed:
        if command.known is not None:
            async with self._timed(self._fetcher.fetch_if_changed(command.url, command.known)) as fetched:
                self._responded(command, fetched.first_byte_ms, None)
                if isinstance(fetched, Fetched):
                    return await self._downloaded(command, fetched)
            if (reused := await self._reused(command, command.known, fetched)) is not None:
                return reused
            progress()  # another fetch has the whole time again
        async with self._timed(self._fetcher.fetch(command.url)) as fetched:
            self._responded(command, fetched.first_byte_ms, None)
            return await self._downloaded(command, fetched)

    @asynccontextmanager
    async def _timed(self, fetch: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Observe the seconds of the fetch, without those in which its result is stored."""
        async with AsyncExitStack() as stack:
            started_at = monotonic()
            try:
                fetched = await stack.enter_async_context(fetch)
            finally:
                self._observe(monotonic() - started_at)
            yield fetched

    async def _reused(self, command: DownloadImage, known: KnownResult, unchanged: Unchanged) -> ImageCompressed | None:
        """The known result, copied for this request; None if it was deleted with its own request."""
        key = copied_key(known.result.key, command.request_id)
        try:
            await self._store.copy(known.result.key, key, known.result.content_type)
        except ObjectMissing:
            return None
        changes = {"key": key, "reused": "unchanged", "encodes": 0, "fetch_ms": unchanged.ms, "compress_ms": 0}
        return ImageCompressed(
            **about(command),
            original_key=None,
            result=known.result.model_copy(update=changes),
            etag=unchanged.validators.etag,
            last_modified=unchanged.validators.last_modified,
            reuse_key=known.reuse_key,
        )

    async def _downloaded(self, command: DownloadImage, fetched: Fetched) -> CompressImage:
        key = original_key(command.request_id, command.image_id, fetched.sha256)
        await self._put(key, fetched)
        return CompressImage(
            **about(command),
            url=command.url,
            options=command.options,
            start_by=command.start_by,
            original_key=key,
            original_bytes=fetched.size,
            fetch_ms=fetched.ms,
            original_sha256=fetched.sha256,
            etag=fetched.validators.etag,
            last_modified=fetched.validators.last_modified,
            losses=command.losses,
        )

    async def _put(self, key: str, fetched: Fetched) -> None:
        # Not durable: an original lost in a power cut is downloaded again, while fsync would slow down every image.
        if isinstance(fetched.body, Path):
            await self._store.put_file(key, fetched.body, fetched.content_type, durable=False)
        else:
            await self._store.put_bytes(key, fetched.body, fetched.content_type, durable=False)

    def _failure(self, command: DownloadImage, error: FetchError) -> ImageDeferred | ImageFailed:
        now = self._clock()
        decision = self._retries.decide(error.cause, error.retry_after, command.attempt, now, last=command.last)
        if error.after_cross_host_redirect:  # the image's own host answered
            decision = replace(decision, host_fault=False, host_pause=None)
        host_pause = decision.host_pause and decision.host_pause.total_seconds()
        if isinstance(decision, Defer):
            return ImageDeferred(
                **about(command),
                error_code=decision.code,
                error_detail=error.detail,
                delay=decision.delay.total_seconds(),
                host_fault=decision.host_fault,
                host_pause=host_pause,
            )
        return ImageFailed(
            **about(command),
            error_code=decision.code,
            error_detail=error.detail,
            host_fault=decision.host_fault,
            host_pause=host_pause,
        )
