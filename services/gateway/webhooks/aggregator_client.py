"""Asks the aggregators to call webhooks. The gateway itself sends no HTTP requests."""

import asyncio
import secrets

import structlog

from services.gateway.web import no_aggregator
from shared.contracts.messages import MAX_TEST_WAIT_SECONDS, DeliverWebhook, SendTestWebhook, WebhookTested
from shared.errors import BrokerUnavailable
from shared.messaging import Replies, ReplyClient

_SEND_SECONDS = 2.0  # a client waits for it
_MARGIN_SECONDS = 5.0  # for the messages of a test

log = structlog.get_logger(__name__)


def webhook_test_replies() -> Replies[WebhookTested]:
    """The replies to this process's tests."""
    return Replies(WebhookTested, lambda reply: reply.test_id, name="webhook-replies")


class AggregatorClient(ReplyClient[WebhookTested]):
    """Sends while it is connected to the broker."""

    def __init__(self, call_timeout: float) -> None:
        """`call_timeout`: the seconds after which an aggregator ends a call."""
        super().__init__()
        self._test_timeout = MAX_TEST_WAIT_SECONDS + call_timeout + _MARGIN_SECONDS

    async def send_due(self, delivery_id: str) -> None:
        """Ask an aggregator to make the due attempt or replay at once. Without the broker, the sweep does so later."""
        if self._connection is None:
            return
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._connection.publish([DeliverWebhook(delivery_id=delivery_id)])
        except (BrokerUnavailable, TimeoutError) as fault:
            log.warning("webhook_message_not_sent", delivery_id=delivery_id, error=str(fault))

    async def test(self, url: str) -> WebhookTested:
        """Have the webhook at `url` called once. Raises Problem (503) if no aggregator reports an outcome in time."""
        if self._connection is None:
            raise no_aggregator("the gateway is not connected to RabbitMQ")
        test_id = f"test_{secrets.token_hex(12)}"
        try:
            async with asyncio.timeout(self._test_timeout):
                with self._connection.replies.inbox(test_id) as inbox:
                    command = SendTestWebhook(test_id=test_id, reply_to=self._connection.replies.queue, url=url)
                    await self._connection.publish([command])
                    tested = await inbox.get()
        except BrokerUnavailable as fault:
            log.warning("webhook_test_not_sent", error=str(fault))
            raise no_aggregator("RabbitMQ did not accept the test") from None
        except TimeoutError:
            raise no_aggregator("no aggregator answered in time") from None
        if tested is None:
            raise no_aggregator("the gateway is stopping")
        return tested
