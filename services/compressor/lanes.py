"""Who may use a worker process: usual turns, dealt to requests in turn, and the slow lane beside them. Pure.

A picture that takes long while other requests wait leaves its usual turn: it moves to the slow lane, with its process,
or is stopped if the slow lane is full. What was stopped comes back through a queue that only the slow lane serves.
"""

from collections import deque
from dataclasses import dataclass

SLOW_SECONDS = 2.0
"""A picture that takes longer is slow. Usual photographs of 20 megapixels take less."""


@dataclass(eq=False, slots=True)
class Work:
    """One picture. slow: it was stopped before, and only the slow lane works on it. seconds: its time limit."""

    request_id: str
    seconds: float
    slow: bool = False
    started_at: float | None = None
    in_slow_lane: bool = False
    is_stopping: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """The work has moved to the slow lane."""

    work: Work


@dataclass(frozen=True, slots=True)
class Stop:
    """The work is to be stopped, which gives its turn back."""

    work: Work


class Lanes:
    """`usual` turns, and `slow` places. The caller supplies the time in seconds."""

    def __init__(self, usual: int, slow: int) -> None:
        self._usual = usual
        self._slow = slow
        self._running: list[Work] = []
        self._waiting: dict[str, deque[Work]] = {}
        self._waiting_slow: deque[Work] = deque()

    def add(self, work: Work) -> None:
        """The work waits for its turn."""
        if work.slow:
            self._waiting_slow.append(work)
        else:
            self._waiting.setdefault(work.request_id, deque()).append(work)

    def leave(self, work: Work) -> None:
        """The work has ended, or no longer waits."""
        if work.started_at is not None:
            self._running.remove(work)
        elif work.slow:
            self._waiting_slow.remove(work)
        else:
            queue = self._waiting[work.request_id]
            queue.remove(work)
            if not queue:
                del self._waiting[work.request_id]

    def start(self, now: float) -> list[Work]:
        """The work whose turn has come; it has started."""
        started: list[Work] = []
        while self._waiting and self._in_usual_turns() < self._usual:
            started.append(self._start(self._next_waiting(), now))
        while self._waiting_slow and self._in_slow_lane() < self._slow:
            work = self._start(self._waiting_slow.popleft(), now)
            work.in_slow_lane = True
            started.append(work)
        return started

    def make_room(self, now: float) -> Moved | Stop | None:
        """What is to be done about slow work on a usual turn that others wait for. Call it again until None."""
        blocking = [
            work
            for work in self._running
            if not (work.in_slow_lane or work.is_stopping) and self._is_slow(work, now) and self._others_wait(work)
        ]
        if not blocking:
            return None
        if self._in_slow_lane() < self._slow:
            work = min(blocking, key=lambda each: each.started_at or 0)  # it has the least chance to end soon
            work.in_slow_lane = True
            self._postpone(work.request_id)
            return Moved(work)
        early = [work for work in blocking if now - (work.started_at or 0) < work.seconds / 2]
        if not early:
            return None
        work = max(early, key=lambda each: each.started_at or 0)  # the least work is lost
        work.is_stopping = True
        self._postpone(work.request_id)
        return Stop(work)

    def look_again_at(self, now: float) -> float | None:
        """When work that others wait for becomes slow."""
        times = [
            work.started_at + SLOW_SECONDS
            for work in self._running
            if work.started_at is not None and not work.in_slow_lane and not self._is_slow(work, now)
        ]
        return min(times) if times and self._waiting else None

    def _start(self, work: Work, now: float) -> Work:
        work.started_at = now
        self._running.append(work)
        return work

    def _next_waiting(self) -> Work:
        request_id, queue = next(iter(self._waiting.items()))
        del self._waiting[request_id]
        work = queue.popleft()
        if queue:
            self._waiting[request_id] = queue  # behind all others
        return work

    def _postpone(self, request_id: str) -> None:
        """The free turn is for one of the others that wait."""
        if request_id in self._waiting:
            self._waiting[request_id] = self._waiting.pop(request_id)

    def _in_usual_turns(self) -> int:
        return sum(not work.in_slow_lane for work in self._running)

    def _in_slow_lane(self) -> int:
        return sum(work.in_slow_lane for work in self._running)

    def _is_slow(self, work: Work, now: float) -> bool:
        return work.started_at is not None and now - work.started_at >= SLOW_SECONDS

    def _others_wait(self, work: Work) -> bool:
        """Whether more pictures of other requests wait than turns are about to be free."""
        waiting = sum(len(queue) for request_id, queue in self._waiting.items() if request_id != work.request_id)
        return waiting > sum(each.is_stopping for each in self._running)
