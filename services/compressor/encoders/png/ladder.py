"""PNG: lossless if that is enough, else true colour in coarser steps, else a palette of fewer and fewer colours."""

from PIL import Image

from services.compressor.decoders import Picture, drop_opaque_alpha, is_grey_profile, to_basic_mode
from services.compressor.encoders.palette import (
    ALL_COLOURS,
    COLOURS,
    STEP_OF_COLOURS,
    STEPPED,
    Reduction,
    colours_of_quality,
    count_colours,
    lowest_colours,
    predict_sizes_by_colours,
    round_colours,
    strip_sample,
)
from services.compressor.encoders.png.animated_ladder import animated_png_ladder
from services.compressor.encoders.png.png_file import write_png
from services.compressor.rate_control import Ladder

_MANY_PIXELS = 32_000_000
# Fewer rungs for pictures of many pixels, each of whose encodes takes seconds.
_FEW_STEPS = {colours: step for colours, step in STEP_OF_COLOURS.items() if step in (4, 8)}


def png_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Rungs are numbers of colours; the last rung is lossless."""
    if picture.animation:
        return animated_png_ladder(picture, picture.animation)
    png = _Png(picture)
    return Ladder(
        png.rungs,
        png.encode,
        png.expected_sizes,
        colours_of_quality,
        has_quality=False,
        own_colours=png.own_colours,
    )


class _Png:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._image = drop_opaque_alpha(picture.image)
        self._reducible = _reducible_image(picture.image)
        self._reduction = None if self._reducible is None else Reduction(self._reducible)
        self.rungs = [ALL_COLOURS]
        if self._reducible is not None and self._reduction is not None:
            self.rungs = [*_lossy_rungs(self._reducible, self._reduction), ALL_COLOURS]
        self._few = picture.few_colours() if picture.few_colours else None
        self.own_colours = None if self._few is None else count_colours(self._few)
        if self.own_colours is not None:
            self.rungs = [self.own_colours, *(rung for rung in self.rungs if rung > self.own_colours)]

    def encode(self, colours: int) -> bytes:
        if self._few and colours == self.own_colours:
            return write_png(self._picture, self._few)
        return write_png(self._picture, self._reduced(self._image, self._reducible, colours))

    def expected_sizes(self, limit: int) -> list[float]:
        image = strip_sample(self._image)
        reducible = self._reducible and strip_sample(self._reducible)
        bare = Picture(image, "png")
        share = image.height / self._image.height
        few = self._few and strip_sample(self._few)

        def sample_bytes(colours: int) -> int:
            if few and colours == self.own_colours:
                return len(write_png(bare, few, sample=share))
            return len(write_png(bare, self._reduced(image, reducible, colours), sample=share))

        return predict_sizes_by_colours(self.rungs, limit, share, sample_bytes)

    def _reduced(self, image: Image.Image, reducible: Image.Image | None, colours: int) -> Image.Image:
        """A picture in at most `colours` colours.

        image, reducible: the picture (or a sample of it) as opened, and in a mode whose colours can be reduced.
        """
        if reducible is None or self._reduction is None or colours > max(STEP_OF_COLOURS):
            return image
        if colours in STEP_OF_COLOURS and reducible.mode in STEPPED:
            return round_colours(reducible, STEP_OF_COLOURS[colours])
        if colours > COLOURS[-1]:
            return image
        reduced = self._reduction.palette(colours).applied_to(reducible)
        # A grey profile is invalid in a palette PNG, whose entries are RGB.
        return reduced.convert(reducible.mode) if is_grey_profile(self._picture.icc_profile) else reduced


def _reducible_image(image: Image.Image) -> Image.Image | None:
    if image.mode == "1":
        return None
    if image.mode == "I;16" and "transparency" in image.info:
        return None  # in 8 bits other values would equal the 16-bit colour key
    image = to_basic_mode(image)
    return image.convert("RGB") if image.mode == "RGBX" else image


def _lossy_rungs(reducible: Image.Image, reduction: Reduction) -> list[int]:
    """The palettes that lose colours, and the true-colour steps that lose less than the largest palette."""
    palettes = [colours for colours in COLOURS if colours >= lowest_colours(reducible)]
    colour_counts = reducible.getcolors(COLOURS[-1])
    if colour_counts is not None:
        return [colours for colours in palettes if colours < len(colour_counts)]
    if reducible.mode not in STEPPED:
        return palettes
    # Rounding to multiples of a step has a mean squared error of step * step / 12.
    palette_error = reduction.palette(COLOURS[-1]).error
    steps = STEP_OF_COLOURS if reducible.width * reducible.height <= _MANY_PIXELS else _FEW_STEPS
    return palettes + [colours for colours, step in sorted(steps.items()) if step * step / 12 <= palette_error + 1]
