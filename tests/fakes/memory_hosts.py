"""Host circuits in a dictionary."""

from shared.contracts.records import HostCircuit
from tests.fakes.memory_tables import Tables


class MemoryHosts:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, host: str) -> HostCircuit | None:
        self._tables.answer()
        return self._tables.hosts.get(host)

    async def circuits(self) -> list[HostCircuit]:
        self._tables.answer()
        return list(self._tables.hosts.values())

    async def not_closed(self) -> list[HostCircuit]:
        return [circuit for circuit in await self.circuits() if circuit.paused_until is not None]

    async def save(self, circuit: HostCircuit, *, instead_of: HostCircuit | None) -> bool:
        if await self.get(circuit.host) != instead_of:
            return False
        self._tables.hosts[circuit.host] = circuit
        return True

    async def remove(self, host: str) -> bool:
        self._tables.answer()
        return self._tables.hosts.pop(host, None) is not None
