"""PNG: without loss if that is enough, else true colour in steps, else a palette of fewer and fewer colours."""

from PIL import Image

from services.compressor.decoders import Picture, drop_opaque_alpha, is_grey_profile, to_basic_mode
from services.compressor.encoders.palette import (
    ALL_COLOURS,
    COLOURS,
    STEP_OF_COLOURS,
    STEPPED,
    Reduction,
    colours_of_quality,
    in_steps,
    lowest_colours,
    predict_packed_sizes,
    strip_sample,
)
from services.compressor.encoders.png.animated_ladder import animated_png_ladder
from services.compressor.encoders.png.png_file import write_png
from services.compressor.rate_control import Ladder

_MANY_PIXELS = 32_000_000
_FEW_STEPS = {colours: step for colours, step in STEP_OF_COLOURS.items() if step in (4, 8)}  # each encode takes seconds


def png_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Its rungs are numbers of colours, the last one being no loss."""
    if picture.animation:
        return animated_png_ladder(picture, picture.animation)
    png = _Png(picture)
    return Ladder(png.rungs, png.encode, png.expected_sizes, colours_of_quality, has_quality=False)


class _Png:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._image = drop_opaque_alpha(picture.image)
        self._base = _reducible(picture.image)
        self._reduction = None if self._base is None else Reduction(self._base)
        self.rungs = [ALL_COLOURS]
        if self._base is not None and self._reduction is not None:
            self.rungs = [*_worth_trying(self._base, self._reduction), ALL_COLOURS]

    def encode(self, colours: int) -> bytes:
        return write_png(self._picture, self._reduced(self._image, self._base, colours))

    def expected_sizes(self, limit: int) -> list[float]:
        image = strip_sample(self._image)
        base = self._base and strip_sample(self._base)
        bare = Picture(image, "png")
        share = image.height / self._image.height

        def packed(colours: int) -> int:
            return len(write_png(bare, self._reduced(image, base, colours), sample=share))

        return predict_packed_sizes(self.rungs, limit, share, packed)

    def _reduced(self, image: Image.Image, base: Image.Image | None, colours: int) -> Image.Image:
        """The picture or a sample of it, as it is and as it can be reduced, in so many colours."""
        if base is None or self._reduction is None or colours > max(STEP_OF_COLOURS):
            return image
        if colours in STEP_OF_COLOURS and base.mode in STEPPED:
            return in_steps(base, STEP_OF_COLOURS[colours])
        if colours > COLOURS[-1]:
            return image
        reduced = self._reduction.palette(colours).applied_to(base)
        # A profile for grey may not stand in a palette PNG, whose entries are RGB.
        return reduced.convert(base.mode) if is_grey_profile(self._picture.icc_profile) else reduced


def _reducible(image: Image.Image) -> Image.Image | None:
    if image.mode == "1":
        return None
    if image.mode == "I;16" and "transparency" in image.info:
        return None  # a 16-bit colour key cannot be told apart in 8 bits
    image = to_basic_mode(image)
    return image.convert("RGB") if image.mode == "RGBX" else image


def _worth_trying(base: Image.Image, reduction: Reduction) -> list[int]:
    """The palettes that lose colours, and those steps that lose less than the largest palette."""
    palettes = [colours for colours in COLOURS if colours >= lowest_colours(base)]
    seen = base.getcolors(COLOURS[-1])
    if seen is not None:
        return [colours for colours in palettes if colours < len(seen)]
    if base.mode not in STEPPED:
        return palettes
    wrong = reduction.palette(COLOURS[-1]).error
    steps = STEP_OF_COLOURS if base.width * base.height <= _MANY_PIXELS else _FEW_STEPS
    return palettes + [colours for colours, step in sorted(steps.items()) if step * step / 12 <= wrong + 1]
