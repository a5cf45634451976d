"""Whose image is next: fair shares of the compressors' time, for owners and for their requests. Pure.

Start-time fair queueing (Goyal, Vin & Cheng, 1996): each request has a virtual time, which its cost advances; the least
one is next. The system's virtual time is that of the last one served. A request that begins to wait starts there: it
has no credit from the time in which it had nothing to do.

Every other turn, counted by cost, is for the request with the fewest images left, so small requests end early.

A step looks only at the requests that can be chosen in it. Most requests wait at one host: they are kept in order
there, and a host that has room for three images needs the first three.
"""

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, Protocol, TypeVar

MIN_COST = 1.0
"""Milliseconds. An image that costs nothing still takes a turn."""
MAX_LAG = 1_000.0
"""Milliseconds. A request or an owner may be so much behind the virtual time, because it waited for a host or was
charged too much: with more it could displace the others for longer. A new request may begin so much ahead of it."""
MAX_ABSENT = 10_000
"""Requests that no longer wait, of which costs may still be corrected."""


Place = TypeVar("Place", bound=Hashable)
"""Where images of a request wait, such as their host."""


@dataclass(slots=True)
class _Line:
    """Requests that wait at one place and at no other, in order."""

    by_use: list[tuple[float, str]] = field(default_factory=list)
    by_size: list[tuple[int, float, str]] = field(default_factory=list)
    """Of those whose open images are known to be few."""

    def add(self, request: "_Request[Place]") -> None:
        insort(self.by_use, (request.used, request.request_id))
        if request.remaining is not None:
            insort(self.by_size, (request.remaining, request.used, request.request_id))

    def remove(self, request: "_Request[Place]") -> None:
        """The request must not have changed since it was added."""
        del self.by_use[bisect_left(self.by_use, (request.used, request.request_id))]
        if request.remaining is not None:
            del self.by_size[bisect_left(self.by_size, (request.remaining, request.used, request.request_id))]

    def first(self, number: int, but: Container[str] = ()) -> Iterator[str]:
        """The ids of as many requests that are next by use, and by size, without those in `but`."""
        yield from islice((request_id for *_, request_id in self.by_use if request_id not in but), number)
        yield from islice((request_id for *_, request_id in self.by_size if request_id not in but), number)


@dataclass(slots=True)
class _Owner(Generic[Place]):
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
    lines: dict[Place, _Line] = field(default_factory=dict)
    by_use: "list[tuple[float, str, _Request[Place]]]" = field(default_factory=list)
    """A heap of the requests that can be chosen in this step. Entries that are no longer true are skipped."""
    by_size: "list[tuple[int, float, str, _Request[Place]]]" = field(default_factory=list)

    def offer(self, request: "_Request[Place]") -> None:
        heapq.heappush(self.by_use, (request.used, request.request_id, request))
        if request.remaining is not None:
            heapq.heappush(self.by_size, (request.remaining, request.used, request.request_id, request))

    def least_used(self, may_be_chosen: "Callable[[_Request[Place]], bool]") -> "_Request[Place] | None":
        while self.by_use:
            used, _, request = self.by_use[0]
            if used == request.used and may_be_chosen(request):
                return request
            heapq.heappop(self.by_use)
        return None

    def smallest(self, may_be_chosen: "Callable[[_Request[Place]], bool]") -> "_Request[Place] | None":
        while self.by_size:
            remaining, used, _, request = self.by_size[0]
            if (remaining, used) == (request.remaining, request.used) and may_be_chosen(request):
                return request
            heapq.heappop(self.by_size)
        return None


@dataclass(slots=True)
class _Request(Generic[Place]):
    request_id: str
    owner: _Owner[Place]
    used: float
    """Virtual time of the request among those of its owner, in milliseconds of cost."""
    place: float
    """The same without the turns for small requests."""
    remaining: int | None = None
    """Its images that are due; None for many."""
    places: AbstractSet[Place] = frozenset()
    small_turn: bool | None = None
    """Whether its turn is one for small requests; None if it has no turn, or if there was no choice."""


class _Used(Protocol):
    used: float


class FairShares(Generic[Place]):
    """Deals turns to the waiting requests. The cost of an image is the predicted time of a compressor's process."""

    def __init__(self) -> None:
        self._now = 0.0
        self._owners: dict[str, _Owner[Place]] = {}
        self._waiting: dict[str, _Request[Place]] = {}
        self._absent: dict[str, _Request[Place]] = {}
        self._places: Counter[Place] = Counter()
        self._elsewhere: dict[str, _Request[Place]] = {}
        """Waiting requests that are in no line: they wait at several places."""
        self._with_room: set[Place] = set()
        self._candidates: set[str] = set()
        self._skipped: set[str] = set()

    def set_waiting(self, owners: Mapping[str, str]) -> None:
        """The ids of all requests that have images waiting, with their owners."""
        for request_id in [each for each in self._waiting if each not in owners]:
            self._leave(request_id)
        for request_id, owner in owners.items():
            if request_id not in self._waiting:
                self._enter(request_id, owner)
        self._forget()

    def offer(self, request_id: str, remaining: int | None, places: AbstractSet[Place]) -> None:
        """Images of the request wait at these places. remaining: all of them; None for many."""
        request = self._waiting[request_id]
        if (request.remaining, request.places) != (remaining, places):
            self._take_out(request)
            self._count(request.places - places, -1)
            self._count(places - request.places, 1)
            request.remaining, request.places = remaining, places
            self._put_in(request)

    def places(self) -> AbstractSet[Place]:
        """Where images wait."""
        return self._places.keys()

    def begin_step(self, room: Mapping[Place, int]) -> None:
        """Begin a step, in which each of these places has room for so many images."""
        self._with_room, self._candidates, self._skipped = set(), set(), set()
        for owner in self._owners.values():
            owner.by_use, owner.by_size = [], []
        for place, images in room.items():
            self.open(place, images)
        for request in self._elsewhere.values():
            if not request.places.isdisjoint(self._with_room):
                self._admit(request)

    def open(self, place: Place, images: int) -> None:
        """A place has room for so many images."""
        self._with_room.add(place)
        for owner in self._owners.values():
            if line := owner.lines.get(place):
                for request_id in line.first(images):
                    self._admit(self._waiting[request_id])

    def is_open(self, place: Place) -> bool:
        return place in self._with_room

    def close(self, place: Place) -> None:
        """A place has no more room in this step."""
        self._with_room.discard(place)

    def skip(self, request_id: str) -> None:
        """Do not choose this request again in this step."""
        self._skipped.add(request_id)
        request = self._waiting[request_id]
        if len(request.places) == 1 and not request.places.isdisjoint(self._with_room):
            (place,) = request.places
            for next_id in list(request.owner.lines[place].first(1, but=self._candidates)):
                self._admit(self._waiting[next_id])

    def choose(self) -> str | None:
        """The request whose image is next; None if none of those that have images at a place with room is left."""
        for owner in sorted(self._owners.values(), key=lambda each: (each.used, each.name)):
            chosen = owner.least_used(self._may_be_chosen)
            if chosen is not None:
                smallest = owner.smallest(self._may_be_chosen)
                chosen.small_turn = None
                if smallest is not None:
                    chosen = smallest if owner.small_ahead < 0 else chosen
                    chosen.small_turn = owner.small_ahead < 0
                return chosen.request_id
        return None

    def _admit(self, request: _Request[Place]) -> None:
        if request.request_id not in self._candidates:
            self._candidates.add(request.request_id)
            request.owner.offer(request)

    def _may_be_chosen(self, request: _Request[Place]) -> bool:
        return request.request_id not in self._skipped and not request.places.isdisjoint(self._with_room)

    def charge(self, request_id: str, cost: float) -> None:
        """An image of the request was sent; it will probably cost so many milliseconds."""
        request, cost = self._waiting[request_id], max(cost, MIN_COST)
        owner = request.owner
        self._take_out(request)
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
        self._put_in(request)

    def correct(self, request_id: str, difference: float) -> None:
        """An image of the request cost so many milliseconds more than it was charged for, or fewer if negative."""
        request = self._waiting.get(request_id) or self._absent.get(request_id)
        if request is not None:
            self._take_out(request)
            request.used += difference
            request.owner.used += difference
            self._put_in(request)

    def _take_out(self, request: _Request[Place]) -> None:
        """Before a change of the request."""
        if len(request.places) == 1:
            (place,) = request.places
            line = request.owner.lines[place]
            line.remove(request)
            if not line.by_use:
                del request.owner.lines[place]
        else:
            self._elsewhere.pop(request.request_id, None)

    def _put_in(self, request: _Request[Place]) -> None:
        """After a change of the request."""
        if len(request.places) == 1:
            (place,) = request.places
            request.owner.lines.setdefault(place, _Line()).add(request)
        elif request.places:
            self._elsewhere[request.request_id] = request
        if request.request_id in self._candidates:
            request.owner.offer(request)

    def _count(self, places: AbstractSet[Place], change: int) -> None:
        for place in places:
            self._places[place] += change
            if not self._places[place]:
                del self._places[place]

    def _enter(self, request_id: str, owner_name: str) -> None:
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

    def _leave(self, request_id: str) -> None:
        request = self._absent[request_id] = self._waiting.pop(request_id)
        owner = request.owner
        self._take_out(request)
        self._count(request.places, -1)
        request.places = frozenset()
        owner.requests -= 1
        if request.place > owner.now:
            heapq.heappush(owner.places, min(request.place, owner.now + MAX_LAG))

    def _forget(self) -> None:
        """Forget the requests that have been absent longest, and owners of which no request is known."""
        if len(self._absent) <= MAX_ABSENT:
            return
        for request_id in list(self._absent)[: len(self._absent) - MAX_ABSENT]:
            del self._absent[request_id]
        known: Iterable[_Request[Place]] = (*self._waiting.values(), *self._absent.values())
        self._owners = {each.owner.name: each.owner for each in known}


def _place(owner: _Owner[Place]) -> float:
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
