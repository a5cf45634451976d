"""True colour in coarser steps: between 256 colours and no loss at all lies half of a photograph's bytes.

Each channel is rounded to multiples of a step. Whole steps, so that PNG's filters meet multiples of the step too.
Alpha stays as it is. Figures in decision 0011.
"""

from PIL import Image

ALL_COLOURS = 1 << 24
"""Stands for no loss."""

STEP_OF_COLOURS = {len(range(0, 256, step)) ** 3: step for step in (8, 7, 6, 5, 4, 3, 2)}
"""From the fewest colours: a wider step would look worse than 256 colours that were chosen for the picture."""


STEPPED = frozenset({"RGB", "RGBA"})
"""Modes that know steps. Of grey there are no more than 256 anyway."""


def in_steps(image: Image.Image, step: int) -> Image.Image:
    """A picture in mode RGB or RGBA whose colours are rounded; by steps of 1 they stay as they are."""
    table = _rounded(step)
    if image.mode == "RGBA":
        return image.point(table * 3 + list(range(256)))
    return image.point(table * 3)


def _rounded(step: int) -> list[int]:
    """White stays white."""
    return [255 if value > 255 - step / 2 else (value + step // 2) // step * step for value in range(256)]


def colours_of_quality(quality: int) -> int:
    """The rung that stands for a quality from 1 to 95: no loss from 80, true colour in steps from 70, else a palette.

    23 colours for 30, 64 for 50, 120 for 69.
    """
    if quality >= 80:
        return ALL_COLOURS
    if quality >= 70:
        return sorted(STEP_OF_COLOURS)[(quality - 70) * len(STEP_OF_COLOURS) // 10]
    return max(2, round(256 * (quality / 100) ** 2))
