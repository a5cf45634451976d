"""The sweep: finds what a lost message left behind, so that a loss costs time and never the request."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from shared.contracts.messages import DeliverWebhook, FinishRequest
from shared.messaging import Publish
from shared.observability import Metrics
from shared.persistence import Database, RenewableLease

_NOT_OURS_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Sweep:
    """Runs on the gateway that dispatches."""

    def __init__(  # noqa: PLR0913 (a composition root calls this, by name)
        self,
        *,
        database: Database,
        publish: Publish,
        lease: RenewableLease,
        interval: float,
        lost_after: float,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        """`interval` and `lost_after` are in seconds.

        lost_after: when no copy of a command can be alive any more: its start_by, the longest handler and a minute.
        """
        self._database = database
        self._publish = publish
        self._lease = lease
        self._interval = interval
        self._lost_after = timedelta(seconds=lost_after)
        self._clock = clock
        self._metrics = metrics

    async def step(self) -> float:
        """Sweep once. Returns when to sweep again, in seconds."""
        if not await self._lease.held():
            self._metrics.backlog_images.set(0)
            self._metrics.paused_hosts.set(0)
            self._metrics.requests_open.set(0)
            return _NOT_OURS_SECONDS
        await self._return_lost()
        await self._finish_stranded()
        await self._deliver_due()
        self._metrics.backlog_images.set(await self._database.images.count_pending())
        self._metrics.requests_open.set(await self._database.requests.count_open())
        self._metrics.paused_hosts.set(await self._count_paused_hosts())
        return self._interval

    async def _count_paused_hosts(self) -> int:
        hosts = [host.host for host in await self._database.hosts.tripped()]
        return len(await self._database.images.hosts_with_pending(hosts)) if hosts else 0

    async def _return_lost(self) -> None:
        returned = await self._database.images.return_lost(self._clock() - self._lost_after)
        if returned:
            log.warning("lost_images_returned", images=returned)

    async def _finish_stranded(self) -> None:
        stranded = await self._database.requests.announce_stranded()
        await self._publish([FinishRequest(request_id=request.request_id, round=request.round) for request in stranded])

    async def _deliver_due(self) -> None:
        due = await self._database.deliveries.announce_due()
        await self._publish([DeliverWebhook(delivery_id=delivery.delivery_id) for delivery in due])
