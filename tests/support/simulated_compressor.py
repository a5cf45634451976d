"""A compressor's lanes in simulated time, behind two queues of a broker."""

from collections import deque
from dataclasses import dataclass

from services.compressor.lanes import Lanes, Moved, Stop, Work, deliveries

STEP_SECONDS = 0.05


@dataclass(eq=False)
class Picture:
    """used: seconds of a worker process in all runs. returns: to the slow lane's queue."""

    request_id: str
    seconds: float
    used: float = 0
    returns: int = 0
    ended_at: float = 0
    has_result: bool = False


class SimulatedCompressor:
    """Each run of a picture begins anew; a picture that has used `limit` seconds fails."""

    def __init__(self, processes: int, limit: float) -> None:
        self._limit = limit
        self._lanes = Lanes(processes, processes)
        self._queues = {False: deque[Picture](), True: deque[Picture]()}
        self._most = {False: deliveries(processes), True: processes}
        self._held: dict[Work, Picture] = {}
        self._now = 0.0

    def run(self, pictures: list[Picture]) -> None:
        """Until all pictures have ended. They arrive at once, in this order."""
        self._queues[False].extend(pictures)
        while self._held or any(self._queues.values()):
            self._settle()
            self._now += STEP_SECONDS
            for work in [each for each in self._held if each.started_at is not None]:
                self._work_on(work)

    def _settle(self) -> None:
        """Deliver and start what may, until nothing changes."""
        while True:
            delivered = self._deliver(False) or self._deliver(True)
            self._lanes.start(self._now)
            action = self._lanes.make_room(self._now)
            if action is not None and not isinstance(action, Moved):
                self._return(action.work, isinstance(action, Stop))
            if not delivered and action is None:
                return

    def _deliver(self, slow: bool) -> bool:
        held = sum(work.slow == slow for work in self._held)
        if not self._queues[slow] or held >= self._most[slow]:
            return False
        picture = self._queues[slow].popleft()
        work = Work(picture.request_id, self._limit - picture.used, slow=slow)
        self._held[work] = picture
        self._lanes.add(work)
        return True

    def _return(self, work: Work, had_started: bool) -> None:
        assert had_started == (work.started_at is not None)
        self._lanes.leave(work)
        picture = self._held.pop(work)
        picture.returns += 1
        self._queues[True].append(picture)

    def _work_on(self, work: Work) -> None:
        picture = self._held[work]
        picture.used += STEP_SECONDS
        picture.has_result = self._now - (work.started_at or 0) >= picture.seconds
        if picture.has_result or picture.used >= self._limit:
            picture.ended_at = self._now
            self._lanes.leave(work)
            del self._held[work]
