"""Leases by the database's own clock, so that the clocks of processes need not agree."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
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
        free_or_ours = {
            "_id": self._name,
            "$or": [{"owner": self._owner}, {"$expr": {"$lt": ["$until", "$$NOW"]}}],
        }
        until = {"$add": ["$$NOW", self._milliseconds]}
        try:
            with database_faults():
                await self._collection.update_one(
                    free_or_ours, [{"$set": {"owner": self._owner, "until": until}}], upsert=True
                )
        except DuplicateKeyError:  # it exists and is somebody else's, so the upsert tried to make a second one
            return False
        return True

    async def release(self) -> None:
        with database_faults():
            await self._collection.delete_one({"_id": self._name, "owner": self._owner})
