"""Finds the encoding of an upload and decodes its bytes to text. Pure, streaming."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.gateway.catalogue.findings import Finding, shorten
from services.gateway.catalogue.text import Unreadable
from shared.file_types import (
    GIF,
    GZIP,
    OLE,
    PDF,
    PNG,
    POSTSCRIPT,
    RAR,
    SEVEN_ZIP,
    XZ,
    ZIP,
    ZSTD,
    FileType,
    binary_type,
)

Chunks = Callable[[], Iterable[bytes]]
"""Each call returns the file from its beginning, in pieces of any size."""

SAVE_AS = 'Save it in your spreadsheet program as "CSV UTF-8 (comma delimited)" and upload that file.'
_UNPACK = "Unpack it and upload the CSV file."
_LIST_URLS = "Upload a CSV file that lists the URLs of the images."
_UPLOAD_SOURCE = "Upload the CSV file that the document was made from."
_ADVICE = {
    ZIP: SAVE_AS,
    OLE: SAVE_AS,
    GZIP: _UNPACK,
    ZSTD: _UNPACK,
    XZ: _UNPACK,
    RAR: _UNPACK,
    SEVEN_ZIP: _UNPACK,
    PDF: _UPLOAD_SOURCE,
    POSTSCRIPT: _UPLOAD_SOURCE,
}
"""For types other than images and videos."""

_WORKBOOKS = {
    ZIP: "an Excel workbook (.xlsx) or another ZIP archive",
    OLE: "an Excel workbook (.xls) or another Office document",
}
_CUT_SIGNATURES = ((b"\x89PNG", PNG), (b"GIF8", GIF))
"""The rest of the signature is damaged by a transfer as text; no column name begins so."""

_UTF32_MARKS = (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD_BYTES = 64  # more than the header of any binary type needs
_UTF16_HEAD_BYTES = 16
_MIN_BYTES = 8  # four characters; fewer do not prove that a text is UTF-16
_UTF16 = "the file has no byte order mark; it was read as UTF-16 because of its zero bytes"
_CHECK_LETTERS = "Check that accented letters are shown correctly."
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252 (or UTF-8)"}


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """name and bom: as in Dialect. warning: set if the encoding was guessed."""

    name: str
    bom: bool
    warning: Finding | None = None


def find_encoding(chunks: Chunks) -> TextEncoding:
    """The encoding of a text. A text without a byte order mark is read to its end to find out whether it is UTF-8.

    Raises Unreadable for known binary types and for damaged UTF-8: reading that as Windows-1252 would change URLs.
    Bytes that the encoding does not allow are found by `decode`.
    """
    head = _head(chunks())
    if head.startswith(_UTF32_MARKS):
        raise _not_csv("UTF-32 text", SAVE_AS)
    if binary := _binary_type(head):
        raise _not_csv(_WORKBOOKS.get(binary, binary.description), _ADVICE.get(binary, _LIST_URLS))
    for mark, name in _MARKS:
        if head.startswith(mark):
            return TextEncoding(name, bom=True)
    if utf16 := _utf16_by_zeros(head[:_UTF16_HEAD_BYTES]):
        return TextEncoding(utf16, bom=False, warning=Finding(_UTF16, _CHECK_LETTERS, severity="warning"))
    invalid = _first_invalid(chunks())
    if invalid is None:
        return TextEncoding("utf-8", bom=False)
    if invalid.after_utf8:
        raise _damaged(chunks, invalid.place)
    return TextEncoding("cp1252", False, _not_utf8(chunks, invalid.place))


def decode(chunks: Iterable[bytes], name: str, *, bom: bool) -> Iterator[str]:
    """The text without its byte order mark. Raises Unreadable at the first invalid byte and at a NUL."""
    decoder = codecs.getincrementaldecoder(name)()
    read = 0
    for chunk, final in _with_end(chunks):
        start = read - len(decoder.getstate()[0])  # position of the first byte that is decoded now
        read += len(chunk)
        fault: Unreadable | None = None
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            text = error.object[: error.start].decode(name)
            fault = _undecodable(error, name, start)
        if "\0" in text:
            before = text[: text.index("\0")]
            fault = _nul(start + len(before.encode(name)))
            text = before
        if bom and text:
            text, bom = text.removeprefix("\ufeff"), False
        yield text
        if fault:
            raise fault


def _head(chunks: Iterable[bytes]) -> bytes:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    return head[:_HEAD_BYTES]


def _binary_type(head: bytes) -> FileType | None:
    cut = next((kind for signature, kind in _CUT_SIGNATURES if head.startswith(signature)), None)
    return cut or binary_type(head)


def _not_csv(description: str, advice: str) -> Unreadable:
    return Unreadable("file", f"the file is not CSV text: it looks like {description}", advice)


def _with_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def _utf16_by_zeros(head: bytes) -> str | None:
    """In UTF-16, each of a header's first letters has one zero byte."""
    head = head[: len(head) // 2 * 2]
    if len(head) >= _MIN_BYTES:
        if all(head[0::2]) and not any(head[1::2]):
            return "utf-16-le"
        if all(head[1::2]) and not any(head[0::2]):
            return "utf-16-be"
    return None


class _InvalidByte(NamedTuple):
    """place: of the first byte that is not UTF-8. after_utf8: letters beyond ASCII before it are encoded as UTF-8."""

    place: int
    after_utf8: bool


def _first_invalid(chunks: Iterable[bytes]) -> _InvalidByte | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, letters = 0, False
    for chunk, final in _with_end(chunks):
        start = read - len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            return _InvalidByte(start + error.start, letters or not error.object[: error.start].isascii())
        letters = letters or not text.isascii()
        read += len(chunk)
    return None


def _damaged(chunks: Chunks, place: int) -> Unreadable:
    byte, line = _byte_at(chunks(), place), _line_of(chunks(), place)
    return Unreadable(
        "file",
        f"the file is UTF-8 but damaged in line {line:,}: byte {place:,} is 0x{byte:02X}",
        f"Correct that line. {SAVE_AS}",
    )


def _line_of(chunks: Iterable[bytes], place: int) -> int:
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


def _not_utf8(chunks: Chunks, place: int) -> Finding:
    byte = _byte_at(chunks(), place)
    return Finding(
        f"the file is not UTF-8: byte {place:,} is 0x{byte:02X}; it was read as Windows-1252",
        f"{_CHECK_LETTERS} If not: {SAVE_AS}",
        line=_line_of(chunks(), place),
        severity="warning",
    )


def _line_ends(block: bytes) -> int:
    return block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")


def _byte_at(chunks: Iterable[bytes], place: int) -> int:
    for chunk in chunks:
        if place < len(chunk):
            return chunk[place]
        place -= len(chunk)
    raise ValueError(f"no byte {place}")


def _nul(place: int) -> Unreadable:
    return Unreadable("line", f"the file is not CSV text: the character at byte {place:,} is zero", SAVE_AS)


def _undecodable(error: UnicodeDecodeError, name: str, start: int) -> Unreadable:
    before = error.object[max(error.start - 30, 0) : error.start].decode(name, "replace")
    after = error.object[error.start : error.start + 30].decode(name, "replace")
    byte = error.object[error.start]
    return Unreadable(
        "line",
        f"the file is not {_NAMES[name]} text: byte {start + error.start:,} is 0x{byte:02X}",
        f"The file is damaged or in another encoding. {SAVE_AS}",
        shorten(before.rpartition("\n")[2] + after.partition("\n")[0]),
    )
