"""The webhooks of requests, as clients see them: their state, the log of their deliveries, and replays."""

from services.gateway.webhooks.aggregator_client import AggregatorClient
from services.gateway.webhooks.deliveries import DeliveryLog
from services.gateway.webhooks.views import webhook_status

__all__ = ["AggregatorClient", "DeliveryLog", "webhook_status"]
