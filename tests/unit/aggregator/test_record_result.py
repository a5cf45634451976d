"""A result is recorded and published, and the objects that it no longer needs are removed."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.aggregator.host_circuit_breaker import HostCircuitBreaker
from services.aggregator.pause_policy import PausePolicy
from services.aggregator.record_result import LostRecorder, ResultRecorder
from services.aggregator.result_effects import ResultEffects
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import PublicEvent, image_event
from shared.contracts.messages import (
    CompressImage,
    CompressOptions,
    DownloadImage,
    FinishRequest,
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    Message,
    RecordedResult,
)
from shared.contracts.object_keys import image_id
from shared.contracts.records import Image
from shared.contracts.states import ImageState
from shared.errors import DatabaseUnavailable
from shared.losses import LossPolicy
from shared.observability import Metrics
from shared.persistence import Recorded
from shared.settings import ImageAgeSettings, LossSettings
from tests.fakes import MemoryDatabase, MemoryObjectStore
from tests.support.aggregating import BASE_URL, a_request, a_result, an_image
from tests.support.builders import NOW, REQUEST_ID

URL, OTHER_URL = "http://i/1.jpg", "http://i/2.jpg"
ORIGINAL = f"originals/{REQUEST_ID}/{image_id(URL)}-aaaaaaaaaaaaaaaa"
RESULT = f"results/{REQUEST_ID}/one-bbbbbbbbbbbbbbbb.jpg"
OTHER_RESULT = f"results/{REQUEST_ID}/one-cccccccccccccccc.jpg"
IDS: dict[str, Any] = {"request_id": REQUEST_ID, "image_id": image_id(URL), "round": 1, "dispatch": 1, "attempt": 1}
COMPRESSED = ImageCompressed(**IDS, original_key=ORIGINAL, result=a_result(RESULT))
FAILED = ImageFailed(**IDS, error_code=ErrorCode.DECODE_ERROR, error_detail="truncated", original_key=ORIGINAL)
DEFERRED = ImageDeferred(
    **IDS,
    error_code=ErrorCode.HTTP_5XX,
    error_detail="the host answered 503",
    delay=5,
    original_key=ORIGINAL,
)
FINISH = FinishRequest(request_id=REQUEST_ID, round=1)


class RecordHarness:
    """The two handlers over the in-memory database and store."""

    def __init__(self, store: MemoryObjectStore | None = None, *, keep_originals: bool = False) -> None:
        self.database = MemoryDatabase(lambda: NOW)
        self.store = store or MemoryObjectStore()
        effects = ResultEffects(self.store, BASE_URL, keep_originals=keep_originals)
        hosts = HostCircuitBreaker(
            self.database, PausePolicy(10, 30, 900, lambda: 0.0), ImageAgeSettings(), lambda: NOW
        )
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        self.reported: list[RecordedResult] = []
        self.record = ResultRecorder(
            self.database.images, hosts, effects, metrics, lambda: NOW + timedelta(days=1), self.reported.append
        )
        losses = LossPolicy(LossSettings(loss_retry_schedule=(60,)), lambda: 0.0)
        self.record_lost = LostRecorder(self.record, losses)

    async def insert_dispatched_images(self, *images: Image, intake_open: bool = False) -> None:
        await self.database.requests.insert(a_request(intake_open=intake_open))
        waiting = [replace(image, state=ImageState.PENDING, dispatch=0) for image in images]
        await self.database.images.insert_many(waiting)
        await self.database.images.mark_dispatched(waiting)
        for key in (ORIGINAL, RESULT, OTHER_RESULT):
            await self.store.put_bytes(key, b"bytes", "image/jpeg")

    def counted(self, outcome: str, error_code: str) -> float | None:
        labels = {"outcome": outcome, "error_code": error_code}
        return self.registry.get_sample_value("imagemill_images_total", labels)

    async def image(self) -> Image:
        return (await self.database.images.find(REQUEST_ID, [image_id(URL)]))[image_id(URL)]


@pytest.fixture
def harness() -> RecordHarness:
    return RecordHarness()


def events(outgoing: object) -> list[str]:
    assert isinstance(outgoing, list)
    return [item.type for item in outgoing if isinstance(item, PublicEvent)]


@pytest.mark.parametrize(
    ("message", "state", "event"),
    [
        (COMPRESSED, ImageState.COMPRESSED, "image.compressed"),
        (FAILED, ImageState.FAILED, "image.failed"),
    ],
)
async def test_a_final_result_is_recorded_and_published_and_the_original_removed(
    harness: RecordHarness, message: ImageCompressed | ImageFailed, state: ImageState, event: str
) -> None:
    await harness.insert_dispatched_images(an_image(URL), an_image(OTHER_URL))

    outgoing = await harness.record(message)

    image = await harness.image()
    assert image.state is state
    assert outgoing == [image_event(image, BASE_URL)]
    assert events(outgoing) == [event]
    assert ORIGINAL not in harness.store.objects
    assert RESULT in harness.store.objects


async def test_the_last_final_result_returns_finish_request(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))

    outgoing = await harness.record(COMPRESSED)

    assert list(outgoing)[1:] == [FINISH]
    assert harness.counted("compressed", "none") == 1
    figures = {"bytes_in": 1000, "bytes_out": 498, "encodes": 2}
    for name, figure in figures.items():
        assert harness.registry.get_sample_value(f"imagemill_image_{name}_total") == figure


async def test_there_is_no_finish_request_while_the_intake_is_open(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL), intake_open=True)

    assert FINISH not in await harness.record(COMPRESSED)


async def test_a_duplicate_changes_nothing_and_returns_the_same_messages(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))

    first = await harness.record(COMPRESSED)
    recorded = await harness.image()
    second = await harness.record(COMPRESSED)

    assert second == first
    assert await harness.image() == recorded
    assert RESULT in harness.store.objects


async def test_a_failure_that_comes_again_after_a_retry_returns_the_event_of_its_round_and_removes_nothing(
    harness: RecordHarness,
) -> None:
    await harness.insert_dispatched_images(an_image(URL))
    [event, _] = await harness.record(FAILED)
    await harness.store.put_bytes(ORIGINAL, b"of the retry", "image/jpeg")
    assert [moved async for moved in harness.database.images.retry_failed(REQUEST_ID, 2)] == [1]

    assert await harness.record(FAILED) == [event]
    assert ORIGINAL in harness.store.objects
    assert (await harness.image()).round == 2


async def test_of_two_results_the_first_is_kept_and_the_object_of_the_second_removed(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))

    await harness.record(COMPRESSED)
    outgoing = await harness.record(COMPRESSED.model_copy(update={"result": a_result(OTHER_RESULT), "dispatch": 2}))

    recorded = await harness.image()
    assert recorded.result is not None
    assert recorded.result.key == RESULT
    assert image_event(recorded, BASE_URL) in outgoing
    assert RESULT in harness.store.objects
    assert OTHER_RESULT not in harness.store.objects


async def test_the_late_result_of_a_failed_image_is_kept_because_a_retry_may_store_the_same_object(
    harness: RecordHarness,
) -> None:
    await harness.insert_dispatched_images(an_image(URL))

    await harness.record(FAILED)
    outgoing = await harness.record(COMPRESSED)

    assert (await harness.image()).state is ImageState.FAILED
    assert events(outgoing) == ["image.failed"]
    assert RESULT in harness.store.objects


async def test_a_deferral_makes_the_image_pending_and_publishes_nothing(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))

    assert await harness.record(DEFERRED) == []
    assert (await harness.image()).state is ImageState.PENDING
    assert ORIGINAL in harness.store.objects


async def test_a_deferral_after_the_final_result_returns_the_event_again(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))
    await harness.record(FAILED)

    assert events(await harness.record(DEFERRED)) == ["image.failed"]


async def test_a_result_of_an_unknown_image_is_dropped(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(OTHER_URL))

    assert await harness.record(COMPRESSED) == []
    assert ORIGINAL in harness.store.objects


async def test_originals_are_kept_if_the_setting_says_so() -> None:
    harness = RecordHarness(keep_originals=True)
    await harness.insert_dispatched_images(an_image(URL))

    await harness.record(COMPRESSED)
    await harness.record(COMPRESSED.model_copy(update={"result": a_result(OTHER_RESULT)}))

    assert ORIGINAL in harness.store.objects
    assert OTHER_RESULT not in harness.store.objects


async def test_a_store_that_cannot_delete_does_not_block_results(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))
    harness.store.available = False

    assert events(await harness.record(COMPRESSED)) == ["image.compressed"]


class HangingStore(MemoryObjectStore):
    """Never responds."""

    async def delete(self, keys: Iterable[str]) -> None:  # noqa: ARG002
        await asyncio.Event().wait()


async def test_a_store_that_hangs_delays_results_only_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.aggregator.result_effects._REMOVAL_SECONDS", 0.01)
    harness = RecordHarness(HangingStore())
    await harness.insert_dispatched_images(an_image(URL), an_image(OTHER_URL))

    async with asyncio.timeout(10):
        results = await asyncio.gather(harness.record(COMPRESSED), harness.record(COMPRESSED))
        afterwards = await harness.record(COMPRESSED)

    assert [events(outgoing) for outgoing in (*results, afterwards)] == [["image.compressed"]] * 3


async def test_an_unavailable_database_is_left_to_the_runtime(harness: RecordHarness) -> None:
    harness.database.available = False

    with pytest.raises(DatabaseUnavailable):
        await harness.record(COMPRESSED)


DOWNLOAD = DownloadImage(**IDS, url=URL, options=CompressOptions(), start_by=NOW)
COMPRESS = CompressImage(
    **IDS,
    url=URL,
    options=CompressOptions(),
    start_by=NOW,
    original_key=ORIGINAL,
    original_bytes=5,
    fetch_ms=1,
)


LOSSES = "imagemill_worker_losses_total"


@pytest.mark.parametrize("command", [DOWNLOAD, COMPRESS])
async def test_a_dead_lettered_command_is_a_loss_and_fails_its_image_only_after_two_losses_alone(
    harness: RecordHarness, command: DownloadImage | CompressImage
) -> None:
    await harness.insert_dispatched_images(an_image(URL, attempts=0))

    for losses in (0, 1):
        lost = command.model_copy(update={"dispatch": losses + 1, "losses": losses})
        first: object = await harness.record_lost(lost)
        assert first == []
        image = await harness.image()
        assert (image.state, image.losses, image.attempts) == (ImageState.PENDING, losses + 1, 0)
        assert harness.registry.get_sample_value(LOSSES, {"error_code": "worker_lost"}) == losses + 1

    last = await harness.record_lost(command.model_copy(update={"dispatch": 3, "losses": 2}))
    image = await harness.image()
    assert (image.state, image.error_code) == (ImageState.FAILED, ErrorCode.WORKER_LOST)
    outgoing: list[Message | PublicEvent] = [image_event(image, BASE_URL), FINISH]
    assert last == outgoing
    assert harness.counted("failed", "worker_lost") == 1
    assert (ORIGINAL in harness.store.objects) is (command is DOWNLOAD)


@pytest.mark.parametrize("message", [COMPRESSED, FAILED, DEFERRED])
async def test_a_late_result_of_a_cancelled_image_has_no_event_and_is_not_counted(
    harness: RecordHarness, message: ImageCompressed | ImageFailed | ImageDeferred
) -> None:
    await harness.insert_dispatched_images(an_image(URL), an_image(OTHER_URL))
    await harness.database.cancellations.begin(REQUEST_ID)
    await harness.database.cancellations.cancel_images(REQUEST_ID, 1, 10)
    cancelled = await harness.image()

    outgoing = await harness.record(message)

    assert outgoing == [FINISH]
    assert await harness.image() == cancelled
    assert ORIGINAL not in harness.store.objects
    assert RESULT in harness.store.objects, "a retry may be about to store the same object"
    assert harness.counted("compressed", "none") is None
    assert harness.counted("failed", "decode_error") is None


@pytest.mark.parametrize(
    ("message", "milliseconds"),
    [
        (COMPRESSED, COMPRESSED.result.compress_ms),
        (FAILED.model_copy(update={"decoder_ms": 30_000}), 30_000),
        (DEFERRED.model_copy(update={"decoder_ms": 7, "dispatch": 2}), 7),
        (DEFERRED.model_copy(update={"image_id": "unknown"}), 0),
    ],
    ids=["compressed", "failed", "deferred", "of no image"],
)
@pytest.mark.parametrize("cancelled", [False, True])
async def test_every_result_is_reported_after_it_is_recorded_whether_or_not_it_changes_anything(
    monkeypatch: pytest.MonkeyPatch,
    message: ImageCompressed | ImageFailed | ImageDeferred,
    milliseconds: int,
    cancelled: bool,
) -> None:
    harness = RecordHarness()
    await harness.insert_dispatched_images(an_image(URL))
    if cancelled:
        await harness.database.cancellations.begin(REQUEST_ID)
        await harness.database.cancellations.cancel_images(REQUEST_ID, 1, 10)
    record = harness.database.images.record

    async def record_without_reports(*args: Any, **deadline: Any) -> Recorded:
        recorded = await record(*args, **deadline)
        assert not harness.reported
        return recorded

    monkeypatch.setattr(harness.database.images, "record", record_without_reports)
    await harness.record(message)
    run = message.model_dump(include={"request_id", "image_id", "round", "dispatch"})
    compressed = isinstance(message, ImageCompressed)
    assert harness.reported == [RecordedResult(**run, decoder_ms=milliseconds, compressed=compressed)]


async def test_the_end_of_a_run_by_a_dead_lettered_command_is_reported(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))
    await harness.record_lost(COMPRESS)
    assert [(each.image_id, each.dispatch) for each in harness.reported] == [(COMPRESS.image_id, COMPRESS.dispatch)]


async def test_a_failure_that_becomes_a_deferral_is_reported_with_the_time_that_it_used(harness: RecordHarness) -> None:
    await harness.insert_dispatched_images(an_image(URL))
    pause = {"host_fault": True, "host_pause": 60, "decoder_ms": 50}
    await harness.record(FAILED.model_copy(update=pause))
    assert (await harness.image()).state is ImageState.PENDING
    assert [each.decoder_ms for each in harness.reported] == [50]


async def test_a_result_that_cannot_be_recorded_is_not_reported(harness: RecordHarness) -> None:
    harness.database.tables.available = False
    with pytest.raises(DatabaseUnavailable):
        await harness.record(COMPRESSED)
    assert not harness.reported


@pytest.mark.parametrize("command", [DOWNLOAD, COMPRESS])
async def test_the_loss_of_a_command_of_a_cancelled_image_changes_nothing(
    harness: RecordHarness, command: DownloadImage | CompressImage
) -> None:
    await harness.insert_dispatched_images(an_image(URL))
    await harness.database.cancellations.begin(REQUEST_ID)
    await harness.database.cancellations.cancel_images(REQUEST_ID, 1, 10)
    cancelled = await harness.image()

    outgoing = await harness.record_lost(command)

    assert outgoing == [FINISH]
    assert await harness.image() == cancelled


async def test_a_fault_of_a_host_counts_once_however_often_its_record_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = RecordHarness()
    await harness.insert_dispatched_images(an_image(URL, state=ImageState.DISPATCHED))
    fault = DEFERRED.model_copy(update={"host_fault": True})
    with monkeypatch.context() as patched:

        async def away(*_: Any, **__: Any) -> None:
            raise DatabaseUnavailable("away")

        patched.setattr(harness.database.images, "record", away)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await harness.record(fault)
    await harness.record(fault)
    [circuit] = await harness.database.hosts.circuits()
    assert circuit.failures == 1
