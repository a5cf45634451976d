"""Handle CompressImage: compress an original, store the result, and report the outcome as a message."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from services.compressor.compress import Compressed
from services.compressor.compress_error import CompressError
from services.compressor.cpu_pool import Turn
from services.compressor.same_bytes import SameBytesCache
from services.compressor.worker import WorkStopped
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    CompressOptions,
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    ImageResult,
    Message,
    about,
)
from shared.contracts.object_keys import result_key, reuse_key
from shared.errors import DependencyUnavailable, ObjectMissing
from shared.losses import LossPolicy
from shared.messaging import Unproven
from shared.observability import Metrics
from shared.settings import AttemptSettings
from shared.storage import ObjectStore

# The image or the machine can cause these: out of memory, the kernel kills any process, and an overloaded machine is
# slow.
_LOSSES = frozenset({ErrorCode.DECODER_CRASHED, ErrorCode.DECODE_TIMEOUT})

log = structlog.get_logger(__name__)


class Compressor(Protocol):
    """Compresses images; CpuPool in production."""

    async def compress(
        self, original: bytes, options: CompressOptions, max_pixels: int, turn: Turn, /
    ) -> tuple[Compressed, float]: ...


@dataclass(frozen=True, slots=True)
class Reporting:
    """slow: called with the command of an image that takes long."""

    metrics: Metrics
    slow: Callable[[CompressImage], object]


@dataclass(frozen=True, slots=True)
class Retries:
    """The rules for further attempts: after failures, and after losses of a worker process."""

    attempts: AttemptSettings
    losses: LossPolicy


class CompressHandler:
    """Reads an original, compresses it, stores and publishes the result. Raises only DependencyUnavailable.

    Idempotent: a command that is delivered again stores the same object under the same key.
    """

    def __init__(
        self,
        store: ObjectStore,
        compressor: Compressor,
        max_pixels: int,
        retries: Retries,
        reporting: Reporting,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._same_bytes = SameBytesCache(store)
        self._compressor = compressor
        self._max_pixels = max_pixels
        self._attempts = retries.attempts
        self._losses = retries.losses
        self._metrics = reporting.metrics
        self._report_slow = reporting.slow
        self._clock = clock

    async def __call__(self, command: CompressImage) -> Sequence[Message]:
        """ImageCompressed, ImageFailed or ImageDeferred; nothing if the command's `start_by` has passed."""
        if self._clock() > command.start_by:
            return Unproven()
        try:
            return [await self._compress(command)]
        except DependencyUnavailable:
            raise
        except CompressError as error:
            if error.was_tried_twice:  # the pool has logged the traceback
                log.warning("picture_faulted", original_key=command.original_key, detail=error.detail)
            return [self._failure(command, error)]
        except WorkStopped as stopped:
            return [_for_slow_lane(command, stopped.seconds)]
        except _OriginalLost as lost:
            return [self._lost(command, str(lost))]
        except Exception as error:
            log.exception("compress_failed", original_key=command.original_key)
            delay = self._attempts.delay_after(command.attempt)
            return [self._deferred(command, ErrorCode.INTERNAL, type(error).__name__, delay)]

    async def _compress(self, command: CompressImage) -> ImageCompressed:
        async with self._same_bytes.lock(command) as has_lock:
            if not has_lock and not command.spent_ms:
                self._report_slow(command)
                raise WorkStopped(0)
            result = await self._result(command)
        return ImageCompressed(
            **about(command),
            original_key=command.original_key,
            result=result,
            etag=command.etag,
            last_modified=command.last_modified,
            reuse_key=reuse_key(command.url, command.options) if command.etag or command.last_modified else None,
        )

    async def _result(self, command: CompressImage) -> ImageResult:
        """That of the same bytes, or a new one."""
        self._same_bytes.raise_failure(command)
        result = await self._same_bytes.copy_result(command)
        if result is None:
            try:
                result = await self._compress_original(command)
            except CompressError as error:
                self._same_bytes.remember_failure(command, error)
                raise
            self._same_bytes.remember(command, result)
        return result

    async def _compress_original(self, command: CompressImage) -> ImageResult:
        original = await self._read_original(command)
        turn = Turn(command.request_id, command.spent_ms / 1000, partial(self._report_slow, command))
        compressed, seconds = await self._compressor.compress(original, command.options, self._max_pixels, turn)
        self._metrics.compress_seconds.observe(seconds)
        data = original if compressed.data is None else compressed.data
        key = result_key(command.request_id, command.image_id, command.url, data, compressed.extension)
        await self._store.put_bytes(key, data, compressed.content_type)
        return ImageResult(
            key=key,
            content_type=compressed.content_type,
            action=compressed.action,
            format=compressed.format,
            width=compressed.width,
            height=compressed.height,
            original_width=compressed.original_width,
            original_height=compressed.original_height,
            quality=compressed.quality,
            target_met=compressed.target_met,
            encodes=compressed.encodes,
            ssim=compressed.ssim,
            lost=compressed.lost,
            bytes_in=len(original),
            bytes_out=len(data),
            fetch_ms=command.fetch_ms,
            compress_ms=command.spent_ms + round(seconds * 1000),
        )

    def _failure(self, command: CompressImage, error: CompressError) -> Message:
        """A picture that used its whole time is at fault, and so is one that was late again while it was alone."""
        is_at_fault = error.code is ErrorCode.DECODE_TIMEOUT and (error.used_its_time or command.losses > 0)
        answer = (
            self._losses.answer(command, error.code, error.detail)
            if error.code in _LOSSES and not is_at_fault
            else _failed(command, error.code, error.detail)
        )
        return answer.model_copy(update={"decoder_ms": command.spent_ms + error.milliseconds})

    async def _read_original(self, command: CompressImage) -> bytes:
        try:
            original = await self._store.get_bytes(command.original_key)
        except ObjectMissing as missing:
            raise _OriginalLost("the stored original is gone") from missing
        if len(original) != command.original_bytes:
            raise _OriginalLost(f"the stored original has {len(original)} bytes, not {command.original_bytes}")
        return original

    def _deferred(self, command: CompressImage, code: ErrorCode, detail: str, delay: timedelta) -> Message:
        """Another attempt, beginning with the download; ImageFailed if no attempts are left."""
        if command.attempt >= self._attempts.fetch_attempts:
            return _failed(command, code, detail)
        return ImageDeferred(
            **about(command),
            error_code=code,
            error_detail=detail,
            delay=delay.total_seconds(),
            counts=True,
            original_key=command.original_key,
            decoder_ms=command.spent_ms,
        )

    def _lost(self, command: CompressImage, detail: str) -> Message:
        """The image is downloaded again, after a delay that grows: a fault of our store is no attempt of the image."""
        log.warning("original_lost", original_key=command.original_key, detail=detail)
        self._metrics.originals_lost.inc()
        return ImageDeferred(
            **about(command),
            error_code=ErrorCode.STORAGE,
            error_detail=detail,
            delay=self._attempts.delay_after(command.dispatch).total_seconds(),
            counts=False,
            original_key=command.original_key,
            decoder_ms=command.spent_ms,
        )


class _OriginalLost(Exception):
    """The store works, but no longer has the bytes that were stored."""


def _failed(command: CompressImage, code: ErrorCode, detail: str) -> ImageFailed:
    return ImageFailed(**about(command), error_code=code, error_detail=detail, original_key=command.original_key)


def _for_slow_lane(command: CompressImage, seconds: float) -> CompressImage:
    """The command after a worker process spent so many seconds on it, perhaps none."""
    spent_ms = max(1, command.spent_ms + round(seconds * 1000))  # only with some does it go to the slow lane's queue
    return command.model_copy(update={"spent_ms": spent_ms})
