"""Decompress zlib streams in bounded memory."""

import zlib
from collections.abc import Iterator

_BYTES_AT_ONCE = 1 << 20


def inflated(stream: "zlib._Decompress", piece: bytes | memoryview) -> Iterator[bytes]:
    """What the next piece of a stream contains, up to the stream's end. Raises zlib.error if it is broken.

    The input of what the caller does not take is `stream.unconsumed_tail`.
    """
    while len(piece) and not stream.eof:
        yield stream.decompress(piece, _BYTES_AT_ONCE)
        piece = stream.unconsumed_tail
