"""When a host's circuit opens, and for how long. Pure.

Closed: no `paused_until`. Open, or paused: `paused_until` is in the future, and the dispatcher sends nothing to the
host. Half-open: `paused_until` has passed; the dispatcher sends one image at a time, and the first fault opens the
circuit again. A success removes the record, which closes the circuit, unless it is open: then the success is late.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode
from shared.contracts.records import HostCircuit

_JITTER = 0.2
_MAX_DOUBLINGS = 32

HOST_RESPONDED = frozenset(code for code, guide in ERROR_GUIDES.items() if guide.host_responded)
"""Failures which show that the host works: it refused the image, or sent a body."""


@dataclass(frozen=True, slots=True)
class HostFault:
    """Faults of one host in a row.

    code: of the last one. count: how many of them come from the first attempt of their image.
    until: the end of the pause that the host requested by Retry-After; the latest of several.
    """

    code: ErrorCode
    count: int = 1
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PausePolicy:
    """After `faults` in a row a host is paused for `pause` seconds, then for twice as long, up to `longest`.

    draw: returns a number from 0 up to 1, for jitter.
    """

    faults: int
    pause: float
    longest: float
    draw: Callable[[], float]

    def after_fault(self, known: HostCircuit | None, host: str, fault: HostFault, now: datetime) -> HostCircuit:
        """The circuit of `host` after `fault`. `known`: the recorded circuit, if any.

        While the circuit is open, only the host's own Retry-After prolongs the pause: a request that fails then was
        sent before. The first fault of a half-open circuit begins the next pause.
        """
        known = known or HostCircuit(host, failures=0, pauses=0, paused_until=None, error_code=fault.code)
        new = known
        if known.paused_until is None or known.paused_until <= now:
            new = replace(known, failures=known.failures + fault.count, error_code=fault.code)
            if known.paused_until is not None or new.failures >= self.faults:
                new = replace(new, pauses=new.pauses + 1, paused_until=now + self._length(new.pauses))
        if fault.until is not None and fault.until > max(new.paused_until or now, now):
            new = replace(new, paused_until=fault.until, error_code=fault.code)
        if new.paused_until != known.paused_until:
            new = replace(new, paused_since=known.paused_since or now, last_fault_at=now)
        return new

    def _length(self, pauses: int) -> timedelta:
        seconds = min(self.pause * 2.0 ** min(pauses, _MAX_DOUBLINGS), self.longest)
        return timedelta(seconds=seconds * (1 + _JITTER * self.draw()))


def merge_faults(faults: list[HostFault]) -> HostFault:
    """Faults of one host that arrived at the same time, as one."""
    untils = [fault.until for fault in faults if fault.until is not None]
    return HostFault(faults[-1].code, sum(fault.count for fault in faults), max(untils, default=None))
