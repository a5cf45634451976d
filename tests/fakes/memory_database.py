"""The database in dictionaries, for unit tests. It passes the contract suite of the real one."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

from shared.contracts.records import Product
from tests.fakes.memory_cancellations import MemoryCancellations
from tests.fakes.memory_deliveries import MemoryDeliveries
from tests.fakes.memory_hosts import MemoryHosts
from tests.fakes.memory_images import MemoryImages
from tests.fakes.memory_outages import MemoryOutages
from tests.fakes.memory_requests import MemoryRequests
from tests.fakes.memory_tables import LeaseRow, OutputsRow, Tables


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryDatabase:
    """Keeps everything in `tables`, which tests may read. While `available` is False every call fails.

    `clock` returns the time, also for leases.
    """

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._connect(Tables(clock), "process-1", itertools.count(2))

    def _connect(self, tables: Tables, owner: str, numbers: "itertools.count[int]") -> None:
        self.tables = tables
        self.clock = tables.clock
        self.requests = MemoryRequests(tables)
        self.images = MemoryImages(tables)
        self.cancellations = MemoryCancellations(tables)
        self.products = MemoryProducts(tables)
        self.deliveries = MemoryDeliveries(tables)
        self.hosts = MemoryHosts(tables)
        self.outages = MemoryOutages(tables)
        self._owner = owner
        self._numbers = numbers

    def another_process(self) -> "MemoryDatabase":
        """The same data for another process, which competes with this one for leases."""
        other = MemoryDatabase.__new__(MemoryDatabase)
        other._connect(self.tables, f"process-{next(self._numbers)}", self._numbers)
        return other

    @property
    def available(self) -> bool:
        return self.tables.available

    @available.setter
    def available(self, value: bool) -> None:
        self.tables.available = value

    def lease(self, name: str, seconds: float) -> "MemoryLease":
        return MemoryLease(self.tables, name, self._owner, timedelta(seconds=seconds))

    async def delete_request(self, request_id: str) -> bool:
        """As in the real database, several calls are needed."""
        self.tables.answer()
        owned = any(key[0] == request_id for key in [*self.tables.images, *self.tables.products]) or any(
            delivery_id.startswith(f"{request_id}:") for delivery_id in self.tables.deliveries
        )
        for images_key in [key for key in self.tables.images if key[0] == request_id]:
            del self.tables.images[images_key]
        for row_key in [key for key in self.tables.products if key[0] == request_id]:
            del self.tables.products[row_key]
            self.tables.outputs.pop(row_key, None)
        for delivery_id in [each for each in self.tables.deliveries if each.startswith(f"{request_id}:")]:
            del self.tables.deliveries[delivery_id]
        if not owned:
            self.tables.requests.pop(request_id, None)
        return owned

    async def orphaned_requests(self) -> AsyncIterator[str]:
        self.tables.answer()
        owners = {key[0] for key in [*self.tables.images, *self.tables.products]}
        owners |= {delivery_id.partition(":")[0] for delivery_id in self.tables.deliveries}
        for request_id in sorted(owners - set(self.tables.requests)):
            yield request_id

    async def ping(self) -> None:
        self.tables.answer()


class MemoryProducts:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def insert_many(self, products: Sequence[Product]) -> None:
        self._tables.answer()
        for product in products:
            self._tables.products.setdefault((product.request_id, product.row), product)

    async def batches(self, request_id: str, size: int = 1000) -> AsyncIterator[list[Product]]:
        self._tables.answer()
        rows = [product for key, product in sorted(self._tables.products.items()) if key[0] == request_id]
        for start in range(0, len(rows), size):
            self._tables.answer()
            yield rows[start : start + size]

    async def save_outputs(self, request_id: str, round_: int, outputs: Sequence[tuple[int, Sequence[str]]]) -> None:
        self._tables.answer()
        for row, urls in outputs:
            known = self._tables.outputs.get((request_id, row))
            if (request_id, row) in self._tables.products and (known is None or known.round <= round_):
                self._tables.outputs[request_id, row] = OutputsRow(round_, tuple(urls))


class MemoryLease:
    def __init__(self, tables: Tables, name: str, owner: str, duration: timedelta) -> None:
        self._tables = tables
        self._name = name
        self._owner = owner
        self._duration = duration

    async def acquire(self) -> bool:
        self._tables.lease_requests += 1
        self._tables.answer()
        now = self._tables.clock()
        held = self._tables.leases.get(self._name)
        if held is not None and held.owner != self._owner and held.until >= now:
            return False
        self._tables.leases[self._name] = LeaseRow(self._owner, now + self._duration)
        return True

    async def release(self) -> None:
        self._tables.answer()
        held = self._tables.leases.get(self._name)
        if held is not None and held.owner == self._owner:
            del self._tables.leases[self._name]
