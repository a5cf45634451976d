"""TIFF: lossless first, then JPEG compression, then scaled down."""

import pytest
from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageStat

from services.compressor.compress import compress
from services.compressor.decoders import Picture
from services.compressor.encoders import LADDERS
from services.compressor.encoders.tiff import tiff_ladder
from services.compressor.rate_control.target_size import fit_to_size
from shared.contracts.messages import CompressOptions
from tests.support.compressing import COPYRIGHT, MAX_PIXELS, SRGB, a_picture, an_exif, decoded, encoded


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_is_written_lossless(mode: str) -> None:
    original = a_picture("L").convert("1") if mode == "1" else a_picture(mode)
    ladder = tiff_ladder(Picture(original, "tiff"), 10**6)

    written = decoded(ladder.lossless() if ladder.lossless else ladder.encode(ladder.rung_of(50)))

    assert written.mode == mode
    assert written.tobytes() == original.tobytes()


def test_a_page_of_text_is_compressed_as_group_4_fax() -> None:
    page = Image.new("1", (800, 600), 1)
    ImageDraw.Draw(page).text((40, 40), "Nothing but letters " * 5, fill=0)
    ladder = tiff_ladder(Picture(page, "tiff"), 60_000)

    data = ladder.encode(ladder.rung_of(50))

    assert decoded(data).info["compression"] == "group4"
    assert len(data) < 4000


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBX"])
def test_a_photograph_is_jpeg_compressed_with_its_colours(mode: str) -> None:
    original = a_picture("RGB", (320, 240)).convert(mode)
    ladder = tiff_ladder(Picture(original, "tiff"), 10**6)

    written = decoded(ladder.encode(85))

    assert written.info["compression"] == "jpeg"
    assert written.mode == mode.replace("X", "B").replace("RGBB", "RGB")
    difference = ImageChops.difference(written, original.convert(written.mode))
    assert max(ImageStat.Stat(difference).mean) < 5
    assert len(ladder.encode(30)) < len(ladder.encode(85))


def test_sizes_are_predicted() -> None:
    ladder = tiff_ladder(Picture(a_picture(size=(700, 500)), "tiff"), 10**6)
    length = len(ladder.encode(60))

    sizes = ladder.expected_sizes(length)

    assert list(sizes) == sorted(sizes)
    assert sizes[ladder.rungs.index(60)] == pytest.approx(length, rel=0.2)


def test_a_picture_with_alpha_is_scaled_down_until_it_fits() -> None:
    original = Picture(a_picture("RGBA"), "tiff")

    sized = fit_to_size(lambda picture: LADDERS["tiff"](picture, 10**6), original, 20_000, 30, allow_resize=True)

    assert sized.fits
    assert sized.picture.image.width < original.image.width
    assert decoded(sized.data).mode == "RGBA"


@pytest.mark.parametrize("lossless", [True, False])
def test_profile_and_metadata_are_written(lossless: bool) -> None:
    exif = an_exif(1).tobytes().removeprefix(b"Exif\0\0")
    ladder = tiff_ladder(Picture(a_picture(), "tiff", icc_profile=SRGB, exif=exif, xmp=b"<x/>"), 10**6)

    assert ladder.lossless is not None
    written = decoded(ladder.lossless() if lossless else ladder.encode(50))

    assert written.info["icc_profile"] == SRGB
    assert written.info["xmp"] == b"<x/>"
    assert written.getexif()[COPYRIGHT] == "somebody"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_exif_and_gps_directories_are_written(mode: str) -> None:
    exif = an_exif(1)
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.LensModel: "Lens 1", ExifTags.IFD.Interop: {1: "R98"}})
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    image = a_picture("L").convert("1") if mode == "1" else a_picture(mode)
    ladder = tiff_ladder(Picture(image, "tiff", exif=exif.tobytes().removeprefix(b"Exif\0\0")), 10**6)

    for data in [ladder.encode(ladder.rung_of(50)), *([ladder.lossless()] if ladder.lossless else [])]:
        kept = decoded(data).getexif()
        assert dict(kept.get_ifd(ExifTags.IFD.Exif)) == {ExifTags.Base.LensModel: "Lens 1"}
        assert dict(kept.get_ifd(ExifTags.IFD.GPSInfo)) == {ExifTags.GPS.GPSLatitude: (52.0, 31.0, 12.0)}


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("percent", [1, 4])
def test_the_jpeg_is_baseline_at_every_quality(percent: int, mode: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Otherwise libtiff writes a warning to standard error."""
    original = encoded(a_picture(mode, (640, 480), noise=60), "TIFF")

    result = compress(original, CompressOptions(percent=percent, min_quality=1), MAX_PIXELS)

    assert result.data is not None
    assert result.target_met
    assert decoded(result.data).info["compression"] == "jpeg"
    assert result.quality is not None
    assert capfd.readouterr() == ("", "")
