"""Times before which images were processed for a while."""

from datetime import timedelta

import pytest

from services.gateway.background.processing_time import time_before
from shared.contracts.records import Outage
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
