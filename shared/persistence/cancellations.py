"""Cancelling requests: the mark on a request, and the end of its open images.

Fields in `requests` beside those of `records.Request`: `cancelled_round` (the round that was cancelled last) and
`cancel_requested_at`. `cancelling` exists only from the cancellation until the round is finished, so that an index
contains just the requests that are being cancelled.
"""

from datetime import datetime

from motor.motor_asyncio import AsyncIOMotorCollection

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import CANCELLED_DETAIL, CancelledRound
from shared.contracts.states import ImageState, RequestStatus
from shared.persistence.documents import Clock, Document
from shared.persistence.faults import database_faults
from shared.persistence.image_transitions import OPEN
from shared.persistence.record_reading import RecordReader, SetAside


class MongoCancellations:
    def __init__(
        self,
        requests: AsyncIOMotorCollection[Document],
        images: AsyncIOMotorCollection[Document],
        set_aside: SetAside,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._reader = RecordReader("requests", CancelledRound, set_aside, _fields)
        self._images = images
        self._clock = clock

    async def begin(self, request_id: str) -> bool:
        with database_faults():
            begun = await self._requests.update_one(
                {"_id": request_id, "status": RequestStatus.PENDING.value, "cancelling": {"$ne": True}},
                # A pipeline, since only an expression can name the request's own round.
                [
                    {
                        "$set": {
                            "cancelling": True,
                            "cancelled_round": "$round",
                            "cancel_requested_at": self._clock(),
                        }
                    }
                ],
            )
        return begun.modified_count > 0

    async def in_progress(self) -> list[CancelledRound]:
        return await self._find({"cancelling": True})

    async def requested_since(self, since: datetime) -> list[CancelledRound]:
        return await self._find({"cancel_requested_at": {"$gte": since}})

    async def _find(self, condition: Document) -> list[CancelledRound]:
        fields = {"cancelled_round": 1, "cancel_requested_at": 1, "intake_open": 1}
        with database_faults():
            found = await self._requests.find(condition, projection=fields).to_list(None)
        return self._reader.read_some(found)

    async def cancel_images(self, request_id: str, round_: int, limit: int) -> int:
        # The limit keeps the operation short however many images there are.
        still_open = {"state": OPEN, "request_id": request_id}
        changes = {
            "state": ImageState.CANCELLED.value,
            "error_code": ErrorCode.CANCELLED.value,
            "error_detail": CANCELLED_DETAIL,
            "ended_at": self._clock(),
        }
        with database_faults():
            found = await self._images.find(still_open, projection={"_id": 1}).limit(limit).to_list(limit)
            cancelled = await self._images.update_many(
                {"_id": {"$in": [each["_id"] for each in found]}, "round": round_, "state": OPEN}, {"$set": changes}
            )
        return cancelled.modified_count


def _fields(document: Document) -> Document:
    return {
        "request_id": document["_id"],
        "round": document.get("cancelled_round"),
        "requested_at": document.get("cancel_requested_at"),
        "intake_open": document.get("intake_open"),
    }
