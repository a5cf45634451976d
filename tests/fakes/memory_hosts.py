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

    async def close(self, host: str) -> bool:
        circuit = await self.get(host)
        if circuit is None or (circuit.paused_until is not None and circuit.paused_until > self._tables.clock()):
            return False
        del self._tables.hosts[host]
        return True
