"""The operator's commands as processes, on a real database and a real store."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ulid import ULID

from shared.contracts.object_keys import upload_key
from shared.contracts.records import Progress
from shared.contracts.states import ImageState
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from shared.storage import ObjectStore, open_object_store
from tests.support.builders import a_product, a_request, a_result, an_announcement, an_image, finished
from tests.support.tree import ROOT

_YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
GOOD, GONE, LOST, OPEN = (str(ULID.from_datetime(_YESTERDAY + timedelta(seconds=number))) for number in range(4))


@dataclass(frozen=True)
class Place:
    database: Database
    store: ObjectStore
    variables: dict[str, str]

    async def run(self, *arguments: str, **variables: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.gateway.admin", *arguments),
            cwd=ROOT,
            env=os.environ | self.variables | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def insert(self, request_id: str, *, is_finished: bool = True) -> list[str]:
        """Record a request with one image. Returns the keys of its objects, which are not stored."""
        request = a_request(request_id, intake_open=not is_finished)
        await self.database.requests.insert(request)
        await self.database.products.insert_many([a_product(1, ("http://i.test/1.jpg",), request_id)])
        result = a_result(key=f"results/{request_id}/a-1.jpg")
        compressed = an_image(request_id=request_id, state=ImageState.COMPRESSED, result=result, ended_at=_YESTERDAY)
        await self.database.images.insert_many([compressed])
        counted = Progress(total=1, compressed=1, failed=0, pending=0, as_of=_YESTERDAY)
        ended = replace(finished(request, counted), failed_key=None)
        if is_finished:
            announcement = an_announcement(ended)
            assert await self.database.requests.finish(ended, announcement)
            await self.database.requests.remove_announcement(request_id, announcement.event_id)
        outputs = [key for key in (ended.output_key, ended.report_key, ended.report_json_key) if key]
        return [upload_key(request_id), f"results/{request_id}/a-1.jpg", *outputs]

    async def put(self, *keys: str) -> None:
        for key in keys:
            await self.store.put_bytes(key, b"x", "text/plain")

    async def keys(self) -> set[str]:
        return {key async for key in self.store.list_keys("")}


@pytest.fixture
async def place(mongodb_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    variables = {"MONGODB_URL": mongodb_url, "OBJECT_STORE_URL": (tmp_path / "store").as_uri()}
    store = open_object_store(variables["OBJECT_STORE_URL"])
    await store.make()
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        yield Place(database, store, variables)
    await store.close()


async def test_reconcile_lists_what_does_not_match_and_removes_it_only_with_apply(place: Place) -> None:
    await place.put(*await place.insert(GOOD))
    await place.put(*(await place.insert(OPEN, is_finished=False))[:1])
    await place.insert(LOST)
    good = await place.keys()
    await place.put(upload_key(GONE), f"results/{GONE}/a-1.jpg", f"outputs/{GONE}/1/x.csv")
    await place.database.images.insert_many([an_image(request_id=GONE)])
    await place.put("notes.txt")
    before = await place.keys()

    status, output = await place.run("reconcile")
    assert status == 0, output
    assert f"objects without request  {GONE}  (3 objects)" in output
    assert f"records without request  {GONE}" in output
    assert f"request without objects  {LOST}  (4 objects)" in output
    assert "unknown object  notes.txt" in output
    assert "4 found. Nothing was changed" in output
    assert await place.keys() == before

    status, output = await place.run("reconcile", "--apply", "--json")
    assert status == 0, output
    done = {(line["kind"], line["subject"]): line["done"] for line in map(json.loads, output.splitlines())}
    assert done == {
        ("objects-without-request", GONE): "removed",
        ("records-without-request", GONE): "removed",
        ("request-without-objects", LOST): "expired",
        ("unknown-object", "notes.txt"): None,
    }
    assert await place.keys() == {*good, "notes.txt"}
    assert [request_id async for request_id in place.database.orphaned_requests()] == []
    assert [each async for each in place.database.requests.expired()] == [LOST]

    status, output = await place.run("reconcile", "--min-age", "48")
    assert (status, output) == (
        0,
        "unknown object  notes.txt\n1 found. Nothing was changed; --apply removes what belongs to no request.\n",
    )


async def test_nothing_is_removed_if_database_and_store_hardly_match(place: Place) -> None:
    for request_id in (GOOD, GONE, LOST):
        await place.put(upload_key(request_id), f"results/{request_id}/a-1.jpg")
    before = await place.keys()
    status, output = await place.run("reconcile", "--apply")
    assert status == 1
    assert "Do MONGODB_URL and OBJECT_STORE_URL belong together?" in output
    assert await place.keys() == before
    assert (await place.run("reconcile", "--apply", "--force"))[0] == 0
    assert await place.keys() == set()


async def test_expire_lets_only_a_finished_request_expire(place: Place) -> None:
    await place.insert(GOOD)
    await place.insert(OPEN, is_finished=False)
    assert (await place.run("expire", OPEN))[0] == 1
    assert (await place.run("expire", "unknown"))[0] == 1
    assert (await place.run("expire", GOOD.lower()))[0] == 0
    assert [each async for each in place.database.requests.expired()] == [GOOD]


@pytest.mark.parametrize(
    ("variables", "arguments", "status", "message"),
    [
        ({}, ("reconcile", "--min-age", "soon"), 2, "--min-age"),
        ({}, ("reconcile", "--min-age", "0.5"), 2, "a number from 1"),
        ({}, ("reconcile", "--min-age", "inf"), 2, "a number from 1"),
        ({"MONGODB_URL": "mongodb://127.0.0.1:1/x"}, ("reconcile",), 1, "database is unavailable"),
        ({}, (), 2, "command"),
        ({"MONGODB_URL": ""}, ("reconcile",), 2, "MONGODB_URL"),
        ({"OBJECT_STORE_URL": "file:///proc/nothing"}, ("reconcile",), 1, "storage is unavailable"),
    ],
)
async def test_a_command_that_cannot_run_says_why(
    place: Place, variables: dict[str, str], arguments: tuple[str, ...], status: int, message: str
) -> None:
    code, output = await place.run(*arguments, **variables)
    assert code == status, output
    assert message in output
    assert "Traceback" not in output


async def test_init_store_makes_a_store_once(place: Place, tmp_path: Path) -> None:
    url = (tmp_path / "new" / "store").as_uri()
    assert await place.run("init-store", OBJECT_STORE_URL=url) == (0, "An empty object store is made.\n")
    store = open_object_store(url)
    await store.put_bytes("uploads/a.csv", b"x", "text/csv")
    assert await place.run("init-store", OBJECT_STORE_URL=url) == (0, "The object store exists already.\n")
    assert await store.get_bytes("uploads/a.csv") == b"x"
    await store.close()


async def test_init_store_makes_no_empty_store_for_requests_whose_store_is_lost(place: Place, tmp_path: Path) -> None:
    await place.insert(GOOD)
    lost = (tmp_path / "not mounted").as_uri()
    status, output = await place.run("init-store", OBJECT_STORE_URL=lost)
    assert (status, "there is no object store with their objects" in output) == (1, True), output
    assert not (tmp_path / "not mounted").exists()
    status, output = await place.run("init-store", "--accept-loss", OBJECT_STORE_URL=lost)
    assert (status, output) == (0, "An empty object store is made.\n")


async def test_init_store_marks_the_store_of_an_earlier_version(place: Place, tmp_path: Path) -> None:
    await place.put(*await place.insert(GOOD))
    before = await place.keys()
    (tmp_path / "store" / ".imagemill-store").unlink()
    status, output = await place.run("reconcile")
    assert (status, "imagemill-admin init-store" in output) == (1, True), output
    status, output = await place.run("init-store")
    assert (status, "its objects are kept" in output) == (0, True), output
    assert await place.keys() == before
