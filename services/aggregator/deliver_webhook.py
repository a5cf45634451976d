"""One attempt at one webhook: claim the delivery, send its body, record the response."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import httpx
import structlog

from services.aggregator.settings import WebhookSettings
from services.aggregator.webhook_policy import WebhookResponse, signed_headers
from shared.contracts.messages import DeliverWebhook, Message
from shared.contracts.records import Delivery
from shared.observability import Metrics
from shared.persistence import DeliveryRepository
from shared.url_policy import BlockedAddress, InvalidUrl, check_url

_RECORDING_SECONDS = 10.0
_MAX_RESPONSE_BYTES = 4096

log = structlog.get_logger(__name__)


class WebhookDeliverer:
    """Handles DeliverWebhook. At least once: an attempt whose response could not be recorded is repeated."""

    def __init__(
        self,
        deliveries: DeliveryRepository,
        client: httpx.AsyncClient,
        settings: WebhookSettings,
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        """`client` connects only to addresses that `settings.policy` allows, and follows no redirect."""
        self._deliveries = deliveries
        self._client = client
        self._policy = settings.policy
        self._signers = settings.signers()
        self._retry_policy = settings.retry_policy
        self._timeout = settings.webhook_timeout
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, message: DeliverWebhook) -> Sequence[Message]:
        until = self._clock() + timedelta(seconds=self._timeout + _RECORDING_SECONDS)
        delivery = await self._deliveries.claim(message.delivery_id, until)
        if delivery is None:  # a duplicate: another process has claimed it, it is not due yet, or it has ended
            return []
        await self._record(delivery, await self._attempt(delivery))
        return []

    async def _attempt(self, delivery: Delivery) -> WebhookResponse:
        result: WebhookResponse | None = None
        try:
            check_url(delivery.url, self._policy)
            async with asyncio.timeout(self._timeout), self._post(delivery) as response:
                result = WebhookResponse.of(response.status_code, response.headers)
                await _discard_body(response)
        except (InvalidUrl, BlockedAddress) as error:
            return WebhookResponse(None, error.detail)
        except (TimeoutError, httpx.TimeoutException):
            return result or WebhookResponse(None, "no response in time")
        except httpx.TransportError as error:
            return result or WebhookResponse(None, str(error) or type(error).__name__)
        except Exception as error:  # a receiver that provokes a bug must not have its message redelivered for ever
            log.exception("webhook_attempt_crashed", delivery_id=delivery.delivery_id)
            return result or WebhookResponse(None, type(error).__name__)
        return result

    def _post(self, delivery: Delivery) -> AbstractAsyncContextManager[httpx.Response]:
        headers = signed_headers(delivery, self._signers, self._clock())
        return self._client.stream("POST", delivery.url, content=delivery.body.encode(), headers=headers)

    async def _record(self, delivery: Delivery, response: WebhookResponse) -> None:
        attempts = delivery.attempts + 1
        chance = random.random()  # noqa: S311 (jitter)
        due_at = self._retry_policy.next_due(response, attempts, self._clock(), chance)
        await self._deliveries.record_attempt(
            delivery.delivery_id, attempts, due_at=due_at, delivered=response.error is None, error=response.error
        )
        self._report(delivery, response, attempts, ended=due_at is None)

    def _report(self, delivery: Delivery, response: WebhookResponse, attempts: int, *, ended: bool) -> None:
        if response.error is None:
            outcome = "delivered"
            log.info("webhook_delivered", delivery_id=delivery.delivery_id, attempts=attempts)
        elif not ended:
            outcome = "deferred"
            log.warning("webhook_deferred", delivery_id=delivery.delivery_id, attempts=attempts, error=response.error)
        else:
            outcome = "abandoned"
            log.error("webhook_abandoned", delivery_id=delivery.delivery_id, attempts=attempts, error=response.error)
        self._metrics.webhook_deliveries.labels(outcome=outcome).inc()


async def _discard_body(response: httpx.Response) -> None:
    """Read a short body to its end, so that the receiver sees no broken connection; cut a long one off."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > _MAX_RESPONSE_BYTES:
            return
