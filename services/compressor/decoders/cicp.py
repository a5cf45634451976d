"""Colour spaces given as coding-independent code points (CICP, ITU-T H.273): a PNG's cICP chunk, an AVIF's container.

SDR spaces are converted to ICC profiles. HDR transfer functions have no ICC equivalent; `hdr.py` is about them.
"""

from services.compressor.decoders.icc_writer import (
    BT601_525_PRIMARIES,
    BT601_625_PRIMARIES,
    BT2020_PRIMARIES,
    CINEMA_P3_PRIMARIES,
    EBU_PRIMARIES,
    P3_PRIMARIES,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    grey_profile,
    rgb_profile,
)

PRIMARIES = {
    1: SRGB_PRIMARIES,
    5: BT601_625_PRIMARIES,
    6: BT601_525_PRIMARIES,
    7: BT601_525_PRIMARIES,
    9: BT2020_PRIMARIES,
    11: CINEMA_P3_PRIMARIES,
    12: P3_PRIMARIES,
    22: EBU_PRIMARIES,
}
"""H.273, table 2."""

_VIDEO_CURVES = (1, 6, 11, 14, 15)
_UNSPECIFIED = 2
_CURVES: dict[int, tuple[float, ...]] = {
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
    13: SRGB_CURVE,
    _UNSPECIFIED: SRGB_CURVE,
    **dict.fromkeys(_VIDEO_CURVES, (2.4,)),  # as a display shows video (ITU-R BT.1886)
}
"""H.273, table 3."""

_SRGB = ((1, 13), (1, _UNSPECIFIED))


def profile_from_cicp(primaries: int, transfer: int, *, grey: bool) -> bytes | None:
    """The ICC profile of a colour space; None for sRGB, and for a space that ICC profiles cannot express."""
    if primaries not in PRIMARIES or transfer not in _CURVES or (primaries, transfer) in _SRGB:
        return None
    curve = _CURVES[transfer]
    return grey_profile(curve) if grey else rgb_profile(PRIMARIES[primaries], curve)


def avif_cicp_profile(properties: dict[bytes, bytes], *, grey: bool) -> bytes | None:
    """The ICC profile for the code points among the properties of an AVIF's primary picture (ISO 14496-12, 12.1.5).

    As browsers show an AVIF, the transfer functions of video count as sRGB's.
    """
    colour = properties.get(b"colrnclx", b"")
    primaries, transfer = int.from_bytes(colour[:2], "big"), int.from_bytes(colour[2:4], "big")
    return profile_from_cicp(primaries, _UNSPECIFIED if transfer in _VIDEO_CURVES else transfer, grey=grey)
