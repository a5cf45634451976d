"""The table of the contenders."""

from benchmarks.peers.contenders import Turn
from benchmarks.peers.tables import peers_table


def test_shows_medians_of_speed_and_of_each_rounds_ratio() -> None:
    ours = [
        Turn(1, 1, {"finish": 0.5, "idle": 0}),
        Turn(4, 3, {"finish": 0.7, "idle": 1}),
        Turn(2, 2, {"finish": 0.6, "idle": 0}),
    ]
    turns = {"Celery": [Turn(2, 1), Turn(2, 1), Turn(2, 1)], "Imagemill": ours}

    celery, imagemill = peers_table(turns, 100).splitlines()[2:]

    assert [cell.strip() for cell in celery.split("|")[1:7]] == ["Celery", "50", "50, 50, 50", "1.00", "10.0", ""]
    assert [cell.strip() for cell in imagemill.split("|")[1:6]] == ["Imagemill", "50", "100, 25, 50", "1.00", "20.0"]
    assert "0.60 s from the last download" in imagemill
