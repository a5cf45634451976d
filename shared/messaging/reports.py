"""Reports to the dispatcher: collected and sent in batches by the workers, received by every gateway."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import structlog

from shared.contracts.messages import (
    MAX_REPORTED,
    CompressionsReported,
    DownloadsReported,
    Report,
    ResultsRecorded,
)
from shared.errors import BrokerUnavailable
from shared.first_of import first_of
from shared.messaging.broker import Broker
from shared.messaging.own_queue import OwnQueue
from shared.messaging.publisher import ForDispatcher, Publish
from shared.messaging.topology import REPORTS_EXCHANGE
from shared.observability import Health
from shared.process_name import process_name

SIGN_OF_LIFE_SECONDS = 1.0
"""A worker reports at least this often."""

# What is added soon after a report waits longer: under load a report for each item would cost as much as the commands.
_LINGER_SECONDS = 0.02
_INTERVAL_SECONDS = 0.06
_BEAT_SECONDS = 1.0
_KINDS = (DownloadsReported, CompressionsReported, ResultsRecorded)

Item = TypeVar("Item")

log = structlog.get_logger(__name__)


class ReportSender(Generic[Item]):
    """Sends what was added since the last report. A report that the broker does not take is lost."""

    def __init__(
        self, publish: Publish, build: Callable[[tuple[Item, ...]], Report], *, signs_of_life: bool = True
    ) -> None:
        """signs_of_life: whether a report is sent each second even if nothing was added."""
        self._publish = publish
        self._build = build
        self._interval = SIGN_OF_LIFE_SECONDS if signs_of_life else None
        self._items: list[Item] = []
        self._added = asyncio.Event()

    def add(self, item: Item) -> None:
        """Report `item` soon. The oldest are forgotten while the broker takes no reports."""
        self._items.append(item)
        del self._items[:-MAX_REPORTED]
        self._added.set()

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Send reports until `stop` is set."""
        now = asyncio.get_running_loop().time
        sent_at = float("-inf")
        with health.loop("sending reports") as beat:
            while not stop.is_set():
                beat()
                await first_of(stop, self._added, within=_BEAT_SECONDS)
                if self._added.is_set():
                    await asyncio.sleep(max(_LINGER_SECONDS, sent_at + _INTERVAL_SECONDS - now()))
                elif self._interval is None or now() - sent_at < self._interval:
                    continue
                self._added.clear()
                sent_at = now()
                await self._send()

    async def _send(self) -> None:
        items, self._items = tuple(self._items), []
        try:
            await self._publish([ForDispatcher(self._build(items))])
        except BrokerUnavailable as fault:
            log.debug("report_lost", items=len(items), error=str(fault))


def worker_reports(
    publish: Publish, slots: int, build: Callable[[str, int, tuple[Item, ...]], Report]
) -> ReportSender[Item]:
    """The reports of this process. `build` makes one of the worker's name, its slots and what was added."""
    return ReportSender(publish, partial(build, process_name(), slots))


class Reports:
    """Passes the reports of all workers to `take`, in a gateway."""

    def __init__(self, take: Callable[[Report], object]) -> None:
        """`take` must not fail."""
        self._queue = OwnQueue[Report]("reports", REPORTS_EXCHANGE, _KINDS, take)

    async def receive(self, broker: Broker, health: Health, stop: asyncio.Event) -> None:
        """Receive reports until `stop` is set."""
        await self._queue.receive(broker, health, stop)
