"""The table of the contenders' turns."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.compress.tables import table
from benchmarks.peers.contenders import Turn

_YARDSTICK = "Celery"
_NOTES = {
    "start": "{:.1f} s from its start to the first request",
    "finish": "{:.2f} s from the last download to the webhook",
    "idle": "{:.1f} s with the cores less than half busy",
}


def peers_table(turns: Mapping[str, Sequence[Turn]], images: int) -> str:
    """Medians over the rounds, and each round's speed. A ratio is the median of the rounds' own ratios."""
    return table(
        ("", "images/s", "rounds", f"of {_YARDSTICK}", "CPU ms per image", "notes (medians)"),
        [
            (
                name,
                f"{median(images / turn.wall for turn in own):.0f}",
                ", ".join(f"{images / turn.wall:.0f}" for turn in own),
                f"{median(them.wall / turn.wall for turn, them in zip(own, turns[_YARDSTICK], strict=True)):.2f}",
                f"{median(1000 * turn.cpu / images for turn in own):.1f}",
                _notes(own),
            )
            for name, own in turns.items()
        ],
    )


def _notes(turns: Sequence[Turn]) -> str:
    return "; ".join(_NOTES[key].format(median(turn.notes[key] for turn in turns)) for key in turns[0].notes)
