"""The collection `images`: one document for each distinct URL of a request.

The collection is the dispatcher's outbox, and delay is state: an image that must wait is pending with a `not_before`.
Fields beside those of `records.Image`: `not_before`, `dispatched_at`, `answered` (the last dispatch that a deferral
answered) and `earlier` (the ends of earlier rounds).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from datetime import datetime

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne

from shared.contracts.image_summary import ImageSummary
from shared.contracts.records import DispatchedImage, Image, Progress
from shared.contracts.states import RETRIED_STATES, ImageState
from shared.losses import MAX_LOSSES
from shared.persistence.documents import Clock, Document
from shared.persistence.faults import database_faults, duplicates_ignored
from shared.persistence.image_documents import document_id, image_fields, retry_changes, to_document
from shared.persistence.image_repository import LOOK_AHEAD, RETRY_BATCH, Recorded
from shared.persistence.image_results import MongoImageResults
from shared.persistence.image_transitions import Result, dispatch_transition, postponement
from shared.persistence.record_reading import RecordReader, SetAside
from shared.persistence.summary_query import UnknownValue, summarize

Order = list[tuple[str, int]]

_MAX_PASSED_OVER = 1_000

_NO_LOSSES = [0, None]
"""Values of `losses`. A record of an earlier version has no such field."""

_ANY_LOSSES = [*_NO_LOSSES, *range(1, MAX_LOSSES + 1)]
"""All values, not a range of them: the index has the images of each in the order asked for, and they are merged."""

IN_ORDER = [("request_id", 1), ("losses", 1), ("position", 1), ("not_before", 1), ("host", 1)]
BY_HOST = [("request_id", 1), ("losses", 1), ("host", 1), ("position", 1), ("not_before", 1)]
"""The keys of the indexes of pending images that answer `due`, `due_by_host` and `due_at_hosts`."""

_RETRIED: Document = {"$in": [state.value for state in RETRIED_STATES]}
"""A condition on `state`."""


class MongoImages:
    def __init__(
        self,
        images: AsyncIOMotorCollection[Document],
        requests: AsyncIOMotorCollection[Document],
        set_aside: SetAside,
        clock: Clock,
    ) -> None:
        self._images = images
        self._reader = RecordReader("images", Image, set_aside, image_fields)
        self._dispatched = RecordReader("images", DispatchedImage, set_aside, image_fields)
        self._results = MongoImageResults(images, requests, self._reader, clock)
        self._clock = clock

    async def insert_many(self, images: Sequence[Image]) -> None:
        if images:
            now = self._clock()
            with database_faults(), duplicates_ignored():
                await self._images.insert_many([to_document(image, now) for image in images], ordered=False)

    async def find(self, request_id: str, image_ids: Collection[str]) -> dict[str, Image]:
        ids = [document_id(request_id, image_id) for image_id in image_ids]
        with database_faults():
            found = await self._images.find({"_id": {"$in": ids}}).to_list(None)
        return {image.image_id: image for image in map(self._reader.read, found)}

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
            cancelled=by_state[ImageState.CANCELLED],
            pending=by_state[ImageState.PENDING] + by_state[ImageState.DISPATCHED],
            as_of=now,
        )

    async def result_keys(self, request_id: str) -> AsyncGenerator[str, None]:
        compressed = {"state": ImageState.COMPRESSED.value, "request_id": request_id}
        with database_faults():
            async for document in self._images.find(compressed, projection={"result.key": 1}):
                yield document["result"]["key"]

    async def summary(self, request_id: str) -> ImageSummary:
        with database_faults():
            try:
                return await summarize(self._images, request_id)
            except UnknownValue as unknown:
                raise self._reader.unreadable(f"{request_id}:…", str(unknown)) from None

    async def none_open(self, request_id: str) -> bool:
        return not await self.any_open(request_id)

    async def any_open(self, request_id: str) -> bool:
        with database_faults():
            return await self._results.any_open(request_id)

    async def record(self, result: Result, *, deadline: datetime | None = None) -> Recorded:
        return await self._results.record(result, deadline)

    async def dispatched(self) -> list[DispatchedImage]:
        fields = ("request_id", "host", "round", "dispatch", "losses", "dispatched_at")
        with database_faults():
            found = await self._images.find({"state": ImageState.DISPATCHED.value}, projection=fields).to_list(None)
        return self._dispatched.read_some({"losses": 0} | document for document in found)

    async def requests_with_pending(self) -> list[str]:
        with database_faults():
            return sorted(await self._images.distinct("request_id", {"state": ImageState.PENDING.value}))

    async def due(
        self, request_id: str, limit: int, *, without_hosts: Collection[str] = (), without_losses: bool = False
    ) -> list[Image]:
        condition = self._is_due(request_id, without_losses)
        if not without_hosts:
            return await self._first(condition, limit, order=[("position", 1)], index=IN_ORDER)

        async def among_the_first(excluding: Document) -> list[Document]:
            pipeline: list[Document] = [
                {"$match": condition | excluding},
                {"$sort": {"position": 1}},
                {"$limit": LOOK_AHEAD},
                {"$match": {"host": {"$nin": list(without_hosts)}}},
                {"$limit": limit},
            ]
            return await self._images.aggregate(pipeline, hint=dict(IN_ORDER)).to_list(limit)

        return await self._readable(among_the_first)

    async def due_by_host(
        self,
        request_id: str,
        limit: int,
        *,
        without_hosts: Collection[str],
        after_host: str | None = None,
        without_losses: bool = False,
    ) -> list[Image]:
        after = {} if after_host is None else {"$gt": after_host}
        condition = self._is_due(request_id, without_losses) | {"host": {"$nin": list(without_hosts)} | after}
        return await self._first(condition, limit, order=[("host", 1), ("position", 1)], index=BY_HOST)

    async def due_at_hosts(
        self, request_id: str, limit: int, *, hosts: Collection[str], without_losses: bool = False
    ) -> list[Image]:
        condition = self._is_due(request_id, without_losses) | {"host": {"$in": list(hosts)}}
        # MongoDB merges the hosts' images in this order without a sort, if the scans are at most 200.
        return await self._first(condition, limit, order=[("position", 1)], index=BY_HOST)

    def _is_due(self, request_id: str, without_losses: bool) -> Document:
        return {
            "state": ImageState.PENDING.value,
            "request_id": request_id,
            "losses": {"$in": _NO_LOSSES if without_losses else _ANY_LOSSES},
            "not_before": {"$lte": self._clock()},
        }

    async def expired(
        self, host: str, *, deadline_by: datetime, untried_since: datetime | None, limit: int
    ) -> list[Image]:
        pending: Document = {"state": ImageState.PENDING.value, "host": host}
        found = await self._first(pending | {"deadline": {"$lte": deadline_by}}, limit)
        if untried_since is not None and len(found) < limit:
            untried = pending | {"deadline": None, "not_before": {"$lte": untried_since}}
            found += await self._first(untried, limit - len(found))
        return found

    async def _first(
        self, condition: Document, limit: int, *, order: Order | None = None, index: Order | None = None
    ) -> list[Image]:
        """The first images that can be read; unreadable ones are skipped."""

        async def first(excluding: Document) -> list[Document]:
            cursor = self._images.find(condition | excluding, sort=order, hint=index).limit(limit)
            return await cursor.to_list(limit)

        return await self._readable(first)

    async def _readable(self, find: Callable[[Document], Awaitable[list[Document]]]) -> list[Image]:
        """What `find` finds if the records that cannot be read are excluded."""
        passed_over: list[str] = []
        while True:
            with database_faults():
                found = await find({"_id": {"$nin": passed_over}} if passed_over else {})
            images = self._reader.read_some(found)
            if len(images) == len(found) or len(passed_over) >= _MAX_PASSED_OVER:
                return images
            read = {document_id(image.request_id, image.image_id) for image in images}
            passed_over += [document["_id"] for document in found if document["_id"] not in read]

    async def count_pending_at_hosts(self, request_id: str, hosts: Collection[str]) -> dict[str, int]:
        waiting = {"state": ImageState.PENDING.value, "request_id": request_id, "host": {"$in": list(hosts)}}
        pipeline: list[Document] = [{"$match": waiting}, {"$group": {"_id": "$host", "count": {"$sum": 1}}}]
        with database_faults():
            return {group["_id"]: group["count"] async for group in self._images.aggregate(pipeline)}

    async def hosts_with_pending(self, hosts: Collection[str]) -> set[str]:
        return {host for host in hosts if await self._has_pending(host)}

    async def _has_pending(self, host: str) -> bool:
        pending = {"state": ImageState.PENDING.value, "host": host}
        with database_faults():
            return await self._images.find_one(pending, projection={"_id": 1}) is not None

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
        latest = self._reader.read_some(group["latest"] for group in found)
        return {image.reuse_key: image for image in latest if image.reuse_key}

    async def mark_dispatched(self, images: Sequence[Image]) -> None:
        now = self._clock()
        await self._update([dispatch_transition(image, now) for image in images])

    async def postpone(self, images: Sequence[Image], until: datetime) -> None:
        await self._update([postponement(image, "not_before", until) for image in images])

    async def postpone_expiry(self, images: Sequence[Image], until: datetime) -> None:
        await self._update([postponement(image, "deadline", until) for image in images])

    async def _update(self, updates: list[UpdateOne]) -> None:
        if updates:
            with database_faults():
                await self._images.bulk_write(updates, ordered=False)

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

    async def retry_failed(self, request_id: str, round_: int) -> AsyncGenerator[int, None]:
        # One pass over the index: an image that was moved has left the range, and one that failed again has this round.
        earlier = {"round": {"$lt": round_}}
        cursor = self._images.find(_retryable(request_id) | earlier, projection={"_id": 1}, batch_size=RETRY_BATCH)
        try:
            while True:
                with database_faults():
                    found = await cursor.to_list(RETRY_BATCH)
                    if not found:
                        return
                    moved = await self._images.update_many(
                        {"_id": {"$in": [each["_id"] for each in found]}, "state": _RETRIED} | earlier,
                        retry_changes(round_, self._clock()),
                    )
                yield moved.modified_count
        finally:
            with database_faults():
                await cursor.close()


def _retryable(request_id: str) -> Document:
    """A condition that the index answers: an image has no host if, and only if, its URL is invalid."""
    return {"state": _RETRIED, "request_id": request_id, "host": {"$gt": ""}}
