"""The collection `images`: one document for each distinct URL of a request, and the transitions between its states.

The collection is the outbox of the dispatcher, and delay is state: an image that must wait is pending with its
`not_before`. Fields beside those of `records.Image`: `not_before`, `dispatched_at`, `answered` (the last dispatch that
was answered by a deferral) and `lost` (how often its command was dead-lettered).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne

from shared.contracts.error_codes import ErrorCode
from shared.contracts.image_summary import ImageSummary
from shared.contracts.messages import CompressImage, DownloadImage, ImageCompressed, ImageDeferred, ImageFailed
from shared.contracts.records import Image, Progress
from shared.contracts.states import END_STATES, OPEN_STATES, ImageState, RequestStatus
from shared.micro_batcher import MicroBatcher
from shared.persistence.faults import database_faults, duplicates_ignored
from shared.persistence.image_documents import document_id, image_from, result_document, retried_fields, to_document
from shared.persistence.repositories import Recorded
from shared.persistence.summary_query import summarize

Document = dict[str, Any]
Result = ImageCompressed | ImageFailed | ImageDeferred

_RETRIED_AT_ONCE = 1_000
_LINGER_SECONDS = 0.03  # results trickle in; two dozen of them cost the database little more than one

_OPEN = {"$in": [state.value for state in OPEN_STATES]}


def _pending(request_id: str, hosts: Collection[str]) -> Document:
    return {"state": ImageState.PENDING.value, "request_id": request_id, "host": {"$in": list(hosts)}}


class MongoImages:
    def __init__(
        self,
        images: AsyncIOMotorCollection[Document],
        requests: AsyncIOMotorCollection[Document],
        clock: Callable[[], datetime],
    ) -> None:
        self._images = images
        self._requests = requests
        self._clock = clock
        self._record = MicroBatcher(self._record_many, linger=_LINGER_SECONDS)

    async def insert_many(self, images: Sequence[Image]) -> None:
        if images:
            now = self._clock()
            with database_faults(), duplicates_ignored():
                await self._images.insert_many([to_document(image, now) for image in images], ordered=False)

    async def find(self, request_id: str, image_ids: Collection[str]) -> dict[str, Image]:
        ids = [document_id(request_id, image_id) for image_id in image_ids]
        with database_faults():
            found = await self._images.find({"_id": {"$in": ids}}).to_list(None)
        return {image.image_id: image for image in map(image_from, found)}

    async def count(self, request_id: str) -> Progress:
        now = self._clock()
        with database_faults():
            counts = await asyncio.gather(
                *(
                    self._images.count_documents({"state": state.value, "request_id": request_id})
                    for state in ImageState
                )
            )
        by_state = dict(zip(ImageState, counts, strict=True))
        return Progress(
            total=sum(counts),
            compressed=by_state[ImageState.COMPRESSED],
            failed=by_state[ImageState.FAILED],
            pending=by_state[ImageState.PENDING] + by_state[ImageState.DISPATCHED],
            as_of=now,
        )

    async def summary(self, request_id: str) -> ImageSummary:
        with database_faults():
            return await summarize(self._images, request_id)

    async def none_left(self, request_id: str) -> bool:
        with database_faults():
            return not await self.any_open(request_id)

    async def any_open(self, request_id: str) -> bool:
        return (
            await self._images.find_one({"state": _OPEN, "request_id": request_id}, projection={"_id": 1}) is not None
        )

    async def record(self, result: Result) -> Recorded:
        return await self._record(result)

    async def _record_many(self, results: Sequence[Result]) -> list[Recorded]:
        """One write and one read for all results that came together."""
        now = self._clock()
        with database_faults():
            await self._images.bulk_write([_transition(result, now) for result in results], ordered=False)
            await self._supersede([result for result in results if isinstance(result, ImageCompressed)], now)
            return await self._read_back([(result.request_id, result.image_id, result.round) for result in results])

    async def _supersede(self, results: Sequence[ImageCompressed], now: datetime) -> None:
        """Only the latest of a URL and its options can be reused, so a lookup reads one, however many there were."""
        latest = {document_id(result.request_id, result.image_id): result.reuse_key for result in results}
        if keys := {key for key in latest.values() if key}:
            older = {"reuse_key": {"$in": sorted(keys)}, "ended_at": {"$lt": now}, "_id": {"$nin": list(latest)}}
            await self._images.update_many(older, {"$unset": {"reuse_key": ""}})

    async def _read_back(self, wanted: Sequence[tuple[str, str, int]]) -> list[Recorded]:
        ids = {document_id(request_id, image_id) for request_id, image_id, _ in wanted}
        documents = await self._images.find({"_id": {"$in": list(ids)}}).to_list(None)
        images = {document["_id"]: image_from(document) for document in documents}
        done = await self._finishable({image.request_id for image in images.values() if image.state in END_STATES})
        recorded = []
        for request_id, image_id, round_ in wanted:
            image = images.get(document_id(request_id, image_id))
            if image is None or image.round != round_:
                recorded.append(Recorded(None, none_left=False))
                continue
            last = (request_id, round_) in done  # a late copy of an earlier round's is not: it would finish that round
            recorded.append(Recorded(image, none_left=last))
            if image.state in END_STATES:
                # One of the batch is enough, and it acknowledges only after FinishRequest.
                done.discard((request_id, round_))
        return recorded

    async def _finishable(self, request_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Those that only wait for their finish, each with the round it is in."""
        found = set()
        for request_id in request_ids:
            if not await self.any_open(request_id) and (
                request := await self._requests.find_one(
                    {"_id": request_id, "status": RequestStatus.PENDING.value, "intake_open": False},
                    projection={"round": 1},
                )
            ):
                found.add((request_id, request["round"]))
        return found

    async def record_lost(self, command: DownloadImage | CompressImage) -> Recorded:
        now = self._clock()
        ours = _answers(command)
        detail = f"its {type(command).__name__} command was dead-lettered"
        answer = {"dispatch": command.dispatch, "answered": command.dispatch}
        lost = {"error_code": ErrorCode.WORKER_LOST.value, "error_detail": detail}
        with database_faults():
            await self._images.update_one(
                ours | {"lost": {"$gte": 1}},
                {"$set": lost | answer | {"state": ImageState.FAILED.value, "ended_at": now}},
            )
            await self._images.update_one(
                ours,
                {"$set": lost | answer | {"state": ImageState.PENDING.value, "not_before": now}, "$inc": {"lost": 1}},
            )
            [recorded] = await self._read_back([(command.request_id, command.image_id, command.round)])
        return recorded

    async def in_flight(self) -> dict[str, int]:
        pipeline: list[Document] = [
            {"$match": {"state": ImageState.DISPATCHED.value}},
            {"$group": {"_id": "$host", "count": {"$sum": 1}}},
        ]
        with database_faults():
            groups = await self._images.aggregate(pipeline).to_list(None)
        return {group["_id"]: group["count"] for group in groups}

    async def requests_with_pending(self) -> list[str]:
        with database_faults():
            return sorted(await self._images.distinct("request_id", {"state": ImageState.PENDING.value}))

    async def due(self, request_id: str, limit: int, *, without_hosts: Collection[str] = ()) -> list[Image]:
        condition = {
            "state": ImageState.PENDING.value,
            "request_id": request_id,
            "host": {"$nin": list(without_hosts)},
            "not_before": {"$lte": self._clock()},
        }
        with database_faults():
            found = await (
                self._images.find(condition).sort([("host", 1), ("not_before", 1)]).limit(limit).to_list(limit)
            )
        return [image_from(document) for document in found]

    async def due_at_hosts(self, request_id: str, hosts: Collection[str], limit: int) -> list[Image]:
        condition = _pending(request_id, hosts) | {"not_before": {"$lte": self._clock()}}
        with database_faults():
            found = await self._images.find(condition).sort("not_before", 1).limit(limit).to_list(limit)
        return [image_from(document) for document in found]

    async def count_pending_at_hosts(self, request_id: str, hosts: Collection[str]) -> dict[str, int]:
        pipeline: list[Document] = [
            {"$match": _pending(request_id, hosts)},
            {"$group": {"_id": "$host", "count": {"$sum": 1}}},
        ]
        with database_faults():
            return {group["_id"]: group["count"] async for group in self._images.aggregate(pipeline)}

    async def hosts_with_pending(self, hosts: Collection[str]) -> set[str]:
        requests = {"$in": await self.requests_with_pending()} if hosts else {}
        waited = set()
        with database_faults():
            for host in hosts:
                pending = {"state": ImageState.PENDING.value, "request_id": requests, "host": host}
                if await self._images.find_one(pending, projection={"_id": 1}) is not None:
                    waited.add(host)
        return waited

    async def reusable(self, reuse_keys: Collection[str], since: datetime) -> dict[str, Image]:
        pipeline: list[Document] = [
            {
                "$match": {
                    "reuse_key": {"$in": sorted(reuse_keys)},
                    "state": ImageState.COMPRESSED.value,
                    "ended_at": {"$gte": since},
                }
            },
            {"$sort": {"ended_at": -1, "_id": 1}},
            {"$group": {"_id": "$reuse_key", "latest": {"$first": "$$ROOT"}}},
        ]
        with database_faults():
            found = await self._images.aggregate(pipeline).to_list(None)
        return {group["_id"]: image_from(group["latest"]) for group in found}

    async def mark_dispatched(self, images: Sequence[Image]) -> None:
        if not images:
            return
        now = self._clock()
        marks = [
            UpdateOne(
                {
                    "_id": document_id(image.request_id, image.image_id),
                    "round": image.round,
                    "state": ImageState.PENDING.value,
                    "dispatch": image.dispatch,
                },
                {
                    "$set": {
                        "state": ImageState.DISPATCHED.value,
                        "dispatch": image.dispatch + 1,
                        "dispatched_at": now,
                    }
                },
            )
            for image in images
        ]
        with database_faults():
            await self._images.bulk_write(marks, ordered=False)

    async def return_lost(self, dispatched_before: datetime) -> int:
        with database_faults():
            result = await self._images.update_many(
                {"state": ImageState.DISPATCHED.value, "dispatched_at": {"$lt": dispatched_before}},
                {"$set": {"state": ImageState.PENDING.value, "not_before": self._clock()}},
            )
        return result.modified_count

    async def count_pending(self) -> int:
        with database_faults():
            return await self._images.count_documents({"state": ImageState.PENDING.value})

    async def count_retryable(self, request_id: str) -> int:
        with database_faults():
            return await self._images.count_documents(_retryable(request_id))

    async def retry_failed(self, request_id: str, round_: int, deadline: datetime) -> AsyncGenerator[int, None]:
        # One pass over the index: those that were moved have left it, and those that failed anew are passed over once.
        earlier = {"round": {"$lt": round_}}
        cursor = self._images.find(_retryable(request_id) | earlier, projection={"_id": 1}, batch_size=_RETRIED_AT_ONCE)
        try:
            while True:
                with database_faults():
                    found = await cursor.to_list(_RETRIED_AT_ONCE)
                    if not found:
                        return
                    moved = await self._images.update_many(
                        {"_id": {"$in": [each["_id"] for each in found]}, "state": ImageState.FAILED.value} | earlier,
                        {"$set": retried_fields(round_, deadline, self._clock())},
                    )
                yield moved.modified_count
        finally:
            with database_faults():
                await cursor.close()


def _retryable(request_id: str) -> Document:
    """The index tells them: an image has no host if, and only if, its URL is none."""
    return {"state": ImageState.FAILED.value, "request_id": request_id, "host": {"$gt": ""}}


def _transition(result: Result, now: datetime) -> UpdateOne:
    if isinstance(result, ImageDeferred):
        return _deferral(result)
    end: Document = {"attempts": result.attempt, "ended_at": now}
    if isinstance(result, ImageCompressed):
        end |= {
            "state": ImageState.COMPRESSED.value,
            "result": result_document(result.result),
            "error_code": None,
            "error_detail": None,
        }
        if result.reuse_key:  # the field's index is sparse: only what can be reused is in it
            end |= {"reuse_key": result.reuse_key, "etag": result.etag, "last_modified": result.last_modified}
    else:
        end |= {
            "state": ImageState.FAILED.value,
            "error_code": result.error_code.value,
            "error_detail": result.error_detail,
        }
        if result.error_code is ErrorCode.INVALID_URL:
            end["host"] = ""
    open_in_this_round = {
        "_id": document_id(result.request_id, result.image_id),
        "round": result.round,
        "state": _OPEN,
    }
    return UpdateOne(open_in_this_round, {"$set": end})


def _deferral(result: ImageDeferred) -> UpdateOne:
    return UpdateOne(
        _answers(result),
        {
            "$set": {
                "state": ImageState.PENDING.value,
                "not_before": result.not_before,
                "dispatch": result.dispatch,
                "answered": result.dispatch,
                "error_code": result.error_code.value,
                "error_detail": result.error_detail,
            },
            "$inc": {"attempts": int(result.counts)},
        },
    )


def _answers(message: ImageDeferred | DownloadImage | CompressImage) -> Document:
    """The guard of a deferral: the image is open, and this dispatch is its latest and was not answered before.

    The dispatcher publishes first and marks afterwards, so the answer may find the image one dispatch behind.
    """
    return {
        "_id": document_id(message.request_id, message.image_id),
        "round": message.round,
        "state": _OPEN,
        "dispatch": {"$lte": message.dispatch},
        "answered": {"$lt": message.dispatch},
    }
