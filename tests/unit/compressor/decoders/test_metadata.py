"""Which metadata is kept by each policy, and that the rest is dropped."""

import io
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from services.compressor.decoders import Picture, open_picture
from shared.contracts.messages import MetadataPolicy
from tests.support.compressing import MAX_PIXELS, ORIENTATION, a_picture, encoded

ARTIST, COPYRIGHT, MODEL, LENS, THUMBNAIL = 0x013B, 0x8298, 0x0110, 0xA434, 0x0201
GPS = ExifTags.IFD.GPSInfo
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob &amp; Co</rdf:li>
</rdf:Seq></dc:creator><dc:rights><rdf:Alt><rdf:li xml:lang="x-default">theirs</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def an_exif(*, rights: bool = True) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[MODEL] = "Camera 1"
    if rights:
        exif[ARTIST], exif[COPYRIGHT] = "Ann", "hers"
    exif.get_ifd(ExifTags.IFD.Exif)[LENS] = "Lens 1"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0)})
    return exif


def opened(file_format: str, policy: MetadataPolicy, **save: Any) -> Picture:
    if file_format == "PNG" and "xmp" in save:
        save["pnginfo"] = PngImagePlugin.PngInfo()
        save["pnginfo"].add_itxt("XML:com.adobe.xmp", save.pop("xmp"))
    return open_picture(encoded(a_picture(), file_format, **save), MAX_PIXELS, policy)


def parsed(picture: Picture) -> Image.Exif:
    assert picture.exif is not None
    assert picture.exif[:4] in {b"II*\0", b"MM\0*"}
    exif = Image.Exif()
    exif.load(picture.exif)
    return exif


FORMATS = ["JPEG", "PNG", "WEBP", "AVIF"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_strip_keeps_no_metadata(file_format: str) -> None:
    picture = opened(file_format, "strip", exif=an_exif(), xmp=XMP)

    assert (picture.exif, picture.xmp) == (None, None)


@pytest.mark.parametrize("file_format", FORMATS)
def test_copyright_keeps_only_author_and_copyright(file_format: str) -> None:
    picture = opened(file_format, "copyright", exif=an_exif(), xmp=XMP)

    assert dict(parsed(picture)) == {ARTIST: "Ann", COPYRIGHT: "hers"}
    assert picture.xmp is None


@pytest.mark.parametrize("exif", [None, an_exif(rights=False)])
def test_author_and_copyright_are_read_from_xmp(exif: Image.Exif | None) -> None:
    picture = opened("WEBP", "copyright", xmp=XMP, **({"exif": exif} if exif else {}))

    assert dict(parsed(picture)) == {ARTIST: "Ann; Bob & Co", COPYRIGHT: "theirs"}


def with_iptc(jpeg: bytes, author: bytes, notice: bytes) -> bytes:
    entries = b"".join(
        b"\x1c\x02" + bytes((kind, 0, len(text))) + text for kind, text in ((80, author), (116, notice)) if text
    )
    resource = (
        b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(entries).to_bytes(4, "big") + entries + b"\0" * (len(entries) % 2)
    )
    return jpeg[:2] + b"\xff\xed" + (len(resource) + 2).to_bytes(2, "big") + resource + jpeg[2:]


def with_text(**texts: str) -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", texts["author"])
    notes.add_itxt("Copyright", texts["notice"])
    notes.add_text("Comment", "secret")
    return encoded(a_picture(), "PNG", pnginfo=notes)


KEEPING = pytest.mark.parametrize("policy", ["copyright", "keep"])


@KEEPING
def test_author_and_copyright_are_read_from_iptc(policy: MetadataPolicy) -> None:
    jpeg = with_iptc(encoded(a_picture(), "JPEG"), b"Ann", b"hers")

    picture = open_picture(jpeg, MAX_PIXELS, policy)

    assert dict(parsed(picture)) == {ARTIST: "Ann", COPYRIGHT: "hers"}


@KEEPING
def test_author_and_copyright_are_read_from_png_text(policy: MetadataPolicy) -> None:
    picture = open_picture(with_text(author="Ann", notice="hers"), MAX_PIXELS, policy)

    assert dict(parsed(picture)) == {ARTIST: "Ann", COPYRIGHT: "hers"}


def test_strip_ignores_png_text() -> None:
    assert open_picture(with_text(author="Ann", notice="hers"), MAX_PIXELS).exif is None


def test_author_missing_from_exif_is_added_from_iptc() -> None:
    exif = an_exif(rights=False)
    exif[ARTIST], exif[COPYRIGHT] = "   ", "hers"
    jpeg = with_iptc(encoded(a_picture(), "JPEG", exif=exif), b"Ann", b"theirs")

    kept = parsed(open_picture(jpeg, MAX_PIXELS, "keep"))

    assert (kept[MODEL], kept[ARTIST], kept[COPYRIGHT]) == ("Camera 1", "Ann", "hers")
    assert kept.get_ifd(GPS)[2] == (52.0, 31.0, 12.0)


@KEEPING
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_copyright_in_exif_keeps_its_bytes(encoding: str, policy: MetadataPolicy) -> None:
    exif = Image.Exif()
    exif[COPYRIGHT] = "© Zoë".encode(encoding)

    picture = opened("JPEG", policy, exif=exif)

    assert picture.exif is not None
    assert "© Zoë".encode(encoding) in picture.exif


@KEEPING
def test_a_copyright_from_png_text_keeps_its_letters(policy: MetadataPolicy) -> None:
    picture = open_picture(with_text(author="Zoë", notice="© 雪"), MAX_PIXELS, policy)

    assert picture.exif is not None
    assert "Zoë".encode() in picture.exif
    assert "© 雪".encode() in picture.exif


def test_author_and_copyright_in_kept_xmp_are_not_repeated_in_exif() -> None:
    assert opened("WEBP", "keep", xmp=XMP).exif is None


def test_a_picture_without_author_and_copyright_has_no_exif() -> None:
    assert opened("JPEG", "copyright", exif=an_exif(rights=False)).exif is None
    assert opened("JPEG", "keep").exif is None


@pytest.mark.parametrize("file_format", FORMATS)
def test_keep_keeps_everything_except_the_orientation(file_format: str) -> None:
    picture = opened(file_format, "keep", exif=an_exif(), xmp=XMP)

    exif = parsed(picture)
    assert ORIENTATION not in exif
    assert (exif[MODEL], exif[COPYRIGHT]) == ("Camera 1", "hers")
    assert exif.get_ifd(ExifTags.IFD.Exif)[LENS] == "Lens 1"
    assert exif.get_ifd(GPS)[2] == (52.0, 31.0, 12.0)
    assert picture.xmp == XMP.replace(b'tiff:Orientation="6"', b'tiff:Orientation="1"')


def test_a_thumbnail_is_dropped() -> None:
    # One directory with the orientation, and after it one with a thumbnail of four bytes.
    first = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\x1a"
    second = b"\0\x02\x02\x01\0\x04\0\0\0\x01\0\0\0\x38\x02\x02\0\x04\0\0\0\x01\0\0\0\x04\0\0\0\0"
    exif = b"Exif\0\0" + first + second + b"thmb"
    original = encoded(a_picture(), "JPEG", exif=exif)
    assert b"thmb" in original

    picture = open_picture(original, MAX_PIXELS, "keep")

    assert picture.image.size == (120, 160)
    assert picture.exif is None


@pytest.mark.parametrize("policy", ["strip", "copyright", "keep"])
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0nonsense", b"\0" * 30])
def test_broken_exif_is_harmless(exif: bytes, policy: MetadataPolicy) -> None:
    picture = opened("WEBP", policy, exif=exif)

    assert picture.image.size == (160, 120)
    assert picture.exif is None


def test_only_descriptive_tags_of_a_tiff_are_kept() -> None:
    tags = {ORIENTATION: 6, MODEL: "Camera 1", COPYRIGHT: "hers", 0xC000: "private"}
    out = io.BytesIO()
    a_picture().save(out, "TIFF", tiffinfo=tags)

    picture = open_picture(out.getvalue(), MAX_PIXELS, "keep")

    assert picture.image.size == (120, 160)
    assert dict(parsed(picture)) == {MODEL: "Camera 1", COPYRIGHT: "hers"}
