"""Compares the records with the objects, and removes what belongs to no request.

Interrupted work and restored backups leave such things. Requests and objects younger than `min_age` are ignored, since
an upload is stored before its request is recorded.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from ulid import ULID

from shared.contracts.object_keys import outputs_prefix, owned_prefixes, owner_of, results_prefix, upload_key
from shared.contracts.records import Request
from shared.persistence import Database
from shared.storage import ObjectStore, delete_all

_BATCH = 1_000


class Kind(StrEnum):
    """What was found. The first three are removed, the others are only reported."""

    OBJECTS_WITHOUT_REQUEST = "objects-without-request"
    RECORDS_WITHOUT_REQUEST = "records-without-request"
    REQUEST_WITHOUT_OBJECTS = "request-without-objects"
    MISSING_OBJECTS = "missing-objects"
    UNUSED_OBJECTS = "unused-objects"
    UNKNOWN_OBJECT = "unknown-object"


REMOVED = frozenset({Kind.OBJECTS_WITHOUT_REQUEST, Kind.RECORDS_WITHOUT_REQUEST, Kind.REQUEST_WITHOUT_OBJECTS})


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """subject: a request's id, or the key of an unknown object. objects: how many exist in excess or are missing."""

    kind: Kind
    subject: str
    objects: int = 0


class Reconciler:
    """Finds the discrepancies, and removes those of the kinds in REMOVED."""

    def __init__(self, database: Database, store: ObjectStore, now: datetime, min_age: timedelta) -> None:
        self._database = database
        self._store = store
        self._before = now - min_age
        self._objects: dict[str, int] = {}
        self._requests = 0

    async def find(self) -> AsyncGenerator[Discrepancy, None]:
        """Everything that does not match.

        Lists all keys, and those of each finished request again. Memory grows with the number of requests, and with
        the images of the largest one.
        """
        async for key in self._store.list_keys(""):
            owner = owner_of(key)
            if owner is None:
                yield Discrepancy(Kind.UNKNOWN_OBJECT, key)
            else:
                self._objects[owner] = self._objects.get(owner, 0) + 1
        async for request_id in self._ids_without_request():
            yield Discrepancy(Kind.OBJECTS_WITHOUT_REQUEST, request_id, self._objects[request_id])
        seen: set[str] = set()
        async for request_id in self._database.orphaned_requests():
            if request_id not in seen and self._is_old(request_id):
                seen.add(request_id)
                yield Discrepancy(Kind.RECORDS_WITHOUT_REQUEST, request_id)
        async for request in self._database.requests.finished():
            self._requests += 1
            for discrepancy in await self._compare(request):
                yield discrepancy

    def is_doubtful(self, found: Sequence[Discrepancy]) -> bool:
        """Whether database and store hardly match: they may belong to different installations.

        To be called when `find` has ended, with what it found.
        """
        unowned = sum(each.kind is Kind.OBJECTS_WITHOUT_REQUEST for each in found)
        empty = sum(each.kind is Kind.REQUEST_WITHOUT_OBJECTS for each in found)
        return 2 * unowned > len(self._objects) or 2 * empty > self._requests

    async def remove(self, found: Discrepancy) -> None:
        """Remove what was found. A request without objects expires, and the gateway removes it."""
        match found.kind:
            case Kind.OBJECTS_WITHOUT_REQUEST:
                await self._remove_objects(found.subject)
            case Kind.RECORDS_WITHOUT_REQUEST:
                while await self._database.delete_request(found.subject):
                    pass
            case Kind.REQUEST_WITHOUT_OBJECTS:
                await self._database.requests.expire(found.subject)

    async def _ids_without_request(self) -> AsyncIterator[str]:
        ids = iter(sorted(self._objects))
        while some := list(islice(ids, _BATCH)):
            existing = await self._database.requests.existing(some)
            for request_id in some:
                if request_id not in existing and self._is_old(request_id):
                    yield request_id

    def _is_old(self, request_id: str) -> bool:
        """By the time in the id; an id that contains none is not ours, and nothing of it is removed."""
        try:
            return ULID.from_str(request_id).datetime < self._before
        except ValueError:
            return False

    async def _compare(self, request: Request) -> list[Discrepancy]:
        if request.finished_at is None or request.finished_at > self._before:
            return []
        # Objects first: a result that a retry stores meanwhile is then in neither.
        results = {key async for key in self._store.list_keys(results_prefix(request.request_id))}
        outputs = {key async for key in self._store.list_keys(outputs_prefix(request.request_id))}
        named = {key async for key in self._database.images.result_keys(request.request_id)}
        missing = len(named - results) + len(set(_output_keys(request)) - outputs)
        unused = len(results - named)
        if missing and not results and not outputs:
            return [Discrepancy(Kind.REQUEST_WITHOUT_OBJECTS, request.request_id, missing)]
        counts = {Kind.MISSING_OBJECTS: missing, Kind.UNUSED_OBJECTS: unused}
        return [Discrepancy(kind, request.request_id, count) for kind, count in counts.items() if count]

    async def _remove_objects(self, request_id: str) -> None:
        for prefix in owned_prefixes(request_id):
            await delete_all(self._store, prefix)
        await self._store.delete([upload_key(request_id)])


def _output_keys(request: Request) -> Sequence[str]:
    keys = (request.output_key, request.report_key, request.report_json_key, request.failed_key)
    return [key for key in keys if key is not None]
