"""JPEGs with secrets."""

from typing import Any

from services.compressor.decoders import iter_jpeg_segments
from tests.zoo.jpeg_parts import segment
from tests.zoo.secrets.planted import XMP, exif_bytes, photoshop, picture, secret
from tests.zoo.specimen import saved


def jpeg(mode: str = "RGB", orientation: int = 1, **save: Any) -> bytes:
    plain = saved(picture(mode), "JPEG", quality=60, **save)
    jfif = plain[6:11] == b"JFIF\0"
    head = 2 + 18 if jfif else 2
    thumbnail = secret("JFIF thumbnail").ljust(24, b"-")
    planted = [
        segment(0xE0, b"JFIF\0\1\1\1\1\x2c\1\x2c\x08\1" + thumbnail) if jfif else b"",
        segment(0xE0, b"JFXX\0\x10" + secret("JFXX thumbnail")),
        segment(0xE1, exif_bytes(orientation)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + secret("extended XMP")),
        segment(0xE2, b"MPF\0" + secret("MPF")),
        segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + secret("gain map")),
        segment(0xE2, b"FPXR\0" + secret("FlashPix")),
        segment(0xED, b"Photoshop 3.0\0" + photoshop()),
        *(segment(0xE0 + number, secret(f"APP{number}")) for number in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15)),
        segment(0xFE, secret("comment")),
        segment(0xDC, secret("number of lines")),
        segment(0xFE, "SECRET UTF-16 comment".encode("utf-16")),
    ]
    data = plain[:2] + b"".join(planted) + plain[head:]
    scans = [start - 4 for marker, start, _ in iter_jpeg_segments(data) if marker == 0xDA]
    if len(scans) > 1:
        data = data[: scans[1]] + segment(0xFE, secret("between scans")) + data[scans[1] :]
    return data + secret("trailing data") + saved(picture(), "JPEG", comment=secret("second picture"))


def adobe_jpeg() -> bytes:
    plain = saved(picture(), "JPEG", quality=60, keep_rgb=True)
    place = plain.index(b"\xff\xee")
    longer = segment(0xEE, plain[place + 4 : place + 16] + secret("after Adobe's numbers"))
    return plain[:place] + longer + plain[place + 16 :]
