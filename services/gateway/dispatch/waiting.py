"""Images that are due, read from the database ahead of their turn: they wait for room at their host. Pure."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from shared.contracts.records import Image

KEPT_SECONDS = 5.0
"""After this time an image is read again, because its record may have changed."""

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 2.0

Queue = tuple[str, bool]
"""A host, and whether its images are processed alone."""


@dataclass(slots=True)
class _Request:
    queues: dict[Queue, deque[Image]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    is_all: bool = False
    read_at: float = float("-inf")
    pause: float = _FIRST_PAUSE
    read_again_at: float = float("-inf")


class WaitingImages:
    """By request, and there in one queue for each host, in the catalogue's order. The caller supplies the time."""

    def __init__(self) -> None:
        self._requests: dict[str, _Request] = {}

    def keep(self, request_ids: Collection[str], now: float) -> None:
        """Forget all other requests, and what was read too long ago."""
        kept = set(request_ids)
        self._requests = {
            request_id: request
            for request_id, request in self._requests.items()
            if request_id in kept and (now - request.read_at <= KEPT_SECONDS or not request.ids)
        }

    def added(self, request_id: str) -> None:
        """The database has more images of a request: read again when none of those that wait can start."""
        if request := self._requests.get(request_id):
            request.is_all = False
            request.pause, request.read_again_at = _FIRST_PAUSE, float("-inf")

    def unread(self, request_ids: Sequence[str]) -> list[str]:
        """The requests of which nothing was read yet."""
        return [each for each in request_ids if each not in self._requests]

    def hosts(self) -> set[str]:
        """The hosts for which an image waits."""
        return {host for request in self._requests.values() for host, _ in request.queues}

    def remaining(self, request_id: str) -> int | None:
        """Images of the request that are due; None if there may be more than have been read."""
        request = self._requests.get(request_id)
        return len(request.ids) if request is not None and request.is_all else None

    def may_read(self, request_id: str, now: float) -> bool:
        """Whether a query for more images is worth while: not while all are known, and rarely while none is found."""
        request = self._requests.get(request_id)
        return request is None or (not (request.is_all and request.ids) and now >= request.read_again_at)

    def read(self, request_id: str, images: Iterable[Image], *, is_all: bool, now: float) -> int:
        """Add what a query returned. is_all: whether the request has no other due image. Returns how many are new."""
        request = self._requests.setdefault(request_id, _Request())
        if not request.ids:
            request.read_at = now
        new = [image for image in images if image.image_id not in request.ids]
        for image in new:
            request.queues.setdefault(_queue_of(image), deque()).append(image)
            request.ids.add(image.image_id)
        request.is_all = is_all
        request.pause = _FIRST_PAUSE if new else min(2 * request.pause, _LONGEST_PAUSE)
        request.read_again_at = float("-inf") if new else now + request.pause
        return len(new)

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
        if not request.ids and request.is_all:
            request.read_again_at = request.read_at + _FIRST_PAUSE
        return image


def _queue_of(image: Image) -> Queue:
    return image.host, image.losses > 0
