"""A small picture made of tiles of a large one, to see how it compresses without compressing all of it."""

from PIL import Image

_TILE = 16  # a JPEG's unit with halved chrominance
_RUN = 8  # tiles side by side: what an encoder saves by looking at the neighbour is saved here too
_GOLDEN = 0.381966  # spreads the runs of one row between those of the row above
_FEW = 24


def tile_sample(image: Image.Image, tiles: int = 300) -> Image.Image:
    """About `tiles` tiles of 16 x 16 pixels, spread evenly: never more than a third of them, nor less than a 48th.

    A picture of only a few tiles is its own sample. A palette stays behind.
    """
    rows, columns = image.height // _TILE, image.width // _TILE
    if rows * columns < _FEW:
        return image
    run = min(_RUN, columns)
    tiles = max(min(tiles, rows * columns // 3), rows * columns // 48)
    stride = max(1, rows * columns // tiles)
    runs = columns // run
    shift = max(1, int(stride * _GOLDEN))
    chosen = [(row, column) for row in range(rows) for column in range(runs) if (column + row * shift) % stride == 0]
    width = run * _TILE
    sample = Image.new(image.mode, (width, len(chosen) * _TILE))
    for index, (row, column) in enumerate(chosen):
        left, top = column * width, row * _TILE
        sample.paste(image.crop((left, top, left + width, top + _TILE)), (0, index * _TILE))
    return sample
