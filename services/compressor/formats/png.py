"""PNG: without loss if that is enough, else with fewer colours."""

import io
from collections.abc import Sequence

from PIL import Image, PngImagePlugin

from services.compressor.fitting.expected_size import COLOURS, palette_sizes
from services.compressor.fitting.ladder import Ladder
from services.compressor.formats.palette import colours_of_quality, lowest_colours, reduce_colours
from services.compressor.opening.colours import plain, without_idle_alpha
from services.compressor.opening.picture import Picture

_ALL_COLOURS = 1 << 24
_BEST_DEFLATE_PIXELS = 1_000_000


def ladder(picture: Picture, original_bytes: int) -> Ladder:
    base = _reducible(picture.image)
    rungs = _worth_trying(base) if base else []
    grey_profile = (picture.icc_profile or b"")[16:20] == b"GRAY"

    def lossless() -> bytes:
        return _encode(picture, without_idle_alpha(picture.image))

    def reduced(colours: int) -> bytes:
        if base is None:
            raise ValueError("there is nothing to reduce")
        image = reduce_colours(base, colours)
        # A profile for grey may not stand in a palette PNG, whose entries are RGB.
        return _encode(picture, image.convert(base.mode) if grey_profile else image)

    def expected(_limit: int) -> Sequence[float]:
        sizes = dict(zip(COLOURS, palette_sizes(original_bytes, len(base.getbands()) if base else 1), strict=True))
        return [sizes[colours] for colours in rungs]

    return Ladder(rungs, reduced, expected, colours_of_quality, has_quality=False, lossless=lossless)


def _reducible(image: Image.Image) -> Image.Image | None:
    if image.mode == "1":
        return None
    if image.mode == "I;16" and "transparency" in image.info:
        return None  # a 16-bit colour key cannot be told apart in 8 bits
    return plain(image)


def _worth_trying(base: Image.Image) -> list[int]:
    """The palettes from the smallest up to the first that holds every colour there is."""
    seen = len(base.getcolors(COLOURS[-1]) or ()) or _ALL_COLOURS
    enough = next((colours for colours in COLOURS if colours >= seen), COLOURS[-1])
    return [colours for colours in COLOURS if lowest_colours(base) <= colours <= enough]


def _encode(picture: Picture, image: Image.Image) -> bytes:
    """Without loss. sRGB chunks are written only without an ICC profile.

    Deflate's best level takes ten times as long for a few per cent, so large pictures go without.
    """
    info = PngImagePlugin.PngInfo()
    for name, data in picture.colour_chunks:
        info.add(name, data)
    out = io.BytesIO()
    small = image.width * image.height <= _BEST_DEFLATE_PIXELS
    image.save(out, "PNG", optimize=small, icc_profile=picture.icc_profile, pnginfo=info)
    return out.getvalue()
