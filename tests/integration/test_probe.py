"""The downloader's look at a URL, against an origin that behaves as hosts do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from services.downloader.app import open_requester
from services.downloader.probe import ImageProbe, ProbeHandler
from services.downloader.settings import FetchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import FetchBounds, ImagesProbed, ProbedImage, ProbeImages
from shared.url_policy import AddressPolicy
from tests.fakes.clock import MovableClock
from tests.support.builders import NOW
from tests.support.origin import Answer, Origin, image, open_origin, redirect
from tests.support.waiting import until

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
LOOPBACK = AddressPolicy(allow_networks=(ip_network("127.0.0.1/32"),))
LONG = 30.0


@asynccontextmanager
async def probing(seconds: float = 5, max_bytes: int = 1_000_000, **given: Any) -> AsyncIterator[ImageProbe]:
    usual: dict[str, Any] = {"fetch_read_timeout": 2, "fetch_connect_timeout": 2}
    async with open_requester(FetchSettings(**usual | given), LOOPBACK) as requester:
        yield ImageProbe(requester, seconds, max_bytes)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with open_origin() as running:
        yield running


async def look(url: str, seconds_left: float = LONG, **given: Any) -> ProbedImage:
    async with probing(**given) as probe:
        return await probe.look(url, seconds_left)


def part(body: bytes, content_range: str) -> Answer:
    return Answer(status=206, body=body, headers={"Content-Type": "image/jpeg", "Content-Range": content_range})


async def test_a_part_tells_the_type_and_the_size_of_the_whole(origin: Origin) -> None:
    url = origin.serve("/a.jpg", part(JPEG[:1024], f"bytes 0-1023/{len(JPEG)}"))
    async with probing() as probe:
        seen = await probe.look(url, LONG)
        assert (seen.url, seen.content_type, seen.size) == (url, "image/jpeg", len(JPEG))
        assert (seen.error_code, seen.error_detail) == (None, None)
        await probe.look(url, LONG)
    assert [request.headers["range"] for request in origin.requests] == ["bytes=0-1023"] * 2
    assert origin.connections == 1, "an answer that was read to its end leaves the connection usable"


async def test_a_whole_image_is_read_no_further_than_its_head(origin: Origin) -> None:
    url = origin.serve("/endless.jpg", Answer(body=JPEG, endless=True))
    seen = await look(url)
    assert (seen.content_type, seen.size) == ("image/jpeg", None)
    await until(lambda: not origin.open_connections, what="the end of the connection")


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (image(JPEG), len(JPEG)),
        (image(JPEG[:100]), 100),
        (Answer(raw=b"HTTP/1.1 200 OK\r\n\r\n" + JPEG[:300]), 300),
        (part(JPEG[:1024], "bytes 0-1023/*"), None),
        (part(JPEG[:1024], "apples 0-1023/5"), None),
    ],
    ids=["whole", "short", "until it hangs up", "size unknown", "another unit"],
)
async def test_the_size_is_told_where_the_host_tells_it(origin: Origin, answer: Answer, size: int | None) -> None:
    seen = await look(origin.serve("/a.jpg", answer))
    assert (seen.content_type, seen.size, seen.error_code) == ("image/jpeg", size, None)


async def test_a_host_that_cannot_give_a_part_is_asked_for_the_whole(origin: Origin) -> None:
    url = origin.serve("/a.jpg", Answer(status=416), image(JPEG))
    seen = await look(url)
    assert (seen.content_type, seen.size) == ("image/jpeg", len(JPEG))
    assert "range" not in origin.requests[-1].headers


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Answer(status=404), ErrorCode.HTTP_404, "HTTP 404 Not Found"),
        (Answer(status=503), ErrorCode.HTTP_5XX, "HTTP 503 Service Unavailable"),
        (Answer(status=416), ErrorCode.HTTP_4XX, "HTTP 416"),
        (image(b"<html><body>not found</body></html>"), ErrorCode.NOT_AN_IMAGE, "an HTML page, declared as image/jpeg"),
        (part(JPEG[:1024], "bytes 0-1023/1000001"), ErrorCode.TOO_LARGE, "1000001 bytes, 1000000 are allowed"),
        (Answer(body=JPEG, declared=1_000_001), ErrorCode.TOO_LARGE, "1000001 bytes, 1000000 are allowed"),
        (redirect("http://169.254.169.254/latest/"), ErrorCode.BLOCKED_ADDRESS, "metadata service"),
        (redirect("ftp://127.0.0.1/"), ErrorCode.REDIRECT, "invalid URL"),
        (Answer(raw=b"nonsense"), ErrorCode.CONNECT, ""),
    ],
    ids=lambda value: getattr(value, "value", None),
)
async def test_why_there_is_no_image(origin: Origin, answer: Answer, code: ErrorCode, words: str) -> None:
    seen = await look(origin.serve("/a.jpg", answer))
    assert (seen.content_type, seen.size, seen.error_code) == (None, None, code)
    assert seen.error_detail is not None
    assert words in seen.error_detail


async def test_addresses_that_must_not_be_asked_are_not() -> None:
    seen = await look("http://127.0.0.2/a.jpg")
    assert seen.error_code is ErrorCode.BLOCKED_ADDRESS


async def test_redirects_are_followed(origin: Origin) -> None:
    origin.serve("/a.jpg", part(JPEG[:1024], f"bytes 0-1023/{len(JPEG)}"))
    seen = await look(origin.serve("/old.jpg", redirect("/a.jpg")))
    assert (seen.url, seen.size) == (origin.url("/old.jpg"), len(JPEG))


async def test_a_hanging_host_times_out(origin: Origin) -> None:
    seen = await look(origin.serve("/a.jpg", Answer(until=asyncio.Event())), seconds=0.2)
    assert (seen.error_code, seen.error_detail) == (ErrorCode.TIMEOUT, "not finished after 0.2 s")
    assert 200 <= seen.ms < 2000


async def test_too_little_time_is_no_fault_of_the_host(origin: Origin) -> None:
    seen = await look(origin.serve("/a.jpg", Answer(until=asyncio.Event())), seconds_left=0.2)
    assert (seen.content_type, seen.error_code, seen.error_detail) == (None, None, "too little time was left to look")


async def test_a_busy_host_is_no_fault_of_the_host_and_not_waited_for(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.downloader.probe._BUSY_SECONDS", 0.3)
    free = asyncio.Event()
    url = origin.serve("/a.jpg", Answer(body=JPEG, until=free))
    async with probing(fetch_per_host=1, fetch_host_wait=0.1) as probe:
        first = asyncio.create_task(probe.look(url, LONG))
        await until(lambda: origin.asked("/a.jpg") == 1)
        second = await probe.look(url, LONG)
        assert (second.error_code, second.error_detail) == (None, "the host is busy with other requests of ours")
        assert second.ms >= 300
        third = asyncio.create_task(probe.look(url, LONG))
        free.set()
        assert [(await task).size for task in (first, third)] == [len(JPEG)] * 2


def command(*urls: str) -> ProbeImages:
    return ProbeImages(probe_id="p1", reply_to="mine", urls=urls, answer_by=NOW + timedelta(seconds=20))


async def test_all_urls_of_a_command_are_answered_in_their_order(origin: Origin) -> None:
    slow = origin.serve("/slow.jpg", Answer(body=JPEG[:20], byte_interval=0.01))
    bounds = FetchBounds(at_once=10, per_host=2)
    async with probing() as probe:
        handler = ProbeHandler(probe.look, bounds, MovableClock(NOW))
        [reply] = await handler(command(slow, origin.url("/gone.jpg"), origin.serve("/a.jpg", image(JPEG))))
    assert isinstance(reply.message, ImagesProbed)
    assert (reply.to, reply.message.probe_id, reply.message.bounds) == ("mine", "p1", bounds)
    assert [(seen.size, seen.error_code) for seen in reply.message.images] == [
        (20, None),
        (None, ErrorCode.HTTP_404),
        (len(JPEG), None),
    ]


async def test_a_command_for_which_nobody_waits_any_more_is_dropped(origin: Origin) -> None:
    url = origin.serve("/a.jpg", image(JPEG))
    async with probing() as probe:
        handler = ProbeHandler(
            probe.look, FetchBounds(at_once=1, per_host=1), MovableClock(NOW + timedelta(seconds=21))
        )
        assert await handler(command(url)) == []
    assert not origin.requests
