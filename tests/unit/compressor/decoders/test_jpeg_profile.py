"""A JPEG's colour profile is read as Chromium reads it, which was tried for each of these cases."""

import pytest

from services.compressor.decoders.jpeg_profile import read_jpeg_profile
from tests.support.compressing import a_picture, encoded
from tests.zoo.jpeg_parts import APP2, profile_part, segment, with_segments

A, B = b"first half", b"second half"
WITHOUT_NUMBER = segment(APP2, b"ICC_PROFILE\0")


@pytest.mark.parametrize(
    ("parts", "profile"),
    [
        ([], None),
        ([(1, 1, A)], A),
        ([(1, 2, A), (2, 2, B)], A + B),
        ([(2, 2, B), (1, 2, A)], A + B),
        ([(1, 2, A)], None),
        ([(1, 3, A), (3, 3, B)], None),
        ([(0, 0, A)], None),
        ([(0, 1, A)], None),
        ([(2, 1, A)], None),
        ([(0, 1, B), (1, 1, A)], None),
        ([(1, 2, A), (1, 2, B)], None),
        ([(1, 2, A), (1, 2, A), (2, 2, B)], None),
        ([(1, 2, A), (2, 3, B)], None),
        ([(1, 2, A), (2, 3, B), (2, 2, B)], None),
        ([(1, 2, A), (3, 2, B), (2, 2, B)], None),
        ([(1, 1, A), (1, 1, B)], A),
        ([(1, 1, A), (2, 1, B)], A),
        ([(1, 1, A), (2, 2, B)], A),
        ([(1, 2, A), (2, 2, B), (2, 2, A)], A + B),
        ([(1, 2, b""), (2, 2, B)], None),
        ([(1, 1, b""), (1, 1, A)], A),
    ],
)
def test_parts_are_joined_as_browsers_do(parts: list[tuple[int, int, bytes]], profile: bytes | None) -> None:
    segments = [profile_part(*part) for part in parts]
    jpeg = encoded(a_picture(), "JPEG")

    assert read_jpeg_profile(with_segments(jpeg, *segments)) == profile
    assert read_jpeg_profile(with_segments(jpeg, WITHOUT_NUMBER, *segments)) == profile
