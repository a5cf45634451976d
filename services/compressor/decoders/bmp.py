"""Decode the BMPs that Pillow refuses or decodes without their alpha: those with bit masks, and those of 2 bits.

Masks apply as in Chromium: an alpha mask counts also without BI_BITFIELDS, and alpha that is 0 everywhere counts as
none. Source: the headers BITMAPINFOHEADER to BITMAPV5HEADER in Microsoft's documentation of Windows GDI.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from services.compressor.compress_error import CompressError
from shared.contracts.error_codes import ErrorCode

_FILE_HEADER = 14
_SHORTEST_HEADER, _INFO_HEADER, _MASKS_HEADER, _ALPHA_HEADER, _OS2_HEADER = 16, 40, 52, 56, 64
_USUAL_HEADERS = (_INFO_HEADER, _MASKS_HEADER, _ALPHA_HEADER)
_COLOURS_AT, _ALPHA_MASK_AT = 46, 66
_RGB, _BIT_FIELDS, _ALPHA_BIT_FIELDS = 0, 3, 6
_USUAL_MASKS = {16: (0x7C00, 0x3E0, 0x1F), 32: (0xFF0000, 0xFF00, 0xFF)}
_MOST_COLOURS = 256
_BAND_PIXELS = 1 << 20

# No browser shows these, and no decoder that is used here reads them. By compression, or by bits per pixel.
_UNREAD_COMPRESSIONS = {4: "a BMP image that contains a JPEG", 5: "a BMP image that contains a PNG"}
_UNREAD_OS2_COMPRESSIONS = {3: "a BMP image with Huffman codes", 4: "a BMP image with runs of 24 bits"}
_UNREAD_BITS = {48: "a BMP image of 48 bits per pixel", 64: "a BMP image of 64 bits per pixel"}

_Pixels = np.ndarray


class _Channel(NamedTuple):
    """Contiguous bits of a pixel."""

    shift: int
    bits: int

    def of(self, pixels: _Pixels) -> _Pixels:
        """Its values, from 0 to 255."""
        values = pixels >> self.shift
        if self.bits > 8:
            values >>= self.bits - 8
            return values.astype(np.uint8)
        most = (1 << self.bits) - 1
        values &= most
        return values.astype(np.uint8) if most == 255 else ((values * 255 + most // 2) // most).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A BMP that Pillow does not read. channels: red, green, blue and perhaps alpha; empty if there is a palette."""

    size: tuple[int, int]
    top_down: bool
    bits: int
    at: int
    channels: tuple[_Channel | None, ...]
    palette: bytes = b""

    def decode(self, original: bytes) -> Image.Image:
        """In mode P, RGB or RGBA. Raises ValueError if pixels are missing."""
        width, height = self.size
        row_bytes = -(-width * self.bits // 8)
        if self.at + (height - 1) * self._stride + row_bytes > len(original):
            raise ValueError("the file is truncated")
        if not self.channels:
            return self._decode_indices(original)
        image = Image.new("RGBA" if len(self.channels) == 4 else "RGB", self.size)
        for y, rows in self._bands(original, row_bytes):
            pixels = np.ascontiguousarray(rows).view(f"<u{self.bits // 8}").astype(np.uint32)
            bands = [channel.of(pixels) if channel else np.zeros(pixels.shape, np.uint8) for channel in self.channels]
            image.paste(Image.fromarray(np.dstack(bands)), (0, y))
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
            return image.convert("RGB")
        return image

    def _decode_indices(self, original: bytes) -> Image.Image:
        image = Image.new("P", self.size)
        image.putpalette(self.palette, "BGRX")
        shifts = np.arange(8 - self.bits, -1, -self.bits)
        for y, rows in self._bands(original, -(-self.size[0] * self.bits // 8)):
            indices = (rows[:, :, None] >> shifts & (1 << self.bits) - 1).astype(np.uint8)
            image.paste(Image.fromarray(indices.reshape(len(rows), -1)[:, : self.size[0]]), (0, y))
        return image

    @property
    def _stride(self) -> int:
        return -(-self.size[0] * self.bits // 32) * 4

    def _bands(self, original: bytes, row_bytes: int) -> Iterator[tuple[int, _Pixels]]:
        """Some rows at a time with the place of the first, so that arrays stay small."""
        width, height = self.size
        count = max(1, _BAND_PIXELS // width)
        for start in range(0, height, count):
            stored = range(height)[start : start + count]
            rows = np.stack([np.frombuffer(original, np.uint8, row_bytes, self.at + y * self._stride) for y in stored])
            yield (start, rows) if self.top_down else (height - start - len(rows), rows[::-1])


def read_bitmap(bmp: bytes) -> Bitmap | None:
    """The bitmap if Pillow does not read it as browsers show it; None if Pillow does, or if the file is no BMP.

    Raises CompressError for kinds that nothing reads, and ValueError for impossible masks.
    """
    header_bytes = _number(bmp, 14)
    if header_bytes < _INFO_HEADER or len(bmp) < _FILE_HEADER + header_bytes:
        return None
    width, height, _planes, bits, compression = struct.unpack_from("<iiHHI", bmp, 18)
    _refuse_unread(header_bytes, bits, compression)
    palette_at = _FILE_HEADER + header_bytes
    if bits == 2 and compression == _RGB:
        colours = min(_number(bmp, _COLOURS_AT) or 4, 4)
        channels: tuple[_Channel | None, ...] = ()
    elif bits in _USUAL_MASKS and header_bytes != _OS2_HEADER:
        masks, palette_at = _masks(bmp, header_bytes, bits, compression)
        if masks is None:
            return None
        colours, channels = 0, _channels(masks)
    else:
        return None
    if width <= 0 or height == 0:
        return None
    return Bitmap(
        size=(width, abs(height)),
        top_down=height < 0,
        bits=bits,
        at=_number(bmp, 10) or palette_at + 4 * colours,
        channels=channels,
        palette=bmp[palette_at : palette_at + 4 * colours],
    )


def with_usual_header(bmp: bytes) -> bytes:
    """The BMP with a header of 40 bytes in place of one of OS/2 or of unusual length, and at most 256 colours."""
    header_bytes = _number(bmp, 14)
    end = _FILE_HEADER + header_bytes
    if _SHORTEST_HEADER <= header_bytes < _OS2_HEADER and header_bytes not in _USUAL_HEADERS and len(bmp) > end:
        pixels_at = (_number(bmp, 10) or end) + _INFO_HEADER - header_bytes
        header = bmp[18:end].ljust(_INFO_HEADER, b"\0")[: _INFO_HEADER - 4]
        bmp = bmp[:10] + struct.pack("<II", pixels_at, _INFO_HEADER) + header + bmp[end:]
    if header_bytes >= _SHORTEST_HEADER and _number(bmp, _COLOURS_AT) > _MOST_COLOURS:
        bmp = bmp[:_COLOURS_AT] + struct.pack("<I", _MOST_COLOURS) + bmp[_COLOURS_AT + 4 :]
    return bmp


def _refuse_unread(header_bytes: int, bits: int, compression: int) -> None:
    kinds = _UNREAD_OS2_COMPRESSIONS if header_bytes == _OS2_HEADER else _UNREAD_COMPRESSIONS
    if what := kinds.get(compression) or _UNREAD_BITS.get(bits):
        raise CompressError(ErrorCode.UNSUPPORTED_FORMAT, f"the file is {what}")


def _masks(bmp: bytes, header_bytes: int, bits: int, compression: int) -> tuple[tuple[int, ...] | None, int]:
    """The masks, None without any, and where they end if they follow the header."""
    end = _FILE_HEADER + header_bytes
    alpha = (_number(bmp, _ALPHA_MASK_AT),) if header_bytes >= _ALPHA_HEADER else ()
    if compression in (_BIT_FIELDS, _ALPHA_BIT_FIELDS):
        if header_bytes >= _MASKS_HEADER:
            return struct.unpack_from("<3I", bmp, 54) + alpha, end
        count = 3 if compression == _BIT_FIELDS else 4
        return struct.unpack_from(f"<{count}I", bmp, end), end + 4 * count
    if compression == _RGB and any(alpha):
        return _USUAL_MASKS[bits] + alpha, end
    return None, end


def _channels(masks: tuple[int, ...]) -> tuple[_Channel | None, ...]:
    used = 0
    for mask in masks:
        if mask & used:
            raise ValueError("its bit masks overlap")
        used |= mask
    channels = [_channel(mask) for mask in masks]
    return tuple(channels[:3] if len(channels) == 4 and channels[3] is None else channels)


def _channel(mask: int) -> _Channel | None:
    if not mask:
        return None
    shift = (mask & -mask).bit_length() - 1
    bits = mask.bit_length() - shift
    if mask >> shift != (1 << bits) - 1:
        raise ValueError("a bit mask has gaps")
    return _Channel(shift, bits)


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
