"""The S3 store with failing servers and proxies, over loopback HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest

from shared.errors import StorageUnavailable
from shared.storage.s3 import S3Location, S3ObjectStore

KEY = "results/r1/a.jpg"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
MARK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nlast-modified: Sun, 29 Nov 2026 12:00:00 GMT\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
REGION = b"<LocationConstraint xmlns='http://s3.amazonaws.com/doc/2006-03-01/'></LocationConstraint>"


class ScriptedS3:
    """Has the bucket with a mark; sends `response` to every other request, and records connections and requests."""

    def __init__(self) -> None:
        self.response = OK
        self.head = OK
        self.has_bucket = self.has_mark = True
        self.connections = 0
        self.requests: list[str] = []
        self.requested = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._body(head, reader)
                method, path, _ = head.decode().split(" ", 2)
                response = self._response(method, path)
                writer.write(response)
                await writer.drain()
                if not response.startswith(b"HTTP") or b"connection: close" in response:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> None:
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.split(b":")[1]))

    def _response(self, method: str, path: str) -> bytes:
        if "location=" in path:
            return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(REGION), REGION)
        if method == "HEAD" and path.rstrip("/") == "/bucket":
            return self.head if self.has_bucket else NOT_FOUND
        if method == "HEAD" and path == "/bucket/.imagemill-store":
            return MARK if self.has_bucket and self.has_mark else NOT_FOUND
        self.requests.append(f"{method} {path}")
        self.requested.set()
        return self.response


@pytest.fixture
async def s3() -> ScriptedS3:
    return ScriptedS3()


@pytest.fixture
async def store(s3: ScriptedS3) -> AsyncIterator[S3ObjectStore]:
    server = await asyncio.start_server(s3.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = S3ObjectStore(S3Location(f"127.0.0.1:{port}", "bucket", "key", "hunter2", secure=False))
    yield store
    await store.close()
    server.close()
    await server.wait_closed()


def _calls(store: S3ObjectStore) -> dict[str, Callable[[], Awaitable[object]]]:
    return {
        "put": lambda: store.put_bytes(KEY, b"bytes", "image/jpeg"),
        "get": lambda: store.get_bytes(KEY),
        "stat": lambda: store.stat(KEY),
        "read": lambda: _read(store),
        "list": lambda: anext(store.list_keys("results/")),
        "delete": lambda: store.delete([KEY]),
    }


async def _read(store: S3ObjectStore) -> bytes:
    return b"".join([chunk async for chunk in store.read_chunks(KEY)])


def _xml(status: str, code: str) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>no</Message><RequestId/><HostId/></Error>".encode()
    return f"HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


FAILURES = {
    "overloaded": _xml("503 Slow Down", "SlowDown"),
    "wrong secret": _xml("403 Forbidden", "SignatureDoesNotMatch"),
    "bucket gone": _xml("404 Not Found", "NoSuchBucket"),
    "proxy page": b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p>\xff",
    "malformed xml": b"HTTP/1.1 500 Oh\r\ncontent-type: application/xml\r\ncontent-length: 3\r\n\r\n<a ",
    "not http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "cut off": b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\nconnection: close\r\n\r\nhalf of it",
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_every_failure_of_the_server_raises_storage_unavailable(
    s3: ScriptedS3, store: S3ObjectStore, failure: str
) -> None:
    await store.ping()
    s3.response = FAILURES[failure]
    calls = _calls(store)
    if failure in {"cut off", "bucket gone"}:
        del calls["stat"]  # a HEAD has no body to cut off, and no error code for a missing bucket

    errors = await asyncio.gather(*(call() for call in calls.values()), return_exceptions=True)

    for name, error in zip(calls, errors, strict=True):
        assert isinstance(error, StorageUnavailable), (name, error)
        assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (b"Mon, 05 Jan 2026 12:00:00 GMT", datetime(2026, 1, 5, 12, 0, 0, 500_000, UTC)),
        (b"soon", None),
        (None, None),
    ],
)
async def test_the_time_is_that_of_any_answer_and_needs_no_signature(
    s3: ScriptedS3, store: S3ObjectStore, date: bytes | None, expected: datetime | None
) -> None:
    line = b"" if date is None else b"date: %s\r\n" % date
    s3.head = b"HTTP/1.1 403 Forbidden\r\n%scontent-length: 0\r\n\r\n" % line
    assert await store.time() == expected


@pytest.mark.parametrize("lost", ["has_bucket", "has_mark"])
async def test_a_bucket_that_disappeared_is_not_recreated(s3: ScriptedS3, store: S3ObjectStore, lost: str) -> None:
    await store.ping()
    s3.requests.clear()
    setattr(s3, lost, False)

    with pytest.raises(StorageUnavailable, match="bucket"):
        await store.ping()
    assert s3.requests == []


@pytest.mark.parametrize("lacks", ["has_bucket", "has_mark"])
async def test_a_bucket_that_was_not_made_is_not_used(s3: ScriptedS3, store: S3ObjectStore, lacks: str) -> None:
    setattr(s3, lacks, False)
    for name, call in _calls(store).items():
        with pytest.raises(StorageUnavailable, match="imagemill-admin init-store"):
            await call()
        assert s3.requests == [], name


async def test_make_creates_the_bucket_and_marks_it(s3: ScriptedS3, store: S3ObjectStore) -> None:
    s3.has_bucket = False
    await store.make()
    assert _without_query(s3.requests) == ["PUT /bucket", "PUT /bucket/.imagemill-store"]


async def test_another_process_can_create_the_bucket_first(s3: ScriptedS3, store: S3ObjectStore) -> None:
    s3.has_bucket = False
    s3.response = _xml("409 Conflict", "BucketAlreadyOwnedByYou")

    with pytest.raises(
        StorageUnavailable, match="BucketAlreadyOwnedByYou"
    ):  # its mark is refused with the same response
        await store.make()
    assert _without_query(s3.requests) == ["PUT /bucket", "PUT /bucket/.imagemill-store"]


async def test_a_ping_writes_and_removes_an_object(s3: ScriptedS3, store: S3ObjectStore) -> None:
    await store.ping()
    assert s3.requests == ["PUT /bucket/.imagemill-ping", "DELETE /bucket/.imagemill-ping"]


async def test_a_ping_fails_if_nothing_can_be_written(s3: ScriptedS3, store: S3ObjectStore) -> None:
    s3.response = _xml("507 Insufficient Storage", "XMinioStorageFull")
    with pytest.raises(StorageUnavailable, match="XMinioStorageFull"):
        await store.ping()


def _without_query(requests: list[str]) -> list[str]:
    return [request.split("?")[0].rstrip("/") for request in requests]


async def test_a_server_that_ignores_ranges_raises_storage_unavailable(s3: ScriptedS3, store: S3ObjectStore) -> None:
    s3.response = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789"

    with pytest.raises(StorageUnavailable, match="range"):
        await anext(store.read_chunks(KEY, 3, 7))


async def test_connections_are_reused(s3: ScriptedS3, store: S3ObjectStore) -> None:
    await store.ping()
    for _ in range(5):
        await store.put_bytes(KEY, b"x", "image/jpeg")
    s3.response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nxy"
    for _ in range(5):
        assert await store.get_bytes(KEY) == b"xy"
        assert [chunk async for chunk in store.read_chunks(KEY)] == [b"xy"]

    assert s3.connections == 1


async def test_a_temporary_failure_is_retried(s3: ScriptedS3, store: S3ObjectStore) -> None:
    await store.ping()
    s3.response = FAILURES["overloaded"]
    putting = asyncio.create_task(store.put_bytes(KEY, b"x", "image/jpeg"))
    async with asyncio.timeout(10):
        await s3.requested.wait()
    s3.response = OK

    await putting
    assert len(s3.requests) >= 2
