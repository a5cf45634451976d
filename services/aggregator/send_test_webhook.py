"""A test of a webhook: one signed call, whose outcome goes back to the gateway that asked for it."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from services.aggregator.call_webhook import WebhookCaller
from services.aggregator.webhook_policy import body_of_test
from shared.contracts.messages import SendTestWebhook, WebhookTested
from shared.messaging import Reply, Unproven

log = structlog.get_logger(__name__)


class WebhookTestSender:
    """Handles SendTestWebhook. Nothing is recorded, and nothing is tried again."""

    def __init__(self, call: WebhookCaller, clock: Callable[[], datetime]) -> None:
        self._call = call
        self._clock = clock

    async def __call__(self, command: SendTestWebhook) -> Sequence[Reply]:
        began = time.monotonic()
        response = await self._call(command.url, command.test_id, body_of_test(self._clock()))
        log.info("webhook_tested", status=response.status, error=response.error)
        tested = WebhookTested(
            test_id=command.test_id,
            status=response.status,
            error=response.error,
            duration_ms=round((time.monotonic() - began) * 1000),
            response=response.excerpt,
        )
        return Unproven([Reply(command.reply_to, tested)])  # without the database
