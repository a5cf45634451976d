"""Whose image is next: fair shares of the compressors' time, for owners and for their requests. Pure.

Start-time fair queueing (Goyal, Vin & Cheng, 1996): each request has a virtual time, which its cost advances; the least
one is next. The system's virtual time is that of the last one served. A request that begins to wait starts there: it
has no credit from the time in which it had nothing to do.

Every other turn, counted by cost, is for the request with the fewest images left, so small requests end early.
"""

import heapq
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

MIN_COST = 1.0
"""Milliseconds. An image that costs nothing still takes a turn."""
MAX_LAG = 1_000.0
"""Milliseconds. A request or an owner may be so much behind the virtual time, because it waited for a host or was
charged too much: with more it could displace the others for longer. A new request may begin so much ahead of it."""
MAX_ABSENT = 10_000
"""Requests that no longer wait, of which costs may still be corrected."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request with images that wait."""

    owner: str
    remaining: int | None
    """Its open images; None for many."""


@dataclass(slots=True)
class _Owner:
    name: str
    used: float
    """Virtual time of the owner, in milliseconds of cost."""
    now: float = 0
    """Virtual time of the system of its requests."""
    small_ahead: float = 0
    """The cost of turns for small requests since as much was spent on fair turns."""
    requests: int = 0
    """Its waiting requests."""
    places: list[float] = field(default_factory=list)
    """A heap of the virtual times of requests that have left ahead of `now`; new requests take their places. Otherwise
    a stream of short requests, each of which begins at `now`, would take all turns."""
    by_use: "list[tuple[float, str, _Request]]" = field(default_factory=list)
    """A heap of its waiting requests for fair turns. Entries that are no longer true are skipped."""
    by_size: "list[tuple[int, float, str, _Request]]" = field(default_factory=list)
    """The same for turns of small requests."""

    def offer(self, request: "_Request") -> None:
        heapq.heappush(self.by_use, (request.used, request.request_id, request))
        if request.remaining is not None:
            heapq.heappush(self.by_size, (request.remaining, request.used, request.request_id, request))

    def least_used(self, among: Container[str]) -> "_Request | None":
        while self.by_use:
            used, request_id, request = self.by_use[0]
            if used == request.used and request_id in among:
                return request
            heapq.heappop(self.by_use)
        return None

    def smallest(self, among: Container[str]) -> "_Request | None":
        while self.by_size:
            remaining, used, request_id, request = self.by_size[0]
            if (remaining, used) == (request.remaining, request.used) and request_id in among:
                return request
            heapq.heappop(self.by_size)
        return None


@dataclass(slots=True)
class _Request:
    request_id: str
    owner: _Owner
    used: float
    """Virtual time of the request among those of its owner, in milliseconds of cost."""
    place: float
    """The same without the turns for small requests."""
    remaining: int | None = None
    small_turn: bool | None = None
    """Whether its turn is one for small requests; None if it has no turn, or if there was no choice."""


class _Used(Protocol):
    used: float


class FairShares:
    """Deals turns to the waiting requests. The cost of an image is the predicted time of a compressor's process."""

    def __init__(self) -> None:
        self._now = 0.0
        self._owners: dict[str, _Owner] = {}
        self._waiting: dict[str, _Request] = {}
        self._absent: dict[str, _Request] = {}

    def set_waiting(self, waiting: Mapping[str, Waiting]) -> None:
        """All requests that have images waiting, by id. Begins a step."""
        for request_id in [each for each in self._waiting if each not in waiting]:
            self._leave(request_id)
        for owner in self._owners.values():
            owner.by_use, owner.by_size = [], []
        for request_id, each in waiting.items():
            request = self._waiting.get(request_id) or self._enter(request_id, each.owner)
            request.remaining = each.remaining
            request.owner.offer(request)
        self._forget()

    def choose(self, among: Container[str]) -> str:
        """The request of `among` whose image is next. All of them wait, and there is at least one.

        Within a step, `among` only gets smaller: a request that is not in it is not looked at again.
        """
        fair = (
            owner.least_used(among) for owner in sorted(self._owners.values(), key=lambda each: (each.used, each.name))
        )
        chosen = next(request for request in fair if request is not None)
        owner = chosen.owner
        smallest = owner.smallest(among)
        chosen.small_turn = None
        if smallest is not None:
            chosen = smallest if owner.small_ahead < 0 else chosen
            chosen.small_turn = owner.small_ahead < 0
        return chosen.request_id

    def charge(self, request_id: str, cost: float) -> None:
        """An image of the request was sent; it will probably cost so many milliseconds."""
        request, cost = self._waiting[request_id], max(cost, MIN_COST)
        owner = request.owner
        self._now = max(self._now, _serve(owner, self._now, cost))
        start = _serve(request, owner.now, cost)
        if not request.small_turn:
            owner.now = max(owner.now, start)
            request.place = start + cost
        if request.small_turn is not None:
            # Alternate by cost, not by number: expensive images of small requests must not take more than half.
            owner.small_ahead = owner.small_ahead + cost if request.small_turn else max(0, owner.small_ahead) - cost
            request.small_turn = None
        if request.remaining:
            request.remaining -= 1
        owner.offer(request)

    def correct(self, request_id: str, difference: float) -> None:
        """An image of the request cost so many milliseconds more than it was charged for, or fewer if negative."""
        request = self._waiting.get(request_id) or self._absent.get(request_id)
        if request is not None:
            request.used += difference
            request.owner.used += difference
            if request_id in self._waiting:
                request.owner.offer(request)

    def _enter(self, request_id: str, owner_name: str) -> _Request:
        owner = self._owners.get(owner_name)
        if owner is None:
            owner = self._owners[owner_name] = _Owner(owner_name, self._now)
        if not owner.requests:
            owner.used = max(owner.used, self._now)
        owner.requests += 1
        request = self._absent.pop(request_id, None)
        if request is None:
            place = _place(owner)
            request = _Request(request_id, owner, used=place, place=place)
        request.used = max(request.used, owner.now)
        self._waiting[request_id] = request
        return request

    def _leave(self, request_id: str) -> None:
        request = self._absent[request_id] = self._waiting.pop(request_id)
        owner = request.owner
        owner.requests -= 1
        if request.place > owner.now:
            heapq.heappush(owner.places, min(request.place, owner.now + MAX_LAG))

    def _forget(self) -> None:
        """Forget the requests that have been absent longest, and owners of which no request is known."""
        if len(self._absent) <= MAX_ABSENT:
            return
        for request_id in list(self._absent)[: len(self._absent) - MAX_ABSENT]:
            del self._absent[request_id]
        known: Iterable[_Request] = (*self._waiting.values(), *self._absent.values())
        self._owners = {each.owner.name: each.owner for each in known}


def _place(owner: _Owner) -> float:
    """The virtual time of a new request."""
    while owner.places:
        place = heapq.heappop(owner.places)
        if place > owner.now:
            return place
    return owner.now


def _serve(each: _Used, now: float, cost: float) -> float:
    """Advance the virtual time of one that is served. Returns the time at which its turn began."""
    start = max(each.used, now - MAX_LAG)
    each.used = start + cost
    return start
