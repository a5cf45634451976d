"""Who may use a worker process."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compressor.lanes import SLOW_SECONDS, Lanes, Moved, Return, Stop, Work, deliveries
from tests.support.simulated_compressor import Picture, SimulatedCompressor

LIMIT = 60.0


def work(request_id: str = "a", *, slow: bool = False) -> Work:
    return Work(request_id, LIMIT, slow=slow)


def add(lanes: Lanes, *works: Work) -> None:
    for each in works:
        lanes.add(each)


def test_requests_have_turns_one_after_the_other() -> None:
    lanes, many, few = Lanes(1, 1), [work("many") for _ in range(3)], [work("few") for _ in range(2)]
    add(lanes, *many, *few)
    order = []
    while started := lanes.start(0):
        order += started
        lanes.leave(started[0])
    assert order == [many[0], few[0], many[1], few[1], many[2]]


def test_slow_work_that_others_wait_for_moves_to_the_slow_lane() -> None:
    lanes, slow, other = Lanes(1, 1), work("slow"), work("other")
    add(lanes, slow)
    assert lanes.start(0) == [slow]
    add(lanes, other)
    assert lanes.start(1) == []
    assert lanes.look_again_at(1) == SLOW_SECONDS
    assert lanes.make_room(SLOW_SECONDS - 0.1) is None
    assert lanes.make_room(SLOW_SECONDS) == Moved(slow)
    assert lanes.start(SLOW_SECONDS) == [other]
    assert lanes.make_room(SLOW_SECONDS) is None


def test_the_turn_of_slow_work_is_for_another_request() -> None:
    lanes, others = Lanes(1, 1), work("other")
    add(lanes, work("slow"), work("slow"), others)
    lanes.start(0)
    assert isinstance(lanes.make_room(SLOW_SECONDS), Moved)
    assert lanes.start(SLOW_SECONDS) == [others]


def test_nothing_moves_while_only_pictures_of_the_same_request_wait() -> None:
    lanes = Lanes(1, 1)
    add(lanes, work("a"), work("a"))
    lanes.start(0)
    assert lanes.make_room(30) is None


def test_each_slow_picture_is_named_once_although_nobody_waits() -> None:
    lanes, usual, returned = Lanes(1, 1), work(), work(slow=True)
    add(lanes, usual, returned)
    lanes.start(1)
    assert lanes.became_slow(1 + SLOW_SECONDS - 0.1) == []
    assert lanes.look_again_at(1) == 1 + SLOW_SECONDS
    assert lanes.became_slow(1 + SLOW_SECONDS) == [usual, returned]
    assert lanes.became_slow(30) == []
    assert lanes.look_again_at(30) is None


def test_the_start_of_a_process_does_not_make_a_picture_slow() -> None:
    lanes, picture = Lanes(1, 1), work("cold")
    add(lanes, picture, work("other"))
    lanes.start(0)
    picture.waits_for_process = True
    assert lanes.look_again_at(0) is None
    assert lanes.became_slow(5) == []
    assert lanes.make_room(5) is None
    lanes.begin(picture, 5)
    assert lanes.look_again_at(5) == 5 + SLOW_SECONDS
    assert lanes.make_room(5 + SLOW_SECONDS) == Moved(picture)


def test_slow_work_moves_if_the_broker_delivers_nothing_more() -> None:
    lanes, pictures = Lanes(2, 2), [work() for _ in range(deliveries(2))]
    add(lanes, *pictures[:-1])
    lanes.start(0)
    assert lanes.make_room(SLOW_SECONDS) is None
    add(lanes, pictures[-1])
    assert lanes.make_room(SLOW_SECONDS) == Moved(pictures[0])


def test_if_slow_work_occupies_all_places_a_waiting_picture_of_its_request_makes_room_for_a_delivery() -> None:
    lanes, pictures = Lanes(1, 1), [work() for _ in range(deliveries(1))]
    add(lanes, *pictures)
    lanes.start(0)
    assert lanes.make_room(2) == Moved(pictures[0])
    lanes.start(2)
    assert lanes.make_room(3) is None, "the second picture may be fast"
    assert lanes.make_room(4) == Return(pictures[-1])
    lanes.leave(pictures[-1])
    assert lanes.make_room(4) is None, "the next delivery may be of another request"
    other = work("other")
    add(lanes, other)
    assert lanes.make_room(4) == Return(pictures[-2])
    assert lanes.make_room(4) == Stop(pictures[1])
    lanes.leave(pictures[1])
    assert lanes.start(4) == [other]


def test_only_pictures_of_the_slow_requests_are_returned() -> None:
    lanes, slow = Lanes(1, 1), work("slow")
    add(lanes, work(slow=True), slow, *(work("other") for _ in range(deliveries(1) - 1)))
    lanes.start(0)
    assert lanes.make_room(2) == Stop(slow)
    assert lanes.make_room(2) is None


@pytest.mark.parametrize("limit", [8.0, 60.0])
@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("bad", [4, 8, 23, 60])
def test_a_photograph_behind_slow_pictures_of_another_request_ends_soon(bad: int, processes: int, limit: float) -> None:
    compressor = SimulatedCompressor(processes, limit)
    pictures = [Picture("bad", seconds=1000) for _ in range(bad)]
    photographs = [Picture("good", seconds=0.05) for _ in range(5)]
    compressor.run([*pictures, *photographs])
    assert max(each.ended_at for each in photographs) < 6 * SLOW_SECONDS
    for picture in pictures:
        assert picture.used <= limit + 0.1, "one time limit over all runs"
        assert picture.returns <= 2


@given(
    seconds=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.05, 10)), max_size=40), processes=st.integers(1, 3)
)
def test_every_picture_that_is_fast_enough_has_its_result(seconds: list[tuple[str, float]], processes: int) -> None:
    pictures = [Picture(request_id, each) for request_id, each in seconds]
    SimulatedCompressor(processes, LIMIT).run(pictures)
    assert all(each.has_result for each in pictures)


def test_without_a_slow_place_the_youngest_slow_work_is_stopped_unless_it_has_half_its_time_behind_it() -> None:
    lanes, old, young, later = Lanes(2, 1), work("old"), work("young"), work("later")
    add(lanes, work("slow", slow=True), old)
    lanes.start(0)
    add(lanes, young)
    lanes.start(5)
    add(lanes, later)
    assert lanes.make_room(10) == Stop(young)
    assert lanes.make_room(10) is None, "one waits, and one turn is about to be free"
    lanes.leave(young)
    assert lanes.start(10) == [later]
    lanes.leave(later)
    third = work("third")
    add(lanes, third, work("fourth"))
    assert lanes.start(40) == [third]
    assert lanes.make_room(40) is None
    assert lanes.make_room(43) == Stop(third), "the oldest may end by itself"


def test_stopped_work_waits_for_the_slow_lane_only() -> None:
    lanes, first, second = Lanes(2, 1), work(slow=True), work(slow=True)
    add(lanes, first, second)
    assert lanes.start(0) == [first]
    lanes.leave(second)
    lanes.leave(first)
    assert lanes.start(0) == []


@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans(), st.floats(0, 5)), max_size=60),
    usual=st.integers(1, 3),
    slow=st.integers(1, 3),
)
def test_no_lane_has_more_work_than_places_and_usual_work_never_waits_for_a_free_turn(
    steps: list[tuple[str, bool, bool, float]], usual: int, slow: int
) -> None:
    lanes, now, running, waiting = Lanes(usual, slow), 0.0, list[Work](), list[Work]()
    for request_id, is_slow, ends, seconds in steps:
        now += seconds
        if ends and running:
            lanes.leave(running.pop(0))
        else:
            each = work(request_id, slow=is_slow)
            waiting.append(each)
            lanes.add(each)
        while (action := lanes.make_room(now)) is not None:
            if isinstance(action, Stop):
                running.remove(action.work)
                lanes.leave(action.work)
            started = lanes.start(now)
            running += started
        running += lanes.start(now)
        waiting = [each for each in waiting if each.started_at is None]
        lanes_in_use = Counter(each.in_slow_lane for each in running)
        assert lanes_in_use[False] <= usual
        assert lanes_in_use[True] <= slow
        if any(not each.slow for each in waiting):
            assert lanes_in_use[False] == usual
