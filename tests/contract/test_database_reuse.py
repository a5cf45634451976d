"""Reuse: the latest result of earlier requests for the same URL with the same options."""

from datetime import timedelta

from shared.contracts.records import Image
from shared.persistence import Database
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_request, a_result, an_image
from tests.support.worker_messages import compressed, failed

URL = "http://images.test/1.jpg"
KEY = "5a" * 16
VERSION = {"etag": '"v1"', "last_modified": "Mon, 05 Jan 2026 12:00:00 GMT", "reuse_key": KEY}


async def _an_image_of(database: Database, request_id: str, url: str = URL) -> Image:
    await database.requests.insert(a_request(request_id))
    image = an_image(url, request_id)
    await database.images.insert_many([image])
    return image


async def test_the_latest_result_of_any_request_is_found(database: Database, clock: MovableClock) -> None:
    for request_id in ("b", "a"):
        result = a_result(key=f"results/{request_id}/1.jpg")
        await database.images.record(compressed(await _an_image_of(database, request_id), **VERSION, result=result))
        clock.advance(60)

    found = await database.images.reusable({KEY, "0" * 32}, NOW)

    assert set(found) == {KEY}
    image = found[KEY]
    assert (image.request_id, image.etag, image.last_modified) == ("a", VERSION["etag"], VERSION["last_modified"])
    assert image.result == a_result(key="results/a/1.jpg")


async def test_older_results_are_not_found(database: Database) -> None:
    await database.images.record(compressed(await _an_image_of(database, "a"), **VERSION))
    assert await database.images.reusable({KEY}, NOW)
    assert not await database.images.reusable({KEY}, NOW + timedelta(seconds=1))


async def test_only_compressed_images_with_a_validator_are_found(database: Database) -> None:
    await database.images.record(compressed(await _an_image_of(database, "a")))
    await database.images.record(failed(await _an_image_of(database, "b")))
    await _an_image_of(database, "c")
    assert not await database.images.reusable({KEY}, NOW - timedelta(days=1))


async def test_results_of_a_deleted_request_are_not_found(database: Database) -> None:
    await database.images.record(compressed(await _an_image_of(database, "a"), **VERSION))
    await database.delete_request("a")
    assert not await database.images.reusable({KEY}, NOW)


async def test_no_keys_find_no_images(database: Database) -> None:
    assert await database.images.reusable(set(), NOW) == {}


async def test_a_late_result_of_a_cancelled_image_does_not_replace_the_latest(
    database: Database, clock: MovableClock
) -> None:
    await database.images.record(compressed(await _an_image_of(database, "a"), **VERSION))
    clock.advance(60)
    cancelled = await _an_image_of(database, "b")
    await database.cancellations.begin("b")
    await database.cancellations.cancel_images("b", 1, 10)
    await database.images.record(compressed(cancelled, **VERSION))
    assert (await database.images.reusable({KEY}, NOW))[KEY].request_id == "a"
