"""Predictions of the compressors' work, and what they have room for."""

import pytest

from services.gateway.dispatch.decoder_room import MAX_WINDOW, DecoderRoom, StageCounts

SLOTS = 2


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


def test_an_unproven_request_has_few_images_in_flight_and_each_result_adds_one() -> None:
    room = DecoderRoom()
    assert sent_until_full(room, "a", {}, download_seconds=10) == 6
    for number in range(1, 4):
        room.answered("a", 20, SLOTS)
        assert sent_until_full(room, "a", {}, download_seconds=10) == 6 + number
    assert proven("a", 20, 2_000).window("a", SLOTS) == MAX_WINDOW


def test_slow_results_halve_the_window() -> None:
    room = proven("a", 20)
    windows = []
    for _ in range(6):
        room.answered("a", 60_000, SLOTS)
        windows.append(room.window("a", SLOTS))
    assert windows == [53, 26, 13, 6, 4, 4]


def test_in_flight_is_the_work_of_a_download_and_half_a_second() -> None:
    room = proven("a", 20)
    assert sent_until_full(room, "a", {}, download_seconds=0.1) == 2 * 600 // 20


def test_a_full_queue_stops_all_but_the_least_images() -> None:
    room = proven("a", 20)
    for _ in range(100):
        room.answered("b", 20, SLOTS)
    assert sent_until_full(room, "c", {"a": StageCounts(0, 49), "b": StageCounts(0, 0)}) > 0
    assert sent_until_full(room, "c", {"a": StageCounts(0, 25), "b": StageCounts(0, 25)}) == 0


def test_slow_images_keep_all_processes_busy() -> None:
    room = proven("a", 2_000, 10)
    assert sent_until_full(room, "a", {}) == 4


def test_one_request_fills_at_most_half_of_a_queue() -> None:
    room = proven("slow", 60_000, 20)
    assert sent_until_full(room, "new", {"slow": StageCounts(0, 50)}) > 0


def test_without_compressors_only_the_window_counts() -> None:
    room = DecoderRoom()
    step, sent = room.open({"a": StageCounts(0, 1_000)}, 0, 0.1), 0
    while step.has_room("b"):
        step.sent("b")
        sent += 1
    assert sent == 6


def test_requests_that_ended_are_forgotten() -> None:
    room = proven("a", 200)
    room.forget_except({"b"})
    assert room.window("a", SLOTS) == 6
    assert room.predicted_ms("a") == pytest.approx(200, abs=1)
