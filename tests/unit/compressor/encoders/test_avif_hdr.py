"""An AVIF becomes one of high dynamic range without a change of its pixels."""

import pytest
from PIL import Image

from services.compressor.decoders import Hdr
from services.compressor.encoders.avif_hdr import codec_options, with_hdr
from services.compressor.isobmff import primary_properties
from tests.support.compressing import SRGB, a_picture, an_exif, decoded, encoded

HDR10 = Hdr(9, 16, 1200)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("metadata", [{}, {"exif": an_exif(1).tobytes(), "xmp": b"<x/>"}])
def test_colour_space_and_peak_are_added_and_the_pixels_stay(mode: str, metadata: dict[str, bytes]) -> None:
    avif = encoded(a_picture(mode), "AVIF", **metadata)

    marked = with_hdr(avif, HDR10)

    properties = primary_properties(marked)
    assert properties[b"colrnclx"][:4] == bytes((0, 9, 0, 16))
    assert properties[b"colrnclx"][4:] == primary_properties(avif)[b"colrnclx"][4:]
    assert properties[b"clli"] == (1200).to_bytes(2, "big") + b"\0\0"
    shown, before = decoded(marked), decoded(avif)
    assert (shown.mode, shown.tobytes()) == (before.mode, before.tobytes())
    assert shown.info.get("xmp") == before.info.get("xmp")
    assert shown.getexif() == before.getexif()


def test_without_a_peak_the_file_keeps_its_length() -> None:
    avif = encoded(a_picture(), "AVIF")

    marked = with_hdr(avif, HDR10._replace(peak=None))

    assert len(marked) == len(avif)
    assert primary_properties(marked)[b"colrnclx"][:4] == bytes((0, 9, 0, 16))


def test_a_file_without_code_points_is_refused() -> None:
    with pytest.raises(ValueError, match="not found"):
        with_hdr(encoded(a_picture(), "AVIF", icc_profile=SRGB).replace(b"colrnclx", b"free...."), HDR10)


@pytest.mark.parametrize("primaries", [1, 9, 12, 22])
@pytest.mark.parametrize("transfer", [16, 18])
def test_libaom_knows_the_names_of_the_colour_spaces(primaries: int, transfer: int) -> None:
    options = codec_options(Hdr(primaries, transfer))

    assert "transfer-characteristics" in options
    assert encoded(Image.new("RGB", (16, 16)), "AVIF", advanced=options) != encoded(Image.new("RGB", (16, 16)), "AVIF")
