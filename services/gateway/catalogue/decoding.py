"""Decodes the bytes of an upload whose encoding is known, and says where they are wrong. Pure, streaming."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.gateway.catalogue.charsets import display_name
from services.gateway.catalogue.findings import shorten
from services.gateway.catalogue.text import Unreadable

Chunks = Callable[[], Iterable[bytes]]
"""Each call returns the file from its beginning, in pieces of any size."""

SAVE_AS = 'Save it in your spreadsheet program as "CSV UTF-8 (comma delimited)" and upload that file.'
_NAME_IT = f"The file is damaged or in another encoding. Name that with the option encoding, or: {SAVE_AS}"
_JAPANESE_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\([IJ])")
_ESCAPE_BYTES = 3


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text read in one encoding holds up to its first invalid byte.

    invalid: place of that byte; None if all are valid. letters: whether there are characters beyond ASCII.
    japanese_escapes: whether there are the escapes of ISO-2022-JP, which consists of ASCII bytes.
    """

    invalid: int | None
    letters: bool
    japanese_escapes: bool


class _Piece(NamedTuple):
    """A part of the text. start: place of its first byte. read: the bytes with which it was completed.

    error: why the bytes after it cannot be decoded; it is then the last one.
    """

    start: int
    text: str
    read: bytes
    error: UnicodeError | None = None


def scan(chunks: Iterable[bytes], codec: str) -> Scan:
    """Read a text to its end or its first invalid byte."""
    letters, escapes, tail = False, False, b""
    for start, text, read, error in _pieces(chunks, codec):
        letters = letters or not text.isascii()
        if error:
            return Scan(start + _valid_bytes(error), letters, escapes)
        if b"\x1b" in tail or b"\x1b" in read:
            escapes = escapes or _JAPANESE_ESCAPE.search(tail + read) is not None
        tail = (tail + read[-_ESCAPE_BYTES:])[-_ESCAPE_BYTES:]
    return Scan(None, letters, escapes)


def decode(chunks: Iterable[bytes], codec: str, *, bom: bool) -> Iterator[str]:
    """The text without its byte order mark. Raises Unreadable at the first invalid byte and at a NUL."""
    for start, decoded, _, error in _pieces(chunks, codec):
        text, zero, _ = decoded.partition("\0")
        fault: Unreadable | None = None
        if zero:
            fault = _nul(start + len(text.encode(codec, "replace")))
        elif error:
            fault = _undecodable(error, codec, start)
        if bom and text:
            text, bom = text.removeprefix("\ufeff"), False
        yield text
        if fault:
            raise fault


def _pieces(chunks: Iterable[bytes], codec: str) -> Iterator[_Piece]:
    """The text up to its first invalid byte."""
    decoder = codecs.getincrementaldecoder(codec)()
    read = 0
    for chunk, final in _with_end(chunks):
        start = read - len(decoder.getstate()[0])
        read += len(chunk)
        try:
            text = decoder.decode(chunk, final)
        except UnicodeError as error:
            valid = error.object[: error.start] if isinstance(error, UnicodeDecodeError) else b""
            yield _Piece(start, valid.decode(codec, "replace"), chunk, error)
            return
        yield _Piece(start, text, chunk)


def _valid_bytes(error: UnicodeError) -> int:
    """How many bytes of a chunk can be decoded; 0 for an escape of ISO-2022-JP that never ends, at an unknown place."""
    return error.start if isinstance(error, UnicodeDecodeError) else 0


def byte_at(chunks: Iterable[bytes], place: int) -> int:
    """The byte at `place`, from 0."""
    for chunk in chunks:
        if place < len(chunk):
            return chunk[place]
        place -= len(chunk)
    raise ValueError(f"no byte {place}")


def line_of(chunks: Iterable[bytes], place: int) -> int:
    """The number of the line that the byte at `place` is in."""
    line, tail, left = 1, b"", place
    rest = iter(chunks)
    while left and (chunk := next(rest, b"")):
        # A CR and its LF may be in two chunks, so a CR at a chunk's end is counted with the next chunk.
        block = tail + chunk[:left]
        left -= len(chunk[:left])
        end = len(block) - block.endswith(b"\r") if left else len(block)
        line += _line_ends(block[:end])
        tail = block[end:]
    return line


def _with_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def _line_ends(block: bytes) -> int:
    return block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")


def _nul(place: int) -> Unreadable:
    return Unreadable("line", f"the file is not CSV text: the character at byte {place:,} is zero", SAVE_AS)


def _undecodable(error: UnicodeError, codec: str, start: int) -> Unreadable:
    problem = f"the file is not {display_name(codec)} text"
    if not isinstance(error, UnicodeDecodeError):
        return Unreadable("line", problem, _NAME_IT)
    before = error.object[max(error.start - 30, 0) : error.start].decode(codec, "replace")
    after = error.object[error.start : error.start + 30].decode(codec, "replace")
    byte = error.object[error.start]
    return Unreadable(
        "line",
        f"{problem}: byte {start + error.start:,} is 0x{byte:02X}",
        _NAME_IT,
        shorten(before.rpartition("\n")[2] + after.partition("\n")[0]),
    )
