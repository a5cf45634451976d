"""A schedule follows from its seed."""

from tests.chaos.faults import FAULTS
from tests.chaos.schedule import Kind, schedule

KINDS = [fault.kind for fault in FAULTS.values()]


def test_a_seed_always_gives_the_same_schedule() -> None:
    assert schedule(7, 300, KINDS) == schedule(7, 300, KINDS)
    assert schedule(7, 300, KINDS) != schedule(8, 300, KINDS)


def test_a_long_run_has_every_kind_of_fault() -> None:
    assert {injection.kind for injection in schedule(7, 600, KINDS)} == FAULTS.keys()


def test_no_fault_begins_too_late() -> None:
    long, short = Kind("long", at_least=60), Kind("short")
    injections = schedule(7, 100, [long, short])
    assert all(injection.at <= 40 for injection in injections if injection.kind == "long")
    assert max(injection.at for injection in injections) < 100
