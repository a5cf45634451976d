"""Speed over time."""

from benchmarks.million import State, million_table, rates


def a_state(seconds: float, images: int) -> State:
    return State(seconds, images, {"gateway": 100_000_000}, 3_000_000, 2_000_000, 7)


def test_speeds_are_taken_over_half_a_minute() -> None:
    states = [a_state(5.0 * number, 100 * number) for number in range(13)]

    assert [(rate.seconds, rate.megabytes) for rate in rates(states)] == [(30, 20), (60, 20)]


def test_the_table_has_a_line_for_each_tenth() -> None:
    lines = million_table([a_state(5.0 * number, 100 * number) for number in range(21)]).splitlines()[2:]

    assert len(lines) == 10
    assert [cell.strip() for cell in lines[0].split("|")[1:7]] == ["200", "0.2", "20", "5", "7", "100"]
