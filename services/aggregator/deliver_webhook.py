"""One attempt at one webhook: claim the delivery, send its body, record the response."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from services.aggregator.call_webhook import WebhookCaller
from services.aggregator.receiver_slots import ReceiverSlots
from services.aggregator.settings import WebhookSettings
from services.aggregator.webhook_policy import NextStep, WebhookResponse
from shared.contracts.deliveries import Delivery, DeliveryAttempt, DeliveryState
from shared.contracts.messages import DeliverWebhook, Message
from shared.observability import Metrics
from shared.persistence import DeliveryRepository

_RECORDING_SECONDS = 10.0  # recording an attempt in a slow database takes less; after that the attempt is repeated
_OUTCOMES = {DeliveryState.PENDING: "deferred"}  # the other states are called like their outcomes

log = structlog.get_logger(__name__)


class WebhookDeliverer:
    """Handles DeliverWebhook. At least once: an attempt whose response could not be recorded is repeated."""

    def __init__(
        self,
        deliveries: DeliveryRepository,
        call: WebhookCaller,
        settings: WebhookSettings,
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self._deliveries = deliveries
        self._call = call
        self._slots = ReceiverSlots(settings.webhook_per_receiver)
        self._retry_policy = settings.retry_policy
        self._longest = timedelta(seconds=settings.webhook_timeout + _RECORDING_SECONDS)
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, message: DeliverWebhook) -> Sequence[Message]:
        """Make the attempt or replay that is due, and return the next due delivery to the same receiver.

        A message is dropped if nothing is due (it is a duplicate), or if the receiver is busy: the delivery stays due,
        and an attempt that ends, or the sweep, sends the message again.
        """
        delivery = await self._deliveries.get(message.delivery_id)
        if delivery is None:
            return []
        with self._slots.take(delivery.receiver) as is_free:
            if not is_free or not await self._deliver(delivery):
                return []
        following = await self._deliveries.claim_next(delivery.receiver)
        return [] if following is None else [DeliverWebhook(delivery_id=following.delivery_id)]

    async def _deliver(self, delivery: Delivery) -> bool:
        """Whether an attempt was made."""
        until = self._clock() + self._longest
        if delivery.replay_at is not None and await self._deliveries.claim_replay(delivery.delivery_id, until):
            await self._replay(delivery)
            return True
        claimed = await self._deliveries.claim(delivery.delivery_id, until)
        if claimed is None:  # another process has claimed it, it is not due yet, or it has ended
            return False
        await self._attempt(claimed)
        return True

    async def _attempt(self, delivery: Delivery) -> None:
        response, attempt = await self._send(delivery, replay=False)
        number = delivery.attempts + 1
        chance = random.random()  # noqa: S311 (jitter)
        step = self._retry_policy.next_step(response, number, self._clock(), chance)
        await self._deliveries.record_attempt(
            delivery.delivery_id, number, attempt, state=step.state, due_at=step.due_at
        )
        self._report(delivery, attempt, step)
        await self._react(delivery, response)

    async def _replay(self, delivery: Delivery) -> None:
        response, attempt = await self._send(delivery, replay=True)
        # Its consequences first: a replay that is not recorded is repeated.
        if response.error is None:
            await self._deliveries.enable(delivery.request_id)
        await self._react(delivery, response)
        await self._deliveries.record_replay(delivery.delivery_id, attempt)
        outcome = "replayed" if response.error is None else "replay_failed"
        log.info("webhook_" + outcome, delivery_id=delivery.delivery_id, error=response.error)
        self._metrics.webhook_deliveries.labels(outcome=outcome).inc()

    async def _send(self, delivery: Delivery, *, replay: bool) -> tuple[WebhookResponse, DeliveryAttempt]:
        started_at, began = self._clock(), time.monotonic()
        response = await self._call(delivery.url, delivery.delivery_id, delivery.body)
        seconds = time.monotonic() - began
        self._metrics.webhook_seconds.observe(seconds)
        attempt = DeliveryAttempt(
            started_at, round(seconds * 1000), response.status, response.error, response.excerpt, replay
        )
        return response, attempt

    async def _react(self, delivery: Delivery, response: WebhookResponse) -> None:
        """Disable or postpone the other deliveries to a receiver that is gone or overloaded."""
        if response.is_gone:
            await self._deliveries.disable(delivery.request_id, delivery.delivery_id)
        elif until := self._retry_policy.throttled_until(response, self._clock()):
            await self._deliveries.postpone(delivery.receiver, delivery.url, until)

    def _report(self, delivery: Delivery, attempt: DeliveryAttempt, step: NextStep) -> None:
        outcome = _OUTCOMES.get(step.state, step.state.value)
        ended_badly = step.state in {DeliveryState.ABANDONED, DeliveryState.DISABLED}
        write = log.error if ended_badly else log.warning if attempt.error else log.info
        write(
            "webhook_" + outcome,
            delivery_id=delivery.delivery_id,
            attempts=delivery.attempts + 1,
            error=attempt.error,
        )
        self._metrics.webhook_deliveries.labels(outcome=outcome).inc()
