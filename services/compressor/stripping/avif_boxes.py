"""What items and tracks of an AVIF have in common: handlers, properties, and the bytes that hold pixels."""

from services.compressor.isobmff import Box, Edits
from services.compressor.stripping.av1 import without_metadata
from services.compressor.stripping.kept import Kept

_HANDLER_NAME_AT = 24
_CONFIGURATION_BYTES = 4
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
# The largest content of the properties that viewers apply. They are numbers only.
_MAX_CONTENT = {
    b"ispe": 12,
    b"pixi": 9,
    b"irot": 1,
    b"imir": 1,
    b"clap": 32,
    b"pasp": 8,
    b"a1op": 1,
    b"lsel": 2,
    b"a1lx": 13,
    b"ccst": 8,
    b"clli": 4,
    b"mdcv": 24,
    b"cclv": 40,
    b"amve": 8,
}
_PROFILES, _NCLX_BYTES = (b"prof", b"rICC"), 11


def is_needed(data: bytes, box: Box, kept: Kept) -> bool:
    """Whether a property affects the pixels that are shown."""
    content = data[box.content : box.end]
    if box.name == b"colr":
        return (content[:4] == b"nclx" and len(content) <= _NCLX_BYTES) or (content[:4] in _PROFILES and kept.profile)
    if box.name in (b"auxC", b"auxi"):
        return is_alpha(content)
    return box.name == b"av1C" or len(content) <= _MAX_CONTENT.get(box.name, -1)


def is_alpha(auxiliary_type: bytes) -> bool:
    """Whether the content of an auxC or auxi box says alpha, and nothing else."""
    return auxiliary_type[4:].rstrip(b"\0") in _ALPHA


def blank_configuration(data: bytes, box: Box, edits: Edits) -> None:
    """Blank the metadata in an av1C box."""
    at = box.content + _CONFIGURATION_BYTES
    edits.overwrite(at, without_metadata(data[at : box.end]))


def remove_handler_name(box: Box, edits: Edits) -> None:
    edits.containers.append(box)
    edits.replace(box.content + _HANDLER_NAME_AT, box.end, b"\0")
