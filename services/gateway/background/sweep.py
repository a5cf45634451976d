"""The sweep: repeats what a lost message should have caused, so that a loss costs time and never a request."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from services.gateway.background.failing_items import FailingItems
from services.gateway.background.image_canceller import drop_rounds
from services.gateway.background.parts import WITHOUT_LEASE_SECONDS, BackgroundParts
from services.gateway.settings import DispatchSettings
from shared.contracts.messages import DeliverWebhook, FinishRequest
from shared.errors import DependencyUnavailable
from shared.long_lived import is_asked_to_stop
from shared.persistence import RenewableLease

log = structlog.get_logger(__name__)


class Sweep:
    """Runs on the gateway that dispatches. It also sets the metrics that are counted over all requests."""

    def __init__(self, parts: BackgroundParts, lease: RenewableLease, settings: DispatchSettings) -> None:
        self._database = parts.database
        self._publish = parts.publish
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._lease = lease
        self._interval = settings.sweep_interval
        self._failing = FailingItems("sweep", parts.metrics)
        self._lost_after = timedelta(seconds=settings.lost_after)

    async def step(self) -> float:
        """Sweep once. Returns the seconds until the next sweep."""
        if not await self._lease.held():
            self._set_metrics(backlog_images=0, requests_open=0, paused_hosts=0, webhooks_overdue=0)
            return WITHOUT_LEASE_SECONDS
        error: BaseException | None = None
        # Each part alone: none waits for another one that fails.
        for name, part in (
            ("lost images", self._return_lost),
            ("cancelled rounds", self._broadcast_cancelled_rounds),
            ("stranded requests", self._finish_stranded),
            ("due webhooks", self._deliver_due),
            ("metrics", self._count),
        ):
            error = await _error_of(name, part) or error
        if error is not None:
            raise error  # the loop counts it
        return self._interval

    async def _count(self) -> None:
        self._set_metrics(
            backlog_images=await self._database.images.count_pending(),
            requests_open=await self._database.requests.count_open(),
            paused_hosts=await self._count_paused_hosts(),
            webhooks_overdue=await self._database.deliveries.count_overdue(),
        )

    def _set_metrics(
        self, *, backlog_images: int, requests_open: int, paused_hosts: int, webhooks_overdue: int
    ) -> None:
        self._metrics.backlog_images.set(backlog_images)
        self._metrics.requests_open.set(requests_open)
        self._metrics.paused_hosts.set(paused_hosts)
        self._metrics.webhooks_overdue.set(webhooks_overdue)

    async def _count_paused_hosts(self) -> int:
        """Hosts whose circuit is not closed and that have pending images."""
        hosts = [circuit.host for circuit in await self._database.hosts.not_closed()]
        return len(await self._database.images.hosts_with_pending(hosts)) if hosts else 0

    async def _return_lost(self) -> None:
        returned = await self._database.images.return_lost(self._clock() - self._lost_after)
        if returned:
            log.warning("lost_images_returned", images=returned)

    async def _broadcast_cancelled_rounds(self) -> None:
        """Repeat the cancelled rounds while their commands can exist, so that workers that start later receive them."""
        now = self._clock()
        cancelled = await self._database.cancellations.requested_since(now - self._lost_after)
        await self._publish(drop_rounds(cancelled, now, self._lost_after.total_seconds(), self._failing))

    async def _finish_stranded(self) -> None:
        stranded = await self._database.requests.claim_stranded()
        await self._publish(
            self._failing.built(
                stranded,
                lambda request: request.request_id,
                lambda request: FinishRequest(request_id=request.request_id, round=request.round),
            )
        )

    async def _deliver_due(self) -> None:
        due = await self._database.deliveries.claim_due()
        await self._publish(
            self._failing.built(
                due,
                lambda delivery: delivery.delivery_id,
                lambda delivery: DeliverWebhook(delivery_id=delivery.delivery_id),
            )
        )


async def _error_of(name: str, part: Callable[[], Awaitable[None]]) -> BaseException | None:
    """The unexpected error of a part, which is logged; the next parts run all the same."""
    try:
        await part()
    except DependencyUnavailable:
        raise
    except (Exception, asyncio.CancelledError) as error:
        if is_asked_to_stop():
            raise
        log.exception("sweep_part_failed", part=name)
        return error
    return None
