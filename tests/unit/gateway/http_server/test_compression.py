"""When a response is compressed: by the client's Accept-Encoding, the content's type and its length; and its memory."""

import os
import tracemalloc
import zlib
from collections.abc import Iterator
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.http_server import install_error_handlers
from services.gateway.http_server.compression import Compression, is_compressible, weak_etag, will_be_encoded
from services.gateway.http_server.http_request_id import HttpRequestId
from tests.support.running_gateway import problem

KIBIBYTE = 1 << 10


def encoded(accept: str, content_type: str = "text/csv", length: int | None = 10_000) -> bool:
    return will_be_encoded(Headers({"Accept-Encoding": accept}), content_type, length)


@pytest.mark.parametrize("accept", ["gzip", "GZIP", "br, gzip", "gzip;q=0.1", "*", "deflate, *;q=0.5", "gzip ; q=1"])
def test_gzip_is_accepted(accept: str) -> None:
    assert encoded(accept)


@pytest.mark.parametrize("accept", ["", "identity", "br", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzip;q=x", "gzipped"])
def test_gzip_is_not_accepted(accept: str) -> None:
    assert not encoded(accept)


def test_a_request_without_accept_encoding_gets_no_gzip() -> None:
    assert not will_be_encoded(Headers({}), "text/csv", 10_000)


@pytest.mark.parametrize(
    "content_type", ["text/csv; charset=utf-8", "application/json", "application/problem+json", "text/html", "Text/CSS"]
)
def test_text_is_compressible(content_type: str) -> None:
    assert is_compressible(content_type)


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/x-ndjson", "text/event-stream", ""])
def test_images_and_streams_are_not_compressible(content_type: str) -> None:
    assert not is_compressible(content_type)


def test_short_content_is_not_compressed() -> None:
    assert not encoded("gzip", length=499)
    assert encoded("gzip", length=500)
    assert encoded("gzip", length=None)


def test_an_etag_becomes_weak_once() -> None:
    assert weak_etag('"a"') == weak_etag(weak_etag('"a"')) == 'W/"a"'


def client(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://imagemill.test")


class Exchange:
    """A request that accepts gzip, whose response the test sends part by part."""

    def __init__(self, method: str = "GET") -> None:
        self.sent: list[Message] = []
        self._scope = {"type": "http", "method": method, "headers": [(b"accept-encoding", b"gzip")]}
        self.send: Send

    async def begin(self, content_type: str, status: int = 200, **more: str) -> None:
        async def receive() -> Message:
            return {"type": "http.request"}

        async def keep(message: Message) -> None:
            self.sent.append(message)

        async def app(_: Scope, __: Receive, send: Send) -> None:
            self.send = send

        await Compression(app)(self._scope, receive, keep)
        headers = Headers({"Content-Type": content_type, **more}).raw
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})


@pytest.mark.parametrize(
    ("method", "content_type", "status", "body"),
    [
        pytest.param("GET", "image/jpeg", 200, b"image", id="image"),
        pytest.param("GET", "text/csv", 304, b"", id="not modified"),
        pytest.param("HEAD", "text/csv", 200, b"", id="HEAD"),
    ],
)
async def test_a_response_that_is_not_encoded_has_no_compressor(
    monkeypatch: pytest.MonkeyPatch, method: str, content_type: str, status: int, body: bytes
) -> None:
    compressor = Mock(wraps=zlib.compressobj)
    monkeypatch.setattr(zlib, "compressobj", compressor)
    exchange = Exchange(method)

    await exchange.begin(content_type, status)
    await exchange.write(body)

    compressor.assert_not_called()
    assert exchange.sent[-1]["body"] == body


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
async def test_a_response_in_progress_needs_less_than_100_kib_and_none_when_it_is_complete() -> None:
    part = os.urandom(50 * KIBIBYTE).hex().encode()
    exchanges = [Exchange() for _ in range(20)]
    before, _ = tracemalloc.get_traced_memory()

    for exchange in exchanges:
        await exchange.begin("text/csv")
        await exchange.write(part, more=True)
        exchange.sent.clear()
    during, _ = tracemalloc.get_traced_memory()
    for exchange in exchanges:
        await exchange.write(b"")
        exchange.sent.clear()
    after, _ = tracemalloc.get_traced_memory()

    assert (during - before) / len(exchanges) < 100 * KIBIBYTE
    assert (after - before) / len(exchanges) < 10 * KIBIBYTE


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["Accept-Encoding"]),
        (["Origin"], ["Origin, Accept-Encoding"]),
        (["Origin", "Cookie"], ["Origin, Cookie, Accept-Encoding"]),
        (["Origin, accept-encoding"], ["Origin, accept-encoding"]),
        (["*"], ["*"]),
    ],
)
@pytest.mark.parametrize("accept", ["gzip", "identity"])
async def test_vary_lists_accept_encoding_once(given: list[str], expected: list[str], accept: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = Response(b"text," * 1000, media_type="text/csv")
        for value in given:
            response.headers.append("Vary", value)
        await response(scope, receive, send)

    async with client(Compression(app)) as http:
        answer = await http.get("/", headers={"Accept-Encoding": accept})

    assert answer.headers.get_list("Vary") == expected
    assert ("Content-Encoding" in answer.headers) == (accept == "gzip")


async def test_a_failure_before_the_first_byte_is_answered_with_a_problem_document() -> None:
    async def fails(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]})
        raise OSError("cannot be read")

    app = FastAPI()
    install_error_handlers(app, lambda _: None)
    app.add_middleware(Compression)
    app.mount("/", fails)

    async with client(HttpRequestId(app)) as http:
        answer = await http.get("/", headers={"Accept-Encoding": "gzip", "X-Request-ID": "mine"})

    assert problem(answer, 500)["http_request_id"] == answer.headers["X-Request-ID"] == "mine"
