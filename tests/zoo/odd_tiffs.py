"""TIFFs whose first page is not the picture, of rare kinds of pixels, and of kinds that nothing here reads."""

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from tests.zoo.specimen import HEIGHT, WIDTH, Specimen, gradient, grey_gradient, saved

_SHORT, _LONG, _LONG8 = 3, 4, 16
_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_FILL_ORDER, _STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR = 266, 273, 277, 278, 279, 284, 317
_SUB_IFDS, _SAMPLE_FORMAT, _JPEG_PROC, _JPEG_AT, _JPEG_BYTES = 330, 339, 512, 513, 514
_WHITE_IS_ZERO, _GREY, _RGB, _YCBCR, _CIELAB, _CAMERA_RAW = 0, 1, 2, 6, 8, 32803
_SIGNED, _FLOAT = 2, 3
_REDUCED, _MASK = 1, 4
_FIELDS = {_SHORT: "H", _LONG: "L", _LONG8: "Q"}

Order = Literal["<", ">"]
Tags = Mapping[int, tuple[int, ...]]


class Page(NamedTuple):
    strips: tuple[bytes, ...]
    tags: Tags


def page(samples: np.ndarray, tags: Tags | None = None, *, strips: tuple[bytes, ...] = (), order: Order = "<") -> Page:
    """samples: rows of pixels, of one or three samples each. strips: what to store in place of them."""
    bits = samples.dtype.itemsize * 8
    bands = samples.shape[2] if samples.ndim == 3 else 1
    usual = {
        _WIDTH: (samples.shape[1],),
        _HEIGHT: (samples.shape[0],),
        _BITS: (bits,) * bands,
        _COMPRESSION: (1,),
        _PHOTOMETRIC: (_RGB if bands == 3 else _GREY,),
        _SAMPLES: (bands,),
        _STRIP_ROWS: (samples.shape[0],),
    }
    stored = strips or (samples.astype(samples.dtype.newbyteorder(order)).tobytes(),)
    return Page(stored, usual | dict(tags or {}))


def tiff(*pages: Page, order: Order = "<", big: bool = False, nested: bool = False) -> bytes:
    """A file of these pages. nested: the later ones belong to the first (SubIFDs)."""
    header = 16 if big else 8
    data = bytearray(header)
    complete = []
    for strips, tags in pages:
        places = []
        for strip in strips:
            places.append(len(data))
            data += strip + b"\0" * (len(strip) % 2)
        complete.append({**tags, _STRIPS: tuple(places), _STRIP_BYTES: tuple(map(len, strips))})
    following, children = 0, list[int]()
    for index, tags in reversed(list(enumerate(complete))):
        if children and index == 0:
            tags[_SUB_IFDS] = tuple(reversed(children))
        at = len(data)
        data += _directory(tags, at, 0 if nested else following, order=order, big=big)
        following = at
        if nested:
            children.append(at)
    mark = b"II" if order == "<" else b"MM"
    version = struct.pack(order + "HHHQ", 43, 8, 0, following) if big else struct.pack(order + "HL", 42, following)
    data[:header] = mark + version
    return bytes(data)


def _directory(tags: Tags, at: int, following: int, *, order: Order, big: bool) -> bytes:
    number, count, slot = ("Q", "Q", 8) if big else ("H", "L", 4)
    pointer = "Q" if big else "L"
    entry_bytes = 4 + struct.calcsize(order + count) + slot
    after = at + struct.calcsize(order + number) + entry_bytes * len(tags) + struct.calcsize(order + pointer)
    entries, extra = b"", b""
    for tag, values in sorted(tags.items()):
        kind = _SHORT if max(values) < 1 << 16 and tag not in (_STRIPS, _SUB_IFDS) else _LONG
        content = struct.pack(f"{order}{len(values)}{_FIELDS[kind]}", *values)
        entries += struct.pack(order + "HH" + count, tag, kind, len(values))
        if len(content) > slot:
            entries += struct.pack(order + pointer, after + len(extra))
            extra += content
        else:
            entries += content.ljust(slot, b"\0")
    return struct.pack(order + number, len(tags)) + entries + struct.pack(order + pointer, following) + extra


def _rgb() -> np.ndarray:
    return np.asarray(gradient())


def _grey() -> np.ndarray:
    return np.asarray(grey_gradient()).astype(np.int64)


def _thumbnail(tags: Tags) -> Page:
    """Of other colours, so that the picture scaled down does not look like it."""
    return page(255 - np.asarray(gradient().resize((16, 12))), tags)


def _after_thumbnail(tags: Tags, *, nested: bool = False, big: bool = False, order: Order = "<") -> Specimen:
    full = page(_rgb(), {_SUBFILE: (0,)})
    return Specimen(tiff(_thumbnail(tags), full, nested=nested, big=big, order=order), "tiff", gradient())


def _after_several() -> Specimen:
    """A thumbnail that has a picture of its own, a mask, and the picture."""
    mask = page(np.zeros((HEIGHT, WIDTH), np.uint8), {_SUBFILE: (_MASK,), _PHOTOMETRIC: (_GREY,)})
    pages = (_thumbnail({_SUBFILE: (_REDUCED,)}), mask, page(_rgb(), {_SUBFILE: (0,)}))
    return Specimen(tiff(*pages), "tiff", gradient())


def _only_thumbnail() -> Specimen:
    return Specimen(tiff(page(_rgb(), {_SUBFILE: (_REDUCED,)})), "tiff", gradient())


def _grey_of(values: np.ndarray, tags: Tags | None = None, *, order: Order = "<") -> Specimen:
    data = tiff(page(values, tags, order=order), order=order)
    return Specimen(data, "tiff", grey_gradient().convert("RGB"), 0.5)


def _twelve_bits() -> Specimen:
    """Two samples in three bytes."""
    values = (_grey() * 4095 // 255).reshape(HEIGHT, -1, 2)
    packed = np.dstack(
        [values[:, :, 0] >> 4, (values[:, :, 0] & 15) << 4 | values[:, :, 1] >> 8, values[:, :, 1] & 255]
    )
    stored = page(_grey().astype(np.uint16), {_BITS: (12,)}, strips=(packed.astype(np.uint8).tobytes(),))
    return Specimen(tiff(stored), "tiff", grey_gradient().convert("RGB"), 0.5)


def _planes_of_16_bits(order: Order) -> Specimen:
    values = (_rgb().astype(np.int64) * 257).astype(order + "u2")
    planes = tuple(values[:, :, band].tobytes() for band in range(3))
    stored = page(values, {_PLANAR: (2,)}, strips=planes)
    return Specimen(tiff(stored, order=order), "tiff", gradient())


def _predicted(order: Order) -> Specimen:
    """Differences of 16-bit samples, packed."""
    values = (_grey() * 257).astype(np.uint16)
    differences = np.diff(values, axis=1, prepend=np.zeros((HEIGHT, 1), np.uint16)).astype(order + "u2")
    packed = zlib.compress(differences.tobytes())
    stored = page(values, {_COMPRESSION: (8,), _PREDICTOR: (2,)}, strips=(packed,))
    return Specimen(tiff(stored, order=order), "tiff", grey_gradient().convert("RGB"), 0.5)


def _bits_from_the_right() -> Specimen:
    """FillOrder 2, as fax machines write it."""
    bits = np.packbits(np.asarray(gradient(2).convert("1")), axis=1, bitorder="little")
    tags = {_BITS: (1,), _FILL_ORDER: (2,)}
    stored = page(np.zeros((HEIGHT, WIDTH), np.uint8), tags, strips=(bits.tobytes(),))
    return Specimen(tiff(stored), "tiff", gradient(2))


def _old_jpeg() -> bytes:
    """A whole JPEG within the strip, to which the tags point too (TIFF 6.0, section 22)."""
    jpeg = saved(gradient(), "JPEG", quality=95, subsampling=0)
    tags = {
        _COMPRESSION: (6,),
        _PHOTOMETRIC: (_YCBCR,),
        _JPEG_PROC: (1,),
        _JPEG_AT: (8,),
        _JPEG_BYTES: (len(jpeg),),
        530: (1, 1),
    }
    return tiff(page(_rgb(), tags, strips=(jpeg,)))


def damaged_old_jpeg() -> bytes:
    data = _old_jpeg()
    return data[:1200] + bytes(40) + data[1240:]


def thumbnail_before_a_truncated_page() -> bytes:
    """Cut within the tags of the second page."""
    first, second = _thumbnail({_SUBFILE: (_REDUCED,)}), page(_rgb())
    whole = tiff(first, second)
    at = int.from_bytes(whole[4:8], "little")
    count = int.from_bytes(whole[at : at + 2], "little")
    following = at + 2 + 12 * count
    return whole[:following] + struct.pack("<L", len(whole) - 10) + whole[following + 4 :]


def _unread(values: np.ndarray, tags: Tags | None = None) -> bytes:
    return tiff(page(values, tags))


def _camera_raw() -> bytes:
    """A DNG: a thumbnail, to which the raw picture belongs."""
    raw = page((_grey() * 16).astype(np.uint16), {_SUBFILE: (0,), _PHOTOMETRIC: (_CAMERA_RAW,)})
    return tiff(_thumbnail({_SUBFILE: (_REDUCED,)}), raw, nested=True)


ODD_TIFFS: dict[str, Callable[[], Specimen]] = {
    "tiff after its thumbnail": partial(_after_thumbnail, {_SUBFILE: (_REDUCED,)}),
    "tiff after its thumbnail, big-endian": partial(_after_thumbnail, {_SUBFILE: (_REDUCED,)}, order=">"),
    "tiff within its thumbnail": partial(_after_thumbnail, {_SUBFILE: (_REDUCED,)}, nested=True),
    "tiff within its thumbnail, BigTIFF": partial(_after_thumbnail, {_SUBFILE: (_REDUCED,)}, nested=True, big=True),
    "tiff after a thumbnail by the old tag": partial(_after_thumbnail, {_OLD_SUBFILE: (2,)}),
    "tiff after thumbnail and mask": _after_several,
    "tiff of a thumbnail only": _only_thumbnail,
    "tiff with numbers for a profile": lambda: Specimen(tiff(page(_rgb(), {34675: (1, 2, 3)})), "tiff", gradient()),
    "tiff 16 bit big-endian": lambda: _grey_of((_grey() * 257).astype(np.uint16), order=">"),
    "tiff 16 bit signed": lambda: _grey_of((_grey() * 32767 // 255).astype(np.int16), {_SAMPLE_FORMAT: (_SIGNED,)}),
    "tiff 16 bit with 0 for white": lambda: _grey_of(
        (65535 - _grey() * 257).astype(np.uint16), {_PHOTOMETRIC: (_WHITE_IS_ZERO,)}
    ),
    "tiff floats with 0 for white": lambda: _grey_of(
        (1 - _grey() / 255).astype(np.float32), {_PHOTOMETRIC: (_WHITE_IS_ZERO,), _SAMPLE_FORMAT: (_FLOAT,)}
    ),
    "tiff 32 bit unsigned": lambda: _grey_of((_grey() * 0x01010101).astype(np.uint32)),
    "tiff 12 bit": _twelve_bits,
    "tiff 16 bit in planes": partial(_planes_of_16_bits, "<"),
    "tiff 16 bit in planes, big-endian": partial(_planes_of_16_bits, ">"),
    "tiff 16 bit of differences": partial(_predicted, "<"),
    "tiff 16 bit of differences, big-endian": partial(_predicted, ">"),
    "tiff with bits from the right": _bits_from_the_right,
    "tiff with an old-style JPEG": lambda: Specimen(_old_jpeg(), "tiff", gradient(), 4),
}

UNREAD_TIFFS: dict[str, tuple[bytes, str]] = {
    "camera raw (DNG)": (_camera_raw(), "a TIFF image of camera raw with 1 x 16 bits"),
    **{
        f"tiff compressed with {name}": (
            _unread(_rgb(), {_COMPRESSION: (method,)}),
            f"a TIFF image compressed with {name}",
        )
        for name, method in (("LERC", 34887), ("WebP", 50001), ("JPEG XL", 50002), ("method 40000", 40000))
    },
    "tiff of RGB floats": (
        _unread((_rgb() / 255).astype(np.float32), {_SAMPLE_FORMAT: (_FLOAT,) * 3}),
        "a TIFF image of RGB with 3 x 32 floating-point bits",
    ),
    "tiff of long floats": (
        _unread(_grey() / 255, {_SAMPLE_FORMAT: (_FLOAT,)}),
        "a TIFF image of grey with 1 x 64 floating-point bits",
    ),
    "tiff Lab 16 bit": (
        _unread(_rgb().astype(np.uint16), {_PHOTOMETRIC: (_CIELAB,)}),
        "a TIFF image of CIELab with 3 x 16 bits",
    ),
    "tiff CMYK in planes of 16 bits": (
        tiff(
            page(
                np.zeros((HEIGHT, WIDTH, 4), np.uint16),
                {_PHOTOMETRIC: (5,), _PLANAR: (2,)},
                strips=(bytes(2 * WIDTH * HEIGHT),) * 4,
            )
        ),
        "a TIFF image of CMYK in planes of 16 bits",
    ),
    "tiff big-endian BigTIFF": (tiff(page(_rgb()), order=">", big=True), "a big-endian BigTIFF image"),
}
