"""An image ages at its host only, and by one clock: what waits for us fails nothing, and wrong clocks delay nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import LocalStack
from tests.e2e.conftest import SETTINGS
from tests.support.collecting_receiver import CollectingReceiver
from tests.support.origin import Origin, Response, image, open_origin
from tests.support.pictures import a_photo
from tests.support.servers import servers_at
from tests.support.shifted_clock import launcher
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until

MAX_AGE = 1.5
SLOW = {
    "IMAGE_MAX_AGE": str(MAX_AGE),
    # Most images of a host wait for our own limits.
    "HOST_START": "1",
    "HOST_MAX": "1",
    "HOST_RATE": "4",
    "FETCH_RETRY_AFTER_MAX": "3",
    "FETCH_TOTAL_TIMEOUT": "1",
    "HOST_FAULTS": "3",
    "CLOCK_SKEW_MAX": "7200",
    "HOST_PAUSE": "0.5",
    "HOST_PAUSE_MAX": "1",
}
PHOTO = a_photo(1, 64, 48)
IMAGES = 12


@pytest.fixture(scope="module")
async def slow(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    home: Path = tmp_path_factory.mktemp("slow")
    async with LocalStack(home, SETTINGS | SLOW, servers_at(home)) as stack:
        yield stack


@pytest.fixture(scope="module")
async def client(slow: LocalStack) -> AsyncIterator[StackClient]:
    async with httpx.AsyncClient(base_url=slow.gateway_url, timeout=30) as http:
        yield StackClient(http)


@dataclass(frozen=True)
class Failing:
    """A request whose hosts never work. codes: the error code of each host, by the beginning of its URLs."""

    request_id: str
    codes: dict[str, str]


@pytest.fixture(scope="module", autouse=True)
async def failing(client: StackClient) -> AsyncIterator[Failing]:
    """Uploaded before the first test, since it takes a while."""
    async with AsyncExitStack() as origins:
        busy, trickling = [await origins.enter_async_context(open_origin()) for _ in range(2)]
        async with open_origin() as closed:
            pass
        paths = [f"/{number}.jpg" for number in range(40)]
        urls = [closed.url(path) for path in paths]
        urls += [busy.serve(path, Response(status=503, headers={"Retry-After": "600"})) for path in paths]
        slowly = Response(body=PHOTO, headers={"Content-Type": "image/jpeg"}, byte_interval=0.5)
        urls += [trickling.serve(path, slowly) for path in paths]
        codes = {closed.base_url: "connect", busy.base_url: "http_5xx", trickling.base_url: "timeout"}
        yield Failing(await client.upload(a_catalogue([urls])), codes)


@pytest.mark.parametrize("outage", [False, True], ids=["more work than time", "store away for longer"])
async def test_waiting_for_us_fails_no_image(
    slow: LocalStack, client: StackClient, origin: Origin, outage: bool
) -> None:
    urls = [origin.serve(f"/{number}.jpg", image(PHOTO)) for number in range(IMAGES)]
    request_id = await client.upload(a_catalogue([urls]))
    await until(lambda: len(origin.requests) > 0, 20)
    if outage:
        store = Path(slow.servers.object_store_url.removeprefix("file://"))
        _move(store, store.with_name("away"))
        await asyncio.sleep(2 * MAX_AGE)  # the length of the outage
        _move(store.with_name("away"), store)
    status = await client.finished(request_id, 90)
    assert (status["progress"]["compressed"], status["progress"]["failed"]) == (IMAGES, 0)


async def test_images_at_hosts_that_never_work_fail_with_the_hosts_errors(
    client: StackClient, failing: Failing
) -> None:
    """Most of them are never tried: a half-open host gets one at a time."""
    status = await client.finished(failing.request_id, 60)
    assert status["progress"]["failed"] == status["progress"]["total"]
    found: dict[str, set[str]] = {beginning: set() for beginning in failing.codes}
    for row in await client.table(status["report_url"]):
        [beginning] = [each for each in found if row["Input Image Url"].startswith(each + "/")]
        found[beginning].add(row["Error Code"])
    assert found == {beginning: {code} for beginning, code in failing.codes.items()}


@pytest.mark.slow
async def test_no_image_waits_because_clocks_are_wrong(
    slow: LocalStack, client: StackClient, origin: Origin, receiver: CollectingReceiver
) -> None:
    """Some services are twenty minutes ahead, others behind."""
    ahead, behind = launcher(1200), launcher(-1200)
    for copies in (
        [("gateway", 0, behind), ("downloader", 0, ahead), ("compressor", 0, behind)],
        [("aggregator", 0, ahead), ("downloader", 1, behind)],
    ):
        await asyncio.gather(*(_restart(slow, *copy) for copy in copies))
    urls = [origin.serve(f"/{number}.jpg", image(PHOTO)) for number in range(4)]
    urls.append(origin.serve("/later.jpg", Response(status=503), image(PHOTO)))
    began = datetime.now(UTC)

    request_id = await client.upload(a_catalogue([urls]), webhook_url=receiver.url)
    status = await client.finished(request_id, 60)

    assert (status["progress"]["compressed"], status["progress"]["failed"]) == (len(urls), 0)
    for name in ("created_at", "updated_at"):
        assert abs(datetime.fromisoformat(status[name]) - began) < timedelta(minutes=2), name
    await until(lambda: bool(receiver.calls), 30)
    assert receiver.verified(slow.joint()["WEBHOOK_SECRET"], request_id), "its timestamp is right too"
    metrics = (await client.http.get("/metrics")).text
    for reference in ("database", "storage"):
        [skew] = re.findall(rf'imagemill_clock_skew_seconds{{reference="{reference}"}} (\S+)', metrics)
        assert float(skew) == pytest.approx(-1200, abs=5)


async def _restart(stack: LocalStack, name: str, index: int, how: list[str]) -> None:
    if index == 0:
        await stack.services.stop(name)
    await stack.services.start(name, index, launcher=how)


def _move(source: Path, target: Path) -> None:
    source.rename(target)
