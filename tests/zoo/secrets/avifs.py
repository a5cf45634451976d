"""AVIFs with secrets."""

import re

from services.compressor.isobmff import Edits, boxes
from tests.support.boxes import box
from tests.zoo.secrets.planted import secret

_CONTAINERS = {
    b"meta": 4,
    b"iinf": 6,
    b"iprp": 0,
    b"ipco": 0,
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
}


def avif(plain: bytes) -> bytes:
    """Secrets are added to each container of boxes, to the names of handlers and items, and around the pixels."""
    edits = Edits(plain)

    def plant(start: int, end: int) -> None:
        for each in boxes(plain, start, end):
            if each.name in _CONTAINERS:
                edits.containers.append(each)
                first = each.content + _CONTAINERS[each.name]
                if each.name not in (b"iprp", b"iinf"):
                    added = b"udes" if each.name == b"ipco" else b"udta"
                    # Properties are counted, and the handler comes first.
                    at = {b"ipco": each.end, b"meta": next(boxes(plain, first, each.end)).end}.get(each.name, first)
                    edits.replace(at, at, box(added, secret(f"in {each.name.decode()}")))
                plant(first, each.end)
            elif each.name == b"hdlr":
                edits.containers.append(each)
                edits.replace(each.content + 24, each.end, secret("handler") + b"\0")
            elif each.name == b"infe" and plain[each.content + 8 : each.content + 12] == b"av01":
                edits.containers.append(each)
                edits.replace(each.content + 12, each.end, secret("item") + b"\0")
            elif each.name == b"mdat":
                edits.containers.append(each)
                edits.replace(each.content, each.content, secret("before the pixels"))

    plant(0, len(plain))
    _move_pixels(plain, edits)
    planted = edits.applied()
    compressor = planted.find(b"av01", planted.find(b"stsd")) + 4 + 42
    if b"stsd" in planted:
        planted = planted[:compressor] + secret("compressor name").ljust(32, b"\0") + planted[compressor + 32 :]
    around = b"".join(box(name, secret(f"box {name.decode()}")) for name in (b"free", b"skip", b"uuid", b"udta"))
    return planted + around + secret("trailing data")


def _move_pixels(avif: bytes, edits: Edits) -> None:
    """Write all offsets anew, which libavif writes in 4 bytes: those of items after 6 other bytes, with a length."""
    for match in re.finditer(rb"iloc|stco", avif):
        at = match.end()
        count = int.from_bytes(avif[at + 6 : at + 8], "big")
        first, step = (at + 14, 14) if match[0] == b"iloc" else (at + 8, 4)
        for place in range(first, first + step * count, step):
            edits.move_offset(place, 4, int.from_bytes(avif[place : place + 4], "big"))
