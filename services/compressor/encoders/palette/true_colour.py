"""True colour in coarser steps, to fill the gap between 256 colours and lossless: half of a photograph's bytes.

Each channel is rounded to multiples of a whole step, so that the differences that PNG's filters compute are multiples
of the step too. Alpha is unchanged. Decision 0011 has figures.
"""

from PIL import Image

ALL_COLOURS = 1 << 24
"""The rung that means lossless."""

STEP_OF_COLOURS = {len(range(0, 256, step)) ** 3: step for step in (8, 7, 6, 5, 4, 3, 2)}
"""Number of colours to step, ascending. A wider step would look worse than a palette of 256 colours."""

STEPPED = frozenset({"RGB", "RGBA"})
"""Modes that can be rounded to steps. Grey has no more than 256 values anyway."""


def round_colours(image: Image.Image, step: int) -> Image.Image:
    """A picture in mode RGB or RGBA with its colours rounded to multiples of a step; a step of 1 changes nothing."""
    table = _rounded(step)
    if image.mode == "RGBA":
        return image.point(table * 3 + list(range(256)))
    return image.point(table * 3)


def _rounded(step: int) -> list[int]:
    """A lookup table of rounded values. White stays white."""
    return [255 if value > 255 - step / 2 else (value + step // 2) // step * step for value in range(256)]


def colours_of_quality(quality: int) -> int:
    """The rung for a quality from 1 to 95: lossless from 80, true colour in steps from 70, else a palette.

    23 colours for 30, 64 for 50, 120 for 69.
    """
    if quality >= 80:
        return ALL_COLOURS
    if quality >= 70:
        return sorted(STEP_OF_COLOURS)[(quality - 70) * len(STEP_OF_COLOURS) // 10]
    return max(2, round(256 * (quality / 100) ** 2))
