"""Images that are due, read from the database ahead of their turn: they wait for room at their host. Pure."""

import heapq
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from shared.contracts.records import Image

KEPT_SECONDS = 5.0
"""After this time an image is read again, because its record may have changed."""
READ_AGAIN_PER_SECOND = 100
"""Requests: of more than 500 the images are kept for longer. A change that is missed costs a download and nothing else:
results of an image that has ended change nothing."""
LONGEST_PAUSE = 2.0
"""Seconds until a query that found nothing is repeated. While others of its request wait, an image that becomes due, or
that another gateway adds, is found so late; if more than 200 requests wait, later, so that the rate stays the same."""

MAX_SEEN = 1_000
"""Hosts of a request that are remembered."""

_FIRST_PAUSE = 0.25

Queue = tuple[str, bool]
"""A host, and whether its images are processed alone."""

UNREAD: Queue = ("", False)
"""No queue, but the place of a request of which more images may be read."""


@dataclass(slots=True)
class _Request:
    queues: dict[Queue, deque[Image]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    is_all: bool = False
    is_unread: bool = True
    read_at: float = float("-inf")
    pause: float = _FIRST_PAUSE
    read_again_at: float = float("-inf")
    passed: str | None = None
    """Reads by host go on after this one: those before had no room."""
    seen: dict[str, None] = field(default_factory=dict)
    """Hosts of its images that were read last, `MAX_SEEN` at most."""


class WaitingImages:
    """By request, and there in one queue for each host, in the catalogue's order. The caller supplies the time."""

    def __init__(self) -> None:
        self._requests: dict[str, _Request] = {}
        self._unread: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._longest_pause = LONGEST_PAUSE
        self._kept_at = float("-inf")
        self._readable_at: list[tuple[float, str]] = []
        """A heap: when a request's places change because time has passed."""

    def keep(self, request_ids: Collection[str], now: float) -> None:
        """Forget all other requests, and the images that were read too long ago."""
        kept = set(request_ids)
        seconds = max(KEPT_SECONDS, len(kept) / READ_AGAIN_PER_SECOND)
        self._longest_pause = max(LONGEST_PAUSE, len(kept) / READ_AGAIN_PER_SECOND)
        self._requests = {each: request for each, request in self._requests.items() if each in kept}
        self._read_again_oldest(now - seconds, min(len(kept), (now - self._kept_at) * READ_AGAIN_PER_SECOND))
        self._kept_at = now
        new = [each for each in request_ids if each not in self._requests]  # first: they may be small
        self._unread = dict.fromkeys([*new, *(each for each in request_ids if self._is_unread(each))])
        self._changed = {each: None for each in (*self._changed, *self._unread) if each in kept}

    def added(self, request_id: str) -> None:
        """The database has more images of a request: read again when none of those that wait can start."""
        if request := self._requests.get(request_id):
            request.is_all = False
            request.pause, request.read_again_at = _FIRST_PAUSE, float("-inf")
            self._changed[request_id] = None

    def next_unread(self) -> str | None:
        """A request of which nothing was read yet."""
        return next(iter(self._unread), None)

    def changed(self, now: float) -> list[str]:
        """The requests whose places or remaining images may have changed since the last call."""
        while self._readable_at and self._readable_at[0][0] <= now:
            _, request_id = heapq.heappop(self._readable_at)
            if request_id in self._requests:
                self._changed[request_id] = None
        changed, self._changed = self._changed, {}
        return list(changed)

    def places(self, request_id: str, now: float) -> set[Queue]:
        """The queues in which its images wait, and `UNREAD`."""
        request = self._requests.get(request_id)
        places = set(request.queues) if request else set()
        return places | {UNREAD} if self.may_read(request_id, now) else places

    def remaining(self, request_id: str) -> int | None:
        """Images of the request that are due; None if there may be more than have been read."""
        request = self._requests.get(request_id)
        return len(request.ids) if request is not None and request.is_all else None

    def may_read(self, request_id: str, now: float) -> bool:
        """Whether a query for more images is worth while: rarely while all are known, or none is found."""
        request = self._requests.get(request_id)
        return request is None or request.is_unread or now >= request.read_again_at

    def _is_unread(self, request_id: str) -> bool:
        request = self._requests.get(request_id)
        return request is None or request.is_unread

    def _read_again_oldest(self, before: float, most: float) -> None:
        """Forget the images of so many requests that were read before: all at once would delay new requests."""
        old = [each for each, request in self._requests.items() if request.ids and request.read_at < before]
        for request_id in sorted(old, key=lambda each: self._requests[each].read_at)[: max(1, int(most))]:
            # The pause goes on: reading again is no reason to look at other hosts more often.
            request = self._requests[request_id]
            self._requests[request_id] = _Request(
                pause=request.pause, read_again_at=request.read_again_at, passed=request.passed, seen=request.seen
            )

    def hosts(self, request_id: str) -> set[str]:
        """Where its images wait."""
        request = self._requests.get(request_id)
        return {host for host, _ in request.queues} if request else set()

    def passed(self, request_id: str) -> str | None:
        """The host after which reads by host go on; None from the first."""
        request = self._requests.get(request_id)
        return request.passed if request else None

    def seen(self, request_id: str) -> Iterable[str]:
        """Hosts at which images of the request wait or have waited."""
        request = self._requests.get(request_id)
        return request.seen if request else ()

    def read(
        self,
        request_id: str,
        images: Iterable[Image],
        *,
        is_all: bool,
        now: float,
        passed: str | None = None,
        scans: bool = True,
    ) -> None:
        """Add what a query returned.

        is_all: whether the request has no other due image. passed: see the method of this name; if the query `scans`
        the hosts, there may be more after it.
        """
        request = self._requests.setdefault(request_id, _Request())
        was_unread, request.is_unread = request.is_unread, False
        self._unread.pop(request_id, None)
        if not request.ids:
            request.read_at = now
        new = [image for image in images if image.image_id not in request.ids]
        for image in new:
            request.queues.setdefault(_queue_of(image), deque()).append(image)
            request.ids.add(image.image_id)
            _see(request.seen, image.host)
        request.is_all = is_all
        goes_on = bool(new) or (scans and passed is not None and passed != request.passed)
        request.passed = passed
        longest = self._longest_pause if request.ids else LONGEST_PAUSE
        if request.ids and is_all:
            request.pause = longest
            self._read_again(request_id, now + request.pause)
        elif not goes_on:
            request.pause = min(2 * request.pause, longest)
            self._read_again(request_id, now + request.pause)
        elif was_unread:
            self._read_again(request_id, request.read_again_at)
        else:
            request.pause = _FIRST_PAUSE
            self._read_again(request_id, float("-inf"))

    def take_first(self, request_id: str, has_room: Callable[[Queue], bool]) -> Image | None:
        """Take the first image in the catalogue's order whose queue has room."""
        request = self._requests.get(request_id)
        if request is None:
            return None
        first = min(
            (queue for queue in request.queues if has_room(queue)),
            key=lambda queue: request.queues[queue][0].position,
            default=None,
        )
        if first is None:
            return None
        images = request.queues[first]
        image = images.popleft()
        if not images:
            del request.queues[first]
        request.ids.discard(image.image_id)
        self._changed[request_id] = None
        if not request.ids and request.is_all:
            self._read_again(request_id, request.read_at + _FIRST_PAUSE)
        elif not images and not request.is_all:  # the database may have more of its host
            request.pause = _FIRST_PAUSE
            self._read_again(request_id, float("-inf"))
        return image

    def put_back(self, image: Image) -> None:
        """An image that was taken could not be sent: it is the first of its queue again."""
        request = self._requests.get(image.request_id)
        if request is not None and image.image_id not in request.ids:
            request.queues.setdefault(_queue_of(image), deque()).appendleft(image)
            request.ids.add(image.image_id)
            self._changed[image.request_id] = None

    def _read_again(self, request_id: str, at: float) -> None:
        self._requests[request_id].read_again_at = at
        self._changed[request_id] = None
        if at > float("-inf"):
            heapq.heappush(self._readable_at, (at, request_id))


def _see(seen: dict[str, None], host: str) -> None:
    seen.pop(host, None)
    seen[host] = None
    if len(seen) > MAX_SEEN:
        del seen[next(iter(seen))]


def _queue_of(image: Image) -> Queue:
    return image.host, image.losses > 0
