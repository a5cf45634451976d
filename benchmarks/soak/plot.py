"""Draws memory over time as an SVG."""

from collections.abc import Iterator, Sequence

from benchmarks.soak.run import Sample

_WIDTH, _HEIGHT = 860, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 130, 20, 40
_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2")
_LINES = 5


def plot(samples: Sequence[Sample]) -> str:
    return "\n".join(_elements(samples)) + "\n"


def _elements(samples: Sequence[Sample]) -> Iterator[str]:
    longest = max(sample.seconds for sample in samples) or 1
    highest = 1.1 * max(sample.megabytes for sample in samples)
    names = sorted({sample.name for sample in samples})
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    for number in range(_LINES + 1):
        level = highest * number / _LINES
        y = _y(level, highest)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" font-size="11" text-anchor="end">{level:.0f}</text>'
        x = _x(longest * number / _LINES, longest)
        minutes = longest * number / _LINES / 60
        yield f'<text x="{x}" y="{_HEIGHT - 20}" font-size="11" text-anchor="middle">{minutes:.1f}</text>'
    yield f'<text x="{_LEFT}" y="{_TOP - 6}" font-size="11">MB resident</text>'
    yield f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" font-size="11" text-anchor="end">minutes</text>'
    for name, colour in zip(names, _COLOURS, strict=False):
        own = [sample for sample in samples if sample.name == name]
        points = " ".join(f"{_x(each.seconds, longest)},{_y(each.megabytes, highest)}" for each in own)
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>'
        y = _y(own[-1].megabytes, highest) + 4
        yield f'<text x="{_WIDTH - _RIGHT + 6}" y="{y}" font-size="11" fill="{colour}">{name}</text>'
    yield "</svg>"


def _x(seconds: float, longest: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / longest, 1)


def _y(megabytes: float, highest: float) -> float:
    return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - megabytes / highest), 1)
