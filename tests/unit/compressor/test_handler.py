"""The message that follows from each CompressImage, and what is stored."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError
from services.compressor.cpu_pool import Turn
from services.compressor.handler import CompressHandler, Reporting, Retries
from services.compressor.worker import WorkStopped
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    CompressOptions,
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    Message,
)
from shared.contracts.object_keys import image_id, original_key, result_key
from shared.errors import StorageUnavailable
from shared.losses import LossPolicy
from shared.messaging import DependencyGate, Hold, Queue
from shared.messaging.topology import queue_of
from shared.observability import Health, Metrics
from shared.settings import AttemptSettings, LossSettings
from shared.storage import HeldPuts, ObjectStore
from tests.fakes import MemoryObjectStore
from tests.support.builders import NOW, REQUEST_ID
from tests.support.compressing import MAX_PIXELS, a_picture, decoded, encoded

URL = "http://images.test/Red%20Shoe.JPG?size=big"
IMAGE = image_id(URL)
ORIGINAL = encoded(a_picture(), "JPEG")
KEY = original_key(REQUEST_ID, IMAGE, "a" * 64)
SECONDS = 0.034


class InThisProcess:
    """Compresses for real, without worker processes."""

    async def compress(
        self, original: bytes, options: CompressOptions, max_pixels: int, _: Turn
    ) -> tuple[Compressed, float]:
        return compress(original, options, max_pixels), SECONDS


class Broken:
    """Always fails: with `error`, or with an unexpected exception."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def compress(
        self, original: bytes, options: CompressOptions, max_pixels: int, _: Turn
    ) -> tuple[Compressed, float]:
        raise self._error or RuntimeError(f"cannot do {options} of {len(original)} bytes and {max_pixels} pixels")


class Slow:
    """Reports each picture as slow, then stops it after `seconds`. turns: of all calls."""

    def __init__(self, seconds: float = 2.5) -> None:
        self.turns: list[Turn] = []
        self._seconds = seconds

    async def compress(
        self, _original: bytes, _options: CompressOptions, _max_pixels: int, turn: Turn
    ) -> tuple[Compressed, float]:
        self.turns.append(turn)
        assert turn.on_slow is not None
        turn.on_slow()
        raise WorkStopped(self._seconds)


def a_command(original: bytes = ORIGINAL, **changes: object) -> CompressImage:
    known = {
        "request_id": REQUEST_ID,
        "image_id": IMAGE,
        "round": 2,
        "dispatch": 3,
        "attempt": 1,
        "url": URL,
        "options": CompressOptions(percent=50),
        "start_by": NOW + timedelta(minutes=1),
        "original_key": KEY,
        "original_bytes": len(original),
        "fetch_ms": 12,
    }
    return CompressImage.model_validate(known | changes)


@pytest.fixture
async def store() -> MemoryObjectStore:
    store = MemoryObjectStore(lambda: NOW)
    await store.put_bytes(KEY, ORIGINAL, "image/jpeg")
    return store


def a_handler(
    store: ObjectStore,
    compressor: InThisProcess | Broken | Slow | None = None,
    slow: list[CompressImage] | None = None,
) -> CompressHandler:
    return CompressHandler(
        store=store,
        compressor=compressor or InThisProcess(),
        max_pixels=MAX_PIXELS,
        retries=Retries(
            AttemptSettings(fetch_attempts=3, fetch_retry_schedule=(5, 30)),
            LossPolicy(LossSettings(loss_retry_schedule=(60, 600)), lambda: 0.5),
        ),
        reporting=Reporting(Metrics(CollectorRegistry()), (slow if slow is not None else []).append),
        clock=lambda: NOW,
    )


async def answer(handler: CompressHandler, command: CompressImage) -> Message:
    (message,) = await handler(command)
    assert isinstance(message, ImageCompressed | ImageFailed | ImageDeferred)
    same = ("request_id", "image_id", "round", "dispatch", "attempt", "original_key")
    assert [getattr(message, name) for name in same] == [getattr(command, name) for name in same]
    return message


async def test_the_result_is_stored_durably_before_it_is_published(store: MemoryObjectStore) -> None:
    message = await answer(a_handler(store), a_command())

    assert isinstance(message, ImageCompressed)
    result = message.result
    stored = store.objects[result.key]
    assert result.key == result_key(REQUEST_ID, IMAGE, URL, stored.data, "jpg")
    assert result.key.startswith(f"results/{REQUEST_ID}/red-shoe-")
    assert stored.durable
    assert stored.content_type == result.content_type == "image/jpeg"
    assert decoded(stored.data).size == (result.width, result.height) == (160, 120)
    assert (result.bytes_in, result.bytes_out) == (len(ORIGINAL), len(stored.data))
    assert result.bytes_out <= result.bytes_in // 2
    assert (result.action, result.target_met, result.format) == ("compressed", True, "jpeg")
    assert (result.fetch_ms, result.compress_ms) == (12, round(SECONDS * 1000))


class FullStore(MemoryObjectStore):
    """Its puts fail while `is_full`."""

    is_full = False

    async def put_bytes(self, key: str, data: bytes, content_type: str, *, durable: bool = True) -> None:
        if self.is_full:
            raise StorageUnavailable("no space left")
        await super().put_bytes(key, data, content_type, durable=durable)


class Counting(InThisProcess):
    calls = 0

    async def compress(
        self, original: bytes, options: CompressOptions, max_pixels: int, _: Turn
    ) -> tuple[Compressed, float]:
        self.calls += 1
        return await super().compress(original, options, max_pixels, _)


async def test_a_result_that_waits_for_the_store_is_not_compressed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.messaging.dependency_gate._PING_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr("shared.messaging.hold._RETRY_FOR_SECONDS", 0)
    store, compressor, pings = FullStore(lambda: NOW), Counting(), 0
    await store.put_bytes(KEY, ORIGINAL, "image/jpeg")
    store.is_full = True

    async def ping() -> None:
        nonlocal pings
        pings += 1
        store.is_full = pings < 3
        if store.is_full:
            raise StorageUnavailable("no space left")

    held = HeldPuts(store, Hold(DependencyGate({"storage": ping}, Health()), asyncio.Event()))
    message = await answer(a_handler(held, compressor), a_command())
    assert isinstance(message, ImageCompressed)
    assert message.result.key in store.objects
    assert (compressor.calls, pings) == (1, 3)


async def test_a_kept_original_is_stored_as_a_result(store: MemoryObjectStore) -> None:
    original = encoded(a_picture("L", (1, 1)), "PNG", optimize=True)
    await store.put_bytes(KEY, original, "image/png")

    message = await answer(a_handler(store), a_command(original))

    assert isinstance(message, ImageCompressed)
    assert message.result.action == "kept_original"
    assert message.result.bytes_in == message.result.bytes_out == len(original)
    assert store.objects[message.result.key].data == original
    assert message.result.key.endswith(".png")
    assert KEY in store.objects


async def test_a_second_delivery_changes_nothing(store: MemoryObjectStore) -> None:
    handler = a_handler(store)
    first = await answer(handler, a_command())
    objects = dict(store.objects)

    assert await answer(handler, a_command()) == first
    assert store.objects == objects


async def test_options_determine_the_result_and_its_key(store: MemoryObjectStore) -> None:
    options = CompressOptions(mode="dimensions", percent=50, format="webp", max_height=30)

    message = await answer(a_handler(store), a_command(options=options))

    assert isinstance(message, ImageCompressed)
    result = message.result
    assert (result.original_width, result.original_height) == (160, 120)
    assert (result.width, result.height) == decoded(store.objects[result.key].data).size == (40, 30)
    assert (result.format, result.content_type) == ("webp", "image/webp")
    assert result.key.endswith(".webp")
    assert result.encodes == 1


async def test_percent_is_the_target_size(store: MemoryObjectStore) -> None:
    message = await answer(a_handler(store), a_command(options=CompressOptions(percent=20)))

    assert isinstance(message, ImageCompressed)
    assert len(ORIGINAL) * 0.1 < message.result.bytes_out <= len(ORIGINAL) * 0.2


async def test_a_command_past_its_start_by_is_dropped(store: MemoryObjectStore) -> None:
    before = dict(store.objects)

    assert await a_handler(store)(a_command(start_by=NOW - timedelta(seconds=1))) == []
    assert store.objects == before


async def test_an_image_that_does_not_decode_fails_at_once(store: MemoryObjectStore) -> None:
    broken = ORIGINAL[:400]
    await store.put_bytes(KEY, broken, "image/jpeg")

    message = await answer(a_handler(store), a_command(broken))

    assert isinstance(message, ImageFailed)
    assert message.error_code is ErrorCode.DECODE_ERROR
    assert message.error_detail


async def test_a_missing_original_is_downloaded_again(store: MemoryObjectStore) -> None:
    await store.delete([KEY])

    message = await answer(a_handler(store), a_command())

    assert isinstance(message, ImageDeferred)
    assert (message.error_code, message.counts) == (ErrorCode.STORAGE, False)
    assert message.delay == 30


async def test_an_original_of_the_wrong_size_is_downloaded_again(store: MemoryObjectStore) -> None:
    message = await answer(a_handler(store), a_command(original_bytes=len(ORIGINAL) + 1))

    assert isinstance(message, ImageDeferred)
    assert message.error_code is ErrorCode.STORAGE


async def test_an_unexpected_exception_defers_the_image_by_the_retry_schedule(store: MemoryObjectStore) -> None:
    handler = a_handler(store, Broken())

    first, second = await answer(handler, a_command()), await answer(handler, a_command(attempt=2))

    assert isinstance(first, ImageDeferred)
    assert isinstance(second, ImageDeferred)
    assert (first.error_code, first.error_detail, first.counts) == (ErrorCode.INTERNAL, "RuntimeError", True)
    assert (first.delay, second.delay) == (5, 30)


async def test_the_last_attempt_fails_the_image(store: MemoryObjectStore) -> None:
    handler = a_handler(store, Broken())

    assert isinstance(await answer(handler, a_command(attempt=2)), ImageDeferred)
    message = await answer(handler, a_command(attempt=3))

    assert isinstance(message, ImageFailed)
    assert message.error_code is ErrorCode.INTERNAL


async def test_a_store_that_loses_originals_uses_up_no_attempt_and_the_delays_grow(store: MemoryObjectStore) -> None:
    await store.delete([KEY])
    handler = a_handler(store)

    messages = [await answer(handler, a_command(dispatch=dispatch, attempt=3)) for dispatch in (1, 2, 99)]

    assert all(isinstance(message, ImageDeferred) and not message.counts for message in messages)
    assert [message.delay for message in messages if isinstance(message, ImageDeferred)] == [5, 30, 30]


async def test_an_unavailable_store_is_left_to_the_runtime(store: MemoryObjectStore) -> None:
    store.available = False

    with pytest.raises(StorageUnavailable):
        await a_handler(store)(a_command())


async def test_a_stopped_picture_is_sent_to_the_slow_lane_with_the_time_that_it_used(store: MemoryObjectStore) -> None:
    reported: list[CompressImage] = []
    pool = Slow()
    handler = a_handler(store, pool, reported)
    [first] = await handler(a_command())
    assert first == a_command(spent_ms=2500)
    assert isinstance(first, CompressImage)
    assert await handler(first) == [a_command(spent_ms=5000)]
    assert [(turn.request_id, turn.spent_seconds) for turn in pool.turns] == [(REQUEST_ID, 0), (REQUEST_ID, 2.5)]
    assert reported == [a_command(), first]


async def test_a_picture_that_is_sent_to_the_slow_lane_before_its_start_does_not_return_to_the_usual_queue(
    store: MemoryObjectStore,
) -> None:
    [command] = await a_handler(store, Slow(seconds=0))(a_command())
    assert isinstance(command, CompressImage)
    assert queue_of(command) is Queue.COMPRESS_SLOW


async def test_a_picture_that_used_its_whole_time_fails_at_once(store: MemoryObjectStore) -> None:
    """Decoding it again would take as long."""
    late = CompressError(ErrorCode.DECODE_TIMEOUT, "not compressed after 60 s")
    late.used_its_time, late.milliseconds = True, 58_000
    failure = await answer(a_handler(store, Broken(late)), a_command(spent_ms=2_000))
    assert isinstance(failure, ImageFailed)
    assert (failure.error_code, failure.decoder_ms) == (ErrorCode.DECODE_TIMEOUT, 60_000)


async def test_a_picture_that_was_late_without_a_processor_gets_one_more_run_alone(store: MemoryObjectStore) -> None:
    late = CompressError(ErrorCode.DECODE_TIMEOUT, "not compressed after 60 s")
    late.milliseconds = 60_000
    handler = a_handler(store, Broken(late))
    first, second = await answer(handler, a_command()), await answer(handler, a_command(losses=1))
    assert isinstance(first, ImageDeferred)
    assert (first.lost, first.decoder_ms) == (True, 60_000)
    assert isinstance(second, ImageFailed)


@pytest.mark.parametrize("attempt", [1, 3])
async def test_a_crash_is_a_loss_whatever_the_attempt(store: MemoryObjectStore, attempt: int) -> None:
    code = ErrorCode.DECODER_CRASHED
    handler = a_handler(store, Broken(CompressError(code, "the process died")))

    first = await answer(handler, a_command(attempt=attempt))
    second = await answer(handler, a_command(attempt=attempt, losses=1))
    third = await answer(handler, a_command(attempt=attempt, losses=2))

    for deferral, delay in ((first, 90), (second, 900)):
        assert isinstance(deferral, ImageDeferred)
        assert (deferral.error_code, deferral.counts, deferral.lost) == (code, False, True)
        assert deferral.delay == delay
    assert isinstance(third, ImageFailed)
    assert third.error_code == code
