"""Time without the outages of Imagemill, in which no image could be tried at its host. Pure.

Whoever compares an image's deadline with the time uses `aged_until`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.contracts.records import Outage

OUTAGE = timedelta(minutes=2)
"""Work in progress of which nothing is finished for longer than this is an outage of ours."""


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


def aged_until(now: datetime, max_age: timedelta, outages: Sequence[Outage]) -> datetime:
    """The latest deadline that is reached: `now` without the outages that an image of `max_age` waited through."""
    return time_before(now, max_age, outages) + max_age
