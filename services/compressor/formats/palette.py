"""Reduce a picture to a palette: the lossy step that PNG has.

Pillow's quantiser for RGBA mixes colour and opacity, and lets the background shine through what is opaque. So opaque
and translucent pixels get entries of their own here: opaque stays opaque, clear stays clear.
"""

from PIL import Image, ImageChops, ImageStat

_EXACT_PIXELS = 16_000_000


def colours_of_quality(quality: int) -> int:
    """The number of colours that stands for a quality from 1 to 95: 230 for 95, 64 for 50, 23 for 30."""
    return max(2, round(256 * (quality / 100) ** 2))


def lowest_colours(image: Image.Image) -> int:
    """The fewest colours that `reduce_colours` can make do with."""
    return 4 if "A" in image.getbands() else 2


def reduce_colours(image: Image.Image, colours: int) -> Image.Image:
    """A palette picture of at most so many colours, from one in mode L, LA, RGB or RGBA."""
    if "A" in image.getbands():
        return _reduce_with_alpha(image.convert("RGBA"), colours)
    return _quantize(image, colours)


def _quantize(image: Image.Image, colours: int) -> Image.Image:
    """By median cut; that takes seconds for a huge picture, which the octree does at once and less well."""
    exact = image.width * image.height <= _EXACT_PIXELS
    return image.quantize(colours, Image.Quantize.MEDIANCUT if exact else Image.Quantize.FASTOCTREE)


def _reduce_with_alpha(image: Image.Image, colours: int) -> Image.Image:
    alpha = image.getchannel("A")
    opaque = alpha.point(lambda value: 255 * (value == 255))
    clear = alpha.point(lambda value: 255 * (value == 0))
    translucent = ImageChops.invert(ImageChops.lighter(opaque, clear))
    for_translucent = _share(_area(translucent), _area(opaque), colours - 1)

    solid = _quantize(_only(image, opaque).convert("RGB"), colours - 1 - for_translucent)
    indices, entries = _indices(solid), _entries(solid)
    if for_translucent:
        soft = _only(image, translucent).quantize(for_translucent, Image.Quantize.FASTOCTREE)
        offset = len(entries) // 4
        indices.paste(_indices(soft).point(lambda index: index + offset), mask=translucent)
        entries += _entries(soft)
    indices.paste(len(entries) // 4, mask=clear)
    reduced = Image.frombytes("P", image.size, indices.tobytes())
    reduced.putpalette(entries + bytes(4), "RGBA")
    return reduced


def _area(mask: Image.Image) -> int:
    return mask.histogram()[255]


def _share(translucent: int, opaque: int, entries: int) -> int:
    """How many of the entries the translucent pixels get: by their number, but an eighth at least for soft edges."""
    if not translucent:
        return 0
    fair = round(entries * translucent / (translucent + opaque))
    return min(max(fair, entries // 8, 1), entries - 1)


def _only(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture where the mask is, and the mean colour of that part elsewhere, so that the rest costs no entries."""
    if not _area(mask):
        return image
    mean = tuple(round(value) for value in ImageStat.Stat(image, mask).mean)
    return Image.composite(image, Image.new(image.mode, image.size, mean), mask)


def _indices(palette_image: Image.Image) -> Image.Image:
    return Image.frombytes("L", palette_image.size, palette_image.tobytes())


def _entries(palette_image: Image.Image) -> bytes:
    """The entries in use, as RGBA."""
    used = max(index for index, count in enumerate(palette_image.histogram()) if count) + 1
    return bytes(palette_image.getpalette("RGBA") or ())[: 4 * used]
