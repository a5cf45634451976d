"""From a command to what became of it: the original is in the store, or the image has to wait, or has failed."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from time import monotonic

import structlog

from services.downloader.fetch import Fetched
from services.downloader.fetch_fault import FetchFault
from services.downloader.outcomes import Defer, RetryPlan, Trouble
from shared.contracts.messages import CompressImage, DownloadImage, ImageDeferred, ImageFailed, Message, about
from shared.contracts.object_keys import original_key
from shared.errors import OwnFault
from shared.storage.object_store import ObjectStore

Fetch = Callable[[str], AbstractAsyncContextManager[Fetched]]
"""Raises FetchFault."""

log = structlog.get_logger(__name__)


class DownloadHandler:
    """Handles DownloadImage. A fault of the store is raised; anything else that goes wrong is an answer.

    observe: is told how many seconds each download took, whatever came of it.
    """

    def __init__(
        self,
        fetch: Fetch,
        store: ObjectStore,
        retries: RetryPlan,
        clock: Callable[[], datetime],
        observe: Callable[[float], object],
    ) -> None:
        self._fetch = fetch
        self._store = store
        self._retries = retries
        self._clock = clock
        self._observe = observe

    async def __call__(self, command: DownloadImage) -> Sequence[Message]:
        if self._clock() > command.start_by:
            return []
        begun = monotonic()
        try:
            return [await self._download(command)]
        except OwnFault:
            raise
        except FetchFault as fault:
            return [self._answer(command, fault)]
        except Exception as error:
            log.exception("download_failed_unexpectedly")
            return [self._answer(command, FetchFault(Trouble.INTERNAL, type(error).__name__))]
        finally:
            self._observe(monotonic() - begun)

    async def _download(self, command: DownloadImage) -> CompressImage:
        async with self._fetch(command.url) as fetched:
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
        )

    async def _put(self, key: str, fetched: Fetched) -> None:
        # Not durable: an original that a power cut took is downloaded again, and fsync would cost every image.
        if isinstance(fetched.body, Path):
            await self._store.put_file(key, fetched.body, fetched.content_type, durable=False)
        else:
            await self._store.put_bytes(key, fetched.body, fetched.content_type, durable=False)

    def _answer(self, command: DownloadImage, fault: FetchFault) -> ImageDeferred | ImageFailed:
        decision = self._retries.decide(fault.cause, fault.retry_after, command.attempt, self._clock())
        if isinstance(decision, Defer):
            return ImageDeferred(
                **about(command),
                error_code=decision.code,
                error_detail=fault.detail,
                not_before=decision.not_before,
                counts=decision.counts,
                host_fault=decision.host_fault,
                host_until=decision.host_until,
            )
        return ImageFailed(
            **about(command),
            error_code=decision.code,
            error_detail=fault.detail,
            host_fault=decision.host_fault,
            host_until=decision.host_until,
        )
