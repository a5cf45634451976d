"""How many images may be in flight to a host whose circuit is not closed. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from services.gateway.dispatch.in_flight import Flight
from shared.contracts.records import HostCircuit

TRY_OUT_SECONDS = 120.0
"""A half-open host gets another try-out if the last one has no answer by then: its command may be lost."""


def caps_of(
    circuits: Iterable[HostCircuit], in_flight: Iterable[Flight], now: datetime, seconds: float
) -> Mapping[str, int]:
    """By host: none while it is open; while it is half-open, one that is not late.

    seconds: now, by the clock of the flights.
    """
    caps = {each.host: int(each.paused_until <= now) for each in circuits if each.paused_until is not None}
    for flight in in_flight:
        if caps.get(flight.host) and flight.sent_at < seconds - TRY_OUT_SECONDS:
            caps[flight.host] += 1
    return caps
