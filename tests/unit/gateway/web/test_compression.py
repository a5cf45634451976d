"""When a response is compressed: by the client's Accept-Encoding, the content's type and its length."""

import pytest
from starlette.datastructures import Headers

from services.gateway.web.compression import is_compressible, weak_etag, will_be_encoded


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
