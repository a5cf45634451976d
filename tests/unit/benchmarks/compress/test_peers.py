"""The peers of the compression benchmark work as described."""

import io

import pytest
from PIL import Image

from benchmarks.compress.drawn import product
from benchmarks.compress.peers import fixed_quality_save, quality_search


def _jpeg(quality: int) -> bytes:
    out = io.BytesIO()
    product((96, 80), 1).save(out, "JPEG", quality=quality)
    return out.getvalue()


ORIGINAL = _jpeg(92)


def _saved(quality: int, *, optimize: bool) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(ORIGINAL)) as image:
        image.save(out, "JPEG", quality=quality, optimize=optimize)
    return out.getvalue()


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("percent", [35, 50, 80])
def test_the_search_finds_the_highest_quality_that_fits(percent: int, optimize: bool) -> None:
    limit = len(ORIGINAL) * percent // 100
    fitting = [data for quality in range(1, 96) if len(data := _saved(quality, optimize=optimize)) <= limit]

    assert quality_search(ORIGINAL, limit, optimize=optimize) == (fitting[-1] if fitting else None)


def test_the_search_returns_none_if_nothing_fits() -> None:
    assert quality_search(ORIGINAL, 300) is None


def test_the_fixed_quality_save_uses_quality_50() -> None:
    assert fixed_quality_save(ORIGINAL) == _saved(50, optimize=False)
