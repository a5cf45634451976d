"""How a JPEG was encoded, from its header. Source: ITU T.81, annexes B and K."""

from collections.abc import Iterator

from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.opening.picture import JpegSource

_TABLES, _SCAN, _END = 0xC4, 0xDA, b"\xff\xd9"
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_ARITHMETIC = frozenset(range(0xC9, 0xD0)) - {0xCC}

# How many codes of each length the tables of annex K have, which encoders use that do not make their own.
_USUAL_CODES = frozenset(
    bytes(counts)
    for counts in (
        (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0),
        (0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0),
        (0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125),
        (0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119),
    )
)


def jpeg_source(image: JpegImageFile, original: bytes) -> JpegSource | None:
    """Of a JPEG that decodes; None if it has no tables of its own."""
    layers = image.layer
    tables = [tuple(image.quantization.get(layer[3], ())) for layer in layers]
    if not tables or not all(tables[:2]):
        return None
    fitted, scan = False, len(original)
    for marker, start, end in _segments(original):
        fitted |= marker in _ARITHMETIC or (marker == _TABLES and not _has_usual_codes(original[start:end]))
        scan = end
    last = original.find(_END, scan)  # a camera's further pictures may follow
    colour = len(layers) == 3
    return JpegSource(
        tables=(tables[0], tables[1] if colour else tables[0]),
        subsampling=(layers[0][1] // layers[1][1], layers[0][2] // layers[1][2]) if colour else (1, 1),
        progressive="progressive" in image.info,
        fitted_huffman=fitted,
        scan_bytes=(last if last > 0 else len(original)) - scan,
    )


def _segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the content of each segment, up to and with the first scan's header."""
    at, marker = 2, 0
    while marker != _SCAN and 0 <= (at := jpeg.find(b"\xff", at)) < len(jpeg) - 3:
        marker = jpeg[at + 1]
        at += 1
        if marker in {0x00, 0xFF} or marker in _WITHOUT_LENGTH:
            continue
        end = at + 1 + int.from_bytes(jpeg[at + 1 : at + 3], "big")
        yield marker, at + 3, end
        at = end


def _has_usual_codes(tables: bytes) -> bool:
    at = 0
    while at + 17 <= len(tables):
        counts = tables[at + 1 : at + 17]
        if counts not in _USUAL_CODES:
            return False
        at += 17 + sum(counts)
    return True
