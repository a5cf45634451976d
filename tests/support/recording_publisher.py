"""A publisher that collects messages, for unit tests of the gateway's background work."""

from collections.abc import Callable, Sequence

from shared.contracts.messages import DownloadImage
from shared.errors import BrokerUnavailable
from shared.messaging import Outgoing


class RecordingPublisher:
    """Collects published messages. `broken` makes publishing fail after the messages have left, like a lost confirm."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.broken = False
        self.on_publish: Callable[[], None] | None = None

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        self.sent += outgoing
        if self.on_publish:
            self.on_publish()
        if self.broken:
            raise BrokerUnavailable("no confirm")

    def downloads(self) -> list[DownloadImage]:
        return [item for item in self.sent if isinstance(item, DownloadImage)]
