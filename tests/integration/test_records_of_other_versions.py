"""Records that an earlier or a later version wrote, in a real database: they are read, or set aside alone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pymongo import MongoClient
from pymongo.database import Database as RawDatabase

from services.gateway.background.sweep import Sweep
from services.gateway.settings import DispatchSettings
from shared.contracts.error_codes import ErrorCode
from shared.contracts.events import PublicEvent
from shared.contracts.messages import FinishRequest
from shared.contracts.records import HostCircuit, Progress
from shared.contracts.states import ImageState
from shared.errors import UnreadableRecord
from shared.observability import Metrics
from shared.persistence import Database, open_database
from shared.persistence.documents import Document
from shared.settings import MongoSettings
from tests.fakes import MovableClock
from tests.support.aggregating import a_finisher
from tests.support.builders import NOW, REQUEST_ID, a_product, a_request, a_result, an_announcement, an_image, finished
from tests.support.database_calls import DELIVERY
from tests.support.dispatching import Dispatching
from tests.support.recording_publisher import RecordingPublisher
from tests.support.running_gateway import Gateway, an_app, problem
from tests.support.stored_records import FORM, FOUR_FILES, HEADER_ONLY, IMAGE, by_a_later_version
from tests.support.worker_messages import compressed

OTHER_ID = REQUEST_ID[:-1] + "2"
LATER: Document = {"losses": {"worker": 1}}
DONE = Progress(total=1, compressed=1, failed=0, pending=0, as_of=NOW)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def database(mongodb_url: str, registry: CollectorRegistry) -> AsyncIterator[Database]:
    settings, clock = MongoSettings(mongodb_url=mongodb_url), MovableClock(NOW)
    async with open_database(settings, asyncio.Event(), clock, Metrics(registry)) as database:
        yield database


@pytest.fixture
def raw(mongodb_url: str) -> Any:
    with MongoClient[Document](mongodb_url, tz_aware=True) as client:
        yield client.get_default_database()


def set_aside(registry: CollectorRegistry, collection: str) -> float:
    labels = {"collection": collection}
    return registry.get_sample_value("imagemill_unreadable_records_total", labels) or 0


async def test_requests_of_earlier_versions_are_read(database: Database, raw: RawDatabase[Document]) -> None:
    raw["requests"].insert_many([FORM, FOUR_FILES])
    form, four_files = await database.requests.get("form"), await database.requests.get("four-files")
    assert form is not None
    assert four_files is not None
    assert form.catalogue_format == four_files.catalogue_format == a_request().catalogue_format
    assert form.report_json_key == "outputs/form/1/report.json"
    assert (form.progress.reused, four_files.progress.reused) == (0, 1)
    assert (form.announcements, form.expires_at) == ((), None)


async def test_an_image_of_an_earlier_version_is_read(database: Database, raw: RawDatabase[Document]) -> None:
    raw["images"].insert_one(IMAGE)
    [image] = (await database.images.find("form", [IMAGE["_id"].partition(":")[2]])).values()
    assert image.result is not None
    assert (image.result.bytes_out, image.result.original_width, image.result.reused) == (498, None, None)
    assert (image.losses, image.etag) == (0, None)


@pytest.mark.usefixtures("database")
async def test_an_index_that_only_earlier_versions_used_is_dropped(
    mongodb_url: str, raw: RawDatabase[Document]
) -> None:
    former = raw["images"].create_index([("request_id", 1), ("host", 1), ("not_before", 1)])
    for _ in range(2):
        async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()):
            assert former not in raw["images"].index_information()


async def test_a_due_image_of_an_earlier_version_has_lost_no_worker(
    database: Database, raw: RawDatabase[Document]
) -> None:
    raw["images"].insert_one(IMAGE | {"state": "pending", "not_before": NOW})
    assert len(await database.images.due("form", 1, without_losses=True)) == 1


async def test_a_request_without_what_this_version_needs_is_set_aside(
    database: Database, raw: RawDatabase[Document], registry: CollectorRegistry
) -> None:
    raw["requests"].insert_one(HEADER_ONLY)
    for _ in range(3):
        with pytest.raises(UnreadableRecord, match="catalogue_format"):
            await database.requests.get("header-only")
    assert set_aside(registry, "requests") == 1


async def test_fields_that_a_later_version_added_are_ignored(database: Database, raw: RawDatabase[Document]) -> None:
    ended = finished(a_request("a", intake_open=False), DONE)
    request = replace(ended, announcements=(an_announcement(ended),))
    image = an_image(request_id="a", state=ImageState.COMPRESSED, result=a_result(), ended_at=NOW)
    product, host = a_product(1, ("u",), "a"), HostCircuit("h.test", 1, 0, None, ErrorCode.CONNECT)
    await database.requests.insert(request)
    await database.images.insert_many([image])
    await database.products.insert_many([product])
    await database.deliveries.put(DELIVERY)
    await database.hosts.save(host, instead_of=None)
    for name in ("requests", "images", "products", "deliveries", "hosts"):
        for document in raw[name].find():
            raw[name].replace_one({"_id": document["_id"]}, by_a_later_version(document))

    assert await database.requests.get("a") == request
    assert await database.images.find("a", [image.image_id]) == {image.image_id: image}
    assert [batch async for batch in database.products.batches("a")] == [[product]]
    assert await database.deliveries.get(DELIVERY.delivery_id) == DELIVERY
    assert await database.hosts.circuits() == [host]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "Archived"},
        {"options.format": "jxl"},
        {"catalogue_format.profile": "etsy"},
        {"catalogue_format.dialect.delimiter": {"$unset": True}},
        {"progress": "none"},
        {"upload_key": None},
    ],
    ids=str,
)
async def test_a_request_with_a_value_of_a_later_version_is_set_aside(
    database: Database, raw: RawDatabase[Document], registry: CollectorRegistry, change: Document
) -> None:
    await database.requests.insert(a_request("a"))
    await database.requests.insert(a_request("b"))
    raw["requests"].update_one({"_id": "a"}, {"$set": change})
    assert [request.request_id for request in await database.requests.open_intakes()] == ["b"]
    with pytest.raises(UnreadableRecord):
        await database.requests.get("a")
    assert set_aside(registry, "requests") == 1


async def test_an_unreadable_image_delays_no_other_image(
    database: Database, raw: RawDatabase[Document], registry: CollectorRegistry
) -> None:
    images = [an_image(f"http://images.test/{number}.jpg", "a") for number in range(30)]
    await database.requests.insert(a_request("a", intake_open=False))
    await database.images.insert_many(images)
    raw["images"].update_many({"_id": {"$in": [f"a:{image.image_id}" for image in images[:20]]}}, {"$set": LATER})
    assert {image.image_id for image in await database.images.due("a", 5)} <= {image.image_id for image in images[20:]}

    results = await asyncio.gather(
        *(database.images.record(compressed(image)) for image in images), return_exceptions=True
    )
    assert [isinstance(result, UnreadableRecord) for result in results] == [True] * 20 + [False] * 10
    assert set_aside(registry, "images") == 20


async def test_an_image_in_an_unknown_state_keeps_only_its_own_request_from_finishing(
    database: Database, raw: RawDatabase[Document]
) -> None:
    for request_id in ("a", "b"):
        await database.requests.insert(a_request(request_id, intake_open=False))
        await database.images.insert_many([an_image(request_id=request_id, state=ImageState.FAILED)])
    raw["images"].update_one({"request_id": "a"}, {"$set": {"state": "upscaling"}})
    with pytest.raises(UnreadableRecord, match="upscaling"):
        await database.images.summary("a")
    assert (await database.images.summary("b")).failed == 1


async def test_a_pause_with_an_unknown_error_code_still_counts(database: Database, raw: RawDatabase[Document]) -> None:
    until = NOW + timedelta(minutes=1)
    await database.hosts.save(HostCircuit("h.test", 9, 1, until, ErrorCode.CONNECT), instead_of=None)
    raw["hosts"].update_one({}, {"$set": {"error_code": "too_polite"}})
    [circuit] = await database.hosts.not_closed()
    assert circuit.paused_until == until


@pytest.mark.parametrize("change", [{"$unset": {"pauses": ""}}, {"$set": {"failures": {"images": 3}}}], ids=str)
async def test_a_host_circuit_that_cannot_be_read_counts_as_none(
    database: Database, raw: RawDatabase[Document], registry: CollectorRegistry, change: Document
) -> None:
    until = NOW + timedelta(minutes=1)
    for host in ("unreadable.test", "readable.test"):
        await database.hosts.save(HostCircuit(host, 9, 1, until, ErrorCode.CONNECT), instead_of=None)
    raw["hosts"].update_one({"_id": "unreadable.test"}, change)
    await insert_due(database, "a")
    publisher = RecordingPublisher()
    dispatcher, sweep = background(database, publisher)

    await dispatcher.step()
    await sweep.step()

    assert [command.request_id for command in publisher.downloads()] == ["a"]
    assert [circuit.host for circuit in await database.hosts.circuits()] == ["readable.test"]
    assert await database.hosts.get("unreadable.test") is None
    assert set_aside(registry, "hosts") == 1


@pytest.mark.parametrize("name", ["cancelled_round", "cancel_requested_at", "intake_open"])
async def test_a_cancellation_that_cannot_be_read_delays_no_other_request(
    database: Database, raw: RawDatabase[Document], registry: CollectorRegistry, name: str
) -> None:
    for request_id in ("a", "b", "c"):
        await insert_due(database, request_id)
    for request_id in ("a", "b"):
        await database.cancellations.begin(request_id)
    raw["requests"].update_one({"_id": "a"}, {"$set": {name: {"later": NOW}}})
    publisher = RecordingPublisher()
    dispatcher, sweep = background(database, publisher)

    await dispatcher.step()
    await sweep.step()

    assert "c" in [command.request_id for command in publisher.downloads()]
    assert [each.request_id for each in await database.cancellations.in_progress()] == ["b"]
    assert set_aside(registry, "requests") == 1


async def insert_due(database: Database, request_id: str) -> None:
    await database.requests.insert(a_request(request_id, intake_open=False))
    await database.images.insert_many([an_image(request_id=request_id)])


def background(database: Database, publisher: RecordingPublisher) -> tuple[Dispatching, Sweep]:
    dispatching = Dispatching(database, publisher, MovableClock(NOW))
    return dispatching, Sweep(dispatching.parts, dispatching.lease, DispatchSettings())


async def test_the_dispatcher_and_the_sweep_pass_over_a_request_that_cannot_be_read(
    database: Database, raw: RawDatabase[Document]
) -> None:
    publisher = RecordingPublisher()
    dispatcher, sweep = background(database, publisher)
    for request_id in ("a", "b"):
        await insert_due(database, request_id)
    for request_id in ("stranded-a", "stranded-b"):
        await database.requests.insert(a_request(request_id, intake_open=False))
    raw["requests"].update_many({"_id": {"$in": ["a", "stranded-a"]}}, {"$set": {"options.mode": "later"}})

    await dispatcher.step()
    await sweep.step()

    assert [command.request_id for command in publisher.downloads()] == ["b"]
    assert [each.request_id for each in publisher.sent if isinstance(each, FinishRequest)] == ["stranded-b"]
    assert await database.images.requests_with_pending() == ["a"]


async def test_a_request_that_an_earlier_version_finished_without_announcing_it_is_announced_once(
    database: Database, raw: RawDatabase[Document]
) -> None:
    raw["requests"].insert_one(FORM)  # its process ended after this write, so the broker delivers FinishRequest again
    publisher = RecordingPublisher()
    finish = a_finisher(database, publisher.publish)

    for _ in range(2):
        assert await finish(FinishRequest(request_id=FORM["_id"], round=1)) == []

    assert [event.subject for event in publisher.sent if isinstance(event, PublicEvent)] == [FORM["_id"]]


async def test_the_finish_of_a_request_that_cannot_be_read_waits_for_another_version(
    database: Database, raw: RawDatabase[Document]
) -> None:
    for request_id in ("a", "b"):
        await database.requests.insert(a_request(request_id, intake_open=False))
        await database.products.insert_many([a_product(1, ("http://images.test/1.jpg",), request_id)])
        await database.images.insert_many([an_image(request_id=request_id, state=ImageState.FAILED, ended_at=NOW)])
    raw["images"].update_one({"request_id": "a"}, {"$set": {"error_code": "too_polite"}})
    publisher = RecordingPublisher()
    finish = a_finisher(database, publisher.publish)

    for request_id in ("a", "b"):
        assert await finish(FinishRequest(request_id=request_id, round=1)) == []

    statuses = {document["_id"]: document["status"] for document in raw["requests"].find()}
    assert statuses == {"a": "Pending", "b": "Failed"}
    assert [event.subject for event in publisher.sent if isinstance(event, PublicEvent)] == ["b"]


async def test_the_status_of_a_request_that_cannot_be_read_is_a_problem(
    gateway: Gateway, database: Database, raw: RawDatabase[Document]
) -> None:
    gateway.server.app = an_app(replace(gateway, database=database, registry=CollectorRegistry()), MovableClock(NOW))  # type: ignore[arg-type]
    for request_id in (REQUEST_ID, OTHER_ID):
        await database.requests.insert(a_request(request_id))
    raw["requests"].update_one({"_id": REQUEST_ID}, {"$set": {"status": "Archived"}})

    document = problem(await gateway.http.get("/status", params={"request_id": REQUEST_ID}), 500)
    assert document["type"] == "urn:imagemill:problem:unreadable-record"
    assert problem(await gateway.http.post(f"/requests/{REQUEST_ID}/retry"), 500)["type"] == document["type"]
    assert (await gateway.http.get("/status", params={"request_id": OTHER_ID})).status_code == 200


async def test_requests_of_a_version_without_retention_expire_like_others(
    database: Database, raw: RawDatabase[Document]
) -> None:
    await database.requests.insert(a_request("open", intake_open=False))
    await database.requests.insert(a_request("done", intake_open=False))
    ended = finished(a_request("done"), DONE)
    assert await database.requests.finish(ended, an_announcement(ended))
    raw["requests"].update_many({}, {"$unset": {"retention_days": "", "expires_at": ""}})
    assert await database.requests.give_retention(7) == 2
    assert await database.requests.give_retention(9) == 0, "once"
    done = await database.requests.get("done")
    pending = await database.requests.get("open")
    assert done is not None
    assert pending is not None
    assert done.expires_at == NOW + timedelta(days=7)
    assert pending.expires_at is None
    retried = await database.requests.retry("done", 1, DONE)
    for request in (pending, retried):
        assert request is not None
        assert request.expires_after(NOW) == NOW + timedelta(days=7)


async def test_a_request_accepted_with_unlimited_retention_never_expires(database: Database) -> None:
    await database.requests.insert(a_request("kept", retention_days=None))
    assert await database.requests.give_retention(7) == 0
