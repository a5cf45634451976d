"""Identical bytes under several URLs are compressed once; each URL gets its own object."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from services.compressor import same_bytes
from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError
from services.compressor.cpu_pool import Turn
from services.compressor.handler import CompressHandler, Reporting, Retries
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressImage, CompressOptions, ImageCompressed, ImageFailed, Message
from shared.contracts.object_keys import image_id, original_key
from shared.losses import LossPolicy
from shared.observability import Metrics
from shared.settings import AttemptSettings, LossSettings
from tests.fakes import MemoryObjectStore
from tests.support.builders import NOW, REQUEST_ID
from tests.support.compressing import MAX_PIXELS, a_picture, encoded
from tests.support.waiting import until

ORIGINAL = encoded(a_picture(), "JPEG")
SHA256 = "5a" * 32


class Counting:
    """Compresses once `go` is set, or fails with `error`; counts the calls."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self.go.set()
        self._error = error

    async def compress(
        self, original: bytes, options: CompressOptions, max_pixels: int, _: Turn
    ) -> tuple[Compressed, float]:
        self.calls += 1
        await self.go.wait()
        if self._error:
            raise self._error
        return compress(original, options, max_pixels), 0.05


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore(lambda: NOW)


def a_handler(
    store: MemoryObjectStore, compressor: Counting, slow: list[CompressImage] | None = None
) -> CompressHandler:
    retries = Retries(AttemptSettings(), LossPolicy(LossSettings(), lambda: 0.0))
    reporting = Reporting(Metrics(CollectorRegistry()), (slow if slow is not None else []).append)
    return CompressHandler(store, compressor, MAX_PIXELS, retries, reporting, lambda: NOW)


async def a_command(store: MemoryObjectStore, url: str, **changes: object) -> CompressImage:
    command = {
        "request_id": REQUEST_ID,
        "image_id": image_id(url),
        "round": 1,
        "dispatch": 1,
        "attempt": 1,
        "url": url,
        "options": CompressOptions(),
        "start_by": NOW + timedelta(minutes=1),
        "original_key": original_key(REQUEST_ID, image_id(url), SHA256),
        "original_bytes": len(ORIGINAL),
        "original_sha256": SHA256,
        "fetch_ms": 12,
    }
    made = CompressImage.model_validate(command | changes)
    await store.put_bytes(made.original_key, ORIGINAL, "image/jpeg")
    return made


async def compressed(handler: CompressHandler, command: CompressImage) -> ImageCompressed:
    return _compressed(await handler(command))


def _compressed(messages: object) -> ImageCompressed:
    assert isinstance(messages, list)
    (message,) = messages
    assert isinstance(message, ImageCompressed)
    return message


async def test_the_second_url_gets_a_copy_of_the_first_result(store: MemoryObjectStore) -> None:
    compressor = Counting()
    handler = a_handler(store, compressor)
    first = await compressed(handler, await a_command(store, "http://i.test/a.jpg"))
    second = await compressed(handler, await a_command(store, "http://i.test/b.jpg", fetch_ms=34))

    assert compressor.calls == 1
    assert first.result.reused is None
    same = first.result.model_copy(
        update={
            "key": second.result.key,
            "reused": "same_bytes",
            "encodes": 0,
            "fetch_ms": 34,
            "compress_ms": 0,
        }
    )
    assert second.result == same
    assert second.result.key != first.result.key
    assert second.result.key.startswith(f"results/{REQUEST_ID}/b-")
    assert await store.get_bytes(second.result.key) == await store.get_bytes(first.result.key)


async def test_simultaneous_commands_with_the_same_bytes_compress_once(store: MemoryObjectStore) -> None:
    compressor = Counting()
    compressor.go.clear()
    handler = a_handler(store, compressor)
    commands = [await a_command(store, f"http://i.test/{number}.jpg") for number in range(5)]
    under_way = [asyncio.create_task(handler(command)) for command in commands]
    await until(lambda: bool(compressor.calls))
    compressor.go.set()

    results = [_compressed(messages).result for messages in await asyncio.gather(*under_way)]

    assert compressor.calls == 1
    assert sorted(str(result.reused) for result in results) == ["None", *["same_bytes"] * 4]
    assert len({result.key for result in results}) == 5


async def test_a_redelivered_command_is_not_reported_as_a_copy_of_itself(store: MemoryObjectStore) -> None:
    compressor = Counting()
    handler, command = a_handler(store, compressor), await a_command(store, "http://i.test/a.jpg")

    assert await compressed(handler, command) == await compressed(handler, command)
    assert compressor.calls == 1


@pytest.mark.parametrize(
    "changes",
    [{"request_id": "01KDA7ZZ0000000000000OTHER"}, {"original_sha256": "5b" * 32}],
    ids=["another request", "other bytes"],
)
async def test_results_are_not_shared_across_requests_or_different_bytes(
    store: MemoryObjectStore, changes: dict[str, object]
) -> None:
    compressor = Counting()
    handler = a_handler(store, compressor)
    await compressed(handler, await a_command(store, "http://i.test/a.jpg"))
    second = await compressed(handler, await a_command(store, "http://i.test/b.jpg", **changes))

    assert (compressor.calls, second.result.reused) == (2, None)


async def test_a_command_without_a_hash_is_compressed(store: MemoryObjectStore) -> None:
    compressor = Counting()
    handler = a_handler(store, compressor)
    for name in "ab":
        await compressed(handler, await a_command(store, f"http://i.test/{name}.jpg", original_sha256=None))

    assert compressor.calls == 2


@pytest.mark.parametrize("damage", ["gone", "cut"])
async def test_an_unusable_result_is_made_again(store: MemoryObjectStore, damage: str) -> None:
    compressor = Counting()
    handler = a_handler(store, compressor)
    first = await compressed(handler, await a_command(store, "http://i.test/a.jpg"))
    if damage == "gone":
        await store.delete([first.result.key])
    else:
        await store.put_bytes(first.result.key, b"cut", "image/jpeg")
    second = await compressed(handler, await a_command(store, "http://i.test/b.jpg"))

    assert (compressor.calls, second.result.reused) == (2, None)


async def test_the_results_used_least_recently_are_forgotten(
    store: MemoryObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_bytes, "MAX_REMEMBERED", 2)
    compressor = Counting()
    handler = a_handler(store, compressor)

    async def reused(name: str, digit: str) -> str | None:
        command = await a_command(store, f"http://i.test/{name}.jpg", original_sha256=digit * 64)
        return (await compressed(handler, command)).result.reused

    assert [await reused(f"first-{digit}", digit) for digit in "12"] == [None, None]
    assert await reused("again-1", "1") == "same_bytes"
    assert await reused("first-3", "3") is None
    assert await reused("again-2", "2") is None
    assert await reused("again-3", "3") == "same_bytes"


def late(*, used_its_time: bool) -> CompressError:
    error = CompressError(ErrorCode.DECODE_TIMEOUT, "not compressed after 60 s")
    error.used_its_time, error.milliseconds = used_its_time, 60_000
    return error


async def test_bytes_that_took_their_whole_time_limit_are_not_tried_again_in_the_same_round(
    store: MemoryObjectStore,
) -> None:
    compressor = Counting(late(used_its_time=True))
    handler = a_handler(store, compressor)
    [first] = await handler(await a_command(store, "http://i.test/a.jpg"))
    [second] = await handler(await a_command(store, "http://i.test/b.jpg", spent_ms=1))
    assert isinstance(first, ImageFailed)
    assert isinstance(second, ImageFailed)
    assert (second.error_code, second.error_detail) == (first.error_code, first.error_detail)
    assert (first.decoder_ms, second.decoder_ms) == (60_000, 1)
    assert compressor.calls == 1

    await handler(await a_command(store, "http://i.test/a.jpg", round=2))
    assert compressor.calls == 2, "the user has asked for another try"


async def test_bytes_that_were_late_without_a_processor_are_tried_again(store: MemoryObjectStore) -> None:
    compressor = Counting(late(used_its_time=False))
    handler = a_handler(store, compressor)
    for name in "ab":
        await handler(await a_command(store, f"http://i.test/{name}.jpg"))
    assert compressor.calls == 2


async def test_the_failures_used_least_recently_are_forgotten(
    store: MemoryObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_bytes, "MAX_REMEMBERED", 2)
    compressor = Counting(late(used_its_time=True))
    handler = a_handler(store, compressor)
    for digit in "12132":
        await handler(await a_command(store, "http://i.test/a.jpg", original_sha256=digit * 64))
    assert compressor.calls == 4


async def test_commands_with_the_bytes_of_a_slow_picture_go_to_the_slow_lane(
    store: MemoryObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There they work for themselves if the picture has not ended yet. Those that come later do not wait at all."""
    monkeypatch.setattr(same_bytes, "SLOW_SECONDS", 0.2)
    compressor = Counting(late(used_its_time=True))
    compressor.go.clear()
    reported: list[CompressImage] = []
    handler = a_handler(store, compressor, reported)
    commands = [await a_command(store, f"http://i.test/{number}.jpg") for number in range(4)]
    first, *waiting = [asyncio.create_task(handler(command)) for command in commands[:3]]
    answers = [message for messages in await asyncio.gather(*waiting) for message in messages]
    answers += await handler(commands[3])

    slow = [command.model_copy(update={"spent_ms": 1}) for command in commands[1:]]
    assert answers == slow
    assert {command.url for command in reported} == {command.url for command in slow}
    assert compressor.calls == 1
    again = asyncio.create_task(handler(slow[0]))
    await until(lambda: compressor.calls == 2)
    compressor.go.set()
    await asyncio.gather(first, again)
    [failed] = await handler(slow[1])
    assert isinstance(failed, ImageFailed)
    assert compressor.calls == 2


async def test_bytes_that_failed_unexpectedly_twice_are_not_tried_again_in_the_same_round(
    store: MemoryObjectStore,
) -> None:
    twice = CompressError(ErrorCode.DECODE_ERROR, "it cannot be processed")
    twice.was_tried_twice = True
    compressor = Counting(twice)
    handler = a_handler(store, compressor)
    answers = [await handler(await a_command(store, f"http://i.test/{name}.jpg")) for name in "ab"]

    assert [failed.error_code for [failed] in answers if isinstance(failed, ImageFailed)] == [twice.code, twice.code]
    assert compressor.calls == 1


async def test_other_failures_are_not_shared(store: MemoryObjectStore) -> None:
    compressor = Counting(CompressError(ErrorCode.DECODE_ERROR, "broken"))
    handler = a_handler(store, compressor)
    answers: list[Message] = []
    for name in "ab":
        answers += await handler(await a_command(store, f"http://i.test/{name}.jpg"))

    assert [type(message) for message in answers] == [ImageFailed, ImageFailed]
    assert compressor.calls == 2
