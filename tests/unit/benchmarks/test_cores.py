"""Idle seconds from the kernel's counters."""

import pytest

from benchmarks.cores import Cores, Ticks, ticks


def test_counts_the_intervals_that_are_less_than_half_busy_within_the_bounds() -> None:
    cores = Cores([Ticks(0, 0, 0), Ticks(1, 100, 60), Ticks(2, 200, 70), Ticks(4, 400, 250)])

    assert cores.idle_seconds(0.5, 3) == pytest.approx(0.5 + 1)


def test_reads_all_and_idle_ticks_of_all_cores() -> None:
    assert ticks(7, "cpu  10 1 5 100 4 0 2 3 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == Ticks(7, 125, 104)
