"""The metadata of a result: none, author and copyright, or everything except the orientation."""

import io
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from services.compressor.compress import compress
from shared.contracts.messages import CompressOptions, MetadataPolicy
from tests.support.compressing import MAX_PIXELS, ORIENTATION, a_picture, encoded
from tests.unit.compressor.decoders.test_metadata import ARTIST, COPYRIGHT, LENS, MODEL, XMP, an_exif

GPS = ExifTags.IFD.GPSInfo
XMP_TAG = 700
FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"]
SECRETS = (b"Camera 1", b"Lens 1", b"xmpmeta", b"remark")


def an_original(file_format: str, *, upright: bool = False) -> bytes:
    exif = an_exif()
    if upright:
        exif[ORIENTATION] = 1
    picture = a_picture(size=(240, 180), noise=40)
    if file_format == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_itxt("XML:com.adobe.xmp", XMP.decode())
        notes.add_text("Comment", "a remark")
        return encoded(picture, "PNG", exif=exif, pnginfo=notes, compress_level=0)
    if file_format == "TIFF":
        exif[XMP_TAG] = XMP
        return encoded(picture, "TIFF", exif=exif.tobytes())
    more: dict[str, Any] = {"comment": "a remark"} if file_format == "JPEG" else {}
    return encoded(picture, file_format, exif=exif, xmp=XMP, quality=95, **more)


def result_of(original: bytes, metadata: MetadataPolicy, **options: Any) -> bytes:
    result = compress(original, CompressOptions(metadata=metadata, **options), MAX_PIXELS)
    assert result.data is not None
    assert result.target_met
    return result.data


def exif_of(data: bytes) -> Image.Exif:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.getexif()


def notes_of(data: bytes) -> dict[int, Any]:
    """Without the tags that describe a TIFF's pixels."""
    return {tag: value for tag, value in exif_of(data).items() if tag in {ORIENTATION, MODEL, ARTIST, COPYRIGHT, GPS}}


@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize("file_format", FORMATS)
def test_strip_removes_all_metadata(file_format: str, upright: bool) -> None:
    original = an_original(file_format, upright=upright)
    assert b"Camera 1" in original

    data = result_of(original, "strip")

    assert not notes_of(data)
    assert not [secret for secret in (*SECRETS, b"hers") if secret in data]


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif", "auto"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_strip_removes_all_metadata_when_the_format_changes(file_format: str, format_: str) -> None:
    data = result_of(an_original(file_format), "strip", format=format_)

    assert not notes_of(data)
    assert not [secret for secret in (*SECRETS, b"hers") if secret in data]


@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize("format_", ["keep", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_copyright_keeps_author_and_copyright_only(file_format: str, format_: str, upright: bool) -> None:
    data = result_of(an_original(file_format, upright=upright), "copyright", format=format_)

    assert notes_of(data) == {ARTIST: "Ann", COPYRIGHT: "hers"}
    assert not [secret for secret in SECRETS if secret in data]


@pytest.mark.parametrize("format_", ["keep", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_keep_keeps_everything_except_the_orientation(file_format: str, format_: str) -> None:
    data = result_of(an_original(file_format), "keep", format=format_)

    exif = exif_of(data)
    assert exif.get(ORIENTATION, 1) == 1
    assert (exif[MODEL], exif[ARTIST], exif[COPYRIGHT]) == ("Camera 1", "Ann", "hers")
    assert b"Bob &amp; Co" in data  # of the XMP
    assert b'tiff:Orientation="6"' not in data
    assert exif.get_ifd(ExifTags.IFD.Exif)[LENS] == "Lens 1"
    assert exif.get_ifd(GPS)[2] == (52.0, 31.0, 12.0)


def with_exif_and_xmp_of(exif_bytes: int, xmp_bytes: int) -> bytes:
    """exif_bytes: with the header of a JPEG segment; even, since Pillow rounds up."""
    exif = Image.Exif()
    exif[COPYRIGHT] = "h" * (exif_bytes - 33)
    assert len(exif.tobytes()) == exif_bytes
    return encoded(a_picture(), "WEBP", exif=exif, xmp=XMP.ljust(xmp_bytes), lossless=True)


@pytest.mark.parametrize("excess", [0, 2])
@pytest.mark.parametrize("mode", ["size", "quality"])
def test_metadata_too_large_for_a_jpeg_segment_is_omitted(mode: str, excess: int) -> None:
    original = with_exif_and_xmp_of(65_532 + excess, 65_504 + excess)

    result = compress(original, CompressOptions(mode=mode, percent=90, format="jpeg", metadata="keep"), MAX_PIXELS)

    assert result.data is not None
    assert result.format == "jpeg"
    assert (COPYRIGHT in exif_of(result.data)) == (excess == 0)
    assert (b"xmpmeta" in result.data) == (excess == 0)


def test_a_copyright_notice_too_large_for_a_jpeg_segment_is_omitted() -> None:
    original = with_exif_and_xmp_of(70_000, 0)

    assert COPYRIGHT not in exif_of(result_of(original, "copyright", format="jpeg", percent=60))
    assert COPYRIGHT in exif_of(result_of(original, "copyright", format="webp", percent=95))


@pytest.mark.parametrize("policy", ["strip", "copyright", "keep"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_the_orientation_is_applied_and_removed(file_format: str, policy: MetadataPolicy) -> None:
    data = result_of(an_original(file_format), policy)

    with Image.open(io.BytesIO(data)) as image:
        assert image.size == ((240, 180) if file_format == "WEBP" else (180, 240))  # browsers do not turn a WebP
        assert image.getexif().get(ORIENTATION, 1) == 1


@pytest.mark.parametrize("policy", ["strip", "copyright", "keep"])
@pytest.mark.parametrize("mode", ["quality", "dimensions"])
def test_the_policy_applies_in_every_mode(mode: str, policy: MetadataPolicy) -> None:
    data = result_of(an_original("JPEG"), policy, mode=mode)

    wanted = {"strip": set(), "copyright": {ARTIST, COPYRIGHT}, "keep": {MODEL, ARTIST, COPYRIGHT, GPS}}[policy]
    assert set(notes_of(data)) - {ORIENTATION} == wanted  # XMP may contain orientation 1


@pytest.mark.parametrize("policy", ["strip", "copyright", "keep"])
def test_a_lossless_tiff_keeps_only_the_tags_that_the_policy_names(policy: MetadataPolicy) -> None:
    """Pillow copies all tags of an opened TIFF when it saves it."""
    description, date, iptc, photoshop, private = 270, 306, 33723, 34377, 0xC000
    tags = {
        description: "a remark",
        date: "a remark",
        ARTIST: "Ann",
        XMP_TAG: b"<xmpmeta/>",
        iptc: b"\x1c\x02\x78\0\x08a remark",
        photoshop: b"8BIM a remark",
        private: "a remark",
    }
    original = encoded(a_picture(noise=3), "TIFF", tiffinfo=tags)

    data = result_of(original, policy, percent=90)

    kept = {"strip": set(), "copyright": {ARTIST}, "keep": {description, date, ARTIST, XMP_TAG}}[policy]
    assert exif_of(data).keys() & tags.keys() == kept
    assert data.count(b"a remark") == (2 if policy == "keep" else 0)
