"""Which encoding an upload is in, and its bytes as text. Pure, streaming."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.gateway.catalogue.findings import Finding, cut
from services.gateway.catalogue.text import Unreadable
from shared.file_types import GIF, GZIP, JPEG, OLE, PDF, PNG, RIFF, WEBP, XZ, ZIP, ZSTD, FileType, file_type

Chunks = Callable[[], Iterable[bytes]]
"""Gives the file from its beginning each time it is called, in pieces of any size."""

SAVE_AS = 'Save it from your spreadsheet as "CSV UTF-8 (comma delimited)" and upload that.'
_UNPACK = "Unpack it and upload the CSV file itself."
_LIST_URLS = "Upload the CSV file that lists the images' URLs."
_REFUSED: dict[FileType, tuple[str, str]] = {
    ZIP: ("an Excel workbook (.xlsx) or another ZIP archive", SAVE_AS),
    OLE: ("an Excel workbook (.xls) or another Office document", SAVE_AS),
    GZIP: ("gzip-compressed", _UNPACK),
    ZSTD: ("zstd-compressed", _UNPACK),
    XZ: ("xz-compressed", _UNPACK),
    JPEG: (JPEG.description, _LIST_URLS),
    PNG: (PNG.description, _LIST_URLS),
    GIF: (GIF.description, _LIST_URLS),
    WEBP: (WEBP.description, _LIST_URLS),
    RIFF: (RIFF.description, _LIST_URLS),
    PDF: (PDF.description, "Upload the CSV file that the document was made from."),
}
"""What the file looks like, and the advice. Types whose signatures a column name may begin with are absent."""

_UTF32_MARKS = (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)
_UTF32 = ("UTF-32 text", SAVE_AS)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD_BYTES = 16
_MIN_BYTES = 8  # four characters: fewer zero bytes between others do not make a text UTF-16
_UTF16 = "the file was read as UTF-16, as its zero bytes suggest; it has no byte order mark"
_CHECK = "See that its letters are the right ones."
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252 (or UTF-8)"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """name and bom as in Dialect. warning: what is odd about it."""

    name: str
    bom: bool
    warning: Finding | None = None


def find_encoding(chunks: Chunks) -> Encoding:
    """The encoding of a text. Without a mark at its beginning all of it is read, to see whether it is UTF-8.

    Raises Unreadable for what is known to be no text, and for UTF-8 with a fault in it: read as anything else, its
    URLs would be others. Whether all of it can be decoded shows when it is.
    """
    head = _head(chunks())
    refused = _UTF32 if head.startswith(_UTF32_MARKS) else _REFUSED.get(file_type(head))
    if refused:
        description, advice = refused
        raise Unreadable("file", f"the file is not CSV text: it looks like {description}", advice)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, bom=True)
    if utf16 := _utf16_by_its_zeros(head):
        return Encoding(utf16, bom=False, warning=Finding(_UTF16, _CHECK, severity="warning"))
    fault = _first_fault(chunks())
    if fault is None:
        return Encoding("utf-8", bom=False)
    if fault.behind_utf8:
        raise _damaged(chunks, fault.place)
    return Encoding("cp1252", False, _not_utf8(chunks, fault.place))


def decode(chunks: Iterable[bytes], name: str, *, bom: bool) -> Iterator[str]:
    """The text, without its mark. Raises Unreadable at the first bytes that are none, and at a NUL."""
    decoder = codecs.getincrementaldecoder(name)()
    read = 0
    for chunk, final in _with_end(chunks):
        start = read - len(decoder.getstate()[0])  # where the bytes begin that are decoded now
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


def _with_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def _utf16_by_its_zeros(head: bytes) -> str | None:
    """A header begins with letters that have a zero byte each in UTF-16."""
    head = head[: len(head) // 2 * 2]
    if len(head) >= _MIN_BYTES:
        if all(head[0::2]) and not any(head[1::2]):
            return "utf-16-le"
        if all(head[1::2]) and not any(head[0::2]):
            return "utf-16-be"
    return None


class _Fault(NamedTuple):
    """place: of the first byte that cannot be UTF-8. behind_utf8: there are letters before it that only UTF-8 has."""

    place: int
    behind_utf8: bool


def _first_fault(chunks: Iterable[bytes]) -> _Fault | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, letters = 0, False
    for chunk, final in _with_end(chunks):
        start = read - len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            return _Fault(start + error.start, letters or not error.object[: error.start].isascii())
        letters = letters or not text.isascii()
        read += len(chunk)
    return None


def _damaged(chunks: Chunks, place: int) -> Unreadable:
    byte, line = _byte_at(chunks(), place), _line_of(chunks(), place)
    return Unreadable(
        "file",
        f"the file is UTF-8, but damaged in line {line:,}: byte {place:,} is 0x{byte:02X}",
        f"Write that line anew. {SAVE_AS}",
    )


def _line_of(chunks: Iterable[bytes], place: int) -> int:
    """The number of the line that the byte at `place` is in."""
    line, tail, left = 1, b"", place
    rest = iter(chunks)
    while left and (chunk := next(rest, b"")):
        # A CR and its LF may be in two chunks: the end of the one is counted with the next.
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
        f"See that its letters are the right ones. If they are not: {SAVE_AS}",
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
        f"It is damaged there, or in another encoding. {SAVE_AS}",
        cut(before.rpartition("\n")[2] + after.partition("\n")[0]),
    )
