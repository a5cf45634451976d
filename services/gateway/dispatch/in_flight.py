"""What the dispatcher believes to be in flight: with a downloader, with a compressor, or on the way. Pure.

The database has the truth, and `reconcile` takes it over; reports only make it known at once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeVar

from shared.contracts.records import Image

Key = TypeVar("Key")

ImageKey = tuple[str, str]
"""The ids of a request and of its image."""

Run = tuple[int, int]
"""A round, and the number of the dispatch in it: each round counts from one again."""


class Stage(Enum):
    DOWNLOADING = auto()  # from the dispatch until the host is no longer asked
    COMPRESSING = auto()  # waits for a worker process, or occupies one
    SLOW = auto()  # in a compressor's slow lane
    ANSWERED = auto()  # only its result is still to be recorded


@dataclass(frozen=True, slots=True)
class Flight:
    """A run of an image. Times are seconds of any clock.

    cost: what its request was charged for it. taken_over: it was found in the database, so its stage is not known.
    """

    request_id: str
    image_id: str
    run: Run
    host: str
    alone: bool
    sent_at: float
    cost: float = 0
    downloaded_at: float | None = None
    """When the end of its download was known."""
    stage: Stage = Stage.DOWNLOADING
    taken_over: bool = False

    @property
    def key(self) -> ImageKey:
        return self.request_id, self.image_id


_BY_REPORT = {Stage.COMPRESSING: {Stage.DOWNLOADING}, Stage.SLOW: {Stage.DOWNLOADING, Stage.COMPRESSING}}
"""The stages that a report of this stage may end; one that arrives late changes nothing."""


class InFlight:
    """The flights of all images, with the counts that the dispatcher needs."""

    def __init__(self) -> None:
        self._flights: dict[ImageKey, Flight] = {}
        self._ended: dict[ImageKey, Run] = {}
        """Since the last reconciliation."""
        self._hosts: Counter[str] = Counter()
        self._downloading_at: Counter[str] = Counter()
        self._stages: Counter[Stage] = Counter()
        self._of_requests: dict[str, Counter[Stage]] = {}
        self._alone = 0

    def __len__(self) -> int:
        return len(self._flights)

    def __iter__(self) -> Iterator[Flight]:
        return iter(self._flights.values())

    @property
    def alone(self) -> int:
        """Images that are processed alone."""
        return self._alone

    def in_stage(self, stage: Stage) -> int:
        return self._stages[stage]

    def by_request(self) -> Mapping[str, Mapping[Stage, int]]:
        return self._of_requests

    def downloading_at(self, host: str) -> int:
        """Slots of the host that are occupied."""
        return self._downloading_at[host]

    def at(self, host: str) -> int:
        """Images of the host in any stage."""
        return self._hosts[host]

    def hosts(self) -> Iterable[str]:
        return self._hosts

    def add(self, flight: Flight) -> None:
        """A further run of the same image replaces its last one."""
        self._pop(flight.key)
        self._flights[flight.key] = flight
        self._count(flight, 1)

    def remove(self, key: ImageKey) -> Flight | None:
        """The run has ended."""
        flight = self._pop(key)
        if flight is not None:
            self._ended[key] = flight.run
        return flight

    def _pop(self, key: ImageKey) -> Flight | None:
        flight = self._flights.pop(key, None)
        if flight is not None:
            self._count(flight, -1)
        return flight

    def get(self, key: ImageKey, run: Run) -> Flight | None:
        """The flight of this run."""
        flight = self._flights.get(key)
        return flight if flight is not None and flight.run == run else None

    def has(self, image: Image) -> bool:
        """Whether the next run of this image is in flight already."""
        return self.get((image.request_id, image.image_id), (image.round, image.dispatch + 1)) is not None

    def enter(self, stage: Stage, key: ImageKey, run: Run, now: float) -> Flight | None:
        """A run has reached a stage now. Returns the flight as it was; None if this is not news."""
        flight = self.get(key, run)
        if flight is None or flight.stage not in _BY_REPORT.get(stage, set(Stage) - {stage}):
            return None
        downloaded_at = now if flight.downloaded_at is None else flight.downloaded_at
        self.add(replace(flight, stage=stage, downloaded_at=downloaded_at))
        return flight

    def reconcile(self, dispatched: Iterable[Flight]) -> list[Flight]:
        """Take over what the database has as dispatched. Returns the flights that it does not have: they have ended.

        A run that ended since the last time is not taken over: its end may have been reported after the database was
        read. If the report was wrong, the next reconciliation corrects it.
        """
        known = {flight.key: flight for flight in dispatched}
        ended = [each for each in self if each.key not in known]
        for flight in ended:
            self._pop(flight.key)
        for key, flight in known.items():
            current = self._flights.get(key)
            if flight.run != self._ended.get(key) and (current is None or current.run < flight.run):
                self.add(flight)
        self._ended = {}
        return ended

    def _count(self, flight: Flight, change: int) -> None:
        _add(self._hosts, flight.host, change)
        if flight.stage is Stage.DOWNLOADING:
            _add(self._downloading_at, flight.host, change)
        self._stages[flight.stage] += change
        self._alone += change * flight.alone
        of_request = self._of_requests.setdefault(flight.request_id, Counter())
        _add(of_request, flight.stage, change)
        if not of_request:
            del self._of_requests[flight.request_id]


def _add(counter: Counter[Key], key: Key, change: int) -> None:
    counter[key] += change
    if not counter[key]:
        del counter[key]
