"""Where a deflated stream ends."""

import zlib

_INFLATE_BYTES = 1 << 20


class DeflateStream:
    """A zlib stream that is read piece by piece, in bounded memory."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj()

    def cut(self, piece: memoryview) -> memoryview:
        """The part of the next piece that belongs to the stream. Raises zlib.error."""
        if self._inflate.eof:
            return piece[:0]
        rest: bytes | memoryview = piece
        while len(rest) and not self._inflate.eof:
            self._inflate.decompress(rest, _INFLATE_BYTES)
            rest = self._inflate.unconsumed_tail
        return piece[: len(piece) - len(self._inflate.unused_data)]
