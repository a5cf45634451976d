"""Rows that are decoded from restart markers equal those of the whole picture."""

import numpy as np
import pytest
from PIL import Image

from services.compressor.decoders.jpeg_rows import RESTART_ROWS, rows_between_restarts
from tests.support.compressing import a_picture, decoded, encoded

UNIT_ROWS = {"4:4:4": 8, "4:2:2": 8, "4:2:0": 16}


def a_jpeg(subsampling: str = "4:2:0", height: int = 300, rows: int = RESTART_ROWS, **save: object) -> bytes:
    restarts = rows // UNIT_ROWS[subsampling]
    picture = a_picture(size=(170, height), noise=60)
    return encoded(picture, "JPEG", subsampling=subsampling, restart_marker_rows=restarts, **save)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("height", [65, 128, 300])
@pytest.mark.parametrize("subsampling", UNIT_ROWS)
def test_rows_equal_those_of_the_whole_picture(subsampling: str, height: int, optimize: bool) -> None:
    jpeg = a_jpeg(subsampling, height, optimize=optimize)
    rows, whole = rows_between_restarts(jpeg), pixels(decoded(jpeg))

    assert rows is not None
    for start in range(0, height, RESTART_ROWS):
        inner = range(start + 2, min(start + RESTART_ROWS, height) - 2)
        if inner:
            assert np.array_equal(rows.decode(inner.start, len(inner))[..., :3], whole[inner.start : inner.stop])


def test_rows_of_several_intervals_are_joined() -> None:
    jpeg = a_jpeg("4:4:4")
    rows = rows_between_restarts(jpeg)

    assert rows is not None
    assert np.array_equal(rows.decode(50, 200)[..., :3], pixels(decoded(jpeg))[50:250])


def test_a_grey_picture_has_equal_channels() -> None:
    jpeg = encoded(a_picture("L", (90, 200), noise=60), "JPEG", restart_marker_rows=8)
    rows = rows_between_restarts(jpeg)

    assert rows is not None
    assert np.array_equal(rows.decode(70, 20)[..., :3], pixels(decoded(jpeg))[70:90])


@pytest.mark.parametrize(
    "jpeg",
    [
        a_jpeg(rows=0),
        a_jpeg(rows=RESTART_ROWS // 2),
        a_jpeg(progressive=True),
        a_jpeg() + b"more",
        a_jpeg()[:-2],
        b"\xff\xd8\xff\xd9",
    ],
)
def test_other_jpegs_have_no_such_rows(jpeg: bytes) -> None:
    assert rows_between_restarts(jpeg) is None
