"""One message as the broker delivered it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiormq.abc import DeliveredMessage

from shared.messaging.acknowledgements import Acknowledgements
from shared.messaging.faults import broker_faults

FAILURES_HEADER = "imagemill-failures"


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """Unlike aio-pika's message it can be made of any properties, also invalid ones.

    acknowledgements: those of the channel, if it has a consumer that answers all its deliveries through them.
    """

    raw: DeliveredMessage
    acknowledgements: Acknowledgements | None = None

    @property
    def body(self) -> bytes:
        return self.raw.body

    @property
    def type(self) -> str | None:
        return self.raw.header.properties.message_type

    @property
    def content_type(self) -> str | None:
        return self.raw.header.properties.content_type

    @property
    def timestamp(self) -> datetime | None:
        return self.raw.header.properties.timestamp

    @property
    def headers(self) -> Mapping[str, Any]:
        return self.raw.header.properties.headers or {}

    @property
    def returns(self) -> int:
        """How often the message returned to its queue without an answer, as the broker counts it."""
        return self._count("x-delivery-count")

    @property
    def failures(self) -> int:
        """How often a handler failed with an unexpected exception for the message."""
        return self._count(FAILURES_HEADER)

    @property
    def can_be_answered(self) -> bool:
        """False once its channel is closed: the broker delivers the message again."""
        return not self.raw.channel.is_closed

    async def acknowledge(self) -> None:
        # Without waiting until it is on the wire: if it is lost, the message is delivered again.
        if self.acknowledgements is not None:
            self.acknowledgements.acknowledge(self._tag)
            return
        with broker_faults("acknowledging a message"):
            await self.raw.channel.basic_ack(self._tag, wait=False)

    async def give_back(self) -> None:
        """Return the message to its queue. The broker counts it, unlike a nack on RabbitMQ 4.3."""
        if self.acknowledgements is not None:
            await self.acknowledgements.reject(self._tag)
            return
        with broker_faults("returning a message"):
            await self.raw.channel.basic_reject(self._tag, requeue=True, wait=False)

    @property
    def _tag(self) -> int:
        return self.raw.delivery_tag or 0

    def _count(self, header: str) -> int:
        value = self.headers.get(header)
        return value if isinstance(value, int) and value > 0 else 0
