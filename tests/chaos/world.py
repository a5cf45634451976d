"""Everything that a fault can act on, and what happened so far."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.copies import Copies
from tests.chaos.parties import Observer, Tap, ThirdParty
from tests.chaos.servers import ChaosServers
from tests.chaos.store import ChaosStore

INVALID = b"chaos-invalid"
"""Part of the body of every message that must end among the dead letters."""


@dataclass
class Tally:
    """What was done to the system."""

    injected: Counter[str] = field(default_factory=Counter)
    failed_injections: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    replayed: int = 0
    invalid: int = 0
    originals_removed: int = 0


@dataclass
class World:
    home: Path
    copies: Copies
    servers: ChaosServers
    store: ChaosStore
    observer: Observer = field(default_factory=Observer)
    tap: Tap = field(default_factory=Tap)
    third_party: ThirdParty = field(default_factory=ThirdParty)
    tally: Tally = field(default_factory=Tally)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, seconds: float) -> None:
        """Wait, but not beyond the end of the faults."""
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except TimeoutError:
            return
