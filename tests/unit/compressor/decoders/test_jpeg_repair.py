"""A repaired JPEG has the same pixels, and nothing that makes decoders warn."""

import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compressor.decoders.jpeg_repair import repaired
from tests.support.compressing import a_picture, encoded
from tests.zoo import NAMES, specimen
from tests.zoo.jpegs import ODDITIES

VALID = encoded(a_picture(), "JPEG")


@pytest.mark.parametrize("name", ODDITIES)
def test_an_oddity_decodes_strictly_after_its_repair(name: str) -> None:
    simplejpeg.decode_jpeg(repaired(ODDITIES[name]()), "RGB", strict=True)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("jpeg")])
def test_a_repair_is_final(name: str) -> None:
    once = repaired(specimen(name).data)

    assert repaired(once) == once


def test_stuffed_zeros_at_the_end_of_the_data_stay() -> None:
    assert repaired(VALID[:-2] + b"\xff" + bytes(9) + VALID[-2:]).endswith(b"\xff\0" + VALID[-2:])


@given(st.binary(max_size=200), st.integers(0, len(VALID)))
@settings(max_examples=200, deadline=None)
def test_any_bytes_can_be_repaired(data: bytes, at: int) -> None:
    result = repaired(VALID[:at] + data + VALID[at + len(data) :])

    assert result.startswith(b"\xff\xd8")
    assert result.endswith(b"\xff\xd9")
