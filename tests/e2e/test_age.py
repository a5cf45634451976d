"""An image ages at its host only: what waits for us never fails, and a host that never works has an end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import LocalStack
from tests.e2e.conftest import SETTINGS
from tests.support.origin import Origin, Response, image, open_origin
from tests.support.pictures import a_photo
from tests.support.servers import servers_at
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until

MAX_AGE = 1.5
SLOW = {
    "IMAGE_MAX_AGE": str(MAX_AGE),
    # Most images of a host find it at our limit, and are tried again after 5 to 15 seconds.
    "FETCH_PER_HOST": "1",
    "FETCH_HOST_RATE": "4",
    "FETCH_HOST_WAIT": "0",
    "FETCH_RETRY_AFTER_MAX": "3",
    "FETCH_TOTAL_TIMEOUT": "1",
    "HOST_FAULTS": "3",
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
async def test_what_waits_for_us_fails_no_image(
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


def _move(source: Path, target: Path) -> None:
    source.rename(target)
