"""The table of latencies."""

from benchmarks.latency import STAGES, latency_table


def test_shows_median_and_99th_percentile_of_each_stage_and_of_the_whole() -> None:
    requests = [[0.001 * number] * len(STAGES) for number in range(101)]

    lines = latency_table(requests).splitlines()[2:]

    assert [[cell.strip() for cell in line.split("|")[1:4]] for line in lines] == [
        *([stage, "50", "99"] for stage in STAGES),
        ["upload to webhook", str(50 * len(STAGES)), str(99 * len(STAGES))],
    ]
