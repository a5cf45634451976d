"""The downloader's probes, against a scripted origin."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from services.downloader.app import open_requester
from services.downloader.probe import ProbeHandler, UrlProber
from services.downloader.settings import FetchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.url_policy import AddressPolicy
from tests.fakes import MovableClock
from tests.support.builders import NOW
from tests.support.origin import Origin, Response, image, redirect
from tests.support.waiting import until

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
LOOPBACK = AddressPolicy(allow_networks=(ip_network("127.0.0.1/32"),))
LONG = 30.0


@asynccontextmanager
async def prober(seconds: float = 5, max_bytes: int = 1_000_000, **given: Any) -> AsyncIterator[UrlProber]:
    usual: dict[str, Any] = {"fetch_read_timeout": 2, "fetch_connect_timeout": 2}
    async with open_requester(FetchSettings(**usual | given), LOOPBACK) as requester:
        yield UrlProber(requester, seconds, max_bytes)


async def probe(url: str, seconds_left: float = LONG, **given: Any) -> ProbedImage:
    async with prober(**given) as probing:
        return await probing.probe(url, seconds_left)


def part(body: bytes, content_range: str) -> Response:
    return Response(status=206, body=body, headers={"Content-Type": "image/jpeg", "Content-Range": content_range})


async def test_a_range_response_gives_type_and_size_of_the_whole_image(origin: Origin) -> None:
    url = origin.serve("/a.jpg", part(JPEG[:1024], f"bytes 0-1023/{len(JPEG)}"))
    async with prober() as probing:
        found = await probing.probe(url, LONG)
        assert (found.url, found.content_type, found.size) == (url, "image/jpeg", len(JPEG))
        assert (found.error_code, found.error_detail) == (None, None)
        await probing.probe(url, LONG)
    assert [request.headers["range"] for request in origin.requests] == ["bytes=0-1023"] * 2
    assert origin.connections == 1, "a response that was read to its end leaves the connection reusable"


async def test_a_full_response_is_read_only_at_its_start(origin: Origin) -> None:
    url = origin.serve("/endless.jpg", Response(body=JPEG, endless=True))
    found = await probe(url)
    assert (found.content_type, found.size) == ("image/jpeg", None)
    await until(lambda: not origin.open_connections, what="the end of the connection")


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (image(JPEG), len(JPEG)),
        (image(JPEG[:100]), 100),
        (Response(raw=b"HTTP/1.1 200 OK\r\n\r\n" + JPEG[:300]), 300),
        (part(JPEG[:1024], "bytes 0-1023/*"), None),
        (part(JPEG[:1024], "apples 0-1023/5"), None),
        (part(JPEG[:1024], f"bytes 0-1023/{'0' * 5000}5"), None),
    ],
    ids=["whole", "short", "until it hangs up", "size unknown", "another unit", "more digits than an integer may have"],
)
async def test_the_size_is_known_if_the_host_sends_it(origin: Origin, answer: Response, size: int | None) -> None:
    found = await probe(origin.serve("/a.jpg", answer))
    assert (found.content_type, found.size, found.error_code) == ("image/jpeg", size, None)


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (Response(body=gzip.compress(JPEG), headers={"Content-Encoding": "gzip"}), None),
        (Response(body=gzip.compress(JPEG[:1000]), headers={"Content-Encoding": "gzip"}), 1000),
        (
            Response(
                status=206,
                body=gzip.compress(JPEG)[:50],
                headers={"Content-Encoding": "gzip", "Content-Range": "bytes 0-49/99"},
            ),
            None,
        ),
    ],
    ids=["large", "small", "part"],
)
async def test_a_compressed_image_is_recognised_and_the_size_of_what_is_sent_is_not_taken_for_its_own(
    origin: Origin, answer: Response, size: int | None
) -> None:
    found = await probe(origin.serve("/a.jpg", answer))
    assert (found.content_type, found.size, found.error_code) == ("image/jpeg", size, None)


async def test_a_host_without_range_support_gets_a_plain_request(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Response(status=416), image(JPEG))
    found = await probe(url)
    assert (found.content_type, found.size) == ("image/jpeg", len(JPEG))
    assert "range" not in origin.requests[-1].headers


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Response(status=404), ErrorCode.HTTP_404, "HTTP 404 Not Found"),
        (Response(status=503), ErrorCode.HTTP_5XX, "HTTP 503 Service Unavailable"),
        (Response(status=416), ErrorCode.HTTP_4XX, "HTTP 416"),
        (image(b"<html><body>not found</body></html>"), ErrorCode.NOT_AN_IMAGE, "an HTML page, declared as image/jpeg"),
        (part(JPEG[:1024], "bytes 0-1023/1000001"), ErrorCode.TOO_LARGE, "1000001 bytes, the limit is 1000000"),
        (Response(body=JPEG, declared=1_000_001), ErrorCode.TOO_LARGE, "1000001 bytes, the limit is 1000000"),
        (redirect("http://169.254.169.254/latest/"), ErrorCode.BLOCKED_ADDRESS, "metadata service"),
        (redirect("ftp://127.0.0.1/"), ErrorCode.REDIRECT, "invalid URL"),
        (Response(raw=b"nonsense"), ErrorCode.CONNECT, ""),
        (Response(raw=b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000), ErrorCode.BAD_RESPONSE, "longer than"),
        (
            Response(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + JPEG[:500]),
            ErrorCode.CONNECT,
            "before the end",
        ),
        (
            Response(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + JPEG[:500] + b"\xff\xd9"),
            ErrorCode.CONNECT,
            "before the end",
        ),
        (
            Response(body=gzip.compress(JPEG[:500])[:-20], headers={"Content-Encoding": "gzip"}),
            ErrorCode.CONNECT,
            "the compressed body ends too early",
        ),
    ],
    ids=lambda value: getattr(value, "value", None),
)
async def test_a_failed_probe_has_an_error_code_and_a_detail(
    origin: Origin, answer: Response, code: ErrorCode, words: str
) -> None:
    found = await probe(origin.serve("/a.jpg", answer))
    assert (found.content_type, found.size, found.error_code) == (None, None, code)
    assert found.error_detail is not None
    assert words in found.error_detail


async def test_blocked_addresses_are_not_probed() -> None:
    found = await probe("http://127.0.0.2/a.jpg")
    assert found.error_code is ErrorCode.BLOCKED_ADDRESS


async def test_redirects_are_followed(origin: Origin) -> None:
    origin.serve("/a.jpg", part(JPEG[:1024], f"bytes 0-1023/{len(JPEG)}"))
    found = await probe(origin.serve("/old.jpg", redirect("/a.jpg")))
    assert (found.url, found.size) == (origin.url("/old.jpg"), len(JPEG))


async def test_a_hanging_host_times_out(origin: Origin) -> None:
    found = await probe(origin.serve("/a.jpg", Response(until=asyncio.Event())), seconds=0.2)
    assert (found.error_code, found.error_detail) == (ErrorCode.TIMEOUT, "not finished after 0.2 s")
    assert 200 <= found.ms < 2000


async def test_a_probe_without_enough_time_has_no_error_code(origin: Origin) -> None:
    found = await probe(origin.serve("/a.jpg", Response(until=asyncio.Event())), seconds_left=0.2)
    assert (found.content_type, found.error_code, found.error_detail) == (
        None,
        None,
        "not enough time was left for the probe",
    )


async def test_probes_of_a_host_beyond_its_bound_wait_and_are_unknown_if_no_time_is_left(origin: Origin) -> None:
    free = asyncio.Event()
    url = origin.serve("/a.jpg", Response(body=JPEG, until=free))
    async with prober(fetch_per_host=1) as probing:
        first = asyncio.create_task(probing.probe(url, LONG))
        await until(lambda: origin.request_count("/a.jpg") == 1)
        second = await probing.probe(url, 0.3)
        assert (second.error_code, second.error_detail) == (None, "not enough time was left for the probe")
        third = asyncio.create_task(probing.probe(url, LONG))
        free.set()
        assert [(await task).size for task in (first, third)] == [len(JPEG)] * 2


def command(*urls: str) -> ProbeImages:
    return ProbeImages(probe_id="p1", reply_to="mine", urls=urls, answer_by=NOW + timedelta(seconds=20))


async def test_the_reply_has_all_urls_of_the_command_in_order(origin: Origin) -> None:
    slow = origin.serve("/slow.jpg", Response(body=JPEG[:20], byte_interval=0.01))
    bounds = FetchBounds(at_once=10, per_host=2)
    async with prober() as probing:
        handler = ProbeHandler(probing.probe, bounds, MovableClock(NOW))
        [reply] = await handler(command(slow, origin.url("/gone.jpg"), origin.serve("/a.jpg", image(JPEG))))
    assert isinstance(reply.message, ImagesProbed)
    assert (reply.to, reply.message.probe_id, reply.message.bounds) == ("mine", "p1", bounds)
    assert [(found.size, found.error_code) for found in reply.message.images] == [
        (20, None),
        (None, ErrorCode.HTTP_404),
        (len(JPEG), None),
    ]


async def test_a_command_after_its_answer_by_is_dropped(origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG))
    async with prober() as probing:
        handler = ProbeHandler(
            probing.probe, FetchBounds(at_once=1, per_host=1), MovableClock(NOW + timedelta(seconds=21))
        )
        assert await handler(command(url)) == []
    assert not origin.requests
