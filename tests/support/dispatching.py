"""A dispatcher for tests, with workers that report much room."""

from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry

from services.gateway.background import BackgroundParts
from services.gateway.dispatch import Dispatcher, DispatchRules
from services.gateway.dispatch.host_rules import HostRulebook, HostRules
from services.gateway.host_limits_file import HostOverride
from services.gateway.settings import DispatchSettings
from shared.contracts.messages import CompressionsReported, DownloadsReported
from shared.observability import Metrics
from shared.persistence import Database, RenewableLease
from shared.settings import ImageAgeSettings
from tests.fakes import MovableClock
from tests.support.recording_publisher import RecordingPublisher

SLOTS = 1_000


class Dispatching:
    """A dispatcher over a database. Each step reads the database anew, as if some time had passed."""

    def __init__(
        self,
        database: Database,
        publisher: RecordingPublisher,
        clock: MovableClock,
        *,
        per_host: int = 64,
        overrides: Mapping[str, HostOverride] | None = None,
        settings: DispatchSettings | None = None,
        age: ImageAgeSettings | None = None,
        workers_clock: Callable[[], datetime] | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.parts = BackgroundParts(database, publisher.publish, clock, Metrics(registry or CollectorRegistry()))
        self.lease = RenewableLease(database.lease("dispatch", 10), 10)
        rules = DispatchRules(
            settings or DispatchSettings(),
            HostRulebook(HostRules(per_host, per_host, 0), overrides or {}),
            age or ImageAgeSettings(),
            workers_clock or clock,
        )
        self.dispatcher = Dispatcher(self.parts, self.lease, rules)

    async def step(self) -> float:
        self.dispatcher.take(DownloadsReported(worker="downloader", slots=SLOTS))
        self.dispatcher.take(CompressionsReported(worker="compressor", slots=SLOTS))
        self.dispatcher._refreshed_at = self.dispatcher._reconciled_at = float("-inf")
        return await self.dispatcher.step()
