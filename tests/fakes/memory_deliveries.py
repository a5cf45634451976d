"""Deliveries in a dictionary, with the guards of the real collection."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice, zip_longest

from shared.contracts.deliveries import GONE_DETAIL, MAX_LOGGED_REPLAYS, Delivery, DeliveryAttempt, DeliveryState
from shared.persistence import CLAIM_AGAIN_AFTER, DUE_PER_RECEIVER
from tests.fakes.memory_tables import Tables


class MemoryDeliveries:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, delivery: Delivery) -> None:
        self._tables.answer()
        self._tables.deliveries.setdefault(delivery.delivery_id, delivery)

    async def get(self, delivery_id: str) -> Delivery | None:
        self._tables.answer()
        return self._tables.deliveries.get(delivery_id)

    async def of_request(self, request_id: str) -> list[Delivery]:
        self._tables.answer()
        return sorted(self._of_request(request_id), key=lambda delivery: delivery.created_at)

    async def any_pending(self, request_id: str) -> bool:
        return any(each.due_at or each.replay_at for each in await self.of_request(request_id))

    async def claim_due(self, limit: int = 100, *, per_receiver: int = DUE_PER_RECEIVER) -> list[Delivery]:
        self._tables.answer()
        due = [delivery for delivery in self._due() if not self._claimed_lately(delivery.delivery_id)]
        groups: dict[str, list[Delivery]] = {}
        for delivery in sorted(due, key=lambda delivery: delivery.due_at or delivery.created_at):
            groups.setdefault(delivery.receiver, []).append(delivery)
        rounds = zip_longest(*(group[:per_receiver] for group in groups.values()))
        dealt = list(islice((each for each in chain.from_iterable(rounds) if each), limit))
        self._mark_sent(dealt)
        return dealt

    async def claim_next(self, receiver: str) -> Delivery | None:
        self._tables.answer()
        due = [delivery for delivery in self._due() if delivery.receiver == receiver]
        never = datetime.min.replace(tzinfo=self._tables.clock().tzinfo)
        due.sort(key=lambda delivery: self._tables.sent.get(delivery.delivery_id, never))
        self._mark_sent(due[:1])
        return due[0] if due else None

    async def claim(self, delivery_id: str, until: datetime) -> Delivery | None:
        delivery = await self.get(delivery_id)
        if delivery is None or not self._has_come(delivery.due_at):
            return None
        return self._save(replace(delivery, due_at=until))

    async def claim_replay(self, delivery_id: str, until: datetime) -> Delivery | None:
        delivery = await self.get(delivery_id)
        if delivery is None or not self._has_come(delivery.replay_at):
            return None
        return self._save(replace(delivery, replay_at=until))

    async def record_attempt(
        self, delivery_id: str, number: int, attempt: DeliveryAttempt, *, state: DeliveryState, due_at: datetime | None
    ) -> None:
        delivery = await self.get(delivery_id)
        if delivery is None:
            return
        delivery = _logged(delivery, attempt)
        if delivery.attempts == number - 1 and delivery.state is DeliveryState.PENDING:
            delivery = replace(delivery, attempts=number, state=state, due_at=due_at, last_error=attempt.error)
            self._save(delivery)
        elif attempt.error is None:
            self._save(_delivered(delivery))
        else:
            self._tables.deliveries[delivery_id] = delivery

    async def request_replay(self, delivery_id: str) -> Delivery | None:
        delivery = await self.get(delivery_id)
        if delivery is None or delivery.replay_at is not None:
            return delivery
        return self._save(replace(delivery, replay_at=self._tables.clock()))

    async def record_replay(self, delivery_id: str, attempt: DeliveryAttempt) -> None:
        delivery = await self.get(delivery_id)
        if delivery is not None:
            delivery = replace(_logged(delivery, attempt), replay_at=None, replays=delivery.replays + 1)
            self._save(_delivered(delivery) if attempt.error is None else delivery)

    async def disable(self, request_id: str, delivery_id: str) -> None:
        self._tables.answer()
        for delivery in self._of_request(request_id):
            changed = replace(delivery, gone=delivery.gone or delivery.delivery_id == delivery_id)
            if delivery.state is DeliveryState.PENDING:
                changed = replace(changed, state=DeliveryState.DISABLED, due_at=None, last_error=GONE_DETAIL)
            self._tables.deliveries[delivery.delivery_id] = changed

    async def enable(self, request_id: str) -> None:
        self._tables.answer()
        for delivery in self._of_request(request_id):
            is_disabled = delivery.state is DeliveryState.DISABLED
            state = DeliveryState.ABANDONED if is_disabled else delivery.state
            self._tables.deliveries[delivery.delivery_id] = replace(delivery, state=state, gone=False)

    async def count_overdue(self) -> int:
        self._tables.answer()
        before = self._tables.clock() - CLAIM_AGAIN_AFTER
        return len([each for each in self._tables.deliveries.values() if each.due_at and each.due_at <= before])

    async def postpone(self, receiver: str, url: str, until: datetime) -> None:
        self._tables.answer()
        for delivery_id, delivery in self._tables.deliveries.items():
            is_same = (delivery.receiver, delivery.url) == (receiver, url)
            if is_same and delivery.due_at is not None and delivery.due_at < until:
                self._tables.deliveries[delivery_id] = replace(delivery, due_at=until)

    def _of_request(self, request_id: str) -> list[Delivery]:
        return [each for name, each in self._tables.deliveries.items() if name.startswith(f"{request_id}:")]

    def _save(self, delivery: Delivery) -> Delivery:
        self._tables.deliveries[delivery.delivery_id] = delivery
        self._tables.sent.pop(delivery.delivery_id, None)  # so that `claim_due` returns the next attempt when it is due
        return delivery

    def _mark_sent(self, deliveries: Iterable[Delivery]) -> None:
        self._tables.sent.update({each.delivery_id: self._tables.clock() for each in deliveries})

    def _claimed_lately(self, delivery_id: str) -> bool:
        sent = self._tables.sent.get(delivery_id)
        return sent is not None and sent > self._tables.clock() - CLAIM_AGAIN_AFTER

    def _due(self) -> list[Delivery]:
        return [
            each
            for each in self._tables.deliveries.values()
            if self._has_come(each.due_at) or self._has_come(each.replay_at)
        ]

    def _has_come(self, time: datetime | None) -> bool:
        return time is not None and time <= self._tables.clock()


def _logged(delivery: Delivery, attempt: DeliveryAttempt) -> Delivery:
    if attempt.replay:
        return replace(delivery, replay_log=(*delivery.replay_log, attempt)[-MAX_LOGGED_REPLAYS:])
    return replace(delivery, log=(*delivery.log, attempt))


def _delivered(delivery: Delivery) -> Delivery:
    return replace(delivery, state=DeliveryState.DELIVERED, due_at=None, last_error=None)
