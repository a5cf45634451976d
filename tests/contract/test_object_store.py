"""The contract of object stores, tested on the memory store, a directory and S3 servers.

S3 is moto's server in its own process, and the server at IMAGEMILL_TEST_S3_URL if that is set.
"""

import asyncio
import os
import shutil
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from shared.errors import DiskUnavailable, ObjectMissing, StorageUnavailable
from shared.storage import HeldPuts, ObjectStore, StoreState, open_object_store
from shared.storage.s3 import S3ObjectStore
from tests.fakes import MemoryObjectStore
from tests.support.s3_server import open_s3_server

MIB = 1024 * 1024
EXTERNAL_S3 = os.environ.get("IMAGEMILL_TEST_S3_URL", "")
STREAMING_STORES = ["directory", "s3"] + (["external-s3"] if EXTERNAL_S3 else [])
ALL_STORES = ["memory", *STREAMING_STORES]


@pytest.fixture(scope="module")
def moto_s3() -> Iterator[str]:
    with open_s3_server() as url:
        yield url


@dataclass
class Subject:
    """A store, and functions that make it unavailable, that remove its mark, and that empty it while it is in use."""

    store: ObjectStore
    make_unavailable: Callable[[], Awaitable[None]]
    unmark: Callable[[], Awaitable[None]]
    empty: Callable[[], Awaitable[None]]


@pytest.fixture
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            subject = _in_memory()
        elif request.param == "directory":
            subject = _in_directory(tmp_path / "store")
        else:
            url = EXTERNAL_S3 if request.param == "external-s3" else request.getfixturevalue("moto_s3")
            subject = await stack.enter_async_context(_in_s3(url))
        await subject.store.make()
        yield subject
        await subject.store.close()


def _in_memory() -> Subject:
    memory = MemoryObjectStore()

    async def make_unavailable() -> None:
        memory.available = False

    async def unmark() -> None:
        memory.made = False

    async def empty() -> None:
        memory.objects.clear()
        memory.made = False

    return Subject(memory, make_unavailable, unmark, empty)


def _in_directory(root: Path) -> Subject:
    def empty() -> None:
        shutil.rmtree(root)
        root.mkdir()

    return Subject(
        open_object_store(root.as_uri()),
        lambda: asyncio.to_thread(shutil.rmtree, root),
        lambda: asyncio.to_thread((root / ".imagemill-store").unlink),
        lambda: asyncio.to_thread(empty),
    )


@asynccontextmanager
async def _in_s3(url: str) -> AsyncIterator[Subject]:
    """Through a relay that can be cut, since other tests use the same server."""
    parts = urlsplit(url)
    connections: set[asyncio.StreamWriter] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        connections.update({writer, back})
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def make_unavailable() -> None:
        server.close()
        for connection in connections:
            connection.close()

    relayed = url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
    store = open_object_store(relayed.replace("imagemill-test", f"imagemill-test-{uuid4().hex[:8]}"))

    async def unmark() -> None:
        assert isinstance(store, S3ObjectStore)
        await asyncio.to_thread(store._client.remove_object, store._bucket, ".imagemill-store")
        store._opened = False  # as in a process that starts now

    def empty() -> None:
        assert isinstance(store, S3ObjectStore)
        for found in store._client.list_objects(store._bucket, recursive=True):
            store._client.remove_object(store._bucket, found.object_name or "")

    yield Subject(store, make_unavailable, unmark, lambda: asyncio.to_thread(empty))
    await make_unavailable()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@pytest.fixture
def store(subject: Subject) -> ObjectStore:
    return subject.store


@pytest.fixture
async def folder(store: ObjectStore) -> AsyncIterator[str]:
    """A prefix for this test only."""
    folder = f"results/{uuid4().hex}/"
    yield folder
    with suppress(StorageUnavailable):
        await store.delete([key async for key in store.list_keys(folder)])


every_store = pytest.mark.parametrize("subject", ALL_STORES, indirect=True)
streaming_stores = pytest.mark.parametrize("subject", STREAMING_STORES, indirect=True)


@every_store
@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("data", [b"", b"some bytes"])
async def test_stored_bytes_are_read_unchanged(store: ObjectStore, folder: str, durable: bool, data: bytes) -> None:
    await store.put_bytes(folder + "a.jpg", data, "image/jpeg", durable=durable)

    assert await store.get_bytes(folder + "a.jpg") == data
    assert b"".join([chunk async for chunk in store.read_chunks(folder + "a.jpg")]) == data


@every_store
@pytest.mark.parametrize("durable", [True, False])
async def test_a_file_is_copied(store: ObjectStore, folder: str, tmp_path: Path, durable: bool) -> None:
    source = tmp_path / "upload.csv"
    source.write_bytes(b"S. No.,Product Name\n")

    await store.put_file(folder + "a.csv", source, "text/csv", durable=durable)
    source.write_bytes(b"changed afterwards")

    assert await store.get_bytes(folder + "a.csv") == b"S. No.,Product Name\n"


@every_store
async def test_a_source_file_that_cannot_be_opened_is_a_fault_of_the_disk(
    store: ObjectStore, folder: str, tmp_path: Path
) -> None:
    with pytest.raises(DiskUnavailable, match="temporary files"):
        await store.put_file(folder + "a.csv", tmp_path / "nowhere.csv", "text/csv")

    assert await store.stat(folder + "a.csv") is None


@every_store
@pytest.mark.parametrize("durable", [True, False])
async def test_a_copy_is_independent(store: ObjectStore, folder: str, durable: bool) -> None:
    source, copy = folder + "one/a.jpg", folder + "two/a.jpg"
    await store.put_bytes(source, b"12345", "image/jpeg")

    await store.copy(source, copy, "image/jpeg", durable=durable)
    assert await store.get_bytes(copy) == b"12345"
    await store.delete([source])
    assert await store.get_bytes(copy) == b"12345"

    await store.put_bytes(source, b"54321", "image/jpeg")
    await store.copy(source, copy, "image/jpeg")
    await store.put_bytes(source, b"changed", "image/jpeg")
    assert await store.get_bytes(copy) == b"54321"


@every_store
async def test_copying_a_missing_object_raises(store: ObjectStore, folder: str) -> None:
    with pytest.raises(ObjectMissing) as missing:
        await store.copy(folder + "none.jpg", folder + "a.jpg", "image/jpeg")
    assert missing.value.key == folder + "none.jpg"
    assert await store.stat(folder + "a.jpg") is None


@every_store
async def test_stat_has_size_time_and_a_new_etag_for_new_content(store: ObjectStore, folder: str) -> None:
    key = folder + "a.jpg"
    await store.put_bytes(key, b"12345", "image/jpeg")
    first = await store.stat(key)
    await store.put_bytes(key, b"54321", "image/jpeg")
    second = await store.stat(key)

    assert first is not None
    assert second is not None
    assert (first.size, second.size) == (5, 5)
    assert first.etag != second.etag
    assert first.etag.strip('"') == first.etag != ""
    assert abs(datetime.now(UTC) - first.modified) < timedelta(minutes=1)


@every_store
async def test_a_store_reports_the_time_of_its_clock(store: ObjectStore) -> None:
    before = datetime.now(UTC)
    time = await store.time()
    assert time is not None
    assert before - timedelta(seconds=2) < time < datetime.now(UTC) + timedelta(seconds=2)


@every_store
async def test_reading_a_missing_object_raises(store: ObjectStore, folder: str) -> None:
    key = folder + "none.jpg"
    assert await store.stat(key) is None
    with pytest.raises(ObjectMissing) as missing:
        await store.get_bytes(key)
    assert missing.value.key == key
    for start, end in [(0, None), (0, 0), (3, 5)]:
        with pytest.raises(ObjectMissing):
            await anext(store.read_chunks(key, start, end))


@every_store
@pytest.mark.parametrize(
    ("start", "end"), [(0, 4), (3, 7), (3, None), (0, 10), (0, 99), (9, 10), (4, 4), (10, None), (99, None), (99, 120)]
)
async def test_a_range_is_limited_to_the_object(store: ObjectStore, folder: str, start: int, end: int | None) -> None:
    data = b"0123456789"
    await store.put_bytes(folder + "a.jpg", data, "image/jpeg")

    assert b"".join([chunk async for chunk in store.read_chunks(folder + "a.jpg", start, end)]) == data[start:end]


@every_store
async def test_a_range_of_an_empty_object_is_empty(store: ObjectStore, folder: str) -> None:
    await store.put_bytes(folder + "a.csv", b"", "text/csv")

    assert [chunk async for chunk in store.read_chunks(folder + "a.csv", 0, 5)] == []


@every_store
@pytest.mark.parametrize(("start", "end"), [(-1, None), (5, 4)])
async def test_an_invalid_range_is_refused(store: ObjectStore, folder: str, start: int, end: int | None) -> None:
    with pytest.raises(ValueError, match="range"):
        await anext(store.read_chunks(folder + "a.jpg", start, end))


@every_store
async def test_delete_removes_only_the_named_objects(store: ObjectStore, folder: str) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        await store.put_bytes(folder + name, b"x", "image/jpeg")

    for _ in range(2):
        await store.delete(folder + name for name in ("a.jpg", "none.jpg", "b.jpg"))
    await store.delete([])

    assert [key async for key in store.list_keys(folder)] == [folder + "c.jpg"]
    await store.put_bytes(folder + "a.jpg", b"again", "image/jpeg")
    assert await store.get_bytes(folder + "a.jpg") == b"again"


@every_store
async def test_listing_has_exactly_the_keys_with_the_prefix(store: ObjectStore, folder: str) -> None:
    keys = {folder + name for name in ("1/a.jpg", "1/b.jpg", "1/2/c.jpg", "12/d.jpg", "1", "2/1/e.jpg")}
    for key in keys:
        await store.put_bytes(key, b"x", "image/jpeg")

    for prefix in ("", "1", "1/", "1/a", "1/2/", "12/", "3/", "2/1/e.jpg"):
        listed = [key async for key in store.list_keys(folder + prefix)]
        assert sorted(listed) == sorted(key for key in keys if key.startswith(folder + prefix)), prefix


@every_store
async def test_more_keys_than_one_page_are_listed_and_deleted(store: ObjectStore, folder: str) -> None:
    keys = {f"{folder}{number}.jpg" for number in range(1100)}
    waiting = iter(keys)

    async def put_some() -> None:
        for key in waiting:
            await store.put_bytes(key, b"x", "image/jpeg", durable=False)

    await asyncio.gather(*(put_some() for _ in range(8)))

    listed = [key async for key in store.list_keys(folder)]
    assert len(listed) == len(keys)
    assert set(listed) == keys
    await store.delete(keys)
    assert [key async for key in store.list_keys(folder)] == []


@every_store
async def test_readers_see_complete_objects_while_writers_replace_them(store: ObjectStore, folder: str) -> None:
    key = folder + "same.jpg"
    await store.put_bytes(key, b"\0" * 300_000, "image/jpeg")
    seen = set()

    async def write(value: int) -> None:
        for _ in range(5):
            await store.put_bytes(key, bytes([value]) * (300_000 + value), "image/jpeg", durable=False)

    async def read_until(writers: asyncio.Future[list[None]]) -> None:
        while not writers.done():
            for data in (await store.get_bytes(key), b"".join([chunk async for chunk in store.read_chunks(key)])):
                assert data == data[:1] * (300_000 + data[0])
                seen.add(data[0])

    writers = asyncio.gather(*(write(value) for value in range(1, 7)))
    await asyncio.gather(writers, read_until(writers), read_until(writers))

    assert seen
    assert (await store.get_bytes(key))[0] in range(1, 7)


@every_store
async def test_concurrent_puts_and_deletes_of_the_same_keys_succeed(store: ObjectStore, folder: str) -> None:
    async def put_and_delete(name: str) -> None:
        for _ in range(30):
            await store.put_bytes(f"{folder}deep/er/{name}", b"x" * 100, "image/jpeg", durable=False)
            await store.delete([f"{folder}deep/er/{name}"])

    await asyncio.gather(*(put_and_delete(name) for name in ("a", "a", "b", "c")))

    assert [key async for key in store.list_keys(folder)] == []


@every_store
@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "results/../../etc/passwd",
        "..",
        "results//a.jpg",
        "results/a.jpg/",
        "results/.hidden",
        ".staging/a",
        "results/a b.jpg",
        "results/@00/a.jpg",
        "results/ä.jpg",
        "results/a.jpg\n",
        "results/a\0.jpg",
        "results\\a.jpg",
        "results/a%2e.jpg",
        "results/a,b.jpg",
        "results/" + "a" * 201,
        "a/" * 450 + "a",
    ],
)
async def test_every_call_refuses_invalid_keys(store: ObjectStore, tmp_path: Path, key: str) -> None:
    source = tmp_path / "file"
    source.touch()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.put_bytes(key, b"", "image/jpeg"),
        lambda: store.put_file(key, source, "image/jpeg"),
        lambda: store.get_bytes(key),
        lambda: store.stat(key),
        lambda: anext(store.read_chunks(key)),
        lambda: store.delete([key]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="not an object key"):
            await call()


@every_store
@pytest.mark.parametrize("prefix", ["/", "../", "results//", "results/..", "results/a b"])
async def test_invalid_prefixes_are_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(ValueError, match="not the beginning of an object key"):
        await anext(store.list_keys(prefix))


@every_store
async def test_abandoned_reads_leave_the_store_usable(store: ObjectStore, folder: str) -> None:
    await store.put_bytes(folder + "a.jpg", bytes(MIB), "image/jpeg")
    for _ in range(50):
        chunks = store.read_chunks(folder + "a.jpg")
        assert await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]
    reading = [asyncio.create_task(store.get_bytes(folder + "a.jpg")) for _ in range(8)]
    await asyncio.sleep(0)
    for task in reading:
        task.cancel()

    assert await store.get_bytes(folder + "a.jpg") == bytes(MIB)


def every_call(store: ObjectStore, folder: str, source: Path) -> list[Callable[[], Awaitable[object]]]:
    """The calls that need a store."""
    source.touch()
    return [
        store.ping,
        lambda: store.put_bytes(folder + "a.jpg", b"", "image/jpeg"),
        lambda: store.put_file(folder + "a.jpg", source, "image/jpeg"),
        lambda: store.copy(folder + "a.jpg", folder + "b.jpg", "image/jpeg"),
        lambda: store.get_bytes(folder + "a.jpg"),
        lambda: store.stat(folder + "a.jpg"),
        lambda: anext(store.read_chunks(folder + "a.jpg")),
        lambda: anext(store.list_keys(folder)),
        lambda: store.delete([folder + "a.jpg"]),
    ]


@every_store
async def test_every_call_raises_while_the_store_is_unavailable(subject: Subject, folder: str, tmp_path: Path) -> None:
    store = subject.store
    await store.ping()
    await store.put_bytes(folder + "a.jpg", b"x", "image/jpeg")
    await subject.make_unavailable()
    for call in every_call(store, folder, tmp_path / "file"):
        with pytest.raises(StorageUnavailable):
            await call()


@every_store
async def test_a_store_without_a_mark_is_not_used_until_it_is_made(
    subject: Subject, folder: str, tmp_path: Path
) -> None:
    store = subject.store
    assert await store.state() is StoreState.MADE
    await subject.unmark()
    assert await store.state() is StoreState.ABSENT
    for call in every_call(store, folder, tmp_path / "file"):
        with pytest.raises(StorageUnavailable):
            await call()
    await store.make()
    await store.make()
    assert await store.state() is StoreState.MADE
    await store.put_bytes(folder + "a.jpg", b"x", "image/jpeg")


@every_store
async def test_an_object_is_not_missing_if_the_store_itself_is_gone(subject: Subject, folder: str) -> None:
    store, key = subject.store, folder + "a.jpg"
    await store.put_bytes(key, b"x", "image/jpeg")
    assert await store.stat(folder + "b.jpg") is None
    await subject.empty()
    for call in (
        lambda: store.get_bytes(key),
        lambda: store.stat(key),
        lambda: anext(store.read_chunks(key)),
        lambda: store.copy(key, folder + "b.jpg", "image/jpeg"),
    ):
        with pytest.raises(StorageUnavailable):
            await call()


@every_store
async def test_making_a_store_of_objects_without_a_mark_keeps_them(subject: Subject, folder: str) -> None:
    store = subject.store
    await store.put_bytes(folder + "a.jpg", b"x", "image/jpeg")
    await subject.unmark()
    assert await store.state() is StoreState.UNMARKED
    await store.make()
    assert await store.state() is StoreState.MADE
    assert await store.get_bytes(folder + "a.jpg") == b"x"


@every_store
async def test_a_ping_leaves_nothing_and_a_mark_is_no_object(store: ObjectStore, folder: str) -> None:
    await store.ping()
    await store.put_bytes(folder + "a.jpg", b"x", "image/jpeg")
    assert [key async for key in store.list_keys("")] == [folder + "a.jpg"]


@every_store
async def test_a_held_put_is_repeated_and_everything_else_passes_through(
    subject: Subject, folder: str, tmp_path: Path
) -> None:
    calls: list[Callable[[], Awaitable[None]]] = []

    async def twice(call: Callable[[], Awaitable[None]]) -> None:
        calls.append(call)
        await call()
        await call()

    store, source, key = HeldPuts(subject.store, twice), tmp_path / "file", folder + "a.jpg"
    source.write_bytes(b"xyz")
    await store.put_bytes(key, b"x", "image/jpeg")
    await store.put_file(key, source, "image/jpeg")
    await store.copy(key, folder + "b.jpg", "image/jpeg")
    assert len(calls) == 3
    assert await store.get_bytes(folder + "b.jpg") == b"xyz"
    assert [chunk async for chunk in store.read_chunks(key, 1, 2)] == [b"y"]
    assert sorted([key async for key in store.list_keys(folder)]) == [key, folder + "b.jpg"]
    await store.delete([folder + "b.jpg"])
    assert await store.stat(folder + "b.jpg") is None
    await store.ping()
    await store.make()
    assert await store.state() is StoreState.MADE
    assert len(calls) == 3


@streaming_stores
async def test_a_large_file_needs_bounded_memory(store: ObjectStore, folder: str, tmp_path: Path) -> None:
    source = tmp_path / "large.csv"
    block = os.urandom(MIB)
    with source.open("wb") as file:
        for _ in range(40):
            file.write(block)
    key = folder + "large.csv"

    tracemalloc.start()
    await store.put_file(key, source, "text/csv")
    matching = 0
    with source.open("rb") as file:
        async for chunk in store.read_chunks(key):
            assert chunk == file.read(len(chunk))
            matching += len(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert matching == 40 * MIB
    assert peak < 20 * MIB
    found = await store.stat(key)
    assert found is not None
    assert found.size == 40 * MIB
