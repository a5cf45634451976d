"""Recording the results of images, many in one write."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from motor.motor_asyncio import AsyncIOMotorCollection

from shared.contracts.records import Image
from shared.contracts.states import TERMINAL_STATES, RequestStatus
from shared.errors import UnreadableRecord
from shared.micro_batcher import MicroBatcher
from shared.persistence.documents import Clock, Document
from shared.persistence.faults import database_faults
from shared.persistence.image_documents import as_ended, document_id
from shared.persistence.image_repository import Recorded
from shared.persistence.image_transitions import OPEN, Result, result_transition
from shared.persistence.record_reading import RecordReader

# A write of two dozen results costs the database and this process little more than a write of one; without load a
# result waits for the shorter time.
_LINGER_SECONDS = 0.03
_INTERVAL_SECONDS = 0.2


class MongoImageResults:
    """Makes the transitions of results, and finds out whether an image was the last open one of its request."""

    def __init__(
        self,
        images: AsyncIOMotorCollection[Document],
        requests: AsyncIOMotorCollection[Document],
        reader: RecordReader[Image],
        clock: Clock,
    ) -> None:
        self._images = images
        self._requests = requests
        self._reader = reader
        self._clock = clock
        self._batcher: MicroBatcher[tuple[Result, datetime | None], Recorded] = MicroBatcher(
            self._record_batch, linger=_LINGER_SECONDS, interval=_INTERVAL_SECONDS
        )

    async def record(self, result: Result, deadline: datetime | None) -> Recorded:
        return await self._batcher((result, deadline))

    async def any_open(self, request_id: str) -> bool:
        condition = {"state": OPEN, "request_id": request_id}
        return await self._images.find_one(condition, projection={"_id": 1}) is not None

    async def _record_batch(self, items: Sequence[tuple[Result, datetime | None]]) -> list[Recorded | Exception]:
        """One write and one read for all results that arrived together."""
        now = self._clock()
        results = [result for result, _ in items]
        with database_faults():
            await self._images.bulk_write([result_transition(*item, now) for item in items], ordered=False)
            recorded = await self._read_back([(result.request_id, result.image_id, result.round) for result in results])
            await self._supersede([each.image for each in recorded if isinstance(each, Recorded) and each.image], now)
            return recorded

    async def _supersede(self, recorded: Sequence[Image], now: datetime) -> None:
        """Keep only the latest result of a reuse key reusable, so that a lookup reads one document per key.

        By what is recorded, not by the messages: a late result of a cancelled image is not recorded.
        """
        latest = {document_id(image.request_id, image.image_id): image.reuse_key for image in recorded}
        if keys := {key for key in latest.values() if key}:
            older = {"reuse_key": {"$in": sorted(keys)}, "ended_at": {"$lt": now}, "_id": {"$nin": list(latest)}}
            await self._images.update_many(older, {"$unset": {"reuse_key": ""}})

    async def _read_back(self, wanted: Sequence[tuple[str, str, int]]) -> list[Recorded | Exception]:
        """What is recorded now of each image, given by request, image and round, or why it cannot be read."""
        ids = {document_id(request_id, image_id) for request_id, image_id, _ in wanted}
        documents = await self._images.find({"_id": {"$in": list(ids)}}).to_list(None)
        images = {document["_id"]: self._try_to_read(document) for document in documents}
        earlier = {document["_id"]: document for document in documents if "earlier" in document}
        ended = {image.request_id for image in images.values() if isinstance(image, Image) and _has_ended(image)}
        finishable = await self._finishable(ended)
        recorded: list[Recorded | Exception] = []
        for request_id, image_id, round_ in wanted:
            image = images.get(document_id(request_id, image_id))
            if isinstance(image, UnreadableRecord):
                recorded.append(image)
                continue
            if image is None or image.round != round_:
                document = earlier.get(document_id(request_id, image_id), {})
                recorded.append(Recorded(None, request_complete=False, ended_earlier=self._ended(document, round_)))
                continue
            # A late copy of an earlier round's result must not finish that round, so the rounds must match.
            recorded.append(Recorded(image, request_complete=(request_id, round_) in finishable))
            if _has_ended(image):
                # Once per batch is enough: the handler acknowledges the result only after it has sent FinishRequest.
                finishable.discard((request_id, round_))
        return recorded

    def _ended(self, document: Document, round_: int) -> Image | None:
        ended = as_ended(document, round_)
        return self._reader.read(ended) if ended is not None else None

    def _try_to_read(self, document: Document) -> Image | UnreadableRecord:
        try:
            return self._reader.read(document)
        except UnreadableRecord as unreadable:
            return unreadable

    async def _finishable(self, request_ids: Iterable[str]) -> set[tuple[str, int]]:
        """Those requests, with their rounds, that are complete and not yet finished."""
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


def _has_ended(image: Image) -> bool:
    return image.state in TERMINAL_STATES
