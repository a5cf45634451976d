"""The collection `hosts`: one document for each host in trouble. One that nobody speaks of any more goes by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import DuplicateKeyError

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from shared.persistence.faults import database_faults

Document = dict[str, Any]

FORGOTTEN_AFTER = timedelta(days=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 10_000


class MongoHosts:
    def __init__(self, hosts: AsyncIOMotorCollection[Document], clock: Callable[[], datetime]) -> None:
        self._hosts = hosts
        self._clock = clock

    async def get(self, host: str) -> HostCircuit | None:
        with database_faults():
            document = await self._hosts.find_one({"_id": host})
        return None if document is None else _host_from(document)

    async def circuits(self) -> list[HostCircuit]:
        return await self._find({"_id": {"$gte": ""}})

    async def tripped(self) -> list[HostCircuit]:
        return await self._find({"paused_until": {"$gt": _EVER}})

    async def save(self, host: HostCircuit, *, instead_of: HostCircuit | None) -> bool:
        fields = {
            "failures": host.failures,
            "pauses": host.pauses,
            "paused_until": host.paused_until,
            "error_code": host.error_code.value,
            "forget_at": max(self._clock(), host.paused_until or self._clock()) + FORGOTTEN_AFTER,
        }
        with database_faults():
            if instead_of is None:
                return await self._insert({"_id": host.host} | fields)
            as_known = {
                "failures": instead_of.failures,
                "pauses": instead_of.pauses,
                "paused_until": instead_of.paused_until,
            }
            written = await self._hosts.update_one({"_id": host.host} | as_known, {"$set": fields})
        return written.matched_count > 0

    async def _insert(self, document: Document) -> bool:
        try:
            await self._hosts.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def remove(self, host: str) -> bool:
        with database_faults():
            return (await self._hosts.delete_one({"_id": host})).deleted_count > 0

    async def _find(self, condition: Document) -> list[HostCircuit]:
        with database_faults():
            return [_host_from(document) for document in await self._hosts.find(condition).limit(_MOST).to_list(_MOST)]


def _host_from(document: Document) -> HostCircuit:
    return HostCircuit(
        host=document["_id"],
        failures=document["failures"],
        pauses=document["pauses"],
        paused_until=document["paused_until"],
        error_code=ErrorCode(document["error_code"]),
    )
