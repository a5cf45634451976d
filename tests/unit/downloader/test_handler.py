"""The messages that the downloader publishes for a command."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from services.downloader.fetch import Fetched, Unchanged
from services.downloader.fetch_error import FetchError
from services.downloader.handler import DownloadHandler
from services.downloader.outcomes import FetchFailure, FetchRetryPolicy
from services.downloader.validators import Validators
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import (
    CompressImage,
    CompressOptions,
    DownloadImage,
    ImageCompressed,
    ImageDeferred,
    ImageFailed,
    KnownResult,
)
from shared.errors import StorageUnavailable
from shared.settings import AttemptSettings
from tests.fakes import MemoryObjectStore, MovableClock
from tests.support.builders import a_result

PHOTO = b"\xff\xd8\xff photo"
SHA256 = hashlib.sha256(PHOTO).hexdigest()
CLOCK = MovableClock()
IDS = {"request_id": "r1", "image_id": "a" * 32, "round": 2, "dispatch": 7}


def command(attempt: int = 1) -> DownloadImage:
    return DownloadImage(
        **IDS,
        attempt=attempt,
        url="http://shop.example/a.jpg",
        options=CompressOptions(percent=40),
        start_by=CLOCK() + timedelta(minutes=15),
    )


class Downloads:
    """Returns `body` for each fetch, or raises `error`; with `unchanged`, that is the result of fetch_if_changed."""

    def __init__(
        self, body: bytes | Path = PHOTO, error: Exception | None = None, unchanged: Unchanged | None = None
    ) -> None:
        self.body = body
        self.error = error
        self.unchanged = unchanged
        self.urls: list[str] = []

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncIterator[Fetched]:
        self.urls.append(url)
        if self.error:
            raise self.error
        yield Fetched(
            self.body, len(PHOTO), SHA256, "image/jpeg", ms=12, first_byte_ms=7, validators=Validators('"v2"')
        )

    @asynccontextmanager
    async def fetch_if_changed(self, url: str, known: KnownResult) -> AsyncIterator[Fetched | Unchanged]:
        if self.unchanged:
            self.urls.append(f"{url} if not {known.etag}")
            yield self.unchanged
        else:
            async with self.fetch(url) as fetched:
                yield fetched


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


def handler(
    downloads: Downloads,
    store: MemoryObjectStore,
    observed: list[float] | None = None,
    responses: list[tuple[int, int | None]] | None = None,
) -> DownloadHandler:
    policy = FetchRetryPolicy(AttemptSettings(fetch_attempts=3, fetch_retry_schedule=(5, 30)), 3600, lambda: 0.0)
    seconds: list[float] = [] if observed is None else observed
    noted: list[tuple[int, int | None]] = [] if responses is None else responses
    return DownloadHandler(
        downloads,
        store,
        policy,
        CLOCK,
        seconds.append,
        lambda _, first_byte_ms, status: noted.append((first_byte_ms, status)),
    )


async def test_the_original_is_stored_before_the_compressor_gets_its_command(store: MemoryObjectStore) -> None:
    observed: list[float] = []
    responses: list[tuple[int, int | None]] = []
    answer = await handler(Downloads(), store, observed, responses)(command())
    key = f"originals/r1/{'a' * 32}-{SHA256[:16]}"
    assert answer == [
        CompressImage(
            **IDS,
            attempt=1,
            url="http://shop.example/a.jpg",
            options=CompressOptions(percent=40),
            start_by=command().start_by,
            original_key=key,
            original_bytes=len(PHOTO),
            fetch_ms=12,
            original_sha256=SHA256,
            etag='"v2"',
        )
    ]
    assert store.objects[key].data == PHOTO
    assert store.objects[key].content_type == "image/jpeg"
    assert len(observed) == 1
    assert responses == [(7, None)]


async def test_an_original_on_disk_is_stored(store: MemoryObjectStore, tmp_path: Path) -> None:
    file = tmp_path / "spool"
    file.write_bytes(PHOTO)
    [answer] = await handler(Downloads(file), store)(command())
    assert isinstance(answer, CompressImage)
    assert store.objects[answer.original_key].data == PHOTO


async def test_a_command_after_its_start_by_is_dropped(store: MemoryObjectStore) -> None:
    downloads = Downloads()
    late = command().model_copy(update={"start_by": CLOCK() - timedelta(seconds=1)})
    assert await handler(downloads, store)(late) == []
    assert downloads.urls == []


@pytest.mark.parametrize(
    ("cause", "first_byte_ms", "responses"),
    [(503, 9, [(9, 503)]), (FetchFailure.CONNECTION_LOST, 9, [(9, None)]), (FetchFailure.NOT_CONNECTED, None, [])],
)
async def test_a_failed_response_is_noted_with_its_status(
    store: MemoryObjectStore,
    cause: FetchFailure | int,
    first_byte_ms: int | None,
    responses: list[tuple[int, int | None]],
) -> None:
    error = FetchError(cause, "failed")
    error.first_byte_ms = first_byte_ms
    noted: list[tuple[int, int | None]] = []
    await handler(Downloads(error=error), store, responses=noted)(command())
    assert noted == responses


async def test_a_permanent_failure_fails_the_image(store: MemoryObjectStore) -> None:
    downloads = Downloads(error=FetchError(404, "HTTP 404 Not Found"))
    assert await handler(downloads, store)(command()) == [
        ImageFailed(**IDS, attempt=1, error_code=ErrorCode.HTTP_404, error_detail="HTTP 404 Not Found")
    ]
    assert not store.objects


async def test_a_temporary_failure_defers_the_image_until_its_last_attempt(store: MemoryObjectStore) -> None:
    handle = handler(Downloads(error=FetchError(503, "HTTP 503 Service Unavailable", retry_after="60")), store)
    [first], [second], [third] = [await handle(command(attempt)) for attempt in (1, 2, 3)]
    assert first == ImageDeferred(
        **IDS,
        attempt=1,
        error_code=ErrorCode.HTTP_5XX,
        error_detail="HTTP 503 Service Unavailable",
        delay=60,
        counts=True,
        host_fault=True,
        host_pause=60,
    )
    assert isinstance(second, ImageDeferred)
    assert isinstance(third, ImageFailed)
    assert third.error_code is ErrorCode.HTTP_5XX


async def test_after_the_deadline_a_failure_that_counts_is_the_last(store: MemoryObjectStore) -> None:
    last = command().model_copy(update={"last": True})
    [failed] = await handler(Downloads(error=FetchError(503, "HTTP 503 Service Unavailable", "60")), store)(last)
    assert failed == ImageFailed(
        **IDS,
        attempt=1,
        error_code=ErrorCode.HTTP_5XX,
        error_detail="HTTP 503 Service Unavailable",
        host_fault=True,
        host_pause=60,
    )
    store.available = False
    with pytest.raises(StorageUnavailable):
        await handler(Downloads(), store)(last)


async def test_an_unexpected_exception_counts_as_an_attempt(store: MemoryObjectStore) -> None:
    handle = handler(Downloads(error=ZeroDivisionError("secret detail")), store)
    [first], [last] = await handle(command(attempt=1)), await handle(command(attempt=3))
    assert isinstance(first, ImageDeferred)
    assert first.counts
    assert isinstance(last, ImageFailed)
    for answer in (first, last):
        assert answer.error_code is ErrorCode.INTERNAL
        assert answer.error_detail == "ZeroDivisionError"


async def test_an_unavailable_store_neither_fails_nor_defers_the_image(store: MemoryObjectStore) -> None:
    store.available = False
    with pytest.raises(StorageUnavailable):
        await handler(Downloads(), store)(command(attempt=3))


def test_an_error_detail_is_one_short_line() -> None:
    error = FetchError(FetchFailure.CONNECTION_LOST, "what\r\nthe  host said " + "x" * 1000)
    assert error.detail.startswith("what the host said x")
    assert len(error.detail) == 200


KNOWN = KnownResult(
    etag='"v1"',
    last_modified=None,
    result=a_result(key="results/r0/a-0123456789abcdef.jpg", compress_ms=34, encodes=2),
    reuse_key="an earlier version's key",
)


def a_command_with_a_known_result() -> DownloadImage:
    return command().model_copy(update={"known": KNOWN})


async def test_the_result_of_an_unchanged_original_is_copied_for_this_request(store: MemoryObjectStore) -> None:
    await store.put_bytes(KNOWN.result.key, b"small", "image/jpeg")
    downloads = Downloads(unchanged=Unchanged(Validators('"v1"', "Mon, 05 Jan 2026 12:00:00 GMT"), ms=3))

    [answer] = await handler(downloads, store)(a_command_with_a_known_result())

    key = "results/r1/a-0123456789abcdef.jpg"
    changes = {"key": key, "reused": "unchanged", "encodes": 0, "fetch_ms": 3, "compress_ms": 0}
    assert answer == ImageCompressed(
        **IDS,
        attempt=1,
        original_key=None,
        result=KNOWN.result.model_copy(update=changes),
        etag='"v1"',
        last_modified="Mon, 05 Jan 2026 12:00:00 GMT",
        reuse_key=KNOWN.reuse_key,
    )
    assert downloads.urls == [f'{command().url} if not "v1"']
    assert store.objects[key].data == b"small"
    assert store.objects[key].durable


async def test_a_deleted_known_result_is_recreated_in_the_same_attempt(store: MemoryObjectStore) -> None:
    downloads = Downloads(unchanged=Unchanged(Validators('"v1"'), ms=3))
    [answer] = await handler(downloads, store)(a_command_with_a_known_result())
    assert isinstance(answer, CompressImage)
    assert downloads.urls == [f'{command().url} if not "v1"', command().url]


async def test_a_changed_image_is_downloaded_like_a_new_one(store: MemoryObjectStore) -> None:
    downloads = Downloads()
    assert await handler(downloads, store)(a_command_with_a_known_result()) == await handler(downloads, store)(
        command()
    )


async def test_a_store_that_cannot_copy_raises_storage_unavailable(store: MemoryObjectStore) -> None:
    store.available = False
    with pytest.raises(StorageUnavailable):
        await handler(Downloads(unchanged=Unchanged(Validators('"v1"'), ms=3)), store)(a_command_with_a_known_result())


async def test_a_failure_after_a_cross_host_redirect_is_no_fault_of_the_images_host(store: MemoryObjectStore) -> None:
    error = FetchError(503, "HTTP 503 Service Unavailable", "3600")
    [own_host] = await handler(Downloads(error=error), store)(command())
    error.after_cross_host_redirect = True
    [other_host] = await handler(Downloads(error=error), store)(command())
    assert isinstance(own_host, ImageDeferred)
    assert isinstance(other_host, ImageDeferred)
    assert own_host.host_fault
    assert own_host.host_pause is not None
    assert other_host == own_host.model_copy(update={"host_fault": False, "host_pause": None})
