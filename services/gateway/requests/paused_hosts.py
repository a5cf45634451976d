"""The paused hosts that delay a request."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.gateway.web import PausedHost
from shared.persistence import COUNT_EVERY, Database

_COUNT_SHARE = 10  # counting takes at most a tenth of the time
_MAX_COUNTS = 1_000


@dataclass(frozen=True, slots=True)
class _Count:
    images: Mapping[str, int]
    until: float


class PausedHosts:
    """Counts the images that wait for paused hosts, of each request at most once per COUNT_EVERY, however often it is
    asked; rarer if counting takes long."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._counts: dict[str, _Count] = {}

    async def of_request(self, request_id: str, now: datetime) -> list[PausedHost]:
        """Hosts whose circuit is not closed and that have pending images of the request, the most images first.

        One query while all circuits are closed.
        """
        circuits = {circuit.host: circuit for circuit in await self._database.hosts.not_closed()}
        if not circuits:
            return []
        pending = await self._pending(request_id, list(circuits))
        return [
            PausedHost(
                host=name,
                images=images,
                until=until if (until := circuits[name].paused_until) and until > now else None,
                error_code=circuits[name].error_code,
            )
            for name, images in sorted(pending.items(), key=lambda item: (-item[1], item[0]))
            if name in circuits
        ]

    async def _pending(self, request_id: str, hosts: Collection[str]) -> Mapping[str, int]:
        started = self._monotonic()
        known = self._counts.get(request_id)
        if known is not None and started < known.until:
            return known.images
        images = await self._database.images.count_pending_at_hosts(request_id, hosts)
        ended = self._monotonic()
        until = ended + max(COUNT_EVERY.total_seconds(), _COUNT_SHARE * (ended - started))
        if len(self._counts) >= _MAX_COUNTS:
            self._counts = {id_: count for id_, count in self._counts.items() if ended < count.until}
        self._counts[request_id] = _Count(images, until)
        return images
