"""A model of dispatcher, hosts and compressors in simulated time, with the real rules of the dispatcher.

Reports take `REPORT_SECONDS`. A picture that runs longer than `SLOW_SECONDS` while others wait goes to the slow lane,
or waits for it and starts again there.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from services.compressor.lanes import SLOW_SECONDS
from services.gateway.dispatch.decoder_room import LATE_SECONDS, DecoderRoom, StageCounts
from services.gateway.dispatch.fair_shares import FairShares
from services.gateway.dispatch.host_limits import HostLimits
from services.gateway.dispatch.host_rules import HostRules

REPORT_SECONDS = 0.05
SLOTS = 2
FEW = 10


@dataclass(frozen=True)
class Job:
    """A request of images from one host of its own: milliseconds of a worker process each."""

    name: str
    decoder_ms: Sequence[int]
    arrives: float = 0
    download_seconds: float = 0.05


@dataclass
class Outcome:
    ended: dict[str, float] = field(default_factory=dict)
    """When each request's last image was compressed."""
    waits: dict[str, list[float]] = field(default_factory=dict)
    """Seconds that each image waited in front of the compressors."""
    busy: list[tuple[float, float]] = field(default_factory=list)
    """When the usual processes worked."""
    most_in_flight: Counter[str] = field(default_factory=Counter)
    most_slow: int = 0
    """Images of all requests in the slow lane or waiting for it."""

    def busy_share(self, since: float, until: float) -> float:
        """The part of the usual processes' time in which they worked."""
        worked = sum(max(0.0, min(end, until) - max(begin, since)) for begin, end in self.busy)
        return worked / (SLOTS * (until - since))


class Pipeline:
    def __init__(self, jobs: Sequence[Job], host_max: int = 64) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.outcome = Outcome(waits={job.name: [] for job in jobs})
        self._left = {job.name: deque(job.decoder_ms) for job in jobs}
        self._missing = {job.name: len(job.decoder_ms) for job in jobs}
        self._stages: dict[str, Counter[str]] = {job.name: Counter() for job in jobs}  # as reported
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._now = 0.0
        self._queue: deque[tuple[Job, int, float]] = deque()
        self._slow_queue: deque[tuple[Job, int]] = deque()
        self._free, self._free_slow = SLOTS, SLOTS
        self._shares, self._room = FairShares[str](), DecoderRoom()
        rules = HostRules(8, host_max, 0)
        self._hosts = HostLimits(lambda _: rules)
        self._download_seconds = 0.5

    def run(self) -> Outcome:
        for job in self.jobs.values():
            self._at(job.arrives, self._step)
        while self._events:
            self._now, _, event = heapq.heappop(self._events)
            event()
        return self.outcome

    def _at(self, time: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), event))

    def _step(self) -> None:
        waiting = {name: job for name, job in self.jobs.items() if self._left[name] and job.arrives <= self._now}
        numbers = {name: len(self._left[name]) for name in waiting}
        self._shares.set_waiting(dict.fromkeys(numbers, "all"))
        for each, number in numbers.items():
            self._shares.offer(each, number if number <= FEW else None, {each})
        counts = {
            name: StageCounts(stages["downloading"] - stages["late"], stages["compressing"], stages["slow"])
            for name, stages in self._stages.items()
            if stages.total()
        }
        room = self._room.open(counts, SLOTS, self._download_seconds)
        self._shares.begin_step(numbers)  # each request waits at a place of its own
        while (name := self._shares.choose()) is not None:
            has_room = self._hosts.room(name, self._stages[name]["downloading"], self._now) > 0
            if not (has_room and room.has_room(name)):
                self._shares.skip(name)
                continue
            self._shares.charge(name, self._room.predicted_ms(name))
            room.sent(name)
            self._send(self.jobs[name])
            if not self._left[name]:
                self._shares.skip(name)

    def _send(self, job: Job) -> None:
        decoder_ms, sent_at = self._left[job.name].popleft(), self._now
        self._hosts.sent(job.name, self._now)
        stages = self._stages[job.name]
        stages["downloading"] += 1

        def late() -> None:
            stages["late"] += 1
            self._step()

        counted = stages.total() - 2 * stages["late"]
        self.outcome.most_in_flight[job.name] = max(self.outcome.most_in_flight[job.name], counted)
        is_late = job.download_seconds > LATE_SECONDS
        if is_late:
            self._at(sent_at + LATE_SECONDS, late)

        def downloaded() -> None:
            self._queue.append((job, decoder_ms, self._now))
            self._start_next()
            self._at(self._now + REPORT_SECONDS, reported)

        def reported() -> None:
            in_flight = stages["downloading"]
            stages["late"] -= is_late
            self._move(job, "downloading", "compressing")
            self._hosts.ended(
                job.name, sent_at=sent_at, in_flight=in_flight, first_byte_ms=50, refused=False, now=self._now
            )
            self._download_seconds += 0.1 * (self._now - sent_at - self._download_seconds)
            self._step()

        self._at(self._now + job.download_seconds, downloaded)

    def _move(self, job: Job, before: str, after: str | None) -> None:
        stages = self._stages[job.name]
        stages[before] -= 1
        if after:
            stages[after] += 1

    def _start_next(self) -> None:
        while self._free and self._queue:
            job, decoder_ms, since = self._queue.popleft()
            self.outcome.waits[job.name].append(self._now - since)
            self._free -= 1
            self._run(job, decoder_ms)

    def _run(self, job: Job, decoder_ms: int) -> None:
        began = self._now

        def ended() -> None:
            self.outcome.busy.append((began, self._now))
            self._free += 1
            self._answer(job, decoder_ms, "compressing")
            self._start_next()

        def too_long() -> None:
            if not self._queue:
                self._at(self._now + 0.1, too_long if began + decoder_ms / 1000 > self._now + 0.1 else ended)
                return
            self.outcome.busy.append((began, self._now))
            self._free += 1
            self._at(self._now + REPORT_SECONDS, lambda: self._report_slow(job))
            if self._free_slow:
                self._run_slow(job, decoder_ms, decoder_ms / 1000 - (self._now - began))
            else:
                self._slow_queue.append((job, decoder_ms))
            self._start_next()

        is_slow = decoder_ms / 1000 > SLOW_SECONDS
        self._at(self._now + (SLOW_SECONDS if is_slow else decoder_ms / 1000), too_long if is_slow else ended)

    def _report_slow(self, job: Job) -> None:
        self._move(job, "compressing", "slow")
        slow = sum(stages["slow"] for stages in self._stages.values())
        self.outcome.most_slow = max(self.outcome.most_slow, slow)
        self._room.became_slow(job.name, SLOTS)
        self._step()

    def _run_slow(self, job: Job, decoder_ms: int, seconds: float) -> None:
        self._free_slow -= 1

        def ended() -> None:
            self._free_slow += 1
            self._answer(job, decoder_ms, "slow")
            if self._slow_queue:
                following, following_ms = self._slow_queue.popleft()
                self._run_slow(following, following_ms, following_ms / 1000)

        self._at(self._now + seconds, ended)

    def _answer(self, job: Job, decoder_ms: int, stage: str) -> None:
        self._missing[job.name] -= 1
        if not self._missing[job.name]:
            self.outcome.ended[job.name] = self._now

        def recorded() -> None:
            self._move(job, stage, None)
            self._shares.correct(job.name, decoder_ms - self._room.predicted_ms(job.name))
            self._room.answered(job.name, decoder_ms, SLOTS)
            self._step()

        self._at(self._now + REPORT_SECONDS, recorded)
