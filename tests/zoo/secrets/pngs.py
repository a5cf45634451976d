"""PNGs with secrets."""

import struct
import zlib

from PIL import PngImagePlugin

from services.compressor.decoders import PNG_SIGNATURE, iter_png_chunks, png_chunk_bytes
from tests.zoo.secrets.planted import AUTHOR, DATE, XMP, exif_bytes, secret


def png(still: bytes, *, orientation: int = 1) -> bytes:
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
        (b"tIME", DATE),
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
