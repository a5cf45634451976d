"""Draws memory over time as an SVG."""

import math
from collections.abc import Iterator, Sequence

from benchmarks.soak.run import Sample

_WIDTH, _HEIGHT = 860, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 130, 20, 40
_COLOURS = ("#4269d0", "#b58900", "#e4572e", "#2a9d8f", "#3a7d34", "#8e44ad")
_MAX_LINES = 6
_LABEL_HEIGHT = 13.0
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def plot(samples: Sequence[Sample], unit: str = "MB resident") -> str:
    """An SVG: the samples of each name over time, by default the memory of each process."""
    return "\n".join(_elements(samples, unit)) + "\n"


def _elements(samples: Sequence[Sample], unit: str) -> Iterator[str]:
    minutes = _ticks(max(sample.seconds for sample in samples) / 60)
    megabytes = _ticks(max(sample.megabytes for sample in samples))
    longest, highest = 60 * minutes[-1], megabytes[-1]
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    for level in megabytes:
        y = _y(level, highest)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" font-size="11" text-anchor="end">{level}</text>'
    for minute in minutes:
        x = _x(60 * minute, longest)
        yield f'<text x="{x}" y="{_HEIGHT - 20}" font-size="11" text-anchor="middle">{minute}</text>'
    yield f'<text x="{_LEFT}" y="{_TOP - 6}" font-size="11">{unit}</text>'
    yield f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" font-size="11" text-anchor="end">minutes</text>'
    yield from _lines(samples, longest, highest)
    yield "</svg>"


def _lines(samples: Sequence[Sample], longest: float, highest: float) -> Iterator[str]:
    """A line for each process with its name at the end; names that would overlap are moved down."""
    names = {sample.name for sample in samples}
    series = {name: [sample for sample in samples if sample.name == name] for name in sorted(names)}
    colours = dict(zip(series, _COLOURS, strict=False))
    free = 0.0
    for name in sorted(series, key=lambda name: -series[name][-1].megabytes):
        points = " ".join(f"{_x(each.seconds, longest)},{_y(each.megabytes, highest)}" for each in series[name])
        yield f'<polyline fill="none" stroke="{colours[name]}" stroke-width="1.5" points="{points}"/>'
        y = max(free, _y(series[name][-1].megabytes, highest) + 4)
        free = y + _LABEL_HEIGHT
        yield f'<text x="{_WIDTH - _RIGHT + 6}" y="{y}" font-size="11" fill="{colours[name]}">{name}</text>'


def _ticks(largest: float) -> list[int]:
    """Round numbers from 0 to `largest` or just beyond."""
    step = next((step for step in _STEPS if step * _MAX_LINES >= largest), _STEPS[-1])
    return [step * number for number in range(math.ceil(largest / step) + 1)]


def _x(seconds: float, longest: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / longest, 1)


def _y(megabytes: float, highest: float) -> float:
    return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - megabytes / highest), 1)
