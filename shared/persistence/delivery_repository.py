"""The protocol of the repository of deliveries. See repositories."""

from datetime import datetime
from typing import Protocol

from shared.contracts.deliveries import Delivery, DeliveryAttempt, DeliveryState

MAX_COUNTED = 1_000
"""Where `count_overdue` stops."""

DUE_PER_RECEIVER = 10
"""How many deliveries to one receiver `claim_due` returns at a time: enough to fill its slots in two aggregators. Each
attempt that ends takes the next one."""


class DeliveryRepository(Protocol):
    async def put(self, delivery: Delivery) -> None:
        """Record a delivery; a delivery that exists stays as it is."""

    async def get(self, delivery_id: str) -> Delivery | None: ...

    async def of_request(self, request_id: str) -> list[Delivery]:
        """All deliveries of a request, the oldest first."""

    async def any_pending(self, request_id: str) -> bool:
        """Whether the request has a delivery with attempts left, or with a replay that is due."""

    async def claim_due(self, limit: int = 100, *, per_receiver: int = DUE_PER_RECEIVER) -> list[Delivery]:
        """Deliveries with a due attempt or replay, each at most once per CLAIM_AGAIN_AFTER; the caller sends them.

        The receivers take turns, with at most `per_receiver` deliveries each, so that one with many does not delay the
        others.
        """

    async def claim_next(self, receiver: str) -> Delivery | None:
        """The due delivery to `receiver` for which `DeliverWebhook` was sent the longest ago; the caller sends it."""

    async def claim(self, delivery_id: str, until: datetime) -> Delivery | None:
        """Take a due delivery for an attempt. It is due again at `until`, in case the attempt is never recorded.

        None if it is not due, has ended or does not exist.
        """

    async def claim_replay(self, delivery_id: str, until: datetime) -> Delivery | None:
        """Take a due replay, as `claim` does."""

    async def record_attempt(
        self, delivery_id: str, number: int, attempt: DeliveryAttempt, *, state: DeliveryState, due_at: datetime | None
    ) -> None:
        """Log attempt `number` of the schedule; `due_at` is of the next one, None after the last.

        If that number is recorded already, or the delivery is no longer pending, only a success changes its state.
        """

    async def request_replay(self, delivery_id: str) -> Delivery | None:
        """Make a replay due now, unless one is due or in progress; None if there is no such delivery."""

    async def record_replay(self, delivery_id: str, attempt: DeliveryAttempt) -> None:
        """Log a replay. A success makes it delivered; a failure leaves its state and its schedule as they are.

        It is for the caller to `disable` the request if the receiver answered 410.
        """

    async def disable(self, request_id: str, delivery_id: str) -> None:
        """Disable the request's pending deliveries and those of later rounds: the receiver of this one is gone."""

    async def enable(self, request_id: str) -> None:
        """Undo `disable` for later rounds; deliveries that it disabled become abandoned."""

    async def count_overdue(self) -> int:
        """Number of deliveries whose attempt has been due for CLAIM_AGAIN_AFTER, at most MAX_COUNTED."""

    async def postpone(self, receiver: str, url: str, until: datetime) -> None:
        """Make no attempt of the schedule for this URL due before `until`."""
