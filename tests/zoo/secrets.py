"""Files with a secret in every place that their format has for one, besides the pixels.

`secret` makes the texts; `found_secrets` searches a file for them, for coordinates and for dates.
"""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from services.compressor.decoders import PNG_SIGNATURE, boxes, iter_jpeg_segments, iter_png_chunks, png_chunk_bytes
from services.compressor.stripping.box_edits import Edits
from tests.support.compressing import a_picture
from tests.zoo.specimen import saved

AUTHOR, NOTICE = "Ann Author", "(c) Ann 2026"
ORIENTATION, ARTIST, COPYRIGHT = 0x0112, 0x013B, 0x8298
_LATITUDE = TiffImagePlugin.IFDRational(1_234_577, 7919)
_COORDINATES = "12.3457 N 98.7654 E"
_DATE = b"\x07\xee\x0b\x1e\x0c\x22\x38"  # of a tIME chunk


def secret(place: str) -> bytes:
    return b"SECRET " + place.encode() + b";"


def found_secrets(data: bytes) -> set[str]:
    """The places whose secrets are in a file: as bytes, as UTF-16, or deflated."""
    needles = {"coordinates": _COORDINATES.encode(), "date": _DATE}
    needles |= {f"GPS {order}": struct.pack(order + "II", 1_234_577, 7919) for order in "<>"}
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


def exif(orientation: int = 1, *, rights: bool = True) -> Image.Exif:
    made = Image.Exif()
    made[ORIENTATION] = orientation
    for tag, place in ((0x010E, "description"), (0x010F, "maker"), (0x0131, "software"), (0xC123, "private tag")):
        made[tag] = secret(f"EXIF {place}").decode()
    if rights:
        made[ARTIST], made[COPYRIGHT] = AUTHOR, NOTICE
    made.get_ifd(ExifTags.IFD.Exif).update({0x9286: b"ASCII\0\0\0" + secret("user comment"), 0xA430: "SECRET owner"})
    made.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (_LATITUDE,) * 3, 27: secret("GPS method")})
    return made


def exif_bytes(orientation: int = 1, thumbnail: bytes = secret("thumbnail")) -> bytes:
    """With a second directory, whose thumbnail is the secret."""
    whole = bytearray(exif(orientation).tobytes())
    start = whole.index(b"II*\0" if b"II*\0" in whole else b"MM\0*")
    order = "<" if whole[start : start + 2] == b"II" else ">"
    first = struct.unpack_from(order + "I", whole, start + 4)[0]
    count = struct.unpack_from(order + "H", whole, start + first)[0]
    struct.pack_into(order + "I", whole, start + first + 2 + 12 * count, len(whole) - start)
    place = len(whole) - start + 2 + 24 + 4
    whole += struct.pack(order + "HHHIIHHIII", 2, 0x0201, 4, 1, place, 0x0202, 4, 1, len(thumbnail), 0) + thumbnail
    return bytes(whole)


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>SECRET XMP title</dc:title>'
    b"<exif:GPSLatitude>" + _COORDINATES.encode() + b"</exif:GPSLatitude>"
    b"<dc:creator><rdf:Seq><rdf:li>" + AUTHOR.encode() + b"</rdf:li></rdf:Seq></dc:creator>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def _iptc() -> bytes:
    entries = ((2, 80, AUTHOR.encode()), (2, 116, NOTICE.encode()), (2, 120, secret("IPTC caption")))
    return b"".join(bytes((0x1C, record, kind, 0, len(text))) + text for record, kind, text in entries)


def _photoshop() -> bytes:
    data = _iptc()
    return b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)


# JPEG


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _jpeg(mode: str = "RGB", orientation: int = 1, **save: Any) -> bytes:
    plain = saved(picture(mode), "JPEG", quality=60, **save)
    jfif = plain[6:11] == b"JFIF\0"
    head = 2 + 18 if jfif else 2
    thumbnail = secret("JFIF thumbnail").ljust(24, b"-")
    planted = [
        _segment(0xE0, b"JFIF\0\1\1\1\1\x2c\1\x2c\x08\1" + thumbnail) if jfif else b"",
        _segment(0xE0, b"JFXX\0\x10" + secret("JFXX thumbnail")),
        _segment(0xE1, exif_bytes(orientation)),
        _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        _segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + secret("extended XMP")),
        _segment(0xE2, b"MPF\0" + secret("MPF")),
        _segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + secret("gain map")),
        _segment(0xE2, b"FPXR\0" + secret("FlashPix")),
        _segment(0xED, b"Photoshop 3.0\0" + _photoshop()),
        *(_segment(0xE0 + number, secret(f"APP{number}")) for number in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15)),
        _segment(0xFE, secret("comment")),
        _segment(0xDC, secret("number of lines")),
        _segment(0xFE, "SECRET UTF-16 comment".encode("utf-16")),
    ]
    data = plain[:2] + b"".join(planted) + plain[head:]
    scans = [start - 4 for marker, start, _ in iter_jpeg_segments(data) if marker == 0xDA]
    if len(scans) > 1:
        data = data[: scans[1]] + _segment(0xFE, secret("between scans")) + data[scans[1] :]
    return data + secret("trailing data") + saved(picture(), "JPEG", comment=secret("second picture"))


def _adobe_jpeg() -> bytes:
    plain = saved(picture(), "JPEG", quality=60, keep_rgb=True)
    place = plain.index(b"\xff\xee")
    longer = _segment(0xEE, plain[place + 4 : place + 16] + secret("after Adobe's numbers"))
    return plain[:place] + longer + plain[place + 16 :]


# PNG


def _png(still: bytes, *, orientation: int = 1) -> bytes:
    out = [PNG_SIGNATURE]
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", AUTHOR)
    texts.add_text("Comment", secret("tEXt").decode())
    texts.add_text("Comment2", secret("zTXt").decode() * 3, zip=True)
    texts.add_itxt("Title", secret("iTXt").decode(), "en", secret("iTXt keyword").decode())
    texts.add_itxt("Title2", secret("compressed iTXt").decode() * 3, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    profile = zlib.compress(b"no profile") + secret("after the profile")
    before = [
        (b"iCCP", secret("profile name") + b"\0\0" + profile),
        (b"eXIf", exif_bytes(orientation)[6:]),
        (b"tIME", _DATE),
        (b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        (b"sPLT", secret("palette name") + b"\0\x08"),
        (b"sCAL", b"\x01" + secret("scale") + b"\x001"),
        (b"prVt", secret("private chunk")),
        *((name, data) for name, data, *_ in texts.chunks),
    ]
    for name, data in iter_png_chunks(still):
        if name == b"IDAT" and before:
            out += [png_chunk_bytes(*chunk) for chunk in before]
            before = []
            out += [
                png_chunk_bytes(name, bytes(data) + secret("after the pixels")),
                png_chunk_bytes(b"tEXt", b"A\0SECRET B"),
            ]
        elif name == b"fdAT":
            out += [
                png_chunk_bytes(name, bytes(data) + secret("after a frame")),
                png_chunk_bytes(b"prVt", secret("frames")),
            ]
        elif name == b"IEND":
            out.append(png_chunk_bytes(name, secret("in IEND")))
        else:
            out.append(png_chunk_bytes(name, data))
            if name == b"IHDR" and data[9] == 2:
                out.append(png_chunk_bytes(b"PLTE", secret("proposed palette").ljust(30, b"-")))
                out.append(png_chunk_bytes(b"tRNS", b"\1\0\1\0\1\0" + secret("after the key")))
            if name == b"IHDR":
                out.append(png_chunk_bytes(b"cHRM", bytes(32) + secret("after cHRM")))
    return b"".join(out) + secret("after IEND")


# WebP and GIF


def _riff_chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def _webp(webp: bytes) -> bytes:
    at, chunks = 12, []
    while at < len(webp):
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        data = webp[at + 8 : at + 8 + size]
        if webp[at : at + 4] in (b"VP8 ", b"VP8L"):
            data += secret("after the pixels")
        if webp[at : at + 4] == b"ANMF":
            data += _riff_chunk(b"UNKN", secret("chunk in a frame"))
        chunks.append(_riff_chunk(webp[at : at + 4], data))
        at += 8 + size + size % 2
    body = b"WEBP" + b"".join(chunks) + _riff_chunk(b"UNKN", secret("unknown chunk"))
    return b"RIFF" + len(body).to_bytes(4, "little") + body + secret("trailing data")


def _gif(gif: bytes) -> bytes:
    colours = 3 << (gif[10] & 7) + 1 if gif[10] & 0x80 else 0

    def blocks(*texts: bytes) -> bytes:
        return b"".join(bytes((len(text),)) + text for text in texts) + b"\0"

    planted = [
        b"!\xfe" + blocks(secret("comment"), _COORDINATES.encode()),
        b"!\xff" + blocks(b"XMP DataXMP", secret("XMP")),
        b"!\xff" + blocks(b"ICCRGBG1012", secret("no profile")),
        b"!\xff" + blocks(b"SECRET appl", secret("application")),
        b"!\x01" + blocks(bytes(12), secret("plain text")),
        b"!\xce" + blocks(secret("unknown extension")),
    ]
    start = 13 + colours
    loop = gif.replace(
        b"NETSCAPE2.0\x03\x01\0\0", b"NETSCAPE2.0\x03\x01\0\0" + blocks(secret("second loop block"))[:-1]
    )
    body = loop[start:-2] + blocks(secret("after the pixels"))
    empty = b"," + bytes(9) + b"\x08" + blocks(secret("frame without pixels"))
    return loop[:start] + b"".join(planted) + body + empty + planted[0] + b";" + secret("trailing data")


# AVIF


def _box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


_CONTAINERS = {
    b"meta": 4,
    b"iinf": 6,
    b"iprp": 0,
    b"ipco": 0,
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
}


def _avif(avif: bytes) -> bytes:
    """Secrets are added to each container of boxes, to the names of handlers and items, and around the pixels."""
    edits = Edits(avif)

    def plant(start: int, end: int) -> None:
        for box in boxes(avif, start, end):
            if box.name in _CONTAINERS:
                edits.containers.append(box)
                first = box.content + _CONTAINERS[box.name]
                if box.name not in (b"iprp", b"iinf"):
                    added = b"udes" if box.name == b"ipco" else b"udta"
                    # Properties are counted, and the handler comes first.
                    at = {b"ipco": box.end, b"meta": next(boxes(avif, first, box.end)).end}.get(box.name, first)
                    edits.replace(at, at, _box(added, secret(f"in {box.name.decode()}")))
                plant(first, box.end)
            elif box.name == b"hdlr":
                edits.containers.append(box)
                edits.replace(box.content + 24, box.end, secret("handler") + b"\0")
            elif box.name == b"infe" and avif[box.content + 8 : box.content + 12] == b"av01":
                edits.containers.append(box)
                edits.replace(box.content + 12, box.end, secret("item") + b"\0")
            elif box.name == b"mdat":
                edits.containers.append(box)
                edits.replace(box.content, box.content, secret("before the pixels"))

    plant(0, len(avif))
    _move_pixels(avif, edits)
    planted = edits.applied()
    compressor = planted.find(b"av01", planted.find(b"stsd")) + 4 + 42
    if b"stsd" in planted:
        planted = planted[:compressor] + secret("compressor name").ljust(32, b"\0") + planted[compressor + 32 :]
    around = b"".join(_box(name, secret(f"box {name.decode()}")) for name in (b"free", b"skip", b"uuid", b"udta"))
    return planted + around + secret("trailing data")


def _move_pixels(avif: bytes, edits: Edits) -> None:
    """Write all offsets anew, which libavif writes in 4 bytes: those of items after 6 other bytes, with a length."""
    for match in re.finditer(rb"iloc|stco", avif):
        at = match.end()
        count = int.from_bytes(avif[at + 6 : at + 8], "big")
        first, step = (at + 14, 14) if match[0] == b"iloc" else (at + 8, 4)
        for place in range(first, first + step * count, step):
            edits.move_offset(place, 4, int.from_bytes(avif[place : place + 4], "big"))


# TIFF and BMP


def _tiff_tags() -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (269, 270, 271, 272, 285, 305, 306, 316, 65000):
        tags[tag] = secret(f"tag {tag}").decode()
    tags[ARTIST], tags[COPYRIGHT] = AUTHOR, NOTICE
    for tag, data in ((700, XMP), (33723, _iptc()), (34377, _photoshop()), (37724, secret("layers"))):
        tags[tag] = data
        tags.tagtype[tag] = 1
    return tags


def _tiff(mode: str = "RGB", orientation: int = 1, **save: Any) -> bytes:
    tags = _tiff_tags()
    tags[ORIENTATION] = orientation
    return saved(picture(mode), "TIFF", tiffinfo=tags, dpi=(300, 300), **save) + secret("trailing data")


def _tiff_with_directories() -> bytes:
    """With the EXIF and GPS directories, which Pillow writes without compression only, and a second page."""
    made = exif()
    made[700] = XMP
    page = Image.frombytes("L", (40, 30), secret("second page").ljust(1200, b"-"))
    return saved(picture(), "TIFF", exif=made.tobytes(), save_all=True, append_images=[page])


def _tiff_of_jpegs() -> bytes:
    """Its last strip has a comment."""
    plain = saved(picture("L"), "TIFF", compression="jpeg", tiffinfo=_tiff_tags(), quality=60)
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(plain)).tag_v2
    (start,), (length,) = tags[273], tags[279]
    jpeg = plain[start : start + length]
    commented = jpeg[:2] + _segment(0xFE, secret("comment in a strip")) + jpeg[2:]
    out = plain.replace(struct.pack("<HHII", 273, 4, 1, start), struct.pack("<HHII", 273, 4, 1, len(plain)))
    out = out.replace(struct.pack("<HHII", 279, 4, 1, length), struct.pack("<HHII", 279, 4, 1, len(commented)))
    assert out != plain
    return out + commented


def tiff_with_texts_for_numbers(*, deflated: bool = False) -> bytes:
    """A strip longer than its rows; and, unless libtiff has to read it, texts in tags that should hold numbers."""
    tags = _tiff_tags()
    for tag in () if deflated else (280, 290, 301, 318, 332, 336, 341, 529, 532):
        tags[tag] = secret(f"tag {tag}")
        tags.tagtype[tag] = 7
    plain = saved(picture("L"), "TIFF", tiffinfo=tags)
    stored = TiffImagePlugin.TiffImageFile(io.BytesIO(plain)).tag_v2
    (start,), (length,) = stored[273], stored[279]
    strip = plain[start : start + length] + secret("after the rows")
    strip = zlib.compress(strip) if deflated else strip
    out = plain.replace(struct.pack("<HHII", 273, 4, 1, start), struct.pack("<HHII", 273, 4, 1, len(plain)))
    out = out.replace(struct.pack("<HHII", 279, 4, 1, length), struct.pack("<HHII", 279, 4, 1, len(strip)))
    assert out.count(struct.pack("<II", 1, len(strip))) == 1
    if deflated:
        out = out.replace(struct.pack("<HHII", 259, 3, 1, 1), struct.pack("<HHII", 259, 3, 1, 8))
    return out + strip


def _bmp(mode: str = "RGB") -> bytes:
    plain = saved(picture(mode), "BMP", dpi=(300, 300))
    start = int.from_bytes(plain[10:14], "little")
    gap = secret("gap before the pixels").ljust(32, b"\0")
    head = plain[:6] + b"SECR" + (start + len(gap)).to_bytes(4, "little") + plain[14:start]
    return head + gap + plain[start:] + secret("trailing data")


def _bmp_with_a_profile(kind: bytes) -> bytes:
    """Linked, or embedded but none; and a text in place of the numbers for the primaries."""
    rows = np.asarray(picture())[::-1, :, ::-1].tobytes()
    name = secret("profile's path") + b"\0"
    header = struct.pack("<IiiHHIIiiII", 124, 40, 30, 1, 24, 0, len(rows), 11811, 11811, 0, 0)
    header += bytes(16) + kind + secret("primaries").ljust(48, b"\0")
    header += struct.pack("<II", 4, 124 + len(rows)) + struct.pack("<I", len(name)) + b"SECR"
    return b"BM" + struct.pack("<IHHI", 138 + len(rows), 0, 0, 138) + header + rows + name


def _animated(file_format: str, frames: Sequence[Image.Image] = (), **save: Any) -> bytes:
    first, *others = frames or (picture(), picture().rotate(180), picture().rotate(90))
    return saved(first, file_format, save_all=True, append_images=others, duration=70, **save)


SECRET_FILES: dict[str, Callable[[], bytes]] = {
    "jpeg": _jpeg,
    "jpeg progressive": lambda: _jpeg(progressive=True),
    "jpeg orientation 6": lambda: _jpeg(orientation=6),
    "jpeg CMYK": lambda: _jpeg("CMYK"),
    "jpeg stored as RGB": _adobe_jpeg,
    "png": lambda: _png(saved(picture(), "PNG")),
    "png palette orientation 6": lambda: _png(saved(picture("P"), "PNG"), orientation=6),
    "png animated": lambda: _png(_animated("PNG")),
    "webp": lambda: _webp(saved(picture(), "WEBP", exif=exif_bytes(), xmp=XMP)),
    "webp lossless orientation 6": lambda: _webp(saved(picture(), "WEBP", exif=exif_bytes(6), xmp=XMP, lossless=True)),
    "webp animated": lambda: _webp(_animated("WEBP", exif=exif_bytes(), xmp=XMP)),
    "gif": lambda: _gif(saved(picture("P"), "GIF")),
    "gif animated": lambda: _gif(_animated("GIF", loop=0)),
    "avif": lambda: _avif(saved(picture(), "AVIF", exif=exif_bytes(), xmp=XMP)),
    "avif with alpha orientation 6": lambda: _avif(saved(picture("RGBA"), "AVIF", exif=exif_bytes(6), xmp=XMP)),
    "avif animated": lambda: _avif(_animated("AVIF", exif=exif_bytes(), xmp=XMP)),
    "tiff": _tiff_with_directories,
    "tiff lzw orientation 6": lambda: _tiff(orientation=6, compression="tiff_lzw"),
    "tiff deflate": lambda: _tiff(compression="tiff_adobe_deflate"),
    "tiff fax": lambda: _tiff("1", compression="group4"),
    "tiff CMYK": lambda: _tiff("CMYK"),
    "tiff jpeg": _tiff_of_jpegs,
    "tiff with texts for numbers": tiff_with_texts_for_numbers,
    "bmp": _bmp,
    "bmp palette": lambda: _bmp("P"),
    "bmp with a linked profile": partial(_bmp_with_a_profile, b"KNIL"),
    "bmp with a broken profile": partial(_bmp_with_a_profile, b"DEBM"),
}


@cache
def file_with_secrets(name: str) -> bytes:
    return SECRET_FILES[name]()
