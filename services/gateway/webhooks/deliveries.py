"""Lists the deliveries of a request's webhook, and replays one."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from services.gateway.web import DeliveryDetails, DeliveryList, unknown_delivery, unknown_request
from services.gateway.webhooks.views import delivery_details
from shared.contracts.records import Request
from shared.persistence import Database

log = structlog.get_logger(__name__)


class DeliveryLog:
    def __init__(
        self, database: Database, send_due: Callable[[str], Awaitable[None]], clock: Callable[[], datetime]
    ) -> None:
        """`send_due` asks an aggregator to make the due attempt or replay; if it fails, the sweep does so."""
        self._database = database
        self._send_due = send_due
        self._clock = clock

    async def deliveries(self, request_id: str) -> DeliveryList:
        """All deliveries of the request, the oldest first. Raises Problem (404) if there is no such request."""
        await self._known(request_id)
        found = await self._database.deliveries.of_request(request_id)
        return DeliveryList(request_id=request_id, deliveries=[delivery_details(each) for each in found])

    async def replay(self, request_id: str, delivery_id: str) -> DeliveryDetails:
        """Send the delivery once more, outside its schedule. While a replay is in progress there is no second one.

        delivery_id: it begins with the request's id, which may be written in any case.
        Raises Problem (404) if there is no such request or no such delivery of it.
        """
        await self._known(request_id)
        first, _, rest = delivery_id.partition(":")
        if first.upper() != request_id:
            raise unknown_delivery(delivery_id)
        delivery = await self._database.deliveries.request_replay(f"{request_id}:{rest}")
        if delivery is None:
            raise unknown_delivery(delivery_id)
        log.info("webhook_replay_requested", request_id=request_id, delivery_id=delivery.delivery_id)
        await self._send_due(delivery.delivery_id)
        return delivery_details(delivery)

    async def _known(self, request_id: str) -> Request:
        request = await self._database.requests.get(request_id)
        if request is None or request.has_expired(self._clock()):
            raise unknown_request(request_id)
        return request
