"""The collection `deliveries`: the outbox of webhooks. `announced_at` is when DeliverWebhook was last sent."""

from dataclasses import asdict
from datetime import datetime

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReturnDocument

from shared.contracts.records import Delivery
from shared.persistence.documents import Clock, Document
from shared.persistence.faults import database_faults
from shared.persistence.repositories import CLAIM_AGAIN_AFTER

_FIELDS = tuple(name for name in Delivery.__dataclass_fields__ if name != "delivery_id")


class MongoDeliveries:
    def __init__(self, collection: AsyncIOMotorCollection[Document], clock: Clock) -> None:
        self._collection = collection
        self._clock = clock

    async def put(self, delivery: Delivery) -> None:
        document = asdict(delivery)
        delivery_id = document.pop("delivery_id")
        with database_faults():
            await self._collection.update_one({"_id": delivery_id}, {"$setOnInsert": document}, upsert=True)

    async def get(self, delivery_id: str) -> Delivery | None:
        with database_faults():
            return _delivery(await self._collection.find_one({"_id": delivery_id}))

    async def claim_due(self, limit: int = 100) -> list[Delivery]:
        now = self._clock()
        due = {"due_at": {"$lte": now}, "announced_at": {"$not": {"$gt": now - CLAIM_AGAIN_AFTER}}}
        with database_faults():
            found = await self._collection.find(due).limit(limit).to_list(limit)
            await self._collection.update_many(
                {"_id": {"$in": [document["_id"] for document in found]}}, {"$set": {"announced_at": now}}
            )
        return [delivery for delivery in map(_delivery, found) if delivery is not None]

    async def claim(self, delivery_id: str, until: datetime) -> Delivery | None:
        with database_faults():
            return _delivery(
                await self._collection.find_one_and_update(
                    {"_id": delivery_id, "due_at": {"$lte": self._clock()}},
                    {"$set": {"due_at": until, "announced_at": None}},
                    return_document=ReturnDocument.AFTER,
                )
            )

    async def record_attempt(
        self, delivery_id: str, attempts: int, *, due_at: datetime | None, delivered: bool, error: str | None
    ) -> None:
        with database_faults():
            await self._collection.update_one(
                {"_id": delivery_id, "attempts": attempts - 1},
                {
                    "$set": {
                        "attempts": attempts,
                        "due_at": due_at,
                        "delivered": delivered,
                        "last_error": error,
                        "announced_at": None,  # so that the next attempt is announced as soon as it is due
                    }
                },
            )


def _delivery(document: Document | None) -> Delivery | None:
    if document is None:
        return None
    return Delivery(delivery_id=document["_id"], **{name: document[name] for name in _FIELDS})
