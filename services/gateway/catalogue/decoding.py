"""Decodes the bytes of an upload whose encoding is known, and says where they are wrong. Pure, streaming."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

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


def scan(chunks: Iterable[bytes], codec: str) -> Scan:
    """Read a text to its end or its first invalid byte."""
    decoder = codecs.getincrementaldecoder(codec)()
    read, letters, escapes, tail = 0, False, False, b""
    for chunk, final in _with_end(chunks):
        start = read - len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            return Scan(start + error.start, letters or not error.object[: error.start].isascii(), escapes)
        except UnicodeError:  # an escape of ISO-2022-JP that never ends, at an unknown place of the chunk
            return Scan(start, letters, escapes)
        letters = letters or not text.isascii()
        if b"\x1b" in tail or b"\x1b" in chunk:
            escapes = escapes or _JAPANESE_ESCAPE.search(tail + chunk) is not None
        tail = (tail + chunk[-_ESCAPE_BYTES:])[-_ESCAPE_BYTES:]
        read += len(chunk)
    return Scan(None, letters, escapes)


def decode(chunks: Iterable[bytes], codec: str, *, bom: bool) -> Iterator[str]:
    """The text without its byte order mark. Raises Unreadable at the first invalid byte and at a NUL."""
    decoder = codecs.getincrementaldecoder(codec)()
    read = 0
    for chunk, final in _with_end(chunks):
        start = read - len(decoder.getstate()[0])  # position of the first byte that is decoded now
        read += len(chunk)
        fault: Unreadable | None = None
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            text = error.object[: error.start].decode(codec, "replace")
            fault = _undecodable(error, codec, start)
        except UnicodeError:
            text, fault = "", Unreadable("line", f"the file is not {display_name(codec)} text", _NAME_IT)
        if "\0" in text:
            before = text[: text.index("\0")]
            fault = _nul(start + len(before.encode(codec, "replace")))
            text = before
        if bom and text:
            text, bom = text.removeprefix("\ufeff"), False
        yield text
        if fault:
            raise fault


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


def _undecodable(error: UnicodeDecodeError, codec: str, start: int) -> Unreadable:
    before = error.object[max(error.start - 30, 0) : error.start].decode(codec, "replace")
    after = error.object[error.start : error.start + 30].decode(codec, "replace")
    byte = error.object[error.start]
    return Unreadable(
        "line",
        f"the file is not {display_name(codec)} text: byte {start + error.start:,} is 0x{byte:02X}",
        _NAME_IT,
        shorten(before.rpartition("\n")[2] + after.partition("\n")[0]),
    )
