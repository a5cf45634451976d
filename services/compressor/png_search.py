"""Shrink a PNG: without loss if that is enough, else to the most colours that fit."""

from functools import partial

from PIL import Image

from services.compressor.encoders import encode_png
from services.compressor.expected_size import COLOURS, palette_sizes
from services.compressor.palette import lowest_colours, reduce_colours
from services.compressor.picture import Picture
from services.compressor.png_chunks import colour_chunks
from services.compressor.quality_search import Encoding, Outcome, search

_ALL_COLOURS = 1 << 24


def search_png(picture: Picture, original: bytes, limit: int) -> Outcome:
    """The qualities of the outcome are numbers of colours."""
    encode = partial(encode_png, icc_profile=picture.icc_profile, colour_chunks=colour_chunks(original))
    lossless = Encoding(_ALL_COLOURS, encode(_without_idle_alpha(picture.image)))
    if len(lossless.data) <= limit:
        return Outcome(lossless, lossless, encodes=1)
    base = _eight_bit(picture.image)
    counts = _worth_trying(base) if base else []
    if base is None or not counts:
        return Outcome(None, lossless, encodes=1)

    grey_profile = (picture.icc_profile or b"")[16:20] == b"GRAY"

    def encode_reduced(colours: int) -> bytes:
        reduced = reduce_colours(base, colours)
        # A profile for grey may not stand in a palette PNG, whose entries are RGB.
        return encode(reduced.convert(base.mode) if grey_profile else reduced)

    expected = dict(zip(COLOURS, palette_sizes(len(lossless.data), len(base.getbands())), strict=True))
    found = search(encode_reduced, limit, counts, [expected[colours] for colours in counts])
    smallest = min(found.smallest, lossless, key=lambda encoding: len(encoding.data))
    return Outcome(found.fitting, smallest, found.encodes + 1)


def _worth_trying(base: Image.Image) -> list[int]:
    """The palettes from the smallest up to the first that holds every colour there is."""
    seen = len(base.getcolors(COLOURS[-1]) or ()) or _ALL_COLOURS
    enough = next((colours for colours in COLOURS if colours >= seen), COLOURS[-1])
    return [colours for colours in COLOURS if lowest_colours(base) <= colours <= enough]


def _eight_bit(image: Image.Image) -> Image.Image | None:
    """In mode L, LA, RGB or RGBA, or None if there is nothing to reduce."""
    if image.mode == "1":
        return None
    if image.mode == "I;16":
        # A 16-bit colour key cannot be told apart in 8 bits.
        return None if "transparency" in image.info else image.point(lambda value: value / 256).convert("L")
    if image.mode == "P":
        return _without_idle_alpha(image.convert("RGBA"))
    if "transparency" in image.info:
        return _without_idle_alpha(image.convert("LA" if image.mode == "L" else "RGBA"))
    return _without_idle_alpha(image)


def _without_idle_alpha(image: Image.Image) -> Image.Image:
    """Without an alpha channel in which every pixel is opaque."""
    if "A" not in image.getbands() or image.getchannel("A").getextrema() != (255, 255):
        return image
    return image.convert(image.mode.removesuffix("A"))
