"""The collection `deliveries`: the outbox of webhooks. `sent_at` is when `DeliverWebhook` was last sent for it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import chain, islice, zip_longest

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, ReturnDocument

from shared.contracts.deliveries import GONE_DETAIL, MAX_LOGGED_REPLAYS, Delivery, DeliveryAttempt, DeliveryState
from shared.persistence.delivery_repository import DUE_PER_RECEIVER, MAX_COUNTED
from shared.persistence.documents import Clock, Document, id_bounds
from shared.persistence.faults import database_faults
from shared.persistence.record_reading import RecordReader, SetAside
from shared.persistence.request_repositories import CLAIM_AGAIN_AFTER

_ENDED: Document = {"due_at": None, "sent_at": None}


class MongoDeliveries:
    def __init__(self, collection: AsyncIOMotorCollection[Document], set_aside: SetAside, clock: Clock) -> None:
        self._collection = collection
        self._reader = RecordReader("deliveries", Delivery, set_aside, _fields)
        self._clock = clock

    async def put(self, delivery: Delivery) -> None:
        document = asdict(delivery) | {"state": delivery.state.value}
        delivery_id = document.pop("delivery_id")
        with database_faults():
            await self._collection.update_one({"_id": delivery_id}, {"$setOnInsert": document}, upsert=True)

    async def get(self, delivery_id: str) -> Delivery | None:
        with database_faults():
            document = await self._collection.find_one({"_id": delivery_id})
        return self._readable(document)

    async def of_request(self, request_id: str) -> list[Delivery]:
        with database_faults():
            found = await self._collection.find(_of_request(request_id)).to_list(None)
        # Ids do not sort by round.
        return sorted(self._reader.read_some(found), key=lambda delivery: delivery.created_at)

    async def any_pending(self, request_id: str) -> bool:
        pending = {"$or": [{"due_at": {"$ne": None}}, {"replay_at": {"$ne": None}}]}
        with database_faults():
            found = await self._collection.find_one(_of_request(request_id) | pending, projection={"_id": 1})
        return found is not None

    async def claim_due(self, limit: int = 100, *, per_receiver: int = DUE_PER_RECEIVER) -> list[Delivery]:
        now = self._clock()
        due = {**_due(now), "sent_at": {"$not": {"$gt": now - CLAIM_AGAIN_AFTER}}}
        by_receiver = [
            {"$match": due},
            {"$project": {"receiver": True, "due_at": True}},
            {"$sort": {"due_at": ASCENDING, "_id": ASCENDING}},
            {"$group": {"_id": "$receiver", "ids": {"$firstN": {"input": "$_id", "n": per_receiver}}}},
            {"$sort": {"_id": ASCENDING}},
        ]
        with database_faults():
            groups = await self._collection.aggregate(by_receiver).to_list(None)
            ids = list(islice(_in_turns([group["ids"] for group in groups]), limit))
            found = await self._collection.find({"_id": {"$in": ids}}).to_list(None)
            await self._collection.update_many({"_id": {"$in": ids}}, {"$set": {"sent_at": now}})
        return self._reader.read_some(found)

    async def claim_next(self, receiver: str) -> Delivery | None:
        now = self._clock()
        return await self._take({"receiver": receiver, **_due(now)}, {"sent_at": now}, [("sent_at", ASCENDING)])

    async def claim(self, delivery_id: str, until: datetime) -> Delivery | None:
        due = {"_id": delivery_id, "due_at": {"$lte": self._clock()}}
        return await self._take(due, {"due_at": until, "sent_at": None})

    async def claim_replay(self, delivery_id: str, until: datetime) -> Delivery | None:
        due = {"_id": delivery_id, "replay_at": {"$lte": self._clock()}}
        return await self._take(due, {"replay_at": until, "sent_at": None})

    async def _take(
        self, due: Document, changes: Document, sort: list[tuple[str, int]] | None = None
    ) -> Delivery | None:
        with database_faults():
            document = await self._collection.find_one_and_update(
                due, {"$set": changes}, sort=sort, return_document=ReturnDocument.AFTER
            )
        return self._readable(document)

    def _readable(self, document: Document | None) -> Delivery | None:
        """None also for one that cannot be read: it must not stop the others."""
        return next(iter(self._reader.read_some([document] if document else [])), None)

    async def record_attempt(
        self, delivery_id: str, number: int, attempt: DeliveryAttempt, *, state: DeliveryState, due_at: datetime | None
    ) -> None:
        changes = {
            "attempts": number,
            "due_at": due_at,
            "state": state.value,
            "last_error": attempt.error,
            "sent_at": None,  # so that `claim_due` returns the next attempt as soon as it is due
        }
        expected = {"_id": delivery_id, "attempts": number - 1, "state": DeliveryState.PENDING.value}
        with database_faults():
            recorded = await self._collection.update_one(expected, {"$set": changes, **_logging(attempt)})
            if not recorded.matched_count:
                late = {"$set": _outcome(attempt)} if attempt.error is None else {}
                await self._collection.update_one({"_id": delivery_id}, {**late, **_logging(attempt)})

    async def request_replay(self, delivery_id: str) -> Delivery | None:
        with database_faults():
            await self._collection.update_one(
                {"_id": delivery_id, "replay_at": None}, {"$set": {"replay_at": self._clock(), "sent_at": None}}
            )
        return await self.get(delivery_id)

    async def record_replay(self, delivery_id: str, attempt: DeliveryAttempt) -> None:
        changes = {"replay_at": None, "sent_at": None, **(_outcome(attempt) if attempt.error is None else {})}
        with database_faults():
            await self._collection.update_one(
                {"_id": delivery_id}, {"$set": changes, "$inc": {"replays": 1}, **_logging(attempt)}
            )

    async def disable(self, request_id: str, delivery_id: str) -> None:
        pending = {**_of_request(request_id), "state": DeliveryState.PENDING.value}
        changes = {**_ENDED, "state": DeliveryState.DISABLED.value, "last_error": GONE_DETAIL}
        with database_faults():
            await self._collection.update_one({"_id": delivery_id}, {"$set": {"gone": True}})
            await self._collection.update_many(pending, {"$set": changes})

    async def enable(self, request_id: str) -> None:
        gone = {**_of_request(request_id), "gone": True}
        disabled = {**_of_request(request_id), "state": DeliveryState.DISABLED.value}
        with database_faults():
            await self._collection.update_many(gone, {"$set": {"gone": False}})
            await self._collection.update_many(disabled, {"$set": {"state": DeliveryState.ABANDONED.value}})

    async def count_overdue(self) -> int:
        overdue = {"due_at": {"$lte": self._clock() - CLAIM_AGAIN_AFTER}}
        with database_faults():
            return await self._collection.count_documents(overdue, limit=MAX_COUNTED)

    async def postpone(self, receiver: str, url: str, until: datetime) -> None:
        with database_faults():
            await self._collection.update_many(
                {"receiver": receiver, "url": url, "due_at": {"$lt": until}}, {"$set": {"due_at": until}}
            )


def _of_request(request_id: str) -> Document:
    first, end = id_bounds(request_id)
    return {"_id": {"$gte": first, "$lt": end}}


def _due(now: datetime) -> Document:
    return {"$or": [{"due_at": {"$lte": now}}, {"replay_at": {"$lte": now}}]}


def _outcome(attempt: DeliveryAttempt) -> Document:
    """What a success changes, whatever the state was."""
    return {**_ENDED, "state": DeliveryState.DELIVERED.value, "last_error": attempt.error}


def _logging(attempt: DeliveryAttempt) -> Document:
    if attempt.replay:
        return {"$push": {"replay_log": {"$each": [asdict(attempt)], "$slice": -MAX_LOGGED_REPLAYS}}}
    return {"$push": {"log": asdict(attempt)}}


def _in_turns(groups: Sequence[Sequence[str]]) -> "chain[str]":
    """The first of each group, then the second of each, and so on."""
    turns = zip_longest(*groups)
    return chain.from_iterable([each for each in turn if each is not None] for turn in turns)


def _fields(document: Document) -> Document:
    return document | {"delivery_id": document["_id"]}
