"""Write ICC profiles for colour spaces that a file defines by numbers. Source: ICC.1:2022."""

from typing import NamedTuple

import numpy as np

_D50 = np.array((0.9642, 1.0, 0.8249))  # the white point of every profile
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_VERSION = 0x04300000
_HEADER_BYTES, _ENTRY_BYTES = 128, 12


class Primaries(NamedTuple):
    """CIE x and y of the white point and the primaries."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


_D65 = (0.3127, 0.3290)
SRGB_PRIMARIES = Primaries(_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3_PRIMARIES = Primaries(_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
BT2020_PRIMARIES = Primaries(_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
BT601_625_PRIMARIES = Primaries(_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06))
BT601_525_PRIMARIES = Primaries(_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
EBU_PRIMARIES = Primaries(_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077))
CINEMA_P3_PRIMARIES = Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))

# g, a, b, c, d of the parametric curve: (a x + b) ** g where x >= d, c x below.
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def rgb_profile(primaries: Primaries, curve: tuple[float, ...]) -> bytes:
    """The profile of an RGB display. curve: (exponent,) or a parametric curve such as SRGB_CURVE.

    Raises ValueError if the primaries do not span a colour space.
    """
    white = _xyz(*primaries.white)
    try:
        scaled = rgb_to_xyz(primaries)
    except np.linalg.LinAlgError as error:
        raise ValueError("the primaries do not span a colour space") from error
    adapted = _adaptation(white) @ scaled
    if not np.isfinite(adapted).all() or np.abs(adapted).max() > 100:
        raise ValueError("the primaries do not span a colour space")
    primaries_tags = {name: _xyz_tag(adapted[:, index]) for index, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return _profile(b"RGB ", primaries_tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve_tag(curve)))


def rgb_to_xyz(primaries: Primaries) -> np.ndarray:
    """The matrix from linear RGB to XYZ, without adaptation of the white point.

    Raises LinAlgError or ValueError if the primaries do not span a colour space.
    """
    columns = np.array([_xyz(*point) for point in primaries[1:]]).T
    return columns * np.linalg.solve(columns, _xyz(*primaries.white))


def grey_profile(curve: tuple[float, ...]) -> bytes:
    """The profile of a grey display; `curve` as in `rgb_profile`."""
    return _profile(b"GRAY", {b"kTRC": _curve_tag(curve)})


def _xyz(x: float, y: float) -> np.ndarray:
    if y <= 0:
        raise ValueError("a chromaticity with y <= 0")
    return np.array((x / y, 1.0, (1 - x - y) / y))


def _adaptation(white: np.ndarray) -> np.ndarray:
    """The matrix that adapts colours from the white point `white` to D50 (Bradford, ICC.1:2022 annex E)."""
    gains = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD)


def _fixed(value: float) -> bytes:
    return round(value * 65536).to_bytes(4, "big", signed=True)


def _xyz_tag(xyz: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(float(value)) for value in xyz)


def _curve_tag(curve: tuple[float, ...]) -> bytes:
    kind = {1: 0, 5: 3}[len(curve)]
    return b"para\0\0\0\0" + kind.to_bytes(2, "big") + b"\0\0" + b"".join(_fixed(value) for value in curve)


def _text_tag(text: str) -> bytes:
    content = text.encode("utf-16-be")
    record = b"\0\0\0\x01\0\0\0\x0cenUS" + len(content).to_bytes(4, "big") + b"\0\0\0\x1c"
    return b"mluc\0\0\0\0" + record + content


def _profile(space: bytes, colours: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _text_tag(" "), b"cprt": _text_tag("CC0"), b"wtpt": _xyz_tag(_D50)} | colours
    start = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags)
    table, content, offsets = b"", b"", dict[bytes, int]()
    for name, tag in tags.items():
        if tag not in offsets:  # equal tags share their bytes
            offsets[tag] = start + len(content)
            content += tag + b"\0" * (-len(tag) % 4)
        table += name + offsets[tag].to_bytes(4, "big") + len(tag).to_bytes(4, "big")
    size = start + len(content)
    head = size.to_bytes(4, "big") + b"\0" * 4 + _VERSION.to_bytes(4, "big") + b"mntr" + space + b"XYZ "
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + b"".join(_fixed(float(value)) for value in _D50)
    return head.ljust(_HEADER_BYTES, b"\0") + len(tags).to_bytes(4, "big") + table + content
