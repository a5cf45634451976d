"""Whether the first bytes are an image, and what else they are."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.downloader.sniff import describe, image_type


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
    ],
)
def test_files_that_pillow_wrote_are_images(format_: str, media_type: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(file, format_)
    assert image_type(file.getvalue()[:1024]) == media_type


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (b"GIF87a\x01\0\x01\0", "image/gif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heif"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (b"\xff\x0a\x00", "image/jxl"),
        (b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "image/svg+xml"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<SVG>', "image/svg+xml"),
    ],
)
def test_other_images_are_images_too(head: bytes, media_type: str) -> None:
    assert image_type(head) == media_type


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>Not found", "an HTML page"),
        (b"\r\n  <HTML lang=en>", "an HTML page"),
        (b"<h1>404</h1>", "an HTML page"),
        (b"<html><body><svg></svg>", "an HTML page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "XML"),
        (b'{"error": "not found"}', "JSON"),
        (b"[]", "JSON"),
        (b"Product photo goes here", "text"),
        ("Größe: süß".encode(), "text"),
        (b"BMW and other cars, as a text that begins like a bitmap", "text"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"\x1f\x8b\x08\0", "gzip data"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "no known kind of file"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "no known kind of file"),
        ("Größe: süß".encode()[:-1], "text"),
        (b"\xff\xd8", "no known kind of file"),
        (b"\x89PNG", "no known kind of file"),
        (struct.pack("<8I", *range(8)), "no known kind of file"),
    ],
)
def test_what_is_no_image_is_called_by_its_name(head: bytes, words: str) -> None:
    assert image_type(head) is None
    assert describe(head) == words


@given(st.binary(max_size=64))
def test_no_bytes_make_it_fail(head: bytes) -> None:
    assert image_type(head) or describe(head)
