"""JPEGs with a gain map are complete: the index, the list in the XMP and the map's own description agree."""

import io
import re
import struct

import pytest
from PIL import Image

from services.compressor.decoders import GainMap
from services.compressor.decoders.gain_map import read_gain_map
from services.compressor.encoders.jpeg.gain_map_file import (
    TRAILER_BYTES,
    announcing_xmp,
    encode_gain_map,
    with_gain_map,
)
from tests.support.compressing import a_picture, an_exif, encoded
from tests.support.gain_maps import an_ultra_hdr_jpeg, xmp_packet

SIZE = (320, 240)


def a_gain_map(*, iso: bool = False) -> GainMap:
    found = read_gain_map(an_ultra_hdr_jpeg(iso=iso), SIZE, 1)
    assert found
    return found


@pytest.mark.parametrize("metadata", [{}, {"exif": an_exif(1).tobytes(), "icc_profile": b"p" * 70_000}])
@pytest.mark.parametrize("iso", [False, True])
def test_the_index_leads_to_the_map(iso: bool, metadata: dict[str, bytes]) -> None:
    gain_map = encode_gain_map(a_gain_map(iso=iso), SIZE, 10**6)
    assert gain_map
    first = encoded(a_picture(size=SIZE), "JPEG", **metadata)

    written = with_gain_map(first, gain_map, iso=iso)

    assert len(written) <= len(first) + len(gain_map) + TRAILER_BYTES
    with Image.open(io.BytesIO(written)) as pictures:
        assert (pictures.format, getattr(pictures, "n_frames", 1)) == ("MPO", 2)
        pictures.load()
        pictures.seek(1)
        pictures.load()
        assert pictures.size == (SIZE[0] // 4, SIZE[1] // 4)
    assert written.endswith(gain_map)


@pytest.mark.parametrize("iso", [False, True])
def test_the_map_keeps_its_description(iso: bool) -> None:
    before = a_gain_map(iso=iso)
    gain_map = encode_gain_map(before, SIZE, 10**6)
    assert gain_map
    first = encoded(a_picture(size=SIZE), "JPEG", xmp=announcing_xmp(None, len(gain_map)))

    after = read_gain_map(with_gain_map(first, gain_map, iso=iso), SIZE, 1)

    assert after
    assert (after.properties, after.iso) == (before.properties, before.iso)


def test_a_map_is_scaled_down_to_fit() -> None:
    gain_map = a_gain_map()._replace(image=a_picture("L", SIZE))
    whole = encode_gain_map(gain_map, SIZE, 10**6)
    assert whole

    smaller = encode_gain_map(gain_map, SIZE, len(whole) * 2 // 3)

    assert smaller
    assert len(smaller) <= len(whole) * 2 // 3
    assert encode_gain_map(gain_map, SIZE, 100) is None


def test_a_map_whose_description_is_longer_than_a_segment_is_dropped() -> None:
    endless = a_gain_map()._replace(properties=(b'hdrgm:GainMapMax="2.%b"' % (b"0" * 65_400), b""))

    assert encode_gain_map(endless, SIZE, 10**6) is None


def test_other_xmp_stays_beside_the_announcement() -> None:
    xmp = announcing_xmp(xmp_packet('xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="x"'), 1234)

    assert xmp
    assert b'dc:format="x"' in xmp
    assert re.findall(rb'Item:Length="(\d+)"', xmp) == [b"1234"]
    assert announcing_xmp(b"no packet", 1) is None


def test_the_version_of_iso_precedes_the_index() -> None:
    written = with_gain_map(encoded(a_picture(), "JPEG"), encoded(a_picture("L"), "JPEG"), iso=True)

    assert written.index(b"urn:iso:std:iso:ts:21496:-1\0" + struct.pack(">I", 0)) < written.index(b"MPF\0")
