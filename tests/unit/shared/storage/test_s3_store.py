"""What S3 servers and the proxies before them answer on bad days, over loopback HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shared.errors import StorageUnavailable
from shared.storage.s3 import S3Location, S3ObjectStore

KEY = "results/r1/a.jpg"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
REGION = b"<LocationConstraint xmlns='http://s3.amazonaws.com/doc/2006-03-01/'></LocationConstraint>"


class ScriptedS3:
    """Has the bucket; answers every other request with `answer` and counts connections and requests."""

    def __init__(self) -> None:
        self.answer = OK
        self.has_bucket = True
        self.connections = 0
        self.requests: list[str] = []
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._body(head, reader)
                method, path, _ = head.decode().split(" ", 2)
                answer = self._answer(method, path)
                writer.write(answer)
                await writer.drain()
                if not answer.startswith(b"HTTP") or b"connection: close" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> None:
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.split(b":")[1]))

    def _answer(self, method: str, path: str) -> bytes:
        if "location=" in path:
            return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(REGION), REGION)
        if method == "HEAD" and path.rstrip("/") == "/bucket":
            return OK if self.has_bucket else b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        self.requests.append(f"{method} {path}")
        self.asked.set()
        return self.answer


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


BAD_DAYS = {
    "overloaded": _xml("503 Slow Down", "SlowDown"),
    "wrong secret": _xml("403 Forbidden", "SignatureDoesNotMatch"),
    "bucket gone": _xml("404 Not Found", "NoSuchBucket"),
    "proxy page": b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p>\xff",
    "xml that is none": b"HTTP/1.1 500 Oh\r\ncontent-type: application/xml\r\ncontent-length: 3\r\n\r\n<a ",
    "no http at all": b"SSH-2.0-OpenSSH\r\n\r\n",
    "cut off": b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\nconnection: close\r\n\r\nhalf of it",
}


@pytest.mark.parametrize("day", BAD_DAYS)
async def test_a_bad_day_of_the_server_is_the_stores_fault(s3: ScriptedS3, store: S3ObjectStore, day: str) -> None:
    await store.ping()
    s3.answer = BAD_DAYS[day]
    calls = _calls(store)
    if day in {"cut off", "bucket gone"}:
        del calls["stat"]  # a HEAD has no body that could be cut off, or tell a missing bucket from a missing object

    faults = await asyncio.gather(*(call() for call in calls.values()), return_exceptions=True)

    for name, fault in zip(calls, faults, strict=True):
        assert isinstance(fault, StorageUnavailable), (name, fault)
        assert "hunter2" not in str(fault)


async def test_a_bucket_that_vanished_is_not_made_anew(s3: ScriptedS3, store: S3ObjectStore) -> None:
    await store.ping()
    s3.has_bucket = False

    with pytest.raises(StorageUnavailable, match="bucket"):
        await store.ping()
    assert s3.requests == []


async def test_a_missing_bucket_is_made_at_the_first_use(s3: ScriptedS3, store: S3ObjectStore) -> None:
    s3.has_bucket = False
    await store.put_bytes(KEY, b"x", "image/jpeg")

    assert [request.split("?")[0] for request in s3.requests] == ["PUT /bucket", f"PUT /bucket/{KEY}"]


async def test_another_process_may_make_the_bucket_first(s3: ScriptedS3, store: S3ObjectStore) -> None:
    s3.has_bucket = False
    s3.answer = _xml("409 Conflict", "BucketAlreadyOwnedByYou")

    with pytest.raises(StorageUnavailable, match="gone"):  # the probe looks again, past the failed making
        await store.ping()
    s3.has_bucket = True
    await store.ping()


async def test_a_server_that_ignores_ranges_is_not_believed(s3: ScriptedS3, store: S3ObjectStore) -> None:
    s3.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789"

    with pytest.raises(StorageUnavailable, match="part"):
        await anext(store.read_chunks(KEY, 3, 7))


async def test_connections_are_kept(s3: ScriptedS3, store: S3ObjectStore) -> None:
    await store.ping()
    for _ in range(5):
        await store.put_bytes(KEY, b"x", "image/jpeg")
    s3.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nxy"
    for _ in range(5):
        assert await store.get_bytes(KEY) == b"xy"
        assert [chunk async for chunk in store.read_chunks(KEY)] == [b"xy"]

    assert s3.connections == 1


async def test_a_passing_fault_is_retried(s3: ScriptedS3, store: S3ObjectStore) -> None:
    await store.ping()
    s3.answer = BAD_DAYS["overloaded"]
    putting = asyncio.create_task(store.put_bytes(KEY, b"x", "image/jpeg"))
    async with asyncio.timeout(10):
        await s3.asked.wait()
    s3.answer = OK

    await putting
    assert len(s3.requests) >= 2
