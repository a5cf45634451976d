"""Acknowledges together what is finished in the same turn of the event loop: an acknowledgement costs the broker almost
as much as a delivery, and one frame can acknowledge many messages.
"""

import asyncio
from contextlib import suppress

from aiormq.abc import AbstractChannel

from shared.errors import BrokerUnavailable
from shared.messaging.faults import broker_faults
from shared.messaging.finished_tags import FinishedTags


class Acknowledgements:
    """Those of one channel. If they are lost with the channel, the broker delivers the messages again."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._tags = FinishedTags()
        self._sending: asyncio.Task[None] | None = None

    def acknowledge(self, tag: int) -> None:
        """Acknowledge a delivery in the next turn of the event loop. Raises BrokerUnavailable on a closed channel."""
        if self._channel.is_closed:
            raise BrokerUnavailable("the channel was closed before an acknowledgement")
        self._tags.add(tag)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def reject(self, tag: int) -> None:
        """Return a delivery to its queue. Raises BrokerUnavailable on a closed channel."""
        with broker_faults("returning a message"):
            await self._channel.basic_reject(tag, requeue=True, wait=False)
        self._tags.skip(tag)

    async def flush(self) -> None:
        """Wait until every acknowledgement is on its way: closing the channel overtakes those that are not."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def _send(self) -> None:
        try:
            with suppress(BrokerUnavailable), broker_faults("acknowledging messages"):
                while self._tags.are_waiting:
                    await self._send_once()
        finally:
            self._sending = None

    async def _send_once(self) -> None:
        up_to, others = self._tags.take()
        if up_to is not None:
            await self._channel.basic_ack(up_to, multiple=True, wait=False)
        for tag in others:
            await self._channel.basic_ack(tag, wait=False)
