"""Predictions of the compressors' work, and what they have room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.dispatch.decoder_room import MAX_WINDOW, DecoderRoom, StageCounts

SLOTS = 2
IMAGES = st.integers(0, 30)
MILLISECONDS = st.integers(0, 2_000)


def sent_until_full(
    room: DecoderRoom, request: str, counts: dict[str, StageCounts], download_seconds: float = 0.1
) -> int:
    step, sent = room.open(counts, SLOTS, download_seconds), 0
    while step.has_room(request):
        step.sent(request)
        sent += 1
    return sent


def proven(request: str, decoder_ms: int, results: int = 100) -> DecoderRoom:
    room = DecoderRoom()
    for _ in range(results):
        room.answered(request, decoder_ms, SLOTS)
    return room


def test_a_prediction_follows_the_results_of_the_request() -> None:
    room = DecoderRoom()
    assert room.predicted_ms("a") == 50
    room.answered("a", 400, SLOTS)
    assert room.predicted_ms("a") == 400
    assert 50 < room.predicted_ms("b") < 400
    for _ in range(20):
        room.answered("a", 100, SLOTS)
    assert room.predicted_ms("a") == pytest.approx(100, abs=2)
    for _ in range(20):
        room.answered("a", 60_000, SLOTS)
    assert room.predicted_ms("a") > 50_000
    assert room.predicted_ms("b") == 1_000


def test_an_unproven_request_has_few_images_in_flight_and_each_result_adds_two() -> None:
    room = DecoderRoom()
    assert sent_until_full(room, "a", {}, download_seconds=10) == 3
    for number in range(1, 4):
        room.answered("a", 20, SLOTS)
        assert sent_until_full(room, "a", {}, download_seconds=10) == 3 + 2 * number
    assert proven("a", 20, 2_000).window("a", SLOTS) == MAX_WINDOW


def test_downloads_that_take_long_do_not_occupy_the_window() -> None:
    room = DecoderRoom()
    assert sent_until_full(room, "a", {"a": StageCounts(downloading=2, compressing=0)}) == 1
    assert sent_until_full(room, "a", {"a": StageCounts(downloading=2, compressing=0, taking_long=2)}) == 3


def test_images_that_no_process_tried_say_nothing_about_the_pictures() -> None:
    room = DecoderRoom()
    room.answered("a", 400, SLOTS)
    others = room.predicted_ms("b")
    for _ in range(100):
        room.untried("a", SLOTS)
        room.untried("missing", SLOTS)
    assert room.predicted_ms("a") == 400
    assert room.predicted_ms("b") == room.predicted_ms("missing") == others
    assert room.window("missing", SLOTS) == 4 * 3, "many missing images end soon, and few unproven ones start"
    for _ in range(10):
        room.answered("a", 20, SLOTS)
    before = room.window("a", SLOTS)
    room.untried("a", SLOTS)
    assert room.window("a", SLOTS) == before


def test_copied_results_count_for_their_request_only() -> None:
    room = DecoderRoom()
    for _ in range(20):
        room.copied("a", SLOTS)
    assert room.predicted_ms("a") == 0
    assert room.window("a", SLOTS) == 43
    assert room.predicted_ms("b") == 50


def test_slow_results_halve_the_window() -> None:
    room = proven("a", 20)
    windows = []
    for _ in range(6):
        room.answered("a", 60_000, SLOTS)
        windows.append(room.window("a", SLOTS))
    assert windows == [101, 50, 25, 12, 6, 4]


@pytest.mark.parametrize(("download_seconds", "images"), [(0.1, 35), (1.0, 125), (60.0, 125)])
def test_in_flight_is_the_work_of_a_download_and_a_queue(download_seconds: float, images: int) -> None:
    assert sent_until_full(proven("a", 20), "a", {}, download_seconds) == images


def test_a_full_queue_stops_all_requests() -> None:
    room = proven("a", 20)
    for _ in range(100):
        room.answered("b", 20, SLOTS)
    assert sent_until_full(room, "c", {"a": StageCounts(0, 29), "b": StageCounts(0, 0)}) == 3
    assert sent_until_full(room, "c", {"a": StageCounts(0, 16), "b": StageCounts(0, 16)}) == 0


def test_whatever_the_predictions_one_image_more_than_the_processes_is_in_flight() -> None:
    assert sent_until_full(proven("a", 2_000, 10), "a", {}) == 3


def test_images_in_the_slow_lane_occupy_the_window_and_leave_room_to_others() -> None:
    room = proven("slow", 60_000, 10)
    counts = {"slow": StageCounts(0, 1, slow=2)}
    assert sent_until_full(room, "slow", counts) == 1
    assert sent_until_full(room, "new", counts) > 0


def test_requests_of_slow_pictures_wait_while_the_slow_lane_has_eight_for_each_place() -> None:
    room = proven("slow", 20)
    room.became_slow("slow", SLOTS)
    assert sent_until_full(room, "slow", {"other": StageCounts(0, 0, slow=15)}) > 0
    full = {"other": StageCounts(0, 0, slow=16)}
    assert sent_until_full(room, "slow", full) == 0
    assert sent_until_full(room, "new", full) == 3
    room.answered("slow", 20, SLOTS)
    assert sent_until_full(room, "slow", full) > 0, "its other pictures are fast"


@pytest.mark.parametrize(("slots", "slow"), [(0, 16), (1, 8), (10, 80), (20, 100), (150, 150)])
def test_the_slow_lane_has_a_part_of_the_window_and_enough_for_its_places(slots: int, slow: int) -> None:
    assert DecoderRoom(100).max_slow(slots) == slow


def test_the_slow_lane_says_at_once_what_the_result_says_later() -> None:
    room = DecoderRoom()
    for _ in range(5):
        room.answered("a", 20, SLOTS)
    room.became_slow("a", SLOTS)
    assert room.window("a", SLOTS) == 6
    assert room.predicted_ms("a") == 1_000


def test_one_request_fills_at_most_half_of_a_queue() -> None:
    room = proven("slow", 60_000, 20)
    assert sent_until_full(room, "new", {"slow": StageCounts(0, 50)}) > 0


@given(counts=st.dictionaries(st.sampled_from("abc"), st.builds(StageCounts, IMAGES, IMAGES)), decoder_ms=MILLISECONDS)
def test_where_there_is_no_room_at_all_no_request_has_room(counts: dict[str, StageCounts], decoder_ms: int) -> None:
    step = proven("a", decoder_ms).open(counts, SLOTS, 0.1)
    if step.is_full:
        assert not any(step.has_room(request) for request in "abcd")


def test_without_compressors_only_the_window_counts() -> None:
    room = DecoderRoom()
    step, sent = room.open({"a": StageCounts(0, 1_000)}, 0, 0.1), 0
    while step.has_room("b"):
        step.sent("b")
        sent += 1
    assert sent == 3


def test_requests_that_ended_are_forgotten() -> None:
    room = proven("a", 200)
    room.forget_except({"b"})
    assert room.window("a", SLOTS) == 3
    assert room.predicted_ms("a") == pytest.approx(200, abs=1)
