"""A small picture made of tiles of a large one, to see how it compresses without compressing all of it."""

from PIL import Image

_TILE = 16  # a JPEG's unit with halved chrominance
_RUN = 2  # tiles side by side: what an encoder saves by looking at the neighbour is saved here too
_GOLDEN = 0.618034
_FEW = 24


def tile_sample(image: Image.Image, tiles: int = 200) -> Image.Image:
    """About `tiles` tiles of 16 x 16 pixels, spread evenly: never more than a third of them, nor less than a 48th.

    A picture of only a few tiles is its own sample. A palette stays behind.
    """
    rows, columns = image.height // _TILE, image.width // _TILE
    if rows * columns < _FEW:
        return image
    run = min(_RUN, columns)
    tiles = max(min(tiles, rows * columns // 3), rows * columns // 48)
    runs = columns // run
    count = max(1, tiles // run)
    # One run from each of `count` equal stretches, at a place in it that moves on by the golden ratio.
    chosen = [int((index + index * _GOLDEN % 1) * rows * runs / count) for index in range(count)]
    width = run * _TILE
    sample = Image.new(image.mode, (width, len(chosen) * _TILE))
    pixels, target = image.im, sample.im  # below Image.crop and Image.paste, which take longer than the copying
    for index, place in enumerate(chosen):
        row, column = divmod(place, runs)
        left, top = column * width, row * _TILE
        tile = pixels.crop((left, top, left + width, top + _TILE))
        target.paste(tile, (0, index * _TILE, width, (index + 1) * _TILE))
    return sample
