"""Every kind of picture opens with the pixels that a browser shows; a broken one is refused."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from services.compressor.compress_error import CompressError
from services.compressor.decoders import Picture, open_picture, to_basic_mode, to_srgb
from shared.contracts.error_codes import ErrorCode
from tests.support.compressing import MAX_PIXELS
from tests.zoo import ANIMATED, BROKEN, NAMES, UNSUPPORTED, WHOLE_OR_BROKEN, specimen
from tests.zoo.gifs import expected_disposal_frames
from tests.zoo.odd_gifs import restored_frames
from tests.zoo.pngs import expected_apng_frames

_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBX", "RGBA", "I;16"}


def shown(picture: Picture) -> Image.Image:
    return to_srgb(picture.image, picture.icc_profile)


def assert_alike(image: Image.Image, expected: Image.Image, tolerance: float = 0) -> None:
    """Transparent pixels may have any colour. The others may differ by `tolerance` on average; if 0, not at all."""
    assert image.size == expected.size
    pixels, wanted = (np.asarray(each.convert("RGBA")).astype(int) for each in (image, expected))
    visible = wanted[:, :, 3:] > 0
    difference = np.abs(pixels - wanted) * np.concatenate([visible, visible, visible, np.ones_like(visible)], axis=2)
    assert difference.mean() <= tolerance
    if not tolerance:
        assert difference.max() == 0


@pytest.mark.parametrize("name", NAMES)
def test_opens_with_the_pixels_that_a_browser_shows(name: str) -> None:
    kind = specimen(name)

    picture = open_picture(kind.data, MAX_PIXELS)

    assert picture.format == kind.format
    assert picture.image.mode in _MODES
    assert (picture.icc_profile is not None) == kind.profiled
    assert ("A" in to_basic_mode(picture.image).getbands()) == kind.alpha
    assert set(picture.image.info) <= {"transparency"}
    assert_alike(shown(picture), kind.shown, kind.tolerance)
    assert picture.jpeg is None or kind.format == "jpeg"


@pytest.mark.parametrize("name", NAMES)
def test_an_animation_has_all_its_frames(name: str) -> None:
    kind = specimen(name)

    animation = open_picture(kind.data, MAX_PIXELS).animation

    if not kind.milliseconds:
        assert animation is None
        return
    assert animation is not None
    frames = list(animation.frames())
    assert tuple(frame.milliseconds for frame in frames) == kind.milliseconds
    assert (animation.count, animation.loop) == (len(frames), kind.loop)
    assert {frame.image.size for frame in frames} == {kind.shown.size}
    assert {frame.image.mode for frame in frames} <= {"RGB", "RGBA"}
    assert_alike(frames[0].image, kind.shown, kind.tolerance)
    assert len({frame.image.tobytes() for frame in frames}) == len(frames)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gif animated with partial frames", expected_disposal_frames),
        ("gif animated, restoring by an old code", restored_frames),
        ("png animated with partial frames", expected_apng_frames),
    ],
)
def test_partial_frames_are_composited(name: str, expected: Callable[[], list[Image.Image]]) -> None:
    animation = open_picture(specimen(name).data, MAX_PIXELS).animation

    assert animation is not None
    for frame, image in zip(animation.frames(), expected(), strict=True):
        assert_alike(frame.image, image)


@pytest.mark.parametrize("name", ANIMATED)
def test_frames_can_be_iterated_twice_in_parallel(name: str) -> None:
    animation = open_picture(specimen(name).data, MAX_PIXELS).animation

    assert animation is not None
    for left, right in zip(animation.frames(), animation.frames(), strict=True):
        assert left.image.tobytes() == right.image.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_mode_can_be_scaled(name: str) -> None:
    picture = open_picture(specimen(name).data, MAX_PIXELS)

    smaller = picture.scaled_to(16, 12)

    assert smaller.image.size == (16, 12)
    assert_alike(shown(smaller), shown(picture).resize((16, 12), Image.Resampling.BOX), 12)
    if smaller.animation:
        assert {frame.image.size for frame in smaller.animation.frames()} == {(16, 12)}


def opened_or_code(data: bytes) -> ErrorCode | Picture:
    try:
        return open_picture(data, MAX_PIXELS)
    except CompressError as error:
        return error.code


def assert_whole_or_refused(data: bytes, whole: Picture) -> None:
    """Opening gives an error or the same pixels as the whole file."""
    opened = opened_or_code(data)
    if not isinstance(opened, Picture):
        assert opened in {ErrorCode.DECODE_ERROR, ErrorCode.UNSUPPORTED_FORMAT}
        return
    assert opened.image.tobytes() == whole.image.tobytes()
    if whole.format == "gif" and whole.animation:
        return  # a GIF may end after any frame, because browsers require no trailer
    assert (opened.animation and opened.animation.count) == (whole.animation and whole.animation.count)


@pytest.mark.parametrize("name", WHOLE_OR_BROKEN)
def test_a_truncated_file_is_refused_or_complete(name: str) -> None:
    data = specimen(name).data
    whole = open_picture(data, MAX_PIXELS)

    for cut in range(0, len(data), max(10, len(data) // 300 * 10)):
        assert_whole_or_refused(data[:cut], whole)


@pytest.mark.parametrize("name", WHOLE_OR_BROKEN)
def test_a_file_without_its_last_bytes_is_refused_or_complete(name: str) -> None:
    data = specimen(name).data
    whole = open_picture(data, MAX_PIXELS)

    for cut in range(max(1, len(data) - 24), len(data)):
        assert_whole_or_refused(data[:cut], whole)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pictures_are_refused(name: str) -> None:
    with pytest.raises(CompressError) as caught:
        open_picture(BROKEN[name](), MAX_PIXELS)

    assert caught.value.code is ErrorCode.DECODE_ERROR


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_files_of_unsupported_types_are_described(name: str) -> None:
    data, what = UNSUPPORTED[name]

    with pytest.raises(CompressError) as caught:
        open_picture(data, MAX_PIXELS)

    assert caught.value.code is ErrorCode.UNSUPPORTED_FORMAT
    assert caught.value.detail == f"the file is {what}"


@given(st.sampled_from(NAMES), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_raise_nothing_but_compress_error(name: str, data: st.DataObject) -> None:
    damaged = bytearray(specimen(name).data)
    head = min(len(damaged), 300)  # where most structure is
    place = st.integers(0, len(damaged) - 1) | st.integers(0, head - 1)
    for at in data.draw(st.lists(place, min_size=1, max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))

    try:
        picture = open_picture(bytes(damaged), 200_000, data.draw(st.sampled_from(("strip", "copyright", "keep"))))
    except CompressError:
        return
    assert picture.image.width * picture.image.height <= 200_000
    to_basic_mode(picture.image)
