"""The dispatcher's rules together, in simulated time: processes stay busy, and newcomers wait little."""

import pytest

from tests.support.simulated_pipeline import Job, Pipeline

PHOTO_MS = 20


@pytest.mark.parametrize(("download_seconds", "started"), [(0.02, 0.5), (0.1, 1), (0.3, 2)])
def test_processes_are_busy_while_work_is_left(download_seconds: float, started: float) -> None:
    outcome = Pipeline([Job("a", [PHOTO_MS] * 400, download_seconds=download_seconds)]).run()
    assert outcome.busy_share(started, outcome.ended["a"] - 0.05) > 0.97


def test_images_of_different_cost_keep_the_processes_busy_too() -> None:
    costs = [10 + number * 37 % 190 for number in range(200)]
    outcome = Pipeline([Job("a", costs, download_seconds=0.1)]).run()
    assert outcome.busy_share(1, outcome.ended["a"] - 0.5) > 0.95


def test_pictures_of_two_seconds_keep_all_processes_busy() -> None:
    outcome = Pipeline([Job("a", [2_000] * 20)]).run()
    assert outcome.busy_share(0.1, outcome.ended["a"] - 0.1) > 0.97


@pytest.mark.parametrize("download_seconds", [0.05, 0.3])
def test_a_newcomer_waits_less_than_half_a_second_in_front_of_the_compressors(download_seconds: float) -> None:
    large = Job("large", [PHOTO_MS] * 500, download_seconds=download_seconds)
    outcome = Pipeline([large, Job("new", [PHOTO_MS] * 5, arrives=3)]).run()
    assert max(outcome.waits["new"]) < 0.5
    assert outcome.ended["new"] - 3 < 1


def test_a_newcomer_beside_many_requests_ends_soon() -> None:
    others = [Job(f"other-{number}", [PHOTO_MS] * 20) for number in range(50)]
    outcome = Pipeline([*others, Job("new", [PHOTO_MS] * 5, arrives=2)]).run()
    assert outcome.ended["new"] - 2 < 1


@pytest.mark.parametrize("arrives", [0, 0.5, 1, 3, 30])
def test_pictures_that_burn_a_minute_occupy_a_window_and_delay_others_by_seconds(arrives: float) -> None:
    outcome = Pipeline([Job("slow", [60_000] * 10), Job("new", [PHOTO_MS] * 5, arrives=arrives)]).run()
    assert outcome.most_in_flight["slow"] <= 4
    assert outcome.ended["new"] - arrives < 2.5


def test_slow_pictures_of_many_requests_do_not_gather_at_the_slow_lane() -> None:
    """It stays busy, and newcomers start at once. Without this rule 160 of them were there."""
    slow = [Job(f"slow-{number}", [60_000] * 20) for number in range(40)]
    outcome = Pipeline([*slow, Job("new", [PHOTO_MS] * 5, arrives=100)]).run()
    assert outcome.most_slow < 50
    assert max(outcome.ended.values()) < 18_000, "as without it"
    assert outcome.ended["new"] - 100 < 1


def test_a_fast_request_is_not_slowed_by_pictures_that_burn_a_minute() -> None:
    alone = Pipeline([Job("fast", [PHOTO_MS] * 300)]).run()
    beside = Pipeline([Job("slow", [60_000] * 10), Job("fast", [PHOTO_MS] * 300, arrives=5)]).run()
    assert beside.ended["fast"] - 5 < 1.5 * alone.ended["fast"]


def test_hosts_that_trickle_hold_no_room() -> None:
    trickling = [Job(f"trickling-{number}", [PHOTO_MS] * 30, download_seconds=60) for number in range(3)]
    alone = Pipeline([Job("fast", [PHOTO_MS] * 300)]).run()
    beside = Pipeline([*trickling, Job("fast", [PHOTO_MS] * 300, arrives=5)]).run()
    assert beside.ended["fast"] - 5 < 1.5 * alone.ended["fast"]
