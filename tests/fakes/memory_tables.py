"""The dictionaries under the memory database, shared by its repositories and by all who are connected to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.records import Delivery, HostCircuit, Image, Product, Request
from shared.errors import DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class RequestRow:
    request: Request
    count_again_at: datetime
    finish_announced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image with what the dispatcher and the guards need. See shared/persistence/images.py."""

    image: Image
    not_before: datetime
    answered: int
    dispatched_at: datetime | None = None
    lost: int = 0


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
    """Everything that is recorded; keys are what `_id` is made of."""

    clock: Callable[[], datetime]
    available: bool = True
    requests: dict[str, RequestRow] = field(default_factory=dict)
    images: dict[tuple[str, str], ImageRow] = field(default_factory=dict)
    products: dict[tuple[str, int], Product] = field(default_factory=dict)
    outputs: dict[tuple[str, int], OutputsRow] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    announced: dict[str, datetime] = field(default_factory=dict)
    hosts: dict[str, HostCircuit] = field(default_factory=dict)
    leases: dict[str, LeaseRow] = field(default_factory=dict)

    def answer(self) -> None:
        """Raises DatabaseUnavailable while `available` is False; every call of a repository begins with it."""
        if not self.available:
            raise DatabaseUnavailable("the memory database was made unavailable")
