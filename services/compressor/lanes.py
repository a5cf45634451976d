"""Who may use a worker process: usual turns, dealt to requests in turn, and the slow lane beside them. Pure.

A picture that takes long while other requests wait leaves its usual turn: it moves to the slow lane, with its process,
or is stopped if the slow lane is full. What was stopped comes back through a queue that only the slow lane serves.

Others also wait, in the broker, if the process holds as many pictures as it may. If slow pictures then occupy all
places, those of their requests that wait are sent to the slow lane's queue, which makes room for the next deliveries.
"""

from collections import deque
from dataclasses import dataclass

SLOW_SECONDS = 2.0
"""A picture that takes longer is slow. Usual photographs of 20 megapixels take less."""


def deliveries(processes: int) -> int:
    """Usual pictures that a compressor holds: while some are compressed, others are read, stored or published.

    Those that moved to the slow lane are among them.
    """
    return 3 * processes + 2


@dataclass(eq=False, slots=True)
class Work:
    """One picture. seconds: its time limit.

    slow: it was stopped or returned before, and only the slow lane works on it.
    is_known_slow: `became_slow` has named it.
    waits_for_process: it has a turn, but its process still starts, which is no time of the picture.
    """

    request_id: str
    seconds: float
    slow: bool = False
    started_at: float | None = None
    in_slow_lane: bool = False
    is_known_slow: bool = False
    waits_for_process: bool = False
    is_stopping: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """The work has moved to the slow lane."""

    work: Work


@dataclass(frozen=True, slots=True)
class Stop:
    """The work is to be stopped, which gives its turn back."""

    work: Work


@dataclass(frozen=True, slots=True)
class Return:
    """The work no longer waits: it has not started, and is to come back through the slow lane's queue."""

    work: Work


class Lanes:
    """`usual` turns, and `slow` places. The caller supplies the time in seconds."""

    def __init__(self, usual: int, slow: int) -> None:
        self._usual = usual
        self._slow = slow
        self._full = deliveries(usual)
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
        elif not work.is_stopping:  # else it was returned
            self._leave_queue(work)

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

    def begin(self, work: Work, now: float) -> None:
        """The process of work that has waited for it is ready."""
        work.waits_for_process = False
        work.started_at = now

    def became_slow(self, now: float) -> list[Work]:
        """The work that has become slow since the last call, whether others wait or not."""
        slow = [work for work in self._running if not work.is_known_slow and self._is_slow(work, now)]
        for work in slow:
            work.is_known_slow = True
        return slow

    def make_room(self, now: float) -> Moved | Stop | Return | None:
        """What is to be done about slow work on a usual turn that others wait for. Call it again until None."""
        slow = [
            work for work in self._running if not (work.in_slow_lane or work.is_stopping) and self._is_slow(work, now)
        ]
        blocking = [work for work in slow if self._others_wait(work)]
        if self._in_slow_lane() < self._slow:
            return self._move(slow if self._is_full else blocking)
        if self._is_full and len(slow) == self._usual and (waiting := self._waiting_behind(slow)):
            self._leave_queue(waiting)
            waiting.is_stopping = True
            return Return(waiting)
        return self._stop([work for work in blocking if now - (work.started_at or 0) < work.seconds / 2])

    def look_again_at(self, now: float) -> float | None:
        """When work becomes slow."""
        times = [
            work.started_at + SLOW_SECONDS
            for work in self._running
            if work.started_at is not None and not work.waits_for_process and not self._is_slow(work, now)
        ]
        return min(times, default=None)

    def _move(self, works: list[Work]) -> Moved | None:
        if not works:
            return None
        work = min(works, key=lambda each: each.started_at or 0)  # it has the least chance to end soon
        work.in_slow_lane = True
        self._postpone(work.request_id)
        return Moved(work)

    def _stop(self, works: list[Work]) -> Stop | None:
        if not works:
            return None
        work = max(works, key=lambda each: each.started_at or 0)  # the least work is lost
        work.is_stopping = True
        self._postpone(work.request_id)
        return Stop(work)

    def _leave_queue(self, work: Work) -> None:
        queue = self._waiting[work.request_id]
        queue.remove(work)
        if not queue:
            del self._waiting[work.request_id]

    def _waiting_behind(self, slow: list[Work]) -> Work | None:
        """A picture that waits, of one of the requests of the slow work."""
        return next((self._waiting[each.request_id][-1] for each in slow if each.request_id in self._waiting), None)

    @property
    def _is_full(self) -> bool:
        """Whether the broker delivers nothing more until some of the work leaves."""
        running = sum(not (work.slow or work.is_stopping) for work in self._running)
        return running + sum(len(queue) for queue in self._waiting.values()) >= self._full

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
        return work.started_at is not None and not work.waits_for_process and now - work.started_at >= SLOW_SECONDS

    def _others_wait(self, work: Work) -> bool:
        """Whether more pictures of other requests wait than turns are about to be free."""
        waiting = sum(len(queue) for request_id, queue in self._waiting.items() if request_id != work.request_id)
        return waiting > sum(each.is_stopping for each in self._running)
