"""What single calls of the S3 store request."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.aggregator.result_effects import ResultEffects
from shared.contracts.object_keys import image_id
from shared.contracts.states import ImageState
from shared.persistence import Recorded
from shared.storage import ObjectStore, open_object_store
from tests.support.aggregating import BASE_URL, a_result, an_image
from tests.support.builders import NOW, REQUEST_ID
from tests.support.s3_requests import S3Requests
from tests.support.s3_server import open_s3_server

PART = 5 * 1024 * 1024
ORIGINAL = f"originals/{REQUEST_ID}/1-aaaaaaaaaaaaaaaa"


@pytest.fixture
def requests(tmp_path: Path) -> S3Requests:
    return S3Requests(tmp_path / "requests")


@pytest.fixture
async def store(tmp_path: Path, requests: S3Requests) -> AsyncIterator[ObjectStore]:
    with open_s3_server(tmp_path / "requests") as url:
        store = open_object_store(url)
        await store.make()
        assert await store.stat("uploads/none.csv") is None  # opens it
        requests.reset()
        yield store
        await store.close()


async def test_a_put_is_one_request_up_to_the_least_size_of_a_part(
    store: ObjectStore, requests: S3Requests, tmp_path: Path
) -> None:
    file = tmp_path / "original"
    file.write_bytes(bytes(PART))
    await store.put_bytes(ORIGINAL, file.read_bytes(), "image/jpeg")
    await store.put_file(ORIGINAL, file, "image/jpeg")
    assert requests.counts() == {"PUT originals/…": 2}


async def test_a_get_is_one_request(store: ObjectStore, requests: S3Requests) -> None:
    await store.put_bytes(ORIGINAL, b"bytes", "image/jpeg")
    requests.reset()
    assert await store.get_bytes(ORIGINAL) == b"bytes"
    assert requests.counts() == {"GET originals/…": 1}


async def test_a_copy_is_two_requests_and_no_bytes(store: ObjectStore, requests: S3Requests) -> None:
    await store.put_bytes("results/a/1.jpg", b"bytes", "image/jpeg")
    requests.reset()
    await store.copy("results/a/1.jpg", "results/b/1.jpg", "image/jpeg")
    assert requests.counts() == {"HEAD results/…": 1, "PUT results/…": 1}


async def test_the_originals_of_results_that_are_recorded_together_are_deleted_by_one_request(
    store: ObjectStore, requests: S3Requests
) -> None:
    effects = ResultEffects(store, BASE_URL, keep_originals=False)
    urls = [f"http://i/{number}.jpg" for number in range(20)]
    keys = [f"originals/{REQUEST_ID}/{image_id(url)}-aaaaaaaaaaaaaaaa" for url in urls]
    for key in keys:
        await store.put_bytes(key, b"bytes", "image/jpeg")
    requests.reset()
    result = a_result("results/r/1.jpg")
    ended = [replace(an_image(url), state=ImageState.COMPRESSED, result=result, ended_at=NOW) for url in urls]
    recorded = [Recorded(image=image, request_complete=False) for image in ended]
    await asyncio.gather(*(effects(each, key) for each, key in zip(recorded, keys, strict=True)))
    assert requests.counts() == {"POST ?delete": 1}
    assert [key async for key in store.list_keys("originals/")] == []
