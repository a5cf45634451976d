"""How many images may be in flight to a host whose circuit is not closed."""

from datetime import timedelta

from services.gateway.dispatch.circuits import TRY_OUT_SECONDS, caps_of
from services.gateway.dispatch.in_flight import Flight
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from tests.support.builders import NOW


def a_circuit(host: str, paused_for: float | None) -> HostCircuit:
    until = None if paused_for is None else NOW + timedelta(seconds=paused_for)
    return HostCircuit(host, 10, 1, until, ErrorCode.CONNECT)


def a_flight(host: str, sent_at: float) -> Flight:
    return Flight("r", f"{host}{sent_at}", (1, 1), host, alone=False, sent_at=sent_at)


def test_an_open_circuit_allows_none_and_a_half_open_one_allows_one_that_is_not_late() -> None:
    circuits = [a_circuit("open", 1), a_circuit("half-open", 0), a_circuit("counting", None)]
    flights = [a_flight("half-open", 900), a_flight("open", 1)]
    assert caps_of(circuits, flights, NOW, 1000) == {"open": 0, "half-open": 1}
    flights.append(a_flight("half-open", 1000 - TRY_OUT_SECONDS - 1))
    assert caps_of(circuits, flights, NOW, 1000)["half-open"] == 2
