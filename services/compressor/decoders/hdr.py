"""Find out whether a picture has a high dynamic range: the transfer function PQ or HLG of ITU-R BT.2100. Pure.

A PNG says so in its chunk cICP, an AVIF in its container, and any file in an ICC profile with the tag cicp.
"""

from typing import NamedTuple

from services.compressor.decoders.cicp import PRIMARIES

PQ, HLG = 16, 18  # ITU-T H.273, table 3
_PNG_NITS = 10_000  # mDCV and cLLI count in units of 0.0001 nits (PNG, third edition, 11.3.2.7 and 11.3.2.8)
_TAGS_AT, _TAG_ENTRY_BYTES = 128, 12
_MAX_TAGS = 100


class Hdr(NamedTuple):
    """A colour space of high dynamic range.

    primaries, transfer: CICP. peak: of the content in nits, if the file says so. in_profile: it is defined by the
    ICC profile, so every format that contains one can contain this picture.
    """

    primaries: int
    transfer: int
    peak: int | None = None
    in_profile: bool = False


def hdr_of_png(chunks: dict[bytes, bytes]) -> Hdr | None:
    """By the chunks that define a PNG's colours."""
    cicp, light, mastering = (chunks.get(name, b"") for name in (b"cICP", b"cLLI", b"mDCV"))
    if len(cicp) != 4:
        return None
    peak = _number(light[:4]) // _PNG_NITS or _number(mastering[16:20]) // _PNG_NITS
    return _hdr(cicp[0], cicp[1], peak)


def hdr_of_avif(properties: dict[bytes, bytes]) -> Hdr | None:
    """By the properties of an AVIF's primary picture (ISO 23008-12, 6.5.5; ISO 14496-12, 12.1.5)."""
    colour, light, mastering = (properties.get(name, b"") for name in (b"colrnclx", b"clli", b"mdcv"))
    peak = _number(light[:2]) or _number(mastering[16:20]) // 10_000
    return _hdr(_number(colour[:2]), _number(colour[2:4]), peak)


def hdr_of_profile(profile: bytes | None) -> Hdr | None:
    """By the tag cicp of an ICC profile (ICC.1:2022, 9.2.17 and 10.3)."""
    if not profile:
        return None
    count = min(_number(profile[_TAGS_AT : _TAGS_AT + 4]), _MAX_TAGS)
    for at in range(_TAGS_AT + 4, _TAGS_AT + 4 + count * _TAG_ENTRY_BYTES, _TAG_ENTRY_BYTES):
        if profile[at : at + 4] == b"cicp":
            start = _number(profile[at + 4 : at + 8])
            primaries, transfer = profile[start + 8 : start + 9], profile[start + 9 : start + 10]
            found = _hdr(_number(primaries), _number(transfer), 0)
            return found and found._replace(in_profile=True)
    return None


def _hdr(primaries: int, transfer: int, peak: int) -> Hdr | None:
    if transfer not in (PQ, HLG) or primaries not in PRIMARIES:
        return None
    return Hdr(primaries, transfer, peak or None)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
