"""When a host in trouble is left alone, and for how long. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit

_JITTER = 0.2
_MAX_DOUBLINGS = 32

ANSWERED = frozenset(
    {
        ErrorCode.REDIRECT,
        ErrorCode.HTTP_403,
        ErrorCode.HTTP_404,
        ErrorCode.HTTP_410,
        ErrorCode.HTTP_4XX,
        ErrorCode.TOO_LARGE,
        ErrorCode.NOT_AN_IMAGE,
        ErrorCode.UNSUPPORTED_FORMAT,
        ErrorCode.TOO_MANY_PIXELS,
        ErrorCode.DECODE_ERROR,
        ErrorCode.DECODER_CRASHED,
        ErrorCode.DECODE_TIMEOUT,
    }
)
"""Failures which show that the host works: it said no, or sent something."""


@dataclass(frozen=True, slots=True)
class HostFault:
    """Results in a row that say the host is in trouble; `count` of them of images that had not failed before.

    until: the latest time it asked to be left alone.
    """

    code: ErrorCode
    count: int = 1
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PausePolicy:
    """After `faults` in a row a host is left alone for `pause` seconds, then twice as long, `longest` at most.

    draw: a number from 0 up to 1, for jitter.
    """

    faults: int
    pause: float
    longest: float
    draw: Callable[[], float]

    def after(self, known: HostCircuit | None, host: str, fault: HostFault, now: datetime) -> HostCircuit:
        """What is recorded of `host` after `fault`.

        While it is left alone nothing but its own wish prolongs that: what fails then was sent before. The first
        fault after a pause begins the next one.
        """
        known = known or HostCircuit(host, failures=0, pauses=0, paused_until=None, error_code=fault.code)
        if known.paused_until is None or known.paused_until <= now:
            known = replace(known, failures=known.failures + fault.count, error_code=fault.code)
            if known.paused_until is not None or known.failures >= self.faults:
                known = replace(known, pauses=known.pauses + 1, paused_until=now + self._length(known.pauses))
        if fault.until is not None and fault.until > max(known.paused_until or now, now):
            known = replace(known, paused_until=fault.until, error_code=fault.code)
        return known

    def _length(self, pauses: int) -> timedelta:
        seconds = min(self.pause * 2.0 ** min(pauses, _MAX_DOUBLINGS), self.longest)
        return timedelta(seconds=seconds * (1 + _JITTER * self.draw()))


def together(faults: list[HostFault]) -> HostFault:
    """Faults of one host that came together, as one."""
    asked = [fault.until for fault in faults if fault.until is not None]
    return HostFault(faults[-1].code, sum(fault.count for fault in faults), max(asked, default=None))
