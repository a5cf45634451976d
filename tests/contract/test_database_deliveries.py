"""Webhook deliveries: each attempt is claimed by one process and recorded once."""

import asyncio
from datetime import datetime, timedelta

from shared.contracts.deliveries import GONE_DETAIL, MAX_LOGGED_REPLAYS, Delivery, DeliveryState
from shared.persistence import Database
from tests.contract.conftest import Subject
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_delivery, an_attempt

LATER = NOW + timedelta(minutes=5)
UNTIL = NOW + timedelta(seconds=30)


async def _claimed(database: Database, limit: int = 100) -> list[str]:
    return sorted([delivery.delivery_id for delivery in await database.deliveries.claim_due(limit)])


async def test_a_delivery_is_read_as_written(database: Database) -> None:
    delivery = a_delivery(
        attempts=3,
        due_at=None,
        state=DeliveryState.ABANDONED,
        last_error="the receiver answered 503",
        replay_at=NOW,
        replays=1,
        log=(an_attempt(),),
        replay_log=(an_attempt(status=None, response="café \x00", replay=True),),
    )
    await database.deliveries.put(delivery)
    assert await database.deliveries.get(delivery.delivery_id) == delivery
    assert await database.deliveries.get("another") is None


async def test_putting_a_delivery_again_changes_nothing(database: Database) -> None:
    await database.deliveries.put(a_delivery(attempts=1, due_at=None))
    await database.deliveries.put(a_delivery(body="{}"))
    assert await database.deliveries.get(a_delivery().delivery_id) == a_delivery(attempts=1, due_at=None)


async def test_deliveries_are_claimed_when_due(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due"))
    await database.deliveries.put(a_delivery("later", due_at=NOW + timedelta(seconds=5)))
    await database.deliveries.put(a_delivery("ended", due_at=None))
    assert await _claimed(database) == ["due"]
    clock.advance(5)
    assert await _claimed(database) == ["later"]


async def test_a_due_delivery_is_claimed_at_most_once_a_minute(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due"))
    assert await _claimed(database) == ["due"]
    clock.advance(59.999)
    assert await _claimed(database) == []
    clock.advance(0.001)
    assert await _claimed(database) == ["due"]


async def test_a_retry_within_the_minute_is_claimed_when_due(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due"))
    assert await _claimed(database) == ["due"]
    await database.deliveries.claim("due", NOW + timedelta(seconds=30))
    await _record(database, 1, due_at=NOW + timedelta(seconds=5))
    clock.advance(5)
    assert await _claimed(database) == ["due"]


async def test_no_more_deliveries_are_claimed_than_the_limit(database: Database) -> None:
    for number in range(5):
        await database.deliveries.put(a_delivery(f"due-{number}"))
    first = await _claimed(database, limit=3)
    rest = await _claimed(database, limit=3)
    assert sorted([*first, *rest]) == [f"due-{number}" for number in range(5)]
    assert len(first) == 3


async def test_a_claimed_delivery_cannot_be_claimed_again_before_its_time(
    database: Database, clock: MovableClock
) -> None:
    await database.deliveries.put(a_delivery("due"))
    until = NOW + timedelta(seconds=30)
    assert await database.deliveries.claim("due", until) == a_delivery("due", due_at=until)
    assert await database.deliveries.claim("due", until) is None
    clock.advance(30)
    again = await database.deliveries.claim("due", until + timedelta(seconds=30))
    assert again == a_delivery("due", due_at=until + timedelta(seconds=30))


async def test_only_a_due_delivery_can_be_claimed(database: Database) -> None:
    await database.deliveries.put(a_delivery("later", due_at=NOW + timedelta(seconds=1)))
    await database.deliveries.put(a_delivery("ended", due_at=None))
    claims = [await database.deliveries.claim(name, NOW + timedelta(minutes=1)) for name in ("later", "ended", "none")]
    assert claims == [None, None, None]


async def test_of_concurrent_claims_one_succeeds(subject: Subject) -> None:
    await subject.database.deliveries.put(a_delivery("due"))
    other = await subject.connect()
    until = NOW + timedelta(seconds=30)
    claims = await asyncio.gather(
        *(database.deliveries.claim("due", until) for database in (subject.database, other) for _ in range(5))
    )
    assert len([claim for claim in claims if claim]) == 1


async def _get(database: Database, delivery_id: str = "due") -> Delivery:
    delivery = await database.deliveries.get(delivery_id)
    assert delivery is not None
    return delivery


async def _record(
    database: Database,
    number: int,
    error: str | None = "the receiver answered 503",
    *,
    state: DeliveryState = DeliveryState.PENDING,
    due_at: datetime | None = None,
) -> Delivery:
    await database.deliveries.record_attempt("due", number, an_attempt(error), state=state, due_at=due_at)
    return await _get(database)


async def test_attempts_are_recorded_in_order_and_once(database: Database) -> None:
    await database.deliveries.put(a_delivery("due"))
    first = a_delivery("due", attempts=1, due_at=LATER, last_error="the receiver answered 503", log=(an_attempt(),))
    assert await _record(database, 1, due_at=LATER) == first

    late = await _record(database, 1, state=DeliveryState.ABANDONED)
    assert (late.attempts, late.due_at, late.state) == (1, LATER, DeliveryState.PENDING)
    early = await _record(database, 3, state=DeliveryState.ABANDONED)
    assert (early.attempts, early.due_at, early.state) == (1, LATER, DeliveryState.PENDING)
    assert len(early.log) == 3

    second = await _record(database, 2, None, state=DeliveryState.DELIVERED)
    assert (second.attempts, second.due_at, second.state) == (2, None, DeliveryState.DELIVERED)
    assert (second.last_error, second.log[-1]) == (None, an_attempt(None))


async def test_a_success_counts_even_if_its_attempt_was_repeated_meanwhile(database: Database) -> None:
    await database.deliveries.put(a_delivery("due"))
    await _record(database, 1, due_at=LATER)
    late = await _record(database, 1, None, state=DeliveryState.DELIVERED)
    assert (late.attempts, late.due_at, late.state) == (1, None, DeliveryState.DELIVERED)
    assert late.last_error is None


async def test_the_log_keeps_all_attempts_and_the_last_replays(database: Database) -> None:
    await database.deliveries.put(a_delivery("due"))
    numbers = range(MAX_LOGGED_REPLAYS + 3)
    for number in numbers:
        await database.deliveries.record_attempt(
            "due", number + 1, an_attempt(duration_ms=number), state=DeliveryState.PENDING, due_at=NOW
        )
        await database.deliveries.record_replay("due", an_attempt(duration_ms=number, replay=True))
    delivery = await _get(database)
    assert [attempt.duration_ms for attempt in delivery.log] == list(numbers)
    assert [replay.duration_ms for replay in delivery.replay_log] == list(numbers)[3:]
    assert delivery.replays == len(numbers)


async def test_recording_an_unknown_delivery_changes_nothing(database: Database) -> None:
    await database.deliveries.record_attempt("none", 1, an_attempt(), state=DeliveryState.PENDING, due_at=NOW)
    await database.deliveries.record_replay("none", an_attempt())
    assert await database.deliveries.request_replay("none") is None
    assert await database.deliveries.get("none") is None


async def test_the_deliveries_of_a_request_are_listed_oldest_first(database: Database) -> None:
    rounds = [a_delivery(f"a:{number}:done", created_at=NOW + timedelta(hours=number)) for number in range(1, 12)]
    for delivery in [*reversed(rounds), a_delivery("b:1:done"), a_delivery("aa:1:done")]:
        await database.deliveries.put(delivery)
    assert await database.deliveries.of_request("a") == rounds
    assert await database.deliveries.of_request("c") == []


async def test_one_receiver_does_not_displace_the_others(database: Database, clock: MovableClock) -> None:
    for number in range(60):
        await database.deliveries.put(a_delivery(f"slow-{number:02}", receiver="slow.test"))
    clock.advance(5)
    await database.deliveries.put(a_delivery("late", receiver="other.test", due_at=clock()))

    first = await database.deliveries.claim_due(20, per_receiver=7)
    assert len([delivery for delivery in first if delivery.receiver == "slow.test"]) == 7
    assert "late" in [delivery.delivery_id for delivery in first]
    both = await database.deliveries.claim_due(4, per_receiver=7)
    assert len(both) == 4
    assert not {delivery.delivery_id for delivery in both} & {delivery.delivery_id for delivery in first}


async def test_the_next_of_a_receiver_is_the_one_claimed_longest_ago(database: Database, clock: MovableClock) -> None:
    for name in ("one", "two"):
        await database.deliveries.put(a_delivery(name, receiver="shop.test"))
    await database.deliveries.put(a_delivery("later", receiver="shop.test", due_at=LATER))
    await database.deliveries.put(a_delivery("another", receiver="other.test"))
    claimed: list[str] = []
    for _ in range(4):
        clock.advance(1)
        following = await database.deliveries.claim_next("shop.test")
        assert following is not None
        claimed.append(following.delivery_id)
    assert sorted(claimed[:2]) == ["one", "two"]
    assert claimed[2:] == claimed[:2]
    assert await database.deliveries.claim_next("unknown.test") is None
    assert await _claimed(database) == ["another"]  # the others were claimed a moment ago


async def test_a_replay_is_made_once_per_request_and_beside_the_schedule(
    database: Database, clock: MovableClock
) -> None:
    await database.deliveries.put(a_delivery("due", attempts=2, due_at=LATER))
    assert await database.deliveries.request_replay("due") == a_delivery("due", attempts=2, due_at=LATER, replay_at=NOW)
    clock.advance(1)
    assert await database.deliveries.request_replay("due") == a_delivery("due", attempts=2, due_at=LATER, replay_at=NOW)
    assert await _claimed(database) == ["due"]

    assert await database.deliveries.claim("due", UNTIL) is None
    claimed = await database.deliveries.claim_replay("due", UNTIL)
    assert claimed == a_delivery("due", attempts=2, due_at=LATER, replay_at=UNTIL)
    assert await database.deliveries.claim_replay("due", UNTIL) is None
    assert (await database.deliveries.request_replay("due")) == claimed  # a second click during the replay

    replay = an_attempt(replay=True)
    await database.deliveries.record_replay("due", replay)
    failed = await _get(database)
    assert failed == a_delivery("due", attempts=2, due_at=LATER, replays=1, replay_log=(replay,))


async def test_a_replay_that_is_never_recorded_is_due_again(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due", due_at=None, state=DeliveryState.DELIVERED))
    await database.deliveries.request_replay("due")
    await database.deliveries.claim_replay("due", UNTIL)
    assert await _claimed(database) == []
    clock.advance(30)
    assert await _claimed(database) == ["due"]
    assert await database.deliveries.claim_replay("due", UNTIL + timedelta(seconds=30)) is not None


async def test_a_successful_replay_ends_the_delivery(database: Database) -> None:
    await database.deliveries.put(a_delivery("due", due_at=LATER, last_error="the receiver answered 503"))
    await database.deliveries.request_replay("due")
    await database.deliveries.record_replay("due", an_attempt(None, replay=True))
    delivery = await _get(database)
    assert (delivery.state, delivery.due_at, delivery.replay_at) == (DeliveryState.DELIVERED, None, None)
    assert (delivery.last_error, delivery.attempts, delivery.replays) == (None, 0, 1)


async def test_disabling_ends_the_pending_deliveries_of_a_request(database: Database) -> None:
    for delivery in (
        a_delivery("a:1:done", state=DeliveryState.DELIVERED, due_at=None),
        a_delivery("a:2:done", due_at=LATER),
        a_delivery("b:1:done", due_at=LATER),
    ):
        await database.deliveries.put(delivery)
    await database.deliveries.disable("a", "a:1:done")
    first, second = await database.deliveries.of_request("a")
    assert (first.state, first.gone, first.last_error) == (DeliveryState.DELIVERED, True, None)
    assert (second.state, second.gone, second.due_at) == (DeliveryState.DISABLED, False, None)
    assert second.last_error == GONE_DETAIL
    assert await _get(database, "b:1:done") == a_delivery("b:1:done", due_at=LATER)

    # An attempt that was in progress fails: it does not bring the delivery back.
    await database.deliveries.record_attempt("a:2:done", 1, an_attempt(), state=DeliveryState.PENDING, due_at=LATER)
    second = await _get(database, "a:2:done")
    assert (second.state, second.due_at, second.log) == (DeliveryState.DISABLED, None, (an_attempt(),))

    await database.deliveries.enable("a")
    states = [(each.state, each.disables_request) for each in await database.deliveries.of_request("a")]
    assert states == [(DeliveryState.DELIVERED, False), (DeliveryState.ABANDONED, False)]


async def test_postponing_delays_what_is_due_earlier_at_the_same_url(database: Database) -> None:
    soon = NOW + timedelta(seconds=5)
    await database.deliveries.put(a_delivery("due"))
    await database.deliveries.put(a_delivery("late", due_at=LATER))
    await database.deliveries.put(a_delivery("ended", due_at=None))
    await database.deliveries.put(a_delivery("elsewhere", url="https://shop.test/another"))
    await database.deliveries.postpone("shop.test", "https://shop.test/hook", soon)
    due = {name: (await _get(database, name)).due_at for name in ("due", "late", "ended", "elsewhere")}
    assert due == {"due": soon, "late": LATER, "ended": None, "elsewhere": NOW}


async def test_deliveries_are_overdue_a_minute_after_their_time(database: Database, clock: MovableClock) -> None:
    await database.deliveries.put(a_delivery("due"))
    await database.deliveries.put(a_delivery("ended", due_at=None))
    clock.advance(59.999)
    assert await database.deliveries.count_overdue() == 0
    clock.advance(0.001)
    assert await database.deliveries.count_overdue() == 1
