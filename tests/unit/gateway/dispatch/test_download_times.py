"""Averages of the times that downloads take."""

import pytest

from services.gateway.dispatch.download_times import DownloadTimes


def test_a_request_without_downloads_is_predicted_like_all_others() -> None:
    times = DownloadTimes()
    assert times.predicted("new") == times.seconds == 0.5
    for _ in range(50):
        times.ended("slow", 4)
        times.ended("quick", 0.1)
    assert times.predicted("slow") == pytest.approx(4)
    assert times.predicted("quick") == pytest.approx(0.1)
    assert 0.1 < times.predicted("new") < 4


def test_averages_follow_a_change() -> None:
    times = DownloadTimes()
    for _ in range(50):
        times.ended("r", 4)
    for _ in range(50):
        times.ended("r", 1)
    assert times.seconds == pytest.approx(1, abs=0.1)


def test_requests_are_forgotten() -> None:
    times = DownloadTimes()
    times.ended("kept", 4)
    times.ended("over", 9)
    times.forget_except({"kept"})
    assert times.predicted("kept") == 4
    assert times.predicted("over") == times.seconds
