"""One attempt at one webhook: claim it, post its frozen body, record what came of it."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import httpx
import structlog
from standardwebhooks import Webhook

from services.aggregator.webhook_policy import Answer, RetryPlan, signed_headers
from shared.contracts.messages import DeliverWebhook, Message
from shared.contracts.records import Delivery
from shared.observability import Metrics
from shared.persistence import DeliveryRepository
from shared.url_policy import AddressPolicy, BlockedAddress, InvalidUrl, check_url

_RECORDING_SECONDS = 10.0
_BODY_LIMIT = 4096

log = structlog.get_logger(__name__)


class WebhookDeliverer:
    """Handles DeliverWebhook. At least once: an attempt whose outcome could not be recorded is made again."""

    def __init__(  # noqa: PLR0913 (the composition root calls this, by name)
        self,
        *,
        deliveries: DeliveryRepository,
        client: httpx.AsyncClient,
        policy: AddressPolicy,
        signers: Sequence[Webhook],
        plan: RetryPlan,
        timeout: float,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        """`client` dials only what `policy` allows and follows no redirect. timeout: of a whole attempt, in seconds."""
        self._deliveries = deliveries
        self._client = client
        self._policy = policy
        self._signers = signers
        self._plan = plan
        self._timeout = timeout
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, message: DeliverWebhook) -> Sequence[Message]:
        until = self._clock() + timedelta(seconds=self._timeout + _RECORDING_SECONDS)
        delivery = await self._deliveries.claim(message.delivery_id, until)
        if delivery is None:  # a duplicate: in another's hands, not due yet, or ended
            return []
        await self._record(delivery, await self._attempt(delivery))
        return []

    async def _attempt(self, delivery: Delivery) -> Answer:
        answer: Answer | None = None
        try:
            check_url(delivery.url, self._policy)
            async with asyncio.timeout(self._timeout), self._post(delivery) as response:
                answer = Answer.of(response.status_code, response.headers)
                await _discard(response)
        except (InvalidUrl, BlockedAddress) as fault:
            return Answer(None, fault.detail)
        except (TimeoutError, httpx.TimeoutException):
            return answer or Answer(None, "no answer in time")
        except httpx.TransportError as fault:
            return answer or Answer(None, str(fault) or type(fault).__name__)
        except Exception as fault:  # whatever a stranger's server can do must not send the same message round for ever
            log.exception("webhook_attempt_broke", delivery_id=delivery.delivery_id)
            return answer or Answer(None, type(fault).__name__)
        return answer

    def _post(self, delivery: Delivery) -> AbstractAsyncContextManager[httpx.Response]:
        headers = signed_headers(delivery, self._signers, self._clock())
        return self._client.stream("POST", delivery.url, content=delivery.body.encode(), headers=headers)

    async def _record(self, delivery: Delivery, answer: Answer) -> None:
        attempts = delivery.attempts + 1
        chance = random.random()  # noqa: S311 (jitter)
        due_at = self._plan.next_due(answer, attempts, self._clock(), chance)
        await self._deliveries.record_attempt(
            delivery.delivery_id, attempts, due_at=due_at, delivered=answer.error is None, error=answer.error
        )
        self._tell(delivery, answer, attempts, ended=due_at is None)

    def _tell(self, delivery: Delivery, answer: Answer, attempts: int, *, ended: bool) -> None:
        if answer.error is None:
            outcome = "delivered"
            log.info("webhook_delivered", delivery_id=delivery.delivery_id, attempts=attempts)
        elif not ended:
            outcome = "deferred"
            log.warning("webhook_deferred", delivery_id=delivery.delivery_id, attempts=attempts, error=answer.error)
        else:
            outcome = "given_up"
            log.error("webhook_given_up", delivery_id=delivery.delivery_id, attempts=attempts, error=answer.error)
        self._metrics.webhook_deliveries.labels(outcome=outcome).inc()


async def _discard(response: httpx.Response) -> None:
    """Take what little a receiver says, so that it need not see its connection break; a long answer is cut off."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > _BODY_LIMIT:
            return
