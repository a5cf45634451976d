"""Find out from a JPEG's headers how it was encoded. Source: ITU T.81, annex K."""

from collections.abc import Sequence

from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.decoders.jpeg_segments import (
    HUFFMAN_TABLES,
    START_OF_SCAN,
    iter_jpeg_segments,
    scan_data_end,
)
from services.compressor.decoders.picture import JpegSource

_MARKER_AND_LENGTH = 4
_ARITHMETIC = frozenset(range(0xC9, 0xD0)) - {0xCC}

# How many codes of each length the example tables of annex K have. Encoders that do not optimise use these tables.
_STANDARD_CODE_COUNTS = frozenset(
    bytes(counts)
    for counts in (
        (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0),
        (0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0),
        (0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125),
        (0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119),
    )
)


def jpeg_source(image: JpegImageFile, original: bytes) -> JpegSource | None:
    """How a valid JPEG was encoded; None if it is CMYK or lacks quantisation tables."""
    layers = image.layer
    tables = [tuple(image.quantization.get(layer[3], ())) for layer in layers]
    if len(layers) not in (1, 3) or not all(tables[:2]):
        return None
    colour = len(layers) == 3
    return JpegSource(
        tables=(tables[0], tables[1] if colour else tables[0]),
        subsampling=(_subsampling(layers, 1), _subsampling(layers, 2)) if colour else (1, 1),
        progressive="progressive" in image.info,
        optimised_huffman=_has_optimised_codes(original),
        scan_bytes=_scan_bytes(original),
    )


def _subsampling(layers: Sequence[tuple[int, ...]], axis: int) -> int:
    """The finer one, if the two chrominances differ."""
    return max(1, layers[0][axis] // max(layers[1][axis], layers[2][axis]))


def _has_optimised_codes(jpeg: bytes) -> bool:
    for marker, start, end in iter_jpeg_segments(jpeg):
        if marker == START_OF_SCAN:
            return False
        if marker in _ARITHMETIC or (marker == HUFFMAN_TABLES and not _has_standard_codes(jpeg[start:end])):
            return True
    return False


def _scan_bytes(jpeg: bytes) -> int:
    """The bytes of all scans, with the headers and tables between them, without anything after the picture's end."""
    total = 0
    for marker, start, end in iter_jpeg_segments(jpeg):
        if total and marker in (START_OF_SCAN, HUFFMAN_TABLES):
            total += end - start + _MARKER_AND_LENGTH
        if marker == START_OF_SCAN:
            total += scan_data_end(jpeg, end) - end
    return total


def _has_standard_codes(tables: bytes) -> bool:
    at = 0
    while at + 17 <= len(tables):
        counts = tables[at + 1 : at + 17]
        if counts not in _STANDARD_CODE_COUNTS:
            return False
        at += 17 + sum(counts)
    return True
