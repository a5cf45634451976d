"""Undoes the content codings of a body (RFC 9110, section 8.4) within limits of size. Pure.

We ask for `identity`, but some hosts send compressed images all the same: from stores where they were uploaded
compressed, or through servers that compress everything. Labels can be wrong, so the first bytes decide: a body without
the signature of its coding is taken as it is.
"""

import zlib
from collections.abc import Iterator, Sequence

from shared.file_types import binary_type

PIECE_BYTES = 64 * 1024
"""Maximum bytes of a decoded piece. With zlib's window of 32 kB this bounds memory, whatever the data expands to."""

MAX_CODINGS = 2
_SNIFFED_BYTES = 64
_GZIP_SIGNATURE = b"\x1f\x8b"
_AUTOMATIC, _RAW = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS  # the formats of zlib: zlib or gzip by its header; no header
_GZIP, _DEFLATE = frozenset({"gzip", "x-gzip"}), frozenset({"deflate"})
_NOT_UNDONE = frozenset({"br", "zstd", "dcb", "dcz", "compress", "x-compress"})


class CodingError(Exception):
    """The body is not what its Content-Encoding says, or has too many codings."""


class ExpandsTooMuch(Exception):
    """The data has more bytes than allowed, after one of its codings was undone."""


def unknown_codings(header: str) -> list[str]:
    """The registered content codings in a Content-Encoding header that are not undone here."""
    return [coding for coding in _codings(header) if coding in _NOT_UNDONE]


def _codings(header: str) -> list[str]:
    return [each.strip().lower() for each in header.split(",")]


class ContentDecoder:
    """Undoes the codings that a Content-Encoding header lists. Codings that are unknown are passed over.

    needed: whether the header lists a known coding.
    complete: whether the compressed data had its end; always true for data that is not compressed.
    """

    def __init__(self, header: str, max_bytes: int) -> None:
        """Raises CodingError. max_bytes: limit of the data after each coding."""
        known = [coding for coding in _codings(header) if coding in _GZIP | _DEFLATE]
        if len(known) > MAX_CODINGS:
            raise CodingError(f"more than {MAX_CODINGS} content codings")
        self._layers = [_Layer(max_bytes, raw_allowed=coding in _DEFLATE) for coding in reversed(known)]

    @property
    def needed(self) -> bool:
        return bool(self._layers)

    @property
    def complete(self) -> bool:
        return all(layer.complete for layer in self._layers)

    def decode(self, data: bytes) -> Iterator[bytes]:
        """The pieces, some of them empty, to which the next bytes of the body decode.

        Raises CodingError and ExpandsTooMuch.
        """
        return _through(self._layers, data, last=False)

    def finish(self) -> Iterator[bytes]:
        """What is left at the end of the body. Raises as `decode` does."""
        return _through(self._layers, b"", last=True)


class _Layer:
    """One coding. Its first bytes are kept until they show whether it applies."""

    def __init__(self, max_bytes: int, *, raw_allowed: bool) -> None:
        self._left = max_bytes
        self._raw_allowed = raw_allowed
        self._start = b""
        self._decided = False
        self._inflater: zlib._Decompress | None = None

    @property
    def complete(self) -> bool:
        return self._inflater is None or self._inflater.eof

    def decode(self, data: bytes, *, last: bool) -> Iterator[bytes]:
        if not self._decided:
            self._start += data
            if len(self._start) < _SNIFFED_BYTES and not last:
                return
            self._decided, data, self._start = True, self._start, b""
            self._inflater = self._begin(data)
        if self._inflater is None:
            yield data
        else:
            yield from self._inflate(self._inflater, data)

    def _begin(self, start: bytes) -> "zlib._Decompress | None":
        if start.startswith(_GZIP_SIGNATURE) or (self._raw_allowed and _has_zlib_header(start)):
            return zlib.decompressobj(_AUTOMATIC)
        if self._raw_allowed and start and binary_type(start) is None:
            return zlib.decompressobj(_RAW)
        return None

    def _inflate(self, inflater: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        # What follows the end of the compressed data is ignored, as by browsers.
        more = True
        while more and not inflater.eof:
            try:
                piece = inflater.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise CodingError(f"corrupt compressed data: {error}") from error
            self._left -= len(piece)
            if self._left < 0:
                raise ExpandsTooMuch
            data = inflater.unconsumed_tail
            more = bool(data) or len(piece) == PIECE_BYTES
            yield piece


def _has_zlib_header(start: bytes) -> bool:
    """RFC 1950, section 2.2: compression method 8, and a check value."""
    return len(start) > 1 and start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2], "big") % 31 == 0


def _through(layers: Sequence[_Layer], data: bytes, *, last: bool) -> Iterator[bytes]:
    if not layers:
        yield data
        return
    first, *rest = layers
    for piece in first.decode(data, last=last):
        yield from _through(rest, piece, last=False)
    if last:
        yield from _through(rest, b"", last=True)
