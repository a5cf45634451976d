"""Colour spaces given as coding-independent code points (CICP, ITU-T H.273): a PNG's cICP chunk, an AVIF's container.

Wide-gamut spaces are converted to ICC profiles. HDR transfer functions have no ICC equivalent and are ignored.
"""

from services.compressor.decoders.icc_writer import (
    BT2020_PRIMARIES,
    P3_PRIMARIES,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    grey_profile,
    rgb_profile,
)

_PRIMARIES = {1: SRGB_PRIMARIES, 9: BT2020_PRIMARIES, 12: P3_PRIMARIES}  # H.273, table 2
_CURVES: dict[int, tuple[float, ...]] = {4: (2.2,), 5: (2.8,), 8: (1.0,), 13: SRGB_CURVE}  # H.273, table 3
_SRGB = (1, 13)
_CONTAINER_BOXES = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # and the bytes between a box's header and its first child
_COLOUR_BOX = b"colrnclx"


def profile_from_cicp(primaries: int, transfer: int, *, grey: bool) -> bytes | None:
    """The ICC profile of a colour space; None for sRGB, and for a space that ICC profiles cannot express."""
    if primaries not in _PRIMARIES or transfer not in _CURVES or (primaries, transfer) == _SRGB:
        return None
    curve = _CURVES[transfer]
    return grey_profile(curve) if grey else rgb_profile(_PRIMARIES[primaries], curve)


def avif_cicp_profile(avif: bytes, *, grey: bool) -> bytes | None:
    """The ICC profile for the code points of the first item that has them (ISO 14496-12, 12.1.5)."""
    at, end = 0, len(avif)
    while at + 8 <= end:
        size, name = int.from_bytes(avif[at : at + 4], "big"), avif[at + 4 : at + 8]
        if name in _CONTAINER_BOXES:
            at += 8 + _CONTAINER_BOXES[name]
        elif avif.startswith(_COLOUR_BOX, at + 4):
            primaries, transfer = avif[at + 12 : at + 14], avif[at + 14 : at + 16]
            return profile_from_cicp(int.from_bytes(primaries, "big"), int.from_bytes(transfer, "big"), grey=grey)
        elif size < 8:  # 0: up to the end of the file; 1: a 64-bit size, which no picture's header needs
            return None
        else:
            at += size
    return None
