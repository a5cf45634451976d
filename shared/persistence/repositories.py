"""The protocols of the database. Every method raises DatabaseUnavailable if the database does not answer.

Records of earlier and later versions are read. One that cannot be read is left out of lists, except where the caller
needs all: there, and where it is asked for by its id, UnreadableRecord is raised.

Every write is one guarded update of one document and may be repeated at any time, so a message that is delivered twice
takes effect once. The implementations for MongoDB are in this package, the fakes in tests/fakes.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Protocol

from shared.contracts.records import HostCircuit, Outage
from shared.persistence.delivery_repository import DeliveryRepository
from shared.persistence.image_repository import ImageRepository
from shared.persistence.request_repositories import CancellationRepository, ProductRepository, RequestRepository

MAX_OUTAGES = 200
"""How many outages are remembered."""


class HostRepository(Protocol):
    """Host circuits. One that does not change for a day is deleted."""

    async def get(self, host: str) -> HostCircuit | None: ...

    async def circuits(self) -> list[HostCircuit]:
        """All recorded circuits, 10,000 at most."""

    async def not_closed(self) -> list[HostCircuit]:
        """The circuits that are open or half-open."""

    async def save(self, circuit: HostCircuit, *, instead_of: HostCircuit | None) -> bool:
        """Record `circuit` if its host's record is still `instead_of` (None: no record); returns whether it was."""

    async def close(self, host: str) -> bool:
        """Delete the circuit of a host unless it is open; returns whether it was deleted.

        A success while it is open is late: its request was sent before the pause, which the host may have asked for.
        """


class OutageRepository(Protocol):
    async def observe(self, *, working: bool, longer_than: timedelta) -> list[Outage]:
        """Record whether images are processed now. Returns the last MAX_OUTAGES outages, the oldest first.

        An outage is the time since images were last seen to be processed, if it is `longer_than` that. With `working`
        false the last one may still go on.
        """


class Lease(Protocol):
    """The right to do one piece of work for a while. It avoids double work; guards make double work harmless."""

    async def acquire(self) -> bool:
        """Take the lease or renew it; False while another process holds it."""

    async def release(self) -> None:
        """Give the lease back, if this process holds it."""


class Database(Protocol):
    @property
    def clock(self) -> Callable[[], datetime]:
        """The time by which everything is recorded: the database's, whatever this machine's clock says."""

    @property
    def requests(self) -> RequestRepository: ...

    @property
    def cancellations(self) -> CancellationRepository: ...

    @property
    def products(self) -> ProductRepository: ...

    @property
    def images(self) -> ImageRepository: ...

    @property
    def deliveries(self) -> DeliveryRepository: ...

    @property
    def hosts(self) -> HostRepository: ...

    @property
    def outages(self) -> OutageRepository: ...

    def lease(self, name: str, seconds: float) -> Lease:
        """The lease `name` for this process; it runs out `seconds` after it was last acquired."""

    async def delete_request(self, request_id: str) -> bool:
        """Delete some of what belongs to a request, the request itself last; call it until it returns False."""

    def orphaned_requests(self) -> AsyncIterator[str]:
        """Ids of requests that have images, products or deliveries but no record; an id may occur several times."""

    async def ping(self) -> None:
        """Return if the database answers."""
