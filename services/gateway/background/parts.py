"""What the gateway's background tasks have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.messaging import Publish
from shared.observability import Metrics
from shared.persistence import Database

WITHOUT_LEASE_SECONDS = 2.0
"""How long a task waits before it tries again, if another gateway has the dispatch lease."""


@dataclass(frozen=True, slots=True)
class BackgroundParts:
    """The database, the broker, the clock and the metrics of this process."""

    database: Database
    publish: Publish
    clock: Callable[[], datetime]
    metrics: Metrics
