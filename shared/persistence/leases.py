"""Leases by the database's own clock, so that the clocks of processes need not agree."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from shared.persistence.faults import database_faults


class MongoLease:
    """One document per lease: who has it, and until when."""

    def __init__(
        self, collection: AsyncIOMotorCollection[dict[str, Any]], name: str, owner: str, seconds: float
    ) -> None:
        self._collection = collection
        self._name = name
        self._owner = owner
        self._milliseconds = int(seconds * 1000)

    async def acquire(self) -> bool:
        # Both fields are made of the document as it was; a lease that never existed has no `until`, which is past.
        taken = {"$and": [{"$ne": ["$owner", self._owner]}, {"$gte": ["$until", "$$NOW"]}]}
        until = {"$add": ["$$NOW", self._milliseconds]}
        unless_taken = {
            "owner": {"$cond": [taken, "$owner", self._owner]},
            "until": {"$cond": [taken, "$until", until]},
        }
        try:
            with database_faults():
                lease = await self._collection.find_one_and_update(
                    {"_id": self._name}, [{"$set": unless_taken}], upsert=True, return_document=ReturnDocument.AFTER
                )
        except DuplicateKeyError:  # somebody else made it at the same moment
            return False
        return bool(lease["owner"] == self._owner)

    async def release(self) -> None:
        with database_faults():
            await self._collection.delete_one({"_id": self._name, "owner": self._owner})
