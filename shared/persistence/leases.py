"""Leases that run by the database's clock, so that the clocks of the processes need not agree."""

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from shared.persistence.documents import Document
from shared.persistence.faults import database_faults


class MongoLease:
    """One document per lease: its owner and the time until which it holds."""

    def __init__(self, collection: AsyncIOMotorCollection[Document], name: str, owner: str, seconds: float) -> None:
        self._collection = collection
        self._name = name
        self._owner = owner
        self._milliseconds = int(seconds * 1000)

    async def acquire(self) -> bool:
        # Both expressions read the document as it was. A new lease has no `until`, which counts as past.
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
        except DuplicateKeyError:  # another process created it at the same moment
            return False
        return bool(lease["owner"] == self._owner)

    async def release(self) -> None:
        with database_faults():
            await self._collection.delete_one({"_id": self._name, "owner": self._owner})
