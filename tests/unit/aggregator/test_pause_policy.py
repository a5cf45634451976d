"""When a host's circuit opens, and for how long."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.pause_policy import HostFault, PausePolicy, merge_faults
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from tests.support.builders import NOW

FAULT = HostFault(ErrorCode.CONNECT)
POLICY = PausePolicy(faults=3, pause=30, longest=100, draw=lambda: 0.0)


def test_faults_in_a_row_open_the_circuit_and_each_further_pause_is_longer() -> None:
    known, now, lengths = None, NOW, []
    for _ in range(6):
        known = POLICY.after_fault(known, "a", FAULT, now)
        if known.paused_until is not None:
            lengths.append((known.paused_until - now).total_seconds())
            now = known.paused_until
    assert lengths == [30, 60, 100, 100]
    assert known is not None
    assert (known.pauses, known.error_code) == (4, ErrorCode.CONNECT)


@given(st.lists(st.integers(1, 50), min_size=1), st.floats(0, 0.999))
def test_a_fault_during_a_pause_does_not_prolong_it(counts: list[int], drawn: float) -> None:
    policy = PausePolicy(faults=3, pause=30, longest=100, draw=lambda: drawn)
    paused = policy.after_fault(None, "a", HostFault(ErrorCode.TIMEOUT, 3), NOW)
    assert paused.paused_until is not None
    assert timedelta(seconds=30) <= paused.paused_until - NOW <= timedelta(seconds=36)
    for count in counts:
        assert (
            policy.after_fault(paused, "a", HostFault(ErrorCode.CONNECT, count), NOW + timedelta(seconds=29)) == paused
        )


def test_retry_after_opens_the_circuit_at_once_and_for_as_long() -> None:
    until = NOW + timedelta(seconds=200)
    paused = POLICY.after_fault(None, "a", HostFault(ErrorCode.HTTP_429, until=until), NOW)
    assert paused == HostCircuit("a", 1, 0, until, ErrorCode.HTTP_429, paused_since=NOW, last_fault_at=NOW)
    sooner = HostFault(ErrorCode.HTTP_429, until=NOW + timedelta(seconds=5))
    assert POLICY.after_fault(paused, "a", sooner, NOW) == paused
    later = HostFault(ErrorCode.HTTP_5XX, until=until + timedelta(seconds=1))
    assert POLICY.after_fault(paused, "a", later, NOW).paused_until == later.until


def test_a_circuit_knows_since_when_its_host_fails_and_its_last_fault() -> None:
    known, times = None, [NOW + timedelta(minutes=minute) for minute in (0, 0, 1, 1, 5, 9)]
    for time in times:
        known = POLICY.after_fault(known, "a", FAULT, time)
    assert known is not None
    assert (known.paused_since, known.last_fault_at) == (times[2], times[-1])


@given(st.integers(0, 10_000))
def test_no_pause_is_longer_than_the_longest(pauses: int) -> None:
    known = HostCircuit("a", 9, pauses, NOW, ErrorCode.CONNECT)
    after = POLICY.after_fault(known, "a", FAULT, NOW)
    assert after.paused_until is not None
    assert after.paused_until <= NOW + timedelta(seconds=100)


def test_faults_that_arrive_at_the_same_time_are_merged() -> None:
    until = NOW + timedelta(seconds=5)
    faults = [HostFault(ErrorCode.CONNECT), HostFault(ErrorCode.HTTP_429, until=until), HostFault(ErrorCode.TIMEOUT)]
    assert merge_faults(faults) == HostFault(ErrorCode.TIMEOUT, 3, until)
