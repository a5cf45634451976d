"""A file's type by its first bytes."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.file_types import HEAD_BYTES, file_type


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("ICO", "image/x-icon"),
        ("AVIF", "image/avif"),
        ("JPEG2000", "image/jp2"),
        ("DDS", "image/vnd.ms-dds"),
        ("QOI", "image/qoi"),
    ],
)
def test_files_written_by_pillow_are_images(format_: str, media_type: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(file, format_)

    assert file_type(file.getvalue()).media_type == media_type
    assert file_type(file.getvalue()[:HEAD_BYTES]).media_type == media_type


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    """The first box of an ISO base media file, and the start of the next."""
    box = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return struct.pack(">I", len(box) + 4) + box + b"\0\0\x01\0meta"


CURSOR = b"\0\0\x02\0\x01\0\x20\x20\0\0\x01\0\x01\0"


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (b"II+\0\x08\0\0\0", "image/tiff"),
        (b"GIF87a\x01\0\x01\0", "image/gif"),
        (ftyp(b"avif"), "image/avif"),
        (ftyp(b"avis", b"msf1", b"iso8"), "image/avif"),
        (ftyp(b"mif1", b"avif", b"miaf"), "image/avif"),
        (ftyp(b"heic", b"mif1", b"heic"), "image/heic"),
        (ftyp(b"mif1", b"mif1", b"heic"), "image/heic"),
        (ftyp(b"hevx", b"msf1"), "image/heic"),
        (ftyp(b"mif1", b"miaf"), "image/heif"),
        (ftyp(b"mif2", b"miaf"), "image/heif"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (b"\xff\x0a\x00", "image/jxl"),
        (b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
        (CURSOR, "image/x-icon"),
        (b"gimp xcf file\0", "image/x-xcf"),
        (b"gimp xcf v011\0", "image/x-xcf"),
        (b"\x8aMNG\r\n\x1a\n", "image/x-mng"),
        (ftyp(b"msf1", b"avis"), "image/avif"),
        (ftyp(b"heic", b"mif1"), "image/heic"),
        (ftyp(b"MA1B", b"mif1", b"avif"), "image/avif"),
        (ftyp(b"iso8", b"avis"), "image/avif"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "image/svg+xml"),
        (b"<svg><title>A page of HTML</title>", "image/svg+xml"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<SVG>', "image/svg+xml"),
        (b"<!-- <html> --><svg/>", "image/svg+xml"),
        (b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"><svg>', "image/svg+xml"),
    ],
)
def test_images_in_other_formats_are_images_too(head: bytes, media_type: str) -> None:
    assert file_type(head).media_type == media_type


@pytest.mark.parametrize(
    ("head", "description"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>Not found", "an HTML page"),
        (b"\r\n  <HTML lang=en>", "an HTML page"),
        (b"<h1>404</h1>", "an HTML page"),
        (b"<html><body><svg></svg>", "an HTML page"),
        (b"<div><svg></svg></div>", "an HTML page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">', "an HTML page"),
        (b"<!-- a cached copy --><html>", "an HTML page"),
        (b"<!-- <svg> --><p>No image</p>", "an HTML page"),
        (b"<!-- <svg> is not closed", "markup"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "XML"),
        (b'<?xml version="1.0"?><rss><channel><title>News</title><description>&lt;html', "XML"),
        (b"<Error><Code>AccessDenied</Code></Error>", "markup"),
        (b'{"error": "not found"}', "JSON"),
        (b"[]", "JSON"),
        (b"Product photo goes here", "text"),
        ("Größe: süß".encode(), "text"),
        (b"BMW and other cars, as a text that begins like a bitmap", "text"),
        (b"DDS textures are not available", "text"),
        (b"qoif is a format for images", "text"),
        (b"gimp xcf files are not available", "text"),
        (b"8BPS is the signature of Photoshop", "text"),
        (b"Stofftyp;Bild", "text"),
        (b"DDS " + struct.pack("<I", 123), "binary data of an unknown type"),
        (b"qoif" + struct.pack(">IIBB", 1, 1, 5, 0), "binary data of an unknown type"),
        (b"qoif" + struct.pack(">IIBB", 1, 1, 4, 2), "binary data of an unknown type"),
        (struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 32, 32, 24, 0), "binary data of an unknown type"),  # TGA
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"\x1f\x8b\x08\0", "gzip data"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a RIFF file"),
        (b"RIFF\x24\0\0\0AVI LIST", "a video"),
        (ftyp(b"mp42"), "a video"),
        (ftyp(b"isom", b"isom", b"avc1"), "a video"),
        (ftyp(b"crx "), "a media file of an unknown type"),
        (ftyp(b"iso8", b"iso9"), "a media file of an unknown type"),
        ("Größe: süß".encode()[:-1], "text"),
        ("\ufeffsoft\u00adhyphen".encode(), "text"),
        (b"\xff\xd8", "binary data of an unknown type"),
        (b"\x89PNG", "binary data of an unknown type"),
        (b"text with a\0NUL", "binary data of an unknown type"),
        (struct.pack("<8I", *range(8)), "binary data of an unknown type"),
    ],
)
def test_a_file_that_is_not_an_image_is_described(head: bytes, description: str) -> None:
    kind = file_type(head)

    assert kind.media_type is None
    assert kind.description == description


@given(st.binary(max_size=64))
def test_any_bytes_have_a_type(data: bytes) -> None:
    kind = file_type(data)

    assert kind.name
    assert kind.description


@given(st.binary(max_size=2 * HEAD_BYTES))
def test_only_the_first_bytes_matter(data: bytes) -> None:
    assert file_type(data) == file_type(data[:HEAD_BYTES])
