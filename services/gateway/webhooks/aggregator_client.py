"""What the gateway asks the aggregators for, which make all calls of webhooks. The gateway itself calls nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from shared.contracts.messages import DeliverWebhook
from shared.errors import BrokerUnavailable
from shared.messaging import Publish

_ANNOUNCE_SECONDS = 2.0  # a client waits for it

log = structlog.get_logger(__name__)


class AggregatorClient:
    """Sends while it is connected to the broker."""

    def __init__(self) -> None:
        self._publish: Publish | None = None

    @contextmanager
    def connected(self, publish: Publish) -> Iterator[None]:
        """The client is connected until the context ends."""
        self._publish = publish
        try:
            yield
        finally:
            self._publish = None

    async def announce(self, delivery_id: str) -> None:
        """Have what is due of the delivery made at once. Without the broker, the sweep announces it later."""
        if self._publish is None:
            return
        try:
            async with asyncio.timeout(_ANNOUNCE_SECONDS):
                await self._publish([DeliverWebhook(delivery_id=delivery_id)])
        except (BrokerUnavailable, TimeoutError) as fault:
            log.warning("webhook_not_announced", delivery_id=delivery_id, error=str(fault))
