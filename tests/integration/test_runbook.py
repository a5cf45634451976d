"""The runbook's script removes one finished request and nothing else."""

import asyncio
import os
import re
import sys
from pathlib import Path

from shared.contracts.deliveries import Delivery
from shared.contracts.records import Progress
from shared.contracts.states import ImageState, RequestStatus
from shared.persistence import Database, open_database
from shared.settings import MongoSettings
from shared.storage import open_object_store
from tests.support.builders import NOW, a_delivery, a_product, a_request, an_announcement, an_image, finished
from tests.support.tree import ROOT

URL = "http://i.test/1.jpg"
DONE, OTHER, PENDING = "01KDA7ZZ0000000000000000DONE", "01KDA7ZZ0000000000000000DONF", "01KDA7ZZ000000000000PENDING"
KEYS = ("uploads/{}.csv", "originals/{}/1", "results/{}/one-0123456789abcdef.jpg", "outputs/{}/1/products-report.csv")


def script() -> str:
    (script,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "runbook.md").read_text(), re.DOTALL)
    return str(script)


def delivery_of(request_id: str) -> Delivery:
    return a_delivery(f"{request_id}:1:request.failed")


async def insert_request(database: Database, request_id: str, *, is_finished: bool = True) -> None:
    await database.requests.insert(a_request(request_id))
    await database.products.insert_many([a_product(1, (URL,), request_id)])
    state = ImageState.FAILED if is_finished else ImageState.PENDING
    await database.images.insert_many([an_image(URL, request_id, state=state)])
    await database.deliveries.put(delivery_of(request_id))
    progress = Progress(1, 0, 1, 0, NOW) if is_finished else Progress(1, 0, 0, 1, NOW)
    await database.requests.close_intake(request_id, 1, progress)
    if is_finished:
        ended = finished(a_request(request_id), progress, RequestStatus.FAILED)
        assert await database.requests.finish(ended, an_announcement(ended))


async def remove(request_id: str, **variables: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-", request_id), cwd=ROOT, env=os.environ | variables, stdin=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        await process.communicate(script().encode())
    assert process.returncode is not None
    return process.returncode


async def test_a_finished_request_is_removed_with_everything_it_owns(mongodb_url: str, tmp_path: Path) -> None:
    variables = {"MONGODB_URL": mongodb_url, "OBJECT_STORE_URL": tmp_path.as_uri()}
    store = open_object_store(variables["OBJECT_STORE_URL"])
    async with open_database(MongoSettings(mongodb_url=mongodb_url), asyncio.Event()) as database:
        for request_id in (DONE, OTHER, PENDING):
            await insert_request(database, request_id, is_finished=request_id is not PENDING)
            for key in KEYS:
                await store.put_bytes(key.format(request_id), b"bytes", "text/csv")

        assert await remove(DONE, **variables) == 0
        assert await remove(DONE, **variables) == 1
        assert await remove(PENDING, **variables) == 1

        for request_id, stays in ((DONE, False), (OTHER, True), (PENDING, True)):
            assert (await database.requests.get(request_id) is not None) is stays
            assert bool([batch async for batch in database.products.batches(request_id)]) is stays
            assert (await database.deliveries.get(delivery_of(request_id).delivery_id) is not None) is stays
            assert bool((await database.images.count(request_id)).total) is stays
            for key in KEYS:
                assert (await store.stat(key.format(request_id)) is not None) is stays
    await store.close()
