"""A small CMYK profile. Source: ICC.1:2022, 10.10 (lut8Type)."""

import io
from functools import cache
from itertools import product

from PIL import Image, ImageCms

_SOLID = {0: (0, 174, 239), 1: (236, 0, 140), 2: (255, 242, 0), 3: (35, 31, 32)}  # the colour of each ink on paper
_RAMP = bytes(range(256))


@cache
def cmyk_profile() -> bytes:
    """One lookup table from CMYK to Lab, with the solid mixtures of inks at its corners."""
    corners = Image.new("RGB", (16, 1))
    for index, inks in enumerate(product((0, 1), repeat=4)):
        corners.putpixel((index, 0), _mixture(inks))
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
    made = ImageCms.applyTransform(corners, to_lab)
    assert made is not None
    # Pillow's a and b are signed; those of the table begin at -128.
    table = bytes(value if at % 3 == 0 else value ^ 0x80 for at, value in enumerate(made.tobytes()))
    matrix = b"".join((65536 * (at % 4 == 0)).to_bytes(4, "big") for at in range(9))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + _RAMP * 4 + table + _RAMP * 3
    head = (132 + 12 + len(lut)).to_bytes(4, "big") + b"\0\0\0\0\x02\x40\0\0prtrCMYKLab " + b"\0" * 12 + b"acsp"
    white = b"\0\0\xf6\xd6\0\1\0\0\0\0\xd3\x2d"
    entry = b"\0\0\0\x01A2B0" + (144).to_bytes(4, "big") + len(lut).to_bytes(4, "big")
    return (head + b"\0" * 28 + white).ljust(128, b"\0") + entry + lut


def cmyk_to_srgb(picture: Image.Image) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(picture, io.BytesIO(cmyk_profile()), srgb, outputMode="RGB")
    assert shown is not None
    return shown


def _mixture(inks: tuple[int, ...]) -> tuple[int, int, int]:
    mixed = [255.0, 255.0, 255.0]
    for ink, used in enumerate(inks):
        if used:
            mixed = [value * solid / 255 for value, solid in zip(mixed, _SOLID[ink], strict=True)]
    red, green, blue = (round(value) for value in mixed)
    return red, green, blue
