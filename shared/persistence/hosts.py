"""The collection `hosts`: one document for each host circuit. A TTL index deletes it a day after the last change.

A circuit that this version cannot read counts as none, so that it stops no work of other hosts.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import DuplicateKeyError

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.persistence.documents import Clock, Document
from shared.persistence.faults import database_faults
from shared.persistence.record_reading import RecordReader, SetAside

EXPIRES_AFTER = timedelta(days=1)
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CIRCUITS = 10_000


class MongoHosts:
    def __init__(self, hosts: AsyncIOMotorCollection[Document], set_aside: SetAside, clock: Clock) -> None:
        self._hosts = hosts
        self._reader = RecordReader("hosts", HostCircuit, set_aside, _fields)
        self._clock = clock

    async def get(self, host: str) -> HostCircuit | None:
        found = await self._find({"_id": host})
        return found[0] if found else None

    async def circuits(self) -> list[HostCircuit]:
        return await self._find({"_id": {"$gte": ""}})

    async def not_closed(self) -> list[HostCircuit]:
        return await self._find({"paused_until": {"$gt": _ANY_TIME}})

    async def save(self, circuit: HostCircuit, *, instead_of: HostCircuit | None) -> bool:
        fields = {
            "failures": circuit.failures,
            "pauses": circuit.pauses,
            "paused_until": circuit.paused_until,
            "error_code": circuit.error_code.value,
            "paused_since": circuit.paused_since,
            "last_fault_at": circuit.last_fault_at,
            "expires_at": max(self._clock(), circuit.paused_until or self._clock()) + EXPIRES_AFTER,
        }
        with database_faults():
            if instead_of is None:
                return await self._insert({"_id": circuit.host} | fields)
            as_known = {
                "failures": instead_of.failures,
                "pauses": instead_of.pauses,
                "paused_until": instead_of.paused_until,
            }
            written = await self._hosts.update_one({"_id": circuit.host} | as_known, {"$set": fields})
        return written.matched_count > 0

    async def _insert(self, document: Document) -> bool:
        try:
            await self._hosts.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def close(self, host: str) -> bool:
        now = self._clock()
        not_open = {"_id": host, "$or": [{"paused_until": None}, {"paused_until": {"$lte": now}}]}
        with database_faults():
            return (await self._hosts.delete_one(not_open)).deleted_count > 0

    async def _find(self, condition: Document) -> list[HostCircuit]:
        with database_faults():
            found = await self._hosts.find(condition).limit(_MAX_CIRCUITS).to_list(_MAX_CIRCUITS)
        return self._reader.read_some(found)


def _fields(document: Document) -> Document:
    return document | {"host": document["_id"], "error_code": _error_code(document.get("error_code"))}


def _error_code(value: Any) -> ErrorCode:
    """An unknown error code of another version does not end its host's pause."""
    try:
        return ErrorCode(value)
    except ValueError:
        return ErrorCode.INTERNAL
