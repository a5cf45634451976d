"""Colours that a file gives by the codes of ITU-T H.273: PNG in cICP, AVIF in its container.

The wide-gamut spaces are translated to profiles. Those of HDR have none, and are left as they are.
"""

from services.compressor.decoders.icc_writer import (
    BT2020_PRIMARIES,
    P3_PRIMARIES,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    grey_profile,
    rgb_profile,
)

_PRIMARIES = {1: SRGB_PRIMARIES, 9: BT2020_PRIMARIES, 12: P3_PRIMARIES}  # table 2
_CURVES: dict[int, tuple[float, ...]] = {4: (2.2,), 5: (2.8,), 8: (1.0,), 13: SRGB_CURVE}  # table 3
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # boxes of boxes, and the bytes before those
_CODES = b"colrnclx"


def profile_from_cicp(primaries: int, transfer: int, *, grey: bool) -> bytes | None:
    """None if no profile can say it, and for sRGB."""
    if primaries not in _PRIMARIES or transfer not in _CURVES or (primaries, transfer) == (1, 13):
        return None
    curve = _CURVES[transfer]
    return grey_profile(curve) if grey else rgb_profile(_PRIMARIES[primaries], curve)


def avif_cicp_profile(avif: bytes, *, grey: bool) -> bytes | None:
    """What the container's codes say of the first item that has some (ISO 14496-12, 12.1.5)."""
    at, end = 0, len(avif)
    while at + 8 <= end:
        size, name = int.from_bytes(avif[at : at + 4], "big"), avif[at + 4 : at + 8]
        if name in _CONTAINERS:
            at += 8 + _CONTAINERS[name]
        elif avif.startswith(_CODES, at + 4):
            primaries, transfer = avif[at + 12 : at + 14], avif[at + 14 : at + 16]
            return profile_from_cicp(int.from_bytes(primaries, "big"), int.from_bytes(transfer, "big"), grey=grey)
        elif size < 8:  # up to the end of the file, or longer than a picture's header is
            return None
        else:
            at += size
    return None
