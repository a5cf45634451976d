"""A kind of fault."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from tests.chaos.schedule import Kind
from tests.chaos.world import World

Act = Callable[[World, random.Random], Awaitable[None]]


class Database(Enum):
    """What the database of a run is."""

    SINGLE = auto()
    REPLICA_SET = auto()


@dataclass(frozen=True)
class Fault:
    """`act` injects the fault and removes it again; it must end soon after the world's `over` is set.

    of: what it affects; two faults of the same thing are injected one after the other.
    at_least, weight: as in Kind. slow: not for a short run. only: with this database.
    """

    name: str
    act: Act
    of: str
    at_least: float = 0
    weight: float = 1
    slow: bool = False
    only: Database | None = None

    @property
    def kind(self) -> Kind:
        return Kind(self.name, self.at_least, self.weight)
