"""The collection `outages`: one document with the latest times in which no images were processed.

Fields: `worked_at` (when images were last seen to be processed) and `outages`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from motor.motor_asyncio import AsyncIOMotorCollection

from shared.contracts.records import Outage
from shared.persistence.documents import Clock, Document
from shared.persistence.faults import database_faults, duplicates_ignored
from shared.persistence.record_reading import RecordReader, SetAside
from shared.persistence.repositories import MAX_OUTAGES

_ID = "images"


@dataclass(frozen=True, slots=True)
class _Log:
    worked_at: datetime
    outages: tuple[Outage, ...] = ()


class MongoOutages:
    def __init__(self, collection: AsyncIOMotorCollection[Document], set_aside: SetAside, clock: Clock) -> None:
        self._collection = collection
        self._reader = RecordReader("outages", _Log, set_aside, dict)
        self._clock = clock

    async def observe(self, *, working: bool, longer_than: timedelta) -> list[Outage]:
        now = self._clock()
        if working:
            await self._end(now, longer_than)
        with database_faults():
            found = await self._collection.find({"_id": _ID}).to_list(1)
        for log in self._reader.read_some(found):
            lasts = not working and now - log.worked_at > longer_than
            return [*log.outages, *([Outage(log.worked_at, now)] if lasts else [])]
        return []

    async def _end(self, now: datetime, longer_than: timedelta) -> None:
        known = {"$ifNull": ["$outages", []]}
        ended = {"$concatArrays": [known, [{"since": "$worked_at", "until": now}]]}
        was_out = {"$lt": [{"$ifNull": ["$worked_at", now]}, now - longer_than]}
        outages = {"$slice": [{"$cond": [was_out, ended, known]}, -MAX_OUTAGES]}
        with database_faults(), duplicates_ignored():  # another process recorded it at the same moment
            await self._collection.update_one(
                {"_id": _ID},
                [{"$set": {"outages": outages, "worked_at": {"$max": ["$worked_at", now]}}}],
                upsert=True,
            )
