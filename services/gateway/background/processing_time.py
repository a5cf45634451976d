"""Time without the outages of Imagemill, in which no image could be tried at its host. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.contracts.records import Outage


def time_before(end: datetime, age: timedelta, outages: Sequence[Outage]) -> datetime:
    """The latest time from which images were processed for `age` until `end`. `outages`: the oldest first."""
    for outage in reversed(outages):
        if outage.since >= end:
            continue
        worked = max(end - outage.until, timedelta(0))
        if worked >= age:
            break
        age -= worked
        end = outage.since
    return end - age
