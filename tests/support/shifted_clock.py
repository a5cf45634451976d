"""Runs a service whose machine has a wrong clock: `python -m tests.support.shifted_clock SECONDS SERVICE`.

Only the wall clock is wrong, as on a real machine: the monotonic clock, and the times of files, are not.
"""

import datetime
import runpy
import sys
import time
from typing import Any, Self

_REAL_TIME = time.time
_RealDatetime = datetime.datetime


def launcher(seconds: float) -> list[str]:
    """What Python runs instead of the module of a service; the service's name follows it."""
    return ["-m", "tests.support.shifted_clock", str(seconds)]


class _AnyDatetime(type(_RealDatetime)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _RealDatetime)


def _shift(seconds: float) -> None:
    class ShiftedDatetime(_RealDatetime, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            now: Self = _RealDatetime.now(tz) + datetime.timedelta(seconds=seconds)  # type: ignore[assignment]
            return now

    time.time = lambda: _REAL_TIME() + seconds
    datetime.datetime = ShiftedDatetime  # type: ignore[misc]


if __name__ == "__main__":
    _shift(float(sys.argv[1]))
    runpy.run_module(f"services.{sys.argv[2]}", run_name="__main__")
