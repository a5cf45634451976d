"""The downloader's fetch, against a scripted origin."""

import asyncio
import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from services.downloader import app
from services.downloader.fetch import Fetched, Fetcher, Unchanged
from services.downloader.fetch_error import FetchError
from services.downloader.handler import DownloadHandler
from services.downloader.outcomes import FetchFailure, FetchRetryPolicy, outcome_of
from services.downloader.settings import FetchSettings
from services.downloader.validators import Validators
from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.contracts.messages import (
    CompressImage,
    CompressOptions,
    DownloadImage,
    ImageDeferred,
    ImageFailed,
    KnownResult,
    Message,
)
from shared.settings import AttemptSettings
from shared.url_policy import AddressPolicy
from tests.fakes import MemoryObjectStore, MovableClock
from tests.support.builders import a_result
from tests.support.odd_responses import ODD_RESPONSES
from tests.support.origin import Origin, Response, image, open_origin, redirect
from tests.support.pictures import a_photo
from tests.support.waiting import until

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
LOOPBACK = AddressPolicy(allow_networks=(ip_network("127.0.0.1/32"),))


@asynccontextmanager
async def fetcher(policy: AddressPolicy = LOOPBACK, **given: Any) -> AsyncIterator[Fetcher]:
    usual: dict[str, Any] = {"fetch_total_timeout": 5, "fetch_read_timeout": 2, "fetch_connect_timeout": 2}
    settings = FetchSettings(**usual | given)
    async with app.open_requester(settings, policy) as requester:
        yield app.build_fetcher(requester, settings)


async def error_of(url: str, policy: AddressPolicy = LOOPBACK, **settings: float) -> FetchError:
    async with fetcher(policy, **settings) as fetching:
        with pytest.raises(FetchError) as caught:
            async with fetching.fetch(url):
                pytest.fail("it was fetched")
    return caught.value


async def test_an_image_has_its_size_hash_and_detected_type(origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG, "text/plain"))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert fetched.body == JPEG
        assert (fetched.size, fetched.content_type) == (len(JPEG), "image/jpeg")
        assert fetched.sha256 == hashlib.sha256(JPEG).hexdigest()
        assert 0 <= fetched.ms < 5000
    sent = origin.requests[0].headers
    assert sent["accept"].startswith("image/*")
    assert sent["accept-encoding"] == "identity"
    assert sent["user-agent"].startswith("imagemill/")
    assert sent["host"] == origin.url("").removeprefix("http://")


async def test_a_large_image_is_a_file(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    body = JPEG + b"x" * 3_000_000
    url = origin.serve("/big.jpg", image(body))
    async with fetcher() as fetching:
        async with fetching.fetch(url) as fetched:
            assert isinstance(fetched.body, Path)
            assert fetched.body.parent == tmp_path
            assert sha256_of(fetched.body) == fetched.sha256 == hashlib.sha256(body).hexdigest()
            assert fetched.size == len(body)
        assert not files(tmp_path)


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_connections_are_reused_after_errors_and_redirects(origin: Origin) -> None:
    origin.serve("/moved", redirect("/a.jpg"))
    origin.serve("/a.jpg", image(JPEG))
    async with fetcher() as fetching:
        for _ in range(3):
            async with fetching.fetch(origin.url("/moved")):
                pass
            with pytest.raises(FetchError):
                async with fetching.fetch(origin.url("/missing")):
                    pass
    assert origin.connections == 1
    assert len(origin.requests) == 9


@pytest.mark.parametrize("status", [204, 206, 304, 400, 403, 404, 410, 429, 500, 503])
async def test_any_other_status_is_an_error_with_its_retry_after(origin: Origin, status: int) -> None:
    url = origin.serve("/a.jpg", Response(status=status, headers={"Retry-After": "7"}))
    error = await error_of(url)
    assert (error.cause, error.retry_after) == (status, "7")
    assert error.detail.startswith(f"HTTP {status} ")


async def test_a_slow_error_page_is_not_waited_for(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Response(status=503, body=b"x" * 5000, byte_interval=1))
    async with asyncio.timeout(2):
        assert (await error_of(url)).cause == 503


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(origin: Origin, status: int) -> None:
    origin.serve("/a.jpg", redirect("/b.jpg?x=1", status))
    origin.serve("/b.jpg?x=1", redirect(origin.url("/c.jpg"), status))
    origin.serve("/c.jpg", image(JPEG))
    async with fetcher() as fetching, fetching.fetch(origin.url("/a.jpg")) as fetched:
        assert fetched.body == JPEG


async def test_a_redirect_with_a_long_signature_is_followed(origin: Origin) -> None:
    target = "/b.jpg?signature=" + "a" * 5000
    origin.serve(target, image(JPEG))
    async with fetcher() as fetching, fetching.fetch(origin.serve("/a.jpg", redirect(target))) as fetched:
        assert fetched.body == JPEG


async def test_a_redirect_that_is_sent_twice_is_followed_and_two_different_ones_are_an_error(origin: Origin) -> None:
    origin.serve("/b.jpg", image(JPEG))
    twice, different = (
        Response(
            raw=b"HTTP/1.1 302 Found\r\nLocation: /b.jpg\r\nLocation: /%b.jpg\r\nContent-Length: 0\r\n\r\n" % other
        )
        for other in (b"b", b"c")
    )
    async with fetcher() as fetching, fetching.fetch(origin.serve("/a.jpg", twice)) as fetched:
        assert fetched.body == JPEG
    assert (await error_of(origin.serve("/a.jpg", different))).cause is FetchFailure.BAD_REDIRECT


@pytest.mark.parametrize("status", [201, 203, 226, 299])
async def test_an_image_with_another_success_is_fetched(origin: Origin, status: int) -> None:
    url = origin.serve("/a.jpg", Response(status=status, body=JPEG))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert fetched.body == JPEG


async def test_a_range_that_nobody_asked_for_is_the_image_if_it_is_all_of_it(origin: Origin) -> None:
    def part(sent: int) -> Response:
        return Response(status=206, body=JPEG[:sent], headers={"Content-Range": f"bytes 0-{sent - 1}/{len(JPEG)}"})

    async with fetcher() as fetching, fetching.fetch(origin.serve("/a.jpg", part(len(JPEG)))) as fetched:
        assert fetched.body == JPEG
    assert (await error_of(origin.serve("/b.jpg", part(100)))).cause == 206


@pytest.mark.parametrize("status", [202, 409, 423, 425])
async def test_an_image_that_its_host_still_makes_is_fetched_once_it_is_there(origin: Origin, status: int) -> None:
    """Also if the host sends a stand-in meanwhile."""
    making = Response(status=status, body=JPEG[:200], headers={"Retry-After": "40"})
    url = origin.serve("/a.jpg", making, making, image(JPEG))
    store = MemoryObjectStore()
    *deferrals, stored = await answers_to_attempts(3, url, AttemptSettings(fetch_retry_schedule=(5, 60)), store)
    waits = []
    for answer in deferrals:
        assert isinstance(answer, ImageDeferred)
        assert answer.error_detail.startswith(f"HTTP {status} ")
        waits.append((answer.error_code, answer.delay, answer.host_fault, answer.host_pause))
    assert waits == [(ErrorCode.NOT_READY, 40, False, None), (ErrorCode.NOT_READY, 60, False, None)]
    assert isinstance(stored, CompressImage)
    assert store.objects[stored.original_key].data == JPEG


def cookie_redirect(location: str, cookie: str) -> Response:
    return Response(status=302, headers={"Location": location, "Set-Cookie": cookie})


async def test_a_cookie_of_a_redirect_is_sent_back_within_the_download_and_never_kept(origin: Origin) -> None:
    """A host that checks for cookies redirects to the same URL until it gets one."""
    url = origin.serve("/a.jpg", cookie_redirect("/a.jpg", "seen=1; Path=/; HttpOnly"), image(JPEG))
    other = origin.serve("/b.jpg", image(JPEG))
    async with fetcher() as fetching:
        async with fetching.fetch(url) as fetched:
            assert fetched.body == JPEG
        async with fetching.fetch(url), fetching.fetch(other):
            pass
    assert [request.headers.get("cookie") for request in origin.requests] == [None, "seen=1", None, None]


async def test_a_cookie_is_sent_to_no_other_host_and_to_no_other_path(origin: Origin) -> None:
    policy = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
    async with open_origin(host="127.0.0.2") as images:
        back = origin.serve("/c.jpg", image(JPEG))
        there = images.serve("/b.jpg", cookie_redirect(back, "theirs=2; Path=/; Domain=127.0.0.1"))
        url = origin.serve("/a/a.jpg", cookie_redirect(there, "ours=1; Path=/a"))
        async with fetcher(policy) as fetching, fetching.fetch(url):
            pass
        assert [request.headers.get("cookie") for request in images.requests] == [None]
        assert [request.headers.get("cookie") for request in origin.requests] == [None, None]


async def test_redirects_are_limited(origin: Origin) -> None:
    origin.serve("/loop", redirect("/loop"))
    error = await error_of(origin.url("/loop"), fetch_max_redirects=3)
    assert (error.cause, error.detail) == (FetchFailure.BAD_REDIRECT, "more than 3 redirects")
    assert origin.request_count("/loop") == 4
    assert (await error_of(origin.url("/loop"), fetch_max_redirects=0)).cause is FetchFailure.BAD_REDIRECT


@pytest.mark.parametrize(
    ("location", "cause"),
    [
        ("http://169.254.169.254/latest/meta-data/", FetchFailure.BLOCKED_ADDRESS),
        ("http://[fd00:ec2::254]/latest/", FetchFailure.BLOCKED_ADDRESS),
        ("http://100.100.100.200/", FetchFailure.BLOCKED_ADDRESS),
        ("http://127.0.0.2/a.jpg", FetchFailure.BLOCKED_ADDRESS),
        ("http://2130706434/a.jpg", FetchFailure.BLOCKED_ADDRESS),
        ("http://0177.0.0.2/a.jpg", FetchFailure.BLOCKED_ADDRESS),
        ("http://\xc2\xb9\xc2\xb2\xe2\x81\xb7.0.0.2/a.jpg", FetchFailure.BLOCKED_ADDRESS),
        ("//10.0.0.1/a.jpg", FetchFailure.BLOCKED_ADDRESS),
        ("\\\\10.0.0.1\\a.jpg", FetchFailure.BLOCKED_ADDRESS),
        ("http://[::1]/a.jpg", FetchFailure.BLOCKED_ADDRESS),
        ("http://8.8.8.8:6379/", FetchFailure.BLOCKED_ADDRESS),
        ("file:///etc/passwd", FetchFailure.BAD_REDIRECT),
        ("gopher://127.0.0.1/_x", FetchFailure.BAD_REDIRECT),
        ("ftp://example.com/a.jpg", FetchFailure.BAD_REDIRECT),
        ("data:image/png;base64,AAAA", FetchFailure.BAD_REDIRECT),
        ("http://user:secret@127.0.0.1/a.jpg", FetchFailure.BAD_REDIRECT),
        ("http://[nonsense/a.jpg", FetchFailure.BAD_REDIRECT),
        ("http://example.com:port/", FetchFailure.BAD_REDIRECT),
        ("http://a..b/", FetchFailure.BAD_REDIRECT),
        ("//[fe80::1%25lo]/", FetchFailure.BAD_REDIRECT),
        ("/" + "a" * 9000, FetchFailure.BAD_REDIRECT),
    ],
)
async def test_every_redirect_is_checked(origin: Origin, location: str, cause: FetchFailure) -> None:
    error = await error_of(origin.serve("/a.jpg", redirect(location)))
    assert error.cause is cause


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("\\pictures\\b.jpg", "/pictures/b.jpg"),
        ("..\\b.jpg?x=\\y", "/b.jpg?x=\\y"),
        ("b c.jpg", "/a/b%20c.jpg"),
        ("b\tc.jpg", "/a/bc.jpg"),
        ("b\xc3\xbc.jpg", "/a/b%C3%BC.jpg"),
        ("b\xfc.jpg", "/a/b%FC.jpg"),
        ("%7Eb'(100%).jpg?'|\"#part", "/a/%7Eb'(100%).jpg?%27|%22"),
        ("./x/../b.jpg", "/a/b.jpg"),
        ("http:b.jpg", "/a/b.jpg"),
        (" b.jpg ", "/a/b.jpg"),
    ],
)
async def test_a_redirect_is_followed_as_browsers_do_to_the_byte(origin: Origin, location: str, path: str) -> None:
    origin.serve(path, image(JPEG))
    url = origin.serve("/a/moved", redirect(location))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert fetched.body == JPEG


async def test_a_redirect_to_the_host_in_other_words_is_made(origin: Origin) -> None:
    origin.serve("/b.jpg", image(JPEG))
    url = origin.serve("/a.jpg", redirect(f"\\\\0x7f.1:{origin.port}\\b.jpg"))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert fetched.body == JPEG
    assert origin.connections == 1


async def test_the_first_url_is_checked_before_anything_is_dialled(origin: Origin) -> None:
    nowhere = AddressPolicy(ports=frozenset({origin.port}))
    assert (await error_of(origin.url("/a.jpg"), nowhere)).cause is FetchFailure.BLOCKED_ADDRESS
    assert (await error_of(f"http://localhost:{origin.port}/a.jpg", nowhere)).cause is FetchFailure.BLOCKED_ADDRESS
    for url in ("ftp://127.0.0.1/", "http://a..b/", "http://300.1.1.1/", "http://a.com:x/", "nonsense"):
        assert (await error_of(url)).cause is FetchFailure.INVALID_URL
    assert origin.connections == 0


async def test_a_slow_body_ends_with_the_total_timeout(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Response(body=JPEG, byte_interval=0.05))
    error = await error_of(url, fetch_total_timeout=0.5)
    assert (error.cause, error.detail) == (FetchFailure.TIMED_OUT, "not finished after 0.5 s")


async def test_a_host_below_the_minimum_speed_is_not_waited_for(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Response(body=JPEG, byte_interval=0.02))
    error = await error_of(url, fetch_min_speed=1000, fetch_slow_grace=0.5)
    assert error.cause is FetchFailure.TOO_SLOW
    assert error.detail.endswith("s behind the minimum of 1000 bytes per second")


@pytest.mark.parametrize("min_speed", [0, 10])
async def test_a_slow_host_above_the_minimum_speed_is_waited_for(origin: Origin, min_speed: int) -> None:
    url = origin.serve("/a.jpg", Response(body=JPEG[:60], byte_interval=0.02))
    async with fetcher(fetch_min_speed=min_speed, fetch_slow_grace=0.5) as fetching, fetching.fetch(url) as fetched:
        assert fetched.size == 60


@pytest.mark.parametrize("headers_first", [True, False])
async def test_a_silent_host_ends_with_the_read_timeout(origin: Origin, headers_first: bool) -> None:
    url = origin.serve(
        "/a.jpg", Response(body=JPEG, byte_interval=60) if headers_first else Response(until=asyncio.Event())
    )
    error = await error_of(url, fetch_read_timeout=0.3)
    assert (error.cause, error.detail) == (FetchFailure.TIMED_OUT, "no data received")


async def test_an_endless_body_ends_at_the_size_limit(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Response(body=JPEG, endless=True))
    error = await error_of(url, fetch_max_bytes=100_000)
    assert error.cause is FetchFailure.TOO_LARGE


async def test_a_body_whose_declared_size_is_too_large_is_not_read(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Response(body=JPEG, declared=10**9))
    error = await error_of(url)
    assert (error.cause, error.detail) == (FetchFailure.TOO_LARGE, "1000000000 bytes, the limit is 52428800")


async def test_an_image_of_exactly_the_size_limit_is_accepted(origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG))
    async with fetcher(fetch_max_bytes=len(JPEG)) as fetching, fetching.fetch(url) as fetched:
        assert fetched.size == len(JPEG)
    assert (await error_of(url, fetch_max_bytes=len(JPEG) - 1)).cause is FetchFailure.TOO_LARGE


async def test_a_body_shorter_than_declared_is_incomplete_even_if_the_picture_seems_whole(origin: Origin) -> None:
    for picture in (JPEG, WHOLE_PICTURES["JPEG"]):
        short = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + picture
        assert (await error_of(origin.serve("/a.jpg", Response(raw=short)))).cause is FetchFailure.INCOMPLETE_BODY


async def test_a_body_longer_than_declared_does_not_affect_the_next_image(origin: Origin) -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + JPEG
    origin.serve("/long.jpg", Response(raw=long))
    origin.serve("/a.jpg", image(JPEG))
    async with fetcher() as fetching:
        async with fetching.fetch(origin.url("/long.jpg")) as fetched:
            assert fetched.size == 2000
        async with fetching.fetch(origin.url("/a.jpg")) as fetched:
            assert fetched.body == JPEG


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (image(b"<!doctype html><p>Not found"), "an HTML page, declared as image/jpeg"),
        (image(b"Photo to follow", "text/plain"), "text, declared as text/plain"),
        (Response(body=gzip.compress(JPEG)), "gzip data"),
        (Response(body=gzip.compress(b"<html>no</html>"), headers={"Content-Encoding": "gzip"}), "an HTML page"),
        (Response(body=b""), "empty"),
        (Response(body=b"\0" * 2_000_000, endless=True), "binary data of an unknown type"),
    ],
)
async def test_the_error_for_other_content_describes_it(origin: Origin, answer: Response, detail: str) -> None:
    error = await error_of(origin.serve("/a.jpg", answer))
    assert (error.cause, error.detail) == (FetchFailure.NOT_AN_IMAGE, detail)


def compressed(body: bytes, coding: str, **given: Any) -> Response:
    return Response(body=body, headers={"Content-Encoding": coding}, **given)


@pytest.mark.parametrize(
    "answer",
    [
        compressed(gzip.compress(JPEG), "gzip"),
        compressed(gzip.compress(JPEG), "X-GZip"),
        compressed(zlib.compress(JPEG), "deflate"),
        compressed(zlib.compress(JPEG, wbits=-15), "deflate"),
        compressed(gzip.compress(gzip.compress(JPEG)), "gzip, gzip"),
        compressed(gzip.compress(JPEG), "gzip", byte_interval=0.0001),
        compressed(JPEG, "gzip"),
        compressed(JPEG, "deflate"),
        compressed(JPEG, "br"),
        compressed(JPEG, "utf-8, none"),
    ],
    ids=["gzip", "x-gzip", "zlib", "raw", "twice", "in bytes", "gzip label", "deflate label", "br label", "odd labels"],
)
async def test_a_compressed_body_is_the_image_that_was_compressed(origin: Origin, answer: Response) -> None:
    async with fetcher() as fetching, fetching.fetch(origin.serve("/a.jpg", answer)) as fetched:
        assert (fetched.body, fetched.size, fetched.sha256) == (JPEG, len(JPEG), hashlib.sha256(JPEG).hexdigest())


async def test_a_large_compressed_image_is_whole(origin: Origin) -> None:
    body = JPEG + os.urandom(3_000_000) + bytes(3_000_000)
    url = origin.serve("/a.jpg", compressed(gzip.compress(body), "gzip"))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert (fetched.size, fetched.sha256) == (len(body), hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
async def test_a_body_that_expands_beyond_the_limit_is_too_large(origin: Origin, coding: str) -> None:
    bomb = JPEG + bytes(50_000_000)
    for _ in coding.split():
        bomb = gzip.compress(bomb)
    error = await error_of(origin.serve("/a.jpg", compressed(bomb, coding)), fetch_max_bytes=1_000_000)
    assert (error.cause, error.detail) == (FetchFailure.TOO_LARGE, "more than the limit of 1000000 bytes")


async def test_compressed_data_without_end_that_expands_to_nothing_ends_at_the_size_limit(origin: Origin) -> None:
    empty_blocks = b"\x00\x00\x00\xff\xff" * 1000
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + empty_blocks * 100
    error = await error_of(origin.serve("/a.jpg", Response(raw=raw)), fetch_max_bytes=100_000)
    assert error.cause is FetchFailure.TOO_LARGE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (compressed(gzip.compress(JPEG)[:-8] + b"\0" * 8, "gzip"), "incorrect data check"),
        (compressed(gzip.compress(JPEG)[:10] + b"\xff" * 99, "gzip"), "corrupt compressed data"),
        (compressed(b"x", "gzip, gzip, gzip"), "more than 2 content codings"),
        (compressed(b"\x8b\x03\x80 a picture in Brotli", "br"), "compressed with br, although"),
    ],
)
async def test_a_corrupt_compressed_body_is_a_bad_response(origin: Origin, answer: Response, words: str) -> None:
    error = await error_of(origin.serve("/a.jpg", answer))
    assert error.cause is FetchFailure.BAD_RESPONSE
    assert words in error.detail


@pytest.mark.parametrize("name", [name for name, odd in ODD_RESPONSES.items() if odd.accepted])
async def test_an_image_in_a_response_that_browsers_accept_is_fetched(origin: Origin, name: str) -> None:
    url = origin.serve("/a.jpg", Response(raw=ODD_RESPONSES[name].build(JPEG)))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert fetched.body == JPEG


async def test_a_header_that_cannot_be_read_fails_its_image_and_is_no_fault_of_the_host(origin: Origin) -> None:
    """It would open the host's circuit, and all its good images would wait."""
    url = origin.serve("/a.jpg", Response(raw=ODD_RESPONSES["two lengths"].build(JPEG)))
    deferred, failed = await answers_to_attempts(2, url, AttemptSettings(), MemoryObjectStore())
    assert isinstance(deferred, ImageDeferred)
    assert isinstance(failed, ImageFailed)
    for answer in (deferred, failed):
        assert (answer.error_code, answer.host_fault, answer.host_pause) == (ErrorCode.BAD_RESPONSE, False, None)
    assert failed.error_detail == "more than one Content-Length"
    assert ERROR_GUIDES[ErrorCode.BAD_RESPONSE].host_responded


WHOLE_PICTURES = {name: a_photo(1, 60, 40, name) for name in ("JPEG", "PNG", "GIF", "WEBP", "BMP")}


WITHOUT_END = {
    "no last chunk": FetchFailure.INCOMPLETE_BODY,
    "an unfinished last chunk": FetchFailure.INCOMPLETE_BODY,
    "an odd line after the last chunk": FetchFailure.BAD_RESPONSE,
}


@pytest.mark.parametrize("name", WITHOUT_END)
@pytest.mark.parametrize("picture", WHOLE_PICTURES)
async def test_a_picture_without_the_end_of_its_body_is_whole_only_if_its_own_end_is_there(
    origin: Origin, picture: str, name: str
) -> None:
    body, odd = WHOLE_PICTURES[picture], ODD_RESPONSES[name]
    async with fetcher() as fetching, fetching.fetch(origin.serve("/a", Response(raw=odd.build(body)))) as fetched:
        assert fetched.body == body
    for cut in (1, 2, 13, len(body) // 2):
        error = await error_of(origin.serve("/b", Response(raw=odd.build(body[:-cut]))))
        assert error.cause is WITHOUT_END[name], cut


@pytest.mark.parametrize(("declared", "whole"), [(len(JPEG), True), (len(JPEG) + 1, False)])
async def test_the_length_of_a_compressed_image_may_be_that_of_the_image(
    origin: Origin, declared: int, whole: bool
) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % declared
    url = origin.serve("/a.jpg", Response(raw=raw + gzip.compress(JPEG)))
    if whole:
        async with fetcher() as fetching, fetching.fetch(url) as fetched:
            assert fetched.body == JPEG
    else:
        assert (await error_of(url)).cause is FetchFailure.INCOMPLETE_BODY


@pytest.mark.parametrize("cut", [1, 8, 9, 200])
async def test_a_compressed_image_that_is_cut_off_is_incomplete(origin: Origin, cut: int) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(JPEG)[:-cut]
    error = await error_of(origin.serve("/a.jpg", Response(raw=raw)))
    assert (error.cause, error.detail) == (FetchFailure.INCOMPLETE_BODY, "the compressed body ends too early")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_compressed_picture_without_the_checksum_after_it_is_whole(origin: Origin, declared: bool) -> None:
    body = WHOLE_PICTURES["JPEG"]
    sent = gzip.compress(body)[:-8]
    length = b"Content-Length: %d\r\n" % len(sent) if declared else b""
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n%b\r\n%b" % (length, sent)
    async with fetcher() as fetching, fetching.fetch(origin.serve("/a.jpg", Response(raw=raw))) as fetched:
        assert fetched.body == body


async def test_an_image_that_arrives_in_single_bytes_is_recognised(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Response(body=JPEG[:40], byte_interval=0.001))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert fetched.content_type == "image/jpeg"


async def test_a_refused_and_a_closed_connection_are_connection_errors(origin: Origin) -> None:
    error = await error_of(origin.serve("/a.jpg", Response(raw=b"")))
    assert error.cause is FetchFailure.CONNECTION_LOST
    async with open_origin() as gone:
        url = gone.url("/a.jpg")
    error = await error_of(url)
    assert (error.cause, error.detail) == (FetchFailure.NOT_CONNECTED, "Connection refused")


async def test_a_host_never_has_more_concurrent_requests_than_allowed(origin: Origin) -> None:
    urls = [origin.serve(f"/{number}.jpg", Response(body=JPEG[:20], byte_interval=0.001)) for number in range(40)]
    async with fetcher(fetch_per_host=3, fetch_total_timeout=60) as fetching:
        await asyncio.gather(*(size_of(fetching, url) for url in urls))
    assert origin.max_concurrent == 3
    assert origin.connections == 3


async def test_the_wait_for_a_permit_delays_no_other_host_and_is_no_fault_of_the_host(origin: Origin) -> None:
    free = asyncio.Event()
    urls = [origin.serve(f"/{number}.jpg", Response(body=JPEG, until=free)) for number in range(2)]
    waiting_url = origin.serve("/waiting.jpg", image(JPEG))
    policy = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
    async with (
        open_origin(host="127.0.0.2") as other,
        fetcher(policy, fetch_per_host=2, fetch_total_timeout=0.3) as fetching,
    ):
        holding = [asyncio.create_task(size_of(fetching, url)) for url in urls]
        await until(lambda: len(origin.requests) == 2)
        waiting = asyncio.create_task(size_of(fetching, waiting_url))
        assert await size_of(fetching, other.serve("/a.jpg", image(JPEG))) == len(JPEG)
        held = await asyncio.gather(*holding, return_exceptions=True)
        assert [each.cause for each in held if isinstance(each, FetchError)] == [FetchFailure.TIMED_OUT] * 2
        assert await waiting == len(JPEG), "it waited for as long as the others had, and then had its own time"


async def test_a_redirect_counts_for_the_host_it_leads_to(origin: Origin) -> None:
    policy = AddressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
    async with open_origin(host="127.0.0.2") as images:
        image_url = images.serve("/a.jpg", Response(body=JPEG[:20], byte_interval=0.001))
        url = origin.serve("/moved", redirect(image_url))
        async with fetcher(policy, fetch_per_host=2, fetch_total_timeout=60) as fetching:
            await asyncio.gather(*(size_of(fetching, url) for _ in range(10)))
        assert images.max_concurrent == 2


async def test_a_cancelled_download_leaves_no_file_and_no_permit(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    url = origin.serve("/a.jpg", Response(body=JPEG * 300, endless=True))
    async with fetcher(fetch_per_host=1) as fetching:
        task = asyncio.create_task(size_of(fetching, url))
        await until(lambda: bool(files(tmp_path)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not files(tmp_path)
        assert await size_of(fetching, origin.serve("/b.jpg", image(JPEG))) == len(JPEG)


async def test_an_image_succeeds_once_its_host_recovers(origin: Origin) -> None:
    busy = Response(status=429, headers={"Retry-After": "40"})
    url = origin.serve("/a.jpg", busy, Response(status=503), image(JPEG))
    store = MemoryObjectStore()
    settings = AttemptSettings(fetch_attempts=4, fetch_retry_schedule=(5, 30))
    *deferrals, stored = await answers_to_attempts(3, url, settings, store)
    waits = []
    for answer in deferrals:
        assert isinstance(answer, ImageDeferred)
        waits.append((answer.error_code, answer.delay))
    assert waits == [(ErrorCode.HTTP_429, 40), (ErrorCode.HTTP_5XX, 30)]
    assert isinstance(stored, CompressImage)
    assert store.objects[stored.original_key].data == JPEG


async def answers_to_attempts(
    attempts: int, url: str, settings: AttemptSettings, store: MemoryObjectStore
) -> list[Message]:
    """The handler's answer to each attempt at an image, one at a time, as the dispatcher sends them."""
    clock, policy = MovableClock(), FetchRetryPolicy(settings, 3600, lambda: 0.0)
    answers = []
    async with fetcher() as fetching:
        handle = DownloadHandler(fetching, store, policy, clock, observe=lambda _: None, responded=lambda *_: None)
        for attempt in range(1, attempts + 1):
            [answer] = await handle(download(url, attempt, clock() + timedelta(minutes=15)))
            answers.append(answer)
    return answers


def download(url: str, attempt: int, start_by: datetime) -> DownloadImage:
    return DownloadImage(
        request_id="r1",
        image_id="a" * 32,
        round=1,
        dispatch=attempt,
        attempt=attempt,
        url=url,
        options=CompressOptions(),
        start_by=start_by,
    )


async def size_of(fetching: Fetcher, url: str) -> int:
    async with fetching.fetch(url) as fetched:
        return fetched.size


async def test_an_unchanged_image_is_not_downloaded_again(origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG, etag='W/"1"', last_modified="Mon, 05 Jan 2026 12:00:00 GMT"))
    version = Validators('W/"1"', "Mon, 05 Jan 2026 12:00:00 GMT")
    async with fetcher() as fetching:
        async with fetching.fetch(url) as fetched:
            assert fetched.validators == version
        known = KnownResult(etag=version.etag, last_modified=version.last_modified, result=a_result())
        async with fetching.fetch_if_changed(url, known) as unchanged:
            assert isinstance(unchanged, Unchanged)
            assert unchanged.validators == version
        async with fetching.fetch(url) as fetched:
            assert fetched.body == JPEG
    sent = [
        (request.headers.get("if-none-match"), request.headers.get("if-modified-since")) for request in origin.requests
    ]
    assert sent == [(None, None), (version.etag, version.last_modified), (None, None)]


@pytest.mark.parametrize(
    ("etag", "last_modified"), [('"1"', None), (None, "Mon, 05 Jan 2026 12:00:00 GMT")], ids=["etag", "date"]
)
async def test_either_validator_is_enough_for_a_conditional_request(
    origin: Origin, etag: str | None, last_modified: str | None
) -> None:
    version = {name: value for name, value in (("etag", etag), ("last_modified", last_modified)) if value}
    url = origin.serve("/a.jpg", image(JPEG, **version))
    known = KnownResult(etag=etag, last_modified=last_modified, result=a_result())
    async with fetcher() as fetching, fetching.fetch_if_changed(url, known) as unchanged:
        assert isinstance(unchanged, Unchanged)


async def test_a_changed_image_comes_with_its_new_version(origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG, etag='"2"'))
    known = KnownResult(etag='"1"', last_modified=None, result=a_result())
    async with fetcher() as fetching, fetching.fetch_if_changed(url, known) as fetched:
        assert isinstance(fetched, Fetched)
        assert (fetched.body, fetched.validators) == (JPEG, Validators('"2"'))


@pytest.mark.parametrize(
    "version", [{"etag": '"1"'}, {"last_modified": "Mon, 05 Jan 2026 12:00:00 GMT"}], ids=["etag", "date"]
)
async def test_a_validator_applies_only_to_the_url_that_sent_it(origin: Origin, version: dict[str, str]) -> None:
    """A redirect can lead to another image next time, with the same validator."""
    target = origin.serve("/b.jpg", image(JPEG, **version))
    url = origin.serve("/a.jpg", redirect(target))
    known = KnownResult(etag=version.get("etag"), last_modified=version.get("last_modified"), result=a_result())
    async with fetcher() as fetching:
        async with fetching.fetch(url) as fetched:
            assert not fetched.validators
        async with fetching.fetch_if_changed(url, known) as fetched_again:
            assert isinstance(fetched_again, Fetched)
    conditional = [bool({"if-none-match", "if-modified-since"} & set(request.headers)) for request in origin.requests]
    assert conditional == [False, False, True, False]


async def test_an_unrequested_304_after_a_redirect_is_an_error(origin: Origin) -> None:
    url = origin.serve("/a.jpg", redirect(origin.serve("/b.jpg", Response(status=304))))
    known = KnownResult(etag='"1"', last_modified=None, result=a_result())
    async with fetcher() as fetching:
        with pytest.raises(FetchError):
            async with fetching.fetch_if_changed(url, known):
                pytest.fail("it was considered unchanged")


async def test_an_error_after_a_redirect_to_another_host_is_marked(origin: Origin) -> None:
    async with open_origin() as other:
        sick = other.serve("/b.jpg", Response(status=503, headers={"Retry-After": "3600"}))
        here = origin.serve("/c.jpg", Response(status=503))
        assert (await error_of(origin.serve("/a.jpg", redirect(sick)))).after_cross_host_redirect
        assert not (await error_of(origin.serve("/d.jpg", redirect(here)))).after_cross_host_redirect
        assert not (await error_of(sick)).after_cross_host_redirect


async def test_an_unrequested_304_is_a_redirect_error(origin: Origin) -> None:
    error = await error_of(origin.serve("/a.jpg", Response(status=304)))
    assert outcome_of(error.cause).code is ErrorCode.REDIRECT


async def test_a_validator_of_more_than_500_characters_is_ignored(origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG, etag='"' + "x" * 500 + '"'))
    async with fetcher() as fetching, fetching.fetch(url) as fetched:
        assert not fetched.validators
