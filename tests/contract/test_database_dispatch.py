"""Images for the dispatcher and the sweep: which are due, dispatched or lost."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts.error_codes import ErrorCode
from shared.contracts.records import DispatchedImage, Image
from shared.contracts.states import ImageState
from shared.persistence import LOOK_AHEAD, Database, Recorded
from tests.fakes import MovableClock
from tests.support.builders import NOW, a_request, an_image
from tests.support.worker_messages import compressed, deferred, failed


async def _dispatch(database: Database, request_id: str, limit: int = 100) -> list[Image]:
    """Dispatch everything that is due; returns the images as they were before."""
    due = await database.images.due(request_id, limit)
    await database.images.mark_dispatched(due)
    return due


async def _only(database: Database, image: Image) -> Image:
    return (await database.images.find(image.request_id, [image.image_id]))[image.image_id]


async def _defer(database: Database, image: Image, seconds: float) -> None:
    await database.images.record(deferred(image, dispatch=1, delay=seconds))


@pytest.mark.parametrize(
    ("without_hosts", "expected"),
    [
        ([], ["c/1", "b/2", "a/3", "b/4"]),
        (["z"], ["c/1", "b/2", "a/3", "b/4"]),
        (["a", "c"], ["b/2", "b/4"]),
    ],
)
async def test_due_images_are_in_the_catalogues_order(
    database: Database, clock: MovableClock, without_hosts: list[str], expected: list[str]
) -> None:
    """Whatever the order of their records, whether they were deferred, and whether they lost a worker."""
    images = {
        name: an_image(f"http://{name}", "a", position=int(name[-1]), losses=int(name[-1]) % 3)
        for name in ("b/4", "a/3", "c/1", "a/5", "b/2")
    }
    await database.images.insert_many(list(images.values()))
    await _defer(database, images["b/2"], 2)
    await _defer(database, images["c/1"], 1)
    await _defer(database, images["a/5"], 4)
    clock.advance(3)
    for limit in (10, 1):
        due = await database.images.due("a", limit, without_hosts=without_hosts)
        assert [image.url.removeprefix("http://") for image in due] == expected[:limit]
        by_host = await database.images.due_by_host("a", limit, without_hosts=without_hosts)
        assert [image.url.removeprefix("http://") for image in by_host] == sorted(expected)[:limit]


async def test_beside_hosts_that_are_left_out_images_are_found_among_the_first_or_by_host(database: Database) -> None:
    first = [an_image(f"http://a/{number}", position=number) for number in range(LOOK_AHEAD - 1)]
    others = [an_image(f"http://{host}/9", position=LOOK_AHEAD + number) for number, host in enumerate(["c", "b", "a"])]
    await database.images.insert_many([*first, *others])
    request_id = others[0].request_id
    assert await database.images.due(request_id, 10, without_hosts=["a"]) == others[:1]
    assert await database.images.due_by_host(request_id, 10, without_hosts=["a"]) == [others[1], others[0]]
    assert await database.images.due_by_host(request_id, 10, without_hosts=["a"], after_host="b") == others[:1]
    assert await database.images.due_by_host(request_id, 10, without_hosts=["c"], after_host="b") == []
    assert await database.images.due_at_hosts(request_id, 10, hosts=["b", "c", "z"]) == others[:2]
    assert await database.images.due_at_hosts(request_id, 2, hosts=["a"]) == first[:2]
    assert await database.images.due_at_hosts(request_id, 10, hosts=[]) == []


async def test_a_retried_image_keeps_its_place_in_the_catalogue(database: Database) -> None:
    late, early = an_image("http://a/1", position=2), an_image("http://a/2", position=1)
    await database.images.insert_many([late, early])
    for image in (late, early):
        await database.images.record(failed(image))
    async for _ in database.images.retry_failed(late.request_id, 2):
        pass
    assert [image.position for image in await database.images.due(late.request_id, 10)] == [1, 2]
    ended = await database.images.record(failed(early))
    assert ended.ended_earlier is not None
    assert ended.ended_earlier.position == 1


async def test_dispatched_images_are_listed(database: Database, clock: MovableClock) -> None:
    first, second, waiting, ended = (
        an_image(f"http://{host}/1", host, losses=losses) for host, losses in (("a", 0), ("b", 2), ("c", 0), ("d", 0))
    )
    await database.images.insert_many([first, second, waiting, ended])
    assert await database.images.dispatched() == []
    await database.images.mark_dispatched([first, ended])
    await database.images.record(compressed(ended, dispatch=1))
    later = clock.advance(60)
    await database.images.mark_dispatched([second])
    dispatched = await database.images.dispatched()
    assert sorted(dispatched, key=lambda each: each.host) == [
        DispatchedImage("a", first.image_id, "a", round=1, dispatch=1, losses=0, dispatched_at=NOW),
        DispatchedImage("b", second.image_id, "b", round=1, dispatch=1, losses=2, dispatched_at=later),
    ]


async def test_due_images_are_pending_and_belong_to_the_request(database: Database) -> None:
    mine = [an_image(f"http://a/{number}", "a") for number in range(4)]
    await database.images.insert_many([*mine, an_image("http://a/1", "aa"), an_image("http://a/1", "b")])
    await database.images.record(compressed(mine[0]))
    await database.images.mark_dispatched([mine[1]])
    assert {image.url for image in await database.images.due("a", 10)} == {"http://a/2", "http://a/3"}


async def test_images_that_lost_a_worker_can_be_left_out(database: Database) -> None:
    healthy, lost, lost_again = (an_image(f"http://a/{number}", losses=number) for number in range(3))
    await database.images.insert_many([healthy, lost, lost_again])
    assert await database.images.due(healthy.request_id, 10, without_losses=True) == [healthy]
    await database.images.mark_dispatched([healthy, lost])
    assert await database.images.due(healthy.request_id, 10, without_losses=True) == []
    assert await database.images.due(healthy.request_id, 10) == [lost_again]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["", "a", "b", "c"]),
        ({"without_hosts": ["b", "z"]}, ["", "a", "c"]),
        ({"without_hosts": [""]}, ["a", "b", "c"]),
    ],
)
async def test_due_images_of_given_hosts_are_left_out(
    database: Database, filters: dict[str, Any], expected: list[str]
) -> None:
    hosts = ["b", "a", "", "c"]
    await database.images.insert_many([an_image(f"http://{host}/1", host=host) for host in hosts])
    due = await database.images.due(an_image().request_id, 10, **filters)
    assert sorted(image.host for image in due) == expected
    by_host = await database.images.due_by_host(an_image().request_id, 10, **({"without_hosts": []} | filters))
    assert [image.host for image in by_host] == expected


async def test_marking_an_image_dispatched_counts_the_dispatch(database: Database) -> None:
    image = an_image()
    await database.images.insert_many([image])
    await database.images.mark_dispatched([image])
    assert await _only(database, image) == replace(image, state=ImageState.DISPATCHED, dispatch=1)
    assert await database.images.due(image.request_id, 10) == []


@pytest.mark.parametrize(
    ("stored", "marked"),
    [
        (an_image(state=ImageState.COMPRESSED), an_image()),
        (an_image(state=ImageState.FAILED), an_image()),
        (an_image(dispatch=1), an_image()),
        (an_image(dispatch=1), an_image(dispatch=2)),
        (an_image(round=2), an_image()),
    ],
    ids=["compressed", "failed", "dispatched since", "other dispatch", "next round"],
)
async def test_only_a_pending_image_of_that_dispatch_and_round_is_marked(
    database: Database, stored: Image, marked: Image
) -> None:
    await database.images.insert_many([stored])
    await database.images.mark_dispatched([marked])
    assert await _only(database, stored) == stored


async def test_marking_images_again_or_none_changes_nothing(database: Database) -> None:
    image = an_image()
    await database.images.insert_many([image])
    await database.images.mark_dispatched([])
    await database.images.mark_dispatched([image])
    await database.images.mark_dispatched([image])
    assert (await _only(database, image)).dispatch == 1


async def test_a_postponed_image_is_due_later(database: Database, clock: MovableClock) -> None:
    image, other = an_image("http://a/1", position=1), an_image("http://b/1", position=2)
    await database.images.insert_many([image, other])
    until = NOW + timedelta(minutes=15)
    await database.images.postpone([image], until)
    await database.images.postpone([], until)
    assert await database.images.due(image.request_id, 1) == [other]
    clock.advance(15 * 60)
    assert await database.images.due(image.request_id, 1) == [image]


async def test_an_image_whose_expiry_is_postponed_has_a_later_deadline(database: Database) -> None:
    tried, untried, other = (an_image(f"http://a/{number}", host="a") for number in range(3))
    await database.images.insert_many([tried, untried, other])
    await database.images.record(deferred(tried, delay=3600), deadline=NOW)
    [tried] = (await database.images.find(tried.request_id, [tried.image_id])).values()

    async def expired(deadline_by: datetime) -> list[Image]:
        return await database.images.expired("a", deadline_by=deadline_by, untried_since=NOW, limit=10)

    assert {image.image_id for image in await expired(NOW)} == {tried.image_id, untried.image_id, other.image_id}
    until = NOW + timedelta(minutes=15)
    await database.images.postpone_expiry([tried, untried], until)
    assert await expired(NOW) == [other]
    assert [image.deadline for image in await expired(until)] == [until, until, None]


async def test_an_image_that_was_dispatched_since_is_not_postponed(database: Database) -> None:
    image = an_image()
    await database.images.insert_many([image])
    await database.images.mark_dispatched([image])
    await database.images.record(deferred(image, dispatch=1, delay=0))
    pending = await _only(database, image)
    await database.images.postpone([image], NOW + timedelta(minutes=15))
    await database.images.postpone_expiry([image], NOW + timedelta(minutes=15))
    assert await database.images.due(image.request_id, 1) == [pending]


async def test_pending_and_dispatched_images_are_counted(database: Database) -> None:
    images = [an_image(f"http://{host}/{number}", host) for host in ("a", "b", "c") for number in range(3)]
    await database.images.insert_many(images)
    await database.images.record(compressed(images[0]))
    await database.images.mark_dispatched([*images[1:4], images[6]])
    await database.images.record(deferred(images[7], dispatch=1))  # pending, but not due
    assert Counter(each.host for each in await database.images.dispatched()) == {"a": 2, "b": 1, "c": 1}
    assert await database.images.requests_with_pending() == ["b", "c"]
    assert await database.images.count_pending() == 4


async def test_counts_of_an_empty_database_are_zero(database: Database) -> None:
    assert await database.images.dispatched() == []
    assert await database.images.requests_with_pending() == []
    assert await database.images.count_pending() == 0
    assert await database.images.return_lost(NOW) == 0
    assert await database.images.none_open("a")


async def test_an_unanswered_dispatch_is_made_pending_again(database: Database, clock: MovableClock) -> None:
    lost, recent, answered = [an_image(f"http://a/{number}") for number in range(3)]
    await database.images.insert_many([lost, recent, answered])
    await database.images.mark_dispatched([lost, answered])
    await database.images.record(compressed(answered, dispatch=1))
    later = clock.advance(60)
    await database.images.mark_dispatched([recent])
    assert await database.images.return_lost(later) == 1
    assert await database.images.return_lost(later) == 0
    assert await database.images.due(lost.request_id, 10) == [replace(lost, dispatch=1)]
    assert (await _only(database, recent)).state is ImageState.DISPATCHED


async def test_after_a_return_the_answers_to_both_dispatches_are_accepted(
    database: Database, clock: MovableClock
) -> None:
    slow, doubled = images = [an_image("http://a/1"), an_image("http://a/2")]
    await database.images.insert_many(images)
    await _dispatch(database, slow.request_id)
    await database.images.return_lost(clock.advance(1))
    await database.images.record(deferred(slow, dispatch=1, delay=0))  # the command was not lost after all
    waiting = await _only(database, slow)
    assert (waiting.state, waiting.dispatch, waiting.attempts) == (ImageState.PENDING, 1, 1)
    await _dispatch(database, doubled.request_id)
    ended = await database.images.record(compressed(doubled, dispatch=1))
    assert ended.image is not None
    assert ended.image.state is ImageState.COMPRESSED
    assert await database.images.record(compressed(doubled, dispatch=2, attempt=9)) == ended


async def test_after_a_new_dispatch_a_deferral_of_the_old_one_is_ignored(
    database: Database, clock: MovableClock
) -> None:
    image = an_image()
    await database.images.insert_many([image])
    await _dispatch(database, image.request_id)
    await database.images.return_lost(clock.advance(1))
    await _dispatch(database, image.request_id)
    again = await _only(database, image)
    assert (again.state, again.dispatch) == (ImageState.DISPATCHED, 2)
    assert await database.images.record(deferred(image, dispatch=1)) == Recorded(again, request_complete=False)
    lost = failed(image, dispatch=1, error_code=ErrorCode.WORKER_LOST)
    assert await database.images.record(lost) == Recorded(again, request_complete=False)
    recorded = await database.images.record(deferred(image, dispatch=2))
    assert recorded.image is not None
    assert recorded.image.attempts == 1


async def test_a_loss_of_a_worker_is_counted_once_and_uses_up_no_attempt(database: Database) -> None:
    image = an_image()
    await database.images.insert_many([image])
    await _dispatch(database, image.request_id)
    lost = deferred(image, dispatch=1, delay=0, error_code=ErrorCode.WORKER_LOST, counts=False, lost=True)
    waiting = replace(image, dispatch=1, losses=1)

    for _ in range(2):
        assert await database.images.record(lost) == Recorded(waiting, request_complete=False)
    assert (await database.images.record(deferred(image, dispatch=1))).image == waiting
    assert await database.images.due(image.request_id, 10) == [waiting]


async def test_an_image_fails_because_of_lost_workers(database: Database, clock: MovableClock) -> None:
    image = an_image(losses=2)
    await database.requests.insert(a_request(intake_open=False))
    await database.images.insert_many([image])
    await _dispatch(database, image.request_id)
    now = clock.advance(60)

    recorded = await database.images.record(failed(image, dispatch=1, error_code=ErrorCode.WORKER_LOST))

    assert recorded.request_complete
    assert recorded.image is not None
    assert (recorded.image.state, recorded.image.losses, recorded.image.ended_at) == (ImageState.FAILED, 2, now)


async def test_a_late_loss_does_not_change_an_image_in_a_terminal_state(database: Database) -> None:
    image = an_image()
    await database.requests.insert(a_request(intake_open=False))
    await database.images.insert_many([image])
    ended = await database.images.record(compressed(image, dispatch=1))
    for late in (deferred(image, counts=False, lost=True), failed(image, error_code=ErrorCode.WORKER_LOST)):
        assert await database.images.record(late) == ended
