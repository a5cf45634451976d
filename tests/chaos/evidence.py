"""Collects the facts that the oracle judges: from the database, the store, the broker and the files on disk."""

import asyncio
import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from pymongo import AsyncMongoClient

from shared.contracts.object_keys import originals_prefix, public_url
from shared.errors import ObjectMissing
from shared.messaging import Queue
from shared.storage import ObjectStore
from tests.chaos.amqp import with_channel
from tests.chaos.faults.database import UNREADABLE
from tests.chaos.hosts import Hosts, Receivers
from tests.chaos.oracle import ImageFact, RequestFacts
from tests.chaos.parties import OBSERVED
from tests.chaos.servers import ChaosServers
from tests.chaos.workload import Order, order_of
from tests.chaos.world import INVALID, World
from tests.support.pictures import size_of
from tests.support.stack import OUTPUT_COLUMN

Document = dict[str, Any]

_READABLE = {"_id": {"$not": {"$regex": f"^{UNREADABLE}"}}}
_READ_AT_ONCE = 16


async def open_requests(mongodb_url: str) -> list[str]:
    """Requests that have not ended, or whose end is not announced yet."""
    waiting = {"$or": [{"status": "Pending"}, {"announcements.0": {"$exists": True}}]}
    async with AsyncMongoClient[Document](mongodb_url, serverSelectionTimeoutMS=5_000) as client:
        return await client.get_default_database()["requests"].distinct("_id", {**_READABLE, **waiting})


async def due_deliveries(mongodb_url: str) -> int:
    """Webhooks that will be tried again."""
    async with AsyncMongoClient[Document](mongodb_url, serverSelectionTimeoutMS=5_000) as client:
        return await client.get_default_database()["deliveries"].count_documents({"due_at": {"$ne": None}})


async def queues(servers: ChaosServers) -> dict[str, int]:
    """Messages, also unacknowledged ones, in each queue of ours except the dead letters, and in the observer's."""
    listed = await servers.control("list_queues", "name", "messages", "--no-table-headers")
    found = dict(line.split("\t") for line in listed.splitlines() if line.startswith(("imagemill.", OBSERVED)))
    return {name: int(count) for name, count in found.items() if name != Queue.DEAD}


async def unexplained_dead_letters(rabbitmq_url: str) -> tuple[list[str], int]:
    """Those that the run did not publish as invalid messages, and the number of all."""
    letters: list[AbstractIncomingMessage] = []
    async with with_channel(rabbitmq_url) as channel:
        dead = await channel.declare_queue(Queue.DEAD, passive=True)
        while (message := await dead.get(fail=False, no_ack=False)) is not None:  # they return when the channel closes
            letters.append(message)
    return [_described(letter) for letter in letters if INVALID not in letter.body], len(letters)


def _described(letter: AbstractIncomingMessage) -> str:
    return f"{letter.type} {dict(letter.headers)}: {letter.body.decode('utf-8', 'replace')[:200]}"


class Collector:
    """Reads what is recorded and stored of every request of the run."""

    def __init__(self, world: World, store: ObjectStore, public_base_url: str) -> None:
        self._world = world
        self._store = store
        self._base_url = public_base_url
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    async def requests(self, orders: Mapping[str, Order], hosts: Hosts, receivers: Receivers) -> list[RequestFacts]:
        webhooks: dict[str, list[str]] = defaultdict(list)
        for webhook_id, payload in receivers.calls:
            webhooks[payload["data"]["request_id"]].append(webhook_id)
        found = []
        async with AsyncMongoClient[Document](self._world.servers.mongodb_url) as client:
            database = client.get_default_database()
            async for request in database["requests"].find(_READABLE):
                order = order_of(request["filename"], orders)
                if order is None:
                    continue
                images = await database["images"].find({"request_id": request["_id"]}).to_list(None)
                called = webhooks[request["_id"]]
                found.append(
                    RequestFacts(
                        request_id=request["_id"],
                        status=request["status"],
                        round=request["round"],
                        products=order.products,
                        rows=await self._rows(request.get("output_key")),
                        images=await self._images(images),
                        planned=hosts.planned,
                        may_be_cancelled=order.cancelled,
                        wants_webhook=order.webhook_url is not None,
                        receiver_is_gone="/gone/" in (order.webhook_url or ""),
                        webhooks=called,
                        accepted_webhooks=[each for each in called if each in receivers.accepted],
                        end_events=[event["id"] for event in self._world.observer.ended.get(request["_id"], [])],
                    )
                )
        return found

    async def originals(self, seconds: float) -> list[str]:
        """Originals of requests that ended at least that long ago."""
        before = datetime.now(UTC) - timedelta(seconds=seconds)
        async with AsyncMongoClient[Document](self._world.servers.mongodb_url) as client:
            found = await client.get_default_database()["requests"].distinct("_id", {"finished_at": {"$lt": before}})
        return [key for request_id in found async for key in self._store.list_keys(originals_prefix(request_id))]

    async def _rows(self, output_key: str | None) -> list[tuple[str, list[str]]] | None:
        if output_key is None:
            return None
        try:
            text = (await self._store.get_bytes(output_key)).decode()
        except ObjectMissing:
            return None
        rows = csv.DictReader(io.StringIO(text, newline=""))
        return [(row["S. No."], row[OUTPUT_COLUMN].split(",")) for row in rows]

    async def _images(self, documents: Sequence[Document]) -> dict[str, ImageFact]:
        facts = await asyncio.gather(*map(self._image, documents))
        return {document["url"]: fact for document, fact in zip(documents, facts, strict=True)}

    async def _image(self, document: Document) -> ImageFact:
        result = document.get("result") if document["state"] == "compressed" else None
        if result is None:
            return ImageFact(document["state"], document["error_code"])
        async with self._reading:
            defect = await self._defect(result)
        return ImageFact(document["state"], None, public_url(self._base_url, result["key"]), defect)

    async def _defect(self, result: Document) -> str | None:
        try:
            data = await self._store.get_bytes(result["key"])
        except ObjectMissing:
            return "its object is missing"
        if len(data) != result["bytes_out"] or len(data) > result["bytes_in"]:
            return f"{len(data)} bytes are stored, recorded: {result['bytes_in']} in, {result['bytes_out']} out"
        if result["target_met"] and 2 * len(data) > result["bytes_in"]:
            return f"{len(data)} bytes of {result['bytes_in']}, and the target is said to be met"
        try:
            size = await asyncio.to_thread(size_of, data)
        except OSError as error:
            return f"it cannot be decoded: {error}"
        recorded = (result["width"], result["height"])
        return None if size == recorded else f"it is {size}, recorded: {recorded}"


def files_under(folder: Path) -> Iterator[str]:
    """Everything in a folder, relative to it."""
    for path in sorted(folder.rglob("*")):
        yield path.relative_to(folder).as_posix()
