"""The secrets, the blocks of metadata that contain them, and the search for them.

`secret` makes the texts; `found_secrets` searches a file for them, for coordinates and for dates.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from PIL import ExifTags, Image, TiffImagePlugin

from tests.support.compressing import a_picture

AUTHOR, NOTICE = "Ann Author", "(c) Ann 2026"
ORIENTATION, ARTIST, COPYRIGHT = 0x0112, 0x013B, 0x8298
_LATITUDE = 1_234_577, 7919
COORDINATES = "12.3457 N 98.7654 E"
DATE = b"\x07\xee\x0b\x1e\x0c\x22\x38"  # of a tIME chunk


def secret(place: str) -> bytes:
    return b"SECRET " + place.encode() + b";"


def found_secrets(data: bytes) -> set[str]:
    """The places whose secrets are in a file: as bytes, as UTF-16, or deflated."""
    needles = {"coordinates": COORDINATES.encode(), "date": DATE}
    needles |= {f"GPS {order}": struct.pack(order + "II", *_LATITUDE) for order in "<>"}
    found = set()
    for text in (data, *_inflated(data)):
        readable = (
            text + text.decode("utf-16-le", "replace").encode() + text[1:].decode("utf-16-le", "replace").encode()
        )
        found |= {place.decode() for place in re.findall(rb"SECRET ([\w ,'-]*)", readable)}
        found |= {name for name, needle in needles.items() if needle in text}
    return found


def _inflated(data: bytes) -> Iterator[bytes]:
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            yield zlib.decompressobj().decompress(data[match.start() :], 1 << 16)
        except zlib.error:
            continue


def picture(mode: str = "RGB") -> Image.Image:
    if mode == "1":
        return picture("L").convert("1")
    return a_picture(mode, (40, 30), noise=30)


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[ORIENTATION] = orientation
    for tag, place in ((0x010E, "description"), (0x010F, "maker"), (0x0131, "software"), (0xC123, "private tag")):
        made[tag] = secret(f"EXIF {place}").decode()
    made[ARTIST], made[COPYRIGHT] = AUTHOR, NOTICE
    made.get_ifd(ExifTags.IFD.Exif).update({0x9286: b"ASCII\0\0\0" + secret("user comment"), 0xA430: "SECRET owner"})
    made.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (TiffImagePlugin.IFDRational(*_LATITUDE),) * 3, 27: secret("GPS method")}
    )
    return made


def exif_bytes(orientation: int = 1) -> bytes:
    """With a second directory, whose thumbnail is a secret."""
    whole = bytearray(exif(orientation).tobytes())
    start = whole.index(b"II*\0" if b"II*\0" in whole else b"MM\0*")
    order = "<" if whole[start : start + 2] == b"II" else ">"
    first = struct.unpack_from(order + "I", whole, start + 4)[0]
    count = struct.unpack_from(order + "H", whole, start + first)[0]
    struct.pack_into(order + "I", whole, start + first + 2 + 12 * count, len(whole) - start)
    place, thumbnail = len(whole) - start + 2 + 24 + 4, secret("thumbnail")
    whole += struct.pack(order + "HHHIIHHIII", 2, 0x0201, 4, 1, place, 0x0202, 4, 1, len(thumbnail), 0) + thumbnail
    return bytes(whole)


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>SECRET XMP title</dc:title>'
    b"<exif:GPSLatitude>" + COORDINATES.encode() + b"</exif:GPSLatitude>"
    b"<dc:creator><rdf:Seq><rdf:li>" + AUTHOR.encode() + b"</rdf:li></rdf:Seq></dc:creator>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def iptc() -> bytes:
    entries = ((2, 80, AUTHOR.encode()), (2, 116, NOTICE.encode()), (2, 120, secret("IPTC caption")))
    return b"".join(bytes((0x1C, record, kind, 0, len(text))) + text for record, kind, text in entries)


def photoshop() -> bytes:
    data = iptc()
    return b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
