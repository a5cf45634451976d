"""A tile sample consists of whole tiles from all over the picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.compressor.rate_control.tile_sampling import tile_sample
from tests.support.compressing import a_picture

TILE = 16


def numbered(columns: int, rows: int) -> Image.Image:
    """Each tile has its own value; the right and bottom margins are smaller than a tile."""
    values = np.arange(columns * rows, dtype=np.int32).reshape(rows, columns)
    tiles = np.kron(values, np.ones((TILE, TILE), dtype=np.int32))
    pixels = np.stack([tiles & 255, tiles >> 8, np.zeros_like(tiles)], axis=2).astype(np.uint8)
    return Image.fromarray(np.pad(pixels, ((0, 7), (0, 9), (0, 0)), constant_values=255))


def numbers_of(sample: Image.Image) -> list[int]:
    """The values of the tiles in a sample; each tile must be whole."""
    pixels = np.asarray(sample).astype(int)
    numbers = pixels[:, :, 0] + 256 * pixels[:, :, 1]
    tiles = numbers.reshape(sample.height // TILE, TILE, sample.width // TILE, TILE).swapaxes(1, 2)
    first = tiles[:, :, :1, :1]
    assert (tiles == first).all()
    assert (pixels[:, :, 2] == 0).all()  # no pixel from the margin
    return [int(number) for number in first.ravel()]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_a_sample_has_about_the_requested_number_of_distinct_tiles(columns: int, rows: int, tiles: int) -> None:
    picture = numbered(columns, rows)

    sample = tile_sample(picture, tiles)

    count = columns * rows
    if count < 24:
        assert sample is picture
        return
    numbers = numbers_of(sample)
    assert len(numbers) == len(set(numbers))
    assert set(numbers) <= set(range(count))
    assert min(tiles, count // 3) - 2 <= len(numbers) <= max(2, min(max(tiles, count // 20), count // 3))


def test_every_part_of_the_picture_is_sampled() -> None:
    columns = rows = 60

    numbers = numbers_of(tile_sample(numbered(columns, rows), 200))

    quarters = {(number // columns // 15, number % columns // 15) for number in numbers}
    assert len(quarters) == 16


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBX"])
def test_every_jpeg_mode_can_be_sampled(mode: str) -> None:
    picture = a_picture("RGB", (200, 200)).convert(mode)

    sample = tile_sample(picture)

    assert sample.mode == mode
    assert sample.width == 2 * TILE
    assert sample.height % TILE == 0
