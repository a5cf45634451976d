"""The cancelled rounds whose commands a worker drops. The gateway broadcasts them, repeatedly for a while."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from shared.contracts.messages import DropRounds, ImageMessage
from shared.messaging.broker import Broker
from shared.messaging.own_queue import OwnQueue
from shared.messaging.publisher import Outgoing
from shared.messaging.subscription import Handler, Unproven
from shared.messaging.topology import BROADCASTS_EXCHANGE
from shared.observability import Health

_MAX_ROUNDS = 10_000  # beyond this the oldest are forgotten: their commands are executed, and the results dropped

log = structlog.get_logger(__name__)


class DroppedRounds:
    """Pairs of request and round, each until its commands can no longer arrive.

    It only saves work. A process that has just started or reconnected gets the next broadcast, and until then executes
    such commands; the aggregator drops their results.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self._until: dict[tuple[str, int], float] = {}
        self._clock = clock
        self._queue = OwnQueue("broadcasts", BROADCASTS_EXCHANGE, (DropRounds,), self.add)

    async def receive(self, broker: Broker, health: Health, stop: asyncio.Event) -> None:
        """Receive the broadcasts until `stop` is set."""
        await self._queue.receive(broker, health, stop)

    def add(self, message: DropRounds) -> None:
        now = self._clock()
        for round_ in message.rounds:
            key = (round_.request_id, round_.round)
            self._until.pop(key, None)  # so that the oldest come first
            self._until[key] = now + round_.seconds
        known = [(key, until) for key, until in self._until.items() if until > now]
        self._until = dict(known[-_MAX_ROUNDS:])

    def __contains__(self, round_: tuple[str, int]) -> bool:
        return self._until.get(round_, 0) > self._clock()

    def __len__(self) -> int:
        return len(self._until)

    def dropping(self, handle: Handler) -> Handler:
        """`handle`, but a command of one of these rounds has no effect and no answer."""

        async def handle_unless_cancelled(command: ImageMessage) -> Sequence[Outgoing]:
            if (command.request_id, command.round) in self:
                log.debug("command_of_cancelled_round_dropped", round=command.round)
                return Unproven()
            return await handle(command)

        return handle_unless_cancelled
