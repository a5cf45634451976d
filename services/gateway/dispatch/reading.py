"""Reads images that are due into memory: in the catalogue's order, and beyond the hosts that have no room.

Each read costs a bounded number of keys and hosts, however many images wait at hosts without room.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.gateway.dispatch.room import Room
from services.gateway.dispatch.waiting import WaitingImages
from shared.contracts.records import Image
from shared.persistence import MAX_HOSTS, ImageRepository

READ_AHEAD = 128
"""Images of one request."""
MAX_READS = 100
"""Queries in one step."""
HOSTS_LEFT_OUT = 200
"""Of those that are full for all requests, in one query: there may be ten thousand."""

_MAX_READS_OF_REQUEST = 10  # in one step


@dataclass(frozen=True, slots=True)
class _Found:
    """is_all: whether a query saw all due images. passed: the host after which the next read by host goes on."""

    images: Sequence[Image]
    is_all: bool
    passed: str | None = None


class Reading:
    """left: how many more queries this step may make."""

    def __init__(self, images: ImageRepository, room: Room, waiting: WaitingImages) -> None:
        self.left = 0
        self._images = images
        self._room = room
        self._waiting = waiting
        self._full: Sequence[str] | None = None

    def begin_step(self) -> None:
        self.left = MAX_READS
        self._full = None

    async def read(self, request_id: str, now: float) -> None:
        """Read images of a request that waits nowhere with room."""
        if not (may_try := self._room.may_try_hosts(request_id)):
            found = await self._at_prompt_hosts(request_id)
            is_all = found.is_all
        elif full := {host for host in self._waiting.hosts(request_id) if not self._room.at_host(host, now)}:
            found = await self._elsewhere(request_id, full, now)
            is_all = found.is_all and self._waiting.remaining(request_id) is not None
        else:
            images = await self._in_order(request_id)
            found = _Found(images, is_all=len(images) < READ_AHEAD, passed=self._waiting.passed(request_id))
            is_all = found.is_all and self._room.alone() > 0
        new = [image for image in found.images if not self._room.in_flight.has(image)]  # sent, and not marked yet
        self._waiting.read(request_id, new, is_all=is_all, passed=found.passed, scans=may_try, now=now)

    async def _in_order(self, request_id: str, without_hosts: Collection[str] = ()) -> Sequence[Image]:
        self.left -= 1
        return await self._images.due(
            request_id, READ_AHEAD, without_hosts=without_hosts, without_losses=not self._room.alone()
        )

    async def _elsewhere(self, request_id: str, full: set[str], now: float) -> _Found:
        """Images of a request at hosts with room.

        What is found by host is cheap, but in the order of the hosts. If it may not be all, the first images are read
        in the catalogue's order too.
        """
        passed = self._waiting.passed(request_id)
        for _ in range(min(self.left, _MAX_READS_OF_REQUEST)):
            self.left -= 1
            without = full | self._full_after(passed, now)
            by_host = await self._images.due_by_host(
                request_id,
                READ_AHEAD,
                without_hosts=without,
                after_host=passed,
                without_losses=not self._room.alone(),
            )
            found = [image for image in by_host if self._room.at_host(image.host, now)]
            if len(by_host) < READ_AHEAD:
                is_all = passed is None and len(found) == len(by_host)
                return _Found(found, is_all, passed if found else None)
            if found:
                in_order = await self._in_order(request_id, without) if self.left else []
                can_start = any(self._room.at_host(image.host, now) for image in in_order)
                images = in_order if can_start and len(in_order) == READ_AHEAD else [*in_order, *found]
                return _Found(images, is_all=False, passed=passed)
            passed = by_host[-1].host
        return _Found([], is_all=False, passed=passed)

    async def _at_prompt_hosts(self, request_id: str) -> _Found:
        """Images of a request that may try no further hosts: at prompt hosts at which none of its images wait now."""
        if self._waiting.remaining(request_id) is not None:
            return _Found([], is_all=True)
        waits_at = self._waiting.hosts(request_id)
        hosts = sorted(
            host for host in self._waiting.seen(request_id) if host not in waits_at and self._room.is_prompt(host)
        )
        some = _after(hosts, self._waiting.passed(request_id), MAX_HOSTS) or hosts[:MAX_HOSTS]
        if not some:
            return _Found([], is_all=False)
        self.left -= 1
        images = await self._images.due_at_hosts(
            request_id, READ_AHEAD, hosts=some, without_losses=not self._room.alone()
        )
        return _Found(images, is_all=False, passed=some[-1])

    def _full_after(self, host: str | None, now: float) -> set[str]:
        """The first hosts without room that come after this one."""
        if self._full is None:
            self._full = sorted(self._room.full_hosts(now))
        return set(_after(self._full, host, HOSTS_LEFT_OUT))


def _after(hosts: Sequence[str], host: str | None, limit: int) -> Sequence[str]:
    """The first sorted hosts that come after this one; from the first without one."""
    start = 0 if host is None else bisect_right(hosts, host)
    return hosts[start : start + limit]
