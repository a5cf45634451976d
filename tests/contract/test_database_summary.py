"""The summary of a request's images: totals, hosts, error codes."""

from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.image_summary import HostSummary, ImageSummary
from shared.contracts.records import Image
from shared.contracts.states import ImageState
from shared.long_lived import progress_is
from shared.persistence import Database, summary_query
from tests.support.builders import a_result, an_image

NOTHING = ImageSummary(0, 0, 0, 0, 0, 0, 0, 0, 0, (), 0, (), (), ())


def compressed(url: str, **result: Any) -> Image:
    return an_image(url, "a", state=ImageState.COMPRESSED, result=a_result(**result))


def failed(url: str, code: ErrorCode, **changes: Any) -> Image:
    return an_image(url, "a", state=ImageState.FAILED, error_code=code, error_detail="failed", **changes)


@pytest.fixture(autouse=True, params=[20_000, 2], ids=["one query", "several queries"])
def max_images_per_query(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary_query, "_MAX_IMAGES_PER_QUERY", request.param)


async def test_the_summary_of_no_images_is_empty(database: Database) -> None:
    assert await database.images.summary("a") == NOTHING


async def test_compressed_and_failed_images_are_added_up(database: Database) -> None:
    await database.images.insert_many(
        [
            compressed("http://x/1", bytes_in=1000, bytes_out=400, fetch_ms=10),
            compressed("http://x/2", bytes_in=2000, bytes_out=1900, fetch_ms=21, target_met=False),
            compressed("http://x/3", bytes_in=3000, bytes_out=1500, fetch_ms=9999, reused="unchanged"),
            compressed("http://y/1", bytes_in=100, bytes_out=100, fetch_ms=50, action="kept_original"),
            compressed("http://y/2", bytes_in=500, bytes_out=200, fetch_ms=70, reused="same_bytes"),
            failed("http://x/4", ErrorCode.HTTP_404),
            failed("http://y/3", ErrorCode.CONNECT, round=2),
            failed("http://y/4", ErrorCode.CONNECT),
            failed("http://z/1", ErrorCode.BLOCKED_ADDRESS),
            an_image("http://x/5", "a"),
            an_image("http://w/1", "a", state=ImageState.DISPATCHED, error_code=ErrorCode.TIMEOUT),
            an_image("http://x/1", "another", state=ImageState.COMPRESSED, result=a_result()),
            an_image("http://x/1", "aa", state=ImageState.FAILED, error_code=ErrorCode.DNS),
        ]
    )

    x = HostSummary("x", 4, compressed=3, failed=1, cancelled=0, bytes_in=6000, bytes_out=3800, fetch_ms_mean=16)
    y = HostSummary("y", 4, compressed=2, failed=2, cancelled=0, bytes_in=600, bytes_out=300, fetch_ms_mean=60)
    z = HostSummary("z", 1, compressed=0, failed=1, cancelled=0, bytes_in=0, bytes_out=0, fetch_ms_mean=None)
    assert await database.images.summary("a") == ImageSummary(
        compressed=5,
        failed=4,
        cancelled=0,
        kept_original=1,
        unchanged=1,
        same_bytes=1,
        target_missed=1,
        bytes_in=6600,
        bytes_out=4100,
        hosts=(x, y, z),
        more_hosts=0,
        slowest_hosts=(y, x),
        errors=((ErrorCode.CONNECT, 2), (ErrorCode.BLOCKED_ADDRESS, 1), (ErrorCode.HTTP_404, 1)),
        kept_original_urls=("http://y/1",),
    )


async def test_images_without_a_host_are_counted_but_not_listed_as_a_host(database: Database) -> None:
    await database.images.insert_many(
        [
            compressed("http://x/1", bytes_in=1000, bytes_out=400, fetch_ms=10),
            failed("http:///shoe.jpg", ErrorCode.INVALID_URL, host=""),
            failed("http:///boot.jpg", ErrorCode.INVALID_URL, host=""),
        ]
    )

    summary = await database.images.summary("a")

    assert (summary.compressed, summary.failed, summary.errors) == (1, 2, ((ErrorCode.INVALID_URL, 2),))
    assert ([host.host for host in summary.hosts], summary.more_hosts) == (["x"], 0)


async def test_images_are_counted_if_none_has_a_host(database: Database) -> None:
    await database.images.insert_many([failed("http:///shoe.jpg", ErrorCode.INVALID_URL, host="")])

    summary = await database.images.summary("a")

    assert (summary.failed, summary.hosts, summary.more_hosts, summary.slowest_hosts) == (1, (), 0, ())


async def test_only_the_largest_and_the_slowest_hosts_are_listed(database: Database) -> None:
    images = [compressed(f"http://host-{number:03}/1", fetch_ms=number) for number in range(150)]
    await database.images.insert_many([*images, compressed("http://host-149/2", fetch_ms=0)])

    summary = await database.images.summary("a")

    names = [host.host for host in summary.hosts]
    assert names == ["host-149", *(f"host-{number:03}" for number in range(99))]
    assert summary.more_hosts == 50
    assert [host.host for host in summary.slowest_hosts] == [f"host-{number}" for number in range(148, 138, -1)]
    assert summary.compressed == 151


async def test_the_same_hundred_kept_originals_are_listed_each_time(database: Database) -> None:
    urls = [f"http://x/{number}" for number in range(230)]
    await database.images.insert_many([compressed(url, action="kept_original") for url in urls])
    await database.images.insert_many([compressed(f"http://x/smaller-{number}") for number in range(50)])

    first, second = [await database.images.summary("a") for _ in range(2)]

    assert first == second
    assert first.kept_original == 230
    assert len(set(first.kept_original_urls)) == 100
    assert set(first.kept_original_urls) <= set(urls)


async def test_a_long_summary_reports_progress(database: Database) -> None:
    await database.images.insert_many([failed(f"http://x/{number}", ErrorCode.DNS) for number in range(40)])
    beats: list[None] = []
    with progress_is(lambda: beats.append(None)):
        await database.images.summary("a")
    assert len(beats) >= 40 / summary_query._MAX_IMAGES_PER_QUERY
