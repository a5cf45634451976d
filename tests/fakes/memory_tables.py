"""The dictionaries of the memory database, which its repositories and all connected processes share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.deliveries import Delivery
from shared.contracts.records import HostCircuit, Image, Outage, Product, Request
from shared.errors import DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class RequestRow:
    request: Request
    count_again_at: datetime
    finish_sent_at: datetime | None = None
    cleaned: bool = True
    removing: bool = False
    cancel_requested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image, and the fields for the dispatcher and the guards: see shared/persistence/images.py."""

    image: Image
    not_before: datetime
    answered: int
    dispatched_at: datetime | None = None
    earlier: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputsRow:
    round: int
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeaseRow:
    owner: str
    until: datetime


@dataclass(slots=True)
class Tables:
    """Everything that is recorded. The keys are the parts of the real collections' `_id`."""

    clock: Callable[[], datetime]
    available: bool = True
    requests: dict[str, RequestRow] = field(default_factory=dict)
    images: dict[tuple[str, str], ImageRow] = field(default_factory=dict)
    products: dict[tuple[str, int], Product] = field(default_factory=dict)
    outputs: dict[tuple[str, int], OutputsRow] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    sent: dict[str, datetime] = field(default_factory=dict)
    hosts: dict[str, HostCircuit] = field(default_factory=dict)
    worked_at: datetime | None = None
    outages: list[Outage] = field(default_factory=list)
    leases: dict[str, LeaseRow] = field(default_factory=dict)
    lease_requests: int = 0  # calls of `acquire`, also refused ones and those during an outage

    def answer(self) -> None:
        """Raises DatabaseUnavailable while `available` is False. Every method of a repository calls it first."""
        if not self.available:
            raise DatabaseUnavailable("the test made the memory database unavailable")
