"""Compares the records with the objects, and removes what belongs to no request.

Interrupted work and restored backups leave such things. Requests and objects younger than `min_age` are ignored, since
an upload is stored before its request is recorded.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from ulid import ULID

from shared.contracts.object_keys import owned_prefixes, owner_of, upload_key
from shared.contracts.records import Request
from shared.persistence import Database
from shared.storage import ObjectStore, delete_all

_BATCH = 1_000


class Kind(StrEnum):
    """What was found. Objects of unknown kind and incomplete requests are reported only."""

    OBJECTS_WITHOUT_REQUEST = "objects without a request"
    RECORDS_WITHOUT_REQUEST = "records without a request"
    REQUEST_WITHOUT_OBJECTS = "request without objects"
    INCOMPLETE_REQUEST = "request with missing objects"
    UNKNOWN_OBJECT = "object of unknown kind"


REMOVED = frozenset({Kind.OBJECTS_WITHOUT_REQUEST, Kind.RECORDS_WITHOUT_REQUEST, Kind.REQUEST_WITHOUT_OBJECTS})


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """subject: a request's id, or the key of an object of unknown kind. objects: how many are unowned or missing."""

    kind: Kind
    subject: str
    objects: int = 0


@dataclass(slots=True)
class _Owned:
    """How many objects a request has."""

    all: int = 0
    results: int = 0
    outputs: set[str] = field(default_factory=set)


class Reconciler:
    """Finds the discrepancies, and removes those of the kinds in REMOVED."""

    def __init__(self, database: Database, store: ObjectStore, now: datetime, min_age: timedelta) -> None:
        self._database = database
        self._store = store
        self._before = now - min_age
        self._owned: dict[str, _Owned] = {}

    async def find(self) -> AsyncGenerator[Discrepancy, None]:
        """Everything that does not match. Reads all keys once; memory grows with the number of requests."""
        async for key in self._store.list_keys(""):
            if not self._count(key):
                yield Discrepancy(Kind.UNKNOWN_OBJECT, key)
        async for request_id in self._ids_without_request():
            yield Discrepancy(Kind.OBJECTS_WITHOUT_REQUEST, request_id, self._owned[request_id].all)
        seen: set[str] = set()
        async for request_id in self._database.orphaned_requests():
            if request_id not in seen and self._is_old(request_id):
                seen.add(request_id)
                yield Discrepancy(Kind.RECORDS_WITHOUT_REQUEST, request_id)
        async for request in self._database.requests.finished():
            if found := self._compare(request):
                yield found

    async def remove(self, found: Discrepancy) -> None:
        """Remove what was found; a request without objects expires, and the gateway removes it."""
        match found.kind:
            case Kind.OBJECTS_WITHOUT_REQUEST:
                await self._remove_objects(found.subject)
            case Kind.RECORDS_WITHOUT_REQUEST:
                while await self._database.delete_request(found.subject):
                    pass
            case Kind.REQUEST_WITHOUT_OBJECTS:
                await self._database.requests.expire(found.subject)

    def _count(self, key: str) -> bool:
        owner = owner_of(key)
        if owner is None:
            return False
        owned = self._owned.setdefault(owner, _Owned())
        owned.all += 1
        owned.results += key.startswith("results/")
        if key.startswith("outputs/"):
            owned.outputs.add(key)
        return True

    async def _ids_without_request(self) -> AsyncIterator[str]:
        ids = iter(sorted(self._owned))
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

    def _compare(self, request: Request) -> Discrepancy | None:
        if request.finished_at is None or request.finished_at > self._before:
            return None
        owned = self._owned.get(request.request_id, _Owned())
        missing = max(0, request.progress.compressed - owned.results)
        missing += sum(key not in owned.outputs for key in _output_keys(request))
        if not missing:
            return None
        kind = Kind.INCOMPLETE_REQUEST if owned.results or owned.outputs else Kind.REQUEST_WITHOUT_OBJECTS
        return Discrepancy(kind, request.request_id, missing)

    async def _remove_objects(self, request_id: str) -> None:
        for prefix in owned_prefixes(request_id):
            await delete_all(self._store, prefix)
        await self._store.delete([upload_key(request_id)])


def _output_keys(request: Request) -> Sequence[str]:
    keys = (request.output_key, request.report_key, request.report_json_key, request.failed_key)
    return [key for key in keys if key is not None]
