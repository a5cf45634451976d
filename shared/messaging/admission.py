"""Whether work may begin: all of it, none, or one piece at a time after an outage."""

import asyncio
from collections.abc import Callable

_TRIAL_SECONDS = 5.0  # the first piece of work may be slow: if none has proved anything by then, a ping decides


class Admission:
    """Open at first. Half-open, it admits one piece of work, the trial; when that ends without proof, the next one.

    Work that began before the outage ended is no trial: its end changes nothing.
    """

    def __init__(self, undecided: Callable[[], object]) -> None:
        """undecided: called if no work has proved anything for a while."""
        self.is_open = True
        self.admitting = asyncio.Event()  # open, or half-open and no trial is running
        self.admitting.set()
        self._undecided = undecided
        self._half_open_at: float | None = None
        self._trial_began: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def admit(self, now: float) -> None:
        """A piece of work begins, which `admitting` permits."""
        if self.is_open:
            return
        self.admitting.clear()
        self._trial_began = now
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TRIAL_SECONDS, self._time_is_over)

    def ended(self, began: float) -> None:
        """Work that began at that time has ended: unless it has proved something, the next one is admitted."""
        if self._trial_began is not None and began >= self._trial_began:
            self.admit_another()

    def succeeded(self, began: float) -> None:
        """Work that began at that time has proved that the outage is over."""
        if self._half_open_at is not None and began >= self._half_open_at:
            self.open()

    def admit_another(self) -> None:
        """A half-open admission admits the next piece of work, even if the trial has not ended."""
        if self._half_open_at is not None:
            self._trial_began = None
            self.admitting.set()

    def close(self) -> None:
        self._reset()
        self.is_open = False
        self.admitting.clear()

    def half_open(self, now: float) -> None:
        self._reset()
        self._half_open_at = now
        self.admitting.set()

    def open(self) -> None:
        self._reset()
        self.is_open = True
        self.admitting.set()

    def _reset(self) -> None:
        self._half_open_at = self._trial_began = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_over(self) -> None:
        self._timer = None  # if nothing is decided now, the next trial begins the time again
        self._undecided()
