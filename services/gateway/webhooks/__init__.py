"""Webhooks, as clients see them: their state, the log of their deliveries, replays and tests."""

from services.gateway.webhooks.aggregator_client import AggregatorClient, webhook_test_replies
from services.gateway.webhooks.deliveries import DeliveryLog
from services.gateway.webhooks.tester import FIELD_TYPES, MAX_BODY_BYTES, WebhookTester
from services.gateway.webhooks.views import webhook_status

__all__ = [
    "FIELD_TYPES",
    "MAX_BODY_BYTES",
    "AggregatorClient",
    "DeliveryLog",
    "WebhookTester",
    "webhook_status",
    "webhook_test_replies",
]
