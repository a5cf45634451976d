"""Where a deflated stream ends."""

import sys
import zlib

from services.compressor.decoders import inflated


class DeflateStream:
    """A zlib stream that is read piece by piece, in bounded memory. limit: of the bytes that it contains."""

    def __init__(self, limit: int = sys.maxsize) -> None:
        self._inflate = zlib.decompressobj()
        self._left = limit

    def cut(self, piece: memoryview) -> memoryview:
        """The part of the next piece that belongs to the stream. Raises zlib.error, or ValueError above the limit."""
        if self._inflate.eof:
            return piece[:0]
        for content in inflated(self._inflate, piece):
            self._left -= len(content)
            if self._left < 0:
                raise ValueError("the stream contains too much")
        return piece[: len(piece) - len(self._inflate.unused_data)]
