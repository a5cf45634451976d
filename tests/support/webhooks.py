"""The aggregator's handler of webhooks over a database, for tests with real receivers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from standardwebhooks import Webhook

from services.aggregator.call_webhook import WebhookCaller
from services.aggregator.deliver_webhook import WebhookDeliverer
from services.aggregator.settings import WebhookSettings
from services.aggregator.webhook_policy import receiver_of
from shared.contracts.deliveries import Delivery
from shared.contracts.messages import DeliverWebhook
from shared.observability import Metrics
from shared.outbound import open_guarded_client
from shared.persistence import Database
from tests.support.builders import a_delivery
from tests.support.scripted_receiver import Call
from tests.support.waiting import until

Networks = tuple[IPv4Network | IPv6Network, ...]

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
REQUEST_ID = "01KDA7ZZ3Q8V6B7Y9XWJ4N5M2T"
DELIVERY_ID = f"{REQUEST_ID}:1:request.completed"
MESSAGE = DeliverWebhook(delivery_id=DELIVERY_ID)
LOOPBACK: Networks = (ip_network("127.0.0.0/8"),)
SCHEDULE = (0.05, 0.1)


def utc_now() -> datetime:
    return datetime.now(UTC)


def webhook_settings(**changes: Any) -> WebhookSettings:
    """Short waits, and receivers on loopback."""
    known: dict[str, Any] = {
        "webhook_secret": SecretStr(SECRET),
        "webhook_allow_networks": LOOPBACK,
        "webhook_schedule": SCHEDULE,
        "webhook_timeout": 5.0,
        "webhook_retry_after_max": 3600,
    }
    return WebhookSettings(**known | changes)


@asynccontextmanager
async def open_caller(settings: WebhookSettings) -> AsyncIterator[WebhookCaller]:
    timeout = httpx.Timeout(settings.webhook_timeout)
    async with open_guarded_client(
        settings.policy, user_agent="imagemill-webhooks", timeout=timeout, max_idle=0
    ) as client:
        yield WebhookCaller(client, settings, utc_now)


def verify(call: Call) -> Any:
    """The payload of a call. Raises WebhookVerificationError if its signature is wrong or it is old."""
    return Webhook(SECRET).verify(call.body, dict(call.headers))


class WebhookHarness:
    """The handler, and what it records."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)

    @asynccontextmanager
    async def deliverer(self, **changes: Any) -> AsyncIterator[WebhookDeliverer]:
        settings = webhook_settings(**changes)
        async with open_caller(settings) as call:
            yield WebhookDeliverer(self.database.deliveries, call, settings, self.metrics, utc_now)

    async def put(self, url: str, delivery_id: str = DELIVERY_ID, **changes: Any) -> None:
        """Record a delivery that is due, also if the estimate of the database's time is somewhat late."""
        due_at = utc_now() - timedelta(seconds=1)
        known = {"url": url, "receiver": receiver_of(url), "due_at": due_at, "created_at": due_at}
        await self.database.deliveries.put(a_delivery(delivery_id, **known | changes))

    async def delivery(self, delivery_id: str = DELIVERY_ID) -> Delivery:
        delivery = await self.database.deliveries.get(delivery_id)
        assert delivery is not None
        return delivery

    async def deliver_until_ended(self, deliver: WebhookDeliverer) -> Delivery:
        """Send DeliverWebhook, as the sweep does, until the delivery has ended."""

        async def has_ended() -> bool:
            if (await self.delivery()).due_at is not None:
                await deliver(MESSAGE)
            return (await self.delivery()).due_at is None

        await until(has_ended, 20, "the delivery has ended")
        return await self.delivery()

    async def replay(self, deliver: WebhookDeliverer) -> Delivery:
        await self.database.deliveries.request_replay(DELIVERY_ID)
        await deliver(MESSAGE)
        return await self.delivery()

    def count(self, outcome: str) -> float:
        return self.registry.get_sample_value("imagemill_webhook_deliveries_total", {"outcome": outcome}) or 0
