"""PNGs that violate their format, but that every browser shows, and animated PNGs with a single frame."""

import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageOps

from tests.zoo.pngs import INDEXED, SIGNATURE, animation_chunk, chunk, compressed_rows, control, header, png
from tests.zoo.specimen import HEIGHT, SIZE, WIDTH, Specimen, exif, gradient, stored_with_orientation

_END = chunk(b"IEND", b"")


def _pixels(picture: Image.Image) -> bytes:
    return chunk(b"IDAT", compressed_rows(np.asarray(picture)))


def _png(*before: bytes, pixels: bytes | None = None, end: bytes = _END) -> Specimen:
    data = SIGNATURE + header(*SIZE) + b"".join(before) + (pixels or _pixels(gradient())) + end
    return Specimen(data, "png", gradient())


def wrong_checksum(intact: bytes) -> bytes:
    return intact[:-1] + bytes((intact[-1] ^ 1,))


def _wrong_checksum_of_pixels() -> bytes:
    """The compressed pixels end with a wrong checksum; that of their chunk is right."""
    return chunk(b"IDAT", wrong_checksum(compressed_rows(np.asarray(gradient()))))


def both_checksums_wrong() -> bytes:
    return _png(pixels=wrong_checksum(_wrong_checksum_of_pixels())).data


def damaged_behind_the_last_row() -> bytes:
    """The compressed pixels do not end with the last row, but with something that does not decompress."""
    rows = compressed_rows(np.asarray(gradient()))
    unfinished = zlib.compressobj()
    packed = unfinished.compress(zlib.decompress(rows)) + unfinished.flush(zlib.Z_FULL_FLUSH)
    return _png(pixels=chunk(b"IDAT", packed + b"\xff" * 20), end=b"").data


def many_missing_rows() -> bytes:
    """So many rows are there that they are inflated in several steps."""
    rows = np.zeros((1000, 1200), np.uint8)
    rows[:-1] = 200
    return SIGNATURE + header(1200, 2000, 8, 0) + chunk(b"IDAT", compressed_rows(rows)) + _END


def unknown_colours() -> bytes:
    """A valid header but for its colour type."""
    return SIGNATURE + header(*SIZE, 8, 5) + _pixels(gradient()) + _END


def _oriented_beside_a_broken_chunk() -> Specimen:
    picture = stored_with_orientation(gradient(), 6)
    data = SIGNATURE + header(*picture.size) + chunk(b"gAMA", b"\0") + chunk(b"eXIf", exif(6).tobytes()[6:])
    return Specimen(data + _pixels(picture) + _END, "png", gradient())


def _inflating_text() -> bytes:
    """A chunk of 70 kB whose text inflates to 70 MB."""
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b" " * 70_000_000, 9))


def _only_frame(box: tuple[int, int, int, int]) -> Specimen:
    """The frame is apart from the picture that viewers without APNG support show."""
    x, y, width, height = box
    part = gradient().crop((x, y, x + width, y + height))
    main = _pixels(ImageOps.invert(gradient()))
    frame = chunk(b"fdAT", struct.pack(">I", 1) + compressed_rows(np.asarray(part)))
    data = SIGNATURE + header(*SIZE) + animation_chunk(1) + main + control(0, box, 70, 0, 0) + frame + _END
    shown = gradient() if part.size == SIZE else Image.new("RGBA", SIZE)
    shown.paste(part, (x, y))
    return Specimen(data, "png", shown)


def single_frame_without_pixels() -> bytes:
    return _png(animation_chunk(1), end=control(0, (0, 0, WIDTH, HEIGHT), 70, 0, 0) + _END).data


def _transparency_before_palette() -> Specimen:
    """Browsers ignore it there."""
    picture = gradient(4).quantize(4, dither=Image.Dither.NONE)
    chunks = ((b"tRNS", b"\0"), (b"PLTE", bytes(picture.getpalette() or ())[:12]))
    return Specimen(png(np.asarray(picture), 2, INDEXED, chunks), "png", picture.convert("RGB"))


_BROKEN_CHUNKS = {
    "a gamma of one byte": chunk(b"gAMA", b"\0"),
    "primaries of one byte": chunk(b"cHRM", b"\0"),
    "an empty sRGB chunk": chunk(b"sRGB", b""),
    "a short density": chunk(b"pHYs", b"\0\0"),
    "a short animation chunk": chunk(b"acTL", b"\0"),
    "an animation of 2 billion frames": animation_chunk(0x90000000),
    "an empty profile": chunk(b"iCCP", b""),
    "a profile without data": chunk(b"iCCP", b"name"),
    "a profile by an unknown method": chunk(b"iCCP", b"name\0\5data"),
    "a short transparent colour": chunk(b"tRNS", b"\0\0"),
    "a text by an unknown method": chunk(b"zTXt", b"Title\0\5data"),
    **{
        f"a wrong checksum in {name.decode()}": wrong_checksum(chunk(name, data))
        for name, data in (
            (b"gAMA", struct.pack(">I", 100_000)),
            (b"iCCP", b"name\0\0data"),
            (b"pHYs", bytes(9)),
            (b"tEXt", b"Title\0a picture"),
            (b"eXIf", exif(6).tobytes()[6:]),
        )
    },
}

ODD_PNGS: dict[str, Callable[[], Specimen]] = {
    **{f"png with {what}": partial(_png, broken) for what, broken in _BROKEN_CHUNKS.items()},
    "png with a text that inflates to 70 MB": lambda: _png(_inflating_text()),
    "png without IEND": lambda: _png(end=b""),
    "png with zeros for IEND": lambda: _png(end=bytes(40)),
    "png with a truncated text for IEND": lambda: _png(end=chunk(b"tEXt", b"Title\0" + b"x" * 90)[:40]),
    "png with a wrong checksum of IEND": lambda: _png(end=wrong_checksum(_END)),
    "png with a wrong checksum of a chunk of pixels": lambda: _png(pixels=wrong_checksum(_pixels(gradient()))),
    "png with a wrong checksum of its pixels": lambda: _png(pixels=_wrong_checksum_of_pixels()),
    "png with more rows than declared": lambda: _png(
        pixels=chunk(b"IDAT", compressed_rows(np.concatenate([np.asarray(gradient())] * 2)))
    ),
    "png with bytes after its pixels": lambda: _png(
        pixels=chunk(b"IDAT", compressed_rows(np.asarray(gradient())) + b"more")
    ),
    "png with empty chunks of pixels": lambda: _png(chunk(b"IDAT", b""), end=chunk(b"IDAT", b"") + _END),
    "png with transparency before its palette": _transparency_before_palette,
    "png turned upright beside a broken chunk": _oriented_beside_a_broken_chunk,
    "png with a single frame apart": partial(_only_frame, (0, 0, WIDTH, HEIGHT)),
    "png with a small single frame apart": partial(_only_frame, (10, 5, 20, 30)),
}
