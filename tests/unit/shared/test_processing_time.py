"""Times before which images were processed for a while."""

from datetime import timedelta

import pytest

from shared.contracts.records import Outage
from shared.processing_time import aged_until, time_before
from tests.support.builders import NOW


def outage(since: float, until: float) -> Outage:
    return Outage(NOW + timedelta(minutes=since), NOW + timedelta(minutes=until))


@pytest.mark.parametrize(
    ("outages", "expected"),
    [
        ([], -10),
        ([outage(-60, -20)], -10),
        ([outage(-60, -10)], -10),
        ([outage(-60, -4)], -66),
        ([outage(-60, -50), outage(-8, -7), outage(-3, -1)], -13),
        ([outage(-60, 0)], -70),
        ([outage(-60, 5), outage(6, 7)], -70),
        ([outage(-60, -20), outage(-20, -4)], -66),
    ],
    ids=str,
)
def test_outages_do_not_count(outages: list[Outage], expected: float) -> None:
    assert time_before(NOW, timedelta(minutes=10), outages) == NOW + timedelta(minutes=expected)


def test_a_deadline_is_later_by_the_outages_since_its_image_began_to_age() -> None:
    minute, age = timedelta(minutes=1), timedelta(minutes=10)
    assert aged_until(NOW, age, []) == NOW
    assert aged_until(NOW, age, [outage(-60, -50), outage(-8, -6)]) == NOW - 2 * minute
