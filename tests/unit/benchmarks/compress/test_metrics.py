"""The metrics and tables of the compression benchmark."""

import io

import pytest
from PIL import Image

from benchmarks.compress.drawn import cut_out_product, product
from benchmarks.compress.metrics import middle, shown, ssim
from benchmarks.compress.tables import table

PICTURE = product((128, 96), 2)


def test_ssim_is_1_for_equal_pictures_and_lower_for_a_coarser_one() -> None:
    coarse = PICTURE.reduce(4).resize(PICTURE.size)

    assert ssim(PICTURE, PICTURE) == pytest.approx(1.0)
    assert ssim(PICTURE, coarse) < 0.9


def test_alpha_is_compared_on_white() -> None:
    out = io.BytesIO()
    cut_out = cut_out_product((128, 96), 2)
    cut_out.save(out, "PNG")

    assert shown(out.getvalue()) == PICTURE


def test_the_middle_is_aligned_with_blocks() -> None:
    wide = Image.new("RGB", (1021, 300))
    wide.paste("red", (240, 0, 240 + 512, 300))

    assert middle(wide).size == (512, 300)
    assert middle(wide).getcolors() == [(512 * 300, (255, 0, 0))]
    assert middle(PICTURE) == PICTURE


def test_tables_are_markdown_with_aligned_columns() -> None:
    assert table(("kind", "files"), [["jpeg", "191"]]).splitlines() == [
        "| kind | files |",
        "|------|------:|",
        "| jpeg |   191 |",
    ]
