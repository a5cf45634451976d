"""When a host is left alone, and for how long."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.pause_policy import HostFault, PausePolicy, together
from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import HostCircuit
from tests.support.builders import NOW

FAULT = HostFault(ErrorCode.CONNECT)
PLAN = PausePolicy(faults=3, pause=30, longest=100, draw=lambda: 0.0)


def test_faults_in_a_row_pause_a_host_and_each_further_pause_is_longer() -> None:
    known, now, lengths = None, NOW, []
    for _ in range(6):
        known = PLAN.after(known, "a", FAULT, now)
        if known.paused_until is not None:
            lengths.append((known.paused_until - now).total_seconds())
            now = known.paused_until
    assert lengths == [30, 60, 100, 100]
    assert known is not None
    assert (known.pauses, known.error_code) == (4, ErrorCode.CONNECT)


@given(st.lists(st.integers(1, 50), min_size=1), st.floats(0, 0.999))
def test_what_fails_during_a_pause_does_not_prolong_it(counts: list[int], drawn: float) -> None:
    plan = PausePolicy(faults=3, pause=30, longest=100, draw=lambda: drawn)
    paused = plan.after(None, "a", HostFault(ErrorCode.TIMEOUT, 3), NOW)
    assert paused.paused_until is not None
    assert timedelta(seconds=30) <= paused.paused_until - NOW <= timedelta(seconds=36)
    for count in counts:
        assert plan.after(paused, "a", HostFault(ErrorCode.CONNECT, count), NOW + timedelta(seconds=29)) == paused


def test_a_host_that_asks_to_be_left_alone_is_at_once_and_for_as_long() -> None:
    until = NOW + timedelta(seconds=200)
    asked = PLAN.after(None, "a", HostFault(ErrorCode.HTTP_429, until=until), NOW)
    assert asked == HostCircuit("a", 1, 0, until, ErrorCode.HTTP_429)
    sooner = HostFault(ErrorCode.HTTP_429, until=NOW + timedelta(seconds=5))
    assert PLAN.after(asked, "a", sooner, NOW) == asked
    later = HostFault(ErrorCode.HTTP_5XX, until=until + timedelta(seconds=1))
    assert PLAN.after(asked, "a", later, NOW).paused_until == later.until


@given(st.integers(0, 10_000))
def test_no_number_of_pauses_makes_one_longer_than_the_longest(pauses: int) -> None:
    known = HostCircuit("a", 9, pauses, NOW, ErrorCode.CONNECT)
    after = PLAN.after(known, "a", FAULT, NOW)
    assert after.paused_until is not None
    assert after.paused_until <= NOW + timedelta(seconds=100)


def test_faults_that_come_together_are_one() -> None:
    until = NOW + timedelta(seconds=5)
    faults = [HostFault(ErrorCode.CONNECT), HostFault(ErrorCode.HTTP_429, until=until), HostFault(ErrorCode.TIMEOUT)]
    assert together(faults) == HostFault(ErrorCode.TIMEOUT, 3, until)
