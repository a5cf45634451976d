"""Which colours a PNG's numbers are. The first that it has says it: cICP, iCCP, sRGB, or gAMA with or without cHRM.

That is the order of PNG (Third Edition) 4.3, and browsers heed each of them; also gAMA alone, in Chrome and Firefox by
libpng's own gamma. cHRM alone they ignore. Other formats cannot hold the chunks, so there is a profile that says the
same.
"""

import numpy as np

from services.compressor.decoders.cicp import profile_from_cicp
from services.compressor.decoders.colour_profile import is_grey_profile
from services.compressor.decoders.icc_writer import SRGB_PRIMARIES, Primaries, grey_profile, rgb_profile

_UNIT = 100_000
_SRGB_CODES = b"\x01\x0d"
_GAMMAS = range(10_000, 1_000_001)
_SRGB_GAMMA, _NEAR_GAMMA, _NEAR_PRIMARIES = 45_455, 500, 0.002


def allowed(profile: bytes | None, *, grey: bool) -> bytes | None:
    """None for a profile for RGB in a grey PNG: libpng, and so every browser, ignores that."""
    return None if profile and grey and not is_grey_profile(profile) else profile


def profile_of(chunks: dict[bytes, bytes], own: bytes | None, *, grey: bool) -> bytes | None:
    """The profile that says what the chunks say, or the PNG's `own` where that counts; None for sRGB."""
    try:
        codes = chunks.get(b"cICP", b"")
        if codes[:2] == _SRGB_CODES:
            return None
        if len(codes) == 4 and (coded := profile_from_cicp(codes[0], codes[1], grey=grey)):
            return coded
        if own or b"sRGB" in chunks:
            return own
        return _of_gamma(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b""), grey=grey)
    except ValueError:
        return own  # colours that cannot be are ignored


def outranked(chunks: dict[bytes, bytes], own: bytes | None) -> dict[bytes, bytes]:
    """The chunks that count, if `own` is the PNG's profile."""
    return {name: data for name, data in chunks.items() if name == b"cICP" or not own}


def _of_gamma(gamma: bytes, chromaticities: bytes, *, grey: bool) -> bytes | None:
    value = int.from_bytes(gamma, "big")
    if value not in _GAMMAS:
        return None
    primaries = SRGB_PRIMARIES
    if len(chromaticities) == 32:
        x_and_y = [int.from_bytes(chromaticities[at : at + 4], "big") / _UNIT for at in range(0, 32, 4)]
        primaries = Primaries(*zip(x_and_y[::2], x_and_y[1::2], strict=True))
    if _is_srgb(value, primaries):
        return None
    return grey_profile((_UNIT / value,)) if grey else rgb_profile(primaries, (_UNIT / value,))


def _is_srgb(gamma: int, primaries: Primaries) -> bool:
    """As encoders write sRGB: its curve is no power, and 1/2.2 the nearest."""
    near = np.allclose(primaries, SRGB_PRIMARIES, rtol=0, atol=_NEAR_PRIMARIES)
    return near and abs(gamma - _SRGB_GAMMA) <= _NEAR_GAMMA
