"""Pixel modes: every mode is converted to one of a few, and white stays white."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.compressor.decoders import flatten_on_white, has_alpha, to_basic_mode
from tests.support.compressing import a_picture


@given(st.integers(0, 65535))
def test_16_bit_grey_rounds_to_the_nearest_8_bit_level(value: int) -> None:
    image = to_basic_mode(Image.fromarray(np.array([[value]], dtype=np.uint16)))

    assert image.mode == "L"
    assert image.getpixel((0, 0)) == (value + 128) // 257


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("F", [0.0, 0.5, 1.0], [0, 128, 255]),
        ("F", [0.0, 100.0, 255.0], [0, 100, 255]),
        ("F", [-1.0, 0.0, 1.0], [0, 128, 255]),
        ("F", [float("nan"), 0.0, 1.0], [0, 0, 255]),
        ("I", [0, 100, 255], [0, 100, 255]),
        ("I", [0, 32768, 65535], [0, 128, 255]),
        ("I", [0, 1 << 19, 1 << 20], [0, 128, 255]),
        ("I", [0, 0, 0], [0, 0, 0]),
    ],
)
def test_values_decide_which_level_of_deep_grey_is_white(mode: str, values: list[float], expected: list[int]) -> None:
    image = Image.new(mode, (3, 1))
    image.putdata(values)

    assert list(to_basic_mode(image).tobytes()) == expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "I", "F", "I;16"])
def test_every_mode_converts_to_a_basic_mode(mode: str) -> None:
    source = a_picture("RGBA", (16, 12)).convert("L" if mode in {"I", "F", "I;16"} else "RGBA")
    image = source.convert("LA").convert(mode) if mode == "La" else source.convert(mode)

    result = to_basic_mode(image)

    assert result.mode in {"L", "LA", "RGB", "RGBX", "RGBA"}
    assert ("A" in result.getbands()) == (mode in {"LA", "La", "PA", "RGBA", "RGBa"})
    assert has_alpha(image) == ("A" in result.getbands())
    assert flatten_on_white(image).mode in {"L", "RGB", "RGBX"}


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB"])
def test_other_colour_spaces_convert_to_rgb(mode: str) -> None:
    assert to_basic_mode(Image.new(mode, (2, 2))).mode == "RGB"
