"""The connection to MongoDB: its guarantees, the indexes and the repositories."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel
from pymongo.errors import OperationFailure

from shared.clocks import ReferenceClock
from shared.contracts.states import ImageState
from shared.errors import DatabaseUnavailable, StoppedWhileStarting
from shared.observability import Metrics
from shared.persistence.cancellations import MongoCancellations
from shared.persistence.deliveries import MongoDeliveries
from shared.persistence.documents import Clock, Document, id_bounds
from shared.persistence.faults import database_faults
from shared.persistence.hosts import MongoHosts
from shared.persistence.images import BY_HOST, IN_ORDER, MongoImages
from shared.persistence.leases import MongoLease
from shared.persistence.outages import MongoOutages
from shared.persistence.products import MongoProducts
from shared.persistence.record_reading import SetAside
from shared.persistence.requests import MongoRequests
from shared.process_name import process_name
from shared.settings import MongoSettings

INDEXES = {
    "requests": [
        IndexModel([("status", ASCENDING), ("intake_open", ASCENDING), ("_id", ASCENDING)]),
        IndexModel(  # contains only requests that still have something to announce
            [("announcements.time", ASCENDING)],
            partialFilterExpression={"announcements.time": {"$exists": True}},
        ),
        IndexModel([("expires_at", ASCENDING)]),
        IndexModel([("cleaned", ASCENDING), ("finished_at", ASCENDING)]),
        IndexModel([("cancelling", ASCENDING)], partialFilterExpression={"cancelling": True}),
        IndexModel([("cancel_requested_at", ASCENDING)], sparse=True),  # contains only requests that were cancelled
    ],
    # One index serves progress, what is dispatched and the completion check: each starts with an equality.
    "images": [
        IndexModel(
            [("state", ASCENDING), ("request_id", ASCENDING), ("host", ASCENDING), ("not_before", ASCENDING)],
        ),
        # What is due: in the catalogue's order, or by host to leave some out.
        IndexModel(IN_ORDER, partialFilterExpression={"state": ImageState.PENDING.value}),
        IndexModel(BY_HOST, partialFilterExpression={"state": ImageState.PENDING.value}),
        # What waits for a host, of all requests: the images that expire there.
        IndexModel(
            [("host", ASCENDING), ("deadline", ASCENDING), ("not_before", ASCENDING)],
            partialFilterExpression={"state": ImageState.PENDING.value},
        ),
        IndexModel([("reuse_key", ASCENDING)], sparse=True),  # contains only results that can be reused
    ],
    "deliveries": [
        IndexModel([("due_at", ASCENDING)]),
        IndexModel([("replay_at", ASCENDING)]),
        IndexModel([("receiver", ASCENDING), ("due_at", ASCENDING)]),
        IndexModel([("receiver", ASCENDING), ("replay_at", ASCENDING)]),
    ],
    "hosts": [
        IndexModel([("paused_until", ASCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ],
    # A killed process leaves its leases; their time is over long before the index removes them.
    "leases": [IndexModel([("until", ASCENDING)], expireAfterSeconds=86_400)],
}
"""By collection. `products` needs none: its ids sort by request and row."""

_FORMER_INDEXES = {"images": ["request_id_1_host_1_not_before_1"]}
"""Indexes of earlier versions, by collection: no query needs them, and every write would pay for them."""

_OWNED = ("images", "products", "deliveries")  # the ids of their documents start with the request's
_INDEX_NOT_FOUND = 27
_DELETE_BATCH = 5_000  # a delete of a million documents would exceed the time of one operation

log = structlog.get_logger(__name__)


class MongoDatabase:
    """The repositories over one MongoDB database."""

    def __init__(
        self, database: AsyncIOMotorDatabase[Document], clock: Clock | None, metrics: Metrics | None = None
    ) -> None:
        """`clock`: the server's by default."""
        self._database = database
        self.server_clock = ReferenceClock(self._time)
        self.clock = clock = clock or self.server_clock
        set_aside = SetAside(metrics)
        self._owner = process_name()
        self.images = MongoImages(database["images"], database["requests"], set_aside, clock)
        self.requests = MongoRequests(database["requests"], self.images, set_aside, clock)
        self.cancellations = MongoCancellations(database["requests"], database["images"], set_aside, clock)
        self.products = MongoProducts(database["products"], set_aside)
        self.deliveries = MongoDeliveries(database["deliveries"], set_aside, clock)
        self.hosts = MongoHosts(database["hosts"], set_aside, clock)
        self.outages = MongoOutages(database["outages"], set_aside, clock)

    def lease(self, name: str, seconds: float) -> MongoLease:
        return MongoLease(self._database["leases"], name, self._owner, seconds)

    async def delete_request(self, request_id: str) -> bool:
        with database_faults():
            for name in _OWNED:
                if await self._delete_batch(self._database[name], request_id):
                    return True
            await self._database["requests"].delete_one({"_id": request_id})
        return False

    async def _delete_batch(self, collection: AsyncIOMotorCollection[Document], request_id: str) -> bool:
        """Whether there was anything to delete."""
        first, end = id_bounds(request_id)
        belongs = {"_id": {"$gte": first, "$lt": end}}
        found = await collection.find(belongs, projection={"_id": 1}).limit(_DELETE_BATCH).to_list(_DELETE_BATCH)
        if found:
            await collection.delete_many({"_id": {"$in": [document["_id"] for document in found]}})
        return bool(found)

    async def orphaned_requests(self) -> AsyncIterator[str]:
        for name in _OWNED:
            async for request_id in self._request_ids(self._database[name]):
                with database_faults():
                    known = await self._database["requests"].find_one({"_id": request_id}, projection={"_id": 1})
                if known is None:
                    yield request_id

    async def _request_ids(self, collection: AsyncIOMotorCollection[Document]) -> AsyncIterator[str]:
        """The request ids in a collection whose ids start with them: one query for each, which the index answers."""
        start = ""
        while True:
            with database_faults():
                first = await collection.find_one({"_id": {"$gte": start}}, projection={"_id": 1}, sort=[("_id", 1)])
            if first is None:
                return
            request_id = first["_id"].partition(":")[0]
            yield request_id
            _, start = id_bounds(request_id)

    async def ping(self) -> None:
        await self.server_clock.measure()

    async def _time(self) -> datetime:
        with database_faults():
            answer = await self._database.command("hello", codec_options=self._database.codec_options)
        time: datetime = answer["localTime"]
        return time

    async def ensure_indexes(self) -> None:
        """Create the indexes that are missing, then drop former ones. Any number of processes may do so at once."""
        with database_faults():
            for collection, indexes in INDEXES.items():
                await self._database[collection].create_indexes(indexes)
            for collection, names in _FORMER_INDEXES.items():
                for name in names:
                    await self._drop_index(self._database[collection], name)

    async def _drop_index(self, collection: AsyncIOMotorCollection[Document], name: str) -> None:
        try:
            await collection.drop_index(name)
        except OperationFailure as error:
            if error.code != _INDEX_NOT_FOUND:
                raise


@asynccontextmanager
async def open_database(
    settings: MongoSettings, stop: asyncio.Event, clock: Clock | None = None, metrics: Metrics | None = None
) -> AsyncIterator[MongoDatabase]:
    """Connect and create the indexes. Waits until the database answers: a service may start before it.

    Writes are acknowledged by a majority with their journal on disk; reads go to the primary.
    Raises StoppedWhileStarting if `stop` is set first, pymongo's ConfigurationError if the URL names no database.
    """
    milliseconds = int(settings.mongodb_timeout * 1000)
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        settings.mongodb_url,
        tz_aware=True,
        w="majority",
        journal=True,
        retryWrites=True,
        readPreference="primary",
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=3 * milliseconds,
        wTimeoutMS=milliseconds,
        appname="imagemill",
    )
    try:
        database = MongoDatabase(client.get_default_database(), clock, metrics)
        await _until_ready(database, stop)
        yield database
    finally:
        await asyncio.to_thread(client.close)  # it ends the sessions on the server, which may not answer


async def _until_ready(database: MongoDatabase, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await database.ensure_indexes()
            await database.ping()
        except DatabaseUnavailable as fault:
            log.warning("database_unreachable", error=str(fault))
            await asyncio.sleep(1)
        else:
            return
    raise StoppedWhileStarting("the database")
