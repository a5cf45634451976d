"""A host that is down for a while makes no image fail and delays no other host."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import LocalStack
from tests.e2e.conftest import SETTINGS
from tests.support.odd_responses import ODD_RESPONSES
from tests.support.origin import Origin, Response, image, open_origin
from tests.support.pictures import a_photo
from tests.support.servers import servers_at
from tests.support.stack import StackClient, a_catalogue
from tests.support.waiting import until

IMAGES = 60
PAUSES = {"FETCH_ATTEMPTS": "2", "HOST_FAULTS": "5", "HOST_PAUSE": "0.5", "HOST_PAUSE_MAX": "1", "IMAGE_MAX_AGE": "20"}
DOWN = Response(status=500)


@pytest.fixture(scope="module")
async def pausing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StackClient]:
    home: Path = tmp_path_factory.mktemp("pausing")
    async with (
        LocalStack(home, SETTINGS | PAUSES, servers_at(home)) as stack,
        httpx.AsyncClient(base_url=stack.gateway_url, timeout=30) as http,
    ):
        yield StackClient(http)


async def test_no_image_fails_while_a_host_is_down_and_comes_back(pausing: StackClient, origin: Origin) -> None:
    photo = a_photo(1, 64, 48)
    async with open_origin() as sick:
        paths = [f"/{number}.jpg" for number in range(IMAGES)]
        well = [origin.serve(path, image(photo)) for path in paths[:20]]
        request_id = await pausing.upload(a_catalogue([[sick.serve(path, DOWN)] for path in paths] + [well]))

        async def only_the_sick_host_is_left() -> bool:
            status = await pausing.status(request_id)
            waiting = [host["host"] for host in status["paused_hosts"]]
            return status["progress"]["compressed"] == len(well) and waiting == [f"127.0.0.1:{sick.port}"]

        async def several_pauses_are_over() -> bool:
            return len(sick.requests) >= asked + 4 or (await pausing.status(request_id))["status"] != "Pending"

        async def it_shows_in_the_metrics() -> bool:
            return "imagemill_paused_hosts 1.0" in (await pausing.http.get("/metrics")).text

        await until(only_the_sick_host_is_left, 30)
        await until(it_shows_in_the_metrics, 10)
        asked = len(sick.requests)
        await until(several_pauses_are_over, 15)
        assert len(sick.requests) <= 2 * IMAGES
        for path in paths:
            sick.serve(path, image(photo))
        status = await pausing.finished(request_id, 60)
    assert (status["progress"]["compressed"], status["progress"]["failed"]) == (IMAGES + len(well), 0)
    assert status["paused_hosts"] == []


async def test_responses_that_cannot_be_read_pause_no_host(pausing: StackClient, origin: Origin) -> None:
    """More of them than the faults that open a circuit, before the good images of the same host."""
    photo = a_photo(2, 64, 48)
    unreadable = Response(raw=ODD_RESPONSES["two lengths"].build(photo))
    odd = Response(raw=ODD_RESPONSES["no colon"].build(photo))
    bad = [origin.serve(f"/bad{number}.jpg", unreadable) for number in range(12)]
    good = [origin.serve(f"/odd{number}.jpg", odd) for number in range(40)]
    request_id = await pausing.upload(a_catalogue([[url] for url in bad + good]))

    status = await pausing.finished(request_id, 60)

    assert (status["progress"]["compressed"], status["progress"]["failed"]) == (len(good), len(bad))
    assert [origin.request_count(f"/bad{number}.jpg") for number in range(12)] == [2] * 12
    metrics = (await pausing.http.get("/metrics")).text
    assert "imagemill_paused_hosts 0.0" in metrics
