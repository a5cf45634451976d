"""The colour space of a PNG. The first of these that it has applies: cICP, iCCP, sRGB, gAMA with or without cHRM.

That is the order of PNG (Third Edition), 4.3, and browsers follow it; Chrome and Firefox apply gAMA alone as well, as
libpng does. They ignore cHRM alone. Other formats cannot contain these chunks, so they are converted to an equivalent
ICC profile.
"""

import numpy as np

from services.compressor.decoders.cicp import profile_from_cicp
from services.compressor.decoders.colour_profile import is_grey_profile
from services.compressor.decoders.icc_writer import SRGB_PRIMARIES, Primaries, grey_profile, rgb_profile

_UNIT = 100_000
_HDR_CHUNKS = (b"mDCV", b"cLLI")  # of use only to a colour space that cICP defines
_SRGB_CICP = b"\x01\x0d"
_VALID_GAMMAS = range(10_000, 1_000_001)
_SRGB_GAMMA, _GAMMA_TOLERANCE, _PRIMARIES_TOLERANCE = 45_455, 500, 0.002


def profile_for_mode(profile: bytes | None, *, grey: bool) -> bytes | None:
    """The profile, but None for an RGB profile in a grey PNG, which libpng and so every browser ignores."""
    return None if profile and grey and not is_grey_profile(profile) else profile


def effective_profile(chunks: dict[bytes, bytes], embedded: bytes | None, *, grey: bool) -> bytes | None:
    """The profile of the colour space that the chunks and the embedded profile define; None for sRGB."""
    try:
        cicp = chunks.get(b"cICP", b"")
        if cicp[:2] == _SRGB_CICP:
            return None
        if len(cicp) == 4 and (profile := profile_from_cicp(cicp[0], cicp[1], grey=grey)):
            return profile
        if embedded or b"sRGB" in chunks:
            return embedded
        return _gamma_profile(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b""), grey=grey)
    except ValueError:
        return embedded  # impossible colours are ignored


def effective_chunks(chunks: dict[bytes, bytes], embedded: bytes | None) -> dict[bytes, bytes]:
    """The chunks that still apply beside the embedded profile."""
    if b"cICP" not in chunks:
        chunks = {name: data for name, data in chunks.items() if name not in _HDR_CHUNKS}
    return {name: data for name, data in chunks.items() if name in (b"cICP", *_HDR_CHUNKS) or not embedded}


def _gamma_profile(gamma: bytes, chromaticities: bytes, *, grey: bool) -> bytes | None:
    value = int.from_bytes(gamma, "big")
    if value not in _VALID_GAMMAS:
        return None
    primaries = SRGB_PRIMARIES
    if len(chromaticities) == 32:
        values = [int.from_bytes(chromaticities[at : at + 4], "big") / _UNIT for at in range(0, 32, 4)]
        primaries = Primaries(*zip(values[::2], values[1::2], strict=True))
    if _is_srgb(value, primaries):
        return None
    return grey_profile((_UNIT / value,)) if grey else rgb_profile(primaries, (_UNIT / value,))


def _is_srgb(gamma: int, primaries: Primaries) -> bool:
    """Whether these are the values that encoders write for sRGB: its curve is no power function; 1/2.2 is nearest."""
    near = np.allclose(primaries, SRGB_PRIMARIES, rtol=0, atol=_PRIMARIES_TOLERANCE)
    return near and abs(gamma - _SRGB_GAMMA) <= _GAMMA_TOLERANCE
