"""Averages that follow a change."""

import pytest

from services.gateway.dispatch.averages import moved


def test_the_first_sample_is_the_average_and_each_further_one_moves_it_by_its_weight() -> None:
    assert moved(None, 8, 0.25) == 8
    assert moved(8, 4, 0.25) == 7
    assert moved(8, 8, 0.25) == pytest.approx(8)
