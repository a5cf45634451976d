"""Who may use a worker process."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.compressor.lanes import SLOW_SECONDS, Lanes, Moved, Stop, Work

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
    assert lanes.look_again_at(0) is None
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
