"""The slots of the workers of one kind, as they report them. Pure."""

ALIVE_SECONDS = 5.0
"""A process that has not reported for this long has ended, or cannot reach the broker."""


class WorkerCapacity:
    """The sum of the slots of the processes that are alive. The caller supplies the time in seconds."""

    def __init__(self) -> None:
        self._slots: dict[str, tuple[int, float]] = {}

    def reported(self, worker: str, slots: int, now: float) -> None:
        self._slots[worker] = slots, now

    def slots(self, now: float) -> int | None:
        """None if no process is alive: it is not known how many there will be."""
        self._slots = {worker: each for worker, each in self._slots.items() if now - each[1] <= ALIVE_SECONDS}
        return sum(slots for slots, _ in self._slots.values()) if self._slots else None
