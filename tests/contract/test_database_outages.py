"""Times in which no images were processed."""

from datetime import timedelta

from shared.contracts.records import Outage
from shared.persistence import Database
from tests.fakes import MovableClock
from tests.support.builders import NOW

LONGER = timedelta(minutes=2)


async def test_the_time_since_work_was_last_seen_is_an_outage_if_it_is_long(
    database: Database, clock: MovableClock
) -> None:
    observe = database.outages.observe
    assert await observe(working=False, longer_than=LONGER) == []
    assert await observe(working=True, longer_than=LONGER) == []
    clock.advance(120)
    assert await observe(working=True, longer_than=LONGER) == []
    clock.advance(60)
    assert await observe(working=False, longer_than=LONGER) == []
    clock.advance(61)
    first = Outage(NOW + timedelta(seconds=120), NOW + timedelta(seconds=241))
    assert await observe(working=False, longer_than=LONGER) == [first], "it lasts"
    assert await observe(working=True, longer_than=LONGER) == [first], "it has ended"
    clock.advance(500)
    second = Outage(first.until, first.until + timedelta(seconds=500))
    assert await observe(working=True, longer_than=LONGER) == [first, second]
    clock.advance(1)
    assert await observe(working=False, longer_than=LONGER) == [first, second]
