"""The collection `requests`: `_id` is the request_id.

Fields beside those of `records.Request`: `count_again_at` (when progress may be counted again),
`finish_sent_at` (when FinishRequest was last sent), `cleaned` (whether leftovers of the finished round were
removed) and `removing` (its removal has begun, so it cannot be retried). `announcements` is the outbox of ended rounds.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from dataclasses import asdict
from datetime import datetime, timedelta

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from shared.contracts.records import Announcement, OutputKeys, Progress, Request
from shared.contracts.states import RequestError, RequestStatus
from shared.persistence.documents import Clock, Document
from shared.persistence.faults import database_faults
from shared.persistence.images import MongoImages
from shared.persistence.record_reading import RecordReader, SetAside
from shared.persistence.request_repositories import CLAIM_AGAIN_AFTER, COUNT_EVERY

_COUNT_SHARE = 10  # counting takes at most a tenth of the time

_MAX_UNANNOUNCED = 100  # the next sweep claims the others

_FINISHED = {"$in": [status.value for status in RequestStatus if status is not RequestStatus.PENDING]}
_MAX_EXPIRED = 1_000  # considered at a time; some may wait for their webhook
_NO_OUTPUTS = dict.fromkeys(OutputKeys.__dataclass_fields__)
_WRITTEN_AT_FINISH = ("progress", "updated_at", "finished_at", "expires_at", *_NO_OUTPUTS)

_CLOSED_AND_PENDING = {"status": RequestStatus.PENDING.value, "intake_open": False}


_EARLIER_NAMES = {"form": "catalogue_format", "summary_key": "report_json_key"}


class MongoRequests:
    def __init__(
        self, collection: AsyncIOMotorCollection[Document], images: MongoImages, set_aside: SetAside, clock: Clock
    ) -> None:
        self._collection = collection
        self._images = images
        self._reader = RecordReader("requests", Request, set_aside, _fields)
        self._clock = clock

    async def insert(self, request: Request) -> None:
        try:
            with database_faults():
                await self._collection.insert_one(_document(request))
        except DuplicateKeyError:
            return

    async def get(self, request_id: str) -> Request | None:
        with database_faults():
            document = await self._collection.find_one({"_id": request_id})
        return self._reader.read(document) if document else None

    async def current(self, request_id: str) -> Request | None:
        now = self._clock()
        with database_faults():
            # The caller that moves `count_again_at` counts; the others read the last count.
            must_count = await self._collection.find_one_and_update(
                {"_id": request_id, "status": RequestStatus.PENDING.value, "count_again_at": {"$lte": now}},
                {"$set": {"count_again_at": now + COUNT_EVERY}},
                projection={"_id": 1},
            )
            if must_count:
                await self._count(request_id)
        return await self.get(request_id)

    async def _count(self, request_id: str) -> None:
        started = time.monotonic()
        progress = await self._images.count(request_id)
        wait = max(COUNT_EVERY, timedelta(seconds=_COUNT_SHARE * (time.monotonic() - started)))
        await self._collection.update_one(
            {"_id": request_id, "status": RequestStatus.PENDING.value, "progress.as_of": {"$lt": progress.as_of}},
            {
                "$set": {
                    "progress": asdict(progress),
                    "updated_at": progress.as_of,
                    "count_again_at": progress.as_of + wait,
                }
            },
        )

    async def open_intakes(self) -> list[Request]:
        with database_faults():
            found = (
                await self._collection.find({"status": RequestStatus.PENDING.value, "intake_open": True})
                .sort("_id", 1)
                .to_list(None)
            )
        return self._reader.read_some(found)

    async def save_intake(self, request_id: str, round_: int, rows: int) -> bool:
        with database_faults():
            saved = await self._collection.find_one_and_update(
                {"_id": request_id, "round": round_},
                {"$max": {"intake_rows": rows}, "$set": {"updated_at": self._clock()}},
                projection={"cancelling": 1},
            )
        return bool(saved and saved.get("cancelling"))

    async def close_intake(
        self, request_id: str, round_: int, progress: Progress, error: RequestError | None = None
    ) -> None:
        changes = {"intake_open": False, "progress": asdict(progress), "updated_at": self._clock()}
        if error is not None:
            changes["error_code"] = error.value
        with database_faults():
            await self._collection.update_one(
                {"_id": request_id, "round": round_, "intake_open": True},
                {"$set": changes},
            )

    async def claim_stranded(self) -> list[Request]:
        now = self._clock()
        # Thousands of requests may be in progress. One query excludes those with pending images. The others have all
        # their open images dispatched, so the dispatcher's window limits their number, and each costs one query.
        not_lately = {"finish_sent_at": {"$not": {"$gt": now - CLAIM_AGAIN_AFTER}}}
        candidates = {
            **_CLOSED_AND_PENDING,
            "_id": {"$nin": await self._images.requests_with_pending()},
            **not_lately,
        }
        unannounced = {"announcements.time": {"$lte": now - CLAIM_AGAIN_AFTER}, **not_lately}
        with database_faults():
            found = await self._collection.find(candidates).sort("_id", 1).to_list(None)
            stranded = {each["_id"]: each for each in found if not await self._images.any_open(each["_id"])}
            oldest = self._collection.find(unannounced).sort("announcements.time", 1).limit(_MAX_UNANNOUNCED)
            stranded |= {each["_id"]: each for each in await oldest.to_list(_MAX_UNANNOUNCED)}
            if stranded:
                await self._collection.update_many({"_id": {"$in": list(stranded)}}, {"$set": {"finish_sent_at": now}})
        return self._reader.read_some(stranded.values())

    async def finish(self, finished: Request, announcement: Announcement) -> Request | None:
        as_finished = _document(finished)
        written = {name: as_finished[name] for name in _WRITTEN_AT_FINISH}
        changes = {"status": finished.status.value, "cleaned": False, **written}
        with database_faults():
            document = await self._collection.find_one_and_update(
                {"_id": finished.request_id, "round": finished.round, **_CLOSED_AND_PENDING},
                {"$set": changes, "$push": {"announcements": asdict(announcement)}, "$unset": {"cancelling": ""}},
                return_document=ReturnDocument.AFTER,
            )
        return self._reader.read(document) if document else None

    async def add_missing_announcement(self, request_id: str, announcement: Announcement) -> Request | None:
        old = {"_id": request_id, "status": _FINISHED, "announcements": {"$exists": False}}
        with database_faults():
            document = await self._collection.find_one_and_update(
                old, {"$set": {"announcements": [asdict(announcement)]}}, return_document=ReturnDocument.AFTER
            )
        return self._reader.read(document) if document else None

    async def remove_announcement(self, request_id: str, event_id: str) -> None:
        with database_faults():
            await self._collection.update_one({"_id": request_id}, {"$pull": {"announcements": {"event_id": event_id}}})

    async def retry(self, request_id: str, round_: int, progress: Progress) -> Request | None:
        now = self._clock()
        changes = {
            "status": RequestStatus.PENDING.value,
            "round": round_ + 1,
            "intake_open": True,
            "progress": asdict(progress),
            "updated_at": now,
            "count_again_at": now + COUNT_EVERY,
            "finished_at": None,
            "expires_at": None,
            **_NO_OUTPUTS,
        }
        not_expired = {"$or": [{"expires_at": None}, {"expires_at": {"$gt": now}}], "removing": {"$ne": True}}
        with database_faults():
            document = await self._collection.find_one_and_update(
                {"_id": request_id, "round": round_, "status": _FINISHED, **not_expired},
                {"$set": changes, "$unset": {"finish_sent_at": "", "cleaned": ""}},
                return_document=ReturnDocument.AFTER,
            )
        return self._reader.read(document) if document else None

    async def expired(self, without: Collection[str] = ()) -> AsyncGenerator[str, None]:
        excluding = {"_id": {"$nin": list(without)}} if without else {}
        with database_faults():
            found = self._collection.find(self._has_expired() | excluding, projection={"_id": 1}).sort("expires_at", 1)
            async for document in found.limit(_MAX_EXPIRED):
                yield str(document["_id"])

    async def begin_removal(self, request_id: str) -> bool:
        with database_faults():
            begun = await self._collection.update_one(
                {"_id": request_id, **self._has_expired()}, {"$set": {"removing": True}}
            )
        return begun.matched_count > 0

    def _has_expired(self) -> Document:
        return {"expires_at": {"$lte": self._clock()}, "status": _FINISHED, "announcements.0": {"$exists": False}}

    async def expire(self, request_id: str) -> bool:
        with database_faults():
            expired = await self._collection.update_one(
                {"_id": request_id, "status": _FINISHED}, {"$set": {"expires_at": self._clock()}}
            )
        return expired.matched_count > 0

    async def give_retention(self, days: float) -> int:
        earlier = {"retention_days": {"$exists": False}}
        expires_at = self._clock() + timedelta(days=days)
        with database_faults():
            finished = await self._collection.update_many(
                {**earlier, "status": _FINISHED}, {"$set": {"retention_days": days, "expires_at": expires_at}}
            )
            pending = await self._collection.update_many(
                {**earlier, "status": RequestStatus.PENDING.value}, {"$set": {"retention_days": days}}
            )
        return finished.modified_count + pending.modified_count

    async def uncleaned(self, finished_before: datetime, without: Collection[str] = ()) -> tuple[str, int] | None:
        excluding = {"_id": {"$nin": list(without)}} if without else {}
        with database_faults():
            found = await self._collection.find_one(
                {"cleaned": False, "finished_at": {"$lte": finished_before}, **excluding},
                sort=[("finished_at", 1)],
                projection={"round": 1},
            )
        return (found["_id"], found["round"]) if found else None

    async def mark_cleaned(self, request_id: str, round_: int) -> None:
        with database_faults():
            await self._collection.update_one({"_id": request_id, "round": round_}, {"$set": {"cleaned": True}})

    async def existing(self, request_ids: Collection[str]) -> set[str]:
        with database_faults():
            found = self._collection.find({"_id": {"$in": list(request_ids)}}, projection={"_id": 1})
            return {document["_id"] async for document in found}

    async def finished(self) -> AsyncIterator[Request]:
        with database_faults():
            async for document in self._collection.find({"status": _FINISHED}).sort("_id", 1):
                for request in self._reader.read_some([document]):
                    yield request

    async def count_open(self) -> int:
        with database_faults():
            return await self._collection.count_documents({"status": RequestStatus.PENDING.value})


def _document(request: Request) -> Document:
    document = asdict(request)
    document["_id"] = document.pop("request_id")
    document["status"] = request.status.value
    document["catalogue_format"]["image_columns"] = list(document["catalogue_format"]["image_columns"])
    document["options"] = request.options.model_dump()
    document["error_code"] = request.error_code and request.error_code.value
    document["count_again_at"] = request.created_at
    del document["cancelling"]  # see cancellations.py
    return document


def _fields(document: Document) -> Document:
    renamed = {name: document[earlier] for earlier, name in _EARLIER_NAMES.items() if earlier in document}
    return renamed | document | {"request_id": document["_id"]}
