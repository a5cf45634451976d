"""Decode the runs of a BMP as browsers show them: pixels that they leave out are transparent.

Pillow gives those colour 0, loses empty rows, and takes damaged runs. Source: BI_RLE8 and BI_RLE4 in Microsoft's
documentation of Windows GDI; what counts as damage, as in Chromium.
"""

from PIL import Image, ImageFile

_END_OF_ROW, _END, _JUMP = 0, 1, 2
_CODEC = "bmp_rle"


def decode_runs(image: ImageFile.ImageFile, original: bytes) -> Image.Image | None:
    """The pixels of an opened BMP, with alpha if some are left out; None if it has no runs.

    Raises ValueError if its runs are damaged: browsers then show a part of the picture.
    """
    tile = image.tile[0]
    if tile.codec_name != _CODEC or not isinstance(tile.args, tuple):
        return None
    _, has_nibbles, direction = tile.args
    try:
        pixels, mask = _decoded(original[tile.offset :], image.size, has_nibbles=bool(has_nibbles))
    except IndexError as error:
        raise ValueError("the runs are truncated") from error
    mode = "P" if image.mode == "P" else "L"
    decoded = Image.frombytes(mode, image.size, bytes(pixels), "raw", mode, 0, direction)
    if mode == "P" and image.palette:
        decoded.putpalette(image.palette.palette, image.palette.rawmode or "RGB")
    elif image.mode == "1":
        decoded = decoded.point(lambda index: 255 * min(index, 1))
    if 0 not in mask:
        return decoded
    decoded = decoded.convert("RGBA")
    decoded.putalpha(Image.frombytes("L", image.size, bytes(mask), "raw", "L", 0, direction))
    return decoded


def _decoded(runs: bytes, size: tuple[int, int], *, has_nibbles: bool) -> tuple[bytearray, bytearray]:
    """The pixels in the order of the file's rows, and 255 for each one that is set. has_nibbles: two in a byte."""
    width, height = size
    pixels, mask, ones = bytearray(width * height), bytearray(width * height), b"\xff" * 255
    x = y = at = 0
    while at < len(runs) or (y, x) < (height - 1, width):
        count, code = runs[at], runs[at + 1]
        at += 2
        if (count, code) == (0, _END):
            break
        if y >= height:
            raise ValueError("runs behind the last row")
        if (count, code) == (0, _END_OF_ROW):
            x, y = 0, y + 1
        elif (count, code) == (0, _JUMP):
            x, y = x + runs[at], y + runs[at + 1]
            at += 2
            if x > width or y >= height:
                raise ValueError("a jump out of the picture")
        else:
            length, stored = min(count, width - x), bytes((code,))  # a run ends with its row
            if count == 0:
                length, packed = code, (code + 1) // 2 if has_nibbles else code
                stored = runs[at : at + packed]
                at += packed + packed % 2
                if x + length > width or at > len(runs):
                    raise ValueError("pixels out of the picture, or truncated")
            values = _nibbles(stored) if has_nibbles else stored
            start = y * width + x
            pixels[start : start + length] = (values * (length // len(values) + 1))[:length]
            mask[start : start + length] = ones[:length]
            x += length
    if not any(mask):
        raise ValueError("no pixels")
    return pixels, mask


def _nibbles(stored: bytes) -> bytes:
    return bytes(value for byte in stored for value in (byte >> 4, byte & 15))
