"""Drawings are scaled without new colours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from services.compressor.decoders.few_colours import MAX_COVERAGES, MAX_FEW_COLOURS, scaled_in_few_colours
from tests.support.compressing import a_picture
from tests.support.drawings import halftone, line_art, poster


def visible_colours(image: Image.Image) -> set[tuple[int, ...]]:
    """All transparent ones are one."""
    colours: list[tuple[int, ...]] = [colour for _, colour in image.convert("RGBA").getcolors(4800) or ()]  # type: ignore[misc]
    return {colour if colour[3] else (0, 0, 0, 0) for colour in colours}


def scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    few = scaled_in_few_colours(image, size)
    assert few is not None
    return few()


@given(
    st.sampled_from(["1", "L", "LA", "RGB", "RGBA", "P"]),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(2, MAX_FEW_COLOURS),
    st.integers(0, 1000),
)
def test_no_colour_is_added(mode: str, width: int, height: int, colours: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 4), dtype=np.uint8)
    blocks = random.integers(0, colours, (3, 4)).repeat(20, 0).repeat(20, 1)
    image = Image.fromarray(palette[blocks])
    image = image.convert("RGB").quantize(16) if mode == "P" else image.convert(mode, dither=Image.Dither.NONE)

    few = scaled(image, (width, height))

    assert few.size == (width, height)
    assert visible_colours(few) <= visible_colours(image)


def test_transparent_pixels_count_as_one_colour() -> None:
    """Otherwise none of several hidden colours would cover as much of a pixel as the visible one beside them."""
    random = np.random.default_rng(0)
    pixels = np.zeros((60, 60, 4), np.uint8)
    pixels[..., :3] = random.choice([0, 40, 80, 120, 160, 200, 240], (60, 60, 1)) // np.array([1, 2, 4])
    pixels[20:40, 20:40] = (255, 0, 0, 255)

    few = scaled(Image.fromarray(pixels), (30, 30))

    alpha = np.asarray(few)[..., 3]
    assert alpha[10:20, 10:20].all()
    assert alpha.astype(bool).sum() == 100


def test_a_drawing_that_would_take_too_long_is_blended() -> None:
    drawing = poster()
    colours = len(visible_colours(drawing))
    side = int((MAX_COVERAGES / colours) ** 0.5) + 2
    assert scaled_in_few_colours(drawing.resize((side, side), Image.Resampling.NEAREST), (100, 100)) is None
    assert scaled_in_few_colours(drawing.resize((side // 2, side), Image.Resampling.NEAREST), (100, 100)) is not None


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
@pytest.mark.parametrize("scale", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_thin_lines_are_not_interrupted(scale: float, ink: int, paper: int) -> None:
    drawing = line_art(ink, paper)

    few = scaled(drawing, (int(drawing.width * scale), int(drawing.height * scale))).convert("L")

    shown = np.asarray(few.resize(drawing.size, Image.Resampling.BICUBIC).point(lambda value: abs(value - paper)))
    near = np.asarray(Image.fromarray(shown).filter(ImageFilter.MaxFilter(5))) > 127
    drawn = np.asarray(drawing.convert("L")) == ink
    assert 1 - near[drawn].mean() < 0.02


def test_no_third_colour_appears_between_two() -> None:
    """The mean of white and red is near to yellow."""
    picture = Image.new("RGB", (200, 200), "white")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((20, 20, 120, 120), fill=(255, 0, 0))
    draw.rectangle((150, 150, 190, 190), fill=(255, 160, 140))

    few = scaled(picture, (130, 130)).convert("RGB").crop((0, 0, 90, 90))

    assert {colour for _, colour in few.getcolors() or ()} == {(255, 255, 255), (255, 0, 0)}


@pytest.mark.parametrize("picture", [a_picture(), a_picture("L"), halftone()])
def test_photographs_and_dithered_pictures_are_blended(picture: Image.Image) -> None:
    assert scaled_in_few_colours(picture, (40, 30)) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 3)])
def test_tiny_drawings_are_scaled(size: tuple[int, int]) -> None:
    assert scaled(poster(), size).size == size
    assert scaled(Image.new("1", size, 1), (1, 1)).convert("L").getpixel((0, 0)) == 255
