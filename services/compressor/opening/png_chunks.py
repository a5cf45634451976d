"""The chunks of a PNG that say which colours its numbers are. Without them a picture may look darker or duller."""

_SIGNATURE_BYTES = 8
_COLOUR = frozenset({b"gAMA", b"cHRM", b"sRGB", b"cICP"})  # iCCP is Pillow's to read and write


def colour_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Type and data of each colour chunk, in the order of the file. The PNG must be one that decodes."""
    found = []
    at = _SIGNATURE_BYTES
    while (name := png[at + 4 : at + 8]) not in (b"IDAT", b""):
        length = int.from_bytes(png[at : at + 4], "big")
        if name in _COLOUR:
            found.append((name, png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found
